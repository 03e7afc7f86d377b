package output

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// Explanation is what decides on one proxy, today and after the migration.
type Explanation struct {
	Version   cluster.Version
	Snapshot  *cluster.Snapshot
	Dataplane *cluster.Dataplane
	State     envoydiff.State // today
	Doubt     cluster.Doubt   // why State may not decide
	Decision  *envoydiff.Decision
	Listeners []envoydiff.Listener // as Decision has them
	After     *envoydiff.Proxy     // nil when the conversion does not compare the proxy
}

// Explain prints an explanation as text.
func (p *Printer) Explain(about *Explanation) {
	e := &explanation{p, about}
	e.head()
	for _, mesh := range e.State.Legacy {
		if mesh.Name == e.Dataplane.Mesh {
			e.trafficTraces(mesh.In(e.Dataplane.Zone()))
		}
	}
	e.meshTraces(e.State.Policies)
	e.conclusion()
	e.verdict()
}

// explanation is an Explanation and the printer that it goes to.
type explanation struct {
	*Printer
	*Explanation
}

// head prints the proxy and its tags.
func (e *explanation) head() {
	kind := "sidecar"
	if e.Dataplane.Gateway != nil {
		kind = "delegated gateway"
		if e.Dataplane.Gateway.Builtin {
			kind = "builtin gateway"
		}
	}
	e.wrapped("%s, a %s (%s), on Kuma %s", e.Dataplane, kind, e.Dataplane.Place, e.Version)
	for i, set := range e.Dataplane.TagSets() {
		state := ""
		if n := i; e.Dataplane.Gateway == nil && n < len(e.Dataplane.Inbounds) && e.Dataplane.Inbounds[n].Ignored {
			state = " (inbound is Ignored)"
		}
		e.wrapped("  tag set %d: %s%s", i+1, set, state)
	}
}

// trafficTraces prints every selector of a mesh in order of precedence.
func (e *explanation) trafficTraces(mesh *legacy.Mesh) {
	e.wrapped("")
	e.wrapped("TrafficTraces of mesh %q, highest precedence first:", mesh.Name)
	if len(mesh.Pairs) == 0 {
		e.wrapped("  none")
		return
	}
	won := false
	for i, pair := range mesh.Pairs {
		tags, exact := pair.Tags.Rank()
		about := fmt.Sprintf("%d. %q, selector %d (%s), rank %d/%d", i+1, pair.Name, pair.Number, pair.Tags, tags, exact)
		matched := slices.IndexFunc(e.Dataplane.TagSets(), pair.Tags.Match)
		switch {
		case matched < 0:
			e.wrapped("     %s: no tag set satisfies it", about)
			continue
		case won:
			e.wrapped("     %s: matches tag set %d, but a higher one wins", about, matched+1)
			continue
		}
		won = true
		backend := mesh.BackendOf(pair.TrafficTrace)
		to := "to no backend, so not at all"
		if backend != nil {
			to = fmt.Sprintf("to %q", backend.Name)
		}
		e.wrapped("  => %s: matches tag set %d and wins; traces go %s", about, matched+1, to)
		if i+1 < len(mesh.Pairs) && pair.Undecided(mesh.Pairs[i+1]) {
			e.wrapped("       it ranks equal to the next, and creation times are not known: the smaller name is taken to win")
		}
	}
}

// meshTraces prints the policies that apply and what each adds to the merge.
func (e *explanation) meshTraces(policies []*meshtrace.Policy) {
	e.wrapped("")
	e.wrapped("MeshTraces, lowest precedence first:")
	matcher := meshtrace.NewMatcher(e.Version, policies, cluster.NewGateways(e.Snapshot.MeshGateways))
	matching := matcher.Matching(nil, e.Dataplane)
	for i, p := range matching {
		conf := meshtrace.Merge(matching[:i+1])
		e.wrapped("  %d. %q, %s: sets %s", i+1, p.Name, target(p), sets(&p.Default))
		e.wrapped("       merged so far: %s", merged(&conf))
	}
	if len(matching) == 0 {
		e.wrapped("  none applies")
	}
	for _, p := range policies {
		if p.Mesh == e.Dataplane.Mesh && !slices.Contains(matching, p) {
			why := "does not select it"
			if p.Shadow(e.Version) {
				why = "is a shadow, which is not applied"
			}
			e.wrapped("     %q, %s: %s", p.Name, target(p), why)
		}
	}
}

