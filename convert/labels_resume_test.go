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

// A conversion by labels goes on from any part of an earlier one, whether that selected by
// labels or by tags: every proxy gets what it had before the earlier one, or is not called the
// same.
func TestEquivalentResumedByLabels(t *testing.T) {
	tries := withoutRace.Sample(t, *meshes)
	start := fixtures.Seed(t)
	resumed, repeated, compared, doubted := 0, 0, 0, 0
	for n := range tries {
		r := random{rand.New(rand.NewPCG(start, uint64(n)+6_000_000)), cluster.V([]int{13, 14}[n%2])}
		existing := ""
		if n%3 == 0 {
			existing = r.existingOfEveryKind(n%2 == 0)
		}
		const route = "---\ntype: TrafficRoute\nmesh: default\nname: all\n"
		text := r.policies() + route + r.labelled(true)
		options := convert.Options{Version: r.version, ByLabels: true}
		style := meshtrace.Style{Version: r.version}
		if r.chance(30) {
			options.Format, options.Namespace = cluster.Kubernetes, "kuma-system"
		}
		written := func(policies []*meshtrace.Policy, backends ...*meshtrace.OTelBackend) string {
			var b bytes.Buffer
			require.NoError(t, meshtrace.Write(&b, policies, style, backends...))
			return b.String()
		}
		before := readAll(text, existing)
		earlier := options
		earlier.ByLabels = !r.chance(30)
		first, problems := convert.Convert(convert.Read(before, options.Namespace), earlier)
		require.Empty(t, problems)
		if first.Refused() || len(first.Policies) == 0 {
			continue
		}
		part, others := r.IntN(3), r.chance(50) // all, half or few of it
		applied := slices.DeleteFunc(slices.Clone(first.Policies), func(p *meshtrace.Policy) bool {
			if strings.HasPrefix(p.Source, "MeshTrace ") { // who applies some of these has changed today's tracing already
				return part > 0 && others
			}
			return part > 0 && r.chance(25+25*part)
		})
		old, problems := meshtrace.Read(before)
		require.Empty(t, problems)
		named := func(name string) func(p *meshtrace.Policy) bool {
			return func(p *meshtrace.Policy) bool { return p.Name == name }
		}
		standing, deleted := "", len(applied) == len(first.Policies) && r.chance(50)
		for document := range strings.SplitSeq(existing, "---\n") {
			_, rest, _ := strings.Cut(document, "name: ")
			name, _, _ := strings.Cut(rest, "\n")
			gone := slices.ContainsFunc(applied, named(name)) || deleted && slices.ContainsFunc(first.Obsolete, named(name))
			if document != "" && !gone {
				standing += "---\n" + document
			}
		}
		now := standing + "---\n" + written(applied, first.Backends...)
		again := readAll(text, now)
		second, problems := convert.Convert(convert.Read(again, options.Namespace), options)
		require.Empty(t, problems)
		where := fmt.Sprintf("seed %d, mesh %d, Kuma %s, by labels: %v\n%s\n---\n%s\n--- written\n%s", start, n, r.version, earlier.ByLabels, text+existing,
			now, written(second.Policies, second.Backends...))
		if len(old) == 0 && earlier.ByLabels {
			require.Equal(t, written(first.Policies), written(second.Policies), where)
			require.Equal(t, len(first.Policies)-len(applied), len(second.New()), where)
			repeated++
		}
		if second.Refused() {
			doubted++
			continue
		}
		resumed++
		has, problems := meshtrace.Read(again)
		require.Empty(t, problems)
		left := slices.DeleteFunc(has, func(p *meshtrace.Policy) bool {
			return slices.ContainsFunc(second.Obsolete, func(q *meshtrace.Policy) bool { return q.Name == p.Name })
		})
		meshes, problems := legacy.Read(before)
		require.Empty(t, problems)
		today := meshtrace.NewMatcher(r.version, old, cluster.Gateways{})
		afterwards := meshtrace.NewMatcher(r.version, convert.Applied(left, second.Policies), cluster.Gateways{})
		verdicts := make(map[string]envoydiff.Verdict)
		for _, p := range envoydiff.All(second.Comparisons) {
			verdicts[p.Dataplane.Name] = p.Verdict
		}
		for _, dp := range before.Dataplanes {
			want, got := wholeBefore(meshes[0], today, dp), whole(meshtrace.Merge(afterwards.Matching(nil, dp)))
			compared++
			if want != got {
				doubted++
				require.Contains(t, []envoydiff.Verdict{envoydiff.Different, envoydiff.Unknown}, verdicts[dp.Name], "%s: before %s, after %s\n%s", dp, want, got, where)
			}
		}
	}
	t.Logf("%d conversions resumed, %d of them of TrafficTraces alone; %d proxies compared; %d in doubt", resumed, repeated, compared, doubted)
	if tries >= 500 {
		require.Greater(t, min(resumed, repeated, doubted), 20, "the random meshes miss a feature")
	}
}
