package output

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// Explanation contains what decides on one proxy, today and after the migration.
type Explanation struct {
	Version   cluster.Version
	Snapshot  *cluster.Snapshot
	Dataplane *cluster.Dataplane
	State     envoydiff.State // today
	Doubt     cluster.Doubt   // why State may be incomplete
	Decision  *envoydiff.Decision
	Listeners []envoydiff.Listener // of Decision
	After     *envoydiff.Proxy     // nil if the conversion does not compare the proxy
}

func explainText(p *Printer, about *Explanation) error {
	e := &explanation{p, about}
	e.head()
	if mesh := legacy.ByName(e.State.Legacy)[e.Dataplane.Mesh]; mesh != nil {
		e.trafficTraces(e.trafficTraceData(mesh))
	}
	e.meshTraces(e.meshTraceData())
	e.conclusion()
	e.verdict()
	return nil
}

// explanation is an Explanation and its printer.
type explanation struct {
	*Printer
	*Explanation
}

// head prints the proxy and its tags.
func (e *explanation) head() {
	e.Line("%s, a %s (%s), on Kuma %s", e.Dataplane, report.KindOf(e.Dataplane), e.Dataplane.Place, e.Version)
	for i, set := range e.Dataplane.TagSets() {
		state := ""
		if isIgnored(e.Dataplane, i) {
			state = " (inbound is Ignored)"
		}
		e.Line("  tag set %d: %s%s", i+1, set, state)
	}
}

// isIgnored reports whether the inbound of a tag set is Ignored.
func isIgnored(dp *cluster.Dataplane, set int) bool {
	return dp.Gateway == nil && set < len(dp.Inbounds) && dp.Inbounds[set].Ignored
}

// mostWithoutEffect is how many policies without effect on a proxy are listed one by one, where they follow each other.
const mostWithoutEffect = 5

// trafficTraces prints the selectors of the mesh in order of precedence.
func (e *explanation) trafficTraces(traces []explainTrace) {
	e.Line("")
	e.Line("TrafficTraces of mesh %q, highest precedence first:", e.Dataplane.Mesh)
	if len(traces) == 0 {
		e.Line("  none")
	}
	for i := 0; i < len(traces); i++ {
		t := traces[i]
		if last := lastWithout(traces, i, func(t explainTrace) bool { return t.TagSet > 0 }); last-i >= mostWithoutEffect {
			e.Line("     %d to %d, such as %q, match no tag set (-o json lists them)", i+1, last+1, t.TrafficTrace)
			i = last
			continue
		}
		about := fmt.Sprintf("%d. %q, selector %d (%s), rank %d/%d", i+1, t.TrafficTrace, t.Selector, t.Tags, t.Rank.Tags, t.Rank.Exact)
		switch {
		case t.TagSet == 0:
			e.Line("     %s: matches no tag set", about)
			continue
		case !t.Wins:
			e.Line("     %s: matches tag set %d, but a selector above wins", about, t.TagSet)
			continue
		}
		to := "nowhere: it has no backend"
		if t.Backend != "" {
			to = fmt.Sprintf("to %q", t.Backend)
		}
		e.Line("  => %s: matches tag set %d and wins; traces go %s", about, t.TagSet, to)
		if t.Undecided {
			e.Line("       another that matches has the same rank and creation times are unknown; assumed: the smaller name wins")
		}
	}
}

// lastWithout returns the index of the last of the elements that follow from in a row without having something.
func lastWithout[T any](list []T, from int, has func(T) bool) int {
	if i := slices.IndexFunc(list[from:], has); i >= 0 {
		return from + i - 1
	}
	return len(list) - 1
}

// meshTraces prints the policies that apply and what each adds to the merge, then the others.
func (e *explanation) meshTraces(traces []explainMesh) {
	e.Line("")
	e.Line("MeshTraces, lowest precedence first:")
	if len(traces) == 0 || !traces[0].Applies {
		e.Line("  none applies")
	}
	without := func(t explainMesh) bool { return t.Applies || t.Shadow }
	for i := 0; i < len(traces); i++ {
		t := traces[i]
		if last := lastWithout(traces, i, without); last-i >= mostWithoutEffect {
			e.Line("     %s, such as %q, do not select it (-o json lists them)", convert.Plural(last-i+1, "MeshTrace"), t.MeshTrace)
			i = last
			continue
		}
		switch {
		case t.Applies:
			sets := cmp.Or(strings.Join(t.Sets, ", "), "nothing")
			e.Line("  %d. %q, %s: sets %s", i+1, t.MeshTrace, t.TargetRef, sets)
			e.Line("       merged so far: %s", t.Merged)
		case t.Shadow:
			e.Line("     %q, %s: is a shadow, so it is not applied", t.MeshTrace, t.TargetRef)
		default:
			e.Line("     %q, %s: does not select it", t.MeshTrace, t.TargetRef)
		}
	}
}

