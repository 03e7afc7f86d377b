package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"tracemigrate/fixtures"
)

// TestScript runs testdata/script: the tool as users run it, with its stdout,
// stderr, exit codes and files.
func TestScript(t *testing.T) {
	withoutRace.Skip(t)
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("FIXTURES", fixtures.Dir())
			env.Setenv(dateVariable, testDate)
			return nil
		},
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"exitcode": exitCode},
		UpdateScripts: *update,
	})
}

// exitCode runs the tool and checks its exit code exactly: exitcode N ARGS...
func exitCode(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec("tracemigrate", args[1:]...)
	code := "0"
	if err != nil {
		code = lastWord(err.Error()) // exec.ExitError says "exit status N"
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
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
	if os.Getenv("TRACEMIGRATE_TEST_SLOWNESS") != "" {
		knownWork()
		os.Exit(0)
	}
	if report := os.Getenv("TRACEMIGRATE_TEST_STATUS"); report != "" {
		os.Exit(runAndReport(report))
	}
	testscript.Main(beginning{m}, map[string]func(){"tracemigrate": main, "kubectl-tracemigrate": main})
}
