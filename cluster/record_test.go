package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster/manifest"
)

// live is a source with an origin.
type live struct {
	Files
	origin *Origin
	err    error
}

func (l live) Read(ctx context.Context, use func(manifest.Input)) (*Origin, error) {
	_, _ = l.Files.Read(ctx, use)
	return l.origin, l.err
}

const liveObjects = `{"apiVersion":"kuma.io/v1alpha1","kind":"Dataplane","mesh":"default","metadata":{"name":"web","namespace":"shop","creationTimestamp":"2025-01-01T00:00:00Z","labels":{"app":"web"},"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"hidden"},"managedFields":[{"manager":"hidden"}],"uid":"hidden"},"spec":{"networking":{"address":"10.0.0.1","admin":{"port":9901},"transparentProxying":{"redirectPortOutbound":15001},"inbound":[{"port":80,"tags":{"kuma.io/service":"web"},"health":{"ready":true}}]},"probes":{"hidden":1}},"status":{"hidden":1}}
---
type: Mesh
name: default
mtls: {backends: [{conf: {key: {secret: hidden}}}]}
tracing:
  backends: [{name: z, type: zipkin, sampling: 33.30, conf: {url: "http://user:hidden@zipkin:9411/api", password: hidden, apiVersion: {x: hidden}}, auth: [hidden]}]
  token: hidden
---
type: MeshTrace
name: zip
mesh: default
spec: {targetRef: {kind: Mesh, key: hidden}, token: {x: hidden}, default: {key: hidden, sampling: {overall: "33.3"}, tags: [{name: a, literal: b, key: hidden}], backends: [{type: Zipkin, key: hidden, zipkin: {url: "http://z:9411/api", password: hidden}}]}}
---
{"items":[{"name":"all","mesh":"default","creationTime":"2025-01-02T00:00:00Z","selectors":[{"match":{"a":"1","b":"yes","on":"017","c":"0o17","d":"1_0","null":"~"}}],"conf":{"backend":"z","password":["hidden"]},"type":"TrafficTrace"}],"total":1}
---
type: Secret
name: s
data: hidden
`

// writeSnapshot records and writes.
func writeSnapshot(ctx context.Context, w io.Writer, source Source) ([]*manifest.Problem, error) {
	recording, problems, err := Record(ctx, source)
	if err != nil {
		return nil, err
	}
	return problems, recording.Write(w)
}

func TestWriteSnapshot(t *testing.T) {
	origin := &Origin{
		Source: "control plane http://x", Endpoint: Endpoint{Kubernetes: "https://10.0.0.1:6443", Context: "prod", ControlPlane: "http://x", Name: "it's"}, Product: "Kuma", Version: "2.13.1", Mode: ModeFederatedZone, Environment: Kubernetes, Namespace: "kuma-system",
		Zone: "east", Zones: []Zone{{"a", "2.9.0"}, {Name: "b"}}, Meshes: []string{"default"}, Absent: []string{KindMeshGateway}, Unread: []Unread{{ZonesOfControlPlane, Forbidden, "403", "ask"}},
		OtherTrafficTraces: []TraceName{{Mesh: "other", Name: "web"}, {Mesh: "other", Name: "teams", Several: true}},
	}
	source := live{Files: Files{manifest.Text("x", liveObjects)}, origin: origin}
	var text bytes.Buffer
	problems, err := writeSnapshot(t.Context(), &text, source)
	require.NoError(t, err)
	assert.Empty(t, problems)
	assert.NotContains(t, text.String(), "hidden")

	again := Read([]manifest.Input{manifest.Text("state.yaml", text.String())})
	require.Empty(t, again.Problems)
	assert.Equal(t, origin, again.Origin)
	first := Read([]manifest.Input{manifest.Text("x", liveObjects)})
	require.Len(t, again.Dataplanes, 1)
	assert.True(t, again.Dataplanes[0].equal(first.Dataplanes[0]))
	assert.Equal(t, first.TrafficTraces[0].Created, again.TrafficTraces[0].Created)
	for _, field := range []string{"targetRef.key", "token", "default.key", "default.tags[0].key", "default.backends[0].key", "default.backends[0].zipkin.password"} {
		assert.Equal(t, "REDACTED", at(again.MeshTraces[0].Spec.Node(), field), field)
	}
	assert.Equal(t, "http://z:9411/api", at(again.MeshTraces[0].Spec.Node(), "default.backends[0].zipkin.url"))
	assert.Equal(t, "REDACTED", at(again.TrafficTraces[0].Spec.Node(), "conf.password"))
	backend := again.Meshes[0].Spec.Node().Get("tracing").Get("backends").Items()[0]
	assert.Equal(t, "33.30", backend.Get("sampling").Text)
	assert.Equal(t, "http://REDACTED@zipkin:9411/api", backend.Get("conf").Get("url").Text)

	var twice bytes.Buffer
	_, err = writeSnapshot(t.Context(), &twice, Files{manifest.Text("state.yaml", text.String())})
	require.NoError(t, err)
	assert.Equal(t, text.String(), twice.String(), "a snapshot of a snapshot is the same")
}

