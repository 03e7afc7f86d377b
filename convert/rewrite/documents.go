package rewrite

import (
	"bytes"
	"maps"
	"slices"

	"gopkg.in/yaml.v3"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/meshtrace"
)

// documents returns the policies of n as YAML documents: the first of each TrafficTrace has
// its comment, and all have its labels and annotations. named reports whether all get their
// names once the affix is added.
func (w *writer) documents(file string, n *need, by *affix) (documents []string, named bool) {
	commented := make(map[string]bool)
	named = true
	for i, p := range n.policies {
		policy := *p
		var ok bool
		policy.Name, ok = by.cut(p.Name)
		named = named && ok
		trace, _ := n.affix.cut(n.traces[i])
		source, exists := w.tracesOf(file)[traceID{p.Mesh, trace}]
		if exists {
			addOwn(source.node, &policy)
		}
		var b bytes.Buffer
		if source.comment != "" && !commented[n.traces[i]] {
			b.WriteString(source.comment + "\n")
		}
		commented[n.traces[i]] = true
		if err := meshtrace.Write(&b, []*meshtrace.Policy{&policy}, w.style); err != nil {
			w.failAt(p.Place, manifest.Subject{Kind: cluster.KindMeshTrace, Name: p.Name, Mesh: p.Mesh}, err)
			continue
		}
		documents = append(documents, b.String())
	}
	return documents, named
}

// written is a TrafficTrace in a file.
type written struct {
	node    *yaml.Node
	comment string
}

// traceID is the mesh and the name of a TrafficTrace.
type traceID struct{ mesh, name string }

// tracesOf returns the TrafficTraces of a file.
func (w *writer) tracesOf(file string) map[traceID]written {
	if found, ok := w.traces[file]; ok {
		return found
	}
	found := make(map[traceID]written)
	w.traces[file] = found
	f := w.edits[file]
	if f == nil {
		return found
	}
	for _, doc := range f.Documents() {
		for _, e := range entries(doc.Root) {
			if !e.isLegacy() {
				continue
			}
			trace := written{node: e.node}
			if len(e.path) == 0 {
				trace.comment = doc.Comment()
			}
			of := subjectOf(e)
			mesh, _ := of.InMesh()
			found[traceID{mesh, of.Name}] = trace
		}
	}
	return found
}

// addOwn adds the author's labels and annotations of a TrafficTrace to a policy.
func addOwn(n *yaml.Node, policy *meshtrace.Policy) {
	from := part(n, "metadata")
	var labels cluster.Tags
	for key, label := range scalars(manifest.ValueOf(from, "labels")) {
		if cluster.IsOwn(key) && meshtrace.CheckLabel(key, label) == nil {
			labels = labels.With(key, label)
		}
	}
	policy.Labels = labels.And(policy.Labels)
	if policy.Format == cluster.Kubernetes {
		annotations := make(map[string]string)
		for key, annotation := range scalars(manifest.ValueOf(from, "annotations")) {
			if cluster.IsOwn(key) {
				annotations[key] = annotation
			}
		}
		maps.Copy(annotations, policy.Annotations)
		policy.Annotations = annotations
	}
}

// scalars returns the scalar entries of a mapping.
func scalars(n *yaml.Node) map[string]string {
	all := make(map[string]string)
	if n == nil || n.Kind != yaml.MappingNode {
		return all
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if v := n.Content[i+1]; v.Kind == yaml.ScalarNode {
			all[n.Content[i].Value] = v.Value
		}
	}
	return all
}

// text returns the whole text of a target.
func (w *writer) text(target string) []byte {
	a := w.added[target]
	var b bytes.Buffer
	old := w.texts[target]
	b.Write(old)
	if len(old) > 0 && !bytes.HasSuffix(old, []byte("\n")) {
		b.WriteString("\n")
	}
	for i, document := range a.documents {
		if i > 0 || len(bytes.TrimSpace(old)) > 0 {
			b.WriteString("---\n")
		}
		b.WriteString(document)
	}
	if isCRLF(old) || a.crlf && len(bytes.TrimSpace(old)) == 0 {
		text := bytes.ReplaceAll(b.Bytes()[len(old):], []byte("\r\n"), []byte("\n"))
		return append(slices.Clone(old), bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))...)
	}
	return b.Bytes()
}

// isCRLF reports whether the lines of a text end with CRLF.
func isCRLF(text []byte) bool {
	i := bytes.IndexByte(text, '\n')
	return i > 0 && text[i-1] == '\r'
}
