package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"tracemigrate/fixtures"
)

// fakeKubectl prints what is there for reading commands, and notes down all it is
// asked, with the context.
const fakeKubectl = `#!/bin/sh
printf '%s\n' "$*" >> kubectl.log
if [ "$1" = --context ]; then shift 2; fi
case "$*" in
"config current-context") echo test ;;
get*) cat "$STATE" ;;
esac
`

// playground is a directory with a kubectl on the path, beside tracemigrate. This
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
	require.NoError(t, os.WriteFile(filepath.Join(bin, "kubectl"), []byte(fakeKubectl), 0o755))
	linkTool(t, bin)
	mesh := filepath.Join(p.dir, "mesh")
	require.NoError(t, os.Mkdir(mesh, 0o755))
	text, err := os.ReadFile(state)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(mesh, "state.yaml"), text, 0o644))
	p.env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "STATE="+filepath.Join(mesh, "state.yaml"),
		"GITHUB_STEP_SUMMARY="+filepath.Join(p.dir, "summary.md"))
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

// playbook returns the path of a playbook.
func playbook(name string) string {
	return filepath.Join(filepath.Dir(fixtures.Dir()), "docs", "playbooks", name)
}

func TestShellPlaybookArguments(t *testing.T) {
	good, _ := states(t)
	p := newPlayground(t, good)
	for _, args := range [][]string{{}, {"2.13"}, {"delete"}, {"--help"}} {
		code, said := p.said(append([]string{playbook("upgrade.sh")}, args...)...)
		require.Equal(t, 2, code, "%v", args)
		assert.Contains(t, said, "usage: ")
		assert.Empty(t, p.file("kubectl.log"), "nothing was read")
	}
	code, said := p.said(playbook("upgrade.sh"), "add")
	assert.Equal(t, 2, code, said)
	assert.Empty(t, p.changes(), "there is no plan")
}

// The script migrates a cluster, refuses to begin when something changed since the plan, and
// goes back.
func TestShellPlaybook(t *testing.T) {
	withoutRace.Skip(t)
	m := migrate(t, twoBackends, tied("web", "kuma.io/service: web", "b"))
	require.NoError(t, os.RemoveAll(m.dir))
	require.NoError(t, os.Mkdir(m.dir, 0o755))
	m.env = append(m.env, "WORK=plan")
	before := m.state()
	for _, step := range []string{"plan", "start", "shadow", "add", "add", "remove", "remove"} {
		m.do("sh " + playbook("upgrade.sh") + " " + step)
	}
	assert.NotContains(t, m.state(), "traffictraces /all")
	m.do("sh " + playbook("upgrade.sh") + " rollback")
	assert.Equal(t, before, m.state())

	m.do("kubectl delete traffictrace web")
	code, output := m.shell("sh " + playbook("upgrade.sh") + " start")
	assert.Equal(t, 1, code)
	assert.Contains(t, output, `TrafficTrace "web" of mesh "default": is missing`)

	time.Sleep(1100 * time.Millisecond) // it ties with the one that rollback created again
	m.c.Apply(t, tied("any", "team: '*'", "b"))
	m.do("kubectl delete dataplanes --all -n shop")
	code, output = m.shell("WORK=other sh " + playbook("upgrade.sh") + " plan")
	assert.Equal(t, 1, code, "a wildcard without Dataplanes")
	assert.Contains(t, output, "nothing was written")
	assert.NoDirExists(t, filepath.Join(m.dir, "other"))
}

// The tasks migrate a cluster step by step.
func TestAnsiblePlaybook(t *testing.T) {
	withoutRace.Skip(t)
	text, err := os.ReadFile(playbook("ansible.yaml"))
	require.NoError(t, err)
	var tasks []map[string]any
	require.NoError(t, yaml.Unmarshal(text, &tasks))
	assert.Contains(t, tasks[0], "ansible.builtin.assert", "the variables come first")
	m := migrate(t, twoBackends, tied("web", "kuma.io/service: web", "b"))
	require.NoError(t, os.RemoveAll(m.dir))
	require.NoError(t, os.Mkdir(m.dir, 0o755))
	before := m.state()
	ran := 0
	for _, step := range []string{"plan", "start", "shadow", "add", "remove", "rollback"} {
		for _, task := range tasks[1:] {
			if !selects(t, task["when"].(string), step) {
				continue
			}
			command := task["ansible.builtin.command"].(map[string]any)["cmd"].(string)
			command = strings.NewReplacer("{{ work | quote }}", "work", "{{ kube_context | quote }}", "test", "{{ step }}", step).Replace(command)
			require.NotContains(t, command, "{{")
			m.do(command)
			ran++
		}
		if step == "remove" {
			assert.NotContains(t, m.state(), "traffictraces /all")
		}
	}
	assert.Equal(t, 10, ran)
	assert.Equal(t, before, m.state())
}

// selects evaluates a condition of a task, for the forms in use.
func selects(t *testing.T, when, step string) bool {
	t.Helper()
	quoted := `"` + step + `"`
	if list, ok := strings.CutPrefix(when, "step in "); ok {
		return strings.Contains(list, quoted)
	}
	if name, ok := strings.CutPrefix(when, "step == "); ok {
		return name == quoted
	}
	name, ok := strings.CutPrefix(when, "step != ")
	require.True(t, ok, when)
	return name != quoted
}

func TestActionsPlaybook(t *testing.T) {
	withoutRace.Skip(t)
	text, err := os.ReadFile(playbook("github-actions.yaml"))
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
		uploaded := ""
		for _, step := range workflow.Jobs["meshtrace"].Steps {
			switch {
			case strings.HasPrefix(step.Uses, "actions/upload-"):
				uploaded = step.With.Path
			case step.Run == "" || step.Dir != "": // the tool is here already
			case code == 0 || step.If == "always()":
				ran++
				code = max(code, p.run("-e", "-c", step.Run))
			}
		}
		assert.Equal(t, want, code)
		assert.Equal(t, "migration", uploaded)
		if want == 0 {
			assert.Equal(t, 3, ran)
			assert.Contains(t, p.file("summary.md"), "# Migration of tracing to MeshTrace")
			assert.NotEmpty(t, p.file("migration/2-add/kustomization.yaml"))
			continue
		}
		assert.Contains(t, p.file("summary.md"), "wildcard-without-dataplanes")
		assert.NoDirExists(t, filepath.Join(p.dir, "migration"))
	}
}

// The commands of docs/diff.md that compare running proxies work as they are typed.
func TestDumpsOfRunningProxies(t *testing.T) {
	withoutRace.Skip(t)
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
	withoutRace.Skip(t)
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
	withoutRace.Skip(t)
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("there is no shellcheck")
	}
	output, err := exec.CommandContext(t.Context(), "shellcheck", filepath.Join(filepath.Dir(fixtures.Dir()), "docs", "playbooks", "upgrade.sh")).CombinedOutput()
	require.NoError(t, err, "%s", output)
}
