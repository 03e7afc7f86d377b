package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
)

const benchTrafficTraces = 1_000

// benchSizes are how many Dataplanes a mesh has: a large one, and one of which
// only what grows with the input counts.
var benchSizes = []int{10_000, 100_000}

// benchMesh is a large mesh on Kubernetes, as documents.
func benchMesh(dataplanes int) string { return sizedMesh(dataplanes, benchTrafficTraces) }

// sizedMesh is a mesh on Kubernetes with as many Dataplanes and TrafficTraces, as documents.
func sizedMesh(dataplanes, traces int) string {
	var b strings.Builder
	b.WriteString("apiVersion: kuma.io/v1alpha1\nkind: Mesh\nmetadata:\n  name: default\nspec:\n  tracing:\n    defaultBackend: zipkin\n    backends:\n    - name: zipkin\n      type: zipkin\n      sampling: 50\n      conf:\n        url: http://zipkin:9411/api/v2/spans\n    - name: datadog\n      type: datadog\n      conf:\n        address: agent\n        port: 8126\n")
	for i := range traces {
		fmt.Fprintf(&b, "---\napiVersion: kuma.io/v1alpha1\nkind: TrafficTrace\nmesh: default\nmetadata:\n  name: trace-%d\n  creationTimestamp: \"2024-01-01T%02d:%02d:%02dZ\"\nspec:\n  selectors:\n  - match:\n      kuma.io/service: service-%d_default_svc_8080\n", i, i/3600, i/60%60, i%60, i%(traces*9/10))
		if i%5 == 0 {
			b.WriteString("      version: v1\n")
		}
		if i%50 == 0 {
			b.WriteString("  - match:\n      kuma.io/service: '*'\n      team: '*'\n")
		}
		fmt.Fprintf(&b, "  conf:\n    backend: %s\n", []string{"zipkin", "datadog"}[i%2])
	}
	for i := range dataplanes {
		fmt.Fprintf(&b, `---
apiVersion: kuma.io/v1alpha1
kind: Dataplane
mesh: default
metadata:
  creationTimestamp: "2024-05-01T10:00:00Z"
  generation: 1
  labels:
    kuma.io/mesh: default
    kuma.io/zone: zone-%d
    app: service-%d
  name: service-%d-%d
  namespace: default
  resourceVersion: "%d"
  uid: 5f0f7a3e-8d8a-4ddc-9a5c-%012d
spec:
  networking:
    address: 10.%d.%d.%d
    inbound:
    - health:
        ready: true
      port: 8080
      tags:
        kuma.io/protocol: http
        kuma.io/service: service-%d_default_svc_8080
        kuma.io/zone: zone-%d
        team: team-%d
        version: v%d
    - port: 9090
      tags:
        kuma.io/protocol: grpc
        kuma.io/service: admin-%d_default_svc_9090
        kuma.io/zone: zone-%d
        team: team-%d
`, i%4, i%traces, i%traces, i, 100000+i, i, i/65536, i/256%256, i%256, i%traces, i%4, i%7, i%2, i%traces, i%4, i%7)
	}
	return b.String()
}

// asList is the mesh as `kubectl get -o yaml` gives it.
func asList(documents string) string {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nitems:\n")
	for _, document := range strings.Split(documents, "---\n") {
		for i, line := range strings.Split(strings.TrimSuffix(document, "\n"), "\n") {
			prefix := "  "
			if i == 0 {
				prefix = "- "
			}
			b.WriteString(prefix + line + "\n")
		}
	}
	b.WriteString("kind: List\nmetadata:\n  resourceVersion: \"\"\n")
	return b.String()
}

// asJSON is the mesh as `kubectl get -o json` gives it.
func asJSON(t testing.TB, documents string) string {
	var list struct {
		APIVersion string `json:"apiVersion"`
		Items      []any  `json:"items"`
		Kind       string `json:"kind"`
	}
	list.APIVersion, list.Kind = "v1", "List"
	decoder := yaml.NewDecoder(strings.NewReader(documents))
	for {
		var item any
		if err := decoder.Decode(&item); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		list.Items = append(list.Items, item)
	}
	text, err := json.MarshalIndent(list, "", "    ")
	require.NoError(t, err)
	return string(text)
}

