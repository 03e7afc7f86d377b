package plain

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Text of the input cannot steer the terminal, nor pretend to be a line.
func TestClean(t *testing.T) {
	assert.Equal(t, "a\uFFFD[31m\uFFFDb\uFFFDc\uFFFD", Clean("a\x1b[31m\nb\u202ec\x00"))
	assert.Len(t, Clean(strings.Repeat("ü", 5000)), 2003)
}
