package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"tracemigrate/fixtures/kubernetes"
)

// migration is a cluster with a plan, and a shell that has kubectl and tracemigrate.
type migration struct {
	t   *testing.T
	c   *kubernetes.Cluster
	dir string // the plan
	env []string

	flags string // of plan
}

// migrate starts a cluster with legacy tracing, and writes a plan for it.
func migrate(t *testing.T, legacy ...string) *migration {
	t.Helper()
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Skip("there is no kubectl")
	}
	c := kubernetes.Start(t)
	c.Reset(t, kubernetes.CRDs)
	c.Apply(t, deployment)
	for i, text := range legacy {
		if i > 0 {
			time.Sleep(1100 * time.Millisecond) // creation times have whole seconds
		}
		c.Apply(t, text)
	}
	config := c.Kubeconfig(t, "admin")
	m := &migration{t: t, c: c, dir: filepath.Join(t.TempDir(), "tracing-migration")}
	t.Setenv("KUBECONFIG", config)
	bin := t.TempDir()
	linkTool(t, bin)
	m.env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	m.plan()
	return m
}

func (m *migration) plan() {
	m.t.Helper()
	code, _, stderr := tool(m.t, "plan --force --output-dir "+m.dir+m.flags)
	require.Equal(m.t, 0, code, stderr)
}

// shell runs commands in the directory of the plan.
func (m *migration) shell(commands string) (code int, output string) {
	m.t.Helper()
	command := exec.CommandContext(m.t.Context(), "sh", "-e", "-c", commands)
	command.Dir, command.Env = m.dir, m.env
	text, err := command.CombinedOutput()
	if command.ProcessState == nil {
		require.NoError(m.t, err)
	}
	m.t.Logf("%s\n%s", commands, text)
	return command.ProcessState.ExitCode(), string(text)
}

// do runs commands that must succeed.
func (m *migration) do(commands string) {
	m.t.Helper()
	code, output := m.shell(commands)
	require.Equal(m.t, 0, code, output)
}

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```\n")

// steps returns the commands of the README, those of going back last.
func (m *migration) steps() []string {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(m.dir, "README.md"))
	require.NoError(m.t, err)
	var steps []string
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		steps = append(steps, block[1])
	}
	return steps
}

// state returns the resources of tracing without what the server sets: equal states are
// the same for their authors.
func (m *migration) state() map[string]any {
	m.t.Helper()
	client, err := dynamic.NewForConfig(m.c.Config("admin"))
	require.NoError(m.t, err)
	state := make(map[string]any)
	for _, resource := range []string{"meshes", "traffictraces", "meshtraces", "dataplanes"} {
		list, err := client.Resource(schema.GroupVersionResource{Group: "kuma.io", Version: "v1alpha1", Resource: resource}).
			List(context.Background(), metav1.ListOptions{})
		require.NoError(m.t, err)
		for i := range list.Items {
			o := &list.Items[i]
			for _, field := range []string{"creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"} {
				unstructured.RemoveNestedField(o.Object, "metadata", field)
			}
			annotations := o.GetAnnotations()
			delete(annotations, "kubectl.kubernetes.io/last-applied-configuration")
			if len(annotations) == 0 {
				annotations = nil
			}
			o.SetAnnotations(annotations)
			state[fmt.Sprintf("%s %s/%s", resource, o.GetNamespace(), o.GetName())] = o.Object
		}
	}
	return state
}

const twoBackends = `apiVersion: kuma.io/v1alpha1
kind: Mesh
metadata: {name: default, labels: {team: platform}}
spec:
  mtls: {enabledBackend: ""}
  tracing:
    defaultBackend: a
    backends:
    - {name: a, type: zipkin, sampling: 80, conf: {url: "http://user:secret@a:9411/api/v2/spans"}}
    - {name: b, type: zipkin, conf: {url: "http://b:9411/api/v2/spans"}}
    - {name: c, type: datadog, conf: {address: c, port: 8126}}
