package cluster

import (
	"cmp"
	"slices"
	"strings"

	"tracemigrate/cluster/manifest"
)

type destination struct{ mesh, service string }

// protocols has the protocols of services.
type protocols struct {
	inbounds, external map[destination]string // of Dataplanes and of ExternalServices
	// byZone are those of the Dataplanes of each zone, nil if all are of one. A zone's control
	// plane knows its own, and those of others through their ZoneIngresses, if mTLS is on
	// (fillDataplaneOutbounds and fillIngressOutbounds in pkg/xds/topology of Kuma's tag
	// 2.14.3; seen on it).
	byZone map[destination]map[string]string
	// routed are those that a MeshHTTPRoute is for, with the services that each rule leads to;
	// empty: one of another kind.
	routed map[destination][][]string
}

// protocolsOf returns the protocols of outbounds on a version. They follow from the tags of
// all inbounds of the destination that are ready (recorded/traffictrace, random-09 and
// random-23) and of its ExternalServices (recorded/traffictrace/routed-outbounds), never
// from their field protocol (recorded/traffictrace/protocol-field).
func protocolsOf(version Version, s *Snapshot) protocols {
	p := protocols{inbounds: make(map[destination]string), external: make(map[destination]string), routed: make(map[destination][][]string)}
	if ofSeveralZones(s.Dataplanes) {
		p.byZone = make(map[destination]map[string]string)
	}
	for _, r := range s.Routes {
		if r.IsHTTPRoute() && version.RoutesToHTTP(s.TrafficRoutes[r.Mesh]) {
			p.addRouted(r)
		}
	}
	for _, r := range s.ExternalServices {
		if tags := tagsOfExternal(r); tags.Get(ServiceTag) != "" {
			add(p.external, destination{r.Mesh, tags.Get(ServiceTag)}, taggedProtocol(tags))
		}
	}
	for _, dp := range s.Dataplanes {
		for i := range dp.Inbounds {
			in := &dp.Inbounds[i]
			protocol := taggedProtocol(in.Tags)
			if in.NotReady || in.Ignored && !version.IgnoredInboundsHaveProtocol() {
				protocol = "" // the service is known, if only without a protocol
			}
			to := destination{dp.Mesh, in.Tags.Get(ServiceTag)}
			add(p.inbounds, to, protocol)
			if p.byZone == nil {
				continue
			}
			if p.byZone[to] == nil {
				p.byZone[to] = make(map[string]string)
			}
			add(p.byZone[to], dp.Zone(), protocol)
		}
	}
	return p
}

// tagsOfExternal returns the tags of an ExternalService.
func tagsOfExternal(r *Resource) Tags {
	var problems []*manifest.Problem // an outbound without a known protocol is compared
	return TagsOf(r.Spec.Into(&problems).Field("tags"))
}

// ofSeveralZones reports whether not all Dataplanes are of one zone. One that does not name its
// zone may be of any.
func ofSeveralZones(dataplanes []*Dataplane) bool {
	return slices.ContainsFunc(dataplanes, func(dp *Dataplane) bool { return dp.Zone() != dataplanes[0].Zone() })
}

// addRouted records the services that a MeshHTTPRoute is for. Those that it selects by labels
// may be any.
func (p protocols) addRouted(r *Resource) {
	var problems []*manifest.Problem // what cannot be read is empty
	for _, to := range r.Spec.Into(&problems).Field("to").Items() {
		var rules [][]string
		for _, rule := range to.Field("rules").Items() {
			var services []string
			for _, ref := range rule.Field("default").Field("backendRefs").Items() {
				services = append(services, serviceOf(ref))
			}
			if len(services) > 0 {
				rules = append(rules, services)
			}
		}
		ref := to.Field("targetRef")
		names := []string{ref.Field("name").Str()}
		if ref.Field("labels").Present() {
			names = append(names, Any)
		}
		for _, name := range names {
			service := destination{r.Mesh, strings.Clone(name)}
			p.routed[service] = append(p.routed[service], rules...)
		}
	}
}

// serviceOf returns the value of the tag kuma.io/service that a backendRef is for, empty if it
// is for a resource.
func serviceOf(ref manifest.Value) string {
	kind := ref.Field("kind").Str()
	if kind != KindMeshService && kind != "MeshServiceSubset" || ref.Field("labels").Present() || ref.Field("port").Present() {
		return ""
	}
	return strings.Clone(ref.Field("name").Str())
}

// isRouted reports whether a MeshHTTPRoute is for a service.
func (p protocols) isRouted(to destination) bool {
	_, ok := p.routed[to]
	return ok
}

// mayStay reports whether a MeshHTTPRoute for a service may lead to no service for HTTP in a zone.
func (p protocols) mayStay(to destination, zone string) bool {
	return slices.ContainsFunc(p.routed[to], func(services []string) bool {
		return !slices.ContainsFunc(services, func(service string) bool { return p.isHTTP(destination{to.mesh, service}, zone) })
	})
}

