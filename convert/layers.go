package convert

import (
	"cmp"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// layer is a selector or an existing MeshTrace, with the proxies that its policies by
// labels must and may select, as positions in sidecars.
type layer struct {
	pair     *legacy.Pair // or nil
	position int          // of the pair
	existing *meshtrace.Policy
	conf     meshtrace.Conf
	everyone bool  // it is for all proxies, later ones included
	copied   bool  // it is a copy of another control plane's, which cannot be changed here
	idle     bool  // TrafficTraces decide on some of its proxies
	served   []int // proxies that it decides on today
	free     []int // others on which it has no effect
}

// layering is a mesh with what decides on its proxies, highest precedence first.
type layering struct {
	*mesh
	sidecars []*cluster.Dataplane // all but builtin gateways, which no label selects
	builtin  []*cluster.Dataplane
	deciders []decider // of each sidecar
	layers   []*layer
	ties     *ties
	pairs    map[pairOf]int // positions

	selectorOf func(mesh, service string) (cluster.Tags, string) // see cluster.Snapshot.ServiceSelector

	byRank []int               // sidecars, see rank
	again  []*meshtrace.Policy // existing ones that an earlier run made of others that still exist
}

// pairOf identifies a selector in the mesh and in its copies in zones.
type pairOf struct {
	trace  string
	number int
}

func pairKey(p *legacy.Pair) pairOf { return pairOf{displayName(p.TrafficTrace.Resource), p.Number} }

// decider is what decides on a proxy today.
type decider struct {
	position int  // of the pair; -1 for none
	complete bool // MeshTraces decide, and set all that a converted selector sets
	traced   bool // MeshTraces decide
}

// layersOf finds what decides on each proxy of a mesh today, on the version of its zone.
func layersOf(in *input, m *mesh) *layering {
	l := &layering{mesh: m, ties: newTies(m), pairs: make(map[pairOf]int, len(m.Pairs)), selectorOf: in.ServiceSelector}
	for _, dp := range m.dataplanes {
		if dp.Builtin() {
			l.builtin = append(l.builtin, dp)
		} else {
			l.sidecars = append(l.sidecars, dp)
		}
	}
	byPolicy := l.existingLayers(in)
	byPair := l.pairLayers()
	l.deciders = make([]decider, len(l.sidecars))
	decide := in.deciderOf(m)
	for i, dp := range l.sidecars {
		l.deciders[i] = l.assign(i, decide(dp), byPolicy, byPair)
		l.byRank = append(l.byRank, i)
	}
	slices.SortStableFunc(l.byRank, func(a, b int) int { return cmp.Compare(l.rank(a), l.rank(b)) })
	return l
}

// deciderOf returns a function that decides on a proxy as the version of its zone does.
func (in *input) deciderOf(m *mesh) func(*cluster.Dataplane) envoydiff.Decision {
	state := envoydiff.State{Legacy: in.Meshes, Policies: m.allExisting()}
	renderers := make(map[cluster.Version]*envoydiff.Renderer)
	return func(dp *cluster.Dataplane) envoydiff.Decision {
		versions, _ := m.versions(dp)
		version := versions[0]
		if renderers[version] == nil {
			renderers[version] = envoydiff.NewRenderer(version, in.Snapshot, state)
		}
		return renderers[version].Decide(dp)
	}
}

// existingLayers adds a layer for each existing MeshTrace, highest precedence first.
func (l *layering) existingLayers(in *input) map[*meshtrace.Policy]*layer {
	policies := slices.DeleteFunc(slices.Clone(l.allExisting()), func(p *meshtrace.Policy) bool {
		made := l.isMadeAgain(p)
		if made {
			l.again = append(l.again, p)
		}
		return made
	})
	meshtrace.Sort(l.o.Version, policies)
	layers := make(map[*meshtrace.Policy]*layer, len(policies))
	for _, p := range slices.Backward(policies) {
		added := &layer{
			position: -1, existing: p, conf: p.Default, copied: in.isCopy(p),
			everyone: p.TargetRef.Kind == meshtrace.Mesh && len(p.TargetRef.ProxyTypes) != 1,
		}
		l.layers = append(l.layers, added)
		layers[p] = added
	}
	return layers
}

// isMadeAgain reports whether an earlier run made p, with its rank in front of the name,
// of another policy that still exists, and this run makes it again.
func (l *layering) isMadeAgain(p *meshtrace.Policy) bool {
	plain := rankInFront.ReplaceAllString(p.Name, "")
	if plain == p.Name || !selectsByLabels(p) {
		return false
	}
	return slices.ContainsFunc(l.allExisting(), func(from *meshtrace.Policy) bool {
		return from.Namespace == p.Namespace && validName(from.Name) == plain && !from.TargetRef.IsIn(l.target()) && from.Default.Key() == p.Default.Key()
	})
}

// isCopy reports whether a compared policy is a copy of one that another control plane
// has, which restores it.
func (in *input) isCopy(p *meshtrace.Policy) bool {
	i := slices.Index(in.compared, p)
	if i < 0 || in.Origin == nil {
		return false
	}
	switch origin := in.existing[i].Labels[cluster.OriginLabel]; in.Origin.Mode {
	case cluster.ModeGlobal:
		return origin == "zone"
	case cluster.ModeFederatedZone:
		return origin == "global"
	}
	return false
}

// pairLayers adds a layer for each selector, highest rank first.
func (l *layering) pairLayers() []*layer {
	layers := make([]*layer, len(l.Pairs))
	for position, pair := range l.Pairs {
		added := &layer{
			pair: pair, position: position, conf: l.confOf(pair.TrafficTrace).Conf, everyone: len(withoutAnyService(pair.Tags)) == 0,
		}
		if !l.confOf(pair.TrafficTrace).traces() {
			added.conf = meshtrace.Conf{Backends: []meshtrace.Backend{}}
		}
		layers[position] = added
		l.pairs[pairKey(pair)] = position
	}
	l.layers = append(l.layers, layers...)
	return layers
}

// assign adds the sidecar at a position to the layers that decide on it, and returns
// which they are.
func (l *layering) assign(i int, d envoydiff.Decision, byPolicy map[*meshtrace.Policy]*layer, byPair []*layer) decider {
	is := decider{position: -1, traced: len(d.Conf.Backends) > 0}
	if is.traced {
		is.complete = d.Conf.Sampling.Overall != nil
	}
	legacyTraces := !is.traced && d.Backend != nil
	takesAway := slices.ContainsFunc(d.Policies, func(p *meshtrace.Policy) bool { return len(p.Default.Backends) > 0 })
	for _, p := range d.Policies {
		switch of := byPolicy[p]; {
		case of == nil:
		case legacyTraces: // a MeshTrace without a backend has no effect on a TrafficTrace
			of.idle = true
		case is.traced, takesAway:
			of.served = append(of.served, i)
		default:
			of.free = append(of.free, i)
		}
	}
	if position, ok := l.positionOf(d.Pair); ok && !is.traced {
		is.position = position
		byPair[position].served = append(byPair[position].served, i)
	}
	return is
}

// positionOf returns the position of a selector, which may be that of a zone's copy.
func (l *layering) positionOf(pair *legacy.Pair) (int, bool) {
	if pair == nil {
		return 0, false
	}
	position, ok := l.pairs[pairKey(pair)]
	return position, ok
}

// freeFor returns the sidecars that a selector's policies may select although it does not
// decide on them: those of higher selectors, and of MeshTraces that set all it sets.
func (l *layering) freeFor(of *layer) []int {
	if of.existing != nil {
		return of.free
	}
	n, _ := slices.BinarySearchFunc(l.byRank, of.position, func(i, position int) int { return cmp.Compare(l.rank(i), position) })
	return l.byRank[:n:n]
}

// rank returns the position of the selector that decides on a sidecar; below all if
// MeshTraces do that set all that a selector sets, and above all if nothing else decides
// or they set less.
func (l *layering) rank(i int) int {
	switch d := l.deciders[i]; {
	case d.complete:
		return -1
	case d.position >= 0:
		return d.position
	}
	return len(l.Pairs)
}

// maySelect reports whether a layer's policies may select all these sidecars.
func (l *layering) maySelect(of *layer, sidecars []int) bool {
	return !slices.ContainsFunc(sidecars, func(i int) bool {
		if of.existing == nil {
			return l.rank(i) > of.position
		}
		_, served := slices.BinarySearch(of.served, i)
		_, free := slices.BinarySearch(of.free, i)
		return !served && !free
	})
}

// String names what the layer comes from.
func (of *layer) String() string {
	if of.existing != nil {
		return of.existing.String()
	}
	return source(of.pair)
}
