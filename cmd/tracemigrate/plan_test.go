package main

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/fixtures"
)

// planCases returns the directories of fixtures/plan.
func planCases(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(fixtures.Dir(), "plan", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	return dirs
}

// planTo runs plan in the current directory, with the flags of the file args, and returns
// its exit code and stderr.
func planTo(t *testing.T, directory string, more ...string) (code int, stderr string) {
	t.Helper()
	before := version
	version = "test"
	defer func() { version = before }()
	args := []string{"tracemigrate", "plan", "-f", "input.yaml", "--output-dir", directory}
	if flags, err := os.ReadFile("args"); err == nil {
		args = append(args, strings.Fields(string(flags))...)
	}
	var stdout, words bytes.Buffer
	code = run(t.Context(), append(args, more...), strings.NewReader(""), &stdout, &words)
	assert.Empty(t, stdout.String())
	return code, words.String()
}

// tree returns the files below a directory, by path.
func tree(t *testing.T, directory string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(directory, path)
		files[filepath.ToSlash(name)] = string(text)
		return err
	})
	require.NoError(t, err)
	return files
}

// TestPlanGolden compares the directory of every case with the directory plan beside it.
func TestPlanGolden(t *testing.T) {
	for _, dir := range planCases(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Chdir(dir)
			to := filepath.Join(t.TempDir(), "plan")
			code, stderr := planTo(t, to)
			require.Equal(t, 0, code, stderr)
			got := tree(t, to)
			if *update {
				require.NoError(t, os.RemoveAll("plan"))
				require.NoError(t, os.CopyFS("plan", os.DirFS(to)))
			}
			want := tree(t, "plan")
			assert.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)))
			for name, text := range want {
				assert.Equal(t, text, got[name], "%s (go test ./cmd/tracemigrate -update rewrites it)", name)
			}

			again := filepath.Join(t.TempDir(), "again")
			code, _ = planTo(t, again)
			require.Equal(t, 0, code)
			assert.Equal(t, got, tree(t, again), "the same input gives the same bytes")

			state, err := os.ReadFile("input.yaml")
			require.NoError(t, err)
			if !bytes.Contains(state, []byte("SnapshotOrigin")) { // verify knows the mode of files from flags alone
				assertVerified(t, to, "start")
				assertVerified(t, to, "rollback")
			}
		})
	}
}

// assertVerified verifies a step against the input.
func assertVerified(t *testing.T, directory, step string) {
	t.Helper()
	code, _, stderr := tool(t, "verify --plan "+directory+" --step "+step+" -f input.yaml")
	assert.Equal(t, 0, code, stderr)
}

// The scripts are accepted by a shell, whatever the names, and by shellcheck if it exists.
func TestPlanScripts(t *testing.T) {
	for _, dir := range planCases(t) {
		for name := range tree(t, filepath.Join(dir, "plan")) {
			if filepath.Ext(name) != ".sh" {
				continue
			}
			path := filepath.Join(dir, "plan", name)
			output, err := exec.CommandContext(t.Context(), "sh", "-n", path).CombinedOutput()
			assert.NoError(t, err, "%s", output)
			if _, err := exec.LookPath("shellcheck"); err == nil {
				output, err := exec.CommandContext(t.Context(), "shellcheck", path).CombinedOutput()
				assert.NoError(t, err, "%s", output)
			}
		}
	}
}

// Scripts may be executed. What can have credentials is for its owner only, also where it
// replaces a file that others could read.
func TestPlanModes(t *testing.T) {
	t.Chdir(filepath.Join(fixtures.Dir(), "plan", "universal"))
	to := filepath.Join(t.TempDir(), "plan")
	open := []string{"README.md", "plan.json", "apply.sh", "verify.sh", "rollback.sh"}
	check := func() {
		code, stderr := planTo(t, to, "--force")
		require.Equal(t, 0, code, stderr)
		assert.NotContains(t, stderr, "secret")
		for name := range tree(t, to) {
			info, err := os.Stat(filepath.Join(to, name))
			require.NoError(t, err)
			assert.Equal(t, !slices.Contains(open, name), info.Mode().Perm() == 0o600, name)
			assert.Equal(t, filepath.Ext(name) == ".sh", info.Mode()&0o100 != 0, name)
		}
		for _, dir := range []string{".", "2-add", "3-remove", "rollback"} {
			info, err := os.Stat(filepath.Join(to, dir))
			require.NoError(t, err)
			assert.Equal(t, fs.FileMode(0o700), info.Mode().Perm(), dir)
		}
	}
	check()
	for _, name := range []string{"state.yaml", "rollback/traffictraces.yaml"} {
		require.NoError(t, os.Chmod(filepath.Join(to, name), 0o644))
	}
	check()
}