// add records that a service has an endpoint with a protocol, or one that does not count.
func add[K comparable](protocols map[K]string, to K, protocol string) {
	known := protocols[to]
	switch {
	case protocol == "":
		protocol = known
	case known != "":
		protocol = commonProtocol(known, protocol)
	}
	protocols[to] = protocol
}

// of returns the protocol of a service, "" if no inbound that counts is known.
// ExternalServices count if no inbound does (generateServicesInformation in
// pkg/xds/context of Kuma's tags 2.6 to 2.14). With a zone egress, and up to 2.5, they
// count besides: then a service that is taken for HTTP here may be for TCP.
func (p protocols) of(to destination) string { return cmp.Or(p.inbounds[to], p.external[to]) }

// isHTTP reports whether a service is for HTTP in a zone, whatever the zone knows of others.
func (p protocols) isHTTP(to destination, zone string) bool {
	return isHTTP(p.of(to)) && (p.byZone == nil || zone != "" && p.byZone[to][zone] != "")
}

// mayBeHTTP reports whether the outbound to a service may be for HTTP in a zone, and always
// whether it is. It may be if the input, which is complete or not, has no inbound of the service
// that counts: others may be in other zones, behind their ZoneIngresses (seen on 2.14.3). It may also be if
// a MeshHTTPRoute is for it (generateFromService in package meshhttproute of Kuma's tag 2.13.10).
func (p protocols) mayBeHTTP(to destination, zone string, complete bool) bool {
	protocol := p.of(to)
	if isHTTP(protocol) || protocol == "" && !complete || p.isRouted(to) {
		return true
	}
	if own := p.byZone[to][zone]; own != "" && zone != "" {
		return isHTTP(own)
	}
	for _, protocol := range p.byZone[to] { // the only ones that it may know, or those of its zone
		if isHTTP(protocol) {
			return true
		}
	}
	return p.byZone != nil && isHTTP(p.external[to])
}

// differ reports whether a service may be for HTTP in one of two states and not in the other.
func (p protocols) differ(other protocols, to destination) bool {
	if isHTTP(p.inbounds[to]) != isHTTP(other.inbounds[to]) {
		return true
	}
	for zone, protocol := range p.byZone[to] {
		if was, existed := other.byZone[to][zone]; existed && isHTTP(was) != isHTTP(protocol) {
			return true
		}
	}
	return false
}

// mayRoute reports whether a MeshHTTPRoute may be for a MeshService.
func (p protocols) mayRoute(m *MeshService) bool {
	return slices.ContainsFunc([]string{m.DisplayName(), m.Name, Any}, func(name string) bool { return p.isRouted(destination{m.Mesh, name}) })
}

// hasAllDestinations reports whether a service that s does not have does not exist: s was
// read from a control plane that knows the services of all zones.
func (s *Snapshot) hasAllDestinations() bool {
	return s.FromCluster() && s.Origin != nil && s.Origin.Mode != ModeFederatedZone &&
		!s.Lacks(KindDataplane) && !s.Lacks(KindExternalService)
}

// taggedProtocol returns the value of the tag kuma.io/protocol, else tcp.
func taggedProtocol(tags Tags) string { return cmp.Or(strings.ToLower(tags.Get(ProtocolTag)), "tcp") }

// protocol returns the protocol of the inbound's own listener on a version. On
// Kubernetes the control plane writes field and tag from the same Service, and writes the
// field where an older version did not (inbound_converter.go in
// pkg/plugins/runtime/k8s/controllers of Kuma's tag 2.13.10 and its main branch).
func (dp *Dataplane) protocol(in *Inbound, version Version) string {
	if version.ProtocolFromField() && in.Protocol != "" {
		return strings.ToLower(in.Protocol)
	}
	if version.ProtocolFromFieldAlone() && dp.OnUniversal() {
		return "tcp"
	}
	return taggedProtocol(in.Tags)
}

// IsHTTPInbound reports whether l is a listener of an inbound of dp that is for HTTP on a
// version, even if another inbound replaces it there.
func (dp *Dataplane) IsHTTPInbound(l *HTTPListener, version Version) bool {
	return slices.ContainsFunc(dp.Inbounds, func(in Inbound) bool {
		return cmp.Or(in.Address, dp.Address) == l.address && in.Port == l.port && isHTTP(dp.protocol(&in, version))
	})
}

// stacks lists the protocols that each protocol is built on, itself first.
var stacks = map[string][]string{
	"grpc": {"grpc", "http2", "tcp"}, "http2": {"http2", "tcp"}, "http": {"http", "tcp"}, "kafka": {"kafka", "tcp"},
}

// commonProtocol returns the highest protocol that a and b have in common.
func commonProtocol(a, b string) string {
	for _, protocol := range stacks[a] {
		if slices.Contains(stacks[b], protocol) {
			return protocol
		}
	}
	return "tcp"
}

func isHTTP(protocol string) bool {
	return protocol == "http" || protocol == "http2" || protocol == "grpc"
}
