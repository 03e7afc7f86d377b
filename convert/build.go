package convert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

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

// build turns candidates into policies.
func (m *mesh) build() {
	byTarget := make(map[string][]*candidate)
	for _, c := range m.candidates {
		p := &meshtrace.Policy{
			Place: c.pair.Position(), Mesh: m.Name, Name: c.name, Format: m.format(c), Default: c.conf.Conf,
			Labels: m.labels(c), TargetRef: c.targetRef(), Source: annotated(c.pair), System: true,
		}
		if m.o.ZoneOrigin {
			p.Labels[cluster.OriginLabel] = "zone"
		}
		if m.o.Shadow {
			p.Labels[cluster.EffectLabel] = "shadow"
		}
		if p.Format == cluster.Kubernetes {
			p.Namespace = m.o.Namespace
			if p.Namespace == "" {
				p.Namespace = "kuma-system"
			}
			if m.o.CopyLabels {
				p.Annotations = c.pair.Annotations
			}
		}
		if c.conf.traces() {
			m.shield(p)
		}
		c.policy = p
		if len(m.previous) > 0 {
			target := p.TargetRef.String()
			byTarget[target] = append(byTarget[target], c)
		}
		m.fates[c.position].Policies = append(m.fates[c.position].Policies, p)
		m.fates[c.position].Reason = ""
	}
	m.again = make(map[*meshtrace.Policy]*candidate, len(m.previous))
	for _, p := range m.previous {
		for _, c := range byTarget[p.TargetRef.String()] {
			if m.isFrom(p, c) {
				m.again[p] = c
				break
			}
		}
	}
}

func (m *mesh) format(c *candidate) cluster.Format {
	if m.o.Format != "" {
		return m.o.Format
	}
	return c.pair.Format
}

// shield sets what p must set so that defaults and other policies do not leak
// into it.
func (m *mesh) shield(p *meshtrace.Policy) {
	// Up to 2.8, Kubernetes puts the string "100%" in the place of a missing
	// client or random sampling, and then refuses it.
	explicit := p.Format == cluster.Kubernetes && m.o.Version.DefaultsSamplingTo100Percent()
	for _, other := range m.existing {
		explicit = explicit || setsClientOrRandom(other)
		if len(other.Default.Tags) > 0 {
			p.Default.Tags = []meshtrace.Tag{}
		}
	}
	if explicit {
		p.Default.Sampling.Client, p.Default.Sampling.Random = meshtrace.PercentOf(100), meshtrace.PercentOf(100)
	}
}

func setsClientOrRandom(p *meshtrace.Policy) bool {
	return p.Default.Sampling.Client != nil || p.Default.Sampling.Random != nil
}

// labels are those of the options and, if they are to be copied, the TrafficTrace's
// own, of which the options' take the place.
func (m *mesh) labels(c *candidate) map[string]string {
	if !m.o.CopyLabels && len(m.o.Labels) == 0 && !m.o.ZoneOrigin && !m.o.Shadow {
		return nil // as of most, which are many
	}
	labels := make(map[string]string)
	if m.o.CopyLabels {
		for key, value := range c.pair.Labels {
			if cluster.IsOwn(key) && meshtrace.CheckLabel(key, value) == nil {
				labels[key] = value
			}
		}
	}
	maps.Copy(labels, m.o.Labels)
	return labels
}

// remarkLabels notes the labels and annotations of TrafficTraces that the policies
// do not get.
func (m *mesh) remarkLabels() {
	left := make(map[string]bool)
	told := make(map[*legacy.TrafficTrace]bool)
	var traces []string
	first := m.Place
	for _, c := range m.candidates {
		t := c.pair.TrafficTrace
		if told[t] {
			continue
		}
		told[t] = true
		some := false
		for key, value := range t.Labels {
			if cluster.IsOwn(key) && (!m.o.CopyLabels || meshtrace.CheckLabel(key, value) != nil) {
				left[key], some = true, true
			}
		}
		for key := range t.Annotations {
			if !m.o.CopyLabels || m.format(c) != cluster.Kubernetes {
				left[key], some = true, true
			}
		}
		if some {
			if len(traces) == 0 {
				first = t.Place
			}
			traces = append(traces, fmt.Sprintf("%q", t.Name))
		}
	}
	if len(traces) == 0 {
		return
	}
	keys := strings.Join(slices.Sorted(maps.Keys(left)), ", ")
	if m.o.CopyLabels {
		m.notes.inform(LabelsLeft, first, m, fmt.Sprintf("has %s (%s) with labels or annotations that the policies cannot have: %s", plural(len(traces), "TrafficTrace"), list(traces), keys), "")
		return
	}
	m.notes.inform(LabelsLeft, first, m, fmt.Sprintf("has %s (%s) with labels or annotations of their own, which the policies do not get: %s", plural(len(traces), "TrafficTrace"), list(traces), keys),
		"if something goes by them, such as a GitOps tool, convert with --copy-labels, or set others with --label")
}
