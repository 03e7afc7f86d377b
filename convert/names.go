package convert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// maxName is the longest name of a Kubernetes object, in bytes. Names are kept
// shorter by what numbers and prefixes may add.
const (
	maxName = 253
	maxBase = 200
)

// name names all candidates: uniquely among each other and the existing policies, and
// so that the order of names is the order of precedence. The names of what a previous
// run made are free, and of what was rehearsed as a shadow. The names on Kubernetes
// that other meshes' policies have, or would get, are taken, whether these meshes are
// converted or not.
func (in *input) name(meshes []*mesh, previous map[*meshtrace.Policy]bool) {
	free := rehearsed(meshes, in.existing, in.o.Version)
	global := dependsOnZone(in.Origin, in.o) // where copies of a global control plane's own have their display names
	taken := make(map[string]bool)
	for _, name := range in.OtherMeshTraces() {
		taken[scope(cluster.Kubernetes, "")+name] = true
	}
	for i, p := range in.existing {
		if free[p] || previous[in.compared[i]] {
			continue
		}
		taken[scope(p.Format, p.Mesh)+p.Name] = true
		if global && p.Labels[cluster.OriginLabel] != "zone" {
			for _, format := range []cluster.Format{cluster.Kubernetes, cluster.Universal} {
				taken[scope(format, p.Mesh)+p.DisplayName()] = true
			}
		}
	}
	bases := basesOfAll(meshes, in.OtherTrafficTraces())
	for _, m := range meshes {
		m.nameCandidates(taken, bases)
		if !m.namesInOrder() {
			m.prefixNames(taken)
		}
	}
}

// scope is what names must be unique in: a mesh, or the namespace of all
// MeshTraces on Kubernetes.
func scope(format cluster.Format, mesh string) string {
	if format == cluster.Kubernetes {
		return "\x00"
	}
	return mesh + "\x00"
}

// nameCandidates gives each candidate the name of its TrafficTrace, of a copy in
// a zone that of the original, numbered where one gives several.
func (m *mesh) nameCandidates(taken map[string]bool, bases map[string][]cluster.TraceName) {
	byTrace := make(map[*legacy.TrafficTrace][]*candidate)
	var traces []*legacy.TrafficTrace
	for _, c := range m.candidates {
		if byTrace[c.pair.TrafficTrace] == nil {
			traces = append(traces, c.pair.TrafficTrace)
		}
		byTrace[c.pair.TrafficTrace] = append(byTrace[c.pair.TrafficTrace], c)
	}
	// Names that are valid as they are go first, so that no other becomes one of them.
	slices.SortFunc(traces, func(a, b *legacy.TrafficTrace) int {
		return cmp.Or(strings.Compare(displayName(a.Resource), displayName(b.Resource)), strings.Compare(a.Name, b.Name))
	})
	var invalid []*legacy.TrafficTrace
	traces = slices.DeleteFunc(traces, func(trace *legacy.TrafficTrace) bool {
		if name := displayName(trace.Resource); validName(name) == name {
			return false
		}
		invalid = append(invalid, trace)
		return true
	})
	for _, trace := range append(traces, invalid...) {
		group, name := byTrace[trace], displayName(trace.Resource)
		base := validName(name)
		if m.format(group[0]) == cluster.Kubernetes && m.sharedName(base, bases) || !m.claim(group, base, taken) {
			m.claim(group, withHash(base, m.Name, trace.Name), taken)
		}
		if first := group[0].name; !strings.HasPrefix(first, name) || len(group) == 1 && first != name {
			why := "since a Kubernetes name has lower-case letters, digits, dashes and dots only, 253 at most"
			if base == name {
				why = "since another MeshTrace has that name"
			}
			m.notes.inform(Renamed, trace.Place, trace, fmt.Sprintf("becomes %s, %s", quoteNames(group), why), "")
		}
	}
}

