package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/convert/report"
	"tracemigrate/fixtures"
)

// Every form of the report of fixtures/report, byte by byte; HTML has tests of its own.
func TestReportGolden(t *testing.T) {
	t.Chdir(filepath.Join(fixtures.Dir(), "report"))
	for form, file := range map[string]string{"text": "report.txt", "markdown": "report.md", "json": "report.json", "yaml": "report.yaml"} {
		code, text, words := tool(t, "report -f state.yaml --full -o "+form)
		assert.Equal(t, 0, code, words)
		golden(t, file, text)
		_, again, _ := tool(t, "report -f state.yaml --full -o "+form)
		assert.Equal(t, text, again)
	}
}

// The report's numbers agree with each other.
func TestReportAddsUp(t *testing.T) {
	for _, input := range []string{"../../fixtures/report/state.yaml", "../../fixtures/demo", "../../fixtures/diff/cluster.yaml"} {
		_, text, words := tool(t, "report -o json --kuma-version 2.13 -f "+input)
		var r report.Report
		require.NoError(t, json.Unmarshal([]byte(text), &r), words)
		served, byTrace, byBackend, flows := 0, 0, 0, 0
		for _, trace := range r.TrafficTraces {
			of := 0
			for _, s := range trace.Selectors {
				of += s.Proxies
			}
			assert.Equal(t, of, trace.Proxies)
			served += trace.Proxies
			if trace.Backend != "" {
				byTrace += trace.Proxies
			}
		}
		for _, m := range r.Meshes {
			for _, b := range m.Backends {
				byBackend += b.Proxies
			}
		}
		for _, f := range r.Flows {
			flows += f.Proxies
		}
		assert.Equal(t, byTrace, byBackend)
		assert.LessOrEqual(t, served, r.Summary.Proxies)
		assert.Equal(t, r.Summary.Proxies, flows)
		assert.Len(t, r.Proxies, r.Summary.Proxies)
		assert.Equal(t, r.Summary.Proxies, r.Summary.Same+r.Summary.Inherent+r.Summary.Different)
	}
}

// A proxy's verdict is for the version of its zone.
func TestReportZoneVersions(t *testing.T) {
	state, err := os.ReadFile("../../fixtures/report/state.yaml")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "state.yaml")
	require.NoError(t, os.WriteFile(file, bytes.Replace(state, []byte("{name: north, version: 2.13.0}"), []byte("{name: north}"), 1), 0o600))
	_, text, words := tool(t, "report -o json --zone-version north=2.7 -f "+file)
	var r report.Report
	require.NoError(t, json.Unmarshal([]byte(text), &r), words)
	versions := make(map[string]string)
	for _, p := range r.Proxies {
		versions[p.Name] = p.Zone + " " + p.Version
	}
	assert.Equal(t, map[string]string{
		"web-1.shop": "east 2.13.1", "pay-1.shop": "west 2.9.4", "pay-2.shop": "north 2.7", "dark-1.shop": "east 2.13.1", "search-1.shop": "east 2.13.1",
	}, versions)
}

// A policy that would leave a proxy without its tracing is an answer of no.
func TestReportRefuses(t *testing.T) {
	code, text, words := tool(t, "report --kuma-version 2.9 -f ../../fixtures/convert/wildcard-without-dataplanes/input.yaml")
	assert.Equal(t, 1, code)
	assert.Contains(t, words, "1 error")
	assert.Contains(t, text, "wildcard-without-dataplanes")
	assert.Contains(t, text, "made up from selectors")
	code, _, words = tool(t, "report -f ../../fixtures/bad/no-such-file.yaml")
	assert.Equal(t, 2, code)
	assert.Contains(t, words, "no such file")
}

// What the user says of a control plane must not contradict what it says itself.
func TestContradictions(t *testing.T) {
	for args, want := range map[string]string{
		"--mode zone":                               `--mode zone: the mode of Kubernetes context "prod" (https://10.0.0.1:6443) is global; omit --mode`,
		"--mode federated-zone":                     "is global; omit --mode",
		"--mode global":                             "",
		"--zone-version west=2.10":                  "--zone-version west=2.10: the control plane of zone west has version 2.9.4; omit --zone-version",
		"--zone-version west=2.9.5":                 "the control plane of zone west has version 2.9.4",
		"--zone-version west=2.9":                   "",
		"--zone-version west=2.9.4":                 "",
		"--zone-version south=2.9":                  "", // which the global control plane does not know yet
		"--mode zone --zone-version west=2.10":      "--mode zone: ",
		"--zone-version west=2.10 --mode zone":      "--zone-version west=2.10: ",
		"--zone-version east=2.9 --zone-version x=": "--zone-version x: ",
	} {
		for _, command := range []string{"report", "convert", "diff"} {
			code, _, words := tool(t, command+" -f ../../fixtures/report/state.yaml "+args)
			if want == "" {
				assert.Equal(t, 0, code, "%s %s: %s", command, args, words)
				continue
			}
			assert.Equal(t, exitError, code, "%s %s", command, args)
			assert.Contains(t, words, want, command)
		}
	}
}

