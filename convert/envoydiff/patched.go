package envoydiff

import (
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// patching is what the modifications of a proxy find, before or after.
type patching struct {
	collector string  // name of the cluster that traces go to; empty: none
	origin    string  // of that cluster
	beside    string  // name of the cluster of a TrafficTrace that a MeshTrace overrides, if any
	kind      string  // of the policies that decide
	sampling  [3]bool // whether a listener has overall, client and random sampling
	renamed   bool    // listeners have the names of resources
	untraced  bool    // no policy traces a listener, so only what may fail, or traces itself, matters
}

// effect is what a modification does to the tracing of a proxy. Equal effects are the same
// before and after.
type effect struct {
	of, operation, match, sum, names string
	hit                              bool // the names are of clusters that exist
	base                             patching
}

// patchings returns what modifications find under a decision: with the names of clusters of a
// proxy without and with unified naming, which only the proxy knows.
func (r *Renderer) patchings(dp *cluster.Dataplane, d *Decision, untraced bool) []patching {
	found := patching{renamed: r.version.NamesByResource(), untraced: untraced}
	if !d.Traces() {
		return []patching{found}
	}
	collector := d.collector()
	found.collector, found.origin, found.kind = collector.Name(r.version), cluster.LegacyOrigin, cluster.KindTrafficTrace
	if !d.fromMeshTrace() {
		found.sampling[0] = d.Backend.Sampling != nil
		return []patching{found}
	}
	found.origin, found.kind = cluster.MeshTraceOrigin, cluster.KindMeshTrace
	sampling := &d.Conf.Sampling
	found.sampling = [3]bool{sampling.Overall != nil, sampling.Client != nil, sampling.Random != nil}
	if _, backend := r.legacyBackend(dp); backend != nil && backend.Problems == nil {
		found.beside = backend.Collector().Cluster
	}
	if !r.snapshot.MayNameUnified(r.version, dp.Mesh) || found.renamed {
		return []patching{found}
	}
	unified := found
	unified.collector = collector.System
	return []patching{found, unified}
}

// effectOf returns the effect of a modification on tracing, and whether it has any.
func (p *patching) effectOf(m *cluster.Modification) (effect, bool) {
	e := effect{of: m.Of, operation: m.Operation, sum: m.Value.Sum}
	mayFail, ownTracer := m.JSON && m.Selects(p.collector, p.origin), m.Traces() && len(m.Value.Names) > 0
	if p.untraced && !mayFail && !ownTracer {
		return e, false
	}
	named := m.Value.IsNamed(p.collector) || m.Value.IsNamed(p.beside)
	switch {
	case m.Selects(p.collector, p.origin):
		e.hit = named // the value may rename the cluster
		// Only a cluster whose name has a colon has an altStatName, which a JSON patch replaces or
		// else fails: AltStatNameConfigurer in pkg/xds/envoy/clusters/v3 of Kuma's tag v2.14.3; seen on 3.0.
		e.base.renamed = m.JSON && m.Value.Replaces && strings.Contains(p.collector, ":")
		if m.JSON && m.Value.Copies { // perhaps the name
			e.base.collector = p.collector
		}
		return e, true
	case m.Of == cluster.ModifiedCluster && m.Operation == cluster.OperationAdd:
		return e, named // it replaces the cluster
	case len(m.Value.Names) == 0 && (!m.Value.Tracing || m.Of == cluster.ModifiedCluster) && !m.RemovesTraced():
		return e, false
	}
	e.match, e.names, e.hit = m.Match, strings.Join(m.Value.Names, " "), named
	e.base.renamed = p.renamed && (m.ByName() || m.Value.Copies)
	switch {
	case !m.Value.Tracing:
	case m.JSON:
		e.base.kind, e.base.sampling = p.kind, p.sampling // a patch depends on which fields there are
	case m.Value.Sampling:
		e.base.sampling = p.sampling // 0 does not replace 100, but sets what is not set: Merge in pkg/util/proto
	}
	return e, true
}

// acting is a modification with its effect.
type acting struct {
	effect
	modification
}

func (p *patching) acting(all []modification) []acting {
	var found []acting
	for _, m := range all {
		if e, ok := p.effectOf(m.Modification); ok {
			found = append(found, acting{e, m})
		}
	}
	return found
}

// patched returns why modifications may change the tracing of a proxy that is the same without
// them. One without a traced listener has the cluster of the collector as well: where a JSON patch
// of it fails, the control plane makes no configuration, and a tracer that a modification gives to
// another listener may name it (seen on 2.13.10).
func (c *Comparison) patched(p *Proxy) cluster.Doubt {
	untraced := p.untraced && !c.tracedByPatches(p.Dataplane)
	befores, afters := c.before.patchings(p.Dataplane, p.Before, untraced), c.after.patchings(p.Dataplane, p.After, untraced)
	for i, before := range befores {
		for j, after := range afters {
			if len(befores) == len(afters) && i != j {
				continue // a proxy has one naming
			}
			if why, at := c.patchedBetween(p, &before, &after); why != "" {
				p.ModifiedAt = at
				if i+j > 0 {
					why = "with unified resource naming, which only the proxy knows: " + why
				}
				return cluster.Doubt{Code: string(ProxyPatched), Reason: why}
			}
		}
	}
	if untraced {
		return cluster.Doubt{}
	}
	return c.otherwiseTraced(p)
}

// patchedBetween returns why modifications do not do the same before and after, and the place
// of the first; a nil place if it is not known.
func (c *Comparison) patchedBetween(p *Proxy, before, after *patching) (why string, at *manifest.Place) {
	if unread := c.before.patcher.unread; len(unread) > 0 && before.collector != after.collector {
		return fmt.Sprintf("the kind %s could not be read, and one of it may change the collector's cluster %q, which is %q afterwards",
			strings.Join(unread, " and "), before.collector, after.collector), nil
	}
	was, is := c.before.patcher.of(p.Dataplane), c.after.patcher.of(p.Dataplane)
	for i := range was {
		for j := range is {
			if len(was) == len(is) && i != j {
				continue // the same ProxyTemplate applies before and after
			}
			if why, at := differing(before, after, before.acting(was[i]), after.acting(is[j])); why != "" {
				return why, at
			}
		}
	}
	return "", nil
}

// differing returns why modifications before and after do not do the same, with the place of
// the first that does not, or an empty text.
func differing(before, after *patching, was, is []acting) (why string, at *manifest.Place) {
	if slices.EqualFunc(was, is, func(a, b acting) bool { return a.effect == b.effect }) {
		return "", nil
	}
	var reasons []string
	seen := make(map[*cluster.Modification]bool)
	add := func(list, others []acting, why func(a, other *acting) string) {
		for i := range list {
			a := &list[i]
			if seen[a.Modification] || slices.ContainsFunc(others, func(b acting) bool { return a.effect == b.effect }) {
				continue
			}
			seen[a.Modification] = true
			var other *acting
			if at := slices.IndexFunc(others, func(b acting) bool { return a.Modification == b.Modification }); at >= 0 {
				other = &others[at]
			}
			if at == nil {
				at = &a.Place
			}
			reasons = append(reasons, fmt.Sprintf("%s (%s) %s", a.modification.of, a.Place, why(a, other)))
		}
	}
	add(was, is, func(a, other *acting) string { return a.why(other, before, after, "before", "after") })
	add(is, was, func(a, other *acting) string { return a.why(other, after, before, "after", "before") })
	if len(reasons) == 0 {
		first := &was[0]
		const why = "%s (%s) and others change tracing in another order before and after"
		return fmt.Sprintf(why, first.modification.of, first.Place), &first.Place
	}
	const shown = 3
	if more := len(reasons) - shown; more > 0 {
		reasons = append(reasons[:shown], fmt.Sprintf("%d more do not act equally before and after", more))
	}
	return strings.Join(reasons, "; "), at
}

// why returns what a does to tracing that other, the same modification on the other side, does
// not; other is nil if it does nothing there.
func (a *acting) why(other *acting, here, there *patching, when, otherwise string) string {
	switch {
	case other != nil && other.hit != a.hit, a.Operation == cluster.OperationAdd && other == nil:
		hit := here
		if other != nil && other.hit {
			hit, when = there, otherwise
		}
		return fmt.Sprintf("names the cluster %q, which exists only %s", hit.named(a.Modification), when)
	case a.base.collector != "" && (other == nil || other.base.collector != a.base.collector):
		return "copies a field that may have another value " + otherwise
	case other == nil && a.Of == cluster.ModifiedCluster && !a.Selects(there.collector, there.origin):
		return fmt.Sprintf("changes the cluster %q (origin %s), which receives the traces %s, and not %q (origin %s), which receives them %s",
			here.collector, here.origin, when, there.collector, there.origin, otherwise)
	case other == nil:
		return "changes tracing only " + when
	case other.base.renamed != a.base.renamed && !a.ByName():
		return "depends on a field that may have another value " + otherwise
	case other.base.renamed != a.base.renamed:
		return "selects or replaces listeners, which have other names " + otherwise
	case a.JSON:
		return "changes tracing with jsonPatches, whose effect depends on the fields that the policies before and after set"
	}
	return "changes a sampling, whose effect depends on whether the policies before and after set it"
}

// named returns the first of the clusters that a modification names which exists.
func (p *patching) named(m *cluster.Modification) string {
	if m.Value.IsNamed(p.collector) {
		return p.collector
	}
	return p.beside
}
