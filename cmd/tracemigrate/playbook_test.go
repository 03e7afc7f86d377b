package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"tracemigrate/fixtures"
)

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
	fake := "#!/bin/sh\nif [ \"$1\" = get ]; then cat \"$STATE\"; else echo \"$@\" >> kubectl.log; fi\n"
	require.NoError(t, os.WriteFile(filepath.Join(bin, "kubectl"), []byte(fake), 0o755))
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
	command := exec.CommandContext(p.t.Context(), "sh", shell...)
	command.Dir, command.Env = p.dir, p.env
	output, err := command.CombinedOutput()
	if command.ProcessState == nil {
		require.NoError(p.t, err)
	}
	p.t.Logf("%s\n%s", strings.Join(shell, " "), output)
	return command.ProcessState.ExitCode()
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
	require.Equal(t, 0, p.run(script, "2.13"))
	assert.Contains(t, p.file("tracing-migration/diff.md"), "proxies keep collector and sampling")
	assert.Equal(t, "apply -f ./tracing-migration/meshtraces.yaml\n", p.file("kubectl.log"))
	applied := p.file("tracing-migration/meshtraces.yaml")
	require.Equal(t, 0, p.run("-c", "(echo ---; cat tracing-migration/meshtraces.yaml) >> mesh/state.yaml")) // as the fake does not
	require.Equal(t, 0, p.run(script, "2.13", "delete"))
	assert.Equal(t, applied, p.file("tracing-migration/meshtraces.yaml"))
	assert.Equal(t, "apply -f ./tracing-migration/meshtraces.yaml\ndiff -f ./tracing-migration/meshtraces.yaml\ndelete traffictraces --all\n", p.file("kubectl.log"))
	require.Equal(t, 2, p.run(script, "2.13", "remove"))

	p = newPlayground(t, bad)
	require.Equal(t, 1, p.run(script, "2.13"))
	assert.Empty(t, p.file("kubectl.log"), "nothing was changed")
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
	require.Len(t, commands, 6)
	good, bad := states(t)
	for state, want := range map[string]int{good: 0, bad: 1} {
		p := newPlayground(t, state)
		require.Equal(t, 0, p.run("-c", "mkdir work"))
		code := 0
		for _, command := range commands {
			command = strings.NewReplacer("{{ work }}", "work", "{{ kuma_version }}", "2.13").Replace(command)
			require.NotContains(t, command, "{{")
			if code = p.run("-c", command); code != 0 {
				break
			}
		}
		assert.Equal(t, want, code)
		assert.Equal(t, want == 0, strings.Contains(p.file("kubectl.log"), "delete traffictraces"))
	}
}

func TestActionsPlaybook(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(fixtures.Dir()), "docs", "playbooks", "github-actions.yaml"))
	require.NoError(t, err)
	var workflow struct {
		Jobs map[string]struct{ Steps []struct{ Run string } }
	}
	require.NoError(t, yaml.Unmarshal(text, &workflow))
	good, bad := states(t)
	for state, want := range map[string]int{good: 0, bad: 1} {
		p := newPlayground(t, state)
		code, ran := 0, 0
		for _, step := range workflow.Jobs["meshtrace"].Steps {
			if step.Run == "" {
				continue
			}
			ran++
			if code = p.run("-e", "-c", step.Run); code != 0 {
				break
			}
		}
		assert.Equal(t, want, code)
		if want == 0 {
			assert.Equal(t, 3, ran)
			assert.Contains(t, p.file("tracing.xml"), `failures="0"`)
			assert.Contains(t, p.file("summary.md"), "proxies keep collector and sampling")
		}
	}
}
