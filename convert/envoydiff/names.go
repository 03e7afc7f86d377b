package envoydiff

import (
	"tracemigrate/cluster"
	"tracemigrate/meshtrace"
)

// naming has everything that a difference in the Datadog service name depends on.
type naming struct {
	before, after, wanted string
	direction             cluster.Direction
}

// service compares the names of the proxy's service in the spans of a listener.
func (c *comparer) service(dp *cluster.Dataplane, before, after *Decision, was, is *cluster.HTTPListener) {
	kind := before.NamesService()
	if kind == "" || after.NamesService() != kind {
		return
	}
	if c.named != dp {
		c.named, c.first, c.firstLater = dp, dp.SpanService(c.before.version), dp.SpanService(c.after.version)
	}
	old, split := before.service(was, c.first)
	now, _ := after.service(is, c.firstLater)
	mayDiffer := was.Direction == cluster.DirectionInbound && !before.fromMeshTrace() && after.fromMeshTrace() &&
		c.before.snapshot.MayNameUnified(c.before.version, dp.Mesh)
	if old == now && !mayDiffer {
		return
	}
	wanted := meshtrace.Datadog{SplitService: split}
	key := naming{old, now, wanted.Service(*is, c.firstLater), is.Direction}
	addOnce(c, c.names, key, func() []*Difference {
		if key.before == key.after {
			return []*Difference{{
				Code: DatadogUnifiedNaming, Direction: key.direction, Field: serviceNamePath, Before: "self_inbound_dp_PORT, or " + key.before, After: key.after,
			}}
		}
		d := serviceName(key.before, key.after, key.wanted, key.direction) // not nil, since they differ
		if d.Code != ServiceNameDiffers && c.renames() {
			d.Code = WorkloadServiceName
		}
		return []*Difference{d}
	})
}

// NamesService returns the type of the backend if the name of the proxy's service is
// part of the tracing: Datadog or OpenTelemetry, otherwise nothing.
func (d *Decision) NamesService() string {
	switch {
	case d.fromMeshTrace() && d.Conf.Backends[0].Zipkin == nil:
		return d.Conf.Backends[0].Type
	case !d.fromMeshTrace() && d.Backend != nil && d.Backend.Datadog != nil:
		return meshtrace.TypeDatadog
	}
	return ""
}

// service returns the name of a proxy's service in the spans of a listener, and
// splitService. first is the name without splitService.
func (d *Decision) service(l *cluster.HTTPListener, first string) (name string, split bool) {
	if !d.fromMeshTrace() {
		return d.Backend.Datadog.Service(*l, first), d.Backend.Datadog.SplitService
	}
	if to := d.Conf.Backends[0].Datadog; to != nil {
		return to.Service(*l, first), to.SplitService
	}
	return first, false
}
