package envoydiff

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"

	"tracemigrate/cluster"
)

// CompareDumps compares the dumps of proxies, by name, before and after the
// migration. A proxy with only one dump is different.
func CompareDumps(before, after map[string]*Dump, accept []Code) *Comparison {
	result := &Comparison{}
	all := make(map[string]*Dump, len(before))
	maps.Copy(all, before)
	maps.Copy(all, after)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p := Proxy{Name: name}
		a, b := before[name], after[name]
		switch {
		case b == nil:
			p.Differences = []*Difference{{Code: ProxyMissing, Field: "proxy", Before: "dumped", After: "no dump"}}
		case a == nil:
			p.Differences = []*Difference{{Code: ProxyMissing, Field: "proxy", Before: "no dump", After: "dumped"}}
		default:
			p.Differences = a.compare(b, nil, "")
			p.setTraced(a.traces(), b.traces())
		}
		p.judge(accept)
		result.Proxies = append(result.Proxies, p)
	}
	return result
}

// CompareShadow compares what a control plane computes for a proxy today and with
// the shadow policies applied. It ignores legacy tracing in the shadow configuration:
// a listener without any other loses its tracing with the TrafficTrace, which the
// control plane's own diff does not show. r renders today's policies.
func CompareShadow(r *Renderer, dp *cluster.Dataplane, today, shadow *Dump, accept []Code) Proxy {
	after := shadow.withoutLegacy()
	p := Proxy{
		Mesh: dp.Mesh, Name: dp.FullName(), Differences: today.compare(after, r.unrouted(dp), dp.FirstService()),
	}
	p.setTraced(today.traces(), after.traces())
	for _, d := range p.Differences {
		if d.Code == TracingLost && shadow.listeners[d.Listener] != nil {
			d.After = "none, once the TrafficTrace is gone: only its tracing is left in the shadow configuration"
		}
	}
	p.judge(accept)
	return p
}

// MissingProxy returns the result of a proxy without a known configuration: code is
// ProxyMissing where none exists, and ProxyUnanswered after an error.
func MissingProxy(mesh, name string, code Code, reason string, accept []Code) Proxy {
	p := Proxy{
		Mesh: mesh, Name: name,
		Differences: []*Difference{{Code: code, Field: "proxy", Before: "in the cluster", After: reason}},
	}
	p.judge(accept)
	return p
}

// withoutLegacy returns a copy of d without the tracing of TrafficTraces. The clusters
// of MeshTraces are named meshtrace:..., or system_... with unified naming (2.13 and
// later). Tracing to any other cluster counts as legacy: a false difference is better
// than a missed one.
func (d *Dump) withoutLegacy() *Dump {
	current := *d
	current.listeners = make(map[string]*hcmv3.HttpConnectionManager_Tracing, len(d.listeners))
	for name, tracing := range d.listeners {
		if tracing != nil {
			to := collectorName(tracing)
			if !strings.HasPrefix(to, "meshtrace:") && !strings.HasPrefix(to, "system_") {
				tracing = nil
			}
		}
		current.listeners[name] = tracing
	}
	return &current
}

// unrouted is the tracing that a TrafficTrace would give a proxy's outbounds if
// its mesh had a TrafficRoute.
type unrouted struct {
	flat  flat
	first string // the proxy's first service
	split bool   // Datadog's splitService
}

// unrouted returns the tracing of dp's outbounds if the mesh had a TrafficRoute, and
// nil where that changes nothing.
func (r *Renderer) unrouted(dp *cluster.Dataplane) *unrouted {
	d := r.Decide(dp)
	usable := d.Backend != nil && !d.fromMeshTrace() && len(d.Backend.Problems) == 0
	l := cluster.HTTPListener{Direction: cluster.DirectionOutbound}
	if !usable || r.traced(dp.Mesh, &d, &l) {
		return nil
	}
	first := dp.FirstService()
	u := &unrouted{flat: flatten(r.tracing(dp, &d, l, first, true), d.collector().Build(r.version)), first: first}
	if to := d.Backend.Datadog; to != nil {
		u.split = to.SplitService
	}
	return u
}

