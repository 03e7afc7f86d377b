// Package legacy knows the tracing that Kuma 3.0 removes: the backends of
// Mesh.tracing and the TrafficTraces that select among them. It decodes both
// from a cluster.Snapshot and answers which TrafficTrace a proxy gets, and with
// it which backend. Unlike a MeshTrace, a TrafficTrace wins outright: nothing
// is merged.
package legacy
