package envoydiff

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"

	"tracemigrate/cluster"
	"tracemigrate/cluster/envoy"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// State is the policies that decide on tracing at one time.
type State struct {
	Legacy   []*legacy.Mesh // empty without Mesh.tracing and TrafficTraces
	Policies []*meshtrace.Policy
	// Withheld are policies that proxies need and that are not applied. They decide
	// nothing; they explain why a proxy has no tracing.
	Withheld []*meshtrace.Policy
	// nil: those of the snapshot, decoded when they are needed
	Patches *Patches
	Routes  *meshtrace.Routes
}

// Renderer renders the Envoy configuration of proxies in a State.
type Renderer struct {
	version   cluster.Version
	snapshot  *cluster.Snapshot
	zone      string          // of the control plane; if empty, that of each Dataplane
	routed    map[string]bool // meshes with a TrafficRoute
	routes    *meshtrace.Routes
	router    *meshtrace.Matcher // of routes.HTTP on version
	ofGateway *meshtrace.Matcher // of all MeshHTTPRoutes on version, by a MeshGateway's listeners
	tcpRouter *meshtrace.Matcher // of routes.TCP on version
	gateways  cluster.Gateways
	listeners *cluster.Listeners
	legacy    map[string]*legacy.Mesh
	matcher   *meshtrace.Matcher
	withheld  *meshtrace.Matcher
	patches   func() *Patches          // of the snapshot
	ownRoutes func() *meshtrace.Routes // of the snapshot
	patcher   *patcher
}

// NewRenderer returns a renderer for a control plane of version in state, with the
// Dataplanes, gateways and TrafficRoutes of s.
func NewRenderer(version cluster.Version, s *cluster.Snapshot, state State) *Renderer {
	return newRenderer(s).In(version, state)
}

// newRenderer returns what renderers of s have in common.
func newRenderer(s *cluster.Snapshot) *Renderer {
	r := &Renderer{snapshot: s, routed: s.TrafficRoutes, gateways: cluster.NewGateways(s.MeshGateways)}
	r.patches = sync.OnceValue(func() *Patches {
		patches, _ := ReadPatches(s)
		return patches
	})
	r.ownRoutes = sync.OnceValue(func() *meshtrace.Routes { return meshtrace.ReadRoutes(s) })
	if s.Origin != nil {
		r.zone = s.Origin.Zone
	}
	return r
}

// In returns a renderer of the same cluster in another state, on another version.
func (r *Renderer) In(version cluster.Version, state State) *Renderer {
	other := *r
	if other.routes = state.Routes; other.routes == nil {
		other.routes = r.ownRoutes()
	}
	if version != r.version || r.listeners == nil {
		other.version, other.listeners = version, cluster.NewListeners(version, r.snapshot, r.gateways)
		if r.listeners != nil {
			other.listeners.After(r.listeners)
		}
	}
	if version != r.version || other.routes != r.routes {
		var routes, all, tcp []*meshtrace.Policy
		if !version.DropsTrafficTrace() {
			routes, all = other.routes.HTTP, slices.Concat(other.routes.HTTP, other.routes.Other)
		}
		if version.HasMeshTCPRoutes() && !version.DropsTrafficTrace() {
			tcp = slices.Collect(maps.Keys(other.routes.TCP))
		}
		other.router = meshtrace.NewMatcher(version, routes, r.gateways)
		other.ofGateway = meshtrace.NewMatcher(version, all, r.gateways).OfGatewayListeners()
		other.tcpRouter = meshtrace.NewMatcher(version, tcp, r.gateways)
	}
	other.matcher = meshtrace.NewMatcher(version, state.Policies, r.gateways)
	other.withheld = meshtrace.NewMatcher(version, state.Withheld, r.gateways)
	if state.Patches == nil {
		state.Patches = r.patches()
	}
	other.patcher = newPatcher(version, state.Patches, r.gateways)
	if other.legacy = nil; !version.DropsTrafficTrace() {
		other.legacy = legacy.ByName(state.Legacy)
	}
	return &other
}

// refusing returns a renderer of a state after an upgrade to a version that refuses some
// MeshTraces for their OpenTelemetry endpoint, so that these do not exist; nil if there are
// none. Only what a store has already stays, without a collector.
func (r *Renderer) refusing(to cluster.Version, state State) *Renderer {
	if !to.NeedsOTelBackendRef() || r.version.NeedsOTelBackendRef() {
		return nil
	}
	accepted := lists.Keep(state.Policies, func(p *meshtrace.Policy) bool { return !p.Default.HasOTelEndpoint() })
	if len(accepted) == len(state.Policies) {
		return nil
	}
	state.Policies = accepted
	return r.In(to, state)
}

