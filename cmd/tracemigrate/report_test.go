package main

import (
	"encoding/json"
	"path/filepath"
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
	_, text, words := tool(t, "report -o json -f ../../fixtures/report/state.yaml --zone-version north=2.7")
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
