package convert_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/fixtures"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

var (
	traceName  = regexp.MustCompile(`(?m)^name: (t\d)$`)
	created    = regexp.MustCompile(`(?m)^creationTime: "[^"]*"$`)
	inboundTag = regexp.MustCompile(`tags: \{`)
	proxyName  = regexp.MustCompile(`(?m)^name: (dp-\d+)$`)
)

// snapshotOf is a snapshot of a control plane, in the form that is read again.
func snapshotOf(origin string, documents ...string) string {
	return "apiVersion: tracemigrate/v1\nkind: SnapshotOrigin\n" + origin + "\n---\n" + strings.Join(documents, "---\n") + "---\napiVersion: tracemigrate/v1\nkind: SnapshotEnd\n"
}

// copies are the policies as a zone has them: under other names, created within a
// moment in an order of its own.
func (r random) copies(policies string) string {
	text := traceName.ReplaceAllStringFunc(policies, func(line string) string {
		name := strings.TrimPrefix(line, "name: ")
		return fmt.Sprintf("name: %s-%04x\nlabels: {kuma.io/display-name: %s, kuma.io/origin: global}", name, r.IntN(1<<16), name)
	})
	return created.ReplaceAllStringFunc(text, func(string) string {
		at := time.Date(2024, 2, 1, 0, 0, 0, 1000*r.IntN(5), time.UTC) // some at once
		return fmt.Sprintf("creationTime: %q", at.Format(time.RFC3339Nano))
	})
}

// federation returns zones, the snapshot of each, and that of their global control plane, which
// also has others. proxies returns the Dataplanes of a zone, without its tag.
func (r random) federation(policies string, proxies func(zone string) string, others ...string) (zones []string, texts map[string]string, global string) {
	zones = []string{"east", "west", "north"}[:2+r.IntN(2)]
	origin := fmt.Sprintf("source: global\nversion: '%s'\nmode: global\nzones: [", r.version)
	texts = make(map[string]string)
	all := append([]string{policies}, others...)
	for _, zone := range zones {
		origin += fmt.Sprintf("{name: %s, version: '%s'}, ", zone, r.version)
		tagged := strings.TrimPrefix(inboundTag.ReplaceAllString(proxies(zone), "tags: {kuma.io/zone: "+zone+", "), "---\n")
		tagged = strings.ReplaceAll(tagged, "{kuma.io/zone: "+zone+", }", "{kuma.io/zone: "+zone+"}")
		texts[zone] = snapshotOf(fmt.Sprintf("source: %s\nversion: '%s'\nmode: federated-zone\nzone: %s", zone, r.version, zone), r.copies(policies), tagged)
		all = append(all, proxyName.ReplaceAllString(tagged, "name: ${1}-"+zone))
	}
	return zones, texts, snapshotOf(origin+"]", all...)
}

// At a global control plane every proxy keeps its own zone's tracing where the
// zones' own copies are known, by one set of policies; without them, just those
// are unknown between whose TrafficTraces creation times decide.
func TestEquivalentByZone(t *testing.T) {
	tries := withoutRace.Sample(t, *meshes)
	start := fixtures.Seed(t)
	compared, narrowed, unknown := 0, 0, 0
	for n := range tries {
		r := random{rand.New(rand.NewPCG(start, uint64(n)+3_000_000)), versions[1+n%(len(versions)-1)]}
		policies := r.policies()
		zones, texts, global := r.federation(policies, func(string) string { return r.dataplanes() })
		where := fmt.Sprintf("seed %d, mesh %d, Kuma %s\n%s", start, n, r.version, global)

		// Without the zones' copies.
		s := cluster.Read([]manifest.Input{manifest.Text("global.yaml", global)})
		require.Empty(t, s.Problems, where)
		blind, problems := convert.Convert(convert.Read(s, ""), convert.Options{Version: r.version})
		require.NotNil(t, blind, "%v\n%s", problems, where)
		globalMeshes, _ := legacy.Read(s)
		for _, dp := range s.Dataplanes {
			possible := make(map[string]bool)
			for _, position := range globalMeshes[0].Highest(nil, dp.TagSets()...) {
				pair := globalMeshes[0].Pairs[position]
				possible[traced(globalMeshes[0], pair.TrafficTrace)] = true
			}
			doubt := blind.Doubt(dp)
			require.Equal(t, len(possible) > 1, doubt.Code == string(convert.TieDependsOnZone), "%s: %v\n%s", dp, doubt, where)
			if len(possible) > 1 {
				unknown++
			}
		}

		// With them.
		inputs := []manifest.Input{manifest.Text("global.yaml", global)}
		for _, zone := range zones {
			inputs = append(inputs, manifest.Text(zone+".yaml", texts[zone]))
			where += "\n=== " + zone + "\n" + texts[zone]
		}
		s = cluster.Read(inputs)
		require.Empty(t, s.Problems, where)
		result, problems := convert.Convert(convert.Read(s, ""), convert.Options{Version: r.version})
		require.NotNil(t, result, "%v\n%s", problems, where)
		if refusedFor20(t, r.version, result, policies) {
			continue
		}
		var written bytes.Buffer
		require.NoError(t, meshtrace.Write(&written, result.Policies, meshtrace.Style{Version: r.version}))
		for _, note := range result.Notes {
			if note.Code == convert.NarrowedByZone {
				narrowed++
			}
		}
		read, problems := meshtrace.Read(readAll(written.String()))
		require.Empty(t, problems)
		matcher := meshtrace.NewMatcher(r.version, read, cluster.Gateways{})
		for _, zone := range zones {
			own := cluster.Read([]manifest.Input{manifest.Text(zone+".yaml", texts[zone])})
			ownMeshes, problems := legacy.Read(own)
			require.Empty(t, problems)
			for _, dp := range own.Dataplanes {
				if dp.Delegated() && !r.version.SelectsDelegatedGateways() {
					continue
				}
				require.Equal(t, before(ownMeshes[0], dp), after(matcher, dp), "zone %s, %s\n%s\n%s", zone, dp, where, written.String())
				compared++
			}
		}
	}
	t.Logf("%d meshes: %d proxies keep their zone's tracing, %d ties narrowed by zone; %d proxies unknown without the zones' copies", tries, compared, narrowed, unknown)
	if tries >= 500 {
		require.Greater(t, compared, 2000)
		require.Greater(t, min(narrowed, unknown), 100, "the random meshes miss a feature")
	}
}

// traced is what a TrafficTrace gives, in words.
func traced(m *legacy.Mesh, trace *legacy.TrafficTrace) string {
	b := m.BackendOf(trace)
	if b == nil {
		return "none"
	}
	return backend(b)
}
