package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A mistake in the arguments is one line on stderr, with the next step.
func TestUsageErrors(t *testing.T) {
	for line, want := range map[string]string{
		"convert -o text":           `--output: "text" is neither yaml nor json`,
		"report -o junit":           `--output: "junit" is none of text, json, yaml, markdown, html`,
		"convert x":                 `unexpected argument "x"; pass files with -f`,
		"version x":                 `unexpected argument "x"; see tracemigrate version --help`,
		"options x":                 `unexpected argument "x"; see tracemigrate options --help`,
		"man x":                     `unexpected argument "x"; see tracemigrate man --help`,
		"convert --shadow=x":        `invalid boolean value "x" for --shadow: parse error; see tracemigrate convert --help`,
		"convert --timeout 5":       `invalid value "5" for --timeout: parse error; add a unit, such as 30s or 5m; see tracemigrate convert --help`,
		"explain web-1 --timeout 5": `invalid value "5" for --timeout: parse error; add a unit, such as 30s or 5m; see tracemigrate explain --help`,
		"explain web-1 -o":          "flag -o needs a value; see tracemigrate explain --help",
		"--color=x":                 `--color: "x" is none of auto, always, never`,
		"help --color x":            `--color: "x" is none of auto, always, never`,
		"help --all":                "unknown flag --all; see tracemigrate help --help",
		"help convert diff":         `unexpected argument "diff"; see tracemigrate help --help`,
		"help covnert":              `unknown command "covnert" (did you mean "convert"?); see tracemigrate --help`,
		"verify --plan ../../fixtures/plan/kubernetes/plan": "--step is required: one of start, shadow, add, remove, rollback",
	} {
		code, stdout, stderr := tool(t, line)
		assert.Equal(t, exitError, code, line)
		assert.Empty(t, stdout, line)
		assert.Equal(t, "tracemigrate: "+want+"\n", stderr, line)
	}
}

// convert and report count the same documents that are not read, also those without a name.
func TestNotReadIsCountedOnce(t *testing.T) {
	input := filepath.Join(t.TempDir(), "input.yaml")
	unnamed := "---\n{type: TraficTrace, mesh: default}\n"
	require.NoError(t, os.WriteFile(input, []byte("type: Mesh\nname: default\n"+unnamed+unnamed), 0o600))
	for _, command := range []string{"convert", "report"} {
		code, _, stderr := tool(t, command+" --kuma-version 2.9 -f "+input)
		assert.Equal(t, exitNo, code, stderr)
		assert.Contains(t, stderr, "2 documents were not read", command)
	}
}
