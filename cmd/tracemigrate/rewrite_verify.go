package main

import (
	"fmt"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/meshtrace"
)

// verify compares each proxy of each unit before and after. The result has what differs.
func (r *rewriting) verify() (*output.Diff, error) {
	found := &output.Diff{PerVersion: len(r.units) > 1}
	var problems []*manifest.Problem
	type madeUp struct {
		n        int
		complete bool
	}
	warned := make(map[madeUp]bool) // overlays often have the same proxies
	for _, u := range r.units {
		inputs, err := r.inputs(u, r.changes)
		if err != nil {
			return nil, fmt.Errorf("after the change: %w", err)
		}
		own := cluster.Read(inputs)
		after, err := r.decode(u, own)
		if err != nil {
			return nil, err
		}
		if u.plan != nil && u.overlay != "" {
			problems = append(problems, r.repo.CheckRendered(u.overlay, u.written(), renderedBy(own, after))...)
		}
		if r.stage == stageRemove {
			problems = append(problems, leftovers(own, u)...)
			r.warnNotApplied(own, u)
		}
		t := convert.CompareStates(u.before, after, u.options)
		if of := (madeUp{t.MadeUp, t.Complete}); !warned[of] {
			warned[of] = true
			r.stderr.MadeUp(t.MadeUp, t.Complete, maxMadeUp)
		}
		r.stderr.ErrorNotes(u.options.Version, t.Refused)
		found.AddTransition(u.overlay, t)
		found.Unread = append(found.Unread, append(r.stderr.Skipped(u.before.Snapshot), r.stderr.Unread(u.before.Snapshot)...)...)
	}
	r.stderr.Errors(problems)
	found.Refused += len(problems)
	return found, nil
}

// warnNotApplied warns of MeshTraces that the state of the cluster does not have.
func (r *rewriting) warnNotApplied(own *cluster.Snapshot, u *unit) {
	if u.state == nil {
		return
	}
	missing := own.MissingMeshTraces(u.state)
	if len(missing) > 0 {
		r.stderr.Line("%s: the cluster does not have %s, such as %q: merge stage remove when all are applied, or take a new snapshot",
			u.name(), convert.Plural(len(missing), "MeshTrace of the manifests", "MeshTraces of the manifests"), missing[0])
	}
}

// renderedBy returns the MeshTraces of a unit's own manifests, with the labels that they have
// there: in after they also have those of the control plane.
func renderedBy(own *cluster.Snapshot, after *convert.Current) []*meshtrace.Policy {
	written := lists.By(own.MeshTraces, func(r *cluster.Resource) manifest.Place { return r.Place })
	var rendered []*meshtrace.Policy
	for _, p := range after.Existing {
		if r := written[p.Place]; r != nil {
			labelled := *p
			labelled.Labels = r.Labels
			rendered = append(rendered, &labelled)
		}
	}
	return rendered
}

// leftovers returns, as errors, the TrafficTraces and the tracing of Meshes that a unit still
// has.
func leftovers(own *cluster.Snapshot, u *unit) []*manifest.Problem {
	var problems []*manifest.Problem
	left := func(r *cluster.Resource, what string) {
		problems = append(problems, &manifest.Problem{
			Place: r.Place, Severity: manifest.Error, Of: r.Subject(), Fault: "is still rendered " + what + " by " + u.name(),
			Remedy: "pass the path of the file that makes it, or edit it by hand",
		})
	}
	for _, trace := range own.TrafficTraces {
		left(trace, "after the change")
	}
	for _, mesh := range own.Meshes {
		if mesh.Spec.Field("tracing").Present() {
			left(mesh, "with the field tracing")
		}
	}
	return problems
}
