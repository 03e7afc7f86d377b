// Package cluster reads what a mesh contains, whatever its tracing policies are.
// Every Source fills a Snapshot: Dataplanes, MeshGateways and TrafficRoutes are
// decoded, policies stay resources that packages legacy and meshtrace decode.
// The package also has the tag sets by which policies select proxies, and an
// Index that finds the selectors that a tag set satisfies.
package cluster
