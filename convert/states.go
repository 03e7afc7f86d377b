package convert

import (
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// Transition is what changes between two whole states, each with TrafficTraces, Mesh.tracing
// and MeshTraces of its own.
type Transition struct {
	// Comparisons have a proxy of either state once, for each version.
	Comparisons []*envoydiff.Comparison
	MadeUp      int  // proxies of meshes without Dataplanes
	Complete    bool // MadeUp are all that can differ
	// Refused are errors: MeshTraces of the second state that the version refuses.
	Refused []*Note
	// Meshes are those in which proxies lose tracing, or that still have tracing, by name.
	Meshes []MeshTransition
}

// MeshTransition is what a transition does to a mesh.
type MeshTransition struct {
	Mesh string `json:"mesh" yaml:"mesh"`
	// Lost is the number of its proxies that are traced before and not after.
	Lost int `json:"lost" yaml:"lost"`
	// Bare is set if the mesh had TrafficTraces and has neither those nor MeshTraces.
	Bare bool `json:"bare" yaml:"bare"`
	// StillTracing is set if the TrafficTraces are gone and the field tracing of the Mesh
	// is not.
	StillTracing bool `json:"stillTracing" yaml:"stillTracing"`
	// Gone is set if the mesh does not exist afterwards, and Proxies is how many proxies it has.
	Gone    bool `json:"gone" yaml:"gone"`
	Proxies int  `json:"-" yaml:"-"`
}

// CompareStates compares the tracing that two states give every proxy of either. The state of
// after decides which Dataplane counts if both have one. A proxy is unknown if the input
// does not say which TrafficTrace decides in one of the states, or if something other than
// policies changes its tracing.
func CompareStates(before, after *Current, o Options) *Transition {
	was, is := newInput(before, &o), newInput(after, &o)
	t := &Transition{Refused: is.refused}
	// the routes are those of both together
	from := envoydiff.State{Legacy: before.Meshes, Policies: was.compared, Patches: before.Patches}
	to := envoydiff.State{Legacy: after.Meshes, Policies: is.compared, Patches: after.Patches}
	s := after.AppliedTo(before.Snapshot)
	known := s.Dataplanes
	var made []*cluster.Dataplane
	made, t.Complete = envoydiff.MadeUp(allSelectors(from.Legacy, to.Legacy), slices.Concat(from.Policies, to.Policies, from.Patches.Selectors(), to.Patches.Selectors()),
		known, o.MadeUp)
	t.MadeUp = len(made)
	s.Dataplanes = slices.Concat(known, made)
	earlier, later := was.tieDoubt(), is.tieDoubt()
	changes := cluster.Changes(before.Snapshot, after.Snapshot)
	t.Comparisons = Compare(s, from, to, &o, func(dp *cluster.Dataplane) cluster.Doubt {
		return cluster.Doubt{Reason: changes(dp)}.And(earlier(dp)).And(later(dp))
	})
	t.Meshes = transitions(before, after, known, t.Comparisons)
	return t
}

// allSelectors returns each mesh once, with the selectors of both states.
func allSelectors(before, after []*legacy.Mesh) []*legacy.Mesh {
	var all []*legacy.Mesh
	byName := make(map[string]*legacy.Mesh)
	for _, mesh := range slices.Concat(before, after) {
		if both := byName[mesh.Name]; both != nil {
			both.Pairs = slices.Concat(both.Pairs, mesh.Pairs)
			continue
		}
		copied := *mesh
		byName[mesh.Name] = &copied
		all = append(all, &copied)
	}
	return all
}

// tieDoubt returns a function that returns why it is not known which TrafficTrace decides
// on a proxy.
func (in *input) tieDoubt() func(dp *cluster.Dataplane) cluster.Doubt {
	byMesh := make(map[string]*ties)
	for _, m := range in.meshesWithout(nil) {
		byMesh[m.Name] = newTies(m)
	}
	return func(dp *cluster.Dataplane) cluster.Doubt {
		if of := byMesh[dp.Mesh]; of != nil {
			return of.doubt(dp)
		}
		return cluster.Doubt{}
	}
}

// transitions returns what changes in each mesh of before, if that needs a mention. known are
// the Dataplanes of both.
func transitions(
	before, after *Current, known []*cluster.Dataplane, comparisons []*envoydiff.Comparison,
) []MeshTransition {
	lost := lostProxies(comparisons)
	proxies := lists.Count(known, func(dp *cluster.Dataplane) string { return dp.Mesh })
	traced := lists.Set(after.Existing, func(p *meshtrace.Policy) string { return p.Mesh })
	now := legacy.ByName(after.Meshes)
	var found []MeshTransition
	for _, mesh := range before.Meshes {
		after := now[mesh.Name]
		gone := len(mesh.TrafficTraces) > 0 && (after == nil || len(after.TrafficTraces) == 0)
		m := MeshTransition{
			Mesh: mesh.Name, Lost: lost[mesh.Name], Bare: gone && !traced[mesh.Name],
			StillTracing: gone && after != nil && len(after.Backends) > 0,
			Gone:         after == nil,
		}
		if m.Gone {
			m.Proxies = proxies[mesh.Name]
		}
		if m.Lost > 0 || m.StillTracing || m.Gone {
			found = append(found, m)
		}
	}
	return found
}

// lostProxies returns the number of proxies that are traced before and not after, by mesh.
func lostProxies(comparisons []*envoydiff.Comparison) map[string]int {
	counts := make(map[string]int)
	seen := make(map[*cluster.Dataplane]bool)
	for _, p := range envoydiff.All(comparisons) {
		if p.Verdict == envoydiff.Different && p.Before.Traces() && !p.After.Traces() && !seen[p.Dataplane] {
			seen[p.Dataplane] = true
			counts[p.Mesh]++
		}
	}
	return counts
}
