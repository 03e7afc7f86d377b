package envoydiff

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/meshtrace"
)

// Options select what to compare and what to ignore.
type Options struct {
	Version cluster.Version
	// To is the control plane's version after an upgrade; zero: it is not upgraded.
	To cluster.Version
	// Migrated is set if the two states have other policies, as before and after a
	// migration. Otherwise, a difference is attributed to the rule of To that causes it.
	Migrated bool
	Accept   []Code // codes of differences to ignore
	// Doubt returns why a proxy's verdict is unknown, or no reason. It may be nil.
	Doubt func(dp *cluster.Dataplane) cluster.Doubt
}

// Proxy is the result of one proxy.
type Proxy struct {
	Mesh, Name  string
	Verdict     Verdict
	Differences []*Difference // shared among proxies with the same differences
	Before      *Decision     // shared among proxies with the same decision; nil in dumps
	After       *Decision
	Dataplane   *cluster.Dataplane // nil in dumps
	ModifiedAt  *manifest.Place    // the modification of ProxyPatched, if it is known
	untraced    bool               // no listener is traced, before or after
	begins      bool               // a listener is traced after, and none before
	// alsoInherent is set if an accepted proxy also has an inherent difference that is not accepted.
	alsoInherent bool
}

// setTraced records whether a listener of the proxy is traced before, and after; where one is
// before, it does not matter here whether one is after.
func (p *Proxy) setTraced(before, after bool) {
	p.untraced, p.begins = !before && !after, !before && after
}

// Untraced reports whether no listener of the proxy is traced, before and after: its policies may
// name a collector all the same. It is false in dumps.
func (p *Proxy) Untraced() bool { return p.untraced }

// Has reports whether the proxy has a difference of a code.
func (p *Proxy) Has(code Code) bool {
	return slices.ContainsFunc(p.Differences, func(d *Difference) bool { return d.Code == code })
}

// Source returns which policies decide on the proxy, before and after.
func (p *Proxy) Source() string {
	if p.Dataplane == nil {
		return ""
	}
	return fmt.Sprintf("before: %s; after: %s", p.Before.Source(), p.After.Source())
}

// Source returns the kinds and names of the policies that decide, or nothing, and those
// that are withheld.
func (d *Decision) Source() string {
	text := d.source()
	switch len(d.Withheld) {
	case 0:
		return text
	case 1:
		return text + " (" + named(d.Withheld) + " is withheld)"
	}
	return text + " (" + named(d.Withheld) + " are withheld)"
}

// named returns the names of policies, highest precedence first.
func named(policies []*meshtrace.Policy) string {
	names := make([]string, 0, len(policies))
	for _, p := range slices.Backward(policies) {
		names = append(names, fmt.Sprintf("%q", p.Name))
	}
	word := "MeshTrace "
	if len(names) > 1 {
		word = "MeshTraces "
	}
	return word + strings.Join(names, " over ")
}

func (d *Decision) source() string {
	switch {
	case d.fromMeshTrace():
		return named(d.Policies)
	case d.Pair != nil:
		text := fmt.Sprintf("TrafficTrace %q, selector %d (%s)", d.Pair.Name, d.Pair.Number, d.Pair.Tags)
		if d.Backend == nil {
			text += ", whose backend does not exist"
		}
		return text
	case len(d.Policies) > 0:
		return fmt.Sprintf("MeshTrace %q, without a backend", d.Policies[len(d.Policies)-1].Name)
	}
	return "nothing"
}

// Comparison is the result for all proxies.
type Comparison struct {
	Version cluster.Version
	To      cluster.Version // afterwards; zero: the same version
	Overlay string          // whose manifests are compared; empty: those of no overlay, or of one
	Proxies []Proxy         // by mesh and name
	before  *Renderer
	after   *Renderer
}

// All yields the proxies of comparisons, each with its comparison.
func All(comparisons []*Comparison) iter.Seq2[*Comparison, *Proxy] {
	return func(yield func(*Comparison, *Proxy) bool) {
		for _, c := range comparisons {
			for i := range c.Proxies {
				if !yield(c, &c.Proxies[i]) {
					return
				}
			}
		}
	}
}

// Find returns the result of a Dataplane, or nil.
func Find(comparisons []*Comparison, dp *cluster.Dataplane) *Proxy {
	for _, p := range All(comparisons) {
		if p.Dataplane == dp {
			return p
		}
	}
	return nil
}

// Listeners renders the listeners of one of the proxies, before and after, for display.
func (c *Comparison) Listeners(p *Proxy) (before, after []Listener) {
	if p.Dataplane == nil {
		return nil, nil
	}
	before, _ = c.before.Render(p.Dataplane, p.Before)
	after, _ = c.after.Render(p.Dataplane, p.After)
	return before, after
}

// Compare compares every Dataplane of s in two states. The cost of a proxy does not
// depend on the number of policies: an index finds those that decide, and equal pairs
// of decisions are rendered and compared once.
func Compare(s *cluster.Snapshot, before, after State, o Options) *Comparison {
	return compareOnly(s.Dataplanes, newRenderer(s), before, after, o)
}

