package cluster

import (
	"maps"
	"reflect"
	"slices"

	"tracemigrate/cluster/lists"
)

// AppliedTo returns what a cluster of state has once the manifests of s are applied: a
// resource of s replaces the one of the same name, and keeps what an apply does not change,
// its creation time and the labels that the control plane sets.
func (s *Snapshot) AppliedTo(state *Snapshot) *Snapshot {
	merged := *state
	merged.Meshes = applied(s.Meshes, state.Meshes)
	merged.TrafficTraces = applied(s.TrafficTraces, state.TrafficTraces)
	merged.MeshTraces = applied(state.labelled(s.MeshTraces), state.MeshTraces)
	merged.OTelBackends = applied(s.OTelBackends, state.OTelBackends)
	merged.ExternalServices = applied(s.ExternalServices, state.ExternalServices)
	merged.Routes = applied(s.Routes, state.Routes)
	merged.ProxyPatches = applied(s.ProxyPatches, state.ProxyPatches)
	merged.Dataplanes = over(s.Dataplanes, state.Dataplanes, (*Dataplane).identity)
	merged.MeshGateways = over(s.MeshGateways, state.MeshGateways, (*MeshGateway).identity)
	merged.MeshServices = over(s.MeshServices, state.MeshServices, (*MeshService).identity)
	merged.Services = slices.Concat(s.Services, state.Services)
	merged.TrafficRoutes = overMap(s.TrafficRoutes, state.TrafficRoutes)
	merged.rerouted = overMap(s.rerouted, state.rerouted)
	merged.serviceModes = overMap(s.serviceModes, state.serviceModes)
	merged.zoned = overMap(s.zoned, state.zoned)
	merged.originFiles = overMap(s.originFiles, state.originFiles)
	merged.systemNamespaces = slices.Concat(s.systemNamespaces, state.systemNamespaces)
	merged.Problems, merged.Skipped = slices.Concat(s.Problems, state.Problems), slices.Concat(s.Skipped, state.Skipped)
	if merged.Origin == nil {
		merged.Origin = s.Origin
	}
	return &merged
}

// WithProxiesOf returns s with the proxies of another snapshot, and with everything that
// decides on their listeners.
func (s *Snapshot) WithProxiesOf(other *Snapshot) *Snapshot {
	moved := *s
	moved.Dataplanes, moved.MeshGateways, moved.MeshServices = other.Dataplanes, other.MeshGateways, other.MeshServices
	moved.TrafficRoutes, moved.rerouted = other.TrafficRoutes, other.rerouted
	moved.ExternalServices, moved.Routes = other.ExternalServices, other.Routes
	return &moved
}

// Pruned returns s without the policies and Meshes of before that after does not have: what
// a GitOps tool deletes when the manifests before are replaced by those after.
func (s *Snapshot) Pruned(before, after *Snapshot) *Snapshot {
	pruned := *s
	pruned.Meshes = without(s.Meshes, before.Meshes, after.Meshes)
	pruned.TrafficTraces = without(s.TrafficTraces, before.TrafficTraces, after.TrafficTraces)
	pruned.MeshTraces = without(s.MeshTraces, before.MeshTraces, after.MeshTraces)
	pruned.OTelBackends = without(s.OTelBackends, before.OTelBackends, after.OTelBackends)
	pruned.ProxyPatches = without(s.ProxyPatches, before.ProxyPatches, after.ProxyPatches)
	return &pruned
}

// MissingMeshTraces returns the names of the MeshTraces of s that state does not have.
func (s *Snapshot) MissingMeshTraces(state *Snapshot) []string {
	existing := lists.Set(state.MeshTraces, (*Resource).identity)
	missing := lists.Keep(s.MeshTraces, func(r *Resource) bool { return !existing[r.identity()] })
	return lists.Each(missing, func(r *Resource) string { return r.Name })
}

