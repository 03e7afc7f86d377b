package convert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/meshtrace"
)

// accepted returns those of the existing policies that a control plane of the
// version has. It would refuse any other of a manifest, so that one gives no proxy its
// tracing.
func (in *input) accepted(existing []*meshtrace.Policy) []*meshtrace.Policy {
	return slices.DeleteFunc(slices.Clone(existing), func(p *meshtrace.Policy) bool {
		refused := p.RefusedBy(in.o.Version)
		if len(refused) == 0 || in.holds() {
			return false
		}
		in.notes.refuse(MeshTraceRefused, p.Place, p, fmt.Sprintf("is refused by Kuma %s: %s; so it gives no proxy its tracing, and is left out", in.o.Version, strings.Join(refused, "; ")),
			"correct it, or take it out of the input; or name the control plane's version with --kuma-version")
		return true
	})
}

// holds reports whether the existing policies are from a control plane of the
// version, which has them, however they came there.
func (in *input) holds() bool {
	if !in.FromCluster() || in.Origin == nil {
		return false
	}
	own, err := cluster.ParseVersion(in.Origin.Version)
	return err != nil || own.SameMinor(in.o.Version)
}

// served returns an existing policy that gives all proxies with tags their
// tracing, so that the legacy one does not apply; nil when none certainly does.
func (m *mesh) served(tags cluster.Tags) *meshtrace.Policy {
	var by *meshtrace.Policy
	existing := m.existing
	if zone := tags[cluster.ZoneLabel]; zone != "" {
		for _, p := range m.ofZones {
			if p.Labels[cluster.ZoneLabel] == zone {
				existing = append(slices.Clip(existing), p)
			}
		}
	}
	for _, p := range existing {
		if p.Default.Backends != nil && len(p.Default.Backends) == 0 {
			return nil // it may take the tracing away from some of them
		}
		if by != nil || len(p.Default.Backends) == 0 || len(p.TargetRef.ProxyTypes) > 0 || !p.System {
			continue
		}
		if p.TargetRef.SelectsEvery(tags) {
			by = p
		}
	}
	return by
}

// asCompared returns the existing policies with origin and role as they compare to
// those of new policies: the control plane labels these, too, so what both will
// have is left out. pkg/core/resources/labels/compute.go in Kuma's source.
func asCompared(existing []*meshtrace.Policy, origin *cluster.Origin, o *Options) []*meshtrace.Policy {
	mode := leading(origin, existing)
	standing := make([]*meshtrace.Policy, len(existing))
	for i, p := range existing {
		labels := maps.Clone(p.Labels)
		if labels == nil {
			labels = make(map[string]string)
		}
		if p.System {
			delete(labels, cluster.RoleLabel)
		}
		switch {
		case o.ZoneOrigin: // the new ones say theirs
		case mode == cluster.ModeGlobal || mode == cluster.ModeFederatedZone:
			if labels[cluster.OriginLabel] == "global" {
				delete(labels, cluster.OriginLabel)
			}
		case mode == cluster.ModeZone && o.Version.LabelsOrigin():
			switch labels[cluster.OriginLabel] {
			case "zone":
				delete(labels, cluster.OriginLabel)
			case "":
				labels[cluster.OriginLabel] = "global" // from before 2.6.1, and below what comes after
			}
		}
		copied := *p
		copied.Labels = labels
		standing[i] = &copied
	}
	return standing
}

// leading is the mode that decides what origin new policies get; where it is not
// known, as the labels of the existing ones tell.
func leading(origin *cluster.Origin, existing []*meshtrace.Policy) cluster.Mode {
	if origin != nil && origin.Mode != "" {
		return origin.Mode
	}
	labelled := func(value string) bool {
		return slices.ContainsFunc(existing, func(p *meshtrace.Policy) bool { return p.Labels[cluster.OriginLabel] == value })
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
	return dependsOnZone(origin, o) && p.Labels[cluster.OriginLabel] == "zone"
}

// rehearsed finds the existing shadow policies that a previous run with --shadow
// made, which the new ones may replace: the annotation says so on Kubernetes,
// and what says just what a candidate says may have its name in any case.
func rehearsed(meshes []*mesh, existing []*meshtrace.Policy, version cluster.Version) map[*meshtrace.Policy]bool {
	if !slices.ContainsFunc(existing, func(p *meshtrace.Policy) bool { return p.Shadow(version) }) {
		return nil
	}
	said := make(map[string]bool)
	key := func(mesh string, tags cluster.Tags, sidecarsOnly bool, conf string) string {
		return fmt.Sprintf("%s\x00%s\x00%v\x00%s", mesh, tags, sidecarsOnly, conf)
	}
	for _, m := range meshes {
		for _, c := range m.candidates {
			said[key(m.Name, c.tags, c.sidecarsOnly, c.conf.Key())] = true
		}
	}
	found := make(map[*meshtrace.Policy]bool)
	for _, p := range existing {
		if p.Shadow(version) && p.TargetRef.Kind.IsWritten() {
			sidecarsOnly := slices.Equal(p.TargetRef.ProxyTypes, []string{meshtrace.Sidecar})
			if p.Source != "" || said[key(p.Mesh, p.TargetRef.Tags, sidecarsOnly, p.Default.Key())] {
				found[p] = true
			}
		}
	}
	return found
}

// outranks says why an existing policy has precedence over new ones of its kind,
// whatever the names; empty when it has not.
func (m *mesh) outranks(p *meshtrace.Policy) string {
	origin := p.Labels[cluster.OriginLabel]
	switch {
	case m.o.Version.OriginDecides() && origin == "zone" && !m.o.ZoneOrigin:
		return "it is of a zone (kuma.io/origin: zone), and they are not"
	case m.o.Version.RoleDecides() && !p.System && (origin == "zone") == m.o.ZoneOrigin && origin != "global":
		return "it is a workload owner's (kuma.io/policy-role, which its namespace decides), and they are the mesh operator's"
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
func (m *mesh) remarkPrecedence() {
	said := make(map[*conf]string)
	for _, c := range m.candidates {
		if said[c.conf] == "" {
			said[c.conf] = c.conf.Key()
		}
	}
	looked := 0
	for _, p := range m.existing {
		why := m.outranks(p)
		if why == "" {
			continue
		}
		says := p.Default.Key()
		var below []string
		for _, c := range m.candidates {
			if looked++; looked > maxPairs {
				return // whatever changes is a conflict, and was noted
			}
			if c.policy.TargetRef.Kind == p.TargetRef.Kind && says != said[c.conf] && meets(p, c.policy) {
				below = append(below, fmt.Sprintf("%q", c.name))
			}
		}
		if len(below) > 0 && !m.conflicting[p] {
			m.notes.inform(MeshTraceWins, p.Place, p, fmt.Sprintf("has precedence over what is new of its kind, %s (%s), on proxies that both select, whatever the names: %s", p.TargetRef.Kind, list(below), why), "")
		}
	}
}