---
{apiVersion: kuma.io/v1alpha1, kind: TrafficRoute, mesh: default, metadata: {name: all}, spec: {}}
---
apiVersion: kuma.io/v1alpha1
kind: Dataplane
mesh: default
metadata: {name: web-1, namespace: shop}
spec: {networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http, team: x, tier: front}}]}}
---
apiVersion: kuma.io/v1alpha1
kind: Dataplane
mesh: default
metadata: {name: api-1, namespace: shop}
spec: {networking: {address: 10.0.0.2, inbound: [{port: 80, tags: {kuma.io/service: api, kuma.io/protocol: http}}]}}
---
apiVersion: kuma.io/v1alpha1
kind: TrafficTrace
mesh: default
metadata: {name: all, labels: {owner: "007", "kuma.io/env": kubernetes}, annotations: {note: "it's \"quoted\": $(id) # x"}}
spec: {selectors: [{match: {kuma.io/service: "*"}}]}
`

// tied returns a TrafficTrace whose rank is that of the other tied ones.
func tied(name, tag, backend string) string {
	return fmt.Sprintf("{apiVersion: kuma.io/v1alpha1, kind: TrafficTrace, mesh: default, metadata: {name: %s}, "+
		"spec: {selectors: [{match: {%s}}], conf: {backend: %s}}}\n", name, tag, backend)
}

// The commands of the README, run as they are, migrate; after each step verify.sh exits
// with 0, and rollback.sh restores what was there before.
func TestPlanMigratesAndGoesBack(t *testing.T) {
	withoutRace.Skip(t)
	m := migrate(t, twoBackends, tied("zz", "team: x", "b"), tied("aa", "tier: front", "c"), tied("mm", "kuma.io/service: web", "b"))
	before := m.state()
	steps := m.steps()
	require.Len(t, steps, 5)
	m.do("sh apply.sh shadow; sh apply.sh remove; sh verify.sh remove; sh rollback.sh; sh verify.sh rollback") // without the step add
	assert.Equal(t, before, m.state())
	for reached := range 4 {
		t.Run(fmt.Sprintf("from step %d", reached+1), func(t *testing.T) {
			for _, step := range steps[:reached+1] {
				m.do(step)
				if reached == 3 { // a step that is repeated changes nothing, so rollback.sh needs no run after it
					once := m.state()
					m.do(step)
					assert.Equal(t, once, m.state(), step)
				}
			}
			if reached == 3 {
				m.migrated(before)
			}
			m.do(steps[4])
			assert.Equal(t, before, m.state())
			m.do("tracemigrate snapshot > ../now.yaml; sh verify.sh start")
			m.do(steps[4])
		})
	}
}

// So does a plan whose MeshTraces select by labels, which begins with the step add.
func TestPlanByLabels(t *testing.T) {
	withoutRace.Skip(t)
	m := migrate(t, strings.NewReplacer("name: web-1,", "name: web-1, labels: {app: web},", "name: api-1,", "name: api-1, labels: {app: api},").Replace(twoBackends),
		tied("mm", "kuma.io/service: web", "b"))
	m.flags = " --target-ref dataplane"
	m.plan()
	before := m.state()
	steps := m.steps()
	require.Len(t, steps, 4)
	for _, step := range steps[:3] {
		m.do(step)
	}
	m.migrated(before)
	code, output := m.shell("kubectl get meshtraces -n kuma-system -o yaml")
	assert.Equal(t, 0, code)
	assert.Contains(t, output, "app: web")
	m.do(steps[3])
	assert.Equal(t, before, m.state())

	m.flags = "" // MeshTraces by tags are replaced by another plan
	m.plan()
	m.do("sh apply.sh add; sh apply.sh remove")
	m.flags = " --target-ref dataplane"
	m.plan()
	before = m.state()
	steps = m.steps()
	require.Len(t, steps, 3)
	m.do(steps[0])
	m.do(steps[1])
	assert.NotEqual(t, before, m.state())
	m.do(steps[2])
	assert.Equal(t, before, m.state())
}

const idleMeshTrace = `apiVersion: kuma.io/v1alpha1
kind: MeshTrace
metadata: {name: idle, namespace: kuma-system, labels: {kuma.io/mesh: default}}
spec: {targetRef: {kind: Mesh}, default: {sampling: {client: 1}}}
`

// A plan by labels deletes the MeshTraces that its own replace: those that trace no proxy before
// these are applied, the others afterwards.
func TestPlanByLabelsDeletesMeshTraces(t *testing.T) {
	withoutRace.Skip(t)
	labelled := strings.NewReplacer("name: web-1,", "name: web-1, labels: {app: web},", "name: api-1,", "name: api-1, labels: {app: api},").Replace(twoBackends)
	m := migrate(t, labelled)
	m.c.Apply(t, `apiVersion: kuma.io/v1alpha1
