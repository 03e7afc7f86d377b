package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

var update = flag.Bool("update", false, "rewrite golden files")

// No input may take more, however large or hostile it is.
const (
	badTime   = 2 * time.Second
	badMemory = 512 << 20
	badLine   = 8 << 10 // bytes of a line of stderr: a message does not repeat the input

	badPassword = "hunter2" // in every input that has one
)

// badOutcome is what the tool did with an input.
type badOutcome struct {
	code           int
	stdout, stderr string
	took           time.Duration
	memory         int64 // largest resident set
}

// convertBad runs `tracemigrate convert -f file` in dir. Tests that run it on the same
// input share one run.
func convertBad(t *testing.T, dir, file string) badOutcome {
	t.Helper()
	path := filepath.Join(dir, file)
	if outcome, ok := badOutcomes[path]; ok {
		return outcome
	}
	outcome, ok := timedInProcess(t, dir, "convert", "-f", file)
	if !ok || outcome.took >= badTime || outcome.memory >= badMemory {
		outcome = timed(t, dir, "convert", "-f", file)
	}
	badOutcomes[path] = outcome
	return outcome
}

// badOutcomes are the outcomes of convertBad, by path.
var badOutcomes = make(map[string]badOutcome)

// timedInProcess calls the tool in dir, which takes a tenth of the time of a process. It
// counts all memory that was ever allocated, since a process has one largest resident set. It
// reports false if the call panics or does not end.
func timedInProcess(t *testing.T, dir string, args ...string) (badOutcome, bool) {
	t.Helper()
	back, err := os.Getwd()
	require.NoError(t, err)
	require.NoError(t, os.Chdir(dir))
	defer func() { require.NoError(t, os.Chdir(back)) }()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	ended := make(chan badOutcome, 1)
	go func() {
		defer close(ended)
		defer func() { _ = recover() }() // the process reports it
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), append([]string{"tracemigrate"}, args...), strings.NewReader(""), &stdout, &stderr)
		ended <- badOutcome{code: code, stdout: stdout.String(), stderr: stderr.String()}
	}()
	select {
	case outcome, ok := <-ended:
		runtime.ReadMemStats(&after)
		outcome.took, outcome.memory = time.Since(start), int64(after.TotalAlloc-before.TotalAlloc) //nolint:gosec // less than the machine's memory
		return outcome, ok
	case <-time.After(5 * badTime):
		return badOutcome{}, false
	}
}

// timed runs the tool in dir, as a process of its own. What else a shared machine does can
// make a run slow, so the machine is measured again after a slow one, and one that is slow
// even so is repeated twice.
func timed(t *testing.T, dir string, args ...string) badOutcome {
	t.Helper()
	got := timedOnce(t, dir, args...)
	for range 2 {
		if got.took < badLimit() {
			break
		}
		if measureSlowness(); got.took < badLimit() {
			break // the machine is slow, not the run
		}
		if again := timedOnce(t, dir, args...); again.took < got.took {
			got = again
		}
	}
	return got
}

func badLimit() time.Duration {
	if slowness == 0 {
		measureSlowness()
	}
	return time.Duration(slowness * float64(badTime))
}

func timedOnce(t *testing.T, dir string, args ...string) badOutcome {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	report := filepath.Join(t.TempDir(), "status")
	// This only finds a run that never ends; the processor's time below says what a run takes.
	limit, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	command := exec.CommandContext(limit, program, args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "TRACEMIGRATE_TEST_STATUS="+report)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	start := time.Now()
	err = command.Run()
	took := time.Since(start)
	require.NoError(t, limit.Err(), "it does not end")
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	// Time that other processes take does not count.
	took = min(took, command.ProcessState.UserTime()+command.ProcessState.SystemTime())
	// A panic exits with 2 as well, but leaves no report.
	status, err := os.ReadFile(report)
	require.NoError(t, err, "it did not end by itself: %.2000s", stderr.String())
	return badOutcome{
		code: command.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String(),
		took: took, memory: largestResidentSet(t, string(status)),
	}
}

