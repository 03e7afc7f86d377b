package convert_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/fixtures"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

var labelsOfProxy = regexp.MustCompile(`(?m)^labels: \{`)

// At a global control plane, policies by labels give every proxy its own zone's tracing, or it is
// not called the same. With labels like the tags, where the zones' copies are known, nothing is
// refused and all keep it. Without the copies, what creation times decide is unknown.
func TestEquivalentByLabelsAndZone(t *testing.T) {
	tries := withoutRace.Sample(t, *meshes)
	start := fixtures.Seed(t)
	compared, kept, differing, unknown, byZone := 0, 0, 0, 0, 0
	for n := range tries {
		r := random{rand.New(rand.NewPCG(start, uint64(n)+6_000_000)), cluster.V([]int{13, 14}[n%2])}
		likeTags, known := n%3 > 0, n%4 > 0
		policies := r.policies()
		zones, texts, global := r.federation(policies, func(zone string) string {
			return labelsOfProxy.ReplaceAllString(r.labelled(likeTags), "labels: {kuma.io/zone: "+zone+", ")
		}, "type: TrafficRoute\nmesh: default\nname: all\n")
		where := fmt.Sprintf("seed %d, mesh %d, Kuma %s\n%s", start, n, r.version, global)
		inputs := []manifest.Input{manifest.Text("global.yaml", global)}
		for _, zone := range zones {
			where += "\n=== " + zone + "\n" + texts[zone]
			if known {
				inputs = append(inputs, manifest.Text(zone+".yaml", texts[zone]))
			}
		}
		s := cluster.Read(inputs)
		require.Empty(t, s.Problems, where)
		options := convert.Options{Version: r.version, ByLabels: true}
		if n%5 > 0 {
			options.To = cluster.Newest
		}
		result, problems := convert.Convert(convert.Read(s, ""), options)
		require.NotNil(t, result, "%v\n%s", problems, where)
		if likeTags && known {
			require.False(t, result.Refused(), "%v\n%s", result.Notes, where)
		}
		var written bytes.Buffer
		require.NoError(t, meshtrace.Write(&written, result.Policies, meshtrace.Style{Version: r.version}), where)
		read, problems := meshtrace.Read(readAll(written.String()))
		require.Empty(t, problems)
		matcher := meshtrace.NewMatcher(r.version, read, cluster.Gateways{})
		verdicts := make(map[string]envoydiff.Verdict)
		for _, p := range envoydiff.All(result.Comparisons) {
			zone := p.Dataplane.Zone()
			verdicts[zone+"/"+strings.TrimSuffix(p.Name, "-"+zone)] = p.Verdict
		}
		for _, zone := range zones {
			own := cluster.Read([]manifest.Input{manifest.Text(zone+".yaml", texts[zone])})
			ownMeshes, problems := legacy.Read(own)
			require.Empty(t, problems)
			for _, dp := range own.Dataplanes {
				compared++
				was, is := before(ownMeshes[0], dp), after(matcher, dp)
				verdict := verdicts[zone+"/"+dp.Name]
				switch verdict {
				case envoydiff.Unknown:
					unknown++
				case envoydiff.Different:
					differing++
				default:
					require.NotEmpty(t, verdict, "zone %s, %s\n%s", zone, dp, where)
					require.Equal(t, was, is, "zone %s, %s\n%s\n%s", zone, dp, where, written.String())
					kept++
				}
				if likeTags && known {
					require.Equal(t, was, is, "zone %s, %s\n%s\n%s", zone, dp, where, written.String())
				}
			}
		}
		byZone += strings.Count(written.String(), "kuma.io/zone:")
	}
	t.Logf("%d meshes: of %d proxies %d keep their zone's tracing, %d differ, %d are unknown; %d policies select by zone",
		tries, compared, kept, differing, unknown, byZone)
	if tries >= 500 {
		require.Greater(t, kept, compared/2)
		require.Greater(t, min(differing, unknown, byZone), 100, "the random meshes miss a feature")
	}
}
