package convert

import (
	"fmt"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/meshtrace"
)

// remarkPatches notes the known proxies for which an older patch release decides
// otherwise than the newest one, which a version of two numbers means.
func (in *input) remarkPatches(result *Plan, meshes []*mesh, all *notes) {
	judge := in.Judge(in.o.Version)
	for _, version := range in.Versions(in.o.Version) {
		for _, patch := range version.OlderPatches() {
			concerned := make([][]*cluster.Dataplane, len(meshes))
			found := false
			for i, m := range meshes {
				if len(m.Pairs) == 0 {
					continue
				}
				for _, dp := range m.dataplanes {
					if !version.DecidesAlike(patch, dp) {
						concerned[i], found = append(concerned[i], dp), true
					}
				}
			}
			if !found {
				continue
			}
			newest, then := in.decisions(result, concerned, version), in.decisions(result, concerned, patch)
			for i, m := range meshes {
				var names []string
				for j, dp := range concerned[i] {
					versions, _ := judge(dp)
					if slices.Contains(versions, version) && newest[i][j] != then[i][j] {
						names = append(names, dp.String())
					}
				}
				if len(names) == 0 {
					continue
				}
				all.warn(PatchReleaseDecides, m.Place, m,
					fmt.Sprintf("was compared for the newest patch release of Kuma %s; up to %s, %s (%s) would have other tracing", version, patch, plural(len(names), "proxy"), list(names)),
					fmt.Sprintf("pass the control plane's own version, such as --kuma-version %s", patch))
			}
		}
	}
}

// decisions returns the tracing of each proxy before and after on a control plane of
// version.
func (in *input) decisions(result *Plan, proxies [][]*cluster.Dataplane, version cluster.Version) [][]string {
	options := *in.o
	options.Version = version
	existing := asCompared(in.existing, in.Origin, &options)
	gateways := cluster.NewGateways(in.MeshGateways)
	before := meshtrace.NewMatcher(version, existing, gateways)
	after := meshtrace.NewMatcher(version, slices.Concat(existing, result.New()), gateways)
	said := make(map[meshtrace.Parts]string)
	key := func(conf meshtrace.Conf) string {
		parts := conf.Parts()
		text, ok := said[parts]
		if !ok {
			text = conf.Key()
			said[parts] = text
		}
		return text
	}
	all := make([][]string, len(proxies))
	for i, dataplanes := range proxies {
		all[i] = make([]string, len(dataplanes))
		for j, dp := range dataplanes {
			all[i][j] = key(meshtrace.Merge(before.Matching(nil, dp))) + "\x00" + key(meshtrace.Merge(after.Matching(nil, dp)))
		}
	}
	return all
}
