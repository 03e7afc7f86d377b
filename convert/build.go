package convert

import (
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// made is a candidate with its policy.
type made struct {
	*candidate
	policy *meshtrace.Policy
}

// building is a naming with its policies.
type building struct {
	*naming
	policies []*made // highest precedence first
}

// build turns named candidates into policies.
func build(n *naming) *building {
	b := &building{naming: n, policies: make([]*made, len(n.policies))}
	m, shield := n.mesh, shieldOf(n.mesh)
	all := make([]made, len(n.policies))
	for i, c := range n.policies {
		all[i] = made{c.candidate, m.policyOf(c.pair, c.name, c.targetRef(), c.conf.Conf, shield)}
		b.policies[i] = &all[i]
	}
	return b
}

// policyOf returns a policy of a selector.
func (m *mesh) policyOf(pair *legacy.Pair, name string, ref meshtrace.TargetRef, conf meshtrace.Conf, shield shield) *meshtrace.Policy {
	p := &meshtrace.Policy{
		Place: pair.Position(), Mesh: m.Name, Name: name, Format: m.formatOf(pair), Default: conf,
		Labels: labelsOf(m, pair), TargetRef: ref, Source: annotation(pair), System: true,
	}
	if p.Format == cluster.Kubernetes {
		p.Namespace = m.o.namespace()
		if m.o.CopyLabels {
			p.Annotations = pair.Annotations
		}
	}
	if len(conf.Backends) > 0 {
		shield.over(p)
	}
	return p
}

// targetRef selects the proxies that the candidate is for.
func (c *candidate) targetRef() meshtrace.TargetRef {
	ref := meshtrace.TargetRef{Kind: meshtrace.Mesh}
	if len(c.tags) > 0 {
		ref = meshtrace.TargetRef{Kind: meshtrace.MeshSubset, Tags: c.tags}
	}
	if c.sidecarsOnly {
		ref.ProxyTypes = []string{meshtrace.Sidecar}
	}
	return ref
}

// shield is what new policies must set so that defaults and other policies do not leak
// into them.
type shield struct {
	tags     bool
	sampling bool // client and random
	defaults bool // on Kubernetes, client and random in any case
}

func shieldOf(m *mesh) shield {
	// Up to 2.8, Kubernetes puts the string "100%" in the place of a missing
	// client or random sampling, and then refuses it.
	s := shield{defaults: m.o.Version.DefaultsSamplingTo100Percent()}
	for _, other := range m.allExisting() {
		s.sampling = s.sampling || setsClientOrRandom(other)
		s.tags = s.tags || len(other.Default.Tags) > 0
	}
	return s
}

// over makes p explicit.
func (s shield) over(p *meshtrace.Policy) {
	if s.tags {
		p.Default.Tags = []meshtrace.Tag{}
	}
	if s.sampling || s.defaults && p.Format == cluster.Kubernetes {
		p.Default.Sampling.Client, p.Default.Sampling.Random = meshtrace.PercentOf(100), meshtrace.PercentOf(100)
	}
}

func setsClientOrRandom(p *meshtrace.Policy) bool {
	return p.Default.Sampling.Client != nil || p.Default.Sampling.Random != nil
}

// labelsOf returns the labels of a selector's policies: those of the options and, if they
// are copied, the TrafficTrace's own, which the options' override.
func labelsOf(m *mesh, pair *legacy.Pair) cluster.Tags {
	if !m.o.CopyLabels && len(m.o.Labels) == 0 && !m.o.ZoneOrigin && !m.o.Shadow {
		return nil // mostly, for many policies
	}
	var labels cluster.Tags
	if m.o.CopyLabels {
		labels = lists.Keep(pair.Labels, func(label cluster.Tag) bool {
			return cluster.IsOwn(label.Key) && meshtrace.CheckLabel(label.Key, label.Value) == nil
		})
	}
	labels = labels.And(m.o.Labels)
	if m.o.ZoneOrigin {
		labels = labels.With(cluster.OriginLabel, "zone")
	}
	if m.o.Shadow {
		labels = labels.With(cluster.EffectLabel, "shadow")
	}
	return labels
}

// remarkLabels notes the labels and annotations of TrafficTraces that the policies
// do not get.
func remarkLabels(m *mesh, policies []*made) notes {
	left := make(map[string]bool)
	seen := make(map[*legacy.TrafficTrace]bool)
	var traces names
	first := m.Place
	for _, c := range policies {
		t := c.pair.TrafficTrace
		if seen[t] {
			continue
		}
		seen[t] = true
		some := false
		for _, label := range t.Labels {
			if cluster.IsOwn(label.Key) && (!m.o.CopyLabels || meshtrace.CheckLabel(label.Key, label.Value) != nil) {
				left[label.Key], some = true, true
			}
		}
		for key := range t.Annotations {
			if !m.o.CopyLabels || m.formatOf(c.pair) != cluster.Kubernetes {
				left[key], some = true, true
			}
		}
		if some {
			if len(traces) == 0 {
				first = t.Place
			}
			traces = append(traces, quoted(t.Name))
		}
	}
	if len(traces) == 0 {
		return nil
	}
	s := labelsLeft
	if m.o.CopyLabels {
		s = labelsImpossible
	}
	return notes{s.note(first, m, facts{
		"count": Plural(len(traces), "TrafficTrace"), "traces": traces, "keys": strings.Join(slices.Sorted(maps.Keys(left)), ", "),
	})}
}
