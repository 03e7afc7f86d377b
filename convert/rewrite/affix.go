package rewrite

import (
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster/lists"
)

// affix is what a kustomization adds to a name.
type affix struct{ prefix, suffix string }

// affixOf returns what kustomizations add to the names in a file so that they become the
// rendered ones, or nil if that is unclear.
func affixOf(rendered []string, names map[string]bool) *affix {
	fits := func(a affix) bool {
		return !slices.ContainsFunc(rendered, func(name string) bool {
			cut, ok := a.cut(name)
			return !ok || !names[cut]
		})
	}
	if none := (affix{}); fits(none) {
		return &none
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		prefix, suffix, ok := strings.Cut(rendered[0], name)
		if a := (affix{prefix, suffix}); ok && fits(a) {
			return &a
		}
	}
	return nil
}

// cut returns the name to which the affix is added to get a name.
func (a *affix) cut(name string) (cut string, ok bool) {
	if a == nil {
		return name, false
	}
	cut, hasPrefix := strings.CutPrefix(name, a.prefix)
	cut, hasSuffix := strings.CutSuffix(cut, a.suffix)
	if !hasPrefix || !hasSuffix || cut == "" {
		return name, false
	}
	return cut, true
}

// namesIn returns the names of the TrafficTraces of a file.
func (w *writer) namesIn(file string) map[string]bool {
	return lists.Set(slices.Collect(maps.Keys(w.tracesOf(file))), func(id traceID) string { return id.name })
}
