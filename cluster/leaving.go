package cluster

import (
	"tracemigrate/cluster/manifest"
)

// beingDeleted is the code of warnings about objects of Kubernetes that are being deleted.
const beingDeleted = "being-deleted"

// isLeaving reports whether an object that decides on proxies is being deleted. Of a
// Dataplane it is no news: every rollout deletes some, and none decides on others.
func (r *Resource) isLeaving(meta manifest.Value) bool {
	return r.Format == Kubernetes && r.kind != KindDataplane && meta.Field("deletionTimestamp").Present()
}

// leaving returns the warning about an object that is being deleted.
func (r *Resource) leaving() *manifest.Problem {
	return &manifest.Problem{
		Place: r.Place, Severity: manifest.Warning, Code: beingDeleted, Of: r.Subject(),
		Fault: "is being deleted: it exists, and may be gone at any time", Remedy: "run again when it is gone, or create it again",
	}
}
