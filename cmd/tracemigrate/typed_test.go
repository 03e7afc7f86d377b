package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTyped(t *testing.T) {
	fixtures, err := filepath.Abs("../../fixtures")
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	const file = "eyJ0b2tlbiI6ImEifQ.x"
	require.NoError(t, os.WriteFile(filepath.Join(".", file), nil, 0o600))
	for argument, want := range map[string]string{
		"mesh.yaml":                            "mesh.yaml",
		"--web":                                "--web",
		"x":                                    "x",
		"policies/mesh-of-shop-2.yaml":         "policies/mesh-of-shop-2.yaml",
		"0123456789abcdef0123.yaml":            "0123456789abcdef0123.yaml",
		"default/web-7d9f8b6c5d-abcde.shop":    "default/web-7d9f8b6c5d-abcde.shop",
		file:                                   file,
		"https://user:hunter2@host":            "https://REDACTED@host",
		"https://host/a?token=hunter2":         "https://host/a?REDACTED",
		"https://host/a;token=hunter2":         "https://host/a;token=REDACTED",
		"https:/user:hunter2@host":             "REDACTED@host",
		"user:hunter2@host":                    "REDACTED@host",
		"token=hunter2":                        "token=REDACTED",
		"TRACEMIGRATE_TOKEN=hunter2":           "TRACEMIGRATE_TOKEN=REDACTED",
		"Bearer hunter2hunter2":                "Bearer REDACTED",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIifQ.abc":  "REDACTED",
		"glpat-hunter2hunter2":                 "REDACTED",
		"0123456789abcdef0123456789abcdef":     "REDACTED",
		"1b4e28ba-2fa1-11d2-883f-0016d3cca427": "REDACTED",
		"https://host/0123456789abcdef0123":    "REDACTED",
	} {
		assert.Equal(t, `"`+want+`"`, typed(argument), argument)
	}
	for _, command := range []string{
		"convert ARG", "diff ARG", "report ARG", "snapshot ARG", "plan ARG", "upgrade-check ARG", "verify ARG", "explain web-1 ARG", "version ARG",
		"options ARG", "man ARG", "completion bash ARG", "completion ARG", "ARG", "help ARG", "help convert ARG", "report --ARG",
		"convert --color ARG", "--color ARG convert", "--color=ARG", "convert -o ARG", "convert --target-ref ARG", "convert --format ARG",
		"convert --qps ARG", "convert --timeout ARG", "convert --shadow=ARG", "explain web-1 --qps ARG", "explain web-1 -o ARG",
		"rewrite --stage ARG x", "convert --mode ARG -f " + fixtures + "/tutorial", "diff --accept ARG", "version -o ARG",
		"verify --step ARG --plan " + fixtures + "/plan/kubernetes/plan",
	} {
		for _, argument := range []string{"https://user:hunter2@host", "user:hunter2@host", "token=hunter2", "glpat-hunter2hunter2"} {
			code, stdout, stderr := tool(t, strings.ReplaceAll(command, "ARG", argument))
			assert.NotZero(t, code, command)
			assert.NotContains(t, stdout+stderr, "hunter2", "%s with %s", command, argument)
		}
	}
}