// benchConvert measures the whole command on text, and reports how long it
// takes and what memory it needs by the measure of baseline and of the input.
func benchConvert(b *testing.B, text, name string, baseline func()) {
	path := filepath.Join(b.TempDir(), name)
	require.NoError(b, os.WriteFile(path, []byte(text), 0o600))
	args := []string{"tracemigrate", "convert", "-f", path}
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if code := run(b.Context(), args, strings.NewReader(""), io.Discard, io.Discard); code != 0 {
			b.Fatalf("exit code %d", code)
		}
	}
	ours := b.Elapsed() / time.Duration(b.N)
	b.StopTimer()

	// The baseline has one processor, as a plain program would use it.
	before := runtime.GOMAXPROCS(1)
	best := time.Duration(1<<63 - 1)
	for range 5 {
		runtime.GC()
		start := time.Now()
		baseline()
		best = min(best, time.Since(start))
	}
	runtime.GOMAXPROCS(before)
	b.ReportMetric(float64(ours)/float64(best), "x-baseline")
	seconds, memory := commandCost(b, args)
	b.ReportMetric(seconds/best.Seconds(), "x-command")
	b.ReportMetric(float64(memory)/float64(len(text)), "x-input-memory")
}

// commandCost builds the command like a release and returns how many seconds it takes,
// from its start to its end and with its own settings of the garbage collector, and its
// largest resident set in bytes: the median of five runs.
func commandCost(b *testing.B, args []string) (seconds float64, memory int64) {
	binary := built(b, ".", "-ldflags=-s -w")
	measure := built(b, "../../fixtures/measure")
	var times []float64
	var sizes []int64
	for range 5 {
		t, size := measured(b, measure, binary, args[1:]...)
		times, sizes = append(times, t), append(sizes, size)
	}
	slices.Sort(times)
	slices.Sort(sizes)
	return times[len(times)/2], sizes[len(sizes)/2]
}

// built builds a program like a release, see .goreleaser.yaml, and returns its path.
func built(b *testing.B, directory string, flags ...string) string {
	b.Helper()
	binary := filepath.Join(b.TempDir(), "program")
	arguments := slices.Concat([]string{"build", "-trimpath"}, flags, []string{"-o", binary, directory})
	build := exec.CommandContext(b.Context(), "go", arguments...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, err := build.CombinedOutput()
	require.NoError(b, err, "%s", output)
	return binary
}

// measured runs a program once, through the program measure, and returns how many seconds
// it takes, and its largest resident set in bytes.
func measured(b *testing.B, measure, program string, args ...string) (seconds float64, memory int64) {
	b.Helper()
	command := exec.CommandContext(b.Context(), measure, append([]string{program}, args...)...)
	output, err := command.CombinedOutput()
	require.NoError(b, err, "%s", output)
	var code int
	_, err = fmt.Sscan(string(output), &seconds, &memory, &code)
	require.NoError(b, err)
	require.Contains(b, []int{0, exitNo}, code)
	return seconds, memory
}

func decodeYAML(b *testing.B, text string) func() {
	return func() {
		decoder := yaml.NewDecoder(strings.NewReader(text))
		for {
			var v any
			if err := decoder.Decode(&v); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// benchForm runs benchConvert on a mesh of each size, in one form.
func benchForm(b *testing.B, name string, form func(documents string) string, baseline func(text string) func()) {
	for _, dataplanes := range benchSizes {
		b.Run(strconv.Itoa(dataplanes), func(b *testing.B) {
			text := form(benchMesh(dataplanes))
			benchConvert(b, text, name, baseline(text))
		})
	}
}

func BenchmarkConvertYAML(b *testing.B) {
	benchForm(b, "mesh.yaml", func(documents string) string { return documents }, func(text string) func() { return decodeYAML(b, text) })
}

func BenchmarkConvertYAMLList(b *testing.B) {
	benchForm(b, "mesh.yaml", asList, func(text string) func() { return decodeYAML(b, text) })
}

func BenchmarkConvertJSON(b *testing.B) {
	benchForm(b, "mesh.json", func(documents string) string { return asJSON(b, documents) }, func(text string) func() {
		return func() {
			var v any
			if err := json.Unmarshal([]byte(text), &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkConversion is package convert alone, after reading.
func BenchmarkConversion(b *testing.B) {
	snapshot := cluster.Read([]manifest.Input{manifest.Text("mesh.yaml", benchMesh(benchSizes[0]))})
	b.ReportAllocs()
	for b.Loop() {
		result, problems := convert.Convert(convert.Read(snapshot, ""), convert.Options{Version: cluster.Latest})
		if result == nil || len(result.Policies) < benchTrafficTraces/2 {
			b.Fatal(problems)
		}
	}
}

// runAndReport is main for a test that asks what memory the run took: it
// writes the process's status to the file report.
func runAndReport(report string) int {
	collectEarly()
	exitOnSignal()
	code := run(context.Background(), append([]string{"tracemigrate"}, os.Args[1:]...), os.Stdin, os.Stdout, os.Stderr)
	status, err := os.ReadFile("/proc/self/status")
	if err == nil {
		err = os.WriteFile(report, status, 0o600)
	}
	if err != nil {
		return exitError
	}
	return code
}
