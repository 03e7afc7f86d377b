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
