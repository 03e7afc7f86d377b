package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
	"k8s.io/client-go/util/jsonpath"

	"tracemigrate/fixtures"
)

// fakeKubectl prints what is there for reading commands, and notes down all it is
// asked, with the context.
const fakeKubectl = `#!/bin/sh
printf '%s\n' "$*" >> kubectl.log
if [ "$1" = --context ]; then shift 2; fi
case "$*" in
"config current-context") echo test ;;
"get traffictraces -o name") cat "$TRACES" ;;
"get meshes -o jsonpath"*) printf 'default\nshop\n' ;;
get*) cat "$STATE" ;;
esac
`

// playground is a directory with tracemigrate and kubectl on the path. This
// kubectl is a fake: it prints a fixture for `get` and notes down the rest, since
// the playbooks' other commands need a cluster that this test has not.
type playground struct {
	t   *testing.T
	dir string
	env []string
}

func newPlayground(t *testing.T, state string) *playground {
	t.Helper()
	p := &playground{t: t, dir: t.TempDir()}
	bin := filepath.Join(p.dir, "bin")
	require.NoError(t, os.Mkdir(bin, 0o755))
	root := filepath.Dir(fixtures.Dir())
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, "tracemigrate"), "./cmd/tracemigrate")
	build.Dir = root
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.NoError(t, os.WriteFile(filepath.Join(bin, "kubectl"), []byte(fakeKubectl), 0o755))
	mesh := filepath.Join(p.dir, "mesh")
	require.NoError(t, os.Mkdir(mesh, 0o755))
	text, err := os.ReadFile(state)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(mesh, "state.yaml"), text, 0o644))
	p.env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "STATE="+filepath.Join(mesh, "state.yaml"),
		"GITHUB_STEP_SUMMARY="+filepath.Join(p.dir, "summary.md"), "TRACES="+filepath.Join(p.dir, "traces"))
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "traces"), []byte("traffictrace.kuma.io/all\n"), 0o644))
	return p
}

// run runs a command and returns its exit code.
func (p *playground) run(shell ...string) int {
	p.t.Helper()
	code, _ := p.said(shell...)
	return code
}

// said runs a command and returns its exit code and what it printed.
func (p *playground) said(shell ...string) (int, string) {
	p.t.Helper()
	command := exec.CommandContext(p.t.Context(), "sh", shell...)
	command.Dir, command.Env = p.dir, p.env
	output, err := command.CombinedOutput()
	if command.ProcessState == nil {
		require.NoError(p.t, err)
	}
	p.t.Logf("%s\n%s", strings.Join(shell, " "), output)
	return command.ProcessState.ExitCode(), string(output)
}

// changes returns what kubectl was asked to do since the last call, but for reading.
func (p *playground) changes() string {
	var changes strings.Builder
	for line := range strings.Lines(p.file("kubectl.log")) {
		if !strings.Contains(line, " get ") && !strings.HasPrefix(line, "config ") {
			changes.WriteString(line)
		}
	}
	require.NoError(p.t, os.RemoveAll(filepath.Join(p.dir, "kubectl.log")))
	return changes.String()
}

func (p *playground) file(name string) string {
	text, err := os.ReadFile(filepath.Join(p.dir, name))
	if os.IsNotExist(err) {
		return ""
	}
	require.NoError(p.t, err)
	return string(text)
}

