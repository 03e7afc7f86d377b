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
	concerned := make([][]*cluster.Dataplane, len(all))
	some := false
	for i, m := range all {
		if len(m.Pairs) == 0 {
			continue
		}
		for _, dp := range m.dataplanes {
			if !version.DecidesAlike(patch, dp) {
				concerned[i], some = append(concerned[i], dp), true
			}
		}
	}
	if !some {
		return nil
	}
	newest, older := decisions(in, r, concerned, version), decisions(in, r, concerned, patch)
	var found notes
	for i, m := range all {
		var proxies []string
		for j, dp := range concerned[i] {
			versions, _ := judge(dp)
			if slices.Contains(versions, version) && newest[i][j] != older[i][j] {
				proxies = append(proxies, dp.String())
			}
		}
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

// decisions returns the tracing of each proxy before and after on a control plane of
// version.
func decisions(in *input, r *Plan, proxies [][]*cluster.Dataplane, version cluster.Version) [][]string {
	options := *in.o
	options.Version = version
	existing := asCompared(in.existing, in.Origin, &options)
	gateways := cluster.NewGateways(in.MeshGateways)
	before := meshtrace.NewMatcher(version, existing, gateways)
	after := meshtrace.NewMatcher(version, Applied(r.Left(existing), r.New()), gateways)
	keys := make(confKeys)
	return lists.Each(proxies, func(dataplanes []*cluster.Dataplane) []string {
		return lists.Each(dataplanes, func(dp *cluster.Dataplane) string {
			was, _ := keys.of(before.Matching(nil, dp))
			is, _ := keys.of(after.Matching(nil, dp))
			return was + "\x00" + is
		})
	})
}
