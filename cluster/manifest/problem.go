package manifest

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Severity is how much a Problem matters.
type Severity string

// An error stops the run; a warning is printed; an info explains.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// Place is a line of a file.
type Place struct {
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"`     // 1-based; 0 when the whole file is meant
	Document int    `json:"document,omitempty"` // 1-based within the file
}

// String returns "file:line", the form that compilers write and editors open.
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

// Subject is what a problem concerns: a resource, or Other for anything else. It is
// empty when unknown.
type Subject struct {
	Kind, Name, Mesh string
	Other            string
}

// maxName is the maximum length of a name in a message, in bytes: that of the longest
// name on Kubernetes.
const maxName = 253

// String names the subject in a message: `TrafficTrace "all" of mesh "shop"`.
func (s Subject) String() string {
	if s.Kind == "" {
		return s.Other
	}
	text := strconv.AppendQuote(append(append(make([]byte, 0, 64), s.Kind...), ' '), cutName(s.Name))
	if s.Kind != "Mesh" && s.Mesh != "" && s.Mesh != "default" {
		text = strconv.AppendQuote(append(text, " of mesh "...), cutName(s.Mesh))
	}
	return string(text)
}

// cutName returns a name without the characters that are too many.
func cutName(name string) string {
	if len(name) <= maxName {
		return name
	}
	return fmt.Sprintf("%.*s", maxName, name)
}

// InMesh returns the name of the mesh that the subject is, or belongs to. ok is false if
// the subject is unknown.
func (s Subject) InMesh() (mesh string, ok bool) {
	switch s.Kind {
	case "":
		return "", false
	case "Mesh":
		return s.Name, true
	}
	return cmp.Or(s.Mesh, "default"), true
}

// Problem is an error, warning or info about the input: place, subject, fault and
// remedy.
type Problem struct {
	Place
	Severity Severity
	Code     string // names the kind of a warning or info; empty for errors
	Of       Subject
	Part     string // of the subject, such as `tracing backend "dd"`; may be empty
	Field    string // path of the field within the part, such as conf.port; may be empty
	Fault    string // what is wrong with it
	Remedy   string // what to do; may be empty
}

// Resource names the resource; empty when it is unknown.
func (p *Problem) Resource() string { return Redact(p.Of.String()) }

// Complaint returns the fault of the field.
func (p *Problem) Complaint() string { return Redact(p.complaint()) }

func (p *Problem) complaint() string {
	if p.Field == "" {
		return p.Fault
	}
	return p.Field + " " + p.Fault
}

// Message returns the field, its fault and the remedy.
func (p *Problem) Message() string {
	text := p.complaint()
	if p.Part != "" {
		text = p.Part + ": " + text
	}
	if p.Remedy != "" {
		text += "; " + p.Remedy
	}
	return Redact(text)
}

// Error returns the whole problem in one line.
func (p *Problem) Error() string {
	text := p.Message()
	if resource := p.Resource(); resource != "" {
		text = resource + ": " + text
	}
	if p.Place == (Place{}) {
		return text
	}
	return fmt.Sprintf("%s: %s", p.Place, text)
}

// SortProblems returns problems in the order of files and lines, without
// repetitions, so that the output does not depend on parallel reading.
func SortProblems(problems []*Problem) []*Problem {
	ordered := slices.Clone(problems)
	slices.SortStableFunc(ordered, func(a, b *Problem) int {
		if order := a.Compare(b.Place); order != 0 {
			return order
		}
		return cmp.Or(strings.Compare(a.Resource(), b.Resource()), strings.Compare(a.Message(), b.Message()),
			strings.Compare(string(a.Severity), string(b.Severity)))
	})
	return slices.CompactFunc(ordered, func(a, b *Problem) bool { return *a == *b })
}

var (
	userInfo = regexp.MustCompile(`://[^\s"<>]*@`)
	bearer   = regexp.MustCompile(`([Bb]earer) [\w.~+/=-]{12,}`)
	// parameter is a path parameter with the name of a credential, as in /api;token=VALUE.
	parameter = regexp.MustCompile(`(?i)(;[\w.~%-]*(?:token|secret|passw|pwd|key|auth|credential|session|signature)[\w.~%-]*=)` +
		`[^\s"<>/;?#]*[^\s"'` + "`" + `<>/;?#).,:]`)
	query = regexp.MustCompile(`(://[^\s"<>?]*)\?[^\s"<>]*[^\s"'` + "`" + `<>).,;:]`) // without punctuation at the end
)

// RedactURL removes user, password, query and fragment from the text of a url field, which
// proxies do not use. A text that proxies can use stays usable, and another text stays
// unusable. A redacted text is unchanged. A path, which proxies use, stays with its
// parameters; [Redact] removes their credentials from what is shown.
func RedactURL(text string) string {
	rest, hidden := text, ""
	if i := strings.IndexAny(rest, "?#"); i >= 0 && i < len(rest)-1 {
		rest, hidden = rest[:i], rest[i:i+1]+redacted
	}
	clean := redactUser(rest) + hidden
	if clean == text || isUsable(text) || !isUsable(clean) {
		return clean
	}
	// The removed part made the text unusable. A fragment with a broken escape does so too.
	return redactUser(strings.TrimRight(rest, "?#")) + "#" + redacted + "%"
}

// redacted replaces what is removed from a text.
const redacted = "REDACTED"

// redactUser removes user and password from a url without query and fragment.
func redactUser(text string) string {
	begin := 0
	if i := strings.Index(text, "//"); i >= 0 {
		begin = len(text) - len(strings.TrimLeft(text[i:], "/"))
	}
	user, authority, path := redacted, text[begin:], ""
	u, err := url.Parse(text)
	switch {
	case err != nil:
		user = "%" + redacted // no valid escape, so this is not a url either
	case u.Host != "":
		if slash := strings.IndexByte(authority, '/'); slash >= 0 {
			authority, path = authority[:slash], authority[slash:]
		}
	}
	// A text that was redacted before is unchanged, even if it parses differently now.
	if at := strings.LastIndexByte(authority, '@'); at >= 0 && strings.TrimPrefix(authority[:at], "%") != redacted {
		authority = user + authority[at:]
	}
	// The path may have an @, unless it seems to contain a whole url.
	if i, at := strings.Index(path, "//"), strings.LastIndexByte(path, '@'); i >= 0 && at > i {
		path = path[:i+len("//")] + redacted + path[at:]
	}
	return text[:begin] + authority + path
}

// isUsable reports whether text is a url that a proxy can send to.
func isUsable(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && !strings.ContainsAny(text, " \t\r\n")
}

// Redact removes user, password, query and the credentials of path parameters from urls in a
// text, and the tokens of Authorization headers. A redacted text is unchanged.
func Redact(text string) string {
	if strings.Contains(text, "Bearer ") || strings.Contains(text, "bearer ") {
		text = bearer.ReplaceAllString(text, "$1 REDACTED")
	}
	if strings.Contains(text, ";") {
		text = parameter.ReplaceAllString(text, "${1}REDACTED")
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