// target returns a policy's targetRef as text.
func target(p *meshtrace.Policy) string {
	text := string(p.TargetRef.Kind)
	if p.TargetRef.Name != "" {
		text += " " + p.TargetRef.Name
	}
	if len(p.TargetRef.Tags) > 0 {
		text += " " + p.TargetRef.Tags.String()
	}
	if len(p.TargetRef.Labels) > 0 {
		text += " labels " + p.TargetRef.Labels.String()
	}
	if len(p.TargetRef.ProxyTypes) > 0 {
		text += ", proxyTypes " + strings.Join(p.TargetRef.ProxyTypes, ", ")
	}
	return text
}

// fieldsOf returns the fields that a policy sets, sorted.
func fieldsOf(c *meshtrace.Conf) []string {
	var fields []string
	if c.Backends != nil {
		if len(c.Backends) == 0 {
			fields = append(fields, "no backend (backends: [])")
		} else {
			fields = append(fields, "backends")
		}
	}
	samplings := map[string]*meshtrace.Percent{"overall": c.Sampling.Overall, "client": c.Sampling.Client, "random": c.Sampling.Random}
	for name, percent := range samplings {
		if percent != nil {
			fields = append(fields, fmt.Sprintf("sampling.%s %s", name, percent))
		}
	}
	if c.Tags != nil {
		fields = append(fields, fmt.Sprintf("tags (%d)", len(c.Tags)))
	}
	slices.Sort(fields)
	return fields
}

// String returns the merged conf as text.
func (m *explainMerged) String() string {
	if m == nil {
		return "no backend"
	}
	percent := func(p *meshtrace.Percent) string {
		if p == nil {
			return "100 (Envoy's default)"
		}
		return p.String()
	}
	text := fmt.Sprintf("%s %s, sampling overall %s, client %s, random %s", m.Backend, m.Address,
		percent(m.Overall), percent(m.Client), percent(m.Random))
	for _, name := range m.TagNames {
		text += ", tag " + name
	}
	return text
}

// conclusion prints where the proxy sends traces.
func (e *explanation) conclusion() {
	decision := e.Decision
	e.Line("")
	if decision.Unusable() != nil {
		e.Line("%s selects the backend %.253q, which cannot be used: see stderr.", decision.Source(), decision.Backend.Name)
		return
	}
	if !decision.Traces() {
		e.Line("The proxy is not traced.")
		return
	}
	if !slices.ContainsFunc(e.Listeners, func(l envoydiff.Listener) bool { return l.Tracing != nil || l.MayTrace }) {
		e.Line("The proxy sends no traces, because it has no traced HTTP listener; they would go to %s.", decision.Target())
		return
	}
	if e.Doubt.Reason != "" {
		e.Line("It is not known where the proxy sends traces: %s (%s). If the policies above decide, traces go to %s:",
			e.Doubt.Reasons(), cmp.Or(e.Doubt.Code, string(envoydiff.Unverified)), decision.Target())
	} else {
		e.Line("The proxy sends traces to %s:", decision.Target())
	}
	for _, l := range e.Listeners {
		traced := "not traced"
		switch {
		case l.Tracing != nil:
			traced = "traced"
		case l.MayTrace:
			traced = "not traced if a MeshHTTPRoute makes it, else traced"
		}
		e.Line("  %s  %s", l.Name(), traced)
	}
}

// sendsNone reports whether it is known that a proxy sends no traces afterwards, whatever its policies.
func sendsNone(p *envoydiff.Proxy) bool { return p.Untraced() && p.Verdict == envoydiff.Same }

// verdict prints the verdict on the proxy, the same as in diff and report.
func (e *explanation) verdict() {
	p := e.After
	if p == nil {
		return
	}
	becomes := "the proxy is not traced, because no MeshTrace traces it"
	switch {
	case p.After.Traces() && sendsNone(p):
		becomes = "the proxy sends no traces; they would go to " + p.After.Target()
	case p.After.Traces():
		becomes = "traces go to " + p.After.Target()
	case len(p.After.Policies) > 0:
		becomes = "the proxy is not traced, because of " + p.After.Source()
	}
	e.Line("")
	e.Line("After the migration (%s): %s.", p.Verdict, becomes)
	for _, d := range p.Differences {
		e.Line("  %s  %s: %s -> %s", d.Code, d.Path(), d.Before, d.After)
	}
}
