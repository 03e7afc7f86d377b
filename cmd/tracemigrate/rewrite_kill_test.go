//go:build linux

package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/fixtures"
)

var rewriteKills = flag.Int("rewrite-kills", 6, "how often TestKilledWhileRewriting kills a run")

// rewriteRepository is a Git work tree of 300 files with TrafficTraces, in which runs of the
// tool edit manifests.
type rewriteRepository struct {
	dir, binary string
	old, new    string // digests of the tree before and after stage add
}

func newRewriteRepository(t *testing.T) *rewriteRepository {
	r := &rewriteRepository{dir: filepath.Join(t.TempDir(), "repository")}
	var err error
	r.binary, err = os.Executable()
	require.NoError(t, err)
	write := func(name, text string) {
		path := filepath.Join(r.dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	write("mesh.yaml", "type: Mesh\nname: default\ntracing:\n  defaultBackend: z\n  backends:\n"+
		"  - {name: z, type: zipkin, conf: {url: 'http://z:9411/api/v2/spans'}}\n")
	for i := range 300 {
		write(fmt.Sprintf("team%d/traffictrace%d.yaml", i%10, i),
			fmt.Sprintf("# of s%d\ntype: TrafficTrace\nmesh: default\nname: t%03d\nselectors:\n- match: {kuma.io/service: s%03d}\n", i, i, i))
	}
	r.git(t, "init", "-q")
	r.commit(t)
	r.old = r.digest(t)
	output, err := r.command(t, "--write").CombinedOutput()
	require.NoError(t, err, "%s", output)
	r.new = r.digest(t)
	require.NotEqual(t, r.old, r.new)
	r.reset(t)
	return r
}

func (r *rewriteRepository) git(t *testing.T, args ...string) string {
	args = append([]string{"-C", r.dir, "-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "commit.gpgsign=false"}, args...)
	output, err := exec.CommandContext(t.Context(), "git", args...).CombinedOutput()
	require.NoError(t, err, "git %v: %s", args, output)
	return string(output)
}

func (r *rewriteRepository) commit(t *testing.T) {
	r.git(t, "add", "-A")
	r.git(t, "commit", "-q", "-m", "manifests")
}

// reset restores the tree before stage add.
func (r *rewriteRepository) reset(t *testing.T) {
	r.git(t, "reset", "-q", "--hard")
	r.git(t, "clean", "-q", "-d", "-f")
	require.Equal(t, r.old, r.digest(t))
}

// command returns a run of stage add.
func (r *rewriteRepository) command(t *testing.T, flags ...string) *exec.Cmd {
	args := append([]string{"rewrite", ".", "--kuma-version", "2.13", "--stage", "add"}, flags...)
	command := exec.CommandContext(t.Context(), r.binary, args...)
	command.Args[0] = "tracemigrate"
	command.Dir = r.dir
	command.Env = append(os.Environ(), "TRACEMIGRATE_TEST_STATUS="+r.dir+"-status") // be the tool, not its tests
	return command
}

// digest returns a digest of all files outside of .git.
func (r *rewriteRepository) digest(t *testing.T) string {
	sum := sha256.New()
	require.NoError(t, filepath.WalkDir(r.dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		text, err := os.ReadFile(path)
		_, _ = fmt.Fprintf(sum, "%s %d %s", path, len(text), text)
		return err
	}))
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// waitForJournal waits until a run begins to replace files, or ends.
func (r *rewriteRepository) waitForJournal(done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
			if _, err := os.Lstat(filepath.Join(r.dir, ".git", "tracemigrate-rewrite")); err == nil {
				return
			}
			time.Sleep(100 * time.Microsecond)
		}
	}
}

// A run that is killed at any moment leaves, after the next run, all old files or all new
// ones, and nothing else.
func TestKilledWhileRewriting(t *testing.T) {
	withoutRace.Skip(t)
	random := rand.New(rand.NewPCG(fixtures.Seed(t), 0))
	r := newRewriteRepository(t)
	start := time.Now()
	require.NoError(t, r.command(t, "--write").Run())
	whole := time.Since(start)
	r.reset(t)
	replacing := 20 * time.Millisecond // from the first file to the last; the kills find it out
	left := make(map[string]int)
	for killed := 0; killed < *rewriteKills; {
		aimed := killed%4 != 0 // one of four comes anywhere
		delay := time.Duration(random.Float64() * float64(whole))
		if aimed {
			delay = time.Duration(1.2 * random.Float64() * float64(replacing))
		}
		run := r.command(t, "--write")
		require.NoError(t, run.Start())
		ended, sent := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(sent)
			if aimed {
				r.waitForJournal(ended)
			}
			time.Sleep(delay)
			_ = run.Process.Kill()
		}()
		err := run.Wait()
		close(ended)
		<-sent
		if err == nil {
			replacing = replacing * 3 / 4
			require.Equal(t, r.new, r.digest(t))
			r.reset(t)
			continue
		}
		killed++
		switch now := r.digest(t); now {
		case r.old:
			left["old"]++
		case r.new:
			left["new"]++
			replacing = replacing * 9 / 10
		default:
			left["some of each"]++
			replacing = replacing * 11 / 10
		}
		var stderr bytes.Buffer
		next := r.command(t)
		next.Stderr = &stderr
		require.NoError(t, next.Run(), "%s", &stderr)
		now := r.digest(t)
		require.Contains(t, []string{r.old, r.new}, now, "a mixture")
		status := r.git(t, "status", "--porcelain", "--ignored", "--untracked-files=all")
		if now == r.old {
			require.Empty(t, status)
		} else {
			require.Equal(t, 300, strings.Count(status, "?? "), "%s", status)
			require.Equal(t, 300, strings.Count(status, "\n"), "%s", status)
		}
		r.reset(t)
	}
	t.Logf("a run takes %s; after the kills there were: %v", whole.Round(time.Millisecond), left)
	require.NoError(t, r.command(t, "--write").Run())
	for _, name := range []string{"tracemigrate-rewrite", "tracemigrate-rewrite.new"} {
		assert.NoDirExists(t, filepath.Join(r.dir, ".git", name))
	}
}

// Ctrl-C while files are replaced ends the run when they all are.
func TestInterruptWhileRewriting(t *testing.T) {
	withoutRace.Skip(t)
	r := newRewriteRepository(t)
	for range 3 {
		run := r.command(t, "--write")
		var stderr bytes.Buffer
		run.Stderr = &stderr
		require.NoError(t, run.Start())
		ended := make(chan struct{})
		go func() {
			r.waitForJournal(ended)
			_ = run.Process.Signal(syscall.SIGINT)
		}()
		err := run.Wait()
		close(ended)
		assert.Equal(t, r.new, r.digest(t), "%v %s", err, &stderr)
		assert.NoDirExists(t, filepath.Join(r.dir, ".git", "tracemigrate-rewrite"))
		r.reset(t)
	}
}

// Of two runs at once, one writes and the other reports it.
func TestTwoRewritesAtOnce(t *testing.T) {
	withoutRace.Skip(t)
	r := newRewriteRepository(t)
	for range 3 {
		var runs [2]*exec.Cmd
		var stderr [2]bytes.Buffer
		for i := range runs {
			runs[i] = r.command(t, "--write")
			runs[i].Stderr = &stderr[i]
			require.NoError(t, runs[i].Start())
		}
		won := 0
		for i, run := range runs {
			if run.Wait() == nil {
				won++
				continue
			}
			assert.Contains(t, stderr[i].String(), "another run of this command writes to the work tree")
		}
		assert.Equal(t, 1, won)
		assert.Equal(t, r.new, r.digest(t))
		r.reset(t)
	}
}