// The two states: one that can be carried over, and one that cannot.
func states(t *testing.T) (good, bad string) {
	t.Helper()
	dir := t.TempDir()
	good = filepath.Join(dir, "good.yaml")
	mesh, err := os.ReadFile(filepath.Join(fixtures.Dir(), "demo", "mesh.yaml"))
	require.NoError(t, err)
	proxies, err := os.ReadFile(filepath.Join(fixtures.Dir(), "demo", "dataplanes.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(good, []byte(string(mesh)+"---\n"+string(proxies)), 0o644))
	return good, filepath.Join(fixtures.Dir(), "convert", "wildcard-without-dataplanes", "input.yaml")
}

func TestShellPlaybook(t *testing.T) {
	script := filepath.Join(filepath.Dir(fixtures.Dir()), "docs", "playbooks", "upgrade.sh")
	good, bad := states(t)

	p := newPlayground(t, good)
	for _, args := range [][]string{{}, {"2"}, {"latest"}, {"2.13."}, {"2.13", "remove"}, {"2.13", "delete", "now"}} {
		code, said := p.said(append([]string{script}, args...)...)
		require.Equal(t, 2, code, "%v", args)
		assert.Contains(t, said, script+": ")
		assert.Empty(t, p.file("kubectl.log"), "nothing was read")
		assert.NoDirExists(t, filepath.Join(p.dir, "tracing-migration"))
	}
	code, said := p.said(script, "2.13")
	require.Equal(t, 0, code)
	assert.Contains(t, said, "context test: applying the MeshTraces\n")
	assert.Contains(t, said, "context test: when traces arrive, run: "+script+" 2.13 delete\n")
	assert.Contains(t, p.file("tracing-migration/diff.md"), "proxies keep collector and sampling")
	assert.NotContains(t, p.file("kubectl.log"), "\nget", "every command names the context")
	assert.Equal(t, "--context test apply -f ./tracing-migration/meshtraces.yaml\n", p.changes())
	applied := p.file("tracing-migration/meshtraces.yaml")
	require.Equal(t, 1, p.run(script, "2.13", "remove-tracing"), "the TrafficTraces use it")
	assert.Empty(t, p.changes())
	require.Equal(t, 0, p.run("-c", "(echo ---; cat tracing-migration/meshtraces.yaml) >> mesh/state.yaml")) // as the fake does not
	require.Equal(t, 0, p.run(script, "2.13", "delete"))
	assert.Equal(t, applied, p.file("tracing-migration/meshtraces.yaml"))
	assert.Equal(t, "--context test diff -f ./tracing-migration/meshtraces.yaml\n--context test delete traffictraces --all\n", p.changes())

	p.env = append(p.env, "CONTEXT=other")
	code, said = p.said(script, "2.13", "delete")
	require.Equal(t, 2, code, "the files are of another cluster")
	assert.Contains(t, said, "holds the migration of context test, and this is other")
	assert.Empty(t, p.file("kubectl.log"))
	p.env = append(p.env, "CONTEXT=test")

	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "traces"), nil, 0o644))
	code, said = p.said(script, "2.13", "remove-tracing")
	require.Equal(t, 0, code)
	assert.Contains(t, said, "context test: removing the field tracing from Mesh shop\n")
	const patch = ` --type=json -p [{"op":"remove","path":"/spec/tracing"}]` + "\n"
	assert.Equal(t, "--context test patch mesh default"+patch+"--context test patch mesh shop"+patch, p.changes())

	p = newPlayground(t, bad)
	require.Equal(t, 1, p.run(script, "2.13"))
	assert.Empty(t, p.changes(), "nothing was changed")
}

// The expression by which the playbooks find Meshes with the field tracing.
func TestPlaybookJSONPath(t *testing.T) {
	const expression = `{range .items[?(@.spec.tracing)]}{.metadata.name}{"\n"}{end}`
	for _, name := range []string{"upgrade.sh", "ansible.yaml"} {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(fixtures.Dir()), "docs", "playbooks", name))
		require.NoError(t, err)
		assert.Contains(t, string(text), "jsonpath="+expression+"'")
	}
	parser := jsonpath.New("meshes").AllowMissingKeys(true) // as kubectl does
	require.NoError(t, parser.Parse(expression))
	var meshes any
	require.NoError(t, json.Unmarshal([]byte(`{"items": [
		{"metadata": {"name": "traced"}, "spec": {"tracing": {"backends": []}}},
		{"metadata": {"name": "quiet"}, "spec": {"mtls": {}}}, {"metadata": {"name": "empty"}}]}`), &meshes))
	var out bytes.Buffer
	require.NoError(t, parser.Execute(&out, meshes))
	assert.Equal(t, "traced\n", out.String())
}

func TestAnsiblePlaybook(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(fixtures.Dir()), "docs", "playbooks", "ansible.yaml"))
	require.NoError(t, err)
	var tasks []map[string]any
	require.NoError(t, yaml.Unmarshal(text, &tasks))
	var commands []string
	for _, task := range tasks {
		for _, module := range []string{"ansible.builtin.shell", "ansible.builtin.command"} {
			if arguments, ok := task[module].(map[string]any); ok {
				commands = append(commands, arguments["cmd"].(string))
			}
		}
	}
	require.Len(t, commands, 8)
	assert.Contains(t, tasks[0], "ansible.builtin.assert", "the variables come first")
	good, bad := states(t)
	for state, want := range map[string]int{good: 0, bad: 1} {
		p := newPlayground(t, state)
		require.Equal(t, 0, p.run("-c", "mkdir work"))
		code := 0
		for _, command := range commands {
			command = strings.NewReplacer("{{ work | quote }}", "work", "{{ kuma_version }}", "2.13", "{{ kube_context | quote }}", "test", "{{ item | quote }}", "shop").Replace(command)
			require.NotContains(t, command, "{{")
			if code = p.run("-c", command); code != 0 {
				break
			}
		}
		assert.Equal(t, want, code)
		assert.NotContains(t, p.file("kubectl.log"), "\nget", "every command names the context")
		changes := p.changes()
		if want != 0 {
			assert.Empty(t, changes)
			continue
		}
		assert.Equal(t, "--context test apply -f work/meshtraces\n--context test diff -f work/meshtraces\n--context test delete traffictraces --all\n"+
			`--context test patch mesh shop --type=json -p [{"op":"remove","path":"/spec/tracing"}]`+"\n", changes)
	}
}