// compare returns the differences of an outbound that gains tracing, compared with the
// tracing that the TrafficTrace would have given it.
func (u *unrouted) compare(after flat) []*Difference {
	found := append(compare(u.flat, after, cluster.DirectionOutbound), gainedOutbound(after.summary()))
	service := after[serviceNamePath]
	if service == "" || u.flat[serviceNamePath] == "" {
		return found
	}
	before := u.first
	if u.split {
		before += cmp.Or(suffixOf(service), "_OUTBOUND_*")
	}
	if d := serviceName(before, service, before, cluster.DirectionOutbound); d != nil {
		found = append(found, d)
	}
	return found
}

// traces reports whether any listener is traced.
func (d *Dump) traces() bool {
	for _, tracing := range d.listeners {
		if tracing != nil {
			return true
		}
	}
	return false
}

// compare returns the differences between the listeners of two dumps. A listener in
// only one dump counts where it is traced. unrouted may be nil. first is the proxy's first
// service, which need not have a listener for HTTP; empty: unknown.
func (d *Dump) compare(after *Dump, unrouted *unrouted, first string) []*Difference {
	names := maps.Clone(d.listeners)
	maps.Copy(names, after.listeners)
	var all []*Difference
	if after.rejected {
		all = append(all, &Difference{Code: UpdateRejected, Field: "proxy", Before: "in effect", After: "Envoy refused a newer listener"})
	}
	if d.node != "" && after.node != "" && d.node != after.node {
		all = append(all, &Difference{Code: OtherProxy, Field: "proxy", Before: d.node, After: after.node})
	}
	services := d.services()
	if first != "" {
		services[first] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		direction := directionOf(name)
		a, b := d.flat(name), after.flat(name)
		var found []*Difference
		gains := a == nil && b != nil && direction == cluster.DirectionOutbound
		switch {
		case gains && (isZoneEgress(name) && d.traces() || d.legacyInboundsOnly(after, b)):
			found = []*Difference{gainedOutbound(b.summary())}
		case gains && unrouted != nil:
			found = unrouted.compare(b)
		default:
			found = compare(a, b, direction)
			if a != nil && b != nil {
				if s := serviceName(a[serviceNamePath], b[serviceNamePath], "", direction); s != nil {
					if !services[withoutSuffix(s.After)] {
						s.Code = ServiceNameDiffers // no service of this proxy
					}
					found = append(found, s)
				}
			}
		}
		for _, difference := range found {
			named := *difference
			named.Listener = name
			all = append(all, &named)
		}
	}
	return sorted(all)
}

// services returns the Datadog service names of the listeners, without suffixes.
func (d *Dump) services() map[string]bool {
	names := make(map[string]bool)
	for name := range d.listeners {
		names[withoutSuffix(d.flat(name)[serviceNamePath])] = true
	}
	return names
}

func withoutSuffix(name string) string { return strings.TrimSuffix(name, suffixOf(name)) }

// legacyInboundsOnly reports whether legacy policies traced the proxy's inbounds and
// none of its outbounds, as in a mesh without TrafficRoutes, and the inbounds get the
// tracing of outbound, which is new.
func (d *Dump) legacyInboundsOnly(after *Dump, outbound flat) bool {
	legacy := false
	for name, tracing := range d.listeners {
		if tracing == nil {
			continue
		}
		if directionOf(name) == cluster.DirectionOutbound || !strings.HasPrefix(collectorName(tracing), "tracing:") {
			return false
		}
		now := after.flat(name)
		if now == nil || len(compare(now, outbound, cluster.DirectionOutbound)) > 0 {
			return false
		}
		legacy = true
	}
	return legacy
}

// Collect returns a comparison of results, sorted by mesh and name.
func Collect(proxies []Proxy) *Comparison {
	slices.SortStableFunc(proxies, func(a, b Proxy) int {
		return cmp.Or(cmp.Compare(a.Mesh, b.Mesh), cmp.Compare(a.Name, b.Name))
	})
	return &Comparison{Proxies: proxies}
}
