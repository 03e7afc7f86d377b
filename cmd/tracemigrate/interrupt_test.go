package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Ctrl-C ends a run at once, by the signal, and leaves nothing behind.
func TestInterrupt(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			run := waitingRun(t, "")
			start := time.Now()
			require.NoError(t, run.Process.Signal(sig))
			require.Error(t, run.Wait())
			assert.Less(t, time.Since(start), 10*time.Second, "the run waits for the server, or for its own end")
			status, ok := run.ProcessState.Sys().(syscall.WaitStatus)
			require.True(t, ok)
			assert.True(t, status.Signaled(), "%v", run.ProcessState) //nolint:misspell // the library spells it so
			assert.Equal(t, sig, status.Signal())
			assert.Empty(t, run.stdout.String())
			assert.Equal(t, "tracemigrate: interrupted\n", run.stderr.String())
			left, err := os.ReadDir(run.dir)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

// A shell without job control starts a background job with SIGINT ignored.
func TestInterruptIgnored(t *testing.T) {
	run := waitingRun(t, `trap "" INT; `)
	require.NoError(t, run.Process.Signal(syscall.SIGINT))
	time.Sleep(1500 * time.Millisecond) // a run that catches the signal gives up within a second
	require.NoError(t, run.Process.Signal(syscall.SIGTERM))
	require.Error(t, run.Wait())
	status, ok := run.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	assert.Equal(t, syscall.SIGTERM, status.Signal())
}

// interruptible is a run of the tool.
type interruptible struct {
	*exec.Cmd
	dir            string // where it is to write
	stdout, stderr bytes.Buffer
}

// waitingRun starts a run that waits for an answer of its control plane. The shell
// commands of setup come first.
func waitingRun(t *testing.T, setup string) *interruptible {
	t.Helper()
	asked := make(chan bool, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case asked <- true:
		default:
		}
		<-r.Context().Done() // no answer
	}))
	t.Cleanup(server.Close)
	// The tests may run in a background job themselves.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, os.Interrupt)
	t.Cleanup(func() { signal.Stop(caught) })
	bin := t.TempDir()
	linkTool(t, bin)
	run := &interruptible{dir: t.TempDir()}
	run.Cmd = exec.CommandContext(t.Context(), "sh", "-c", setup+`exec "$0" "$@"`,
		filepath.Join(bin, "tracemigrate"), "convert", "--control-plane", server.URL, "--output-dir", run.dir)
	run.Stdout, run.Stderr = &run.stdout, &run.stderr
	require.NoError(t, run.Start())
	<-asked
	return run
}
