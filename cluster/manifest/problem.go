package manifest

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Severity says how much a Problem matters.
type Severity string

// An error stops the run, a warning is told, an info explains.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// Place is where something stands.
type Place struct {
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"`     // 1-based; 0 when the whole file is meant
	Document int    `json:"document,omitempty"` // 1-based within the file
}

// String is "file:line", as compilers write it and editors open it.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Compare orders places by file, then line.
func (p Place) Compare(q Place) int {
	return cmp.Or(strings.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line))
}

// Problem is something wrong with the input: where, with what, and what to do.
type Problem struct {
	Place
	Severity Severity
	Code     string // names the kind of a warning or info; empty for errors
	Resource string // such as `Mesh "default"`; empty when it could not be told
	Message  string // the field, what is wrong with it and what to do
}

// Error is the whole of it in one line.
func (p *Problem) Error() string {
	if p.Resource == "" {
		return fmt.Sprintf("%s: %s", p.Place, p.Message)
	}
	return fmt.Sprintf("%s: %s: %s", p.Place, p.Resource, p.Message)
}

// SortProblems returns problems in the order of files and lines, without
// repetitions, so that parallel reading has no say in the output.
func SortProblems(problems []*Problem) []*Problem {
	ordered := slices.Clone(problems)
	slices.SortStableFunc(ordered, func(a, b *Problem) int {
		return cmp.Or(a.Compare(b.Place), strings.Compare(a.Resource, b.Resource), strings.Compare(a.Message, b.Message), strings.Compare(string(a.Severity), string(b.Severity)))
	})
	return slices.CompactFunc(ordered, func(a, b *Problem) bool { return *a == *b })
}

var (
	userInfo = regexp.MustCompile(`://[^\s"<>]*@`)
	bearer   = regexp.MustCompile(`([Bb]earer) [\w.~+/=-]{12,}`)
	query    = regexp.MustCompile(`(://[^\s"<>?]*)\?[^\s"<>]*[^\s"'<>).,;:]`) // but for what ends a sentence
)

// RedactURL removes user, password, query and fragment from what is meant for a
// url, and may be none: then all is removed that could have been one of these,
// and what is left is no url either.
func RedactURL(text string) string {
	rest, hidden := text, ""
	if i := strings.IndexAny(rest, "?#"); i >= 0 && i < len(rest)-1 {
		rest, hidden = rest[:i], rest[i:i+1]+"REDACTED"
	}
	begin := 0
	if i := strings.Index(rest, "//"); i >= 0 {
		begin = len(rest) - len(strings.TrimLeft(rest[i:], "/"))
	}
	authority, user := rest[begin:], "REDACTED"
	u, err := url.Parse(rest)
	switch {
	case err != nil:
		user = "%REDACTED" // no valid escape
	case u.Host != "":
		authority, _, _ = strings.Cut(authority, "/")
	}
	// What was redacted before stays as it is, also where it parses otherwise now.
	if at := strings.LastIndex(authority, "@"); at >= 0 && strings.TrimPrefix(authority[:at], "%") != "REDACTED" {
		rest = rest[:begin] + user + rest[begin+at:]
	}
	_, wrong := url.Parse(text)
	_, stillWrong := url.Parse(rest + hidden)
	if (wrong != nil || strings.ContainsAny(text, " ")) && stillWrong == nil && hidden != "" {
		rest += "%" // as it was no url for what is hidden
	}
	return rest + hidden
}

// Redact removes user, password and query from urls in a text, and the tokens of
// Authorization headers.
func Redact(text string) string {
	if strings.Contains(text, "Bearer ") || strings.Contains(text, "bearer ") {
		text = bearer.ReplaceAllString(text, "$1 REDACTED")
	}
	if !strings.Contains(text, "://") {
		return text
	}
	if strings.Contains(text, "@") {
		text = userInfo.ReplaceAllString(text, "://REDACTED@")
	}
	if strings.Contains(text, "?") {
		text = query.ReplaceAllString(text, "$1?REDACTED")
	}
	return text
}
