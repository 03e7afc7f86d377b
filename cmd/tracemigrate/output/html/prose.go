package html

import (
	"regexp"
	"strings"
)

// phrase is a part of a sentence.
type phrase struct {
	Text string
	Code bool // something to type, or a name in a file
}

// codeWord finds code in a sentence: text between backticks, a flag, and a tag with its
// value.
var codeWord = regexp.MustCompile("`[^`\n]+`" + `|(^|[\s(])(--[a-z][a-z0-9-]*|kuma\.io/[a-z][a-z-]*(=[^\s,;()]+(, [\w./-]+=[^\s,;()]+)*)?)`)

// prose splits a sentence into words and code.
func prose(text string) []phrase {
	var out []phrase
	add := func(text string, code bool) {
		if text != "" {
			out = append(out, phrase{text, code})
		}
	}
	end := 0
	for _, m := range codeWord.FindAllStringSubmatchIndex(text, -1) {
		if m[4] < 0 { // between backticks
			add(text[end:m[0]], false)
			add(text[m[0]+1:m[1]-1], true)
			end = m[1]
			continue
		}
		code := strings.TrimRight(text[m[4]:m[5]], ".:")
		add(text[end:m[4]], false)
		add(code, true)
		end = m[4] + len(code)
	}
	add(text[end:], false)
	return out
}
