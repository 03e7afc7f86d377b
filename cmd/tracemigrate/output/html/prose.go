package html

import (
	"regexp"
	"strings"

	"tracemigrate/cmd/tracemigrate/output/plain"
)

// phrase is a part of a sentence.
type phrase struct {
	Text string
	Code bool // something to type, or a name in a file
}

// codeWord finds code in words: a flag, and a tag with its value.
var codeWord = regexp.MustCompile(`(^|[\s(])(--[a-z][a-z0-9-]*|kuma\.io/[a-z][a-z-]*(=[^\s,;()]+(, [\w./-]+=[^\s,;()]+)*)?)`)

// prose splits a sentence into words and code. The spans, which the sentence has between
// backticks, are code; other backticks are text of the input.
func prose(text string, spans []string) []phrase {
	var out phrases
	for {
		before, span, after := plain.CutSpan(text, spans)
		out.words(before)
		if span == "" {
			return out
		}
		out.add(span, true)
		text = after
	}
}

type phrases []phrase

func (out *phrases) add(text string, code bool) {
	if text != "" {
		*out = append(*out, phrase{text, code})
	}
}

// words adds text without spans.
func (out *phrases) words(text string) {
	end := 0
	for _, m := range codeWord.FindAllStringSubmatchIndex(text, -1) {
		code := strings.TrimRight(text[m[4]:m[5]], ".:")
		out.add(text[end:m[4]], false)
		out.add(code, true)
		end = m[4] + len(code)
	}
	out.add(text[end:], false)
}