// labelled returns MeshTraces with the origin that the control plane of s gives those that it
// does not have yet (ComputeLabels in pkg/core/resources/model of Kuma's tag 2.13.10). One of
// a federated zone may be for its global control plane.
func (s *Snapshot) labelled(manifests []*Resource) []*Resource {
	origin := s.About()
	version, err := ParseVersion(origin.Version)
	if origin.Mode != ModeZone || err == nil && !version.LabelsOrigin() {
		return manifests
	}
	existing := lists.Set(s.MeshTraces, (*Resource).identity)
	return lists.Each(manifests, func(r *Resource) *Resource {
		if existing[r.identity()] || r.Labels.Get(OriginLabel) != "" {
			return r
		}
		labelled := *r
		labelled.Labels = r.Labels.With(OriginLabel, "zone")
		return &labelled
	})
}

// over returns manifests, and those of state that have another identity.
func over[T any](manifests, state []T, identify func(T) identity) []T {
	replaced := lists.Set(manifests, identify)
	return slices.Concat(manifests, lists.Keep(state, func(r T) bool { return !replaced[identify(r)] }))
}

// overMap returns the entries of manifests, and those of state with other keys.
func overMap[V any](manifests, state map[string]V) map[string]V {
	all := make(map[string]V, len(manifests)+len(state))
	maps.Copy(all, state)
	maps.Copy(all, manifests)
	return all
}

// controlPlaneLabels are labels that the control plane sets and an apply does not remove.
var controlPlaneLabels = []string{OriginLabel, RoleLabel, ZoneLabel, DisplayNameLabel}

// applied returns the resources of state once manifests are applied.
func applied(manifests, state []*Resource) []*Resource {
	existing := lists.By(state, (*Resource).identity)
	all := over(manifests, state, (*Resource).identity)
	for i, r := range manifests {
		old := existing[r.identity()]
		if old == nil {
			continue
		}
		kept := *r
		if kept.Created.IsZero() {
			kept.Created = old.Created
		}
		for _, key := range controlPlaneLabels {
			if value, ok := old.Labels.Lookup(key); ok && kept.Labels.Get(key) == "" {
				kept.Labels = kept.Labels.With(key, value)
			}
		}
		all[i] = &kept
	}
	return all
}

// without returns resources without those that are in before and not in after.
func without(resources, before, after []*Resource) []*Resource {
	gone := lists.Set(before, (*Resource).identity)
	for _, r := range after {
		delete(gone, r.identity())
	}
	return lists.Keep(resources, func(r *Resource) bool { return !gone[r.identity()] })
}

func (dp *Dataplane) identity() identity {
	return identity{KindDataplane, dp.Mesh, dp.Namespace, dp.Name}
}

// Changes returns why the tracing of a Dataplane may differ between two snapshots of
// manifests although the policies are equal, or an empty text. It is for proxies of either.
func Changes(before, after *Snapshot) func(dp *Dataplane) string {
	old := lists.By(before.Dataplanes, (*Dataplane).identity)
	changed := make(map[identity]bool)
	for _, dp := range after.Dataplanes {
		if was := old[dp.identity()]; was != nil && was != dp && !dp.equal(was) {
			changed[dp.identity()] = true
		}
	}
	moved := movedDataplanes(before, after)
	gateways, listeners := changedGateways(before, after), changedOutbounds(before, after)
	was, is := NewGateways(before.MeshGateways), NewGateways(after.MeshGateways)
	leads := changedDestinations(before, after)
	return func(dp *Dataplane) string {
		switch {
		case changed[dp.identity()]:
			return "its Dataplane differs before and after"
		case moved[dp.FullName()]:
			return "its Dataplane is of another mesh before and after"
		case gateways[dp.Mesh] && (dp.Builtin() || was.selecting(dp) != nil || is.selecting(dp) != nil):
			return "the MeshGateways of its mesh differ before and after"
		case before.TrafficRoutes[dp.Mesh] != after.TrafficRoutes[dp.Mesh]:
			return "its mesh has a TrafficRoute only before or only after, which decides on the tracing of outbounds"
		case before.rerouted[dp.Mesh] != after.rerouted[dp.Mesh]:
			return "the TrafficRoutes of its mesh send to services by name only before or only after, which decides on protocols of outbounds"
		case slices.ContainsFunc(dp.Outbounds, func(out Outbound) bool { return leads(dp.Mesh, &out) }):
			return "the protocol of a destination of its outbounds differs before and after, which decides on their tracing"
		case listeners[dp.Mesh]:
			return "the MeshHTTPRoutes, MeshTCPRoutes or ExternalServices of its mesh differ before and after, which decide on the tracing of outbounds"
		}
		return ""
	}
}

