package convert

import (
	"fmt"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// Sound is a snapshot of a live source without the resources that cannot be
// read: a cluster has them already, and one must not hide all others. Its
// Skipped tells of them. An error in a manifest at hand, which can be mended,
// returns s as it is. namespace is the control plane's.
func Sound(s *cluster.Snapshot, namespace string) *cluster.Snapshot {
	for s.FromCluster() {
		problems := orphans(s)
		orphaned := make(map[manifest.Place]bool, len(problems))
		for _, p := range problems {
			orphaned[p.Place] = true
		}
		_, wrong := legacy.Read(s)
		_, alsoWrong := meshtrace.Read(s, namespace)
		for _, p := range slices.Concat(wrong, alsoWrong) {
			if !orphaned[p.Place] || p.Severity != manifest.Error {
				problems = append(problems, p)
			}
		}
		errors := 0
		for _, p := range slices.Concat(s.Problems, problems) {
			if p.Severity != manifest.Error {
				continue
			}
			if errors++; !s.Skippable(p) {
				return s
			}
		}
		if errors == 0 {
			return s
		}
		s = s.Skipping(problems)
	}
	return s
}

// orphans are the TrafficTraces of a cluster whose mesh is broken, or not there.
func orphans(s *cluster.Snapshot) []*manifest.Problem {
	meshes := make(map[string]bool, len(s.Meshes))
	for _, mesh := range s.Meshes {
		meshes[mesh.Name] = true
	}
	broken := make(map[string]bool)
	for _, p := range slices.Concat(s.Problems, s.Skipped) {
		broken[p.Resource] = broken[p.Resource] || p.Severity == manifest.Error
	}
	var problems []*manifest.Problem
	for _, r := range s.TrafficTraces {
		p := &manifest.Problem{Place: r.Place, Severity: manifest.Error, Resource: r.String()}
		if meshes[r.Mesh] || !s.Skippable(p) {
			continue
		}
		p.Message = fmt.Sprintf("mesh %.253q is not there, and with it the tracing backends", r.Mesh)
		if broken[fmt.Sprintf("%s %.253q", cluster.KindMesh, r.Mesh)] {
			p.Message = fmt.Sprintf("mesh %.253q is broken, and with it the tracing backends", r.Mesh)
		}
		problems = append(problems, p)
	}
	return problems
}
