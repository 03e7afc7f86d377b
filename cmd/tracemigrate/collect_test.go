package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestCollectEarly(t *testing.T) {
	before := debug.SetGCPercent(100)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	percent := func() uint64 {
		sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	t.Setenv("GOGC", "70")
	collectEarly()
	assert.EqualValues(t, 100, percent(), "GOGC decides")
	t.Setenv("GOGC", "")
	collectEarly()
	assert.EqualValues(t, 400, percent())
	assert.Eventually(t, func() bool { runtime.GC(); return percent() == 35 }, time.Minute, time.Millisecond)
}
