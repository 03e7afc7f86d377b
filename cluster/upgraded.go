package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// After makes l list what an upgrade adds as well: outbounds that were TCP on the version before.
func (l *Listeners) After(before *Listeners) *Listeners {
	if l.version.OutboundsAreMeshServices() && !before.version.OutboundsAreMeshServices() {
		l.joining = sync.OnceValue(func() map[string][]*Dataplane { return l.makers().joining(l.snapshot, before) })
		l.uncertain = sync.OnceValue(l.uncertainOutbounds)
	}
	return l
}

// readWith returns the mesh with whose Dataplanes a control plane reads dp. One on Kubernetes
// reads those of all meshes, here the empty one, before it selects those of one.
func (dp *Dataplane) readWith() string {
	if dp.OnUniversal() {
		return dp.Mesh
	}
	return ""
}

// IsUnread reports whether the control plane of dp's zone cannot read the Dataplanes of its mesh,
// so that none of their proxies gets a configuration: from 3.0 on, while that of a builtin
// gateway is read with them (Dataplane.Networking.Gateway in api/mesh/v1alpha1 of Kuma's main
// branch lacks the type; seen on 3.0, on Universal and on Kubernetes).
func (l *Listeners) IsUnread(dp *Dataplane) bool {
	zones := l.builtin[dp.readWith()]
	if len(zones) == 0 || dp.Builtin() {
		return false
	}
	own := dp.Zone()
	return own == "" || slices.Contains(zones, own) || slices.Contains(zones, "")
}

// leavesOutServices reports whether transparent proxies of a mesh have no listeners for outbounds: up
// to 2.14 only package meshhttproute makes those to MeshServices, the only ones of the mode
// Exclusive, and not in a mesh with a TrafficRoute and without a MeshHTTPRoute (seen on 2.14.3).
func (l *Listeners) leavesOutServices(mesh string) bool {
	return l.version.TracesMeshServices() && !l.version.OutboundsAreMeshServices() && l.snapshot.serviceModes[mesh] == exclusive &&
		l.snapshot.TrafficRoutes[mesh] && !l.withRoutes[mesh]
}

// Joining returns the Dataplanes of a mesh that transparent proxies reach for HTTP on a version
// whose outbounds are MeshServices, and for TCP on the one before, see [Listeners.After].
func (l *Listeners) Joining(mesh string) []*Dataplane {
	if l.joining == nil {
		return nil
	}
	return l.joining()[mesh]
}

// EndsOutbounds reports whether transparent proxies of a mesh reach a service for HTTP today that
// they do not reach on a version whose outbounds are MeshServices, see Unserved and External.
func (l *Listeners) EndsOutbounds(mesh string) bool {
	return len(l.Unserved(mesh)) > 0 || len(l.External(mesh)) > 0
}

// External returns the ExternalServices of a mesh that transparent proxies reach for HTTP today and
// that a version whose outbounds are MeshServices does not have (seen on 3.0).
func (l *Listeners) External(mesh string) []*Resource {
	if !l.version.OutboundsAreMeshServices() || l.snapshot.serviceModes[mesh] == exclusive {
		return nil
	}
	return l.external()[mesh]
}

// Unserved returns the Dataplanes of a mesh that transparent proxies reach today by a tag for HTTP
// and that no MeshService for HTTP has on a version whose outbounds are MeshServices.
func (l *Listeners) Unserved(mesh string) []*Dataplane {
	if !l.version.OutboundsAreMeshServices() {
		return nil
	}
	return l.unserved()[mesh]
}

// Uncertain returns why it is not known which listeners of dp an upgrade ends or begins, empty if
// it is known.
func (l *Listeners) Uncertain(dp *Dataplane) string {
	isKafka := func(in Inbound) bool {
		return strings.EqualFold(cmp.Or(in.Protocol, in.Tags.Get(ProtocolTag)), "kafka")
	}
	switch {
	case l.uncertain == nil:
		return ""
	case !dp.OnUniversal() && slices.ContainsFunc(dp.Inbounds, isKafka): // see RefusesKafka
		return fmt.Sprintf("an inbound has the protocol kafka: Kuma %s refuses the Dataplane if an annotation of the Service says so, "+
			"or else takes another protocol", l.version)
	case !dp.Transparent:
		return ""
	case dp.limited:
		return fmt.Sprintf("the Dataplane has reachableServices, which Kuma %s does not know: it gets outbounds to all services", l.version)
	case dp.OnUniversal():
		return ""
	}
	return l.uncertain()[dp.Mesh]
}
