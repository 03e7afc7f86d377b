package manifest

import (
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// syntaxError is why a text could not be parsed.
type syntaxError struct {
	line    int // in the file
	message string
}

// maxDepth is the maximum depth of nested values. The deepest resource of Kuma has about
// fifteen levels.
const maxDepth = 100

// parseYAML parses one document with yaml.v3. line is the line of the file where text
// starts. The root has kind Null when the document is empty.
func parseYAML(text string, line int) (root *Node, failure *syntaxError) {
	defer func() {
		// yaml.v3 panics on some broken input instead of returning an error.
		if r := recover(); r != nil {
			root, failure = nil, explain(text, line, errors.New("the YAML parser failed"))
		}
	}()
	if err := notText(text, line); err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var document, second yaml.Node
	if err := decoder.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, explain(text, line, err)
	}
	if len(document.Content) == 0 {
		return &Node{line: int32(line)}, nil
	}
	c := yamlConverter{text: text, line: line, lines: strings.Count(text, "\n"), budget: 10_000 + len(text)}
	root = new(Node)
	if err := c.convert(root, document.Content[0], 0); err != nil {
		return nil, err
	}
	// Documents are split at line feeds, and YAML has other line breaks.
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
		return root, nil
	case err != nil:
		return nil, explain(text, line, err)
	}
	if m := oddMarker.FindStringIndex(text); m != nil {
		line += strings.Count(text[:m[0]], "\n")
	}
	return nil, &syntaxError{line, "another document begins after a line break that is not a line feed (CR, U+0085, U+2028 or U+2029); " +
		"save the file with LF or CRLF line breaks"}
}

// oddMarker finds the end of a document after a line break that is not a line feed.
var oddMarker = regexp.MustCompile(`[\r\x{85}\x{2028}\x{2029}](---|\.\.\.)`)

var (
	yamlLine      = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// explain converts an error of yaml.v3 to one with the line of the file and, for common
// mistakes, the remedy.
func explain(text string, line int, err error) *syntaxError {
	if at := template(text, line); at != nil {
		return at
	}
	below, message := ParserError(err)
	at := line + min(below, strings.Count(strings.TrimRight(text, "\n"), "\n")) // see lineOf
	number := line
	for l := range strings.Lines(text) {
		if indent := l[:len(l)-len(strings.TrimLeft(l, " \t"))]; strings.Contains(indent, "\t") && strings.TrimSpace(l) != "" {
			return &syntaxError{number, "a tab in the indentation; YAML accepts spaces only"}
		}
		number++
	}
	if lines, explained, ok := UnknownAnchor(text, message); ok {
		at, message = line+lines, explained
	} else if message == "found unexpected end of stream" {
		message = "the quote that opens here is not closed"
	}
	return &syntaxError{at, "not valid YAML: " + message[:min(len(message), MaxMessage)]}
}

// UnknownAnchor explains a parser's message of an alias without its anchor, which has no line, and
// returns how many lines below the first one of the text that alias is. Of another message ok is false.
func UnknownAnchor(text, message string) (below int, explained string, ok bool) {
	m := unknownAnchor.FindStringSubmatch(message)
	if m == nil {
		return 0, "", false
	}
	before, _, found := strings.Cut(text, "*"+m[1])
	if found {
		below = strings.Count(before, "\n")
	}
	return below, fmt.Sprintf("the alias *%.80s has no anchor before it", m[1]), true
}

// MaxMessage is how much of a parser's message is repeated.
const MaxMessage = 200

// ParserError returns an error of yaml.v3 in one line, and how many lines below the first one
// of the text it is, 0 if it names none.
func ParserError(err error) (below int, message string) {
	m := yamlLine.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " ")) // of any line
	message = m[2]
	line, err := strconv.Atoi(m[1])
	switch {
	case err != nil:
		return 0, message
	case strings.HasPrefix(message, "did not find expected"), strings.HasPrefix(message, "found undefined tag handle"):
		return line, message // the parser, unlike the scanner, counts lines from 0
	}
	return line - 1, message
}