kind: MeshTrace
metadata: {name: of-the-team, namespace: kuma-system, labels: {kuma.io/mesh: default, owner: me}}
spec: {targetRef: {kind: MeshService, name: api}, default: {sampling: {overall: 7}, backends: [{type: Zipkin, zipkin: {url: "http://u:p@c:9411/api/v2/spans"}}]}}
---
`+idleMeshTrace)
	m.flags = " --target-ref dataplane"
	m.plan()
	before, steps := m.state(), m.steps()
	require.Len(t, steps, 4)
	for _, step := range steps[:2] {
		m.do(step)
	}
	after := m.state()
	assert.NotContains(t, after, "meshtraces kuma-system/of-the-team")
	assert.NotContains(t, after, "meshtraces kuma-system/idle")
	m.c.Apply(t, idleMeshTrace)
	code, output := m.shell("sh verify.sh add")
	assert.Equal(t, 1, code)
	assert.Contains(t, output, `MeshTrace "idle" of mesh "default": still exists; repeat the step, or go back with rollback.sh`)
	m.do(steps[1])
	m.do(steps[3])
	assert.Equal(t, before, m.state())

	for _, step := range steps[:3] {
		m.do(step)
	}
	m.migrated(before)
	m.do(steps[2])
	m.do(steps[3])
	assert.Equal(t, before, m.state())
}

// A plan by labels gives a MeshTrace another targetRef under its name, also where others than
// `kubectl apply` made it, whose fields that one keeps.
func TestPlanByLabelsReplacesForeign(t *testing.T) {
	withoutRace.Skip(t)
	m := migrate(t, strings.NewReplacer("name: web-1,", "name: web-1, labels: {app: web},", "name: api-1,", "name: api-1, labels: {app: api},").Replace(twoBackends))
	m.c.Apply(t, `apiVersion: kuma.io/v1alpha1
