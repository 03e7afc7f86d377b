// Package rewrite edits the manifests of a GitOps repository for a migration. [Repo.Add]
// writes MeshTraces beside the TrafficTraces and lists them in the kustomizations.
// [Repo.Remove] removes the TrafficTraces, the tracing of Meshes, and the patches of both.
// Both return the new texts of files; package edit keeps every other byte. The package does
// no I/O: callers read, render and write.
package rewrite
