package envoydiff

import (
	"fmt"
	"slices"

	"tracemigrate/cluster"
)

// tracer returns a modification that gives listeners of dp a tracer of its own, or nil.
func (r *Renderer) tracer(dp *cluster.Dataplane) *modification {
	for _, m := range slices.Concat(r.patcher.of(dp)...) {
		if m.Traces() && (m.Operation != cluster.OperationPatch || len(r.listeners.Of(nil, dp)) > 0) {
			return &m
		}
	}
	return nil
}

// tracedByPatches reports whether modifications may give dp, which no policy traces, a tracer
// that another version or state does not give it. On one version and in one state, they do the
// same to its listeners before and after.
func (c *Comparison) tracedByPatches(dp *cluster.Dataplane) bool {
	if c.before.version == c.after.version && c.before.patcher.Patches == c.after.patcher.Patches {
		return false
	}
	return c.before.tracer(dp) != nil || c.after.tracer(dp) != nil
}

// otherwiseTraced returns why listeners that only a modification traces today are traced in
// another way afterwards, although the modifications act equally.
func (c *Comparison) otherwiseTraced(p *Proxy) cluster.Doubt {
	gains := p.Has(OutboundGainsTracing)
	if !gains && !p.untraced {
		return cluster.Doubt{}
	}
	m := c.before.tracer(p.Dataplane)
	if m == nil {
		return cluster.Doubt{}
	}
	var why string
	switch to := c.after.version; {
	case gains && m.Origin != string(cluster.DirectionInbound):
		why = "gives a tracer to outbounds that no policy traces before, and a MeshTrace traces after"
	case p.untraced && len(refusals(c.before, c.after, p.Dataplane)) > 0:
		why = fmt.Sprintf("gives a tracer to a proxy whose Dataplane Kuma %s refuses", to)
	case p.untraced && (p.Dataplane.Transparent && c.after.listeners.EndsOutbounds(p.Dataplane.Mesh) ||
		!slices.EqualFunc(c.before.listeners.Of(nil, p.Dataplane), c.after.listeners.Of(nil, p.Dataplane), isSameListener)):
		why = fmt.Sprintf("gives a tracer to HTTP listeners, and the proxy has others on Kuma %s", to)
	default:
		return cluster.Doubt{}
	}
	p.ModifiedAt = &m.Place
	return cluster.Doubt{Code: string(ProxyPatched), Reason: fmt.Sprintf("%s (%s) %s", m.of, m.Place, why)}
}

func isSameListener(a, b cluster.HTTPListener) bool { return a.IsSame(&b) }
