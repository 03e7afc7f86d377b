package convert

import (
	"cmp"
	"fmt"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// place is where notes on the control plane itself stand.
func place(s *cluster.Snapshot) manifest.Place {
	return manifest.Place{File: cmp.Or(s.Origin.Source, "flags")} // files do not tell their mode and zones
}

// about names the control plane in notes.
type about string

// String implements fmt.Stringer.
func (a about) String() string { return string(a) }

const theControlPlane = about("control plane")

// remarkSkipped notes what of a cluster could not be read, and was left out.
func remarkSkipped(s *cluster.Snapshot, all *notes) {
	type document struct {
		file   string
		number int
		of     manifest.Subject
	}
	of := func(p *manifest.Problem) document { return document{p.File, p.Document, p.Of} }
	faults := make(map[document]int)
	for _, p := range s.Skipped {
		faults[of(p)]++
	}
	told := make(map[document]bool)
	for _, p := range s.Skipped {
		if told[of(p)] {
			continue
		}
		told[of(p)] = true
		note := fromProblem(p)
		note.Code, note.Severity = BrokenResource, manifest.Error
		if more := faults[of(p)] - 1; more > 0 {
			note.Message += " (and " + plural(more, "more fault") + ")"
		}
		note.Message += "; it was left out"
		note.Actionable = true
		note.Remedy = "mend or delete it, then convert again; until then the proxies on which it may decide are unknown"
		switch {
		case p.Of.Kind == cluster.KindDataplane:
			note.Severity = manifest.Warning
			note.Remedy = "mend or delete it; until then nothing is said of its tracing, and no wildcard takes a value from it"
		case p.Of.Kind == cluster.KindMeshGateway:
			note.Severity = manifest.Warning
			note.Remedy = "mend or delete it; until then nothing is said of its proxies' tracing, nor which policies its tags would meet"
		case p.Of == (manifest.Subject{}):
			note.Resource = "a document"
		}
		*all = append(*all, note)
	}
}

// remarkOrigin notes what follows from the part that the control plane has in a
// deployment of several zones, as far as it concerns what is converted.
func remarkOrigin(s *cluster.Snapshot, o *Options, meshes []*mesh, all *notes) {
	selecting := slices.ContainsFunc(meshes, func(m *mesh) bool { return len(m.Pairs) > 0 })
	if s.Origin == nil || !selecting {
		return
	}
	for _, u := range s.Origin.Unread {
		switch u.What {
		case cluster.VersionOfControlPlane:
			continue // said by a flag, or there was no conversion
		case cluster.ModeOfControlPlane:
			all.warn(ModeUnknown, place(s), theControlPlane, fmt.Sprintf("does not tell whether it is a zone, a federated zone or global (%s), so what concerns several zones goes unsaid", u.Reason), u.Remedy)
		default:
			all.warn(KindUnread, place(s), about(u.What), "could not be read ("+u.Reason+"); "+unknownWithout(u.What), u.Remedy)
		}
	}
	making := slices.ContainsFunc(meshes, func(m *mesh) bool { return len(m.candidates) > 0 })
	if making && slices.Contains(s.Origin.Absent, cluster.KindMeshTrace) {
		all.refuse(KindAbsent, place(s), about(cluster.KindMeshTrace), "is no kind that is known here, so no policy can be applied", "install the CustomResourceDefinitions that belong to the control plane's version, or upgrade it")
	}
	remarkVersion(s, o, all)
	switch s.Origin.Mode {
	case cluster.ModeFederatedZone:
		remarkFederated(s, o, meshes, all)
	case cluster.ModeGlobal:
		if o.ZoneOrigin && making {
			all.refuse(ZoneOriginOnGlobal, place(s), theControlPlane, "is global, where every policy is of origin global: it refuses the label kuma.io/origin: zone", "convert without --zone-origin")
		}
		if making {
			remarkVersions(s, o, meshes, all)
		}
		remarkZonesUnread(s, all)
	case cluster.ModeZone:
		if o.ZoneOrigin && making {
			all.inform(FederatedZone, place(s), theControlPlane, "is a zone that no global control plane leads, where the label kuma.io/origin: zone is allowed and not needed", "")
		}
	}
}

// remarkVersion notes policies that are for another version than the control
// plane is of.
func remarkVersion(s *cluster.Snapshot, o *Options, all *notes) {
	told, _ := cluster.ParseVersion(s.Origin.Version)
	if told.SameRules(o.Version) || !cluster.IsVersion(s.Origin.Version) || !told.IsRelease() {
		return
	}
	all.warn(OtherVersion, place(s), theControlPlane, fmt.Sprintf("is of version %s, and the policies are for %s, as --kuma-version says; they are right only once it is of that version", s.Origin.Version, o.Version),
		"leave --kuma-version out, unless the control plane is upgraded before the policies are applied")
}

// IsProxy reports whether policies do not depend on what a problem is with, a Dataplane
// or a MeshGateway.
func IsProxy(p *manifest.Problem) bool {
	return p.Of.Kind == cluster.KindDataplane || p.Of.Kind == cluster.KindMeshGateway
}

func unknownWithout(kind string) string {
	switch kind {
	case cluster.KindDataplane:
		return "so wildcards cannot be enumerated, and no proxy's tracing was compared"
	case cluster.KindMeshGateway:
		return "so it is not known which policies would select builtin gateways that no TrafficTrace does"
	case cluster.ZonesOfControlPlane:
		return "so it is not known whether zones run other versions than the global control plane"
	}
	return "so what depends on it is not known"
}

// remarkFederated notes where policies must be created that are to replace those
// of a global control plane, https://kuma.io/docs/2.13.x/policies/introduction/
func remarkFederated(s *cluster.Snapshot, o *Options, meshes []*mesh, all *notes) {
	from := make([]string, len(s.TrafficTraces)) // a zone has none of its own
	for i, r := range s.TrafficTraces {
		from[i] = fmt.Sprintf("%q", displayName(r))
	}
	what := fmt.Sprintf("is a federated zone: its TrafficTraces (%s) come from the global control plane and can be deleted only there", list(from))
	if slices.ContainsFunc(meshes, func(m *mesh) bool { return m.arrived }) {
		all.inform(FederatedZone, place(s), theControlPlane, what, "")
		return
	}
	if o.ZoneOrigin {
		all.warn(FederatedZone, place(s), theControlPlane, what+"; the policies carry kuma.io/origin: zone, so they stand for this zone alone",
			"convert for every other zone, too, before the TrafficTraces are deleted; or convert at the global control plane once for all")
		return
	}
	all.warn(FederatedZone, place(s), theControlPlane, what+"; it accepts no policy without the label kuma.io/origin: zone",
		"convert at the global control plane and apply there, which serves all zones; or for this zone alone convert with --zone-origin")
}

// remarkZonesUnread notes the zones whose own MeshTraces are known by the copies at
// the global control plane alone: a copy that was deleted there tells nothing of
// the zone.
func remarkZonesUnread(s *cluster.Snapshot, all *notes) {
	if unread := ZonesUnread(s); len(unread) > 0 {
		all.warn(ZoneUnread, place(s), theControlPlane, fmt.Sprintf("knows what MeshTraces zones made for themselves by copies only, which can be missing: %s", list(unread)),
			"read the zones' control planes as well, with --zone NAME=SOURCE for each")
	}
}

// ZonesUnread returns the zones of a global control plane that were not read
// themselves.
func ZonesUnread(s *cluster.Snapshot) []string {
	if s.Origin == nil || s.Origin.Mode != cluster.ModeGlobal {
		return nil
	}
	return slices.DeleteFunc(zoneNames(s), func(name string) bool { return s.Zones()[name] != nil })
}

func displayName(r *cluster.Resource) string {
	if name := r.Labels[cluster.DisplayNameLabel]; name != "" {
		return name
	}
	return r.Name
}

// remarkVersions notes zones whose control planes are of another version.
func remarkVersions(s *cluster.Snapshot, o *Options, meshes []*mesh, all *notes) {
	var other, unknown, applying []string
	reversed := false
	for _, zone := range s.Origin.Zones {
		if zone.Version == "" {
			unknown = append(unknown, zone.Name)
			continue
		}
		version, err := cluster.ParseVersion(zone.Version)
		switch {
		case version.SameRules(o.Version):
			continue
		case err == nil:
			other = append(other, fmt.Sprintf("%s (%s)", zone.Name, version))
			reversed = reversed || version.SmallestNameWins() != o.Version.SmallestNameWins()
			if o.Shadow && !version.ComputesShadows() {
				applying = append(applying, fmt.Sprintf("%s (%s)", zone.Name, version))
			}
		case version == cluster.Version{}:
			other = append(other, fmt.Sprintf("%s (%s, which is no release)", zone.Name, zone.Version))
		case !version.HasMeshTrace():
			other = append(other, fmt.Sprintf("%s (%s, which has no MeshTrace)", zone.Name, version))
		case version.DropsTrafficTrace():
			other = append(other, fmt.Sprintf("%s (%s, which has no TrafficTrace)", zone.Name, version))
		default:
			other = append(other, fmt.Sprintf("%s (%s, which is not known here)", zone.Name, version))
		}
	}
	if len(applying) > 0 {
		all.refuse(MixedVersions, place(s), theControlPlane, "passes the policies on to zones older than 2.7, which know no shadow policies and would apply them: "+list(applying),
			"upgrade those zones first, or rehearse at a zone of 2.7 or later with --zone-origin")
	}
	if len(unknown) > 0 {
		message := fmt.Sprintf("does not tell the version of %s: %s", plural(len(unknown), "zone"), list(unknown))
		if o.Shadow {
			message += "; one older than 2.7 would apply shadow policies"
		}
		all.warn(MixedVersions, place(s), theControlPlane, message, "say each with --zone-version ZONE=VERSION")
	}
	if len(other) == 0 {
		return
	}
	message := fmt.Sprintf("policies are for %s, and zones run other versions: %s; each proxy is to be compared for the version of its zone", o.Version, list(other))
	remedy := "go by the verdicts of `report` and `diff`, which compare for each version; better upgrade all zones to one version first"
	if reversed && slices.ContainsFunc(meshes, (*mesh).needsOrder) {
		message += "; up to 2.5 the largest name has precedence and from 2.6 on the smallest, so no names give one order in both"
		remedy = "upgrade all zones to 2.6 or later first"
	}
	all.warn(MixedVersions, place(s), theControlPlane, message, remedy)
}

// needsOrder reports whether two policies differ whose order only names can give.
func (m *mesh) needsOrder() bool {
	subsets := m.subsets()
	return slices.ContainsFunc(subsets, func(c *candidate) bool { return c.conf.key != subsets[0].conf.key })
}

// zoneNames returns the zones of a global control plane.
func zoneNames(s *cluster.Snapshot) []string {
	if s.Origin == nil {
		return nil
	}
	names := make([]string, len(s.Origin.Zones))
	for i, zone := range s.Origin.Zones {
		names[i] = zone.Name
	}
	return names
}

// dependsOnZone reports whether policies are for all zones. Then what was created
// last may be another in a zone: its own copies' times decide there.
func dependsOnZone(origin *cluster.Origin, o *Options) bool {
	if origin == nil {
		return false
	}
	return origin.Mode == cluster.ModeGlobal || origin.Mode == cluster.ModeFederatedZone && !o.ZoneOrigin
}