// movedDataplanes returns the full names of Dataplanes that are of other meshes after than
// before.
func movedDataplanes(before, after *Snapshot) map[string]bool {
	meshes := func(s *Snapshot) map[string]map[string]bool {
		all := make(map[string]map[string]bool, len(s.Dataplanes))
		for _, dp := range s.Dataplanes {
			if all[dp.FullName()] == nil {
				all[dp.FullName()] = make(map[string]bool, 1)
			}
			all[dp.FullName()][dp.Mesh] = true
		}
		return all
	}
	was, is := meshes(before), meshes(after)
	moved := make(map[string]bool)
	for name, of := range is {
		if was[name] != nil && !maps.Equal(was[name], of) {
			moved[name] = true
		}
	}
	return moved
}

// changedOutbounds returns the meshes whose ExternalServices, MeshHTTPRoutes or MeshTCPRoutes
// differ.
func changedOutbounds(before, after *Snapshot) map[string]bool {
	same := func(a, b *Resource) bool { return sameFields(a, b, "tags", "targetRef", "to") }
	return changedMeshes(slices.Concat(before.ExternalServices, before.Routes),
		slices.Concat(after.ExternalServices, after.Routes), (*Resource).identity, same)
}

// changedDestinations returns a function that reports whether an outbound of a mesh leads to
// a service whose protocol may differ.
func changedDestinations(before, after *Snapshot) func(mesh string, out *Outbound) bool {
	changed := make(map[destination]bool)
	for _, version := range []Version{Oldest, Newest} {
		was, is := protocolsOf(version, before), protocolsOf(version, after)
		for to := range is.inbounds {
			_, existed := was.inbounds[to]
			changed[to] = changed[to] || existed && is.differ(was, to)
		}
	}
	services := changedMeshes(before.MeshServices, after.MeshServices, (*MeshService).identity, func(a, b *MeshService) bool {
		return slices.Equal(a.ports, b.ports) && slices.Equal(a.Labels, b.Labels)
	})
	return func(mesh string, out *Outbound) bool {
		if out.BackendRef != nil {
			return services[mesh]
		}
		return changed[destination{mesh, out.Tags.Get(ServiceTag)}]
	}
}

// changedGateways returns the meshes whose MeshGateways differ.
func changedGateways(before, after *Snapshot) map[string]bool {
	return changedMeshes(before.MeshGateways, after.MeshGateways, (*MeshGateway).identity, func(a, b *MeshGateway) bool {
		return reflect.DeepEqual(a.Selectors, b.Selectors) && reflect.DeepEqual(a.tags, b.tags) && reflect.DeepEqual(a.listeners, b.listeners)
	})
}

// changedMeshes returns the meshes that have a resource before or after which is not the
// same on the other side.
func changedMeshes[T any](before, after []T, identityOf func(T) identity, same func(a, b T) bool) map[string]bool {
	changed := make(map[string]bool)
	old := lists.By(before, identityOf)
	for _, r := range after {
		id := identityOf(r)
		was, existed := old[id]
		delete(old, id)
		if !existed || !same(was, r) {
			changed[id.mesh] = true
		}
	}
	for id := range old {
		changed[id.mesh] = true
	}
	return changed
}
