package upgrade

import (
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// proxy adds a proxy to the cause of each of its differences, once for each code, with the
// resources that are to change.
func (b *builder) proxy(from cluster.Version, p *envoydiff.Proxy) {
	for i, d := range p.Differences {
		if slices.ContainsFunc(p.Differences[:i], func(earlier *envoydiff.Difference) bool { return earlier.Code == d.Code }) {
			continue
		}
		c := b.of(d.Code)
		c.Proxies = append(c.Proxies, p)
		b.blame(c, from, p, d)
	}
}

// blame adds the resources that give a proxy its difference.
func (b *builder) blame(c *cause, from cluster.Version, p *envoydiff.Proxy, d *envoydiff.Difference) {
	switch c.Code {
	case envoydiff.ProtocolFromField, envoydiff.OutboundNeedsBackendRef, envoydiff.ProtocolRefused, envoydiff.BuiltinGatewayRemoved,
		envoydiff.WorkloadServiceName, envoydiff.InboundsMerged:
		c.addProxy(p.Dataplane)
		return
	case envoydiff.MeshUnreadable, envoydiff.OutboundNeedsService, envoydiff.OutboundProtocol:
		return // for other Dataplanes, see dataplanes
	case envoydiff.TrafficTraceRemoved, envoydiff.OutboundNeedsRoute:
		c.addTrafficTrace(p.Before.Pair)
		return
	case envoydiff.InvalidBackend:
		c.addTrafficTrace(p.Before.Pair, d.Before)
		return
	}
	if c.Code == envoydiff.ServicesUnread {
		if mesh := b.meshes[p.Mesh]; mesh != nil { // once for each reason
			of := mesh.Resource
			c.add([2]string{p.Mesh, d.Before}, Resource{of.Subject(), of.Place, []string{d.Before}, of.Format == cluster.Kubernetes, of.Name})
		}
		return
	}
	if envoydiff.Codes[c.Code] == envoydiff.Unknown {
		c.addProxy(p.Dataplane, d.Before)
		return
	}
	blamed := false
	for _, policy := range slices.Concat(p.Before.Policies, p.After.Policies) {
		if isCause(c.Code, policy, from, b.To, p) {
			c.addMeshTrace(policy)
			blamed = true
		}
	}
	switch {
	case blamed:
	case p.Before.Pair != nil && len(p.Before.Policies) == 0:
		c.addTrafficTrace(p.Before.Pair)
	default:
		c.addProxy(p.Dataplane)
	}
}

// isCause reports whether a MeshTrace of p, before or after, is why p differs by a code.
func isCause(code envoydiff.Code, policy *meshtrace.Policy, from, to cluster.Version, p *envoydiff.Proxy) bool {
	ref := &policy.TargetRef
	switch code {
	case envoydiff.MeshTraceRefused:
		return ref.RemovedIn(to)
	case envoydiff.OTelEndpoint:
		return policy.Default.HasOTelEndpoint()
	case envoydiff.SharedSpanDiffers:
		return policy.Default.LeavesOutSharedSpanContext()
	case envoydiff.FieldIgnored:
		return len(ref.ProxyTypes) > 0 || ref.Name != "" || ref.Namespace != ""
	case envoydiff.ShadowPolicy:
		return policy.Shadow(from) != policy.Shadow(to)
	case envoydiff.PolicyNamespace:
		return !policy.System
	case envoydiff.DelegatedGateway, envoydiff.IgnoredInbound, envoydiff.SelectionDiffers:
		return slices.Contains(p.Before.Policies, policy) != slices.Contains(p.After.Policies, policy)
	}
	return true
}

// addProxy adds a Dataplane; a made-up one is no resource.
func (c *cause) addProxy(dp *cluster.Dataplane, reasons ...string) {
	if dp.File != "" {
		of := manifest.Subject{Kind: cluster.KindDataplane, Name: dp.FullName(), Mesh: dp.Mesh}
		c.add(dp, Resource{of, dp.Place, reasons, !dp.OnUniversal(), dp.ZoneName()})
	}
}

// addTrafficTrace adds the TrafficTrace of a selector, if there is one.
func (c *cause) addTrafficTrace(pair *legacy.Pair, reasons ...string) {
	if pair != nil {
		c.addResource(pair.Resource, reasons...)
	}
}

func (c *cause) addMeshTrace(p *meshtrace.Policy) {
	name := cluster.FullName(p.Name, p.Namespace)
	of := manifest.Subject{Kind: cluster.KindMeshTrace, Name: name, Mesh: p.Mesh}
	c.add(p, Resource{of, p.Place, nil, p.Format == cluster.Kubernetes, name})
}