// Files without a Mesh are not all that a migration needs, as for diff; a cluster has none.
func TestReportWithoutMesh(t *testing.T) {
	const (
		proxy    = "{type: Dataplane, name: a, mesh: default, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: a}}]}}\n"
		snapshot = "{apiVersion: tracemigrate/v1, kind: SnapshotOrigin, source: test, version: 2.13.1}\n---\n" +
			"{apiVersion: tracemigrate/v1, kind: SnapshotEnd}\n"
	)
	for _, test := range []struct {
		name, input, words string
		code               int
	}{
		{name: "files", input: proxy, code: exitError, words: "tracemigrate: the input has no Mesh, so there is nothing to report\n"},
		{name: "a snapshot", input: snapshot},
		{name: "a Mesh without tracing", input: "{type: Mesh, name: default}\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "input.yaml")
			require.NoError(t, os.WriteFile(file, []byte(test.input), 0o600))
			code, text, words := tool(t, "report -f "+file)
			assert.Equal(t, test.code, code)
			assert.Equal(t, test.words, words)
			assert.Equal(t, test.code == 0, strings.Contains(text, "There is no TrafficTrace, so there is nothing to migrate."), text)
		})
	}
}

// A report by labels recognises what a conversion by labels made, and deletes what that
// replaces; one by tags names the flag.
func TestReportByLabels(t *testing.T) {
	byLabels := "../../fixtures/convert/earlier-run-by-labels/input.yaml --kuma-version 2.13"
	applied := "../../fixtures/plan/by-labels/input.yaml -f ../../fixtures/plan/by-labels/plan/2-add/default_all.yaml" +
		" -f ../../fixtures/plan/by-labels/plan/2-add/default_payments.yaml -f ../../fixtures/plan/by-labels/plan/2-add/default_teams-1.yaml" +
		" -f ../../fixtures/plan/by-labels/plan/2-add/default_teams-2.yaml --kuma-version 2.13"
	replaced := "../../fixtures/convert/labels-existing-replaced/input.yaml --kuma-version 2.14"
	for name, tt := range map[string]struct {
		args           string
		contains, lack []string
	}{
		"without the flag": {
			byLabels, []string{"2 MeshTraces to create in addition to 2 of a previous run", "convert --kuma-version 2.13 --target-ref dataplane -f"}, nil,
		},
		"by tags": {byLabels + " --target-ref meshsubset", []string{"run this with --target-ref dataplane"}, nil},
		"by labels, applied in part": {
			byLabels + " --target-ref dataplane",
			[]string{"2 MeshTraces to create in addition to 2 of a previous run", "convert --kuma-version 2.13 --target-ref dataplane -f"},
			[]string{"(earlier-run)", "--shadow"},
		},
		"by labels, applied": {
			applied + " --target-ref dataplane",
			[]string{"no MeshTrace to create: 4 of a previous run exist", "3 TrafficTraces to delete; all MeshTraces exist", "delete traffictrace all payments teams"},
			[]string{"(earlier-run)", "convert --kuma-version"},
		},
		"replaced": {
			replaced + " --target-ref dataplane",
			[]string{`for name in y-team z-web; do kumactl delete meshtrace --mesh default -- "$name"; done`, "z-web applied 2 y-team applied 2 nobody applied 0"},
			nil,
		},
		"idle": {
			"../../fixtures/convert/labels-idle/input.yaml --kuma-version 2.14 --target-ref dataplane",
			[]string{"Next steps 1. Delete the MeshTraces without an effect, which they would get with the new ones: for name in"},
			nil,
		},
		"replaced, by tags": {replaced, nil, []string{"delete meshtrace"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, wrapped, words := tool(t, "report -f "+tt.args)
			text := strings.Join(strings.Fields(wrapped), " ")
			for _, want := range tt.contains {
				assert.Contains(t, text, want, words)
			}
			for _, not := range tt.lack {
				assert.NotContains(t, text, not)
			}
		})
	}
	code, _, words := tool(t, "report -f ../../fixtures/demo --kuma-version 2.13 --target-ref subset")
	assert.Equal(t, 2, code)
	assert.Contains(t, words, `--target-ref: "subset" is neither meshsubset nor dataplane`)
}
