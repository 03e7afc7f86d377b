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
