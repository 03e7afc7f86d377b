package meshtrace

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// yamlWriter writes policies like yaml.v3, which takes 40 microseconds for each: what
// many policies share is encoded once, and words that YAML reads as themselves are
// written unchanged. TestYAML compares the two.
type yamlWriter struct {
	out   *bytes.Buffer
	style Style
	confs map[confParts]string // encoded, with its indentation
	words map[string]string    // encoded

	failed error // the errors of the policy
}

// confParts is equal for confs with the same manifest.
type confParts struct {
	Parts
	backends, tags       int // how many
	hasBackends, hasTags bool
}

func newYAMLWriter(out *bytes.Buffer, style Style) *yamlWriter {
	return &yamlWriter{out: out, style: style, confs: make(map[confParts]string), words: make(map[string]string)}
}

// policy writes one policy, as a document.
func (w *yamlWriter) policy(p *Policy) error {
	o, err := p.manifest(w.style)
	if err != nil {
		return err
	}
	if p.Source != "" && !w.style.Bare {
		// Source is one line, because its names are quoted.
		w.out.WriteString("# from " + manifest.Visible(p.Source) + "\n")
	}
	w.failed = nil
	w.metadata(&o)
	w.targetRef(&o.Spec.TargetRef)
	w.out.WriteString(w.conf(&p.Default, &o.Spec.Default))
	if w.failed != nil {
		return fmt.Errorf("writing %s: %w", p, w.failed)
	}
	return nil
}

func (w *yamlWriter) metadata(o *object) {
	m := o.Metadata
	if m == nil {
		w.field(0, "type", o.Type)
		w.field(0, "name", o.Name)
		w.field(0, "mesh", o.Mesh)
		w.fields(0, "labels", o.Labels)
		return
	}
	w.field(0, "apiVersion", o.APIVersion)
	w.field(0, "kind", o.Kind)
	w.out.WriteString("metadata:\n")
	w.field(2, "name", m.Name)
	w.field(2, "namespace", m.Namespace)
	w.fields(2, "labels", m.Labels)
	w.fields(2, "annotations", cluster.NewTags(m.Annotations))
}

func (w *yamlWriter) targetRef(ref *TargetRef) {
	w.out.WriteString("spec:\n  targetRef:\n")
	w.field(4, "kind", string(ref.Kind))
	if ref.Name != "" {
		w.field(4, "name", ref.Name)
	}
	if ref.Namespace != "" {
		w.field(4, "namespace", ref.Namespace)
	}
	w.fields(4, "labels", ref.Labels)
	w.fields(4, "tags", ref.Tags)
	if ref.SectionName != "" {
		w.field(4, "sectionName", ref.SectionName)
	}
	if len(ref.ProxyTypes) > 0 {
		w.out.WriteString("    proxyTypes:\n")
		for _, proxyType := range ref.ProxyTypes {
			w.out.WriteString("      - " + w.word(proxyType) + "\n")
		}
	}
}

// field writes a key and its value on one line.
func (w *yamlWriter) field(indent int, key, value string) {
	w.out.WriteString(spaces[:indent])
	w.out.WriteString(key)
	w.out.WriteString(": ")
	w.out.WriteString(w.word(value))
	w.out.WriteByte('\n')
}

// fields writes a mapping of words, unless it is empty.
func (w *yamlWriter) fields(indent int, key string, values cluster.Tags) {
	if len(values) == 0 {
		return
	}
	w.out.WriteString(spaces[:indent] + key + ":\n")
	for _, tag := range values {
		w.field(indent+2, w.word(tag.Key), tag.Value)
	}
}

const spaces = "        "

// conf encodes what a policy sets, once for policies with equal confs.
func (w *yamlWriter) conf(of *Conf, c *conf) string {
	key := confParts{of.Parts(), len(of.Backends), len(of.Tags), of.Backends != nil, of.Tags != nil}
	if text, ok := w.confs[key]; ok {
		return text
	}
	encoded := w.encode(struct {
		Default *conf `yaml:"default"`
	}{c})
	var text strings.Builder
	for line := range strings.Lines(encoded) {
		text.WriteString("  " + line)
	}
	w.confs[key] = text.String()
	return text.String()
}

// word encodes a string on one line.
func (w *yamlWriter) word(value string) string {
	if meansItself(value) {
		return value
	}
	if encoded, ok := w.words[value]; ok {
		return encoded
	}
	var word any = value
	if strings.ContainsAny(value, "\r\n") { // which otherwise has several lines
		word = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Style: yaml.DoubleQuotedStyle}
	}
	w.words[value] = strings.TrimSuffix(w.encode(word), "\n")
	return w.words[value]
}

// encode encodes a value, and keeps an error for policy.
func (w *yamlWriter) encode(v any) string {
	text, err := manifest.EncodeYAML(v)
	w.failed = errors.Join(w.failed, err)
	return string(text)
}

// meansItself reports whether YAML, including YAML 1.1, certainly reads a string as
// itself: it begins with a letter, or with digits, a dash and a letter, and has nothing
// that could end it or give it another type.
func meansItself(value string) bool {
	rest := strings.TrimLeft(value, "0123456789")
	if len(rest) < len(value) {
		if len(rest) < 2 || rest[0] != '-' {
			return false
		}
		rest = rest[1:]
	}
	if rest == "" || !isLetter(rest[0]) {
		return false
	}
	long := false
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case isLetter(c) || '0' <= c && c <= '9':
		case c == '.' || c == '-' || c == '_' || c == '/' || c == '"' || c == ',' || c == '=':
			long = true
		case c == ' ' && i+1 < len(rest) && rest[i+1] != '#' && rest[i+1] != ' ':
			long = true
		case c == ':' && i+1 < len(rest) && rest[i+1] != ' ':
			long = true
		default:
			return false
		}
	}
	if long {
		return true
	}
	switch strings.ToLower(value) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return false
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
