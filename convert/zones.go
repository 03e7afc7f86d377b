package convert

import (
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/meshtrace"
)

// place is where notes on the control plane itself stand.
func place(s *cluster.Snapshot) manifest.Place { return manifest.Place{File: s.Origin.Source} }

// about names the control plane in notes.
type about string

// String implements fmt.Stringer.
func (a about) String() string { return string(a) }

const theControlPlane = about("control plane")

// remarkOrigin notes what follows from the part that the control plane has in a
// deployment of several zones, and what of the cluster could not be read.
func remarkOrigin(s *cluster.Snapshot, o *Options, all *notes) {
	for _, p := range s.Skipped {
		note := fromProblem(p)
		note.Code, note.Severity = BrokenResource, manifest.Error
		note.Message += "; it was left out"
		note.Remedy = "mend or delete it, then convert again"
		if IsProxy(p.Resource) {
			note.Severity = manifest.Warning
			note.Remedy = "mend or delete it; until then nothing is said of its tracing"
		}
		*all = append(*all, note)
	}
	if s.Origin == nil {
		return
	}
	for _, u := range s.Origin.Unread {
		switch u.What {
		case "version":
			continue // said by a flag, or there was no conversion
		case "mode":
			all.warn(ModeUnknown, place(s), theControlPlane, fmt.Sprintf("does not tell whether it is a zone, a federated zone or global (%s), so what concerns several zones goes unsaid", u.Reason), u.Remedy)
		default:
			all.warn(KindUnread, place(s), about(u.What), "could not be read ("+u.Reason+"); "+unknownWithout(u.What), u.Remedy)
		}
	}
	switch s.Origin.Mode {
	case cluster.ModeFederatedZone:
		remarkFederated(s, o, all)
	case cluster.ModeGlobal:
		if o.ZoneOrigin {
			all.refuse(ZoneOriginOnGlobal, place(s), theControlPlane, "is global, and its policies are not of a zone: it would pass them on to no zone as its own", "convert without --zone-origin")
		}
		remarkVersions(s, o, all)
	case cluster.ModeZone:
		if o.ZoneOrigin {
			all.inform(FederatedZone, place(s), theControlPlane, "is a zone that no global control plane leads, where the label kuma.io/origin: zone is allowed and not needed", "")
		}
	}
}

// IsProxy says whether a resource named in a problem is one that policies do
// not depend on, a Dataplane or a MeshGateway.
func IsProxy(resource string) bool {
	return strings.HasPrefix(resource, cluster.KindDataplane+" ") || strings.HasPrefix(resource, cluster.KindMeshGateway+" ")
}

func unknownWithout(kind string) string {
	switch kind {
	case cluster.KindDataplane:
		return "so wildcards cannot be enumerated, and no proxy's tracing was compared"
	case cluster.KindMeshGateway:
		return "so it is not known which policies would select builtin gateways that no TrafficTrace does"
	case "zones":
		return "so it is not known whether zones run other versions than the global control plane"
	}
	return "so what depends on it is not known"
}

// remarkFederated notes where policies must be created that are to replace those
// of a global control plane, https://kuma.io/docs/2.13.x/policies/introduction/
func remarkFederated(s *cluster.Snapshot, o *Options, all *notes) {
	var from []string
	for _, r := range s.TrafficTraces {
		if origin := r.Labels[cluster.OriginLabel]; origin == "global" || origin == "" {
			from = append(from, fmt.Sprintf("%q", displayName(r)))
		}
	}
	if len(from) == 0 {
		return
	}
	what := fmt.Sprintf("is a federated zone: its TrafficTraces (%s) come from the global control plane and can be deleted only there", list(from))
	if o.ZoneOrigin {
		all.warn(FederatedZone, place(s), theControlPlane, what+"; the policies carry kuma.io/origin: zone, so they stand for this zone alone",
			"convert for every other zone, too, before the TrafficTraces are deleted; or convert at the global control plane once for all")
		return
	}
	all.warn(FederatedZone, place(s), theControlPlane, what+"; it accepts no policy without the label kuma.io/origin: zone",
		"convert at the global control plane and apply there, which serves all zones; or for this zone alone convert with --zone-origin")
}

func displayName(r *cluster.Resource) string {
	if name := r.Labels[cluster.DisplayNameLabel]; name != "" {
		return name
	}
	return r.Name
}

