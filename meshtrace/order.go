package meshtrace

import (
	"cmp"
	"slices"
	"strings"

	"tracemigrate/cluster"
)

// Sort sorts policies of a mesh as a control plane of version ranks them, lowest
// precedence first.
func Sort(version cluster.Version, policies []*Policy) {
	slices.SortStableFunc(policies, func(a, b *Policy) int { return compare(version, a, b) })
}

// compare returns a negative number when a has lower precedence than b on a control
// plane of version: by kind, origin, role, and name. From 2.6 on the smallest display
// name has the highest precedence, before 2.6 the largest full name, by which pay-audit is
// smaller than pay on Kubernetes (ByTargetRef in pkg/plugins/policies and GetName in
// pkg/plugins/resources/k8s/store.go of Kuma's tags).
func compare(version cluster.Version, a, b *Policy) int {
	order := cmp.Compare(a.TargetRef.Kind.row().precedence, b.TargetRef.Kind.row().precedence)
	if version.SelectsByName() {
		order = cmp.Or(order, byName(a, b))
	}
	if version.OriginDecides() {
		order = cmp.Or(order, cmp.Compare(origin(version, a), origin(version, b)))
	}
	if version.RoleDecides() {
		order = cmp.Or(order, cmp.Compare(role(a), role(b)))
	}
	if version.SmallestNameWins() {
		return cmp.Or(order, strings.Compare(b.DisplayName(), a.DisplayName()))
	}
	return cmp.Or(order, strings.Compare(cluster.FullName(a.Name, a.Namespace), cluster.FullName(b.Name, b.Namespace)))
}

// byName compares two policies of kind Dataplane: one that names a proxy has precedence
// over one with labels (CompareDataplaneKind in api/common/v1alpha1 of Kuma's tags 2.10
// to 2.14). One with neither ranks equal to both.
func byName(a, b *Policy) int {
	if a.TargetRef.Kind != Dataplane || b.TargetRef.Kind != Dataplane {
		return 0
	}
	names := func(p *Policy) bool { return p.TargetRef.Name != "" }
	labels := func(p *Policy) bool { return p.TargetRef.Labels != nil }
	switch {
	case names(a) && labels(b):
		return 1
	case labels(a) && names(b):
		return -1
	}
	return 0
}

func origin(version cluster.Version, p *Policy) int {
	switch label := p.Labels.Get(cluster.OriginLabel); {
	case label == "global":
		return 0
	case label == "zone", p.unlabelled && version.LabelsOrigin():
		return 2
	}
	return 1
}

// role returns 0 for the mesh operator's policies, with or without a label for it.
func role(p *Policy) int {
	if p.System {
		return 0
	}
	return 1
}

// areCircular reports whether policies of kind Dataplane have names, labels, and neither, so that
// the order of some does not follow from that of all.
func areCircular(policies []*Policy) bool {
	var names, labels, neither bool
	for _, p := range policies {
		if p.TargetRef.Kind == Dataplane {
			names, labels = names || p.TargetRef.Name != "", labels || p.TargetRef.Labels != nil
			neither = neither || p.TargetRef.Name == "" && p.TargetRef.Labels == nil
		}
	}
	return names && labels && neither
}

// MayBeUndecided reports whether Undecided may return a policy for a proxy that was matched.
func (m *Matcher) MayBeUndecided() bool {
	for _, mesh := range m.meshes {
		if mesh.circular {
			return true
		}
	}
	return false
}

// Undecided returns a policy that applies to dp, of several of which each precedes the next and
// the last the first; nil if the order of all is clear. Which of them has the highest precedence
// depends on the order in which a control plane reads them.
func (m *Matcher) Undecided(dp *cluster.Dataplane) *Policy {
	mesh := m.meshes[dp.Mesh]
	if mesh == nil || !mesh.circular {
		return nil
	}
	policies := m.Matching(nil, dp)
	for i, p := range policies {
		if slices.ContainsFunc(policies[i+1:], func(other *Policy) bool { return compare(m.version, p, other) > 0 }) {
			return p
		}
	}
	return nil
}
