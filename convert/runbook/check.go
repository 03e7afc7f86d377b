package runbook

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/convert"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// Check compares the resources that exist after a step with what the step makes, and
// returns what is wrong, one sentence each. before is the state of the plan, made are
// the MeshTraces of the step, and obsolete those that the step add deletes. It does not compare
// proxies.
func Check(step Step, before, now *convert.Current, made, obsolete []*meshtrace.Policy, o convert.Options) []string {
	c := &checker{step: step, version: o.Version}
	c.upgraded(now.Origin)
	c.inhabited(before, now)
	if step == Remove {
		c.gone(before, now)
	} else {
		c.meshes(before, now)
		c.traces(before, now)
	}
	if step == Rollback {
		c.order(before, now, o)
	}
	existing := lists.By(now.Existing, (*meshtrace.Policy).Identity)
	if step == Start || step == Rollback {
		c.routes(before, now)
		c.unchanged(before.Existing, existing, made)
	} else {
		c.applied(made, existing)
		c.deleted(obsolete, existing)
	}
	return c.wrong
}

type checker struct {
	step    Step
	version cluster.Version
	wrong   []string
}

func (c *checker) report(resource fmt.Stringer, format string, args ...any) {
	c.reportWith(c.remedy(), resource, format, args...)
}

// ahead reports what a later step may have done, unless this one goes back.
func (c *checker) ahead(later Step, resource fmt.Stringer, format string, args ...any) {
	remedy := c.remedy()
	if c.step != Rollback {
		remedy = fmt.Sprintf("verify step %s if it was carried out since, or go back with rollback.sh", later)
	}
	c.reportWith(remedy, resource, format, args...)
}

func (c *checker) reportWith(remedy string, resource fmt.Stringer, format string, args ...any) {
	name := resource.String()
	switch r := resource.(type) {
	case *legacy.TrafficTrace:
		name = inMesh(r, r.Mesh)
	case *meshtrace.Policy:
		name = inMesh(r, r.Mesh)
	}
	c.wrong = append(c.wrong, fmt.Sprintf("%s: %s; %s", name, fmt.Sprintf(format, args...), remedy))
}

// inMesh names a resource with its mesh, which its own name leaves out if it is the default.
func inMesh(resource fmt.Stringer, mesh string) string {
	if mesh == "default" {
		return fmt.Sprintf("%s of mesh %q", resource, mesh)
	}
	return resource.String()
}

// remedy returns what to do about a resource that is not as the step makes it.
func (c *checker) remedy() string {
	switch c.step {
	case Start:
		return "write a new plan"
	case Rollback:
		return "run rollback.sh again, or write a new plan if somebody changed it"
	}
	return "repeat the step, or go back with rollback.sh"
}

// upgraded reports a control plane that has other rules than the version of the plan.
func (c *checker) upgraded(now *cluster.Origin) {
	if now == nil {
		return
	}
	is, err := cluster.ParseVersion(now.Version)
	if err == nil && !c.version.SameRules(is) {
		c.wrong = append(c.wrong, fmt.Sprintf("control plane: has version %s, and the plan is for %s; write a new plan", is, c.version))
	}
}

// inhabited reports meshes whose proxies are all gone, so that nothing is verified.
func (c *checker) inhabited(before, now *convert.Current) {
	mesh := func(dp *cluster.Dataplane) string { return dp.Mesh }
	was, is := lists.Count(before.Dataplanes, mesh), lists.Count(now.Dataplanes, mesh)
	for _, mesh := range before.Meshes {
		if was[mesh.Name] > 0 && is[mesh.Name] == 0 {
			c.report(mesh, "has no proxy now, and had %d when the plan was written, so nothing is verified", was[mesh.Name])
		}
	}
}

// gone reports legacy resources that still exist.
func (c *checker) gone(before, now *convert.Current) {
	existing := legacy.ByName(now.Meshes)
	for _, mesh := range before.Meshes {
		if existing[mesh.Name] == nil {
			c.report(mesh, "is missing")
		}
	}
	for _, mesh := range now.Meshes {
		for _, trace := range mesh.TrafficTraces {
			c.report(trace, "still exists")
		}
		if len(mesh.Backends) > 0 || mesh.DefaultBackend != "" {
			c.report(mesh, "still has the field tracing")
		}
	}
}

// meshes reports Meshes whose tracing is not as before.
func (c *checker) meshes(before, now *convert.Current) {
	existing := legacy.ByName(now.Meshes)
	for _, mesh := range before.Meshes {
		switch other := existing[mesh.Name]; {
		case other == nil:
			c.report(mesh, "is missing")
		case len(mesh.Backends) > 0 && len(other.Backends) == 0:
			c.ahead(Remove, mesh, "has no field tracing any more")
		case mesh.DefaultBackend != other.DefaultBackend || !slices.EqualFunc(mesh.Backends, other.Backends, equalBackends):
			c.report(mesh, "its field tracing differs from the plan's")
		}
	}
}

// routes reports meshes that gained or lost their TrafficRoutes, without which TrafficTraces do
// not trace outbounds. The comparison of proxies takes those of now for both states.
func (c *checker) routes(before, now *convert.Current) {
	for _, mesh := range before.Meshes {
		switch had, has := before.TrafficRoutes[mesh.Name], now.TrafficRoutes[mesh.Name]; {
		case had && !has:
			c.report(mesh, "has no TrafficRoute now, and had one when the plan was written")
		case has && !had:
			c.report(mesh, "has a TrafficRoute now, and had none when the plan was written")
		}
	}
}