// at returns the text of a field such as a.b[0].c.
func at(n *manifest.Node, path string) string {
	for key := range strings.SplitSeq(path, ".") {
		key, list := strings.CutSuffix(key, "[0]")
		if n = n.Get(key); list {
			n = &n.Items()[0]
		}
	}
	return n.Text
}

// A snapshot keeps what is read of a kind that has a spec, on Kubernetes and on Universal.
func TestSnapshotKeepsSpecs(t *testing.T) {
	specs := map[string]string{
		KindMeshTrace:   "{targetRef: {kind: Mesh}, default: {sampling: {overall: 7}}}",
		KindMeshService: "{selector: {dataplaneTags: {a: b}}, ports: [{name: main, port: 80, appProtocol: http}]}",
		KindOTelBackend: "{endpoint: {address: otel, port: 4317}, protocol: grpc}",
		KindMeshHTTPRoute: "{targetRef: {kind: Mesh}, to: [{targetRef: {kind: MeshService, name: web}}, {targetRef: {kind: MeshService, labels: {a: b}}, " +
			"rules: [{default: {backendRefs: [{kind: MeshService, name: db}]}}]}]}",
		KindMeshTCPRoute: "{targetRef: {kind: Mesh}, to: [{targetRef: {kind: MeshService, name: web}, " +
			"rules: [{default: {backendRefs: [{kind: MeshService, name: db}]}}]}]}",
		// Of values, only what is read: see TestSnapshotOfModifications.
		KindMeshProxyPatch: "{targetRef: {kind: Mesh}, default: {appendModifications: [{cluster: {operation: Remove, match: {name: a, origin: b}}}]}}",
	}
	for _, kind := range kinds {
		if !HasSpec(kind) {
			continue
		}
		require.Contains(t, specs, kind)
		for format, head := range map[Format]string{
			Kubernetes: "apiVersion: kuma.io/v1alpha1\nkind: " + kind + "\nmetadata: {name: a}\n", Universal: "type: " + kind + "\nname: a\nmesh: default\n",
		} {
			document := head + "spec: " + specs[kind] + "\n"
			var text bytes.Buffer
			problems, err := writeSnapshot(t.Context(), &text, Files{manifest.Text("x", document)})
			require.NoError(t, err)
			require.Empty(t, problems)
			assert.YAMLEq(t, document, text.String(), "%s on %s", kind, format)
		}
	}
}

// A snapshot of an earlier release has no causes; what it has is read.
func TestSnapshotWithoutCauses(t *testing.T) {
	for name, tt := range map[string]struct {
		item string
		want Unread
	}{
		"no cause":  {`{what: version, reason: 'cannot list resource "deployments"', remedy: ask}`, Unread{What: VersionOfControlPlane, Reason: `cannot list resource "deployments"`, Remedy: "ask"}},
		"a cause":   {`{what: Dataplane, cause: forbidden, reason: r}`, Unread{What: KindDataplane, Cause: Forbidden, Reason: "r"}},
		"no remedy": {`{what: zones, reason: r}`, Unread{What: ZonesOfControlPlane, Reason: "r"}},
		"a new one": {`{what: mode, cause: gone, reason: r}`, Unread{What: ModeOfControlPlane, Cause: "gone", Reason: "r"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := Read([]manifest.Input{manifest.Text("state.yaml", "{apiVersion: tracemigrate/v1, kind: SnapshotOrigin, source: x, unread: ["+tt.item+"]}\n---\n{apiVersion: tracemigrate/v1, kind: SnapshotEnd}\n")})
			require.Empty(t, s.Problems)
			assert.Equal(t, []Unread{tt.want}, s.Origin.Unread)
			text, err := json.Marshal(s.Origin)
			require.NoError(t, err)
			assert.Equal(t, tt.want.Cause != "", strings.Contains(string(text), `"cause"`))
		})
	}
}

