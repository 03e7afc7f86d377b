package output

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A line that is wrapped keeps the two spaces between its columns.
func TestWrapKeepsColumns(t *testing.T) {
	for line, want := range map[string]string{
		"different  code  2 proxies: default/web-1": "different  code  2 proxies:\n    default/web-1\n",
		"  code  a.path.that.is.long: 1 -> 2":       "  code  a.path.that.is.long: 1\n      -> 2\n",
		"x " + strings.Repeat("y", 40):              "x\n    " + strings.Repeat("y", 30) + "\n    yyyyyyyyyy\n",
		strings.Repeat("\u4e2d", 20):                strings.Repeat("\u4e2d", 15) + "\n    " + strings.Repeat("\u4e2d", 5) + "\n",
	} {
		var out bytes.Buffer
		NewPrinter(&out, 34, false).Line("%s", line)
		assert.Equal(t, want, out.String())
	}
}

// A table colours severities and verdicts, and no name.
func TestTableColours(t *testing.T) {
	for header, want := range map[string]string{
		"VERDICT": "\x1b[31;1mdifferent\x1b[0m  x", "SEVERITY": "different  x", "MESH": "different  x",
	} {
		var out bytes.Buffer
		NewPrinter(&out, 80, true).table([]string{header, "B"}, [][]string{{"different", "x"}})
		assert.Contains(t, out.String(), want, header)
		assert.Equal(t, header == "VERDICT", strings.Contains(out.String(), "\x1b["), header)
	}
}
