package convert

import (
	"cmp"
	"maps"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// Plan is what a conversion gives.
type Plan struct {
	Policies []*meshtrace.Policy // by mesh, highest precedence first; by labels, in the order of relabelling.inOrderOfApply
	Fates    []*Fate             // of every selector, by mesh and precedence
	Notes    []*Note             // errors first, then warnings, then the rest
	// Backends are the MeshOpenTelemetryBackends that Policies refer to, and Obsolete the
	// existing MeshTraces that Policies of other names replace. Both are empty unless the
	// policies select by labels.
	Backends []*meshtrace.OTelBackend
	Obsolete []*meshtrace.Policy
	// Idle are those of Obsolete that decide on no proxy as long as the TrafficTraces exist, so
	// that they can be deleted before Policies are applied.
	Idle []*meshtrace.Policy
	// Withheld are policies that would conflict with existing ones; they are not
	// among Policies.
	Withheld []*meshtrace.Policy
	// Comparisons say what becomes of each proxy once Policies are applied and
	// the TrafficTraces are gone, in one comparison for each version of zones.
	Comparisons []*envoydiff.Comparison
	// MadeUp is how many of the proxies represent those of meshes without
	// Dataplanes. Complete reports whether they represent all of these.
	MadeUp   int
	Complete bool
	// What the result is of: the meshes, and the MeshTraces that exist, as they
	// compare to new ones.
	Meshes   []*legacy.Mesh
	Existing []*meshtrace.Policy

	version  cluster.Version
	oldest   cluster.Version                                      // of the zones; set for policies by labels
	previous map[meshtrace.Identity]bool                          // existing policies that a previous run made
	existing map[*meshtrace.Policy]bool                           // those of Policies that are among them
	doubts   map[string]func(dp *cluster.Dataplane) cluster.Doubt // by mesh
}

// emptyPlan returns the plan of a conversion without its meshes.
func emptyPlan(in *input) *Plan {
	return &Plan{
		Meshes: in.Meshes, Existing: in.compared, version: in.o.Version, Complete: true, previous: make(map[meshtrace.Identity]bool),
		existing: make(map[*meshtrace.Policy]bool), doubts: make(map[string]func(*cluster.Dataplane) cluster.Doubt),
	}
}

// addMesh adds what a previous run made in a mesh, and why it is not known what is right for a
// proxy of the mesh: by ties, and by the first doubt that has a reason, of the run or another.
// Each may be nil.
func (r *Plan) addMesh(m *mesh, ties *ties, run previousRun, others ...func(*cluster.Dataplane) string) {
	for _, p := range m.previous {
		r.previous[p.Identity()] = true
	}
	maps.Copy(r.existing, run.existing)
	doubts := slices.Insert(others, 0, run.doubt)
	r.doubts[m.Name] = func(dp *cluster.Dataplane) cluster.Doubt {
		doubt := ties.doubt(dp)
		for _, of := range doubts {
			if of == nil {
				continue
			}
			if reason := of(dp); reason != "" {
				return doubt.And(cluster.Doubt{Reason: reason})
			}
		}
		return doubt
	}
}

// newPlan returns what the conversions of all meshes give together.
func newPlan(in *input, all []*conversion) *Plan {
	r := emptyPlan(in)
	found := slices.Concat(in.notes, remarkOrigin(in.Snapshot, in.o, all))
	for _, m := range all {
		r.addMesh(m.mesh, m.ties, m.run)
		for _, c := range m.policies {
			if in.o.Shadow && r.existing[c.policy] {
				continue // by its name, the shadow would replace what exists
			}
			r.Policies = append(r.Policies, c.policy)
		}
		r.Withheld = append(r.Withheld, m.withheld...)
		found = append(found, m.notes...)
	}
	in.unshadow(r.Policies)
	r.compare(in)
	renamed := renamedBy(r.Comparisons)
	for _, m := range all {
		r.Fates = append(r.Fates, fatesOf(m)...)
		found = append(found, renamed.remark(m.mesh, m.policies)...)
	}
	meshes := lists.Each(all, func(m *conversion) *mesh { return m.mesh })
	afterwards := slices.Concat(remarkUntagged(all, r.Comparisons), remarkPatches(in, meshes, r),
		refuseDelegated(in, r.Comparisons), remarkModified(r.Comparisons))
	r.Notes = append(found, afterwards...).sorted()
	return r
}

// unshadow gives policies that replace shadows on Kubernetes an empty label kuma.io/effect:
// `kubectl apply` keeps a label that another client made and that the manifest lacks.
func (in *input) unshadow(policies []*meshtrace.Policy) {
	if in.o.Shadow {
		return
	}
	shadows := lists.Set(lists.Keep(in.existing, func(p *meshtrace.Policy) bool {
		return p.Format == cluster.Kubernetes && p.Shadow(in.o.Version)
	}), (*meshtrace.Policy).Identity)
	for _, p := range policies {
		if shadows[p.Identity()] {
			p.Labels = p.Labels.With(cluster.EffectLabel, "")
		}
	}
}

// Fate is what became of one selector.
type Fate struct {
	Mesh         string
	TrafficTrace string
	Selector     int          // number within the TrafficTrace, from 1; 0 when it has none
	Selectors    int          // how many the TrafficTrace has
	Tags         cluster.Tags // of the selector
	Policies     []*meshtrace.Policy
	Reason       string // why there is no policy
	manifest.Place
}

// fatesOf returns what became of every selector of a mesh, by precedence, and after these
// the TrafficTraces without one.
func fatesOf(m *conversion) []*Fate {
	byPosition := make([][]*meshtrace.Policy, len(m.ranked.Pairs))
	for _, c := range m.policies {
		byPosition[c.position] = append(byPosition[c.position], c.policy)
	}
	built := make([]bool, len(m.ranked.Pairs))
	for _, c := range m.building.policies {
		built[c.position] = true
	}
	return m.fates(m.ranked, byPosition, func(position int) string {
		switch reason, withheld := m.verification.reasons[position]; {
		case withheld:
			return reason
		case !built[position]:
			return cmp.Or(m.reduction.reasons[position], m.considered[position].reason)
		}
		return ""
	})
}

// fates returns the fate of every selector in ranked, with its policies and why it has none,
// and of the TrafficTraces without a selector.
func (m *mesh) fates(ranked *legacy.Mesh, policies [][]*meshtrace.Policy, reason func(position int) string) []*Fate {
	fates := make([]*Fate, 0, len(ranked.Pairs))
	for position, pair := range ranked.Pairs {
		fates = append(fates, &Fate{
			Mesh: m.Name, TrafficTrace: pair.Name, Selector: pair.Number, Selectors: len(pair.Selectors),
			Tags: pair.Tags, Place: pair.Position(), Policies: policies[position], Reason: reason(position),
		})
	}
	for _, trace := range m.TrafficTraces {
		if len(trace.Selectors) == 0 {
			fates = append(fates, &Fate{Mesh: m.Name, TrafficTrace: trace.Name, Place: trace.Place, Reason: string(withoutSelector)})
		}
	}
	return fates
}

// Errors is how many notes say that something could not be carried over.
func (r *Plan) Errors() int {
	return len(lists.Keep(r.Notes, func(note *Note) bool { return note.Severity == manifest.Error }))
}

// Tracing is how many of the existing MeshTraces have a backend and are applied.
func (r *Plan) Tracing() int {
	return len(lists.Keep(r.Existing, func(p *meshtrace.Policy) bool {
		return len(p.Default.Backends) > 0 && !p.Shadow(r.version)
	}))
}

// Refused reports whether something could not be carried over.
func (r *Plan) Refused() bool { return r.Errors() > 0 }

// Before returns those of the existing policies that were there before the
// migration: all but those that a previous run made and this one makes again.
func (r *Plan) Before(existing []*meshtrace.Policy) []*meshtrace.Policy {
	return slices.DeleteFunc(slices.Clone(existing), r.IsPrevious)
}

// Left returns those of the existing policies that stay: all but Obsolete.
func (r *Plan) Left(existing []*meshtrace.Policy) []*meshtrace.Policy {
	obsolete := lists.Set(r.Obsolete, (*meshtrace.Policy).Identity)
	return lists.Keep(existing, func(p *meshtrace.Policy) bool { return !obsolete[p.Identity()] })
}

// IsPrevious reports whether an existing policy is one that a previous run made and
// this one makes again.
func (r *Plan) IsPrevious(existing *meshtrace.Policy) bool { return r.previous[existing.Identity()] }

// Exists reports whether a policy of Policies exists, made by a previous run.
func (r *Plan) Exists(p *meshtrace.Policy) bool { return r.existing[p] }

// Doubt says why it is not known what is right for dp: the times of its zone's
// own copies decide, which are not known, or policies that may be a previous run's
// give it something else than its TrafficTrace.
func (r *Plan) Doubt(dp *cluster.Dataplane) cluster.Doubt {
	if of := r.doubts[dp.Mesh]; of != nil {
		return of(dp)
	}
	return cluster.Doubt{}
}

// New returns those of Policies that do not exist yet.
func (r *Plan) New() []*meshtrace.Policy {
	return slices.DeleteFunc(slices.Clone(r.Policies), r.Exists)
}
