package envoydiff

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"tracemigrate/cluster"
	"tracemigrate/meshtrace"
)

// Options say what to compare and what to overlook.
type Options struct {
	Version cluster.Version
	Accept  []Code // differences of these codes do not count
	// Doubt says why nothing can be said of a proxy, with no reason where something
	// can; it may be nil.
	Doubt func(dp *cluster.Dataplane) cluster.Doubt
}

// Proxy is the outcome of one proxy.
type Proxy struct {
	Mesh, Name  string
	Verdict     Verdict
	Differences []*Difference // shared among proxies that differ alike
	Before      *Decision     // shared among proxies for which the same decides; nil for a proxy known from dumps
	After       *Decision
	Dataplane   *cluster.Dataplane // nil for a proxy known from dumps
	untraced    bool               // no listener is traced, before or after
}

// Source says what gave the proxy its tracing, before and after.
func (p *Proxy) Source() string {
	if p.Dataplane == nil {
		return ""
	}
	return fmt.Sprintf("before: %s; after: %s", p.Before.Source(), p.After.Source())
}

// Source says what decides: policies by kind and name, or nothing; and which
// policies are withheld.
func (d *Decision) Source() string {
	text := d.source()
	if len(d.Withheld) > 0 {
		text += " (" + named(d.Withheld) + map[bool]string{true: " are", false: " is"}[len(d.Withheld) > 1] + " withheld)"
	}
	return text
}

// named names policies, highest precedence first.
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

// Comparison is the outcome for all proxies.
type Comparison struct {
	Version cluster.Version
	Proxies []Proxy // by mesh and name
	before  *Renderer
	after   *Renderer
}

// Find returns the outcome of a Dataplane, nil where there is none.
func Find(comparisons []*Comparison, dp *cluster.Dataplane) *Proxy {
	for _, c := range comparisons {
		for i := range c.Proxies {
			if c.Proxies[i].Dataplane == dp {
				return &c.Proxies[i]
			}
		}
	}
	return nil
}

// Count is how many proxies have a verdict.
func (c *Comparison) Count(v Verdict) int {
	n := 0
	for i := range c.Proxies {
		if c.Proxies[i].Verdict == v {
			n++
		}
	}
	return n
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

// Compare holds every Dataplane of s in one state against that in another.
// The cost of a proxy does not depend on the number of policies: what decides
// is found by index, and equal pairs of decisions are rendered and compared once.
func Compare(s *cluster.Snapshot, before, after State, o Options) *Comparison {
	return compareOnly(s.Dataplanes, s, before, after, o)
}

// atOnce is how many proxies are worth a goroutine of their own.
const atOnce = 1_000

// compareOnly compares some Dataplanes of s.
func compareOnly(dataplanes []*cluster.Dataplane, s *cluster.Snapshot, before, after State, o Options) *Comparison {
	today := NewRenderer(o.Version, s, before)
	result := &Comparison{Version: o.Version, Proxies: sortedProxies(dataplanes), before: today, after: today.in(o.Version, after)}
	var lenient *Renderer
	if o.Version.SkipsIgnoredInbounds() {
		lenient = today.in(o.Version, after)
		lenient.matcher.CountIgnoredInbounds()
	}
	workers := max(1, min(runtime.GOMAXPROCS(0), len(dataplanes)/atOnce))
	var group sync.WaitGroup
	for proxies := range slices.Chunk(result.Proxies, max(1, (len(dataplanes)+workers-1)/workers)) {
		group.Go(func() {
			c := newComparer(result.before, result.after, lenient, o.Accept)
			for i := range proxies {
				c.compare(&proxies[i])
			}
		})
	}
	group.Wait()
	if o.Doubt != nil {
		result.doubt(o)
	}
	return result
}

// sortedProxies returns the proxies of Dataplanes by mesh and name.
func sortedProxies(dataplanes []*cluster.Dataplane) []Proxy {
	type named struct {
		name     string
		dp       *cluster.Dataplane
		position int
	}
	order := make([]named, len(dataplanes)) // which is smaller than a Proxy
	for i, dp := range dataplanes {
		order[i] = named{dp.FullName(), dp, i}
	}
	// Faster than a stable sort.
	slices.SortFunc(order, func(a, b named) int {
		if order := strings.Compare(a.dp.Mesh, b.dp.Mesh); order != 0 {
			return order
		}
		return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(a.position, b.position))
	})
	proxies := make([]Proxy, len(order))
	for i, of := range order {
		proxies[i] = Proxy{Mesh: of.dp.Mesh, Name: of.name, Dataplane: of.dp}
	}
	return proxies
}

// doubt replaces the outcome of each proxy of which nothing can be said. Doubts are
// asked for one after the other, since who answers may remember.
func (c *Comparison) doubt(o Options) {
	shared := make(map[cluster.Doubt][]*Difference)
	for i := range c.Proxies {
		p := &c.Proxies[i]
		doubt := o.Doubt(p.Dataplane)
		if doubt.Reason == "" {
			continue
		}
		if shared[doubt] == nil {
			shared[doubt] = []*Difference{{Code: cmp.Or(Code(doubt.Code), Unverified), Field: "proxy", Before: doubt.Reason, After: "unknown"}}
		}
		p.Differences = shared[doubt]
		p.Verdict = verdictOf(p.Differences, o.Accept)
	}
}
