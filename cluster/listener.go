package cluster

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"tracemigrate/cluster/lists"
)

// Direction is the kind of an HTTPListener.
type Direction string

// The directions of listeners.
const (
	DirectionInbound  Direction = "inbound"
	DirectionOutbound Direction = "outbound"
	DirectionGateway  Direction = "gateway"
)

// HTTPListener is a listener of a proxy for HTTP; other listeners are not traced.
type HTTPListener struct {
	Direction Direction
	Service   string // an inbound's own service, an outbound's destination
	// BackendRef is set for an outbound to a MeshService, and for those of a builtin
	// gateway, which TrafficTraces ignore.
	BackendRef bool
	// OfSidecar is set for a MeshGateway's listener on a proxy that is no builtin gateway.
	OfSidecar bool
	// MayStay is set for an outbound that may have tracing by a TrafficTrace although a
	// MeshHTTPRoute is for its service.
	MayStay bool
	// Joins is set for one listener that represents all outbounds of a transparent proxy which
	// become HTTP by an upgrade.
	Joins bool
	// Assumed is set for an outbound to a MeshService that the input lacks, in a mesh without
	// MeshServices of tags, and Made for one that a control plane makes of workloads.
	Assumed, Made bool
	// OfZoneEgress is set where the proxy is a zone's egress. TrafficTraces ignore it.
	OfZoneEgress bool

	// The parts of the name. It is built on demand, because a comparison of many proxies
	// does not need it.
	address string // of a gateway: its MeshGateway and protocol
	port    uint32
	name    string // from 3.0 on
}

// Name returns inbound:ADDRESS:PORT, outbound:ADDRESS:PORT, GATEWAY:PROTOCOL:PORT or
// allOutbounds; self_zoneegress_dp_NAME of a zone's egress; from 3.0 on self_inbound_dp_NAME
// and the name of the destination's resource.
func (l *HTTPListener) Name() string {
	switch {
	case l.name != "":
		return l.name
	case l.Direction == DirectionGateway:
		return fmt.Sprintf("%s:%d", l.address, l.port)
	case l.address == "":
		return allOutbounds
	}
	return string(l.Direction) + ":" + net.JoinHostPort(l.address, strconv.Itoa(int(l.port)))
}

// IsSame reports whether two listeners, of two versions, have the same address.
func (l *HTTPListener) IsSame(other *HTTPListener) bool {
	return l.Direction == other.Direction && l.address == other.address && l.port == other.port
}

// IsEveryOutbound reports whether a listener represents all outbounds that a Dataplane does not list.
func (l *HTTPListener) IsEveryOutbound() bool {
	return l.Direction == DirectionOutbound && l.address == "" && !l.BackendRef
}

// allOutbounds is the name of the one listener that represents all outbounds that
// a Dataplane does not list, as on Kubernetes.
const allOutbounds = "outbound:*"

// newOutbounds is the name of the one listener that represents those which become HTTP.
const newOutbounds = "outbound:* that become HTTP"

// Listeners finds the HTTP listeners of proxies. It is made from all Dataplanes, because
// the protocol of an outbound follows from the inbounds of its destination.
type Listeners struct {
	version  Version
	zone     string          // of the control plane, if known
	complete bool            // the input has the destinations of all outbounds with tags
	services func() services // made for the first backendRef
	resolved bool            // the input has the MeshServices of all outbounds
	gateways Gateways

	withRoutes map[string]bool     // meshes with a MeshHTTPRoute
	builtin    map[string][]string // zones with a builtin gateway that version does not read, see readWith
	protocols  func() protocols    // made for the first outbound
	makers     func() *makers      // made for the first MeshService of 3.0
	snapshot   *Snapshot

	ofKubernetes func() kubeServices            // made for the first transparent proxy of 3.0
	unserved     func() map[string][]*Dataplane // the same
	external     func() map[string][]*Resource  // the same
	joining      func() map[string][]*Dataplane // nil without another version before
	uncertain    func() map[string]string       // by mesh; nil like joining
}

