package convert

import (
	"cmp"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// layer is a selector or an existing MeshTrace, with the proxies that its policies by
// labels must and may select, as positions in sidecars.
type layer struct {
	pair      *legacy.Pair // or nil
	position  int          // of the pair
	existing  *meshtrace.Policy
	conf      meshtrace.Conf
	everyone  bool  // it is for all proxies, later ones included
	copied    bool  // it is a copy of another control plane's, which cannot be changed here
	idle      bool  // TrafficTraces decide on some of its proxies
	masks     bool  // and would not without it, because of other MeshTraces
	taken     bool  // MeshTraces decide on proxies that it would decide on
	ofBuiltin bool  // it decides on builtin gateways
	served    []int // proxies that it decides on today
	free      []int // others on which it has no effect
}

// layering is a mesh with what decides on its proxies, highest precedence first.
type layering struct {
	*mesh
	sidecars []*cluster.Dataplane // all but builtin gateways, which no label selects
	builtin  []*cluster.Dataplane
	decide   func(*cluster.Dataplane) envoydiff.Decision
	ranks    []int // of each sidecar, see assign
	layers   []*layer
	ties     *ties
	pairs    map[pairOf]int // positions

	selectorOf func(mesh, service string) (cluster.Tags, string) // see cluster.Snapshot.ServiceSelector

	byRank []int               // sidecars, by their ranks
	again  []*meshtrace.Policy // existing ones that an earlier run made of others that still exist
}

// pairOf identifies a selector in the mesh and in its copies in zones.
type pairOf struct {
	trace  string
	number int
}

func pairKey(p *legacy.Pair) pairOf { return pairOf{p.DisplayName(), p.Number} }

// layersOf finds what decides on each proxy of a mesh today, on the version of its zone.
func layersOf(in *input, m *mesh, today *today) *layering {
	l := &layering{mesh: m, decide: today.decide, ties: newTies(m), pairs: make(map[pairOf]int, len(m.Pairs)), selectorOf: in.ServiceSelector}
	for _, dp := range m.dataplanes {
		if dp.Builtin() {
			l.builtin = append(l.builtin, dp)
		} else {
			l.sidecars = append(l.sidecars, dp)
		}
	}
	byPolicy := l.existingLayers(today.copies)
	byPair := l.pairLayers()
	for i, dp := range l.sidecars {
		l.ranks = append(l.ranks, l.assign(i, l.decide(dp), byPolicy, byPair))
		l.byRank = append(l.byRank, i)
	}
	for _, dp := range l.builtin {
		d := l.decide(dp)
		if position, ok := l.positionOf(d.Pair); ok {
			byPair[position].ofBuiltin = true
		}
		for _, p := range d.Policies {
			if of := byPolicy[p]; of != nil && len(d.Conf.Backends) > 0 {
				of.ofBuiltin = true
			}
		}
	}
	slices.SortStableFunc(l.byRank, func(a, b int) int { return cmp.Compare(l.ranks[a], l.ranks[b]) })
	return l
}

// today is what decides on the proxies of all meshes before the conversion.
type today struct {
	decide func(*cluster.Dataplane) envoydiff.Decision // as the version of the proxy's zone does
	copies map[*meshtrace.Policy]bool                  // copies of MeshTraces that another control plane has and restores
}

func newToday(in *input, previous map[*meshtrace.Policy]bool) *today {
	state := in.StateOf(in.Meshes, slices.DeleteFunc(slices.Clone(in.compared), func(p *meshtrace.Policy) bool { return previous[p] }))
	versions := in.Judge(in.o.Version)
	own := envoydiff.NewRenderer(in.o.Version, in.Snapshot, state)
	renderers := map[cluster.Version]*envoydiff.Renderer{in.o.Version: own}
	t := &today{copies: make(map[*meshtrace.Policy]bool)}
	t.decide = func(dp *cluster.Dataplane) envoydiff.Decision {
		of, _ := versions(dp)
		if renderers[of[0]] == nil {
			renderers[of[0]] = own.In(of[0], state)
		}
		return renderers[of[0]].Decide(dp)
	}
	for i, p := range in.existing {
		switch origin := p.Labels.Get(cluster.OriginLabel); in.About().Mode {
		case cluster.ModeGlobal:
			t.copies[in.compared[i]] = origin == "zone"
		case cluster.ModeFederatedZone:
			t.copies[in.compared[i]] = origin == "global"
		}
	}
	return t
}

// existingLayers adds a layer for each existing MeshTrace, highest precedence first.
func (l *layering) existingLayers(copies map[*meshtrace.Policy]bool) map[*meshtrace.Policy]*layer {
	l.again = l.madeAgain()
	again := lists.Set(l.again, func(p *meshtrace.Policy) *meshtrace.Policy { return p })
	policies := slices.DeleteFunc(l.allExisting(), func(p *meshtrace.Policy) bool { return again[p] })
	meshtrace.Sort(l.o.Version, policies)
	layers := make(map[*meshtrace.Policy]*layer, len(policies))
	for _, p := range slices.Backward(policies) {
		added := &layer{
			position: -1, existing: p, conf: p.Default, copied: copies[p],
			everyone: p.TargetRef.Kind == meshtrace.Mesh && len(p.TargetRef.ProxyTypes) != 1,
		}
		l.layers = append(l.layers, added)
		layers[p] = added
	}
	return layers
}

// madeAgain returns the policies that an earlier run made, with their rank in front of the
// name, of others that still exist, and that this run makes again.
func (l *layering) madeAgain() []*meshtrace.Policy {
	type key struct{ namespace, name string }
	existing := l.allExisting()
	replaced := lists.Group(existing, func(p *meshtrace.Policy) key {
		return key{p.Namespace, rankInFront.ReplaceAllString(validName(p.Name), "")}
	})
	return lists.Keep(existing, func(p *meshtrace.Policy) bool {
		plain := rankInFront.ReplaceAllString(p.Name, "")
		return plain != p.Name && selectsByLabels(p) && slices.ContainsFunc(replaced[key{p.Namespace, plain}], func(from *meshtrace.Policy) bool {
			isCopy := !rankInFront.MatchString(from.Name) && from.TargetRef.String() == p.TargetRef.String()
			return (!from.TargetRef.IsIn(cluster.Newest) || isCopy) && from.Default.Key() == p.Default.Key()
		})
	})
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

// assign adds the sidecar at a position to the layers that decide on it, and returns its
// rank: the position of the selector that decides; below all if MeshTraces do that set all
// that a selector sets, and above all if nothing else decides or they set less.
func (l *layering) assign(i int, d envoydiff.Decision, byPolicy map[*meshtrace.Policy]*layer, byPair []*layer) (rank int) {
	traced := len(d.Conf.Backends) > 0
	legacyTraces := !traced && d.Backend != nil
	takesAway := slices.ContainsFunc(d.Policies, func(p *meshtrace.Policy) bool { return len(p.Default.Backends) > 0 })
	for _, p := range d.Policies {
		switch of := byPolicy[p]; {
		case of == nil:
		case legacyTraces: // a MeshTrace without a backend has no effect on a TrafficTrace
			of.idle = true
			of.masks = of.masks || takesAway && len(p.Default.Backends) == 0
		case traced, takesAway:
			of.served = append(of.served, i)
		default:
			of.free = append(of.free, i)
		}
	}
	if traced && len(l.Pairs) > 0 {
		of := l.In(l.sidecars[i].Zone())
		if position := of.Wins(l.sidecars[i].TagSets()...); position >= 0 {
			if position, ok := l.positionOf(of.Pairs[position]); ok {
				byPair[position].taken = true
			}
		}
	}
	if traced && d.Conf.Sampling.Overall != nil {
		return -1
	}
	if position, ok := l.positionOf(d.Pair); ok && !traced {
		byPair[position].served = append(byPair[position].served, i)
		return position
	}
	return len(l.Pairs)
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
	n, _ := slices.BinarySearchFunc(l.byRank, of.position, func(i, position int) int { return cmp.Compare(l.ranks[i], position) })
	return l.byRank[:n:n]
}

// sameBelow returns the sidecars of lower selectors that get the same from these as a selector
// gives.
func (l *layering) sameBelow(of *layer) []int {
	if of.existing != nil {
		return nil
	}
	key := l.confs.keyOf(l.Mesh, of.pair.TrafficTrace)
	var same []int
	for _, i := range l.byRank[len(l.freeFor(of)):] {
		position := l.ranks[i]
		if position >= len(l.Pairs) {
			break
		}
		if position > of.position && l.confs.keyOf(l.Mesh, l.Pairs[position].TrafficTrace) == key {
			same = append(same, i)
		}
	}
	return same
}

// maySelect reports whether a layer's policies may select all these sidecars.
func (l *layering) maySelect(of *layer, sidecars []int) bool {
	return !slices.ContainsFunc(sidecars, func(i int) bool {
		if of.existing == nil {
			return l.ranks[i] > of.position
		}
		_, served := slices.BinarySearch(of.served, i)
		_, free := slices.BinarySearch(of.free, i)
		return !served && !free
	})
}
