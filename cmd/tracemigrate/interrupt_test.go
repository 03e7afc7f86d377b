package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Ctrl-C ends a run at once, by the signal, and leaves nothing behind.
func TestInterrupt(t *testing.T) {
	asked := make(chan bool, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case asked <- true:
		default:
		}
		<-r.Context().Done() // no answer
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	binary, err := os.Executable()
	require.NoError(t, err)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		command := exec.CommandContext(t.Context(), binary, "convert", "--control-plane", server.URL, "--output-dir", dir)
		command.Args[0] = "tracemigrate"
		command.Env = append(os.Environ(), "TRACEMIGRATE_TEST_STATUS="+dir+"-status") // be the tool, not its tests
		var stdout, stderr bytes.Buffer
		command.Stdout, command.Stderr = &stdout, &stderr
		require.NoError(t, command.Start())
		<-asked
		start := time.Now()
		require.NoError(t, command.Process.Signal(sig))
		err := command.Wait()
		assert.Less(t, time.Since(start), time.Second)
		require.Error(t, err)
		status, ok := command.ProcessState.Sys().(syscall.WaitStatus)
		require.True(t, ok)
		assert.True(t, status.Signaled(), "%v", command.ProcessState) //nolint:misspell // the library spells it so
		assert.Equal(t, sig, status.Signal())
		assert.Empty(t, stdout.String())
		assert.Equal(t, "tracemigrate: interrupted\n", stderr.String())
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		assert.Empty(t, left)
	}
}
