package report

import (
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// StepKind names a kind of next step; stepTexts has the text of each.
type StepKind int

// The kinds of next steps, in the order of a migration.
const (
	GiveToken StepKind = iota
	SavePipe
	saveState
	fixErrors
	resolveDifferent
	readDataplanes
	resolveUnknown
	correctDocuments
	reportGlobal
	writePolicies
	useControlPlane
	applyMissing
	applyShadows
	diffZones
	diffControlPlane
	diffSource
	applyPolicies
	deleteIdle
	deleteReplaced
	deleteAtGlobal
	listTrafficTraces
	deleteListed
	deleteEachListed
	deleteTrafficTraces
	removeTracing
)

// step is a next step as data.
type step struct {
	kind      StepKind
	flags     []string // of this tool
	mesh      string
	namespace string   // of MeshTraces
	names     []string // of TrafficTraces, or of MeshTraces
}

// steps returns the steps of the migration, in order. They delete nothing that has no
// successor.
func (b *builder) steps(meshes []*legacy.Mesh) []step {
	federated := b.Origin.Mode == cluster.ModeFederatedZone
	if len(b.TrafficTraces)+len(b.Policies)+len(b.result.Obsolete) == 0 {
		switch {
		case federated || b.Summary.Errors > 0:
			return nil
		case b.Summary.NotRead > 0:
			return []step{{kind: correctDocuments, flags: []string{"--kuma-version", b.KumaVersion}}}
		}
		return b.removals(meshes)
	}
	steps := lists.Each(b.options.First, func(kind StepKind) step { return step{kind: kind} })
	if !b.options.Files {
		steps = append(steps, step{kind: saveState})
	}
	flags := []string{"--kuma-version", b.KumaVersion}
	if b.options.Convert.ByLabels {
		flags = append(flags, "--target-ref", "dataplane")
	}
	if b.options.Convert.DisplayNames {
		flags = append(flags, "--allow-display-name")
	}
	if b.options.Convert.ZoneOrigin {
		flags = append(flags, "--zone-origin")
	}
	if b.options.Convert.RoundSampling {
		flags = append(flags, "--round-sampling")
	}
	b.repair = slices.Concat(steps, []step{{kind: b.obstacle(), flags: flags}})
	switch {
	case !b.Summary.Holds:
		return b.repair
	case federated && !b.options.Convert.ZoneOrigin:
		return append(steps, step{kind: reportGlobal})
	}
	idle := lists.Set(b.result.Idle, (*meshtrace.Policy).Identity)
	isIdle := func(p *meshtrace.Policy) bool { return idle[p.Identity()] }
	replaced := slices.DeleteFunc(slices.Clone(b.result.Obsolete), isIdle)
	steps = slices.Concat(steps, b.deletionsOf(b.result.Idle, deleteIdle), b.applications(flags), b.deletionsOf(replaced, deleteReplaced))
	if federated {
		return append(steps, step{kind: deleteAtGlobal})
	}
	for _, mesh := range meshes {
		steps = append(steps, b.deletions(mesh, flags)...)
	}
	return append(steps, b.removals(meshes)...)
}

// obstacle returns the step that a report without a good outcome needs first.
func (b *builder) obstacle() StepKind {
	switch {
	case b.Summary.Errors > 0:
		return fixErrors
	case b.Summary.NotRead > 0:
		return correctDocuments
	case b.Summary.Different > 0:
		return resolveDifferent
	case b.Summary.Unverified:
		return readDataplanes
	}
	return resolveUnknown
}

// applications are the steps from the conversion until the policies are applied.
func (b *builder) applications(flags []string) []step {
	var steps []step
	if len(b.Policies) > 0 {
		steps = append(steps, step{kind: writePolicies, flags: flags})
	}
	if !b.kubernetes() && b.kumactlSwitch() != "" {
		steps = append(steps, step{kind: useControlPlane})
	}
	switch {
	case len(b.Policies) == 0:
		return steps
	case b.Summary.Earlier > 0:
		// After a partial apply, the control plane would judge a mixture of old
		// and new.
		return append(steps, step{kind: applyMissing})
	case b.options.Convert.Version.ComputesShadows() && !b.options.Convert.ByLabels:
		steps = append(steps, step{kind: applyShadows, flags: flags}, step{kind: b.shadowDiff()})
	}
	return append(steps, step{kind: applyPolicies})
}

// deletionsOf returns steps that delete existing MeshTraces, one for each namespace or mesh.
func (b *builder) deletionsOf(policies []*meshtrace.Policy, kind StepKind) []step {
	var steps []step
	position := make(map[string]int)
	for _, p := range policies {
		key := p.Mesh
		if b.kubernetes() {
			key = p.Namespace
		}
		at, known := position[key]
		if !known {
			at, position[key] = len(steps), len(steps)
			steps = append(steps, step{kind: kind, mesh: p.Mesh, namespace: p.Namespace})
		}
		steps[at].names = append(steps[at].names, p.Name)
	}
	return steps
}

// shadowDiff returns the step that asks the control plane for its verdict.
func (b *builder) shadowDiff() StepKind {
	switch {
	case b.Origin.Mode == cluster.ModeGlobal:
		return diffZones
	case b.options.Files:
		return diffControlPlane
	}
	return diffSource
}

// Longer lists of names are not typed into a command but read from a file.
const (
	maxNames      = 20
	maxNamesBytes = 1000
)

// deletions remove the TrafficTraces of a mesh, once traces arrive.
func (b *builder) deletions(mesh *legacy.Mesh, flags []string) []step {
	deletion := step{kind: deleteTrafficTraces, mesh: mesh.Name, flags: flags}
	plain, lines := true, true // xargs needs no quotes; no name has a line end
	// Those without a backend prevent tracing as long as others exist.
	for _, trace := range lists.Last(mesh.TrafficTraces, func(t *legacy.TrafficTrace) bool { return mesh.BackendOf(t) == nil }) {
		deletion.names = append(deletion.names, trace.Name)
		plain = plain && manifest.IsPlainWord(trace.Name)
		lines = lines && !strings.Contains(trace.Name, "\n")
	}
	n := len(deletion.names)
	if n == 0 {
		return nil
	}
	long := n > maxNames || len(strings.Join(deletion.names, " ")) > maxNamesBytes
	if !long || !lines {
		return []step{deletion}
	}
	list := deletion
	list.kind, deletion.kind = listTrafficTraces, deleteEachListed
	if plain {
		deletion.kind = deleteListed
	}
	return []step{list, deletion}
}

// removals remove the tracing backends from the meshes.
func (b *builder) removals(meshes []*legacy.Mesh) []step {
	var steps []step
	for _, mesh := range meshes {
		if len(mesh.Backends) > 0 {
			steps = append(steps, step{kind: removeTracing, mesh: mesh.Name})
		}
	}
	return steps
}
