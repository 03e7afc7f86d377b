package cluster

import (
	"slices"
	"strings"

	"tracemigrate/cluster/manifest"
)

// Labels that only a control plane sets.
const (
	envLabel       = "kuma.io/env"
	proxyTypeLabel = "kuma.io/proxy-type"
	managedByLabel = "kuma.io/managed-by" // of a MeshService

	// The values of envLabel that a control plane sets.
	envUniversal, envKubernetes = "universal", "kubernetes"
)

// nodeLabels are labels of a pod's node. Up to 2.14 an inbound has them as tags; a
// Dataplane has them as labels from 3.0 on (recorded/kubernetes, and pod_converter.go in
// pkg/plugins/runtime/k8s/controllers of Kuma's main branch).
var nodeLabels = []string{"kubernetes.io/hostname", "topology.kubernetes.io/region", "topology.kubernetes.io/zone"}

// IsComputedLabel reports whether the value that a Dataplane has of a label may depend on
// the control plane, so that [Dataplane.LabelsOn] knows it.
func IsComputedLabel(key string) bool {
	switch key {
	case MeshLabel, ZoneLabel, OriginLabel, envLabel, proxyTypeLabel, DisplayNameLabel:
		return true
	}
	return slices.Contains(nodeLabels, key)
}

// LabelsOn returns the labels that dp has on a control plane of version, which sets some
// that a manifest does not have, and drops one (Compute in pkg/core/resources/labels of
// Kuma's tag 2.14.3 and its main branch; ComputeLabels in pkg/core/resources/model of its
// tags 2.10 to 2.13).
func (dp *Dataplane) LabelsOn(version Version) Tags {
	labels := dp.Labels
	fill := func(key, value string) {
		if _, ok := labels.Lookup(key); !ok && value != "" {
			labels = labels.With(key, value)
		}
	}
	if dp.OnUniversal() { // on Kubernetes the control plane writes the Dataplane
		fill(MeshLabel, dp.Mesh)
		fill(ZoneLabel, dp.Zone())
		fill(OriginLabel, "zone")
		fill(envLabel, envUniversal)
		proxyType := "sidecar"
		if dp.Builtin() {
			proxyType = "gateway"
		}
		labels = labels.With(proxyTypeLabel, proxyType)
	}
	if !version.SelectsByDisplayName() {
		if dp.OnUniversal() && dp.isCopy() {
			return labels.Without(DisplayNameLabel) // the original in its zone does not have it: seen on 2.14.3
		}
		return labels
	}
	if !dp.OnUniversal() {
		sets := dp.TagSets()
		for _, key := range nodeLabels { // in place of the pod's own: seen on 3.0
			if i := slices.IndexFunc(sets, func(set Tags) bool { return set.Get(key) != "" }); i >= 0 {
				labels = labels.With(key, sets[i].Get(key))
			}
		}
	}
	if own := labels.Get(DisplayNameLabel); own == "" || dp.Namespace == "" && !dp.isCopy() {
		labels = labels.With(DisplayNameLabel, dp.Name)
	}
	return labels.Without(proxyTypeLabel)
}

// hashLetters are those of the hash at the end of the name that a control plane gives to its
// copy of another control plane's resource, after a dash (HashedName in pkg/kds/hash of Kuma's
// tag 2.14.3).
const (
	hashLetters = "bcdfghjklmnpqrstvwxz2456789"
	hashLength  = 16
)

// IsCopy reports whether name is that of a copy of a resource with a display name. Older
// control planes put the zone in front.
func IsCopy(name, displayName string) bool {
	dash := len(name) - hashLength - 1
	return dash >= 0 && name[dash] == '-' && strings.Trim(name[dash+1:], hashLetters) == "" || strings.HasSuffix(name, "."+displayName)
}

// zoneUse is how policies select by the zone of proxies.
type zoneUse struct {
	byTag, byLabel bool
	byGateway      bool            // by the name of a MeshGateway
	names          map[string]bool // of proxies, in MeshTraces of which it is not known whether a zone made them
	displayNames   map[string]bool // as labels that MeshTraces select by
}

// add records how a TrafficTrace or MeshTrace selects.
func (use zoneUse) add(r *Resource) zoneUse {
	names := func(n *manifest.Node) bool { return n.Get(ZoneLabel) != nil }
	selectors := r.Spec.Node().Get("selectors").Items()
	for i := range selectors {
		use.byTag = use.byTag || names(selectors[i].Get("match"))
	}
	ref := r.Spec.Node().Get("targetRef")
	use.byTag, use.byLabel = use.byTag || names(ref.Get("tags")), use.byLabel || names(ref.Get("labels"))
	kind, name, displayName := ref.Get("kind"), ref.Get("name"), ref.Get("labels").Get(DisplayNameLabel)
	use.byGateway = use.byGateway || kind != nil && kind.Text == KindMeshGateway
	if kind != nil && name != nil && kind.Text == KindDataplane && r.Labels.Get(OriginLabel) == "" {
		use.names = with(use.names, name)
	}
	if displayName != nil {
		use.displayNames = with(use.displayNames, displayName)
	}
	return use
}

// with adds the text of a node to a set, which may be nil.
func with(set map[string]bool, n *manifest.Node) map[string]bool {
	if set == nil {
		set = make(map[string]bool)
	}
	set[strings.Clone(n.Text)] = true
	return set
}

// namedByUnknown returns why the tracing of a Dataplane of a zone is not certain whose name a
// MeshTrace has, else "": if it is of a global control plane, the MeshTrace does not select it.
// Copies of a Universal zone have the label of the name, originals only if their manifests set it.
func (s *Snapshot) namedByUnknown(dp *Dataplane) string {
	if s.zoned[dp.Mesh].displayNames[dp.DisplayName()] && dp.OnUniversal() && dp.isCopy() {
		return "a MeshTrace selects by the label " + DisplayNameLabel + ", which its original may not have; read its zone, too, with --zone"
	}
	if s.About().Mode != "" || dp.Labels.Get(ZoneLabel) == "" || !s.zoned[dp.Mesh].names[dp.DisplayName()] {
		return ""
	}
	return "a MeshTrace selects it by name, which has no effect if it was made at a global control plane; say what it is with --mode"
}

// zoneUnknown returns why the tracing of a Dataplane of Universal that does not name its zone
// is not certain, else "": the zone's control plane adds the tag and the label to it. One that
// was read from a control plane has what that added.
func (s *Snapshot) zoneUnknown(dp *Dataplane) string {
	use := s.zoned[dp.Mesh]
	if dp.Namespace != "" || dp.File == "" || s.live || s.originFiles[dp.File] || !use.byTag && !use.byLabel {
		return ""
	}
	tagged := slices.ContainsFunc(dp.TagSets(), func(set Tags) bool { return set.Get(ZoneLabel) != "" })
	if (tagged || !use.byTag) && (dp.Zone() != "" || !use.byLabel) {
		return ""
	}
	return "its manifest does not name its zone, which a policy of its mesh selects by; read it from its control plane, or add " +
		"the tag " + ZoneLabel
}
