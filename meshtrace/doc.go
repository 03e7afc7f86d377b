// Package meshtrace has the MeshTrace policy. It decodes the MeshTraces of a
// cluster.Snapshot, finds those of a proxy and merges them, checks a policy by the rules
// of a Kuma version, and writes manifests. Precedence and merging follow Kuma's matching
// of targetRef policies (https://kuma.io/docs/2.14.x/policies/introduction/), by
// version.
package meshtrace
