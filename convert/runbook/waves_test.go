package runbook

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/fixtures"
	"tracemigrate/legacy"
)

// trace is a TrafficTrace of the property test.
type trace struct {
	name, selector, backend string
	created                 int // seconds
}

var day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// current returns a mesh with TrafficTraces and with a Dataplane for each of tags.
func current(t *testing.T, traces []trace, tags []string) *convert.Current {
	t.Helper()
	var text strings.Builder
	text.WriteString("type: Mesh\nname: default\ntracing: {defaultBackend: a, backends: [")
	for _, name := range []string{"a", "b", "c"} {
		fmt.Fprintf(&text, "{name: %s, type: zipkin, conf: {url: 'http://%[1]s:9411/'}},", name)
	}
	text.WriteString("]}\n")
	for _, tr := range traces {
		fmt.Fprintf(&text, "---\n{type: TrafficTrace, mesh: default, name: %s, creationTime: %q, selectors: [{match: {%s}}], conf: {backend: %s}}\n",
			tr.name, day.Add(time.Duration(tr.created)*time.Second).Format(time.RFC3339), tr.selector, tr.backend)
	}
	for i, of := range tags {
		fmt.Fprintf(&text, "---\n{type: Dataplane, mesh: default, name: dp-%d, networking: {address: 10.0.0.1, inbound: [%s]}}\n", i, of)
	}
	c := convert.Read(cluster.Read([]manifest.Input{manifest.Text("input.yaml", text.String())}), "")
	require.False(t, c.Failed(), "%v", c.Found)
	return c
}

// winners returns the backend of every Dataplane.
func winners(c *convert.Current) []string {
	mesh := c.Meshes[0]
	var all []string
	for _, dp := range c.Dataplanes {
		backend := "none"
		if i := mesh.Wins(dp.TagSets()...); i >= 0 {
			backend = mesh.BackendOf(mesh.Pairs[i].TrafficTrace).Name
		}
		all = append(all, backend)
	}
	return all
}

// TrafficTraces that are created again in waves give every proxy the backend of before,
// whatever the order and the times within a wave and of the others.
func TestWavesKeepWinners(t *testing.T) {
	random := rand.New(rand.NewPCG(fixtures.Seed(t), 7))
	several := 0
	for range 300 {
		var traces []trace
		for i := range 2 + random.IntN(7) {
			tags := []string{"kuma.io/service: s%d", "team: t%d", "kuma.io/service: '*', team: t%d", "version: v%d"}
			selector := tags[random.IntN(len(tags))]
			traces = append(traces, trace{fmt.Sprintf("t%d", i), fmt.Sprintf(selector, random.IntN(3)), string("abc"[random.IntN(3)]), random.IntN(4)})
		}
		var dataplanes []string
		for range 1 + random.IntN(5) {
			var inbounds []string
			for port := range 1 + random.IntN(2) {
				inbounds = append(inbounds, fmt.Sprintf("{port: %d, tags: {kuma.io/service: s%d, kuma.io/protocol: http, team: t%d, version: v%d}}",
					80+port, random.IntN(3), random.IntN(3), random.IntN(3)))
			}
			dataplanes = append(dataplanes, strings.Join(inbounds, ", "))
		}
		before := current(t, traces, dataplanes)
		again, waves := createdAgain(before, traces, random)
		if waves > 1 {
			several++
		}
		after := current(t, again, dataplanes)
		require.Equal(t, winners(before), winners(after), "%v\n%v", traces, again)
		o := convert.Options{Version: cluster.Latest}
		require.Empty(t, Check(Rollback, before, after, nil, nil, o), "%v\n%v", traces, again)
	}
	assert.Greater(t, several, 50, "the cases have ties")
}

// createdAgain returns TrafficTraces with the times that rollback.sh gives them.
func createdAgain(c *convert.Current, traces []trace, random *rand.Rand) (again []trace, waves int) {
	b := &builder{Facts: &Facts{Current: c, Options: convert.Options{Version: cluster.Latest}}}
	for _, tr := range traces {
		b.Traces = append(b.Traces, &cluster.Original{Kind: cluster.KindTrafficTrace, Mesh: "default", Name: tr.name})
	}
	at := make(map[string]int)
	for i, wave := range b.waves() {
		waves++
		for _, o := range wave {
			at[o.Name] = 100 + 2*i + random.IntN(2)
		}
	}
	for _, tr := range traces {
		tr.created = 90 + random.IntN(30)
		if when, ok := at[tr.name]; ok {
			tr.created = when
		}
		again = append(again, tr)
	}
	random.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
	return again, waves
}

// An order that lets another TrafficTrace win is found, even if no proxy is affected.
func TestCheckFindsAnotherOrder(t *testing.T) {
	traces := []trace{{"old", "team: t1", "a", 1}, {"new", "version: v1", "b", 2}}
	before := current(t, traces, nil)
	traces[0].created = 3
	wrong := Check(Rollback, before, current(t, traces, nil), nil, nil, convert.Options{Version: cluster.Latest})
	assert.Equal(t, []string{`TrafficTrace "old" of mesh "default": was created after TrafficTrace "new", which had precedence; ` +
		"delete both, then run rollback.sh, which creates them in order"}, wrong)
	var one *legacy.TrafficTrace
	for _, trace := range byPrecedence(before.Meshes[0].TrafficTraces) {
		one = trace
	}
	assert.Equal(t, "new", one.Name, "the last created wins")
}

func TestCheckFindsAnUpgrade(t *testing.T) {
	before, now := current(t, nil, nil), current(t, nil, nil)
	before.Origin, now.Origin = &cluster.Origin{Version: "2.9.13"}, &cluster.Origin{Version: "2.13.4"}
	assert.Equal(t, []string{"control plane: has version 2.13.4, and the plan is for 2.9; write a new plan"},
		Check(Add, before, now, nil, nil, convert.Options{Version: cluster.V(9)}))
}

func FuzzReadPlan(f *testing.F) {
	f.Add([]byte(`{"tool":"tracemigrate","kumaVersion":"2.13","steps":["start"],"files":[{"name":"2-add/a.yaml","sha256":"x"}]}`))
	f.Add([]byte(`{"tool":"tracemigrate","steps":["start"],"meshes":null}`))
	f.Add([]byte(`{"tool":"tracemigrate","steps":["start"],"files":[{"name":"2-add/../../a.yaml"},{"name":"zones//etc"}]}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ReadPlan(text)
		if err != nil {
			return
		}
		for _, path := range append(p.MeshTraces(Add), p.Snapshots()...) {
			assert.True(t, isLocal(path), "%q leaves the directory", path)
			_ = p.CheckFile(path, text)
		}
	})
}