const bothFormats = "type: Mesh\nname: default\ntracing: {defaultBackend: z, backends: [{name: z, type: zipkin, conf: {url: 'http://z:9411/'}}]}\n---\n" +
	"{apiVersion: kuma.io/v1alpha1, kind: TrafficTrace, mesh: default, metadata: {name: all}, spec: {selectors: [{match: {kuma.io/service: '*'}}]}}\n"

// A plan that would not keep every proxy's tracing, or that cannot be written as a whole,
// writes nothing.
func TestPlanRefuses(t *testing.T) {
	_, recorded, _ := tool(t, "snapshot -f "+filepath.Join(fixtures.Dir(), "plan", "universal", "input.yaml"))
	for name, c := range map[string]struct {
		dir, flags string
		code       int
		want       string
	}{
		"not everything":     {"convert/wildcard-without-dataplanes", "--kuma-version 2.9", 1, "nothing was written"},
		"a proxy differs":    {"convert/gateway-excluded-2.5", "--kuma-version 2.5", 1, "nothing was written"},
		"federated zone":     {"plan/zone-origin", "", 1, "plan there, with --context GLOBAL, or pass --zone-origin"},
		"Kuma 3.0":           {"plan/kubernetes", "--kuma-version 3.0", 2, "with --target-ref dataplane for policies that 3.0 accepts, too"},
		"labels on 2.9":      {"plan/kubernetes", "--kuma-version 2.9 --target-ref dataplane", 2, "targetRef kind Dataplane needs Kuma 2.10 or later"},
		"labels unknown":     {"plan/kubernetes", "--kuma-version 2.13 --target-ref dataplane", 1, "nothing was written"},
		"another kind":       {"plan/kubernetes", "--kuma-version 2.13 --target-ref mesh", 2, `--target-ref: "mesh" is neither meshsubset nor dataplane`},
		"Universal snapshot": {"convert/rehearsed", "", 2, "a snapshot contains only the tracing of a Mesh"},
		"snapshot of files":  {recorded, "--kuma-version 2.9", 2, "a snapshot contains only the tracing of a Mesh"},
		"two formats":        {bothFormats, "--kuma-version 2.9", 2, "plan for the resources of one control plane"},
		"mesh of files":      {"plan/kubernetes", "--mesh default", 2, "cannot be combined with -f"},
		"argument":           {"plan/kubernetes", "x", 2, "unexpected argument"},
		"wrong input":        {"type: Mesh\nname: default\ntracing: {backends: none}\n", "--kuma-version 2.9", 2, "has 1 error; nothing was written"},
	} {
		t.Run(name, func(t *testing.T) {
			input, to := filepath.Join(fixtures.Dir(), c.dir, "input.yaml"), filepath.Join(t.TempDir(), "plan")
			if strings.HasPrefix(c.dir, "type:") {
				input = filepath.Join(t.TempDir(), "input.yaml")
				require.NoError(t, os.WriteFile(input, []byte(c.dir), 0o600))
			}
			code, stdout, stderr := tool(t, "plan -f "+input+" --output-dir "+to+" "+c.flags)
			assert.Equal(t, c.code, code, stderr)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, c.want)
			assert.NoDirExists(t, to)
		})
	}
	code, _, stderr := tool(t, "plan -f x.yaml")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "--output-dir is required")
	within := filepath.Join(t.TempDir(), "input", "plan")
	require.NoError(t, os.MkdirAll(filepath.Dir(within), 0o755))
	code, _, stderr = tool(t, "plan -f "+filepath.Dir(within)+" --output-dir "+within)
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "is in the input directory "+filepath.Dir(within))
	assert.NoDirExists(t, within)
}

// Without legacy tracing nothing is left to plan.
func TestPlanOfNothing(t *testing.T) {
	dir := t.TempDir()
	input := filepath.Join(dir, "input.yaml")
	require.NoError(t, os.WriteFile(input, []byte("type: Mesh\nname: default\n"), 0o600))
	for _, flags := range []string{"", " --target-ref dataplane"} {
		code, _, stderr := tool(t, "plan -f "+input+" --output-dir "+filepath.Join(dir, "plan")+flags)
		assert.Equal(t, 0, code)
		assert.Contains(t, stderr, "there is no TrafficTrace and no Mesh with tracing, so nothing was written")
		assert.NoDirExists(t, filepath.Join(dir, "plan"))
	}
}

