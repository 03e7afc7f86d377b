package envoydiff

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"

	"tracemigrate/cluster"
)

// CompareDumps holds the dumps of proxies, by name, against those from after
// the migration. A proxy that has only one of them is different.
func CompareDumps(before, after map[string]*Dump, accept []Code) *Comparison {
	result := &Comparison{}
	names := slices.Sorted(maps.Keys(before))
	for name := range after {
		if before[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		p := Proxy{Name: name}
		a, b := before[name], after[name]
		switch {
		case b == nil:
			p.Differences = []*Difference{{Code: ProxyMissing, Field: "proxy", Before: "dumped", After: "no dump"}}
		case a == nil:
			p.Differences = []*Difference{{Code: ProxyMissing, Field: "proxy", Before: "no dump", After: "dumped"}}
		default:
			p.Differences, p.untraced = a.compare(b, nil), !a.traces() && !b.traces()
		}
		p.Verdict = verdictOf(p.Differences, accept)
		result.Proxies = append(result.Proxies, p)
	}
	slices.SortStableFunc(result.Proxies, func(a, b Proxy) int { return cmp.Compare(a.Name, b.Name) })
	return result
}

// CompareShadow holds what a control plane computes for a proxy today against
// what it computes with the shadow policies applied, once the legacy tracing is
// gone: a listener that keeps only that in the shadow configuration loses its
// tracing, which the control plane's own diff does not show. r renders today's
// policies.
func CompareShadow(r *Renderer, dp *cluster.Dataplane, today, shadow *Dump, accept []Code) Proxy {
	left := shadow.withoutLegacy()
	p := Proxy{Mesh: dp.Mesh, Name: dp.FullName(), Differences: today.compare(left, r.unrouted(dp)), untraced: !today.traces() && !left.traces()}
	for _, d := range p.Differences {
		if d.Code != TracingLost {
			continue
		}
		if shadow.listeners[d.Listener] != nil {
			d.After = "none, once the TrafficTrace is gone: only its tracing is left in the shadow configuration"
		}
	}
	p.Verdict = verdictOf(p.Differences, accept)
	return p
}

// MissingProxy is the outcome of a proxy whose configuration was not to be had:
// with code ProxyMissing because there is none, with ProxyUnanswered because of
// an error.
func MissingProxy(mesh, name string, code Code, reason string, accept []Code) Proxy {
	p := Proxy{Mesh: mesh, Name: name, Differences: []*Difference{{Code: code, Field: "proxy", Before: "in the cluster", After: reason}}}
	p.Verdict = verdictOf(p.Differences, accept)
	return p
}

// withoutLegacy is d without the tracing of TrafficTraces: that of listeners
// which send to a cluster that is no MeshTrace's. Those are named meshtrace:...,
// or system_... with unified naming (2.13 and later); what has another name is
// better told than lost.
func (d *Dump) withoutLegacy() *Dump {
	left := *d
	left.listeners = make(map[string]*hcmv3.HttpConnectionManager_Tracing, len(d.listeners))
	for name, tracing := range d.listeners {
		if tracing != nil {
			to := collectorName(tracing)
			if !strings.HasPrefix(to, "meshtrace:") && !strings.HasPrefix(to, "system_") {
				tracing = nil
			}
		}
		left.listeners[name] = tracing
	}
	return &left
}

// unrouted is the tracing that a TrafficTrace would give a proxy's outbounds if
// its mesh had a TrafficRoute.
type unrouted struct {
	flat  flat
	first string // the proxy's first service
	split bool   // Datadog's splitService
}

// unrouted returns the tracing that dp's outbounds lack for want of a
// TrafficRoute, nil when that is not why they lack it.
func (r *Renderer) unrouted(dp *cluster.Dataplane) *unrouted {
	d := r.Decide(dp)
	if d.Backend == nil || d.fromMeshTrace() || len(d.Backend.Problems) > 0 || r.traced(dp.Mesh, &d, cluster.DirectionOutbound) {
		return nil
	}
	l := cluster.HTTPListener{Direction: cluster.DirectionOutbound}
	first := dp.FirstService()
	u := &unrouted{flat: flatten(r.tracing(dp, &d, l, first), d.collector().Build(r.version)), first: first}
	if to := d.Backend.Datadog; to != nil {
		u.split = to.SplitService
	}
	return u
}

// compare lists how an outbound that gains the tracing after differs from what
// the TrafficTrace would have given it.
func (u *unrouted) compare(after flat) []*Difference {
	found := append(compare(u.flat, after, cluster.DirectionOutbound), &Difference{Code: OutboundGainsTracing, Direction: cluster.DirectionOutbound, Field: "tracing", Before: "none", After: after.summary()})
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

// compare lists how the listeners of two dumps differ. One that only one dump
// has is no matter of tracing unless it is traced. left may be nil.
func (d *Dump) compare(after *Dump, left *unrouted) []*Difference {
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
	for _, name := range slices.Sorted(maps.Keys(names)) {
		direction := directionOf(name)
		a, b := d.flat(name), after.flat(name)
		var found []*Difference
		gains := a == nil && b != nil && direction == cluster.DirectionOutbound
		switch {
		case gains && d.legacyInboundsOnly(after, b):
			found = []*Difference{{Code: OutboundGainsTracing, Direction: cluster.DirectionOutbound, Field: "tracing", Before: "none", After: b.summary()}}
		case gains && left != nil:
			found = left.compare(b)
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

// services are the names under which Datadog knows the proxy's listeners.
func (d *Dump) services() map[string]bool {
	names := make(map[string]bool)
	for name := range d.listeners {
		names[withoutSuffix(d.flat(name)[serviceNamePath])] = true
	}
	return names
}

func withoutSuffix(name string) string { return strings.TrimSuffix(name, suffixOf(name)) }

// legacyInboundsOnly reports whether a proxy's inbounds were traced by the legacy
// policies and none of its outbounds was, as in a mesh without TrafficRoutes,
// and after it all are traced alike: outbound is the tracing gained.
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

// Collect makes a comparison of outcomes, by mesh and name.
func Collect(proxies []Proxy) *Comparison {
	slices.SortStableFunc(proxies, func(a, b Proxy) int { return cmp.Or(cmp.Compare(a.Mesh, b.Mesh), cmp.Compare(a.Name, b.Name)) })
	return &Comparison{Proxies: proxies}
}
