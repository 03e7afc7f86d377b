package upgrade

import (
	"tracemigrate/cluster/lists"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/meshtrace"
)

// meshTraces adds the MeshTraces that To refuses and From accepts. They are causes even if
// no known proxy has its tracing from them: the newer control plane refuses to apply or
// to sync them.
func (b *builder) meshTraces() {
	for _, p := range b.policies {
		if !b.inhabited[p.Mesh] && b.renames(p) {
			b.of(envoydiff.WorkloadServiceName).addMeshTrace(p)
		}
		if b.ignoresField(p) {
			c := b.of(envoydiff.FieldIgnored)
			c.fails = c.fails || !b.inhabited[p.Mesh]
			c.addMeshTrace(p)
		}
		reasons := p.RefusedBy(b.To)
		if len(reasons) == 0 || len(p.RefusedBy(b.From)) > 0 {
			continue
		}
		byEndpoint := b.To.NeedsOTelBackendRef() && p.Default.HasOTelEndpoint()
		if byEndpoint {
			b.refuse(envoydiff.OTelEndpoint, p, reasons)
		}
		if len(reasons) > 1 || !byEndpoint {
			b.refuse(envoydiff.MeshTraceRefused, p, reasons)
		}
	}
}

// renames reports whether a MeshTrace gives spans the name of a service, by another rule
// on To.
func (b *builder) renames(p *meshtrace.Policy) bool {
	return len(p.Default.Backends) > 0 && p.Default.Backends[0].Zipkin == nil &&
		b.To.NamesServicesByWorkload() && !b.From.NamesServicesByWorkload()
}

// ignoresField reports whether To accepts the targetRef of a MeshTrace and ignores a field
// of it that narrows what it selects on From. Without known Dataplanes it counts as one that
// selects other proxies.
func (b *builder) ignoresField(p *meshtrace.Policy) bool {
	ref := &p.TargetRef
	return ref.Kind == meshtrace.Mesh && len(ref.ProxyTypes) == 1 && b.From.HonoursProxyTypes() && !b.To.HonoursProxyTypes() ||
		ref.Kind == meshtrace.Dataplane && (ref.Name != "" || ref.Namespace != "") && b.From.SelectsByName() && !b.To.SelectsByName()
}

// refuse adds a refused MeshTrace to a cause.
func (b *builder) refuse(code envoydiff.Code, p *meshtrace.Policy, reasons []string) {
	c := b.of(code)
	c.fails = true
	c.addMeshTrace(p)
	c.resources[p].Reasons = reasons
}

// trafficTraces adds every TrafficTrace and every Mesh with backends. A TrafficTrace of a
// mesh without known Dataplanes counts as one that proxies need.
func (b *builder) trafficTraces() {
	for _, mesh := range b.current.Meshes {
		for _, trace := range mesh.TrafficTraces {
			c := b.of(envoydiff.TrafficTraceRemoved)
			c.fails = c.fails || !b.inhabited[mesh.Name]
			c.addResource(trace.Resource)
		}
		if len(mesh.Backends) > 0 {
			b.of(MeshTracingIgnored).addResource(mesh.Resource)
		}
	}
}

// gateways adds every MeshGateway. That of a mesh without known Dataplanes counts as one
// that configures a gateway.
func (b *builder) gateways() {
	for _, gateway := range b.current.MeshGateways {
		c := b.of(envoydiff.BuiltinGatewayRemoved)
		c.fails = c.fails || !b.inhabited[gateway.Mesh]
		c.addResource(gateway.Resource)
	}
}

// meshesOf returns the meshes with proxies of a cause.
func (b *builder) meshesOf(code envoydiff.Code) map[string]bool {
	if b.causes[code] == nil {
		return nil
	}
	return lists.Set(b.causes[code].Proxies, func(p *envoydiff.Proxy) string { return p.Mesh })
}

// dataplanes adds the builtin gateways, also those of meshes that can therefore not be read, the
// Dataplanes to which outbounds end, those that are refused, and the Dataplanes with an HTTP inbound
// that only its tag names, whether or not they are traced.
func (b *builder) dataplanes() {
	unreadable := b.meshesOf(envoydiff.MeshUnreadable)
	ending, joining := b.meshesOf(envoydiff.OutboundNeedsService), b.meshesOf(envoydiff.OutboundProtocol)
	for _, c := range b.Comparisons {
		for i := range c.Proxies {
			dp := c.Proxies[i].Dataplane
			for _, code := range c.Refused(dp) {
				if code != envoydiff.MeshUnreadable { // for other Dataplanes
					b.of(code).addProxy(dp)
				}
			}
		}
		after := c.ListenersAfter()
		for mesh := range ending {
			for _, dp := range after.Unserved(mesh) {
				b.of(envoydiff.OutboundNeedsService).addProxy(dp)
			}
			for _, external := range after.External(mesh) {
				b.of(envoydiff.OutboundNeedsService).addResource(external)
			}
		}
		for mesh := range joining {
			for _, dp := range after.Joining(mesh) {
				b.of(envoydiff.OutboundProtocol).addProxy(dp)
			}
		}
	}
	for _, dp := range b.current.Dataplanes {
		if dp.Builtin() {
			b.of(envoydiff.BuiltinGatewayRemoved).addProxy(dp)
			if unreadable[dp.Mesh] || len(unreadable) > 0 && !dp.OnUniversal() {
				b.of(envoydiff.MeshUnreadable).addProxy(dp)
			}
		}
		if dp.IsHTTPByTag() {
			b.of(envoydiff.ProtocolFromField).addProxy(dp)
		}
	}
	b.meshesByLabel()
}

// meshesByLabel adds the meshes from which pods on Kubernetes may move to another: all but default,
// and that too if a Namespace has pods of it and of others.
func (b *builder) meshesByLabel() {
	type place struct{ zone, namespace string }
	found, first := make(map[string]bool), make(map[place]string)
	for _, dp := range b.current.Dataplanes {
		if dp.OnUniversal() {
			continue
		}
		in := place{dp.Zone(), dp.ZoneNamespace()}
		other, ok := first[in]
		if !ok {
			first[in] = dp.Mesh
		}
		found[dp.Mesh] = found[dp.Mesh] || dp.Mesh != "default" || ok && other != dp.Mesh
		found[other] = found[other] || ok && other != dp.Mesh
	}
	for _, mesh := range b.current.Meshes {
		if found[mesh.Name] {
			b.of(MeshByLabel).addResource(mesh.Resource)
		}
	}
}