// countingIgnoredInbounds returns a renderer that differs in which inbounds MeshTraces match.
func (r *Renderer) countingIgnoredInbounds() *Renderer {
	other := *r
	other.matcher = r.matcher.CountingIgnoredInbounds()
	return &other
}

// Decision is the policies that decide on a proxy's tracing.
type Decision struct {
	// Policies are the MeshTraces that apply, lowest precedence first, and Conf is
	// the result of merging them. They decide when Conf has a backend.
	Policies []*meshtrace.Policy
	Conf     *meshtrace.Conf
	// Pair is the TrafficTrace and selector that decide otherwise, and Backend its
	// backend. Both may be nil.
	Pair    *legacy.Pair
	Backend *legacy.Backend
	// Withheld are the policies that would apply if they were not withheld.
	Withheld []*meshtrace.Policy

	// routedAnew is set if a MeshHTTPRoute takes the proxy's outbounds over, and routed if
	// any MeshHTTPRoute selects a listener of the proxy's MeshGateway.
	routedAnew, routed bool
	// forTCP are the MeshTCPRoutes that select the proxy.
	forTCP []*meshtrace.Policy

	id int32 // see comparer.id
}

// Traces reports whether the decision gives the proxy tracing.
func (d *Decision) Traces() bool { return d.fromMeshTrace() || d.Backend != nil }

// Unusable returns the problems of the backend if a TrafficTrace decides.
func (d *Decision) Unusable() []*manifest.Problem {
	if d.fromMeshTrace() || d.Backend == nil {
		return nil
	}
	return d.Backend.Problems
}

func (d *Decision) fromMeshTrace() bool { return d != nil && len(d.Conf.Backends) > 0 }

// Decide returns the decision on dp's tracing. MeshTraces with a backend override the
// TrafficTrace.
func (r *Renderer) Decide(dp *cluster.Dataplane) Decision { return r.decide(dp, nil, nil) }

// decide is Decide with buffers for the policies.
func (r *Renderer) decide(dp *cluster.Dataplane, policies, withheld []*meshtrace.Policy) Decision {
	d := Decision{
		Policies: r.matcher.Matching(policies, dp), Withheld: r.withheld.Matching(withheld, dp),
		routedAnew: len(r.router.Matching(nil, dp)) > 0, routed: len(r.ofGateway.Matching(nil, dp)) > 0,
		forTCP: r.tcpRouter.Matching(nil, dp),
	}
	d.Conf = meshtrace.Merge(d.Policies)
	inVain := d.Conf.RefersInVain(r.version)
	if inVain || r.version.NeedsOTelBackendRef() && d.Conf.HasOTelEndpoint() {
		untraced := *d.Conf
		untraced.Backends, d.Conf = nil, &untraced
	}
	if !inVain && !d.fromMeshTrace() {
		d.Pair, d.Backend = r.legacyBackend(dp)
	}
	return d
}

// legacyBackend returns the selector of the TrafficTrace that decides on dp if no MeshTrace
// does, and its backend. Both may be nil.
func (r *Renderer) legacyBackend(dp *cluster.Dataplane) (*legacy.Pair, *legacy.Backend) {
	mesh := r.legacy[dp.Mesh]
	if mesh == nil || len(mesh.Pairs) == 0 {
		return nil, nil
	}
	mesh = mesh.In(dp.Zone())
	position := mesh.Wins(dp.TagSets()...)
	if position < 0 {
		return nil, nil
	}
	pair := mesh.Pairs[position]
	return pair, mesh.BackendOf(pair.TrafficTrace)
}

// Target returns the collector as host:port and the policy that selects it.
func (d *Decision) Target() string {
	if !d.Traces() {
		return "nowhere"
	}
	return fmt.Sprintf("%s, because of %s", d.Address(), d.Source())
}

// Address returns the collector as host:port, or "nowhere" without a usable backend.
func (d *Decision) Address() string {
	if !d.Traces() || d.Unusable() != nil {
		return "nowhere"
	}
	return d.collector().Address()
}

// collector returns the collector of a decision that traces.
func (d *Decision) collector() envoy.Collector {
	if d.fromMeshTrace() {
		return d.Conf.Collector()
	}
	return d.Backend.Collector()
}

// Listener is one HTTP listener of a proxy with its tracing, if any.
type Listener struct {
	cluster.HTTPListener
	Tracing   *hcmv3.HttpConnectionManager_Tracing
	Collector *clusterv3.Cluster
	// MayTrace is set where it is not known whether the TrafficTrace traces the listener.
	MayTrace bool
}

