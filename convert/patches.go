package convert

import (
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/meshtrace"
)

// remarkPatches notes the known proxies for which an older patch release decides
// otherwise than the newest one, which a version of two numbers means.
func remarkPatches(in *input, all []*mesh, r *Plan) notes {
	var found notes
	for _, version := range in.Versions(in.o.Version) {
		for _, patch := range version.OlderPatches() {
			found = append(found, remarkPatch(in, all, r, version, patch)...)
		}
	}
	return found
}

// remarkPatch notes the known proxies for which patch decides otherwise than version.
func remarkPatch(in *input, all []*mesh, r *Plan, version, patch cluster.Version) notes {
	judge := in.Judge(in.o.Version)
	isConcerned := func(dp *cluster.Dataplane) bool {
		if version.DecidesAlike(patch, dp) {
			return false
		}
		versions, _ := judge(dp)
		return slices.Contains(versions, version)
	}
	if !slices.ContainsFunc(in.Dataplanes, isConcerned) {
		return nil // mostly, for many policies
	}
	newest, older := tracingOn(in, r, version), tracingOn(in, r, patch)
	var found notes
	for _, m := range all {
		if len(m.Pairs) == 0 {
			continue
		}
		differs := func(dp *cluster.Dataplane) bool { return isConcerned(dp) && newest(dp) != older(dp) }
		proxies := lists.Each(lists.Keep(m.dataplanes, differs), (*cluster.Dataplane).String)
		if len(proxies) > 0 {
			about, f := patchReleaseDecides, facts{"version": version, "patch": patch, "proxies": counted(proxies, "proxy")}
			if version != in.o.Version {
				about, f["zone"] = zonePatchDecides, manifest.ShellQuote(zoneOf(in.Snapshot, version)+"="+patch.String())
			}
			found = append(found, about.note(m.Place, m, f))
		}
	}
	return found
}

// zoneOf returns the first zone that runs a version.
func zoneOf(s *cluster.Snapshot, version cluster.Version) string {
	for _, zone := range s.About().Zones {
		if runs, err := cluster.ParseLegacyVersion(zone.Version); err == nil && runs == version {
			return zone.Name
		}
	}
	return "ZONE"
}

// tracingOn returns a function that returns the tracing of a proxy before and after on a control
// plane of version.
func tracingOn(in *input, r *Plan, version cluster.Version) func(*cluster.Dataplane) string {
	options := *in.o
	options.Version = version
	existing := asCompared(in.existing, in.Origin, &options)
	gateways := cluster.NewGateways(in.MeshGateways)
	before := meshtrace.NewMatcher(version, existing, gateways)
	after := meshtrace.NewMatcher(version, Applied(r.Left(existing), r.New()), gateways)
	keys := make(confKeys)
	return func(dp *cluster.Dataplane) string {
		was, _ := keys.of(before.Matching(nil, dp))
		is, _ := keys.of(after.Matching(nil, dp))
		return was + "\x00" + is
	}
}
