package paging

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Two things are read at a time, and each result is that of its name, whichever is ready
// first. Stop ends the rest.
func TestReadAhead(t *testing.T) {
	names := []string{"slow", "a", "b", "c", "endless", "d"}
	slow := make(chan struct{})
	var running, most, ended atomic.Int64
	a := ReadAhead(t.Context(), names, func(ctx context.Context, name string) (string, error) {
		now := running.Add(1)
		defer running.Add(-1)
		for top := most.Load(); now > top && !most.CompareAndSwap(top, now); top = most.Load() {
		}
		switch name {
		case "slow":
			<-slow
		case "c":
			close(slow) // b and c were read meanwhile
			return "", errors.New("c is broken")
		case "endless", "d":
			<-ctx.Done()
			ended.Add(1)
			return "", ctx.Err()
		}
		return "read " + name, nil
	})
	for _, name := range names[:3] {
		got, err := a.Get(name)
		require.NoError(t, err)
		assert.Equal(t, "read "+name, got)
	}
	_, err := a.Get("c")
	require.EqualError(t, err, "c is broken")
	start := time.Now()
	a.Stop()
	assert.Less(t, time.Since(start), 10*time.Second)
	assert.EqualValues(t, 2, ended.Load(), "both have ended")
	assert.EqualValues(t, lanes, most.Load())
}
