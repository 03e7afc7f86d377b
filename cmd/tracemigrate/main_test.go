package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
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