// Render returns the HTTP listeners of dp under a decision, and the cluster of the
// collector, if any. An unusable backend gives no tracing.
func (r *Renderer) Render(dp *cluster.Dataplane, d *Decision) ([]Listener, *clusterv3.Cluster) {
	var collector *clusterv3.Cluster
	if d.Traces() && d.Unusable() == nil {
		collector = d.collector().Build(r.version)
	}
	var listeners []Listener
	first := dp.SpanService(r.version)
	for _, l := range r.listeners.Of(nil, dp) {
		if !r.exists(dp.Mesh, d, &l) {
			continue
		}
		listener := Listener{HTTPListener: l}
		if collector != nil && r.traced(dp.Mesh, d, &l) {
			listener.Tracing, listener.Collector = r.tracing(dp, d, l, first, true), collector
		} else {
			listener.MayTrace = collector != nil && d.mayTrace(&l)
		}
		listeners = append(listeners, listener)
	}
	return listeners, collector
}

// traced reports whether a listener is traced. Since 2.6, legacy tracing of outbounds
// needs a TrafficRoute in the mesh. If a MeshHTTPRoute selects the proxy, all its listeners
// of outbounds for HTTP are made by package meshhttproute of Kuma's tags 2.1 to 2.14, which
// knows no TrafficTrace, whichever service the MeshHTTPRoute is for. Recorded:
// traffictrace/routed-outbounds.
func (r *Renderer) traced(mesh string, d *Decision, l *cluster.HTTPListener) bool {
	if !d.Traces() || !r.exists(mesh, d, l) {
		return false
	}
	return d.fromMeshTrace() || l.Direction != cluster.DirectionOutbound ||
		!l.BackendRef && !l.OfZoneEgress && !d.routedAnew && (r.routed[mesh] || !r.version.LegacyOutboundsNeedTrafficRoute())
}

// exists reports whether a proxy has a listener. Only package meshhttproute makes one for an
// outbound with a backendRef, and does nothing in a mesh with TrafficRoutes for a proxy that
// no MeshHTTPRoute selects (its Apply in Kuma's tags 2.6 to 2.14).
//
// A sidecar or delegated gateway has listeners of a MeshGateway only if a MeshHTTPRoute selects
// one of these (ApplyToGateway in that package).
func (r *Renderer) exists(mesh string, d *Decision, l *cluster.HTTPListener) bool {
	switch {
	case l.OfSidecar:
		return d.routed
	case !l.BackendRef:
		return d.routedAnew || l.Direction != cluster.DirectionOutbound || l.OfZoneEgress || !r.isTCP(d, l.Service)
	}
	return d.routedAnew || !r.routed[mesh] || r.version.DropsTrafficTrace()
}

// isTCP reports whether a MeshTCPRoute that selects the proxy makes its outbounds to a service
// TCP. A MeshHTTPRoute for the service has precedence (getBackendRefs in package meshtcproute
// of Kuma's tags 2.3 to 2.14).
func (r *Renderer) isTCP(d *Decision, service string) bool {
	return slices.ContainsFunc(d.forTCP, func(p *meshtrace.Policy) bool { return slices.Contains(r.routes.TCP[p], service) })
}

func (r *Renderer) tracing(
	dp *cluster.Dataplane, d *Decision, l cluster.HTTPListener, first string, withWorkload bool,
) *hcmv3.HttpConnectionManager_Tracing {
	if d.fromMeshTrace() {
		zone, workload := r.spanTags(dp)
		if !withWorkload {
			workload = ""
		}
		return d.Conf.Tracing(r.version, dp.Mesh, zone, workload, l, first)
	}
	return d.Backend.Tracing(r.version, l, first)
}

// spanTags returns the values of the tags kuma.zone and kuma.workload, or empty values
// before 2.14. The zone is the control plane's, not that of the Dataplane's tags. The
// workload is the name of its resource, kri_wl_MESH_ZONE_NAMESPACE_NAME_
// (recorded/meshtrace/labels-* on 2.14).
func (r *Renderer) spanTags(dp *cluster.Dataplane) (zone, workload string) {
	if !r.version.AddsKumaTags() {
		return "", ""
	}
	zone = cmp.Or(r.zone, dp.Labels.Get(cluster.ZoneLabel))
	if name := dp.Labels.Get(cluster.WorkloadLabel); name != "" {
		workload = strings.Join([]string{"kri", "wl", dp.Mesh, zone, dp.Namespace, name, ""}, "_")
	}
	return zone, workload
}