// NewListeners prepares to list listeners as a control plane of version makes them.
func NewListeners(version Version, s *Snapshot, gateways Gateways) *Listeners {
	l := &Listeners{
		version: version, snapshot: s, gateways: gateways, withRoutes: make(map[string]bool),
		zone: s.About().Zone, complete: s.hasAllDestinations(),
		services:  sync.OnceValue(func() services { return newServices(s.MeshServices) }),
		protocols: sync.OnceValue(func() protocols { return protocolsOf(version, s) }),
		makers:    sync.OnceValue(func() *makers { return newMakers(version, s.Dataplanes) }),
	}
	l.ofKubernetes = sync.OnceValue(func() kubeServices { return kubeServicesOf(s.MeshServices) })
	l.unserved = sync.OnceValue(func() map[string][]*Dataplane {
		unserved := l.makers().unserved(s)
		if l.resolved {
			for mesh, of := range l.ofKubernetes().unserved(s) {
				unserved[mesh] = append(unserved[mesh], of...)
			}
		}
		return unserved
	})
	l.external = sync.OnceValue(func() map[string][]*Resource {
		forHTTP := lists.Keep(s.ExternalServices, func(r *Resource) bool { return isHTTP(taggedProtocol(tagsOfExternal(r))) })
		return lists.Group(forHTTP, func(r *Resource) string { return r.Mesh })
	})
	// Each zone has the MeshServices of all (KDSFlags of MeshService in Kuma's tags 2.10 to 2.14).
	l.resolved = s.FromCluster() && s.Origin != nil && !s.Lacks(KindMeshService)
	for _, r := range s.Routes {
		l.withRoutes[r.Mesh] = l.withRoutes[r.Mesh] || r.IsHTTPRoute()
	}
	if version.HasBuiltinGateways() {
		return l
	}
	l.builtin = make(map[string][]string)
	for _, dp := range s.Dataplanes {
		if with := dp.readWith(); dp.Builtin() && !slices.Contains(l.builtin[with], dp.Zone()) {
			l.builtin[with] = append(l.builtin[with], dp.Zone())
		}
	}
	return l
}

// Of appends to listeners the HTTP listeners of dp, in the order of the Dataplane.
func (l *Listeners) Of(listeners []HTTPListener, dp *Dataplane) []HTTPListener {
	if dp.Builtin() || l.withRoutes[dp.Mesh] {
		listeners = append(listeners, l.ofGateway(dp)...)
	}
	if l.version.TracesZoneEgresses() {
		for _, name := range dp.ZoneEgresses {
			name = "self_zoneegress_dp_" + name
			listeners = append(listeners, HTTPListener{Direction: DirectionOutbound, OfZoneEgress: true, address: name, name: name})
		}
	}
	if dp.Builtin() {
		if dp.Transparent && l.version.HasBuiltinGateways() {
			// Like one with a backendRef, only package meshhttproute makes it: seen on 2.10.11.
			listeners = append(listeners, HTTPListener{Direction: DirectionOutbound, Service: "*", BackendRef: true})
		}
		return listeners
	}
	for i := range dp.Inbounds {
		if listener, ok := l.inbound(dp, i); ok {
			listeners = append(listeners, listener)
		}
	}
	for i := range dp.Outbounds {
		if listener, ok := l.outbound(dp, &dp.Outbounds[i]); ok {
			listeners = append(l.withoutNamesake(listeners, &listener), listener)
		}
	}
	unlisted := len(dp.Outbounds) == 0 && !dp.isZoneProxyAlone()
	ends := l.joining == nil && l.EndsOutbounds(dp.Mesh) // in an upgrade, those that stay are compared too
	if dp.Transparent && !ends && !l.leavesOutServices(dp.Mesh) || !dp.Transparent && unlisted {
		listeners = append(listeners, HTTPListener{Direction: DirectionOutbound, Service: "*"})
	}
	if dp.Transparent && len(l.Joining(dp.Mesh)) > 0 {
		joins := HTTPListener{Direction: DirectionOutbound, Service: "*", Joins: true, name: newOutbounds, address: newOutbounds}
		listeners = append(listeners, joins)
	}
	return listeners
}

// inbound returns the listener of an inbound, if it is one for HTTP that no other replaces.
func (l *Listeners) inbound(dp *Dataplane, i int) (HTTPListener, bool) {
	in := &dp.Inbounds[i]
	listener := HTTPListener{
		Direction: DirectionInbound, Service: in.Tags.Get(ServiceTag),
		address: cmp.Or(in.Address, dp.Address), port: in.Port,
	}
	if l.version.NamesByResource() {
		listener.name = "self_inbound_dp_" + in.section()
	}
	return listener, isHTTP(dp.protocol(in, l.version)) && !l.replaced(dp, i)
}

