package convert

import (
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// arrivedPolicies returns the existing policies of a federated zone that a
// migration made at its global control plane: they come from there, and have the
// name and the tracing of a TrafficTrace. A zone keeps no annotation of them.
func (in *input) arrivedPolicies() map[*meshtrace.Policy]bool {
	arrived := make(map[*meshtrace.Policy]bool)
	if in.Origin == nil || in.Origin.Mode != cluster.ModeFederatedZone || in.o.ZoneOrigin {
		return arrived
	}
	byName := make(map[string]*mesh, len(in.meshes))
	for _, from := range in.meshes {
		var unused notes
		byName[from.Name] = &mesh{Mesh: from, real: from, o: in.o, notes: &unused, confs: make(map[string]*conf)}
	}
	for i, p := range in.standing {
		m := byName[p.Mesh]
		if m == nil || in.existing[i].Labels[cluster.OriginLabel] != "global" || p.Shadow(in.o.Version) || !p.System {
			continue
		}
		if !p.TargetRef.Kind.IsWritten() {
			continue
		}
		arrived[p] = slices.ContainsFunc(m.TrafficTraces, func(t *legacy.TrafficTrace) bool {
			return m.mayBeNamed(p.DisplayName(), t) && m.keyOf(t) == p.Default.Key() && selectsLike(p.TargetRef.Tags, t)
		})
	}
	return arrived
}

// selectsLike reports whether a policy with tags can be made from a selector of t:
// a wildcard has a value, and the tag kuma.io/zone may have been added.
func selectsLike(tags cluster.Tags, t *legacy.TrafficTrace) bool {
	return slices.ContainsFunc(t.Selectors, func(s legacy.Selector) bool {
		left := len(tags)
		for key, want := range s.Tags {
			value, ok := tags[key]
			switch {
			case !ok && key == cluster.ServiceTag && want == cluster.Any:
				continue
			case !ok || want != cluster.Any && want != value:
				return false
			}
			left--
		}
		_, asked := s.Tags[cluster.ZoneLabel]
		_, narrowed := tags[cluster.ZoneLabel]
		return left == 0 || left == 1 && narrowed && !asked
	})
}

// settleArrived judges what came from the global control plane instead of making
// policies, which no zone can apply for it: it says that all is there, or for
// which TrafficTraces something is missing.
func (m *mesh) settleArrived(result *Result) {
	today := meshtrace.NewMatcher(m.o.Version, slices.Concat(m.existing, m.earlier), m.gateways)
	before := meshtrace.NewMatcher(m.o.Version, m.existing, m.gateways)
	lacking := make(map[int][]string) // proxies, by position of the selector that decides
	for _, dp := range m.dataplanes {
		got := meshtrace.Merge(today.Matching(nil, dp))
		if position := m.wins(dp); position >= 0 && got.Key() != m.tracing(before, dp) {
			lacking[position] = append(lacking[position], dp.String())
		}
	}
	for _, c := range m.candidates {
		fate := m.fates[c.position]
		fate.Reason = "the global control plane's MeshTraces give its proxies the same"
		if len(lacking[c.position]) > 0 {
			fate.Reason = "its MeshTrace has not come from the global control plane yet"
		}
	}
	m.candidates = nil
	for _, p := range m.earlier {
		result.earlier[p.Identity()] = true
	}
	came := plural(len(m.earlier), "MeshTrace") + " came from the global control plane"
	var missing []string
	for position, pair := range m.Pairs {
		if names := lacking[position]; len(names) > 0 {
			missing = append(missing, fmt.Sprintf("%s for %s", source(pair), list(names)))
		}
	}
	switch {
	case len(missing) > 0:
		m.notes.refuse(EarlierRun, m.Place, m, came+", and these are missing: "+strings.Join(missing, "; "), "apply all of them at the global control plane, wait until they have come, then look again")
	case len(m.dataplanes) == 0:
		m.notes.warn(EarlierRun, m.Place, m, came+"; whether they are all is not known, since no Dataplane is", "compare them with what the global control plane has")
	default:
		m.notes.inform(EarlierRun, m.Place, m, came+", and give every known proxy what its TrafficTraces say; only the deletion is left, at the global control plane", "")
	}
}

// dropMadeInZones drops the candidates that every zone has made for itself
// already, with --zone-origin.
func (m *mesh) dropMadeInZones() {
	if len(m.ofZones) == 0 || len(m.zoneNames) == 0 {
		return
	}
	made := 0
	m.candidates = slices.DeleteFunc(m.candidates, func(c *candidate) bool {
		for _, zone := range m.zoneNames {
			if (c.pair.Zone == "" || c.pair.Zone == zone) && !m.hasOwn(zone, c) {
				return false
			}
		}
		made++
		m.fates[c.position].Reason = "every zone has it already, of its own (kuma.io/origin: zone)"
		return true
	})
	if made > 0 {
		left := ""
		if len(m.candidates) == 0 {
			left = "; only the deletion of the TrafficTraces is left"
		}
		m.notes.inform(EarlierRun, m.Place, m, fmt.Sprintf("every zone has %s of its own (kuma.io/origin: zone) for what the TrafficTraces say%s", plural(made, "MeshTrace"), left), "")
	}
}

// hasOwn reports whether a zone has a policy of its own that says what c says.
func (m *mesh) hasOwn(zone string, c *candidate) bool {
	ref := c.targetRef()
	return slices.ContainsFunc(m.ofZones, func(p *meshtrace.Policy) bool {
		return p.Labels[cluster.ZoneLabel] == zone && p.TargetRef.String() == ref.String() && p.Default.Key() == c.conf.Key() &&
			m.mayBeNamed(p.DisplayName(), c.pair.TrafficTrace)
	})
}