// basesOfAll returns the TrafficTraces of all meshes, those that are converted and
// others, by what their policies' names consist of.
func basesOfAll(meshes []*mesh, others []cluster.TraceName) map[string][]cluster.TraceName {
	if len(meshes)+len(others) < 2 {
		return nil
	}
	bases := make(map[string][]cluster.TraceName)
	add := func(trace cluster.TraceName) {
		base := validName(trace.Name)
		bases[base] = append(bases[base], trace)
	}
	for _, trace := range others {
		add(trace)
	}
	for _, m := range meshes {
		for _, trace := range m.TrafficTraces {
			matches := make([]map[string]string, len(trace.Selectors))
			for i := range trace.Selectors {
				matches[i] = trace.Selectors[i].Tags
			}
			add(cluster.TraceName{Mesh: m.Name, Name: displayName(trace.Resource), Several: cluster.SeveralPolicies(matches), Format: trace.Format})
		}
	}
	return bases
}

// sharedName reports whether a policy of another mesh may get base as its name,
// by what claim and prefixNames add to names, or has the same base and goes first.
func (m *mesh) sharedName(base string, bases map[string][]cluster.TraceName) bool {
	others := func(base string, gives func(cluster.TraceName) bool) bool {
		return slices.ContainsFunc(bases[base], func(trace cluster.TraceName) bool {
			shared := m.o.Format == cluster.Kubernetes || m.o.Format == "" && trace.Format != cluster.Universal
			return trace.Mesh != m.Name && shared && gives(trace)
		})
	}
	if others(base, func(trace cluster.TraceName) bool { return trace.Mesh < m.Name }) {
		return true
	}
	unranked := rankInFront.ReplaceAllString(base, "")
	if unranked != base && others(unranked, func(cluster.TraceName) bool { return true }) {
		return true
	}
	for _, whole := range []string{base, unranked} {
		for range 2 { // numbers at the end
			i := strings.LastIndexByte(whole, '-')
			if i < 0 || strings.Trim(whole[i+1:], "0123456789") != "" || whole[i+1:] == "" {
				break
			}
			whole = whole[:i]
			if others(whole, func(trace cluster.TraceName) bool { return trace.Several }) {
				return true
			}
		}
	}
	return false
}

func quoteNames(group []*candidate) string {
	names := make([]string, len(group))
	for i, c := range group {
		names[i] = fmt.Sprintf("%q", c.name)
	}
	return list(names)
}

// claim names a group after base, unless one of the names is taken.
func (m *mesh) claim(group []*candidate, base string, taken map[string]bool) bool {
	names := make([]string, len(group))
	count := make(map[int]int) // candidates of each selector
	for _, c := range group {
		count[c.pair.Number]++
	}
	nth := make(map[int]int)
	for i, c := range group {
		names[i] = base
		switch {
		case len(group) == 1:
		case len(count) == 1:
			names[i] = fmt.Sprintf("%s-%d", base, i+1)
		case count[c.pair.Number] == 1:
			names[i] = fmt.Sprintf("%s-%d", base, c.pair.Number)
		default:
			nth[c.pair.Number]++
			names[i] = fmt.Sprintf("%s-%d-%d", base, c.pair.Number, nth[c.pair.Number])
		}
	}
	for i, name := range names {
		if taken[scope(m.format(group[i]), m.Name)+name] {
			return false
		}
	}
	for i, c := range group {
		c.name = names[i]
		taken[scope(m.format(c), m.Name)+c.name] = true
	}
	return true
}

// validName is name as an RFC 1123 subdomain, name itself when it is one.
func validName(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '.':
			b.WriteRune(r)
		default:
			b.WriteByte('-')
		}
	}
	labels := strings.Split(b.String(), ".")
	for i, label := range labels {
		labels[i] = strings.Trim(label, "-")
	}
	labels = slices.DeleteFunc(labels, func(label string) bool { return label == "" })
	valid := strings.Join(labels, ".")
	switch {
	case valid == "":
		return withHash("trace", "", name)
	case len(valid) > maxBase:
		return withHash(strings.TrimRight(valid[:maxBase-10], "-."), "", name)
	}
	return valid
}

// withHash makes base unlike the base of any other TrafficTrace.
func withHash(base, mesh, name string) string {
	sum := sha256.Sum256([]byte(mesh + "\x00" + name))
	return base + "-" + hex.EncodeToString(sum[:4])
}
