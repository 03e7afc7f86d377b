package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"tracemigrate/cluster/manifest"
)

// Summary is what is read of a value of a Modification, which may contain secrets. Snapshots
// have it in place of the value.
type Summary struct {
	// Sum is equal for values that differ only in the collector's cluster that they name. It
	// has 32 bits, too few to find a strong secret by; who guesses the whole value can
	// check the guess. It is empty where no verdict needs it.
	Sum      string   `yaml:"sum"`
	Names    []string `yaml:"names,omitempty"`    // of clusters of collectors in the value
	Tracing  bool     `yaml:"tracing,omitempty"`  // the value has a field tracing, or a path to one
	Sampling bool     `yaml:"sampling,omitempty"` // the value has a field for a sampling
	Provider bool     `yaml:"provider,omitempty"` // the value has a field provider, as that of a tracer, or a path to one
	Copies   bool     `yaml:"copies,omitempty"`   // a JSON patch copies or moves a field
	// Replaces is set if the value has the name of a listener that control planes make, or is a
	// path to what has the field tracing in it, or to a field that depends on a cluster's name.
	Replaces bool `yaml:"replaces,omitempty"`
}

// collectorNames matches the names that control planes give the clusters of collectors, up to
// the first byte that ends a word in YAML. A field tracing has a space after the colon.
var collectorNames = regexp.MustCompile(`(?:tracing:|meshtrace:|system_meshtrace_)[^\s"'\\{}\[\],]+`)

var (
	tracingField  = regexp.MustCompile(`(?m)["']tracing["']\s*:|(?:^|[^\w.:/-])tracing\s*:(?:[\s{\[]|$)|/tracing(?:[/\s"']|$)`)
	providerField = regexp.MustCompile(`(?m)["']provider["']\s*:|(?:^|[^\w.:/-])provider\s*:(?:[\s{\[]|$)|/provider(?:[/\s"']|$)`)
	// The names of listeners are those of 2.0 to 2.14, and of 3.0 and unified naming: pkg/xds/envoy/names
	// and pkg/core/naming of Kuma's tag v2.14.3.
	replacing = regexp.MustCompile(`(?m)\b(?:inbound|outbound):[\w.\[]|\bself_(?:inbound|zoneegress)_|\bkri_` +
		`|^[ -]*(?:path|from): *(?:/(?:filterChains|defaultFilterChain)[-\d/]*(?:/filters[-\d/]*(?:/typedConfig)?)?)?$` +
		`|^[ -]*(?:path|from): *["']?/alt_?[sS]tat_?[nN]ame\b`)
	samplingField = regexp.MustCompile(`(?i)(?:overall|client|random)_?sampling`)
)

// IsNamed reports whether the value names a cluster of a collector.
func (s *Summary) IsNamed(cluster string) bool {
	return cluster != "" && slices.Contains(s.Names, collectorNames.FindString(cluster))
}

// summaryOf returns the summary of a text or a list, which a snapshot has already. Another
// kind of value is a problem.
func summaryOf(v manifest.Value, want manifest.Kind, ofCluster bool) Summary {
	summary, ok := summarise(v.Node(), want, ofCluster)
	switch {
	case ok || !v.Present():
	case want == manifest.Sequence:
		v.List()
	default:
		v.Fail("is %s, not a string", v.Node().Kind)
	}
	return summary
}

// summarise returns the summary of a value, which may be of a cluster, and whether it is of
// the wanted kind.
func summarise(n *manifest.Node, want manifest.Kind, ofCluster bool) (Summary, bool) {
	if n == nil {
		return Summary{}, false
	}
	if sum := n.Get("sum"); sum != nil && sum.Kind == manifest.String {
		summary := Summary{
			Sum:     strings.Clone(sum.Text),
			Tracing: isTrue(n.Get("tracing")), Sampling: isTrue(n.Get("sampling")), Provider: isTrue(n.Get("provider")),
			Copies: isTrue(n.Get("copies")), Replaces: isTrue(n.Get("replaces")),
		}
		for _, name := range n.Get("names").Items() {
			if name.Kind == manifest.String {
				summary.Names = append(summary.Names, strings.Clone(name.Text))
			}
		}
		return summary, true
	}
	if n.Kind != want {
		return Summary{}, false
	}
	var content strings.Builder
	appendContent(&content, n)
	text := strings.TrimSpace(content.String())
	text += unescaped(text)
	summary := Summary{
		Tracing: tracingField.MatchString(text), Sampling: samplingField.MatchString(text), Provider: providerField.MatchString(text),
		Copies:   slices.ContainsFunc(n.Items(), func(patch manifest.Node) bool { return patch.Get("from") != nil }),
		Replaces: replacing.MatchString(text),
	}
	for _, name := range collectorNames.FindAllString(text, -1) {
		summary.Names = append(summary.Names, strings.Clone(name))
	}
	slices.Sort(summary.Names)
	summary.Names = slices.Compact(summary.Names)
	if ofCluster || summary.Tracing || summary.Replaces || len(summary.Names) > 0 {
		sum := sha256.Sum256(collectorNames.ReplaceAll([]byte(text), []byte{0}))
		summary.Sum = "x" + hex.EncodeToString(sum[:4]) // never a number in YAML
	}
	return summary, true
}

// unescaped returns the fields and words of a text that a control plane reads as YAML, if they may
// be written with escapes.
func unescaped(text string) string {
	var document yaml.Node
	if !strings.Contains(text, `\`) || yaml.Unmarshal([]byte(text), &document) != nil {
		return ""
	}
	var content strings.Builder
	appendScalars(&content, &document)
	return content.String()
}

func appendScalars(content *strings.Builder, n *yaml.Node) {
	for i, child := range n.Content {
		content.WriteString("\n")
		appendScalars(content, child)
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			content.WriteString(": ")
		}
	}
	content.WriteString(n.Value)
}

func isTrue(n *manifest.Node) bool {
	return n != nil && n.Kind == manifest.Bool && n.Text == "true"
}

// appendContent writes a value so that the words and fields in it can be found.
func appendContent(content *strings.Builder, n *manifest.Node) {
	for key, value := range n.Pairs() {
		content.WriteString(key.Text + ": ")
		appendContent(content, value)
		content.WriteString("\n")
	}
	items := n.Items()
	for i := range items {
		content.WriteString("- ")
		appendContent(content, &items[i])
		content.WriteString("\n")
	}
	content.WriteString(n.Text)
}

// node returns the summary as a snapshot has it.
func (s *Summary) node() *yaml.Node {
	var node yaml.Node
	if node.Encode(s) != nil { // nothing that a Summary has
		return &yaml.Node{Kind: yaml.MappingNode}
	}
	return &node
}

// summarised is the shape of a value that may contain secrets, of which only a Summary is kept.
// Its keys are the value's kind and, for a value of clusters, ofClusters.
func summarised(kind manifest.Kind) shape { return shape{summaryKeys[kind]: nil} }

var summaryKeys = map[manifest.Kind]string{manifest.String: "#text", manifest.Sequence: "#list"}

const ofClusters = "#cluster"

// summaryNode returns what a snapshot has of a value if its shape is summarised, else nil.
func summaryNode(n *manifest.Node, kept shape) *yaml.Node {
	for kind, key := range summaryKeys {
		if _, ok := kept[key]; ok && n.Kind != manifest.Null {
			_, ofCluster := kept[ofClusters]
			summary, ok := summarise(n, kind, ofCluster)
			if !ok {
				return &yaml.Node{Kind: yaml.MappingNode} // no value at all, so that the reader reports it as well
			}
			return summary.node()
		}
	}
	return nil
}
