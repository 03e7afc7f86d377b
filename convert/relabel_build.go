package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/cover"
	"tracemigrate/meshtrace"
)

// build makes the policies, and the backends that OpenTelemetry needs on 3.0.
func (r *relabelling) build(backends *backends) {
	shield := shieldOf(r.mesh)
	for _, p := range r.policies {
		if p.existing == nil {
			p.policy = r.policyOf(p.pair, p.name, p.targetRef(), p.conf, shield)
		} else {
			p.policy = r.rebuild(p)
		}
		if !p.kept && r.needsBackend(&p.policy.Default) {
			r.notes = append(r.notes, backends.replace(p.policy)...)
		}
		if p.pair != nil {
			r.made = append(r.made, &made{&candidate{pair: p.pair, position: p.position}, p.policy})
		}
	}
}

// targetRef selects by the labels of p.
func (p *relabelled) targetRef() meshtrace.TargetRef {
	switch {
	case p.mesh:
		return meshtrace.TargetRef{Kind: meshtrace.Mesh}
	case len(p.labels) == 0:
		return meshtrace.TargetRef{Kind: meshtrace.Dataplane}
	}
	return meshtrace.TargetRef{Kind: meshtrace.Dataplane, Labels: p.labels}
}

// rebuild returns an existing policy in the form in which it is applied again: without
// what the control plane sets, and with every default.
func (r *relabelling) rebuild(p *relabelled) *meshtrace.Policy {
	again := p.existing.InCurrentForm()
	again.Name = p.name
	if !p.kept {
		again.TargetRef = p.targetRef()
	}
	again.Labels = lists.Keep(p.existing.Labels, func(label cluster.Tag) bool {
		return cluster.IsOwn(label.Key) || label.Key == cluster.EffectLabel
	}).And(r.o.Labels)
	if r.o.ZoneOrigin {
		again.Labels = again.Labels.With(cluster.OriginLabel, "zone")
	}
	again.Source = cmp.Or(again.Source, p.existing.String())
	again.Default.Backends = slices.Clone(p.existing.Default.Backends)
	for i := range again.Default.Backends {
		explicit(&again.Default.Backends[i])
	}
	return again
}

// explicit sets the defaults of a backend, which were filled in by the control plane or
// not, depending on its version.
func explicit(b *meshtrace.Backend) {
	if b.Zipkin == nil {
		return
	}
	zipkin := *b.Zipkin
	if zipkin.APIVersion != "httpProto" {
		zipkin.APIVersion = "httpJson"
	}
	if zipkin.SharedSpanContext == nil {
		shared := true
		zipkin.SharedSpanContext = &shared
	}
	b.Zipkin = &zipkin
}

// place and resource are those of notes on the layer.
func (of *layer) place() manifest.Place {
	if of.existing != nil {
		return of.existing.Place
	}
	return of.pair.Position()
}

func (of *layer) resource() fmt.Stringer {
	if of.existing != nil {
		return of.existing
	}
	return of.pair.TrafficTrace
}

// fact names what of the resource selects.
func (of *layer) fact() string {
	if of.existing != nil {
		return "its targetRef (" + of.existing.TargetRef.String() + ")"
	}
	return selectorFact(of.pair)
}

// remarkAlike notes the proxies that no labels distinguish from others.
func (r *relabelling) remarkAlike(of *layer, alike []cover.Pair) *Note {
	var served, others []string
	for _, pair := range alike {
		served = append(served, r.sidecars[pair.Served].String())
		if pair.Forbidden == len(r.sidecars) {
			continue // a later Dataplane without labels
		}
		if other := r.sidecars[pair.Forbidden].String(); !slices.Contains(others, other) {
			others = append(others, other)
		}
	}
	first := r.sidecars[alike[0].Served]
	f := facts{"selector": of.fact(), "served": counted(served, "proxy"), "others": counted(others, "other proxy")}
	about := labelsAlike
	if len(others) == 0 {
		about = labelsMissing
	}
	f["remedy"] = addLabelUniversal.of(facts{"proxy": manifest.ShellQuote(first.Name)})
	if strings.HasPrefix(first.Name, "-") {
		f["remedy"] = addLabelDashed.of(facts{"proxy": manifest.ShellQuote(first.Name)})
	}
	if first.Namespace != "" {
		f["remedy"] = addLabelKubernetes.of(facts{
			"namespace": manifest.ShellQuote(first.Namespace), "patch": `'{"spec": {"template": {"metadata": {"labels": {"KEY": "VALUE"}}}}}'`,
		})
	}
	return about.note(of.place(), of.resource(), f)
}

// remarkSelection notes which later Dataplanes each layer's policies select.
func (r *relabelling) remarkSelection() notes {
	written := lists.Keep(r.policies, func(p *relabelled) bool { return !p.kept })
	byLayer := lists.Group(written, func(p *relabelled) *layer { return p.layer })
	var found notes
	for _, of := range r.layers {
		policies := byLayer[of]
		if len(policies) == 0 {
			continue
		}
		targets := make(names, len(policies))
		everyone := false
		for i, p := range policies {
			everyone = everyone || len(p.labels) == 0
			targets[i] = fmt.Sprintf("%s (%s)", quoted(p.name), &p.policy.TargetRef)
		}
		about := laterByLabels
		switch {
		case everyone:
			about = laterEverybody
		case of.pair != nil && hasWildcard(of.pair.Tags):
			about = wildcardByLabels
		}
		found = append(found, about.note(of.place(), of.resource(), facts{"selector": of.fact(), "policies": targets}))
	}
	return found
}
