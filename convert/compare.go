package convert

import (
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// compare compares what proxies get today, but for what a previous run made, with what they
// get from what is written once the TrafficTraces are gone.
func (r *Plan) compare(in *input) {
	before := in.StateOf(r.Meshes, r.Before(r.Existing))
	after := in.StateOf(nil, Applied(r.Existing, lists.Each(r.New(), Unshadowed)))
	after.Withheld = lists.Each(r.Withheld, Unshadowed)
	s := in.Snapshot
	if in.o.MadeUp > 0 {
		var madeUp []*cluster.Dataplane
		selecting := slices.Concat(after.Policies, after.Withheld, in.Patches.Selectors())
		madeUp, r.Complete = envoydiff.MadeUp(r.Meshes, selecting, s.Dataplanes, in.o.MadeUp)
		with := *s
		with.Dataplanes = slices.Concat(s.Dataplanes, madeUp)
		s, r.MadeUp = &with, len(madeUp)
	}
	r.Comparisons = Compare(s, before, after, in.o, r.Doubt)
}

// Compare compares every proxy of s in two states, for the version of its zone or, where
// the options suppose that every zone has their Version, for that. doubt says why nothing
// is known of a proxy, beyond what s has.
func Compare(
	s *cluster.Snapshot, before, after envoydiff.State, o *Options, doubt func(*cluster.Dataplane) cluster.Doubt,
) []*envoydiff.Comparison {
	how := envoydiff.Options{Version: o.Version, Accept: o.Accept, Doubt: doubt}
	if o.Supposed {
		how.Doubt = func(dp *cluster.Dataplane) cluster.Doubt {
			return cluster.Doubt{Reason: s.Doubt(dp)}.And(doubt(dp))
		}
		return []*envoydiff.Comparison{envoydiff.Compare(s, before, after, how)}
	}
	return envoydiff.CompareZones(s, before, after, how)
}

// Unshadowed returns a policy as it will be when it is applied in earnest: a shadow
// serves nobody.
func Unshadowed(p *meshtrace.Policy) *meshtrace.Policy {
	if p.Labels.Get(cluster.EffectLabel) == "" {
		return p
	}
	applied := *p
	applied.Labels = p.Labels.Without(cluster.EffectLabel)
	return &applied
}

// Applied is what exists once policies are applied beside existing ones: one of
// the same name is replaced.
func Applied(existing, policies []*meshtrace.Policy) []*meshtrace.Policy {
	if len(existing) == 0 {
		return slices.Clone(policies)
	}
	replaced := lists.Set(policies, (*meshtrace.Policy).Identity)
	return slices.Concat(policies, lists.Keep(existing, func(p *meshtrace.Policy) bool { return !replaced[p.Identity()] }))
}

// refuseDelegated notes the delegated gateways that lose their tracing in a zone whose
// version selects none by MeshTrace. verify does for the control plane's own version.
func refuseDelegated(in *input, comparisons []*envoydiff.Comparison) notes {
	var found notes
	for _, c := range comparisons {
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
			f := facts{"proxies": counted(lost[pair.TrafficTrace], "proxy"), "version": c.Version}
			found = append(found, delegatedGateway.noteOn(pair, f))
		}
	}
	return found
}

// renamed are the known proxies whose service name in Datadog changes, by mesh.
type renamed struct{ inbounds, gateways map[string][]string }

func renamedBy(comparisons []*envoydiff.Comparison) renamed {
	return renamed{renamedProxies(comparisons, envoydiff.DatadogServiceName), renamedProxies(comparisons, envoydiff.GatewayDatadogSuffix)}
}

// remark notes those of a mesh at the first of its policies that sends to Datadog.
func (r renamed) remark(m *mesh, policies []*made) notes {
	c := firstOf(policies, sendsTo(meshtrace.TypeDatadog))
	if c == nil {
		return nil
	}
	var found notes
	at := c.pair.Position()
	if proxies := r.inbounds[m.Name]; len(proxies) > 0 {
		found = append(found, datadogNames.note(at, c, facts{"proxies": counted(proxies, "proxy")}))
	} else if len(m.dataplanes) == 0 {
		found = append(found, datadogNamesOfUnknown.note(at, c, nil))
	}
	if proxies := r.gateways[m.Name]; len(proxies) > 0 {
		found = append(found, datadogGatewayNames.note(at, c, facts{"gateways": counted(proxies, "gateway")}))
	}
	return found
}

// renamedProxies returns the known proxies with a difference of a code, by mesh.
func renamedProxies(comparisons []*envoydiff.Comparison, code envoydiff.Code) map[string][]string {
	found := make(map[string][]string)
	for _, p := range envoydiff.All(comparisons) {
		if isMadeUp := p.Dataplane.File == ""; !isMadeUp && p.Has(code) {
			found[p.Mesh] = append(found[p.Mesh], p.Dataplane.String())
		}
	}
	return found
}
