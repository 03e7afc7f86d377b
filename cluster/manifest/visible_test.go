package manifest

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"web-1 \u00e4 \u4e16":     "web-1 \u00e4 \u4e16",
		"a\nb":                    "a\ufffdb",
		"\x1b[31m":                "\ufffd[31m",
		"\u202eevil\u2066":        "\ufffdevil\ufffd", // change the direction of text
		"a\u200bb\ufeffc\u00adn":  "a\ufffdb\ufffdc\ufffdn",
		"a\u3164b\u115fc\u034fd":  "a\ufffdb\ufffdc\ufffdd", // fillers, which are letters and marks
		"a\ufe0fb\U000e0101c":     "a\ufffdb\ufffdc",        // variation selectors
		"a\U000e0041b\u00a0c\xff": "a\ufffdb\ufffdc\ufffd",
	} {
		assert.Equal(t, want, Visible(text), "%q", text)
	}
}
