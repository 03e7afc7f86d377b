package convert

import (
	"fmt"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// compare fills in Comparisons: before is what proxies get today but for what
// a previous run made, after is what they get from what is written.
func (in *input) compare(r *Plan) {
	r.Meshes, r.Existing, r.version = in.meshes, in.compared, in.o.Version
	before := envoydiff.State{Legacy: r.Meshes, Policies: r.Before(r.Existing)}
	after := envoydiff.State{Policies: Applied(r.Existing, live(r.New())), Withheld: live(r.Withheld)}
	s := in.Snapshot
	r.Complete = true
	if in.o.MadeUp > 0 {
		var made []*cluster.Dataplane
		made, r.Complete = envoydiff.MadeUp(r.Meshes, slices.Concat(after.Policies, after.Withheld), s.Dataplanes, in.o.MadeUp)
		with := *s
		with.Dataplanes = slices.Concat(s.Dataplanes, made)
		s, r.MadeUp = &with, len(made)
	}
	r.Comparisons = Compare(s, before, after, in.o, r.Doubt)
}

// Compare compares every proxy of s in two states, for the version of its zone
// or, where Version is supposed to be every zone's, for that. doubt says why
// nothing can be said of a proxy, as far as s does not tell.
func Compare(s *cluster.Snapshot, before, after envoydiff.State, o *Options, doubt func(*cluster.Dataplane) cluster.Doubt) []*envoydiff.Comparison {
	how := envoydiff.Options{Version: o.Version, Accept: o.Accept, Doubt: doubt}
	if o.Supposed {
		how.Doubt = func(dp *cluster.Dataplane) cluster.Doubt {
			return cluster.Doubt{Reason: s.Doubt(dp)}.Or(doubt(dp))
		}
		return []*envoydiff.Comparison{envoydiff.Compare(s, before, after, how)}
	}
	return envoydiff.CompareZones(s, before, after, how)
}

// live is policies as they will be when they are applied in earnest: a shadow
// serves nobody.
func live(policies []*meshtrace.Policy) []*meshtrace.Policy {
	out := make([]*meshtrace.Policy, 0, len(policies))
	for _, p := range policies {
		if p.Labels[cluster.EffectLabel] != "" {
			applied := *p
			applied.Labels = make(map[string]string, len(p.Labels))
			for key, value := range p.Labels {
				if key != cluster.EffectLabel {
					applied.Labels[key] = value
				}
			}
			p = &applied
		}
		out = append(out, p)
	}
	return out
}

// Applied is what exists once policies are applied beside existing ones: one of
// the same name is replaced.
func Applied(existing, policies []*meshtrace.Policy) []*meshtrace.Policy {
	replaced := make(map[meshtrace.Identity]bool, len(policies))
	for _, p := range policies {
		replaced[p.Identity()] = true
	}
	all := slices.Clone(policies)
	for _, p := range existing {
		if !replaced[p.Identity()] {
			all = append(all, p)
		}
	}
	return all
}

// refuseDelegated notes the delegated gateways that lose their tracing in a zone whose
// version selects none by MeshTrace. verify does for the control plane's own version.
func (in *input) refuseDelegated(r *Plan) {
	all := notes(r.Notes)
	for _, c := range r.Comparisons {
		if c.Version.SelectsDelegatedGateways() || !in.o.Version.SelectsDelegatedGateways() {
			continue
		}
		lost := make(map[*legacy.TrafficTrace][]string)
		var order []*legacy.Pair
		for i := range c.Proxies {
			p := &c.Proxies[i]
			if p.Verdict != envoydiff.Different || !p.Dataplane.Delegated() || p.Before.Pair == nil {
				continue
			}
			trace := p.Before.Pair.TrafficTrace
			if lost[trace] == nil {
				order = append(order, p.Before.Pair)
			}
			lost[trace] = append(lost[trace], p.Dataplane.String())
		}
		for _, pair := range order {
			names := lost[pair.TrafficTrace]
			all.refuse(DelegatedGateway, pair.Position(), pair.TrafficTrace, lostDelegated(names, c.Version), delegatedRemedy)
		}
	}
	r.Notes = all.sorted()
}

// lostDelegated is what a version that selects no delegated gateway does to proxies.
func lostDelegated(names []string, version cluster.Version) string {
	return fmt.Sprintf("%s (%s) would lose the tracing: a delegated gateway, which no MeshTrace selects on Kuma %s", plural(len(names), "proxy"), list(names), version)
}

const delegatedRemedy = "upgrade to 2.6 or later first; or accept that it is not traced, and convert with --keep-going"

// remarkNames notes the proxies whose service name in Datadog changes.
func (in *input) remarkNames(r *Plan, meshes []*mesh) {
	inbounds, gateways := make(map[string][]string), make(map[string][]string) // by mesh
	for _, c := range r.Comparisons {
		for i := range c.Proxies {
			p := &c.Proxies[i]
			if p.Dataplane.File == "" {
				continue // made up
			}
			for _, to := range []struct {
				code  envoydiff.Code
				names map[string][]string
			}{{envoydiff.DatadogServiceName, inbounds}, {envoydiff.GatewayDatadogSuffix, gateways}} {
				if slices.ContainsFunc(p.Differences, func(d *envoydiff.Difference) bool { return d.Code == to.code }) {
					to.names[p.Mesh] = append(to.names[p.Mesh], p.Dataplane.String())
				}
			}
		}
	}
	all := notes(r.Notes)
	for _, m := range meshes {
		i := slices.IndexFunc(m.candidates, func(c *candidate) bool { return c.conf.traces() && c.conf.Backends[0].Datadog != nil })
		if i < 0 {
			continue
		}
		c := m.candidates[i]
		const about = "Datadog's service name of an inbound is that inbound's own service under TrafficTrace, and the alphabetically first service of the proxy under MeshTrace; it changes for inbounds of other services, on "
		const check = "check dashboards and monitors that name such a service"
		if names := inbounds[m.Name]; len(names) > 0 {
			all.warn(DatadogServiceName, c.pair.Position(), c, fmt.Sprintf("%s%s: %s", about, plural(len(names), "proxy"), list(names)), check)
		} else if len(m.dataplanes) == 0 {
			all.warn(DatadogServiceName, c.pair.Position(), c, about+"proxies with several services", check)
		}
		if names := gateways[m.Name]; len(names) > 0 {
			all.warn(DatadogServiceName, c.pair.Position(), c, fmt.Sprintf("with splitService, Datadog's service name of a builtin gateway gets the suffix _INBOUND under MeshTrace, which it does not have under TrafficTrace; it changes on %s: %s", plural(len(names), "gateway"), list(names)),
				"check dashboards and monitors that name the gateway's service")
		}
	}
	r.Notes = all.sorted()
}