// --force replaces a plan as a whole, keeps what others wrote, and touches nothing that is
// not a plan.
func TestPlanForce(t *testing.T) {
	t.Chdir(filepath.Join(fixtures.Dir(), "plan", "kubernetes"))
	to := filepath.Join(t.TempDir(), "plan")
	code, stderr := planTo(t, to)
	require.Equal(t, 0, code, stderr)
	first := tree(t, to)
	require.NoError(t, os.WriteFile(filepath.Join(to, "2-add", "stale.yaml"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(to, "mine.txt"), []byte("mine"), 0o600))

	code, stderr = planTo(t, to)
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "--force overwrites")
	assert.Contains(t, tree(t, to), "2-add/stale.yaml")

	code, stderr = planTo(t, to, "--force")
	require.Equal(t, 0, code, stderr)
	first["mine.txt"] = "mine"
	assert.Equal(t, first, tree(t, to))

	code, stderr = planTo(t, to, "--force", "--kuma-version", "2.6")
	require.Equal(t, 0, code, stderr)
	assert.NoDirExists(t, filepath.Join(to, "1-shadow"), "2.6 computes no shadows")

	require.NoError(t, os.Remove(filepath.Join(to, "plan.json")))
	before := tree(t, to)
	code, stderr = planTo(t, to, "--force")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "it is not a plan")
	assert.Equal(t, before, tree(t, to))

	t.Chdir(to)
	require.NoError(t, os.WriteFile("plan.json", nil, 0o600))
	code, _, stderr = tool(t, "plan --force --output-dir . --kuma-version 2.9 -f "+filepath.Join(fixtures.Dir(), "plan", "kubernetes", "input.yaml"))
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "it is the current directory, so it cannot be replaced as a whole; nothing was written")
}

// A plan does not replace its own input.
func TestPlanKeepsInput(t *testing.T) {
	t.Chdir(filepath.Join(fixtures.Dir(), "plan", "kubernetes"))
	to := filepath.Join(t.TempDir(), "plan")
	code, stderr := planTo(t, to)
	require.Equal(t, 0, code, stderr)
	text, err := os.ReadFile("input.yaml")
	require.NoError(t, err)
	within := filepath.Join(to, "rollback", "mine.yaml")
	require.NoError(t, os.WriteFile(within, text, 0o600))
	before := tree(t, to)
	for _, input := range []string{filepath.Join(to, "state.yaml"), within} {
		code, stdout, stderr := tool(t, "plan --force --kuma-version 2.9 -f "+input+" --output-dir "+to)
		assert.Equal(t, 2, code)
		assert.Empty(t, stdout)
		assert.Contains(t, strings.Join(strings.Fields(stderr), " "), "--output-dir: "+input+" is the input "+input)
		assert.Equal(t, before, tree(t, to))
	}
}

