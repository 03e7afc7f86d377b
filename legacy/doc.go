// Package legacy has the tracing that Kuma 3.0 removes: the backends of Mesh.tracing and
// the TrafficTraces that select among them. It decodes both from a cluster.Snapshot, and
// finds the TrafficTrace and the backend of a proxy. Unlike MeshTraces, TrafficTraces
// are not merged: one wins.
package legacy
