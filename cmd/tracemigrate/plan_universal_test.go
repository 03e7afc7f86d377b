package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"tracemigrate/fixtures"
)

// fakeKumactl sends what kumactl is asked to the test's control plane: apply -f FILE,
// and get or delete KIND --mesh MESH -- NAME.
const fakeKumactl = `#!/bin/sh
case "$1" in
apply) exec curl -sS --fail-with-body -X POST --data-binary "@$3" "$CONTROL_PLANE/kumactl/apply" ;;
get | delete) exec curl -sS --fail-with-body -X POST -H "Mesh: $4" -H "Name: $6" "$CONTROL_PLANE/kumactl/$1/$2" ;;
esac
exit 64
`

// universalPlane is a control plane on Universal that kumactl changes.
type universalPlane struct {
	*fixtures.ControlPlane
	t    *testing.T
	now  time.Time // each resource is created a second after the one before
	lock sync.Mutex
}

// ServeHTTP answers one request at a time.
func (u *universalPlane) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.lock.Lock()
	defer u.lock.Unlock()
	u.ControlPlane.ServeHTTP(w, r)
}

var kumactlKinds = map[string]string{"traffic-trace": "TrafficTrace", "meshtrace": "MeshTrace"}

// answer handles the requests of fakeKumactl.
func (u *universalPlane) answer(w http.ResponseWriter, r *http.Request) bool {
	command, ok := strings.CutPrefix(r.URL.Path, "/kumactl/")
	if !ok {
		return false
	}
	if command == "apply" {
		decoder := yaml.NewDecoder(r.Body)
		for {
			var resource map[string]any
			err := decoder.Decode(&resource)
			if errors.Is(err, io.EOF) {
				return true
			}
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return true
			}
			u.apply(resource)
		}
	}
	command, kind, _ := strings.Cut(command, "/")
	existed := u.change(kumactlKinds[kind], r.Header.Get("Mesh"), r.Header.Get("Name"), func(map[string]any) map[string]any {
		return nil
	}, command == "delete")
	if !existed {
		w.WriteHeader(http.StatusNotFound)
	}
	return true
}

// apply creates or replaces a resource; one that is replaced keeps its creation time.
func (u *universalPlane) apply(resource map[string]any) {
	kind, mesh, name := fmt.Sprint(resource["type"]), fmt.Sprint(resource["mesh"]), fmt.Sprint(resource["name"])
	text, err := json.Marshal(resource) // as the API has it
	require.NoError(u.t, err)
	var copied map[string]any
	require.NoError(u.t, json.Unmarshal(text, &copied))
	replaced := u.change(kind, mesh, name, func(old map[string]any) map[string]any {
		copied["creationTime"] = old["creationTime"]
		return copied
	}, true)
	if !replaced {
		u.now = u.now.Add(time.Second)
		copied["creationTime"] = u.now.Format(time.RFC3339)
		u.Add(copied)
	}
}

// change replaces or deletes a resource in all lists, if it should, and reports whether it
// exists.
func (u *universalPlane) change(kind, mesh, name string, to func(old map[string]any) map[string]any, should bool) bool {
	existed := false
	for path, list := range u.Lists {
		for i, r := range list {
			if r["type"] != kind || r["name"] != name || kind != "Mesh" && r["mesh"] != mesh {
				continue
			}
			existed = true
			if !should {
				break
			}
			if changed := to(r); changed != nil {
				list[i] = changed
			} else {
				u.Lists[path] = slices.Delete(list, i, i+1)
			}
			break
		}
	}
	return existed
}

// state returns all resources without times.
func (u *universalPlane) state() string {
	u.lock.Lock()
	defer u.lock.Unlock()
	all := make(map[string]string)
	for _, list := range u.Lists {
		for _, r := range list {
			copied := make(map[string]any)
			for key, value := range r {
				if key != "creationTime" && key != "modificationTime" {
					copied[key] = value
				}
			}
			text, err := json.Marshal(copied)
			require.NoError(u.t, err)
			all[fmt.Sprint(r["type"], r["mesh"], r["name"])] = string(text)
		}
	}
	text, err := json.MarshalIndent(all, "", " ")
	require.NoError(u.t, err)
	return string(text)
}