// target returns what a policy selects in words.
func target(p *meshtrace.Policy) string {
	text := string(p.TargetRef.Kind)
	if p.TargetRef.Name != "" {
		text += " " + p.TargetRef.Name
	}
	if len(p.TargetRef.Tags) > 0 {
		text += " " + p.TargetRef.Tags.String()
	}
	if len(p.TargetRef.Labels) > 0 {
		text += " labels " + cluster.Tags(p.TargetRef.Labels).String()
	}
	if len(p.TargetRef.ProxyTypes) > 0 {
		text += ", proxyTypes " + strings.Join(p.TargetRef.ProxyTypes, ", ")
	}
	return text
}

// sets returns the names of the fields that a policy sets.
func sets(c *meshtrace.Conf) string {
	var fields []string
	if c.Backends != nil {
		if len(c.Backends) == 0 {
			fields = append(fields, "no backend (backends: [])")
		} else {
			fields = append(fields, "backends")
		}
	}
	for name, percent := range map[string]*meshtrace.Percent{"overall": c.Sampling.Overall, "client": c.Sampling.Client, "random": c.Sampling.Random} {
		if percent != nil {
			fields = append(fields, fmt.Sprintf("sampling.%s %s", name, percent))
		}
	}
	if c.Tags != nil {
		fields = append(fields, fmt.Sprintf("tags (%d)", len(c.Tags)))
	}
	if len(fields) == 0 {
		return "nothing"
	}
	slices.Sort(fields)
	return strings.Join(fields, ", ")
}

// merged returns a merged conf in words.
func merged(c *meshtrace.Conf) string {
	if len(c.Backends) == 0 {
		return "no backend"
	}
	percent := func(p *meshtrace.Percent) string {
		if p == nil {
			return "100 (Envoy's default)"
		}
		return p.String()
	}
	text := fmt.Sprintf("%s %s, sampling overall %s, client %s, random %s", c.Backends[0].Type, c.Collector().Address(),
		percent(c.Sampling.Overall), percent(c.Sampling.Client), percent(c.Sampling.Random))
	for _, tag := range c.Tags {
		text += ", tag " + tag.Name
	}
	return text
}

// conclusion prints where the listeners send traces.
func (e *explanation) conclusion() {
	decision := e.Decision
	e.wrapped("")
	if decision.Unusable() != nil {
		e.wrapped("The backend %.253q cannot be used: see stderr. It is chosen by %s.", decision.Backend.Name, decision.Source())
		return
	}
	if !decision.Traces() {
		e.wrapped("The proxy is not traced.")
		return
	}
	if !slices.ContainsFunc(e.Listeners, func(l envoydiff.Listener) bool { return l.Tracing != nil }) {
		e.wrapped("No listener of the proxy speaks HTTP and is traced, so it sends no traces; they would go to %s.", decision.Target())
		return
	}
	if e.Doubt.Reason != "" {
		e.wrapped("It is not known where the proxy sends traces: %s (%s). If what is listed here decides, they go to %s:", e.Doubt.Reason, cmp.Or(e.Doubt.Code, string(envoydiff.Unverified)), decision.Target())
	} else {
		e.wrapped("The proxy sends traces to %s:", decision.Target())
	}
	for _, l := range e.Listeners {
		traced := "traced"
		if l.Tracing == nil {
			traced = "not traced"
		}
		e.wrapped("  %s  %s", l.Name(), traced)
	}
}

// verdict prints the verdict on the proxy, as diff and report do.
func (e *explanation) verdict() {
	p := e.After
	if p == nil {
		return
	}
	to := "nowhere, because of " + p.After.Source()
	if p.After.Traces() {
		to = "to " + p.After.Target()
	}
	e.wrapped("")
	e.wrapped("After the migration (%s): traces go %s.", p.Verdict, to)
	for _, d := range p.Differences {
		e.wrapped("  %s  %s: %s -> %s", d.Code, d.Path(), d.Before, d.After)
	}
}
