package plain

import "strings"

// CutSpan cuts a sentence around the first of the spans that it has between backticks. span
// is empty if it has none.
func CutSpan(sentence string, spans []string) (before, span, after string) {
	at := len(sentence)
	for _, one := range spans {
		if i := strings.Index(sentence, "`"+one+"`"); one != "" && i >= 0 && (i < at || i == at && len(one) > len(span)) {
			at, span = i, one
		}
	}
	if span == "" {
		return sentence, "", ""
	}
	return sentence[:at], span, sentence[at+len(span)+2:]
}

// Backticked returns what a sentence has between backticks, for one without text of the
// input.
func Backticked(sentence string) []string {
	var spans []string
	parts := strings.Split(sentence, "`")
	for i := 1; i+1 < len(parts); i += 2 {
		spans = append(spans, parts[i])
	}
	return spans
}
