package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"tracemigrate/fixtures"
)

// TestScript runs testdata/script: the tool as users run it, with its stdout,
// stderr, exit codes and files. exec starts the tool; exitcode calls it in this process, which
// takes a tenth of the time.
func TestScript(t *testing.T) {
	withoutRace.Skip(t)
	scripts, err := filepath.Abs(filepath.Join("testdata", "script")) // exitcode changes the directory
	require.NoError(t, err)
	testscript.Run(t, testscript.Params{
		Dir: scripts,
		Setup: func(env *testscript.Env) error {
			env.Setenv("FIXTURES", fixtures.Dir())
			env.Setenv(dateVariable, testDate)
			return nil
		},
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"exitcode": exitCode},
		UpdateScripts: *update,
	})
}

// inScript is locked while a script has the directory and the environment of this process.
var inScript sync.Mutex

// exitCode runs the tool and checks its exit code exactly: exitcode N ARGS...
func exitCode(ts *testscript.TestScript, _ bool, args []string) {
	var code string
	if slices.Contains(args, "-") { // only a process gets the script's stdin
		code = exitCodeOfProcess(ts, args[1:])
	} else {
		code = strconv.Itoa(runInScript(ts, append([]string{"tracemigrate"}, args[1:]...)))
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

// runInScript calls the tool with the directory and the environment of a script.
func runInScript(ts *testscript.TestScript, args []string) int {
	inScript.Lock()
	defer inScript.Unlock()
	back, err := os.Getwd()
	ts.Check(err)
	dir, environment := ts.MkAbs("."), os.Environ()
	ts.Check(os.Chdir(dir))
	os.Clearenv()
	defer func() {
		os.Clearenv()
		for _, variable := range environment {
			name, value, _ := strings.Cut(variable, "=")
			ts.Check(os.Setenv(name, value))
		}
		ts.Check(os.Chdir(back))
	}()
	ts.Check(os.Setenv("PWD", dir))
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "GIT_CONFIG_GLOBAL", dateVariable} {
		if value := ts.Getenv(name); value != "" {
			ts.Check(os.Setenv(name, value))
		}
	}
	return run(context.Background(), args, strings.NewReader(""), ts.Stdout(), ts.Stderr())
}

func exitCodeOfProcess(ts *testscript.TestScript, args []string) string {
	if err := ts.Exec("tracemigrate", args...); err != nil {
		return lastWord(err.Error()) // exec.ExitError says "exit status N"
	}
	return "0"
}

func lastWord(s string) string {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == ' ' {
			return s[i+1:]
		}
	}
	return s
}

// The head of reports in tests: the date as seconds since 1970, which is 2026-01-02T03:04:05Z,
// and the version of the tool.
const (
	testDate    = "1767323045"
	testVersion = "v1.0.0"
)

func TestMain(m *testing.M) {
	version = testVersion
	if os.Setenv(dateVariable, testDate) != nil {
		os.Exit(1)
	}
	if os.Getenv("TRACEMIGRATE_TEST_MEASURE") != "" {
		os.Exit(measure(os.Args[1:]))
	}
	if os.Getenv("TRACEMIGRATE_TEST_SLOWNESS") != "" {
		knownWork()
		os.Exit(0)
	}
	if report := os.Getenv("TRACEMIGRATE_TEST_STATUS"); report != "" {
		os.Exit(runAndReport(report))
	}
	testscript.Main(m, map[string]func(){"tracemigrate": main, "kubectl-tracemigrate": main})
}