// replaced reports whether another inbound replaces an inbound, whatever its protocol: a later one
// whose listener has the same name, that is the same address and port or, where listeners have
// the names of resources, the same section (ResourceSet.Add in pkg/core/xds of Kuma's tags; seen
// on 2.14.3 and 3.0). On Kubernetes the inbounds of a port that several Services select differ in
// nothing else, and 3.0 makes only the best of them.
func (l *Listeners) replaced(dp *Dataplane, i int) bool {
	in := &dp.Inbounds[i]
	samePort := func(other Inbound) bool {
		return other.Port == in.Port && cmp.Or(other.Address, dp.Address) == cmp.Or(in.Address, dp.Address)
	}
	if !l.version.NamesByResource() {
		return slices.ContainsFunc(dp.Inbounds[i+1:], samePort)
	}
	merges := l.version.MergesInbounds() && !dp.OnUniversal()
	if merges {
		before := func(other Inbound) bool { return samePort(other) && other.readiness() >= in.readiness() }
		after := func(other Inbound) bool { return samePort(other) && other.readiness() > in.readiness() }
		if slices.ContainsFunc(dp.Inbounds[:i], before) || slices.ContainsFunc(dp.Inbounds[i+1:], after) {
			return true
		}
	}
	return slices.ContainsFunc(dp.Inbounds[i+1:], func(later Inbound) bool {
		return later.section() == in.section() && (!merges || !samePort(later))
	})
}

// withoutNamesake returns listeners without the outbound that a later one to the same port
// of a MeshService replaces, because both have its name; see inbound.
func (l *Listeners) withoutNamesake(listeners []HTTPListener, later *HTTPListener) []HTTPListener {
	if later.name == "" || later.name == "*" {
		return listeners
	}
	return slices.DeleteFunc(listeners, func(other HTTPListener) bool { return other.name == later.name })
}

// outbound returns the listener of an outbound, if it is one for HTTP.
func (l *Listeners) outbound(dp *Dataplane, out *Outbound) (HTTPListener, bool) {
	listener := HTTPListener{Direction: DirectionOutbound, address: cmp.Or(out.Address, "127.0.0.1"), port: out.Port}
	if out.BackendRef == nil {
		listener.Service = out.Tags.Get(ServiceTag)
		if l.version.OutboundsNeedBackendRef() {
			return listener, false
		}
		to := destination{dp.Mesh, listener.Service}
		zone, protocols := dp.Zone(), l.protocols()
		// The destination of a TrafficRoute may be for HTTP, too (inferProtocol in
		// pkg/xds/generator of Kuma's tags). What may be is compared. A MeshHTTPRoute replaces
		// only outbounds to services that are for HTTP themselves, or that it is for
		// (generateFromService in package meshhttproute; seen on 2.9.13 and 2.12.3).
		rerouted := l.snapshot.rerouted[dp.Mesh]
		listener.MayStay = rerouted && !protocols.isHTTP(to, zone) || l.version.LeavesUnroutable() && protocols.mayStay(to, zone)
		return listener, rerouted || protocols.mayBeHTTP(to, zone, l.complete)
	}
	if !l.version.TracesMeshServices() || out.BackendRef.Kind == "MeshExternalService" {
		return listener, false
	}
	// A service that is not known is compared, too. One that does not exist has no listener
	// (CollectServices in pkg/plugins/policies/core/xds/meshroute of Kuma's tags 2.10 to 2.14).
	listener.BackendRef, listener.Service = true, "*"
	service, port := l.services().find(l.version, dp, out.BackendRef)
	if made, decides := l.made(service, port.isHTTP(), dp.Mesh, out.BackendRef); decides {
		if service != nil {
			listener.Service = service.outboundName(l.version, cmp.Or(port, servicePort{port: out.BackendRef.Port}), l.zone)
		}
		listener.name, listener.Made = listener.Service, made
		return listener, made
	}
	switch {
	case service != nil:
		listener.Service = service.outboundName(l.version, port, l.zone)
	case l.resolved && out.BackendRef.Kind == KindMeshService, l.services().isUnlabelled(l.version, dp.Mesh, out.BackendRef):
		return listener, false
	}
	if l.version.NamesByResource() {
		listener.name = listener.Service
	}
	mode, known := l.snapshot.serviceModes[dp.Mesh]
	listener.Assumed = service == nil && known && mode == ""
	return listener, service == nil || port.isHTTP() || l.protocols().mayRoute(service)
}

