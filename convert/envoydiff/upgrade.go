package envoydiff

import (
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/meshtrace"
)

// bothVersions records the differences of the listeners of dp, which two versions may
// find for other protocols.
func (c *comparer) bothVersions(dp *cluster.Dataplane, before, after *Decision) {
	c.later = c.after.listeners.Of(c.later[:0], dp)
	for i := range c.listeners {
		was := &c.listeners[i]
		is := findSame(c.later, was)
		if was.Assumed && is != nil && is.Made { // it would have the name that the other is given
			was = nil
		}
		c.listener(dp, before, after, was, is)
		if dp.Transparent && is != nil && was.IsEveryOutbound() && c.after.listeners.EndsOutbounds(dp.Mesh) {
			c.listener(dp, before, after, was, nil) // for some outbounds; others stay
		}
	}
	for i := range c.later {
		if is := &c.later[i]; findSame(c.listeners, is) == nil {
			c.listener(dp, before, after, nil, is)
		}
	}
}

// refusals returns why the version after refuses dp, and the version before does not: its
// proxy cannot connect, whether or not what is refused is traced (validateOutbound and
// validateInbound in pkg/core/resources/apis/mesh, and their callers in pkg/xds/bootstrap
// and pkg/xds/server/callbacks, of Kuma's main branch; seen on 3.0). On Kubernetes the
// control plane writes the Dataplane, without outbounds.
func refusals(before, after *Renderer, dp *cluster.Dataplane) (codes []Code) {
	from, to := before.version, after.version
	if from == to {
		return nil
	}
	if after.listeners.IsUnread(dp) && !before.listeners.IsUnread(dp) {
		codes = append(codes, MeshUnreadable)
	}
	if !dp.OnUniversal() {
		return codes
	}
	if to.OutboundsNeedBackendRef() && !from.OutboundsNeedBackendRef() &&
		slices.ContainsFunc(dp.Outbounds, func(out cluster.Outbound) bool { return out.BackendRef == nil }) {
		codes = append(codes, OutboundNeedsBackendRef)
	}
	if to.RefusesKafka() && !from.RefusesKafka() &&
		slices.ContainsFunc(dp.Inbounds, func(in cluster.Inbound) bool { return strings.EqualFold(in.Protocol, "kafka") }) {
		codes = append(codes, ProtocolRefused)
	}
	return codes
}

// refusedFields has the field of each code of refusals.
var refusedFields = map[Code]string{
	OutboundNeedsBackendRef: "networking.outbound", ProtocolRefused: "networking.inbound.protocol", MeshUnreadable: "mesh",
}

func findSame(listeners []cluster.HTTPListener, l *cluster.HTTPListener) *cluster.HTTPListener {
	for i := range listeners {
		if listeners[i].IsSame(l) {
			return &listeners[i]
		}
	}
	return nil
}

// renames reports whether spans have another service name on the version after.
func (c *comparer) renames() bool {
	return c.before.version.NamesServicesByWorkload() != c.after.version.NamesServicesByWorkload()
}

// cause returns the rule by which a listener of dp has another tracing on the version
// after, and no code where the versions are equal or the rule is not known.
func (c *comparer) cause(dp *cluster.Dataplane, before, after *Decision, was, is *cluster.HTTPListener) Code {
	from, to := c.before.version, c.after.version
	switch {
	case from == to:
		return ""
	case was == nil && is.Joins:
		return OutboundProtocol
	case was == nil && is.Direction == cluster.DirectionInbound:
		return causeOfInbound(dp, is, from, to)
	case is == nil && was.Direction == cluster.DirectionInbound:
		return causeOfInbound(dp, was, to, to)
	case is == nil && was.Direction == cluster.DirectionGateway:
		return BuiltinGatewayRemoved
	case is == nil && (was.BackendRef || was.IsEveryOutbound()) && c.after.listeners.EndsOutbounds(dp.Mesh):
		return OutboundNeedsService
	case is == nil && !was.BackendRef && to.OutboundsNeedBackendRef():
		return OutboundNeedsBackendRef
	case was == nil || is == nil || c.migrated:
		return ""
	case before.Traces() && !before.fromMeshTrace() && to.DropsTrafficTrace():
		return TrafficTraceRemoved
	case c.before.traced(dp.Mesh, before, was) != c.after.traced(dp.Mesh, after, is) && before.Traces() && after.Traces() && !was.BackendRef:
		return OutboundNeedsRoute
	}
	return c.causeOfPolicies(dp, before, after)
}