// migrateUniversal starts a control plane with resources, and writes a plan for it.
func migrateUniversal(t *testing.T, text, flags string) (*migration, *universalPlane) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	u := &universalPlane{ControlPlane: fixtures.NewControlPlane(t, text), t: t, now: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}
	u.Answer = u.answer
	server := httptest.NewServer(u)
	t.Cleanup(server.Close)
	dir := filepath.Join(t.TempDir(), "migration")
	code, _, stderr := tool(t, "plan --output-dir "+dir+" --control-plane "+server.URL+flags)
	require.Equal(t, 0, code, stderr)

	m := &migration{t: t, dir: dir}
	bin := t.TempDir()
	linkTool(t, bin)
	require.NoError(t, os.WriteFile(filepath.Join(bin, "kumactl"), []byte(fakeKumactl), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "sleep"), []byte("#!/bin/sh\n"), 0o755))
	m.env = append(os.Environ(), "CONTROL_PLANE="+server.URL, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return m, u
}

// The commands of the README migrate a control plane on Universal, and rollback.sh restores
// it after each of them.
func TestPlanOnUniversal(t *testing.T) {
	withoutRace.Skip(t)
	input, err := os.ReadFile(filepath.Join(fixtures.Dir(), "plan", "hostile-names", "input.yaml"))
	require.NoError(t, err)
	text := strings.ReplaceAll(string(input), "-rf", "-rf.x") + "---\n{type: TrafficTrace, mesh: default, name: tie, creationTime: \"2026-03-01T10:00:02Z\", " +
		"selectors: [{match: {kuma.io/service: web}}], conf: {backend: b}}\n"
	text = strings.ReplaceAll(text, `\n`, " ") // a header has one line
	text = strings.Replace(text, "type: Mesh\n", "type: Mesh\nmtls: {enabledBackend: ca, backends: [{name: ca, type: builtin}]}\n", 1)
	m, u := migrateUniversal(t, text, "")
	before, steps := u.state(), m.steps()
	require.Len(t, steps, 5)
	m.do("sh apply.sh remove; sh verify.sh remove; sh rollback.sh; sh verify.sh rollback") // without the step add
	assert.Equal(t, before, u.state())
	for reached := range 4 {
		for _, step := range steps[:reached+1] {
			m.do(step)
			if reached == 3 { // a step that is repeated changes nothing, so rollback.sh needs no run after it
				once := u.state()
				m.do(step)
				assert.JSONEq(t, once, u.state(), step)
			}
		}
		if reached == 3 {
			assert.NotContains(t, u.state(), `\"TrafficTrace\"`)
			assert.NotContains(t, u.state(), `\"tracing\"`)
			assert.Contains(t, u.state(), `\"mtls\"`)
		}
		m.do(steps[4])
		assert.JSONEq(t, before, u.state())
	}

	u.lock.Lock()
	u.change("Mesh", "", "default", func(old map[string]any) map[string]any {
		old["mtls"] = map[string]any{}
		return old
	}, true)
	u.lock.Unlock()
	code, output := m.shell("sh verify.sh start")
	assert.Equal(t, 1, code)
	assert.Contains(t, output, `Mesh "default": fields other than tracing changed since the plan was written`)
}

// A plan by labels deletes the MeshTraces that its own replace, and rollback.sh creates them again.
func TestPlanByLabelsOnUniversal(t *testing.T) {
	withoutRace.Skip(t)
	input, err := os.ReadFile(filepath.Join(fixtures.Dir(), "convert", "labels-existing-replaced", "input.yaml"))
	require.NoError(t, err)
	m, u := migrateUniversal(t, string(input), " --target-ref dataplane")
	before, steps := u.state(), m.steps()
	require.Len(t, steps, 4)
	for reached := range 3 {
		for _, step := range steps[:reached+1] {
			m.do(step)
			once := u.state()
			m.do(step)
			assert.JSONEq(t, once, u.state(), step)
		}
		if reached > 0 {
			assert.NotContains(t, u.state(), `"MeshTracedefaultz-web"`)
			assert.NotContains(t, u.state(), `"MeshTracedefaulty-team"`)
			assert.Contains(t, u.state(), `"MeshTracedefault1-z-web"`)
		}
		m.do(steps[3])
		assert.JSONEq(t, before, u.state())
	}
	u.lock.Lock()
	u.change("MeshTrace", "default", "z-web", func(map[string]any) map[string]any { return nil }, true)
	u.lock.Unlock()
	code, output := m.shell("sh verify.sh rollback")
	assert.Equal(t, 1, code)
	assert.Contains(t, output, `MeshTrace "z-web" of mesh "default": is missing; run rollback.sh again`)
}
