package convert

import (
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/meshtrace"
)

// acceptedBy returns those of the existing policies that a control plane of the version
// has. It would refuse any other of a manifest, so that one gives no proxy its tracing.
func acceptedBy(c *Current, o *Options) ([]*meshtrace.Policy, notes) {
	var accepted []*meshtrace.Policy
	var found notes
	hasAll := hasThem(c, o)
	for _, p := range c.Existing {
		refused := p.RefusedBy(o.Version)
		if len(refused) == 0 || hasAll {
			accepted = append(accepted, p)
			continue
		}
		found = append(found, meshTraceRefused.note(p.Place, p, facts{"version": o.Version, "faults": strings.Join(refused, "; ")}))
	}
	return accepted, found
}

// hasThem reports whether the existing policies are from a control plane of the
// version, which has them, however they came there.
func hasThem(c *Current, o *Options) bool {
	if !c.FromCluster() || c.Origin == nil {
		return false
	}
	own, err := cluster.ParseVersion(c.Origin.Version)
	return err != nil || own.SameMinor(o.Version)
}

// asCompared returns the existing policies with origin and role as they compare to
// those of new policies: the control plane labels these, too, so what both will
// have is left out. pkg/core/resources/labels/compute.go in Kuma's source.
func asCompared(existing []*meshtrace.Policy, origin *cluster.Origin, o *Options) []*meshtrace.Policy {
	mode := modeOf(origin, existing)
	compared := make([]*meshtrace.Policy, len(existing))
	for i, p := range existing {
		copied := *p.AsStored(o.Version)
		labels := copied.Labels
		if p.System {
			labels = labels.Without(cluster.RoleLabel)
		}
		switch {
		case o.ZoneOrigin: // the new ones say theirs
		case mode == cluster.ModeGlobal || mode == cluster.ModeFederatedZone:
			if labels.Get(cluster.OriginLabel) == "global" {
				labels = labels.Without(cluster.OriginLabel)
			}
		case mode == cluster.ModeZone && o.Version.LabelsOrigin():
			switch labels.Get(cluster.OriginLabel) {
			case "zone":
				labels = labels.Without(cluster.OriginLabel)
			case "":
				labels = labels.With(cluster.OriginLabel, "global") // from before 2.6.1, and below what comes after
			}
		}
		copied.Labels = labels
		compared[i] = &copied
	}
	return compared
}

// modeOf returns the mode that decides what origin new policies get, by the labels of the
// existing ones where it is not known.
func modeOf(origin *cluster.Origin, existing []*meshtrace.Policy) cluster.Mode {
	if origin != nil && origin.Mode != "" {
		return origin.Mode
	}
	labelled := func(value string) bool {
		return slices.ContainsFunc(existing, func(p *meshtrace.Policy) bool { return p.Labels.Get(cluster.OriginLabel) == value })
	}
	switch {
	case labelled("global"):
		return cluster.ModeGlobal
	case labelled("zone"):
		return cluster.ModeZone
	}
	return ""
}

// ofOneZone reports whether a policy is that of a zone, which selects no proxies of
// others, and the new ones are for all zones.
func ofOneZone(p *meshtrace.Policy, origin *cluster.Origin, o *Options) bool {
	return dependsOnZone(origin, o) && p.Labels.Get(cluster.OriginLabel) == "zone"
}

// shadowsOf finds the existing shadow policies that a previous run with --shadow
// made, which the new ones may replace: the annotation says so on Kubernetes,
// and one with a candidate's content may have its name in any case.
func shadowsOf(needs []*reduction, existing []*meshtrace.Policy, version cluster.Version) map[*meshtrace.Policy]bool {
	if !slices.ContainsFunc(existing, func(p *meshtrace.Policy) bool { return p.Shadow(version) }) {
		return nil
	}
	contents := make(map[string]bool)
	key := func(mesh string, tags cluster.Tags, sidecarsOnly bool, conf string) string {
		return fmt.Sprintf("%s\x00%s\x00%v\x00%s", mesh, tags, sidecarsOnly, conf)
	}
	for _, n := range needs {
		for _, c := range n.candidates {
			contents[key(n.Name, c.tags, c.sidecarsOnly, c.conf.Key())] = true
		}
	}
	found := make(map[*meshtrace.Policy]bool)
	for _, p := range existing {
		if p.Shadow(version) && selectsByTags(p) {
			sidecarsOnly := slices.Equal(p.TargetRef.ProxyTypes, []string{meshtrace.Sidecar})
			if p.Source != "" || contents[key(p.Mesh, p.TargetRef.Tags, sidecarsOnly, p.Default.Key())] {
				found[p] = true
			}
		}
	}
	return found
}

// outranks says why an existing policy has precedence over new ones of its kind,
// whatever the names; empty when it does not.
func (m *mesh) outranks(p *meshtrace.Policy) phrase {
	origin := p.Labels.Get(cluster.OriginLabel)
	switch {
	case m.o.Version.OriginDecides() && origin == "zone" && !m.o.ZoneOrigin:
		return zoneOutranks
	case m.o.Version.RoleDecides() && !p.System && (origin == "zone") == m.o.ZoneOrigin && origin != "global":
		return ownerOutranks
	}
	return ""
}

// meets reports whether a proxy can be selected by both of two policies.
func meets(a, b *meshtrace.Policy) bool {
	types := func(p *meshtrace.Policy) []string {
		if len(p.TargetRef.ProxyTypes) == 0 {
			return []string{meshtrace.Sidecar, meshtrace.Gateway}
		}
		return p.TargetRef.ProxyTypes
	}
	return a.TargetRef.Selector().Meets(b.TargetRef.Selector()) &&
		slices.ContainsFunc(types(a), func(t string) bool { return slices.Contains(types(b), t) })
}

// remarkPrecedence notes existing MeshTraces that have precedence over new ones
// of their kind whatever the names, because of where they came from or whose
// they are. Those that conflict are reported already.
func remarkPrecedence(m *mesh, policies []*made, conflicting map[*meshtrace.Policy]bool) notes {
	keys := make(map[*conf]string)
	for _, c := range policies {
		if keys[c.conf] == "" {
			keys[c.conf] = c.conf.Key()
		}
	}
	var found notes
	looked := 0
	for _, p := range m.allExisting() {
		why := m.outranks(p)
		if why == "" {
			continue
		}
		key := p.Default.Key()
		var below names
		for _, c := range policies {
			if looked++; looked > maxPairs {
				return found // whatever changes is a conflict, and was noted
			}
			if c.policy.TargetRef.Kind == p.TargetRef.Kind && key != keys[c.conf] && meets(p, c.policy) {
				below = append(below, quoted(c.policy.Name))
			}
		}
		if len(below) > 0 && !conflicting[p] {
			f := facts{"kind": p.TargetRef.Kind, "policies": below, "precedence": why}
			found = append(found, meshTraceWins.note(p.Place, p, f))
		}
	}
	return found
}

// selectsByTags reports whether p has a kind that selectors become unless labels are
// asked for.
func selectsByTags(p *meshtrace.Policy) bool {
	return p.TargetRef.Kind == meshtrace.Mesh || p.TargetRef.Kind == meshtrace.MeshSubset
}