// causeOfInbound returns why dp does not have the listener of an inbound on one of two versions,
// without, of which to is the later.
func causeOfInbound(dp *cluster.Dataplane, l *cluster.HTTPListener, without, to cluster.Version) Code {
	switch {
	case !dp.IsHTTPInbound(l, without):
		return ProtocolFromField
	case to.MergesInbounds() && !dp.OnUniversal():
		return InboundsMerged
	}
	return "" // another inbound of the same name or port replaces it
}

// beside records what else ends or changes the tracing of a listener that the version after
// does not have: with the listener, the proxy would still not keep it. Otherwise a user who
// accepts, or repairs, the loss of the listener would not learn of it.
func (c *comparer) beside(dp *cluster.Dataplane, before, after *Decision, l *cluster.HTTPListener, key pairing) {
	lost := key.cause
	key.cause, key.beside = c.cause(dp, before, after, l, l), true
	if key.cause == "" || key.cause == lost || lost == BuiltinGatewayRemoved { // without the gateway there is nothing to keep
		return
	}
	if c.after.traced(dp.Mesh, after, l) {
		key.after = after.id
	}
	addOnce(c, c.known, key, func() []*Difference {
		found := compare(c.flat(c.before, dp, before, l, true), c.flat(c.after, dp, after, l, key.after != 0), l.Direction)
		return slices.DeleteFunc(c.attributed(found, key), func(d *Difference) bool { return d.Code != key.cause })
	})
}

// causeOfPolicies returns why other MeshTraces apply to dp, or the same in another
// order.
func (c *comparer) causeOfPolicies(dp *cluster.Dataplane, before, after *Decision) Code {
	for _, side := range [][2]*Decision{{before, after}, {after, before}} {
		for _, p := range slices.Backward(side[0].Policies) {
			if !slices.Contains(side[1].Policies, p) {
				return c.causeOfPolicy(p, dp)
			}
		}
	}
	if !slices.Equal(before.Policies, after.Policies) {
		names := func(p *meshtrace.Policy) bool {
			return p.TargetRef.Kind == meshtrace.Dataplane && p.TargetRef.Name != ""
		}
		if c.before.version.SelectsByName() != c.after.version.SelectsByName() && slices.ContainsFunc(before.Policies, names) {
			return FieldIgnored // a name no longer has precedence over labels
		}
		return NameOrder
	}
	if conf := meshtrace.Merge(after.Policies); conf.HasOTelEndpoint() && c.after.version.NeedsOTelBackendRef() {
		return OTelEndpoint
	}
	return ""
}

// causeOfPolicy returns why p applies to dp on one of the versions only.
func (c *comparer) causeOfPolicy(p *meshtrace.Policy, dp *cluster.Dataplane) Code {
	from, to := c.before.version, c.after.version
	ref := &p.TargetRef
	switch {
	case ref.RemovedIn(to):
		return MeshTraceRefused
	case to.NeedsOTelBackendRef() && p.Default.HasOTelEndpoint():
		return OTelEndpoint
	case len(ref.ProxyTypes) > 0 && from.HonoursProxyTypes() != to.HonoursProxyTypes(),
		(ref.Name != "" || ref.Namespace != "") && from.SelectsByName() != to.SelectsByName():
		return FieldIgnored
	case p.Shadow(from) != p.Shadow(to):
		return ShadowPolicy
	case !p.System && (from.RoleDecides() != to.RoleDecides() || from.SelectsByNamespace() != to.SelectsByNamespace()):
		return PolicyNamespace
	case dp.Delegated():
		return DelegatedGateway
	case dp.HasIgnoredInbound():
		return IgnoredInbound
	}
	return SelectionDiffers
}

// attributed returns differences between two versions with their cause as the code.
// What every proxy gets on the version after keeps its own, or has the code defaults.
func (c *comparer) attributed(differences []*Difference, key pairing) []*Difference {
	for _, d := range differences {
		switch d.Field {
		case "tracing.spawnUpstreamSpan":
			// Of a MeshGateway's listener on a sidecar it follows from the policy.
			if key.ofSidecar && c.before.version.SetsSpawnUpstreamSpan() == c.after.version.SetsSpawnUpstreamSpan() {
				break
			}
			d.Code = Defaults
		case "cluster.connectTimeout", "tracing.provider.typedConfig.splitSpansForRequest":
			d.Code = Defaults
		}
		if key.cause != "" && Codes[d.Code] != Inherent {
			d.Code = key.cause
		}
	}
	return differences
}