// A snapshot that was cut off, between documents or within one, is an error.
func TestSnapshotCutOff(t *testing.T) {
	var text bytes.Buffer
	_, err := writeSnapshot(t.Context(), &text, live{Files: Files{manifest.Text("x", liveObjects)}, origin: &Origin{Source: "x"}})
	require.NoError(t, err)
	whole := strings.TrimRight(text.String(), "\n")
	for i := strings.Index(whole, "\n---"); i < len(whole); i++ {
		if whole[i] != '\n' {
			continue
		}
		s := Read([]manifest.Input{manifest.Text("state.yaml", whole[:i])})
		errors := 0
		for _, p := range s.Problems {
			if p.Severity == manifest.Error && !s.Skippable(p) {
				errors++
			}
		}
		require.Positive(t, errors, "%s", whole[:i])
	}
}

func TestWriteSnapshotFails(t *testing.T) {
	var text bytes.Buffer
	_, err := writeSnapshot(t.Context(), &text, live{Files: Files{manifest.Text("x", liveObjects)}, err: errors.New("cut off")})
	require.Error(t, err)
	assert.Empty(t, text.String(), "nothing that looks whole")
	_, err = Load(t.Context(), live{Files: Files{manifest.Text("x", liveObjects)}, err: errors.New("cut off")})
	assert.Error(t, err)
}

// A snapshot of any text can be read again, and is its own snapshot; no
// credential of a url is left in it.
func FuzzWriteSnapshot(f *testing.F) {
	f.Add(liveObjects)
	f.Add("apiVersion: tracemigrate/v1\nkind: SnapshotOrigin\nsource: x\nmode: zone\nzones: [{name: a, version: 2.9.0}]\nunread: [{what: zones, reason: r}]\n---\ntype: Mesh\nname: default\n---\napiVersion: tracemigrate/v1\nkind: SnapshotEnd\n")
	f.Add("type: MeshTrace\nname: \"1\"\nmesh: 'no'\nspec: {a: 0x1F, b: 1e3, c: ~, d: '~', e: .inf, f: \"\\u2028\", g: |\n  text\n}\n")
	f.Add("type: MeshTrace\nname: a\nspec: {url: A:@%0, endpoint: 'http://http://ann:hunter2@x? ', e: .inf, f: -.inf, g: .nan, \"+Inf\": 1_000.5}\n")
	f.Add("type: TrafficRoute\nname: a\nconf: {http: [{match: {}, split: [{weight: 1, destination: {kuma.io/service: b}}]}]}\n---\n" +
		"{type: MeshHTTPRoute, name: a, spec: {to: [{}]}}\n---\n{type: ExternalService, name: a, tags: {a: b}}\n")
	f.Add("{type: MeshProxyPatch, name: a, spec: {default: {appendModifications: [{cluster: {operation: Patch, value: 'a: \"tracing:z\"'}}]}}}\n---\n" +
		"{type: ProxyTemplate, name: a, conf: {resources: [{}], modifications: [{listener: {value: {sum: x}}}]}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		write := func(text string) string {
			var out bytes.Buffer
			_, err := writeSnapshot(t.Context(), &out, Files{manifest.Text("f", text)})
			require.NoError(t, err)
			return out.String()
		}
		first := write(text)
		second := write(first)
		require.Equal(t, first, second)
		a, b := Read([]manifest.Input{manifest.Text("f", text)}), Read([]manifest.Input{manifest.Text("f", first)})
		assert.Len(t, b.Meshes, len(a.Meshes))
		assert.Len(t, b.TrafficTraces, len(a.TrafficTraces))
		assert.Len(t, b.MeshTraces, len(a.MeshTraces))
		assert.Len(t, b.Dataplanes, len(a.Dataplanes))
		assert.Equal(t, a.TrafficRoutes, b.TrafficRoutes)
		assert.Equal(t, a.rerouted, b.rerouted)
		assert.Len(t, b.ExternalServices, len(a.ExternalServices))
		assert.Len(t, b.Routes, len(a.Routes))
		assert.Len(t, b.ProxyPatches, len(a.ProxyPatches))
	})
}

