package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The input of BenchmarkSoak at 1x.
const (
	soakMeshes        = 50
	soakDataplanes    = 100_000
	soakTrafficTraces = 10_000
)

// BenchmarkSoak runs the built command on 50 meshes of 1, 2 and 4 times the size: its time
// and its largest resident set, in seconds, MB and by Dataplane. What grows faster than the
// input shows as a number by Dataplane that grows.
func BenchmarkSoak(b *testing.B) {
	dir := b.TempDir()
	binary, measure := built(b, ".", "-ldflags=-s -w"), built(b, "../../fixtures/measure")
	for _, scale := range []int{1, 2, 4} {
		file := filepath.Join(dir, fmt.Sprintf("%dx.yaml", scale))
		size := writeSoak(b, file, scale)
		for _, command := range []string{"convert", "diff", "report", "upgrade-check"} {
			b.Run(fmt.Sprintf("%s/%dx", command, scale), func(b *testing.B) {
				proxies := float64(scale * soakDataplanes)
				b.SetBytes(size)
				for b.Loop() {
					seconds, memory := measured(b, measure, binary, command, "-f", file, "--quiet")
					b.ReportMetric(seconds, "s")
					b.ReportMetric(seconds/proxies*1e6, "us/Dataplane")
					b.ReportMetric(float64(memory)/1e6, "MB")
					b.ReportMetric(float64(memory)/proxies, "B/Dataplane")
				}
			})
		}
		require.NoError(b, os.Remove(file))
	}
}

// writeSoak writes the input and returns its bytes.
func writeSoak(b *testing.B, path string, scale int) int64 {
	b.Helper()
	file, err := os.Create(path)
	require.NoError(b, err)
	for i := range soakMeshes {
		text := sizedMesh(scale*soakDataplanes/soakMeshes, scale*soakTrafficTraces/soakMeshes)
		mesh := fmt.Sprintf("mesh-%d", i)
		_, err := strings.NewReplacer(
			"mesh: default\n", "mesh: "+mesh+"\n", "  name: default\n", "  name: "+mesh+"\n", "  namespace: default\n", "  namespace: "+mesh+"\n",
			"  name: trace-", "  name: "+mesh+"-trace-", // TrafficTraces have no namespace
		).WriteString(file, text+"---\n")
		require.NoError(b, err)
	}
	info, err := file.Stat()
	require.NoError(b, err)
	require.NoError(b, file.Close())
	return info.Size()
}