// ValueOf returns the value of a key in a mapping, or nil.
func ValueOf(node *yaml.Node, key string) *yaml.Node {
	for i := 0; node != nil && node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

// notText finds what a YAML or JSON text must not have: an encoding other than UTF-8,
// and control characters.
func notText(text string, line int) *syntaxError {
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c < 0x7f || c == '\n' || c == '\t' || c == '\r' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return &syntaxError{line + strings.Count(text[:i], "\n"), "not UTF-8; is this a text file, and saved as UTF-8?"}
		case unicode.IsControl(r) && r != 0x85:
			return &syntaxError{line + strings.Count(text[:i], "\n"), fmt.Sprintf("a control character (%U); is this a text file?", r)}
		}
		i += size
	}
	return nil
}

// template finds the rest of a Helm template that was not rendered.
func template(text string, line int) *syntaxError {
	for l := range strings.Lines(text) {
		if strings.Contains(l, "{{") && !strings.HasPrefix(strings.TrimLeft(l, " \t"), "#") {
			return &syntaxError{line, templateMessage}
		}
		line++
	}
	return nil
}

const templateMessage = `"{{" looks like a Helm template; render it first: helm template CHART | tracemigrate convert -f -`

type yamlConverter struct {
	text   string
	line   int
	lines  int                 // line breaks in text
	budget int                 // nodes left, so that aliases cannot multiply without end
	within map[*yaml.Node]bool // anchors being expanded
}

// lineOf returns the line of n in the file. yaml.v3 counts a single carriage return and
// Unicode's line separators as lines too; editors do not.
func (c *yamlConverter) lineOf(n *yaml.Node) int {
	return c.line + max(0, min(n.Line-1, c.lines))
}

func (c *yamlConverter) fail(n *yaml.Node, format string, args ...any) *syntaxError {
	return &syntaxError{c.lineOf(n), fmt.Sprintf(format, args...)}
}

func (c *yamlConverter) convert(to *Node, from *yaml.Node, depth int) *syntaxError {
	// Long scalars count for more, because an alias to one copies it.
	if c.budget -= 1 + len(from.Value)/64; c.budget < 0 {
		return c.fail(from, "aliases (*) multiply the document beyond %d values; write them out", 10_000+len(c.text))
	}
	if depth > maxDepth {
		return c.fail(from, "values are nested more than %d deep", maxDepth)
	}
	to.line = int32(c.lineOf(from))
	switch from.Kind {
	case yaml.AliasNode:
		if c.within[from.Alias] {
			return c.fail(from, "the alias *%.80s is inside the value that it refers to", from.Value)
		}
		if c.within == nil {
			c.within = make(map[*yaml.Node]bool)
		}
		c.within[from.Alias] = true
		defer delete(c.within, from.Alias)
		return c.convert(to, from.Alias, depth+1)
	case yaml.SequenceNode:
		to.Kind = Sequence
		to.content = make([]Node, len(from.Content))
		for i, item := range from.Content {
			if err := c.convert(&to.content[i], item, depth+1); err != nil {
				return err
			}
		}
	case yaml.MappingNode:
		return c.mapping(to, from, depth)
	case yaml.ScalarNode:
		to.Kind, to.Text = String, from.Value
		if tag := from.ShortTag(); from.Style&yaml.TaggedStyle != 0 && tag != "!!str" {
			return c.fail(from, "a value has an explicit tag (%.40s); write it without the tag", tag)
		}
		if from.Style == 0 {
			to.Kind, to.Text = resolveScalar(from.Value)
		}
	default:
		return c.fail(from, "a value of unknown form")
	}
	return nil
}