// remarkVersions notes zones whose control planes are of another version.
func remarkVersions(s *cluster.Snapshot, o *Options, all *notes) {
	var other, unknown []string
	reversed := false
	for _, zone := range s.Origin.Zones {
		version, err := cluster.ParseVersion(zone.Version)
		switch {
		case zone.Version == "":
			unknown = append(unknown, zone.Name)
		case err != nil:
			other = append(other, fmt.Sprintf("%s (%s, which is not known here)", zone.Name, zone.Version))
		case version != o.Version:
			other = append(other, fmt.Sprintf("%s (%s)", zone.Name, version))
			reversed = reversed || version.Less(cluster.V(6)) != o.Version.Less(cluster.V(6))
		}
	}
	if len(unknown) > 0 {
		all.warn(MixedVersions, place(s), theControlPlane, fmt.Sprintf("does not tell the version of %s: %s", plural(len(unknown), "zone"), list(unknown)), "say each with --zone-version ZONE=VERSION")
	}
	if len(other) == 0 {
		return
	}
	message := fmt.Sprintf("policies are for %s, and zones run other versions: %s; each proxy is to be compared for the version of its zone", o.Version, list(other))
	remedy := "see `tracemigrate report` or `diff`, which compare for each version; better upgrade all zones to one version first"
	if reversed {
		message += "; up to 2.5 the largest name has precedence and from 2.6 on the smallest, so no names give one order in both"
		remedy = "upgrade all zones to 2.6 or later first"
	}
	all.warn(MixedVersions, place(s), theControlPlane, message, remedy)
}

// dependsOnZone says whether what was created last may be another in a zone: the
// times that decide there are those of its own copies.
func dependsOnZone(origin *cluster.Origin, o *Options) bool {
	if origin == nil {
		return false
	}
	return origin.Mode == cluster.ModeGlobal || origin.Mode == cluster.ModeFederatedZone && !o.ZoneOrigin
}

// remarkPrecedence notes existing MeshTraces that have precedence over new ones
// of their kind whatever the names, because of where they came from or whose
// they are.
func (m *mesh) remarkPrecedence() {
	for _, p := range m.existing {
		wins := slices.ContainsFunc(m.candidates, func(c *candidate) bool {
			if c.policy.TargetRef.Kind != p.TargetRef.Kind || meshtrace.Compare(m.o.Version, p, c.policy) < 0 || !meets(p, c.policy) {
				return false
			}
			namedAlike := *p
			namedAlike.Name, namedAlike.Labels = c.policy.Name, withoutDisplayName(p.Labels)
			return meshtrace.Compare(m.o.Version, &namedAlike, c.policy) > 0
		})
		if !wins {
			continue
		}
		var because []string
		for _, label := range []string{cluster.OriginLabel, cluster.RoleLabel} {
			if value := p.Labels[label]; value != "" {
				because = append(because, label+": "+value)
			}
		}
		if len(because) == 0 {
			because = []string{"the new ones have lower origin or role"}
		}
		m.notes.warn(MeshTraceWins, p.Place, p, fmt.Sprintf("has precedence over the new policies of kind %s wherever both select a proxy, whatever their names (%s)", p.TargetRef.Kind, strings.Join(because, ", ")),
			"see that it says for all its proxies what it should, before the TrafficTraces are deleted")
	}
}

func withoutDisplayName(labels map[string]string) map[string]string {
	out := make(map[string]string, len(labels))
	for key, value := range labels {
		if key != cluster.DisplayNameLabel {
			out[key] = value
		}
	}
	return out
}

// meets says whether a proxy can be selected by both of two policies.
func meets(a, b *meshtrace.Policy) bool {
	return a.TargetRef.Selector().Meets(b.TargetRef.Selector())
}

// rehearsed finds the existing shadow policies that say what a candidate says:
// those of an earlier run with --shadow, which the new ones may replace.
func rehearsed(meshes []*mesh, existing []*meshtrace.Policy, version cluster.Version) map[*meshtrace.Policy]bool {
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
		if p.Shadow(version) && (p.TargetRef.Kind == meshtrace.Mesh || p.TargetRef.Kind == meshtrace.MeshSubset) {
			sidecarsOnly := slices.Equal(p.TargetRef.ProxyTypes, []string{meshtrace.Sidecar})
			if said[key(p.Mesh, p.TargetRef.Tags, sidecarsOnly, p.Default.Key())] {
				found[p] = true
			}
		}
	}
	return found
}
