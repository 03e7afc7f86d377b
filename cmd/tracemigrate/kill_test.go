//go:build linux

package main

import (
	"flag"
	"fmt"
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

var kills = flag.Int("kills", 15, "how often TestKilledWhileWriting kills a run")

const killPolicies = 500

// killInput is a mesh of which 500 policies come, with a collector of its own.
func killInput(host string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "type: Mesh\nname: default\ntracing:\n  defaultBackend: z\n  backends:\n  - {name: z, type: zipkin, conf: {url: 'http://%s:9411/api/v2/spans'}}\n", host)
	for i := range killPolicies {
		fmt.Fprintf(&b, "---\ntype: TrafficTrace\nmesh: default\nname: t%03d\nselectors:\n- match: {kuma.io/service: s%03d}\n", i, i)
	}
	return b.String()
}

// A run that is killed at any moment leaves the old files or the new ones, never
// some of each, and nothing of others is lost.
func TestKilledWhileWriting(t *testing.T) {
	withoutRace.Skip(t)
	random := rand.New(rand.NewPCG(fixtures.Seed(t), 0))
	dir := t.TempDir()
	linkTool(t, dir)
	binary := filepath.Join(dir, "tracemigrate")
	for _, host := range []string{"old", "new"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, host+".yaml"), []byte(killInput(host)), 0o644))
	}
	command := func(host, to string) *exec.Cmd {
		return exec.CommandContext(t.Context(), binary, "convert", "-f", filepath.Join(dir, host+".yaml"), "--output-dir", to, "--force")
	}
	work := filepath.Join(dir, "work") // which holds the output directories and nothing else
	require.NoError(t, os.Mkdir(work, 0o755))
	out, fresh := filepath.Join(work, "out"), filepath.Join(work, "fresh")
	require.NoError(t, os.MkdirAll(filepath.Join(out, "sub", "deep"), 0o755))
	others := []string{"notes.txt", "sub/one", "sub/deep/two"}
	for _, name := range others {
		require.NoError(t, os.WriteFile(filepath.Join(out, name), []byte(name), 0o640))
	}
	require.NoError(t, os.Symlink("nowhere", filepath.Join(out, "link")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(out, "fifo"), 0o600))
	others = append(others, "link", "fifo")
	require.NoError(t, os.Chmod(out, os.ModeSetgid|0o750))
	infos := make(map[string]os.FileInfo)
	for _, name := range others {
		info, err := os.Lstat(filepath.Join(out, name))
		require.NoError(t, err)
		infos[name] = info
	}
	require.NoError(t, command("new", out).Run())
	start := time.Now()
	require.NoError(t, command("old", out).Run())
	whole := time.Since(start)

	// Half of the kills come anywhere, half near the moment of the exchange, which
	// the kills themselves find out.
	exchange := map[string]time.Duration{out: whole, fresh: whole}
	held := make(map[string]int) // what was there after a kill
	killed, before := 0, "old"
	for i := 0; killed < *kills; i++ {
		to, host := out, map[string]string{"old": "new", "new": "old"}[before]
		if i%2 == 1 {
			to = fresh
			require.NoError(t, os.RemoveAll(fresh))
		}
		share := 1.5 * random.Float64()
		if i%4 > 1 {
			share = 0.9 + 0.2*random.Float64()
		}
		delay := time.Duration(share * float64(exchange[to]))
		run := command(host, to)
		require.NoError(t, run.Start())
		timer := time.AfterFunc(delay, func() { _ = run.Process.Kill() })
		if run.Wait() != nil {
			killed++
		}
		timer.Stop()
		set := setIn(t, to)
		if set == host && exchange[to] > delay {
			exchange[to] = (exchange[to] + delay) / 2
		} else if set != host && exchange[to] < delay {
			exchange[to] = (exchange[to]*3 + delay) / 4
		}
		if to == fresh {
			assert.Contains(t, []string{"", host}, set, "fresh, killed after %s", delay)
			held["fresh "+map[bool]string{true: "none", false: "whole"}[set == ""]]++
			continue
		}
		require.Contains(t, []string{before, host}, set, "killed after %s", delay)
		held["force "+map[bool]string{true: "new", false: "old"}[set == host]]++
		before = set
		for _, name := range others {
			info, err := os.Lstat(filepath.Join(out, name))
			require.NoError(t, err, "killed after %s", delay)
			assert.True(t, os.SameFile(infos[name], info), name)
			assert.Equal(t, infos[name].Mode(), info.Mode(), name)
		}
		info, err := os.Stat(out)
		require.NoError(t, err)
		assert.Equal(t, os.ModeDir|os.ModeSetgid|0o750, info.Mode())
	}
	t.Logf("a run takes %s; %d were killed; afterwards, and after those that ended first, there was: %v", whole.Round(time.Millisecond), killed, held)

	// The next run removes what they left.
	require.NoError(t, command("new", out).Run())
	assert.Equal(t, "new", setIn(t, out))
	require.NoError(t, os.RemoveAll(fresh))
	require.NoError(t, command("new", fresh).Run())
	entries, err := os.ReadDir(work)
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	assert.Equal(t, []string{"fresh", "out"}, names)
	entries, err = os.ReadDir(out)
	require.NoError(t, err)
	assert.Len(t, entries, killPolicies+4) // notes.txt, sub, link, fifo
}

// setIn is the set of policies that dir holds: old or new, empty where there is
// no dir, else what is wrong with it.
func setIn(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	require.NoError(t, err)
	if _, err := os.Stat(dir); os.IsNotExist(err) {
		return ""
	}
	count := make(map[string]int)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		_, host, _ := strings.Cut(string(text), "url: http://")
		host, _, _ = strings.Cut(host, ":")
		count[host]++
	}
	for host, n := range count {
		if n == killPolicies && len(count) == 1 {
			return host
		}
	}
	return fmt.Sprint(count)
}