// compareOnly compares some Dataplanes of a renderer's snapshot.
func compareOnly(dataplanes []*cluster.Dataplane, r *Renderer, before, after State, o Options) *Comparison {
	today := r.In(o.Version, before)
	to := cmp.Or(o.To, o.Version)
	result := &Comparison{Version: o.Version, To: o.To, Proxies: sortedProxies(dataplanes), before: today, after: today.In(to, after)}
	var lenient *Renderer
	if to == o.Version && o.Version.SkipsIgnoredInbounds() {
		lenient = result.after.countingIgnoredInbounds()
	}
	refusing := today.refusing(to, after)
	lists.InShares(result.Proxies, func(proxies []Proxy) *comparer {
		c := newComparer(result.before, result.after, lenient, o.Accept)
		c.migrated, c.refusing = o.Migrated, refusing
		for i := range proxies {
			c.compare(&proxies[i])
		}
		return c
	})
	result.doubt(o, newMixedTags(result.before, result.after))
	result.before.matcher, result.after.matcher = nil, nil // large, and decisions are known
	return result
}

// Refused returns why a Dataplane, which the version before accepts, is refused by the version
// after, whether or not it is traced.
func (c *Comparison) Refused(dp *cluster.Dataplane) []Code { return refusals(c.before, c.after, dp) }

// ListenersAfter are those of the version after, with what the upgrade changes.
func (c *Comparison) ListenersAfter() *cluster.Listeners { return c.after.listeners }

// sortedProxies returns the proxies of Dataplanes, sorted by mesh and name.
func sortedProxies(dataplanes []*cluster.Dataplane) []Proxy {
	byMesh := lists.Group(dataplanes, func(dp *cluster.Dataplane) string { return dp.Mesh })
	proxies := make([]Proxy, 0, len(dataplanes))
	for _, mesh := range slices.Sorted(maps.Keys(byMesh)) {
		ofMesh := byMesh[mesh]
		names := lists.Each(ofMesh, (*cluster.Dataplane).FullName)
		for _, i := range inOrder(names) {
			proxies = append(proxies, Proxy{Mesh: mesh, Name: names[i], Dataplane: ofMesh[i]})
		}
	}
	return proxies
}

// inOrder returns the positions of names in the order of these. Most names begin alike, so
// it compares a number first, of the bytes after those that all share.
func inOrder(names []string) []int {
	shared := names[0]
	for _, name := range names {
		for !strings.HasPrefix(name, shared) {
			shared = shared[:len(shared)-1]
		}
	}
	numbers := make([]uint64, len(names))
	order := make([]int, len(names))
	for i, name := range names {
		var next [8]byte
		copy(next[:], name[len(shared):])
		numbers[i], order[i] = binary.BigEndian.Uint64(next[:]), i
	}
	slices.SortFunc(order, func(a, b int) int { // faster than a stable sort
		if byNumber := cmp.Compare(numbers[a], numbers[b]); byNumber != 0 {
			return byNumber
		}
		if byName := strings.Compare(names[a], names[b]); byName != 0 {
			return byName
		}
		return cmp.Compare(a, b)
	})
	return order
}

// doubt replaces the result of each proxy whose verdict is unknown. It is not
// concurrent, because o.Doubt may keep state.
func (c *Comparison) doubt(o Options, mixed *mixedTags) {
	patched := c.before.patcher.any() || c.after.patcher.any()
	upgraded := c.before.version != c.after.version
	circular := c.before.matcher.MayBeUndecided() || c.after.matcher.MayBeUndecided()
	if o.Doubt == nil && len(mixed.pools) == 0 && !patched && !upgraded && !circular {
		return
	}
	shared := make(map[string][]*Difference)
	for i := range c.Proxies {
		p := &c.Proxies[i]
		var doubt cluster.Doubt
		if o.Doubt != nil {
			doubt = o.Doubt(p.Dataplane)
		}
		if doubt.Reason != "" || p.Verdict != Different {
			doubt = doubt.And(mixed.doubt(p.Dataplane))
			if circular {
				doubt = doubt.And(c.undecided(p.Dataplane))
			}
			if upgraded && !p.untraced {
				doubt = doubt.And(cluster.Doubt{Code: string(ServicesUnread), Reason: c.after.listeners.Uncertain(p.Dataplane)})
			}
			if patched {
				doubt = doubt.And(c.patched(p))
			}
		}
		doubts := doubt.All()
		if len(doubts) == 0 {
			continue
		}
		key := fmt.Sprintf("%q", doubts)
		if shared[key] == nil {
			shared[key] = differencesOf(doubts)
		}
		p.Differences = shared[key]
		p.judge(o.Accept)
	}
}

// undecided returns why it is not known which MeshTrace has precedence for dp, before or after.
func (c *Comparison) undecided(dp *cluster.Dataplane) cluster.Doubt {
	for _, r := range []*Renderer{c.before, c.after} {
		if p := r.matcher.Undecided(dp); p != nil {
			return cluster.Doubt{Code: string(OrderUndecided), Reason: fmt.Sprintf(
				"MeshTrace %q precedes one that precedes it by way of a third, so that the order in which the control plane reads them decides", p.Name)}
		}
	}
	return cluster.Doubt{}
}

// differencesOf returns the differences of a proxy whose verdict is unknown.
func differencesOf(doubts []cluster.Doubt) []*Difference {
	return lists.Each(doubts, func(doubt cluster.Doubt) *Difference {
		return &Difference{Code: cmp.Or(Code(doubt.Code), Unverified), Field: "proxy", Before: doubt.Reason, After: "unknown"}
	})
}

// Doubt makes the verdict unknown, unless there is no doubt or a difference is known.
func (p *Proxy) Doubt(doubt cluster.Doubt, accept []Code) {
	if doubt.Reason != "" && p.Verdict != Different {
		p.Differences = differencesOf(doubt.All())
		p.judge(accept)
	}
}
