// Package cluster is the ground floor: what exists in a mesh whatever the
// policy. It holds the Snapshot that every Source gives, with Dataplanes,
// MeshGateways and TrafficRoutes decoded and the policies left as resources for packages legacy and meshtrace to decode; the tag sets by which
// policies select proxies, and an Index that finds the selectors of a tag set
// without asking each.
package cluster