kind: MeshTrace
metadata: {name: foreign, namespace: kuma-system, labels: {kuma.io/mesh: default}}
spec: {targetRef: {kind: MeshSubset, tags: {kuma.io/service: web}}, default: {sampling: {overall: 7}, backends: [{type: Zipkin, zipkin: {url: "http://c:9411/api/v2/spans"}}]}}
`)
	m.flags = " --target-ref dataplane"
	m.plan()
	before, steps := m.state(), m.steps()
	require.Len(t, steps, 4)
	m.do(steps[1])
	targetRef := m.state()["meshtraces kuma-system/foreign"].(map[string]any)["spec"].(map[string]any)["targetRef"]
	assert.Equal(t, map[string]any{"kind": "Dataplane", "labels": map[string]any{"app": "web"}}, targetRef)
	m.do(steps[1]) // again
	m.do(steps[3])
	assert.Equal(t, before, m.state())
}

// Shadow policies that another client than `kubectl apply` made are shadows no more once the
// policies are applied.
func TestShadowsOfOthersAreReplaced(t *testing.T) {
	withoutRace.Skip(t)
	m := migrate(t, twoBackends)
	m.do("tracemigrate convert --shadow | kubectl create -f -")
	effect := func() (string, bool) {
		all := unstructured.Unstructured{Object: m.state()["meshtraces kuma-system/all"].(map[string]any)}
		value, found := all.GetLabels()["kuma.io/effect"]
		return value, found
	}
	value, _ := effect()
	require.Equal(t, "shadow", value)
	m.do("tracemigrate convert | kubectl apply -f -")
	value, _ = effect()
	assert.Empty(t, value)
	m.do("tracemigrate convert | kubectl apply -f -") // again
	_, found := effect()
	assert.False(t, found)
}

// migrated checks that the legacy tracing of before is gone, and the rest of the Mesh is not.
func (m *migration) migrated(before map[string]any) {
	m.t.Helper()
	after := m.state()
	for name := range before {
		if strings.HasPrefix(name, "traffictraces ") {
			assert.NotContains(m.t, after, name)
		}
	}
	mesh := after["meshes /default"].(map[string]any)
	assert.Equal(m.t, map[string]any{"mtls": map[string]any{"enabledBackend": ""}}, mesh["spec"])
}

// After a part of the TrafficTraces was deleted, those that tie are created again in the
// order of before, because the remaining ones would be older than the new ones.
func TestPlanGoesBackFromAPart(t *testing.T) {
	withoutRace.Skip(t)
	m := migrate(t, twoBackends, tied("zz", "team: x", "b"), tied("aa", "tier: front", "c"))
	before := m.state()
	m.do(`kubectl apply -k 2-add; kubectl delete traffictrace zz all`)
	code, output := m.shell("sh verify.sh remove")
	assert.Equal(t, 1, code)
	assert.Contains(t, output, `TrafficTrace "aa" of mesh "default": still exists`)
	m.do("sh rollback.sh; sh verify.sh rollback")
	assert.Equal(t, before, m.state())

	m.do(`kubectl delete traffictrace aa; kubectl apply -f rollback/tied-2.yaml; sleep 2; kubectl delete traffictrace zz; kubectl apply -f rollback/tied-1.yaml`)
	code, output = m.shell("sh verify.sh rollback")
	assert.Equal(t, 1, code, "they were created in another order")
	assert.Contains(t, output, `TrafficTrace "zz" of mesh "default": was created after TrafficTrace "aa", which had precedence`)
	assert.Contains(t, output, "1 different")
}

// MeshTraces that existed before stay, or are restored if the plan replaces them; a Mesh
// keeps what was changed since.
func TestPlanRestoresMeshTraces(t *testing.T) {
	withoutRace.Skip(t)
	m := migrate(t, twoBackends, `apiVersion: kuma.io/v1alpha1
kind: MeshTrace
metadata: {name: of-the-team, namespace: kuma-system, labels: {kuma.io/mesh: default, owner: me}}
spec: {targetRef: {kind: MeshService, name: api}, default: {sampling: {overall: 7}, backends: [{type: Zipkin, zipkin: {url: "http://u:p@c:9411/api/v2/spans"}}]}}
`)
	_, shadows, _ := tool(t, "convert --shadow")
	m.c.Apply(t, shadows)
	m.plan() // after a rehearsal
	before := m.state()
	require.Len(t, m.steps(), 5)
	for _, step := range m.steps()[:4] {
		m.do(step)
	}
	m.do(`kubectl patch mesh default --type=merge -p '{"spec":{"mtls":{"enabledBackend":"ca"}}}'`)
	m.do("sh rollback.sh; sh verify.sh rollback")
	mesh := before["meshes /default"].(map[string]any)["spec"].(map[string]any)
	mesh["mtls"] = map[string]any{"enabledBackend": "ca"}
	assert.Equal(t, before, m.state())
}
