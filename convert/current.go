package convert

import (
	"fmt"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// Current is what exists in a mesh before the migration, decoded once.
type Current struct {
	// Snapshot has no resource of a live source that cannot be read, see Read, and of
	// those that are decoded here only the heads.
	*cluster.Snapshot
	Namespace string              // the control plane's, on Kubernetes
	Meshes    []*legacy.Mesh      // by name
	Existing  []*meshtrace.Policy // in the order of the snapshot
	Patches   *envoydiff.Patches
	Routes    *meshtrace.Routes
	Found     []*manifest.Problem // of the snapshot, and of what was decoded
}

// Read decodes a snapshot. Of a live source it leaves out, as Skipped, the resources
// that cannot be read: a cluster has them already, and one must not hide all others.
// An error in a manifest at hand, which can be mended, is in Found. namespace is the
// control plane's on Kubernetes.
func Read(s *cluster.Snapshot, namespace string) *Current {
	for {
		c := &Current{Snapshot: s, Namespace: namespace}
		meshes, wrong := legacy.Read(s)
		existing, alsoWrong := meshtrace.Read(s, namespace)
		patches, wrongPatches := envoydiff.ReadPatches(s)
		wrong = slices.Concat(wrong, alsoWrong, wrongPatches)
		c.Meshes, c.Existing, c.Patches, c.Found = meshes, existing, patches, slices.Concat(s.Problems, wrong)
		problems, skippable := broken(s, wrong)
		if !skippable {
			c.Routes = meshtrace.ReadRoutes(s)
			c.Snapshot = s.Doubting().Decoded()
			return c
		}
		s = s.Skipping(problems)
	}
}

// State is what exists, for a comparison.
func (c *Current) State() envoydiff.State { return c.StateOf(c.Meshes, c.Existing) }

// StateOf is what exists, with other tracing.
func (c *Current) StateOf(meshes []*legacy.Mesh, policies []*meshtrace.Policy) envoydiff.State {
	return envoydiff.State{Legacy: meshes, Policies: policies, Patches: c.Patches, Routes: c.Routes}
}

// Failed reports whether the input itself is wrong.
func (c *Current) Failed() bool {
	return slices.ContainsFunc(c.Found, isError)
}

// broken reports whether a live source has errors, and none in a manifest at hand, so
// that their resources can be left out, and returns the problems that are not in s.
// wrong are those of what was decoded.
func broken(s *cluster.Snapshot, wrong []*manifest.Problem) (problems []*manifest.Problem, skippable bool) {
	if !s.FromCluster() {
		return nil, false
	}
	problems = orphans(s)
	orphaned := lists.Set(problems, func(p *manifest.Problem) manifest.Place { return p.Place })
	problems = append(problems, lists.Keep(wrong, func(p *manifest.Problem) bool { return !orphaned[p.Place] || !isError(p) })...)
	errors := lists.Keep(slices.Concat(s.Problems, problems), isError)
	return problems, len(errors) > 0 && !slices.ContainsFunc(errors, func(p *manifest.Problem) bool { return !s.Skippable(p) })
}

func isError(p *manifest.Problem) bool { return p.Severity == manifest.Error }

// orphans are the TrafficTraces of a cluster whose mesh is broken, or not there.
func orphans(s *cluster.Snapshot) []*manifest.Problem {
	meshes := lists.Set(s.Meshes, func(mesh *cluster.Resource) string { return mesh.Name })
	broken := make(map[manifest.Subject]bool)
	for _, p := range slices.Concat(s.Problems, s.Skipped) {
		broken[p.Of] = broken[p.Of] || isError(p)
	}
	var problems []*manifest.Problem
	for _, r := range s.TrafficTraces {
		p := &manifest.Problem{Place: r.Place, Severity: manifest.Error, Of: r.Subject()}
		if meshes[r.Mesh] || !s.Skippable(p) {
			continue
		}
		p.Fault = fmt.Sprintf("mesh %.253q is not in the input, so its tracing backends are unknown", r.Mesh)
		if broken[manifest.Subject{Kind: cluster.KindMesh, Name: r.Mesh}] {
			p.Fault = fmt.Sprintf("mesh %.253q is broken, so its tracing backends are unknown", r.Mesh)
		}
		problems = append(problems, p)
	}
	return problems
}
