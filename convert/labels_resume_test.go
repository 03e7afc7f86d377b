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
		old, problems := meshtrace.Read(before)
		require.Empty(t, problems)
		named := func(name string) func(p *meshtrace.Policy) bool {
			return func(p *meshtrace.Policy) bool { return p.Name == name }
		}
		replaced := func(p *meshtrace.Policy) bool { return slices.ContainsFunc(old, named(p.Name)) }
		part, others := r.IntN(3), r.IntN(3) // all, half or few of it
		applied := slices.DeleteFunc(slices.Clone(first.Policies), func(p *meshtrace.Policy) bool {
			if others < 2 && strings.HasPrefix(p.Source, "MeshTrace ") || replaced(p) {
				return part > 0 && others > 0 // what was before these replaced others in part is not known
			}
			return part > 0 && r.chance(25+25*part)
		})
		begun := slices.ContainsFunc(applied, replaced) // and with it what is deleted first
		standing, deleted := "", len(applied) == len(first.Policies) && r.chance(50)
		for document := range strings.SplitSeq(existing, "---\n") {
			_, rest, _ := strings.Cut(document, "name: ")
			name, _, _ := strings.Cut(rest, "\n")
			gone := slices.ContainsFunc(applied, named(name)) || deleted && slices.ContainsFunc(first.Obsolete, named(name)) ||
				begun && slices.ContainsFunc(first.Idle, named(name))
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

// A MeshTrace that may be an earlier run's copy, and that this run does not make, hides what was before.
func TestCopyOfMeshTraceInDoubt(t *testing.T) {
	const mesh = `type: Mesh
name: default
tracing: {defaultBackend: a, backends: [{name: a, type: zipkin, conf: {url: http://a:9411/api/v2/spans}}]}
---
{type: TrafficTrace, name: all, mesh: default, selectors: [{match: {kuma.io/service: '*'}}], conf: {backend: a}}
---
{type: TrafficRoute, name: all, mesh: default}
---
type: Dataplane
name: web-1
mesh: default
labels: {app: web}
networking: {address: 10.0.0.1, inbound: [{port: 80, protocol: http, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}
---
type: Dataplane
name: db-1
mesh: default
labels: {app: db}
networking: {address: 10.0.0.2, inbound: [{port: 80, protocol: http, tags: {kuma.io/service: db, kuma.io/protocol: http}}]}
`
	policy := func(name, targetRef string) string {
		return fmt.Sprintf("---\n{type: MeshTrace, name: %s, mesh: default, spec: {targetRef: {%s}, default: {sampling: {overall: 5}, "+
			"backends: [{type: Zipkin, zipkin: {url: http://own:9411/}}]}}}\n", name, targetRef)
	}
	original := policy("b", "kind: Dataplane, labels: {app: db}")
	for name, row := range map[string]struct {
		existing string
		web      envoydiff.Verdict
	}{
		"a rank and the content of another": {original + policy("7-b", "kind: Dataplane, labels: {app: web}"), envoydiff.Unknown},
		"no rank":                           {original + policy("c", "kind: Dataplane, labels: {app: web}"), envoydiff.Same},
		"no original":                       {policy("7-b", "kind: Dataplane, labels: {app: web}"), envoydiff.Same},
	} {
		t.Run(name, func(t *testing.T) {
			plan, problems := convert.Convert(convert.Read(readAll(mesh, row.existing), ""), convert.Options{Version: cluster.V(13), ByLabels: true})
			require.Empty(t, problems)
			for _, p := range envoydiff.All(plan.Comparisons) {
				if p.Dataplane.Name == "web-1" {
					require.Equal(t, row.web, p.Verdict)
				}
			}
		})
	}
}