var residentSet = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

func largestResidentSet(t *testing.T, status string) int64 {
	t.Helper()
	m := residentSet.FindStringSubmatch(status)
	require.NotNil(t, m, "no VmHWM in /proc/self/status")
	kilobytes, err := strconv.ParseInt(m[1], 10, 64)
	require.NoError(t, err)
	return kilobytes * 1024
}

// check checks what is true for every bad input.
func (o badOutcome) check(t *testing.T) {
	t.Helper()
	if o.code != 0 {
		assert.Empty(t, o.stdout)
	}
	assert.Less(t, o.took, badLimit())
	assert.Less(t, o.memory, int64(badMemory), "bytes of memory")
	for line := range strings.Lines(o.stderr) {
		if len(line) > badLine {
			assert.Fail(t, "a line of stderr is too long", "%d bytes: %.300s", len(line), line)
			break
		}
	}
	if i := strings.IndexFunc(o.stderr, isControl); i >= 0 {
		assert.Fail(t, "stderr has a control character", "%.300q", o.stderr[max(0, i-100):])
	}
	assert.NotContains(t, o.stderr, badPassword)
	assert.NotContains(t, o.stderr, "bug of tracemigrate")
}

// isControl reports whether r may steer a terminal, or deceive its reader.
func isControl(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) }

// linkTool puts tracemigrate into a directory, for scripts. TestMain recognises it by its name.
func linkTool(t *testing.T, dir string) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(program, filepath.Join(dir, "tracemigrate")))
}

// slowness is how many times longer this machine takes for a known piece of work than
// the one that badTime was set on: at least 1, the most of all measurements. Its
// processors are shared, and some are older.
var slowness float64

func measureSlowness() {
	const known = 75 * time.Millisecond
	best := time.Duration(math.MaxInt64)
	for range 3 {
		program, err := os.Executable()
		if err != nil {
			break // timedOnce reports it
		}
		command := exec.CommandContext(context.Background(), program)
		command.Env = append(os.Environ(), "TRACEMIGRATE_TEST_SLOWNESS=1")
		if command.Run() == nil {
			best = min(best, command.ProcessState.UserTime())
		}
	}
	if best == math.MaxInt64 {
		best = known
	}
	slowness = max(1, slowness, float64(best)/float64(known))
}

// knownWork is the piece of work that slowness measures.
func knownWork() {
	debug.SetGCPercent(100) // as when its time was measured
	text := []byte(strings.Repeat("{a: [b, 'c', \"d\"]}\n---\n", 20_000))
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for decoder.Decode(new(yaml.Node)) == nil {
	}
}

// TestBad compares what the tool finds in each input of fixtures/bad with the text beside
// it: the exit code, then the places. The words are in fixtures/wording.txt.
func TestBad(t *testing.T) {
	withoutRace.Skip(t)
	dir, err := filepath.Abs(filepath.Join("..", "..", "fixtures", "bad"))
	require.NoError(t, err)
	inputs := badInputs(t, dir)
	require.GreaterOrEqual(t, len(inputs), 48)
	for _, input := range inputs {
		t.Run(input, func(t *testing.T) {
			got := convertBad(t, dir, input)
			got.check(t)
			require.Contains(t, []int{exitNo, exitError}, got.code, "it is accepted:\n%s", got.stderr)
			golden := filepath.Join(dir, input+".txt")
			text := fmt.Sprintf("exit %d\n%s", got.code, strings.Join(places(got.stderr), "\n")+"\n")
			if *update && !t.Failed() {
				require.NoError(t, os.WriteFile(golden, []byte(text), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), text)
		})
	}
}

// badInputs lists the inputs of dir, each of which must have its text.
func badInputs(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var inputs, texts []string
	for _, entry := range entries {
		if input, ok := strings.CutSuffix(entry.Name(), ".txt"); ok {
			texts = append(texts, input)
		} else {
			inputs = append(inputs, entry.Name())
		}
	}
	for _, text := range texts {
		assert.Contains(t, inputs, text, "a text without its input")
	}
	return inputs
}