// On Kubernetes Kuma keeps what is too long for a label in annotations; a label
// has precedence.
func TestAnnotations(t *testing.T) {
	text := `{"apiVersion":"kuma.io/v1alpha1","kind":"MeshTrace","metadata":{"name":"a-zzzz","namespace":"kuma-system","annotations":{"kuma.io/display-name":"a","other":"hidden","tracemigrate/source":"TrafficTrace \"a\""}},"spec":{"targetRef":{"kind":"Mesh"}}}
---
{"apiVersion":"kuma.io/v1alpha1","kind":"MeshTrace","metadata":{"name":"b-zzzz","namespace":"kuma-system","labels":{"kuma.io/display-name":"b"},"annotations":{"kuma.io/display-name":"c"}},"spec":{"targetRef":{"kind":"Mesh"}}}
---
{"apiVersion":"kuma.io/v1alpha1","kind":"Dataplane","metadata":{"name":"w","namespace":"shop","annotations":{"kuma.io/workload":"web"}},"spec":{"networking":{"address":"10.0.0.1"}}}`
	check := func(s *Snapshot) {
		require.Len(t, s.MeshTraces, 2)
		assert.Equal(t, map[string]string{DisplayNameLabel: "a"}, s.MeshTraces[0].Labels.Map())
		assert.Equal(t, `TrafficTrace "a"`, s.MeshTraces[0].Source)
		assert.Equal(t, map[string]string{DisplayNameLabel: "b"}, s.MeshTraces[1].Labels.Map())
		assert.Equal(t, map[string]string{WorkloadLabel: "web"}, s.Dataplanes[0].Labels.Map())
	}
	check(Read([]manifest.Input{manifest.Text("x", text)}))
	var out bytes.Buffer
	_, err := writeSnapshot(t.Context(), &out, Files{manifest.Text("x", text)})
	require.NoError(t, err)
	assert.NotContains(t, out.String(), "hidden")
	check(Read([]manifest.Input{manifest.Text("x", out.String())}))
}

// What cannot be written is said, when the snapshot is made and when it is read.
func TestSnapshotTellsWhatItLeftOut(t *testing.T) {
	deep := `{"apiVersion":"kuma.io/v1alpha1","kind":"TrafficTrace","metadata":{"name":"deep"},"spec":{"selectors":` + strings.Repeat("[", 120) + strings.Repeat("]", 120) + `}}`
	var text bytes.Buffer
	problems, err := writeSnapshot(t.Context(), &text, live{Files: Files{manifest.Object("traffictraces/deep", []byte(deep)), manifest.Text("x", liveObjects)}, origin: &Origin{Source: "x"}})
	require.NoError(t, err)
	require.Len(t, problems, 1)
	s := Read([]manifest.Input{manifest.Text("state.yaml", text.String())})
	require.Len(t, s.Origin.LeftOut, 1)
	assert.Equal(t, "traffictraces/deep", s.Origin.LeftOut[0].Resource)
	require.Len(t, s.Problems, 1)
	assert.Equal(t, manifest.Error, s.Problems[0].Severity)
	assert.Equal(t, problems[0].Message(), s.Problems[0].Message())
	assert.True(t, s.Skippable(s.Problems[0]), "it was left out, and the rest is there")
	assert.Len(t, s.Skipping(nil).Meshes, len(s.Meshes))
}

// Of two snapshots each must be whole, and they must be of one control plane.
func TestTwoSnapshots(t *testing.T) {
	snapshot := func(version, name string) string {
		return "apiVersion: tracemigrate/v1\nkind: SnapshotOrigin\nsource: x\nversion: " + version + "\n---\ntype: Mesh\nname: " + name + "\n---\napiVersion: tracemigrate/v1\nkind: SnapshotEnd\n"
	}
	read := func(texts ...string) []string {
		var inputs []manifest.Input
		for i, text := range texts {
			inputs = append(inputs, manifest.Text(strconv.Itoa(i)+".yaml", text))
		}
		s := Read(inputs)
		var messages []string
		for _, p := range s.Problems {
			assert.False(t, s.Skippable(p))
			messages = append(messages, p.Error())
		}
		return messages
	}
	assert.Empty(t, read(snapshot("2.13.1", "a"), snapshot("2.13.1", "b")))
	cut, _, _ := strings.Cut(snapshot("2.13.1", "b"), "---\napiVersion")
	messages := read(snapshot("2.13.1", "a"), cut)
	require.Len(t, messages, 1)
	assert.Contains(t, messages[0], "1.yaml: SnapshotOrigin: the snapshot is cut off")
	messages = read(snapshot("2.13.1", "a"), snapshot("2.5.0", "b"))
	require.Len(t, messages, 1)
	assert.Contains(t, messages[0], "1.yaml:1: SnapshotOrigin: is a snapshot of x: Kuma 2.5.0")
}
