package convert

import (
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
		_, wrong := legacy.Read(s)
		_, alsoWrong := meshtrace.Read(s, namespace)
		problems := slices.Concat(wrong, alsoWrong)
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
