package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/urfave/cli/v2"
)

func TestWrapHelpLine(t *testing.T) {
	for line, want := range map[string]string{
		"   --qps NUMBER  NUMBER of requests a second": "   --qps NUMBER  NUMBER of requests\n                 a second",
		"   --a-long-flag NUMBER  NUMBER of requests":  "   --a-long-flag NUMBER\n          NUMBER of requests",
		"   short  line": "   short  line",
		"one column that is longer than what there is": "one column that is longer than what there is",
	} {
		assert.Equal(t, want, wrapHelpLine(line, 36))
	}
}

// Descriptions are not wrapped, so they fit in 80 columns behind their indentation.
func TestDescriptionsFit(t *testing.T) {
	for _, command := range []*cli.Command{convertCommand(), diffCommand(), explainCommand(), reportCommand(), planCommand(), verifyCommand(), rewriteCommand(), snapshotCommand(), upgradeCheckCommand()} {
		for line := range strings.Lines(command.Description) {
			assert.LessOrEqual(t, len(line), 78, "%s: %s", command.Name, line)
		}
	}
}