// mapping converts a mapping, and adds the keys of merge keys (<<) after its own keys.
func (c *yamlConverter) mapping(to *Node, from *yaml.Node, depth int) *syntaxError {
	to.Kind = Mapping
	to.content = make([]Node, 0, len(from.Content))
	var merges []*yaml.Node
	before := 0 // own keys and values before the merge key
	for i := 0; i+1 < len(from.Content); i += 2 {
		key, value := from.Content[i], from.Content[i+1]
		for key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			if at := template(c.text, c.line); at != nil {
				return at
			}
			return c.fail(key, "a key must be a string")
		}
		if key.Tag == "!!merge" {
			if merges = append(merges, value); len(merges) > 1 {
				return c.fail(key, "an object contains key \"<<\" twice; keep one")
			}
			before = len(to.content)
			continue
		}
		name := Node{Kind: String, line: int32(c.lineOf(key)), Text: key.Value}
		if key.Style == 0 {
			var ok bool
			if name.Text, ok = resolveKey(key.Value); !ok {
				return c.fail(key, "a key must be a string")
			}
		}
		var child Node
		if err := c.convert(&child, value, depth+1); err != nil {
			return err
		}
		to.content = append(to.content, name, child)
	}
	if twice := to.repeatedKey(); twice != nil {
		text := fmt.Sprintf("an object contains key %.80q twice; keep one", twice.Text)
		if depth == 0 && to.isSeveral() {
			text += ", or separate two documents by a line with --- alone"
		}
		return &syntaxError{int(twice.line), text}
	}
	for _, merge := range merges {
		if err := c.merge(to, merge, before, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// merge appends the keys of from that to does not have. The first keys of to, up to
// before, precede the merge key: for these yaml.v2, which control planes use, prefers
// the merged value, against YAML's definition (https://yaml.org/type/merge.html).
func (c *yamlConverter) merge(to *Node, from *yaml.Node, before, depth int) *syntaxError {
	earlier := Node{Kind: Mapping, content: to.content[:before]}
	known := make(map[string]bool, len(to.content)/2)
	for key := range to.Pairs() {
		known[key.Text] = true
	}
	for from.Kind == yaml.AliasNode && from.Alias.Kind == yaml.SequenceNode {
		from = from.Alias
	}
	sources := []*yaml.Node{from}
	if from.Kind == yaml.SequenceNode {
		sources = from.Content
	}
	for _, source := range sources {
		var other Node
		if err := c.convert(&other, source, depth+1); err != nil {
			return err
		}
		if other.Kind != Mapping {
			return c.fail(source, "a merge key (<<) accepts only an object")
		}
		for key, value := range other.Pairs() {
			if own := earlier.Get(key.Text); own != nil && !own.Equal(value) {
				return c.fail(source, "the merge key (<<) follows %.80q and contains it too, "+
					"and control planes and YAML differ on which of the two applies; write << first", key.Text)
			}
			if !known[key.Text] {
				known[key.Text] = true
				to.content = append(to.content, *key, *value)
			}
		}
	}
	return nil
}

// resolveScalar returns the kind of a plain scalar and its value, as control planes read
// it: kubectl, kumactl and Kuma convert YAML to JSON with sigs.k8s.io/yaml, whose
// scalars follow YAML 1.1 (https://yaml.org/type/). So 017 is 15, yes is true.
func resolveScalar(text string) (kind Kind, value string) {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return Null, ""
	case "true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
		return Bool, "true"
	case "false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		return Bool, "false"
	case ".nan", ".NaN", ".NAN":
		return Float, "NaN"
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return Float, "+Inf"
	case "-.inf", "-.Inf", "-.INF":
		return Float, "-Inf"
	}
	if strings.IndexByte("0123456789+-.", text[0]) < 0 {
		return String, text
	}
	digits := text
	if text[0] != '.' {
		digits = strings.ReplaceAll(text, "_", "")
		if n, err := strconv.ParseInt(digits, 0, 64); err == nil {
			return Int, strconv.FormatInt(n, 10)
		}
		if n, err := strconv.ParseUint(digits, 0, 64); err == nil {
			return Int, strconv.FormatUint(n, 10)
		}
	}
	if text[0] == '.' || strings.Trim(digits, "0123456789+-.eE") == "" {
		if _, err := strconv.ParseFloat(digits, 64); err == nil {
			return Float, digits
		}
	}
	return String, text
}

// IsPlainString reports whether text without quotes is read as a string.
func IsPlainString(text string) bool {
	kind, _ := resolveScalar(text)
	return kind == String
}

// resolveKey returns a plain key as JSON has it. ok is false for a key that JSON does
// not allow.
func resolveKey(text string) (key string, ok bool) {
	kind, value := resolveScalar(text)
	if kind == Float {
		f, err := strconv.ParseFloat(value, 64)
		if err != nil || math.IsInf(float64(float32(f)), 0) || math.IsNaN(f) {
			return "", false
		}
		value = strconv.FormatFloat(f, 'g', -1, 32) // as control planes have it
	}
	return value, kind != Null
}
