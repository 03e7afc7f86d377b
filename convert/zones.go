package convert

import (
	"cmp"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
)

// place is the place of notes on the control plane itself.
func place(s *cluster.Snapshot) manifest.Place {
	return manifest.Place{File: cmp.Or(s.Origin.Source, "flags")} // files do not tell their mode and zones
}

// subject is the name in notes of something other than a resource of the input.
type subject string

// String implements fmt.Stringer.
func (s subject) String() string { return string(s) }

const theControlPlane = subject("control plane")

// remarkSkipped notes what of a cluster could not be read, and was left out.
func remarkSkipped(s *cluster.Snapshot) notes {
	type document struct {
		file   string
		number int
		of     manifest.Subject
	}
	of := func(p *manifest.Problem) document { return document{p.File, p.Document, p.Of} }
	faults := lists.Count(s.Skipped, of)
	var found notes
	for _, p := range s.Skipped {
		n := faults[of(p)]
		if n == 0 {
			continue // noted with its first fault
		}
		faults[of(p)] = 0
		more := ""
		if n > 1 {
			more = " (and " + Plural(n-1, "more fault") + ")"
		}
		about, resource := brokenResource, p.Resource()
		switch {
		case p.Of.Kind == cluster.KindDataplane:
			about = brokenDataplane
		case p.Of.Kind == cluster.KindMeshGateway:
			about = brokenMeshGateway
		case p.Of == (manifest.Subject{}):
			resource = "a document"
		}
		found = append(found, about.note(p.Place, subject(resource), facts{"problem": p.Message(), "more": more}))
	}
	return found
}

// remarkOrigin notes what follows from the control plane's mode and zones, as far as it
// concerns what is converted.
func remarkOrigin(s *cluster.Snapshot, o *Options, all []*conversion) notes {
	selecting := slices.ContainsFunc(all, func(m *conversion) bool { return len(m.Pairs) > 0 })
	if s.Origin == nil || !selecting {
		return nil
	}
	making := slices.ContainsFunc(all, func(m *conversion) bool { return len(m.naming.policies) > 0 })
	found := remarkUnread(s)
	if making && slices.Contains(s.Origin.Absent, cluster.KindMeshTrace) {
		found = append(found, kindAbsent.note(place(s), subject(cluster.KindMeshTrace), nil))
	}
	found = append(found, remarkVersion(s, o)...)
	switch s.Origin.Mode {
	case cluster.ModeFederatedZone:
		return append(found, remarkFederated(s, o, all))
	case cluster.ModeGlobal:
		if o.ZoneOrigin && making {
			found = append(found, zoneOriginOnGlobal.note(place(s), theControlPlane, nil))
		}
		if making {
			found = append(found, remarkVersions(s, o, all)...)
		}
		return append(found, remarkZonesUnread(s)...)
	case cluster.ModeZone:
		if o.ZoneOrigin && making {
			found = append(found, standaloneZoneOrigin.note(place(s), theControlPlane, nil))
		}
	}
	return found
}

// remarkUnread notes what of the control plane could not be read.
func remarkUnread(s *cluster.Snapshot) notes {
	var found notes
	for _, u := range s.Origin.Unread {
		switch f := (facts{"cause": u.Reason, "remedy": phrase(u.Remedy)}); u.What {
		case cluster.VersionOfControlPlane: // a flag has it, or there was no conversion
		case cluster.KindMeshService, cluster.KindOTelBackend: // matter for 3.0 alone
		case cluster.ModeOfControlPlane:
			found = append(found, modeUnknown.note(place(s), theControlPlane, f))
		default:
			f["consequence"] = unknownWithout(u.What)
			found = append(found, kindUnread.note(place(s), subject(u.What), f))
		}
	}
	return found
}

// remarkVersion notes policies that are for another version than the control
// plane's.
func remarkVersion(s *cluster.Snapshot, o *Options) notes {
	own, _ := cluster.ParseVersion(s.Origin.Version)
	if own.SameRules(o.Version) || !cluster.IsVersion(s.Origin.Version) || !own.IsRelease() {
		return nil
	}
	return notes{otherVersion.note(place(s), theControlPlane, facts{"version": s.Origin.Version, "target": o.Version})}
}

// Partial reports whether some proxies of a snapshot are not known: a Dataplane could not be
// decoded, or the MeshGateways could not be read.
func Partial(s *cluster.Snapshot) bool {
	return s.Lacks(cluster.KindMeshGateway) || slices.ContainsFunc(slices.Concat(s.Skipped, s.NotRead()), IsProxy)
}

// Unverified reports whether no proxy of TrafficTraces is known, because the Dataplanes could
// not be read.
func Unverified(s *cluster.Snapshot) bool {
	return len(s.TrafficTraces) > 0 && s.Lacks(cluster.KindDataplane)
}

// NotRead returns the warnings about documents that are not read and that policies depend on.
func NotRead(s *cluster.Snapshot) []*manifest.Problem { return slices.DeleteFunc(s.NotRead(), IsProxy) }

