package html

import (
	"regexp"
	"strings"

	"tracemigrate/cmd/tracemigrate/output/plain"
)

// A long word may break after these characters; a short one moves to the next line as a whole.
var (
	longWord  = regexp.MustCompile(`\S{24,}`)
	separator = regexp.MustCompile(`[._/:=]+`)
)

// pieces splits a text where a line may end within a long word. The page's script splits the
// same way.
func pieces(text string) []string {
	var out []string
	start := 0
	for _, word := range longWord.FindAllStringIndex(text, -1) {
		for _, at := range separator.FindAllStringIndex(text[word[0]:word[1]-1], -1) {
			end := word[0] + at[1]
			out, start = append(out, text[start:end]), end
		}
	}
	return append(out, text[start:])
}

// A line of a command must not break within a short word that has dashes, nor after the dashes
// of a flag.
var (
	dashed   = regexp.MustCompile(`(^|\s)([^\s'"]*-[^\s'"]*)`)
	flagName = regexp.MustCompile(`^--?[a-z0-9]+`)
)

// command splits a command into words that stay whole, and the rest.
func command(text string) []phrase {
	const most = 23 // bytes of a word that fits a line of a phone
	var out phrases
	end := 0
	for _, m := range dashed.FindAllStringSubmatchIndex(text, -1) {
		word := text[m[4]:m[5]]
		if len(word) > most {
			word = flagName.FindString(word)
		}
		if word == "" || len(word) > most {
			continue
		}
		out.add(text[end:m[4]], false)
		out.add(word, true)
		end = m[4] + len(word)
	}
	out.add(text[end:], false)
	return out
}

// phrase is a part of a sentence.
type phrase struct {
	Text string
	Code bool // something to type, or a name in a file
}

// codeWord finds code in words: a flag, and a tag with its value.
var codeWord = regexp.MustCompile(`(^|[\s(])(--[a-z][a-z0-9-]*|kuma\.io/[a-z][a-z0-9-]*(=[^\s,;()]+(, [\w./-]+=[^\s,;()]+)*)?)`)

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