func equalBackends(a, b *legacy.Backend) bool {
	content := func(b *legacy.Backend) legacy.Backend {
		return legacy.Backend{Name: b.Name, Type: strings.ToLower(b.Type), Sampling: b.Sampling, Zipkin: b.Zipkin, Datadog: b.Datadog}
	}
	return reflect.DeepEqual(content(a), content(b))
}

// traceName identifies a TrafficTrace.
type traceName struct{ mesh, name string }

func nameOf(t *legacy.TrafficTrace) traceName { return traceName{t.Mesh, t.Name} }

// traces reports TrafficTraces that are missing, new, or differ.
func (c *checker) traces(before, now *convert.Current) {
	existing := make(map[traceName]*legacy.TrafficTrace)
	for _, mesh := range now.Meshes {
		for _, trace := range mesh.TrafficTraces {
			existing[nameOf(trace)] = trace
		}
	}
	for _, mesh := range before.Meshes {
		for _, trace := range mesh.TrafficTraces {
			switch other := existing[nameOf(trace)]; {
			case other == nil:
				c.ahead(Remove, trace, "is missing")
			case !trace.Equal(other):
				c.report(trace, "differs from the plan's")
			}
			delete(existing, nameOf(trace))
		}
	}
	for _, mesh := range now.Meshes {
		for _, trace := range mesh.TrafficTraces {
			if existing[nameOf(trace)] != nil {
				c.report(trace, "did not exist when the plan was written")
			}
		}
	}
}

// order reports TrafficTraces that were created again in an order that changes which one
// wins.
func (c *checker) order(before, now *convert.Current, o convert.Options) {
	position := make(map[traceName]int)
	for _, mesh := range now.Meshes {
		for i, trace := range byPrecedence(mesh.TrafficTraces) {
			position[nameOf(trace)] = i
		}
	}
	meshes := legacy.ByName(before.Meshes)
	for _, group := range convert.Contested(before, o) {
		mesh := meshes[group[0].Mesh]
		for i, lower := range group {
			for _, higher := range group[:i] {
				if mesh.BackendOf(higher.TrafficTrace) == mesh.BackendOf(lower.TrafficTrace) || higher.Undecided(lower) {
					continue
				}
				if position[nameOf(lower.TrafficTrace)] > position[nameOf(higher.TrafficTrace)] {
					c.reorder(lower.TrafficTrace, higher.Name)
				}
			}
		}
	}
}

// reorder reports a TrafficTrace that was created too late. rollback.sh creates again only
// what is missing.
func (c *checker) reorder(lower *legacy.TrafficTrace, higher string) {
	c.wrong = append(c.wrong, fmt.Sprintf("%s: was created after TrafficTrace %q, which had precedence; "+
		"delete both, then run rollback.sh, which creates them in order", inMesh(lower, lower.Mesh), higher))
}

// unchanged reports MeshTraces of the plan that exist although they did not before, and
// others that are not as before.
func (c *checker) unchanged(before []*meshtrace.Policy, existing map[meshtrace.Identity]*meshtrace.Policy, made []*meshtrace.Policy) {
	old := lists.By(before, (*meshtrace.Policy).Identity)
	for _, p := range made {
		switch q := existing[p.Identity()]; {
		case q == nil || old[p.Identity()] != nil:
		case c.step == Start && c.equal(p, q):
			c.ahead(Add, p, "exists, and did not when the plan was written")
		default:
			c.report(p, "exists, and did not when the plan was written")
		}
	}
	for _, p := range before {
		switch q := existing[p.Identity()]; {
		case q == nil:
			c.report(p, "is missing")
		case !c.equal(p, q):
			c.report(p, "differs from the plan's")
		}
	}
}

// applied reports MeshTraces of the step that do not exist as they were made.
func (c *checker) applied(made []*meshtrace.Policy, existing map[meshtrace.Identity]*meshtrace.Policy) {
	for _, p := range made {
		switch q := existing[p.Identity()]; {
		case q == nil:
			c.report(p, "does not exist")
		case p.Shadow(c.version) != q.Shadow(c.version):
			c.report(p, "its label %s differs from the plan's", cluster.EffectLabel)
		case !c.equal(p, q):
			c.report(p, "differs from the plan's")
		}
	}
}

// deleted reports MeshTraces that still exist.
func (c *checker) deleted(obsolete []*meshtrace.Policy, existing map[meshtrace.Identity]*meshtrace.Policy) {
	for _, p := range obsolete {
		if existing[p.Identity()] != nil {
			c.report(p, "still exists")
		}
	}
}

// equal reports whether two policies select the same proxies and give them the same
// tracing.
func (c *checker) equal(p, q *meshtrace.Policy) bool {
	return p.Mesh == q.Mesh && p.TargetRef.String() == q.TargetRef.String() &&
		p.TargetRef.Namespace == q.TargetRef.Namespace && p.TargetRef.SectionName == q.TargetRef.SectionName &&
		(len(p.Default.Backends) > 0 || reflect.DeepEqual(p.Default, q.Default)) && // which others inherit
		p.Default.Key() == q.Default.Key() &&
		p.Shadow(c.version) == q.Shadow(c.version)
}

// byPrecedence returns TrafficTraces, lowest precedence of equal rank first.
func byPrecedence(traces []*legacy.TrafficTrace) []*legacy.TrafficTrace {
	return slices.SortedFunc(slices.Values(traces), func(a, b *legacy.TrafficTrace) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(b.Name, a.Name))
	})
}