// IsProxy reports whether policies do not depend on what a problem is with, a Dataplane
// or a MeshGateway.
func IsProxy(p *manifest.Problem) bool {
	kind := cluster.KindOf(p)
	return kind == cluster.KindDataplane || kind == cluster.KindMeshGateway
}

func unknownWithout(kind string) phrase {
	switch kind {
	case cluster.KindDataplane:
		return withoutDataplanes
	case cluster.KindMeshGateway:
		return withoutMeshGateways
	case cluster.ZonesOfControlPlane:
		return withoutZones
	case cluster.KindMeshProxyPatch, cluster.KindProxyTemplate:
		return withoutPatches
	}
	return withoutKind
}

// remarkFederated notes where policies must be created that replace those
// of a global control plane, https://kuma.io/docs/2.13.x/policies/introduction/
func remarkFederated(s *cluster.Snapshot, o *Options, all []*conversion) *Note {
	// A zone has none of its own.
	traces := lists.Each(s.TrafficTraces, func(r *cluster.Resource) string { return quoted(r.DisplayName()) })
	about := federatedZoneRefuses
	switch {
	case slices.ContainsFunc(all, func(m *conversion) bool { return m.arrived }):
		about = federatedZone
	case o.ZoneOrigin:
		about = federatedZoneAlone
	}
	return about.note(place(s), theControlPlane, facts{"traces": names(traces)})
}

// remarkZonesUnread notes the zones whose own MeshTraces are known by the copies at
// the global control plane alone: a copy can be deleted there while the zone has the original.
func remarkZonesUnread(s *cluster.Snapshot) notes {
	unread := ZonesUnread(s)
	if len(unread) == 0 {
		return nil
	}
	return notes{zoneUnread.note(place(s), theControlPlane, facts{"zones": names(unread)})}
}

// ZonesUnread returns the zones of a global control plane that were not read
// themselves.
func ZonesUnread(s *cluster.Snapshot) []string {
	if s.About().Mode != cluster.ModeGlobal {
		return nil
	}
	return slices.DeleteFunc(zoneNames(s), func(name string) bool { return s.Zones()[name] != nil })
}

// remarkVersions notes zones whose control planes are of another version.
func remarkVersions(s *cluster.Snapshot, o *Options, all []*conversion) notes {
	var other, unknown, applying names
	reversed := false
	for _, zone := range s.Origin.Zones {
		if zone.Version == "" {
			unknown = append(unknown, zone.Name)
			continue
		}
		version, err := cluster.ParseLegacyVersion(zone.Version)
		if version.SameRules(o.Version) {
			continue
		}
		other = append(other, describeZone(zone, version, err))
		if err != nil {
			continue
		}
		reversed = reversed || version.SmallestNameWins() != o.Version.SmallestNameWins()
		if o.Shadow && !version.ComputesShadows() {
			applying = append(applying, describeZone(zone, version, err))
		}
	}
	var found notes
	if len(applying) > 0 {
		found = append(found, zonesApplyShadows.note(place(s), theControlPlane, facts{"zones": applying}))
	}
	if len(unknown) > 0 {
		about := zoneVersionsUnknown
		if o.Shadow {
			about = zoneVersionsUnknownToShadows
		}
		found = append(found, about.note(place(s), theControlPlane, facts{"count": Plural(len(unknown), "zone"), "zones": unknown}))
	}
	if len(other) > 0 {
		about := zoneVersionsDiffer
		if reversed && slices.ContainsFunc(all, needsOrder) {
			about = zoneVersionsReverse
		}
		found = append(found, about.note(place(s), theControlPlane, facts{"version": o.Version, "zones": other}))
	}
	return found
}

// describeZone names a zone with its version, and says what is wrong with that.
func describeZone(zone cluster.Zone, version cluster.Version, err error) string {
	f := facts{"zone": zone.Name, "version": version}
	about := zoneVersion
	switch {
	case err == nil:
	case version == cluster.Version{}:
		f["version"] = zone.Version
		about = zoneNoRelease
	case !version.HasMeshTrace():
		about = zoneNoMeshTrace
	case version.DropsTrafficTrace():
		about = zoneNoTrafficTrace
	default:
		about = zoneVersionNotKnown
	}
	return about.with(f)
}

// needsOrder reports whether two policies differ whose order only names can give.
func needsOrder(m *conversion) bool {
	subsets := subsetsOf(m.naming.policies)
	return slices.ContainsFunc(subsets, func(c named) bool { return c.conf.key != subsets[0].conf.key })
}

// zoneNames returns the zones of a global control plane.
func zoneNames(s *cluster.Snapshot) []string {
	return lists.Each(s.About().Zones, func(zone cluster.Zone) string { return zone.Name })
}

// dependsOnZone reports whether policies are for all zones. Then what was created
// last may be another in a zone: its own copies' times decide there.
func dependsOnZone(origin *cluster.Origin, o *Options) bool {
	if origin == nil {
		return false
	}
	return origin.Mode == cluster.ModeGlobal || origin.Mode == cluster.ModeFederatedZone && !o.ZoneOrigin
}