func TestActionsPlaybook(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(fixtures.Dir()), "docs", "playbooks", "github-actions.yaml"))
	require.NoError(t, err)
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct {
				Uses, Run, If string
				Dir           string `yaml:"working-directory"`
				With          struct{ Path string }
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &workflow))
	good, bad := states(t)
	for state, want := range map[string]int{good: 0, bad: 1} {
		p := newPlayground(t, state)
		code, ran := 0, 0
		var uploaded []string
		for _, step := range workflow.Jobs["meshtrace"].Steps {
			switch {
			case strings.HasPrefix(step.Uses, "actions/upload-"):
				for _, name := range strings.Fields(step.With.Path) {
					uploaded = append(uploaded, name)
					if want == 0 {
						assert.NotEmpty(t, p.file(name), name)
					}
				}
			case step.Run == "" || step.Dir != "": // the tool is here already
			case code == 0 || step.If == "always()":
				ran++
				code = max(code, p.run("-e", "-c", step.Run))
			}
		}
		assert.Equal(t, want, code)
		assert.Equal(t, []string{"meshtraces.yaml", "notes.json", "tracing.xml"}, uploaded)
		assert.NotEmpty(t, p.file("summary.md"))
		assert.NotEmpty(t, p.file("notes.json"))
		if want == 0 {
			assert.Equal(t, 3, ran)
			assert.Contains(t, p.file("tracing.xml"), `failures="0"`)
			assert.Contains(t, p.file("summary.md"), "proxies keep collector and sampling")
		}
	}
}

// The commands of docs/diff.md that compare running proxies work as they are typed.
func TestDumpsOfRunningProxies(t *testing.T) {
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("there is no jq")
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(fixtures.Dir()), "docs", "diff.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## Running proxies\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	var typed []string
	for _, part := range strings.Split(section, "```sh\n")[1:] {
		block, _, _ := strings.Cut(part, "```\n")
		typed = append(typed, block)
	}
	good, _ := states(t)
	p := newPlayground(t, good)
	fake := `#!/bin/sh
echo "$@" >> kumactl.log
case "$3" in search*) echo "no such proxy" >&2; exit 1 ;; esac
cat <<'EOF'
{"configs": [{"dynamic_listeners": [{"name": "inbound:10.0.0.1:8080", "active_state": {"listener": {"name": "inbound:10.0.0.1:8080", "filter_chains": []}}}]}]}
EOF
`
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "bin", "kumactl"), []byte(fake), 0o755))
	require.NoError(t, os.Rename(filepath.Join(p.dir, "mesh", "state.yaml"), filepath.Join(p.dir, "state.yaml")))
	code, said := p.said("-e", "-c", strings.Join(typed, "echo MIGRATED\n"))
	require.Equal(t, 0, code)
	assert.Contains(t, said, "3 proxies compared: 3 same, 0 inherent, 0 different")
	assert.Contains(t, said, "no dump of default/search-58f7d-77hgs.shop")
	assert.Contains(t, p.file("kumactl.log"), "inspect dataplane payments-7f9d8-lq2wz.shop --mesh default --type=config-dump\n")
	assert.FileExists(t, filepath.Join(p.dir, "after", "default", "payments-7f9d8-lq2wz.shop.json"))
}

// The next steps of a report on a snapshot can be pasted as they are: they name the
// context that was read, and delete exactly the TrafficTraces that were.
func TestNextStepsCanBePasted(t *testing.T) {
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("there is no jq")
	}
	good, _ := states(t)
	mesh, err := os.ReadFile(good)
	require.NoError(t, err)
	state := "apiVersion: tracemigrate/v1\nkind: SnapshotOrigin\nsource: x\nendpoint: {kubernetes: 'https://k', context: prod}\nversion: 2.13.1\nmode: zone\nenvironment: kubernetes\n---\n" + string(mesh)
	var names strings.Builder
	for i := range 120 {
		state += fmt.Sprintf("---\n{apiVersion: kuma.io/v1alpha1, kind: TrafficTrace, mesh: default, metadata: {name: many-%03d}, spec: {selectors: [{match: {kuma.io/service: s%03d}}]}}\n", i, i)
	}
	state += "---\n{apiVersion: tracemigrate/v1, kind: SnapshotEnd}\n"
	p := newPlayground(t, good)
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "state.yaml"), []byte(state), 0o644))
	code, said := p.said("-c", "tracemigrate report -f state.yaml -o json | jq -r '.nextSteps[].command' | grep -v 'diff --shadow' > steps.sh && sh -eux steps.sh")
	require.Equal(t, 0, code, said)
	changes := p.changes()
	for line := range strings.Lines(changes) {
		assert.True(t, strings.HasPrefix(line, "--context prod "), line)
		if these, ok := strings.CutPrefix(strings.TrimSpace(line), "--context prod delete traffictrace "); ok {
			names.WriteString(these + " ")
		}
	}
	deleted := strings.Fields(names.String())
	assert.Len(t, deleted, 123)
	assert.Subset(t, deleted, []string{"all", "teams", "payments", "many-000", "many-119"})
	assert.Contains(t, changes, "--context prod apply -f meshtraces.yaml\n")
}

// A shell that is stricter than the tests' own finds nothing in the script.
func TestShellPlaybookIsClean(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("there is no shellcheck")
	}
	output, err := exec.CommandContext(t.Context(), "shellcheck", filepath.Join(filepath.Dir(fixtures.Dir()), "docs", "playbooks", "upgrade.sh")).CombinedOutput()
	require.NoError(t, err, "%s", output)
}
