// Package meshtrace knows the MeshTrace policy: it decodes those of a
// cluster.Snapshot, answers which of them a proxy gets and what they merge to,
// checks a policy against the rules of a Kuma version, and writes manifests.
// Precedence and merging follow Kuma's matching of targetRef policies
// (https://kuma.io/docs/2.14.x/policies/introduction/), by version.
package meshtrace