// verify reports what is not as planned, and refuses a directory that was edited.
func TestVerifyFindsDifferences(t *testing.T) {
	t.Chdir(filepath.Join(fixtures.Dir(), "plan", "kubernetes"))
	to := filepath.Join(t.TempDir(), "plan")
	code, stderr := planTo(t, to)
	require.Equal(t, 0, code, stderr)
	input, err := os.ReadFile("input.yaml")
	require.NoError(t, err)
	var policies strings.Builder
	for name, text := range tree(t, filepath.Join(to, "2-add")) {
		if name != "kustomization.yaml" {
			policies.WriteString("---\n" + text)
		}
	}
	legacy, added := string(input), policies.String()
	withoutTraces, _, _ := strings.Cut(legacy, "---\napiVersion: kuma.io/v1alpha1\nkind: TrafficTrace")
	_, dataplanes, found := strings.Cut(legacy, "\nkind: Dataplane\n")
	require.True(t, found)
	dataplanes = "apiVersion: kuma.io/v1alpha1\nkind: Dataplane\n" + dataplanes
	for name, c := range map[string]struct {
		step, now string
		code      int
		want      []string
	}{
		"start":            {"start", legacy, 0, []string{"step start is as planned"}},
		"no TrafficRoute":  {"start", strings.Replace(legacy, "kind: TrafficRoute", "kind: Other", 1), 1, []string{`Mesh "default": has no TrafficRoute now`}},
		"added too early":  {"start", legacy + added, 1, []string{`MeshTrace "all" of mesh "default": exists, and did not when the plan was written; verify step add if it was carried out since`}},
		"sampling changed": {"start", strings.Replace(legacy, "sampling: 12.5", "sampling: 13", 1), 1, []string{"3 different", `Mesh "default": its field tracing differs`}},
		"selector changed": {"start", strings.Replace(legacy, "ledger_shop_svc_8080", "ledger", 1), 1, []string{`TrafficTrace "payments" of mesh "default": differs`}},
		"added":            {"add", legacy + added, 0, []string{"step add is as planned"}},
		"not added":        {"add", legacy, 1, []string{`MeshTrace "teams-1" of mesh "default": does not exist`}},
		"removed already": {"add", strings.Replace(withoutTraces, "tracing:", "other:", 1) + "---\n" + dataplanes + added, 1, []string{
			`TrafficTrace "all" of mesh "default": is missing; verify step remove if it was carried out since`,
			`Mesh "default": has no field tracing any more; verify step remove`,
		}},
		"added and edited":    {"add", legacy + strings.Replace(added, `overall: "12.5"`, "overall: 12", 1), 1, []string{"differs from the plan's"}},
		"still shadows":       {"add", legacy + strings.ReplaceAll(added, "kuma.io/mesh: default", "kuma.io/mesh: default\n    kuma.io/effect: shadow"), 1, []string{"its label kuma.io/effect differs"}},
		"shadow":              {"shadow", legacy + strings.ReplaceAll(added, "kuma.io/mesh: default", "kuma.io/mesh: default\n    kuma.io/effect: shadow"), 0, nil},
		"removed":             {"remove", "{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: default}, spec: {}}\n---\n" + dataplanes + added, 0, nil},
		"removed too much":    {"remove", "{apiVersion: kuma.io/v1alpha1, kind: Mesh, metadata: {name: default}, spec: {}}\n---\n" + dataplanes, 1, []string{"4 different", "does not exist"}},
		"tracing not removed": {"remove", withoutTraces + "---\n" + dataplanes + added, 1, []string{`Mesh "default": still has the field tracing`}},
		"rollback":            {"rollback", legacy, 0, nil},
		"not rolled back":     {"rollback", withoutTraces + "---\n" + dataplanes, 1, []string{`TrafficTrace "all" of mesh "default": is missing`, "4 different"}},
		"unknown step":        {"removed", legacy, 2, []string{"it has: start, shadow, add, remove, rollback"}},
	} {
		t.Run(name, func(t *testing.T) {
			now := filepath.Join(t.TempDir(), "now.yaml")
			require.NoError(t, os.WriteFile(now, []byte(c.now), 0o600))
			code, stdout, stderr := tool(t, "verify --plan "+to+" --step "+c.step+" -f "+now)
			assert.Equal(t, c.code, code, stdout+stderr)
			for _, want := range c.want {
				assert.Contains(t, stdout+stderr, want)
			}
		})
	}

	state := filepath.Join(to, "state.yaml")
	text, err := os.ReadFile(state)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(state, append(text, '\n'), 0o600))
	code, _, stderr = tool(t, "verify --plan "+to+" --step start -f input.yaml")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "state.yaml: changed since the plan was written")
	require.NoError(t, os.WriteFile(filepath.Join(to, "plan.json"), []byte("{}"), 0o600))
	code, _, stderr = tool(t, "verify --plan "+to+" --step start -f input.yaml")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "plan.json: is not a plan")
	code, _, stderr = tool(t, "verify --plan "+t.TempDir()+" --step start -f input.yaml")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, "write one with `tracemigrate plan`")
}

// Names of the input are neither commands nor flags nor paths in the scripts.
func TestPlanQuotesNames(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(dir, "plan"), os.DirFS(filepath.Join(fixtures.Dir(), "plan", "hostile-names", "plan"))))
	bin := filepath.Join(dir, "bin")
	require.NoError(t, os.Mkdir(bin, 0o755))
	fake := "#!/bin/sh\nfor word; do printf '%s\\0' \"$word\" >> \"$LOG\"; done\nprintf '\\n\\0' >> \"$LOG\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(bin, "kumactl"), []byte(fake), 0o755))
	log := filepath.Join(dir, "log")
	command := exec.CommandContext(t.Context(), "sh", "-e", "-c", "sh apply.sh remove; sh rollback.sh")
	command.Dir = filepath.Join(dir, "plan")
	command.Env = append(os.Environ(), "LOG="+log, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	before := tree(t, dir)
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	require.NoError(t, os.Remove(log))
	assert.Equal(t, before, tree(t, dir), "no name is a command")
	for _, name := range []string{"-rf", "../up", "a'b\"c`$(touch pwned)`|x\n```sh\ntouch pwned\n```\n../../up --help #<b>"} {
		assert.Contains(t, string(text), "delete\x00traffic-trace\x00--mesh\x00default\x00--\x00"+name+"\x00\n", "one word, after --")
	}
}
