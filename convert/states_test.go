package convert_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/fixtures"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// verdicts returns the verdict on each proxy.
func verdicts(comparisons []*envoydiff.Comparison) map[string]envoydiff.Verdict {
	all := make(map[string]envoydiff.Verdict)
	for _, c := range comparisons {
		for i := range c.Proxies {
			all[c.Proxies[i].Name] = c.Proxies[i].Verdict
		}
	}
	return all
}

// TestStates compares whole states of random meshes: before with each stage of a migration,
// and with a state in which one of the MeshTraces is missing.
func TestStates(t *testing.T) {
	tries := withoutRace.Sample(t, *meshes)
	start := fixtures.Seed(t)
	compared, lost, unknown := 0, 0, 0
	for n := range (tries + 3) / 4 {
		r := random{rand.New(rand.NewPCG(start, uint64(n))), versions[n%len(versions)]}
		policies := r.policies()
		proxies := strings.ReplaceAll(r.dataplanes(), `{"kuma.io/service"`, `{"kuma.io/protocol": "http", "kuma.io/service"`)
		current := convert.Read(readAll(policies, proxies), "")
		result, _ := convert.Convert(current, convert.Options{Version: r.version})
		if result.Refused() || r.version.Compare(cluster.V(1)) < 0 {
			continue
		}
		stage := func(legacy string, written []*meshtrace.Policy) *convert.Transition {
			var text bytes.Buffer
			require.NoError(t, meshtrace.Write(&text, written, meshtrace.Style{Version: r.version}))
			after := convert.Read(readAll(legacy, proxies, text.String()), "")
			require.False(t, after.Failed())
			return convert.CompareStates(current, after, convert.Options{Version: r.version})
		}
		where := fmt.Sprintf("seed %d, mesh %d, Kuma %s\n%s\n%s", start, n, r.version, policies, proxies)
		want := verdicts(result.Comparisons)
		mesh, _, _ := strings.Cut(policies, "tracing:")

		same := verdicts(convert.CompareStates(current, current, convert.Options{Version: r.version}).Comparisons)
		for name, verdict := range same {
			require.Contains(t, []envoydiff.Verdict{envoydiff.Same, envoydiff.Unknown}, verdict, where)
			require.Equal(t, want[name] == envoydiff.Unknown, verdict == envoydiff.Unknown, where)
		}
		for stageName, legacy := range map[string]string{"add": policies, "remove": mesh} {
			got := stage(legacy, result.Policies)
			require.Equal(t, want, verdicts(got.Comparisons), "%s: %s", stageName, where)
			require.Empty(t, got.Meshes, where)
		}
		tracingLeft, _, _ := strings.Cut(policies, "---")
		left := stage(tracingLeft, result.Policies)
		require.Equal(t, []convert.MeshTransition{{Mesh: "default", Bare: len(result.Policies) == 0, StillTracing: true}}, left.Meshes, where)

		if len(result.Policies) == 0 {
			continue
		}
		i := r.IntN(len(result.Policies))
		fewer := slices.Delete(slices.Clone(result.Policies), i, i+1)
		got := stage(mesh, fewer)
		meshesBefore, _ := legacy.Read(readAll(policies))
		matcher := meshtrace.NewMatcher(r.version, fewer, cluster.Gateways{})
		for name, verdict := range verdicts(got.Comparisons) {
			for _, dp := range current.Dataplanes {
				if dp.FullName() != name {
					continue
				}
				compared++
				equal := before(meshesBefore[0], dp) == after(matcher, dp)
				switch verdict {
				case envoydiff.Unknown:
					unknown++
				case envoydiff.Different:
					lost++
					require.False(t, equal, "%s\n%s", name, where)
				default:
					require.True(t, equal || dp.Delegated(), "%s\n%s", name, where)
				}
			}
		}
	}
	t.Logf("%d proxies with a MeshTrace missing: %d different, %d unknown", compared, lost, unknown)
	require.Positive(t, lost)
}