// made reports whether a reference is for HTTP by the MeshService that a control plane makes of
// Dataplanes, from 3.0 on, and whether that decides. It deletes what it made without any.
func (l *Listeners) made(service *MeshService, today bool, mesh string, ref *BackendRef) (isHTTP, decides bool) {
	name := ref.Labels.Get(DisplayNameLabel)
	if service != nil {
		name = service.Name
	}
	if !l.version.NamesByResource() || ref.Kind != KindMeshService || name == "" || service != nil && !service.isGenerated() {
		return false, false
	}
	if isHTTP, made := l.makers().isHTTP(destination{mesh, name}, ref.Port, today); made {
		return isHTTP, true
	}
	if service == nil { // the one that is made of a tag today is not in files
		return false, len(l.makers().byService[destination{mesh, name}]) > 0
	}
	return false, l.makers().areBehind(service)
}

// ofGateway returns one listener for each port for HTTP of the gateway,
// however many hostnames share it. In a mesh with MeshHTTPRoutes any proxy that the
// MeshGateway's selector matches may have them (ApplyToGateway in package meshhttproute of
// Kuma's tags 2.6 to 2.14).
func (l *Listeners) ofGateway(dp *Dataplane) []HTTPListener {
	gateway := l.gateways.CountsFor(l.version, dp)
	if gateway == nil || !l.version.HasBuiltinGateways() {
		return nil
	}
	service := dp.FirstService()
	if dp.Gateway != nil {
		service = dp.Gateway.Tags.Get(ServiceTag)
	}
	var listeners []HTTPListener
	for i := range gateway.listeners {
		listener := &gateway.listeners[i]
		l := HTTPListener{
			Direction: DirectionGateway, Service: service, OfSidecar: !dp.Builtin(),
			address: gateway.Name + ":" + strings.ToUpper(listener.protocol), port: listener.port,
		}
		if listener.isHTTP() && !slices.Contains(listeners, l) {
			listeners = append(listeners, l)
		}
	}
	return listeners
}

// SpanService returns the name of dp's service in the spans of a control plane of
// version.
func (dp *Dataplane) SpanService(version Version) string {
	if dp.isZoneProxyAlone() {
		return cmp.Or(dp.Workload(), dp.ZoneName())
	}
	if !version.NamesServicesByWorkload() {
		return dp.FirstService()
	}
	return cmp.Or(dp.Workload(), "unknown")
}

// isZoneProxyAlone reports whether dp is a zone's ingress or egress and nothing else, whose spans
// never have the name of a service (configureListener in package meshtrace of Kuma's tag 2.14.3 and
// its main branch).
func (dp *Dataplane) isZoneProxyAlone() bool {
	return dp.zoneProxy && len(dp.Inbounds) == 0 && dp.Gateway == nil
}

// Workload returns the value of the label kuma.io/workload on a control plane that sets
// it. On Kubernetes it sets a missing one, by default to the name of the ServiceAccount
// (computeWorkloadName in pkg/plugins/runtime/k8s of Kuma's main branch). It is empty if
// neither exists.
func (dp *Dataplane) Workload() string {
	if dp.OnUniversal() {
		return dp.Labels.Get(WorkloadLabel)
	}
	return cmp.Or(dp.Labels.Get(WorkloadLabel), dp.Labels.Get(accountLabel))
}

// IsHTTPByTag reports whether an inbound is for HTTP by its tag alone, so that it is not
// from 3.0 on. On Kubernetes the control plane writes the field.
func (dp *Dataplane) IsHTTPByTag() bool {
	return dp.OnUniversal() && slices.ContainsFunc(dp.Inbounds, func(in Inbound) bool {
		return in.Protocol == "" && isHTTP(taggedProtocol(in.Tags))
	})
}

// FirstService returns the alphabetically first service of dp.
func (dp *Dataplane) FirstService() string {
	first := ""
	for _, set := range dp.TagSets() {
		if service := set.Get(ServiceTag); first == "" || service != "" && service < first {
			first = service
		}
	}
	return first
}
