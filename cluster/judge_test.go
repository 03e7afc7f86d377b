package cluster

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster/manifest"
)

// What could not be read is lost to its own mesh, unless it is not known which
// that is, and with --mesh what is of others is nobody's loss.
func TestLost(t *testing.T) {
	head := "{apiVersion: tracemigrate/v1, kind: SnapshotOrigin, source: x}\n---\n{type: Mesh, name: default}\n---\n{type: Mesh, name: other}\n---\n"
	end := "\n---\n{apiVersion: tracemigrate/v1, kind: SnapshotEnd}\n"
	sidecar := func(mesh string) *Dataplane { return &Dataplane{Mesh: mesh, Name: "d"} }
	gateway := func(mesh string) *Dataplane {
		return &Dataplane{Mesh: mesh, Name: "g", Gateway: &Gateway{Builtin: true}}
	}
	for broken, tc := range map[string]struct {
		sidecar, gateway, others bool // whether in doubt: of mesh default, of it, of other
	}{
		"{type: MeshGateway, name: g, mesh: default, selectors: none}": {false, true, false},
		"{type: MeshGateway, name: g, mesh: other, selectors: none}":   {false, false, false},
		"{type: Dataplane, name: d, mesh: default, networking: none}":  {false, false, false},
		"{type: TrafficRoute, name: r, mesh: other, labels: none}":     {false, false, true},
		"{type: TrafficTrace, name: [], mesh: other}":                  {false, false, true},
		"{type: Mesh":                   {true, true, true},
		"{type: Mesh, name: \"other\\n": {true, true, true},
	} {
		s := Read([]manifest.Input{manifest.Text("dataplanes/state.yaml", head+broken+end)}).Skipping(nil)
		require.NotEmpty(t, s.Skipped, broken)
		assert.Equal(t, tc.sidecar, s.Doubt(sidecar("default")) != "", broken)
		assert.Equal(t, tc.gateway, s.Doubt(gateway("default")) != "", broken)
		assert.Equal(t, tc.others, s.Doubt(sidecar("other")) != "", broken)
	}
	s := Read([]manifest.Input{manifest.Text("state.yaml", head+"{type: TrafficRoute, name: r, mesh: other, labels: none}\n---\n"+
		"{apiVersion: kuma.io/v1alpha1, kind: MeshTrace, metadata: {name: all, namespace: kuma-system, labels: {kuma.io/mesh: other}}, spec: {}}"+end)})
	require.Len(t, s.Problems, 1)
	one, err := s.Only([]string{"default"})
	require.NoError(t, err)
	assert.Empty(t, one.Problems)
	assert.Equal(t, []string{"all"}, one.OtherMeshTraces())
	_, err = s.Only([]string{"none"})
	require.ErrorContains(t, err, "it has: "+strings.Join([]string{"default", "other"}, ", "))
}

// Where zones could not be listed, nothing is certain of any proxy.
func TestJudge(t *testing.T) {
	s := &Snapshot{Origin: &Origin{Mode: ModeGlobal, Unread: []Unread{{What: ZonesOfControlPlane, Reason: "forbidden"}}}}
	for _, zone := range []string{"", "east"} {
		_, doubt := s.Judge(V(13))(&Dataplane{Labels: NewTags(map[string]string{ZoneLabel: zone})})
		assert.NotEmpty(t, doubt)
	}
}

// A zone's control plane adds its name to the Dataplanes of Universal. What selects by it is
// not known of a manifest without it.
func TestZoneUnknown(t *testing.T) {
	const (
		trace = "\n---\n{type: TrafficTrace, mesh: default, name: a, selectors: [{match: {kuma.io/service: '*', kuma.io/zone: east}}]}"
		tags  = "\n---\n{type: MeshTrace, mesh: default, name: a, spec: {targetRef: {kind: MeshSubset, tags: {kuma.io/zone: east}}}}"
		label = "\n---\n{type: MeshTrace, mesh: default, name: a, spec: {targetRef: {kind: Dataplane, labels: {kuma.io/zone: east}}}}"
	)
	proxy := func(labels, tags string) string {
		return "{type: Dataplane, mesh: default, name: d, labels: {" + labels + "}, networking: {address: 1.1.1.1, inbound: [{port: 80, tags: {" + tags + "}}]}}"
	}
	const zone = "kuma.io/zone: east"
	kube := "{apiVersion: kuma.io/v1alpha1, kind: Dataplane, mesh: default, metadata: {name: d, namespace: shop}, spec: {networking: {address: 1.1.1.1, inbound: [{port: 80, tags: {}}]}}}"
	for name, tc := range map[string]struct {
		text    string
		unknown bool
	}{
		"nothing selects by it":        {proxy("", ""), false},
		"a TrafficTrace":               {proxy("", "") + trace, true},
		"a TrafficTrace, with tag":     {proxy("", zone) + trace, false},
		"a TrafficTrace, label alone":  {proxy(zone, "") + trace, true},
		"MeshSubset":                   {proxy("", "") + tags, true},
		"MeshSubset, with tag":         {proxy("", zone) + tags, false},
		"kind Dataplane":               {proxy("", "") + label, true},
		"kind Dataplane, with label":   {proxy(zone, "") + label, false},
		"kind Dataplane, with tag":     {proxy("", zone) + label, false},
		"Kubernetes, which writes all": {kube + trace, false},
		"of a standalone control plane": {proxy("", "") + trace + "\n---\n{apiVersion: tracemigrate/v1, kind: SnapshotOrigin, source: a, " +
			"product: Kuma, version: 2.5.11, mode: standalone, environment: universal}\n---\n{apiVersion: tracemigrate/v1, kind: SnapshotEnd}", false},
		"of another mesh": {proxy("", "") + strings.Replace(trace, "default", "other", 1), false},
	} {
		s := Read([]manifest.Input{manifest.Text("input.yaml", tc.text)})
		require.Len(t, s.Dataplanes, 1, name)
		assert.Equal(t, tc.unknown, s.Doubt(s.Dataplanes[0]) != "", "%s: %s", name, s.Doubt(s.Dataplanes[0]))
	}
}
