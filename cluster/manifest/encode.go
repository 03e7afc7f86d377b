package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"gopkg.in/yaml.v3"
)

// EncodeJSON returns a value as JSON in which every invisible character is an escape.
func EncodeJSON(v any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return escaped(text.String(), func(r rune) string { // only strings contain such characters
		var units strings.Builder
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&units, `\u%04x`, unit)
		}
		return units.String()
	}), nil
}

// escaped replaces the invisible characters of a text.
func escaped(text string, escape func(rune) string) []byte {
	if !hasInvisible(text) {
		return []byte(text)
	}
	var out bytes.Buffer
	out.Grow(len(text))
	for _, r := range text {
		if isInvisible(r) {
			out.WriteString(escape(r))
		} else {
			out.WriteRune(r)
		}
	}
	return out.Bytes()
}

// EncodeYAML returns values as YAML documents without invisible characters: those that change
// the direction of text, for example, are escapes of a string in double quotes.
func EncodeYAML(documents ...any) ([]byte, error) {
	text, err := encodeYAML(documents)
	if err != nil || !hasInvisible(string(text)) {
		return text, err
	}
	var nodes []any
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		node := new(yaml.Node)
		err := decoder.Decode(node)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("escaping the characters of YAML: %w", err)
		}
		quoteInvisible(node)
		nodes = append(nodes, node)
	}
	if text, err = encodeYAML(nodes); err != nil {
		return nil, err
	}
	return escaped(string(text), func(r rune) string {
		if r > 0xffff {
			return fmt.Sprintf(`\U%08X`, r)
		}
		return fmt.Sprintf(`\u%04X`, r)
	}), nil
}

func encodeYAML(documents []any) ([]byte, error) {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	var failed []error
	for _, document := range documents {
		failed = append(failed, encoder.Encode(document))
	}
	if err := errors.Join(append(failed, encoder.Close())...); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// quoteInvisible puts the strings of a document that have invisible characters into double
// quotes, where alone YAML has escapes, and replaces those characters in comments.
func quoteInvisible(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && hasInvisible(n.Value) {
		n.Style = n.Style&yaml.TaggedStyle | yaml.DoubleQuotedStyle
	}
	for _, comment := range []*string{&n.HeadComment, &n.LineComment, &n.FootComment} {
		*comment = strings.Map(func(r rune) rune {
			if isInvisible(r) {
				return '\uFFFD'
			}
			return r
		}, *comment)
	}
	for _, child := range n.Content {
		quoteInvisible(child)
	}
}

func hasInvisible(text string) bool { return strings.ContainsFunc(text, isInvisible) }

// isInvisible reports whether a character must be an escape. A tab and a line end are part of
// the form.
func isInvisible(r rune) bool { return r != '\n' && r != '\t' && !IsVisible(r) }
