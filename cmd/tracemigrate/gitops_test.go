package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"tracemigrate/fixtures"
)

// gitRepo is a Git repository with the manifests of fixtures/gitops on branch main, and
// tracemigrate on the path.
type gitRepo struct {
	*playground
	around string // the directory that contains the repository
}

func newGitRepo(t *testing.T) *gitRepo {
	t.Helper()
	good, _ := states(t)
	p := newPlayground(t, good)
	r := &gitRepo{playground: p, around: p.dir}
	p.dir = filepath.Join(p.dir, "repo")
	require.NoError(t, os.CopyFS(p.dir, os.DirFS(filepath.Join(fixtures.Dir(), "gitops"))))
	// With -trimpath a clone's packages come from the build cache, wherever it is; without
	// symbols the linker takes half the time.
	p.env = append(p.env, "GOFLAGS=-trimpath '-ldflags=-s -w'", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GOBIN="+filepath.Join(r.around, "bin"),
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	r.must("git init -q -b main . && git add . && git commit -qm first")
	return r
}

// must runs a command that must succeed, and returns what it printed.
func (r *gitRepo) must(command string) string {
	r.t.Helper()
	code, said := r.said("-ec", command)
	require.Zero(r.t, code, command)
	return said
}

// document returns a file of docs.
func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(fixtures.Dir()), "docs", filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(text)
}

// TestGitOps runs the commands of docs/gitops.md in order, literally. At the end, the
// repository is as it was but for the MeshTraces.
func TestGitOps(t *testing.T) {
	withoutRace.Skip(t)
	r := newGitRepo(t)
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(document(t, "gitops.md"), -1)
	require.Len(t, blocks, 5)
	r.must(blocks[0][1])
	gate := blocks[1][1]
	r.must(gate)
	r.must(blocks[2][1])
	gone := regexp.MustCompile("(?m)^-[^-].*$").FindAllString(r.must("git diff HEAD~1 -- mesh"), -1)
	assert.Equal(t, []string{"-resources: [../../base]"}, gone, "stage add adds lines, and an item to this line")
	r.must(blocks[3][1])
	r.must(gate)
	for _, dir := range []string{"prod", "staging"} {
		after := r.must("tracemigrate convert -k mesh/overlays/" + dir + " --kuma-version 2.13 2>&1 || true")
		assert.Contains(t, after, "no TrafficTrace")
	}
	assert.NoFileExists(t, filepath.Join(r.dir, "mesh", "base", "traffictraces.yaml"))
	assert.NoFileExists(t, filepath.Join(r.dir, "mesh", "overlays", "prod", "sampling.yaml"))
	r.must(blocks[4][1])
	assert.Empty(t, r.must("git diff add-meshtraces --stat"), "the second pull request is reverted")
	r.must("git revert --no-edit HEAD~2 && git diff --exit-code HEAD~4")
}

// branches makes a branch for each pull request, and one that loses the tracing of an
// overlay.
func (r *gitRepo) branches() {
	states := "--state mesh/overlays/prod=state/prod.yaml --state mesh/overlays/staging=state/staging.yaml"
	r.must("git switch -qc add && tracemigrate rewrite mesh --stage add --write " + states + " && git add . && git commit -qm add")
	r.must("git switch -qc remove && tracemigrate rewrite mesh --stage remove --write " + states + " && git add . && git commit -qm remove")
	r.must("git switch -qc lost && git rm -q mesh/overlays/staging/meshtraces.yaml && " +
		"sed 's/, meshtraces.yaml//' mesh/overlays/staging/kustomization.yaml > k && mv k mesh/overlays/staging/kustomization.yaml && git commit -qam lost")
}

// gates are the branches that a gate compares, and whether it lets them pass.
var gates = []struct {
	before, after string
	want          int
}{{"main", "add", 0}, {"add", "remove", 0}, {"add", "lost", 1}, {"main", "lost", 1}}

// TestGitHubGate runs the steps of docs/gitops/github.yaml as a runner does. The actions
// that check out and install Go are replaced: they need GitHub.
func TestGitHubGate(t *testing.T) {
	withoutRace.Skip(t)
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct {
				Uses, Run string
				Dir       string `yaml:"working-directory"`
				With      map[string]string
			}
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(document(t, "gitops/github.yaml")), &workflow))
	r := newGitRepo(t)
	r.branches()
	for i, gate := range gates {
		work, err := os.MkdirTemp(r.around, "runner")
		require.NoError(t, err)
		runner := *r.playground
		runner.dir = work
		code := 0
		for _, step := range workflow.Jobs["gate"].Steps {
			switch {
			case strings.HasPrefix(step.Uses, "actions/checkout@"):
				source, ref := r.dir, gate.after
				if step.With["repository"] != "" {
					require.Equal(t, "${{ vars.TRACEMIGRATE_REPOSITORY }}", step.With["repository"])
					require.NoError(t, os.Symlink(filepath.Dir(fixtures.Dir()), filepath.Join(work, step.With["path"])))
					continue
				}
				if step.With["ref"] != "" {
					require.Equal(t, "${{ github.event.pull_request.base.sha }}", step.With["ref"])
					ref = gate.before
				}
				r.must("git clone -q -b " + ref + " " + source + " " + filepath.Join(work, step.With["path"]))
			case strings.HasPrefix(step.Uses, "actions/setup-go@"):
			case i > 0 && step.Dir == "tracemigrate": // the tool is installed
			default:
				require.NotEmpty(t, step.Run)
				in := runner
				in.dir = filepath.Join(work, step.Dir)
				code = in.run("-ec", step.Run)
			}
			if code != 0 {
				break
			}
		}
		assert.Equal(t, gate.want, code, "%s to %s", gate.before, gate.after)
		summary, err := os.ReadFile(filepath.Join(r.around, "summary.md"))
		require.NoError(t, err)
		if gate.want != 0 {
			assert.Contains(t, string(summary), `**Mesh "default" of mesh/overlays/staging: the TrafficTraces are gone, and nothing replaces them: 5 proxies lose their tracing.**`)
		}
	}
}

// TestGitLabGate runs the script of docs/gitops/gitlab.yaml as a runner does.
func TestGitLabGate(t *testing.T) {
	withoutRace.Skip(t)
	var pipeline struct {
		Tracing struct {
			Script  []string
			Results struct{ Reports map[string]string } `yaml:"artifacts"` //nolint:misspell // GitLab's keyword
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(document(t, "gitops/gitlab.yaml")), &pipeline))
	r := newGitRepo(t)
	r.branches()
	project := filepath.Dir(fixtures.Dir())
	if _, err := os.Stat(filepath.Join(project, ".git")); err != nil {
		t.Skip("the job clones the project, and this copy of it is not a Git repository")
	}
	for i, gate := range gates {
		work, err := os.MkdirTemp(r.around, "runner")
		require.NoError(t, err)
		r.must("git clone -q -b " + gate.after + " " + r.dir + " " + filepath.Join(work, "project"))
		runner := *r.playground
		runner.dir = filepath.Join(work, "project")
		runner.env = append(runner.env, "TRACEMIGRATE_REPOSITORY=file://"+project,
			"CI_MERGE_REQUEST_DIFF_BASE_SHA="+strings.TrimSpace(r.must("git rev-parse "+gate.before)))
		script := pipeline.Tracing.Script
		if i > 0 {
			script = script[2:] // the tool is installed
		}
		code := runner.run("-ec", strings.Join(script, "\n"))
		assert.Equal(t, gate.want, code, "%s to %s", gate.before, gate.after)
		junit := runner.file(pipeline.Tracing.Results.Reports["junit"])
		assert.Equal(t, gate.want != 0, strings.Contains(junit, "<failure"), junit)
	}
}

// TestControllers renders the overlay that the manifests of Argo CD and Flux name, and checks
// that both delete what is no longer in Git. The controllers need a cluster.
func TestControllers(t *testing.T) {
	withoutRace.Skip(t)
	var application struct {
		Spec struct {
			Source     struct{ Path string }
			SyncPolicy struct {
				Automated   struct{ Prune bool }
				SyncOptions []string `yaml:"syncOptions"`
			} `yaml:"syncPolicy"`
		}
	}
	var kustomization struct {
		Spec struct {
			Path        string
			Prune, Wait bool
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(document(t, "gitops/argocd.yaml")), &application))
	require.NoError(t, yaml.Unmarshal([]byte(document(t, "gitops/flux.yaml")), &kustomization))
	assert.True(t, application.Spec.SyncPolicy.Automated.Prune)
	assert.Equal(t, []string{"PruneLast=true"}, application.Spec.SyncPolicy.SyncOptions)
	assert.True(t, kustomization.Spec.Prune && kustomization.Spec.Wait)
	r := newGitRepo(t)
	for _, path := range []string{application.Spec.Source.Path, kustomization.Spec.Path} {
		r.must("tracemigrate diff --before-manifests " + path + " --after-manifests " + path + " --state state/prod.yaml")
	}
}
