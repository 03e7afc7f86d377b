package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/convert"
)

// Each command decodes what exists once, whatever it does with it.
func TestDecodedOnce(t *testing.T) {
	const input = "../../fixtures/diff/cluster.yaml"
	for name, args := range map[string]string{
		"convert":             "convert -f " + input,
		"diff":                "diff -f " + input,
		"diff, three times":   "diff -f " + input + " --kuma-version 2.6,2.7,2.13",
		"diff of given":       "diff -f " + input + " --meshtrace ../../fixtures/diff/edited.yaml",
		"diff of an upgrade":  "diff -f " + input + " --kuma-version 2.13 --to-version 2.14",
		"upgrade-check":       "upgrade-check -f " + input,
		"upgrade-check SARIF": "upgrade-check -o sarif -f " + input,
		"report":              "report -f " + input,
		"report in HTML":      "report -o html -f " + input,
		"explain":             "explain web-1 -f " + input,
		"a snapshot":          "report -f ../../fixtures/report/state.yaml",
		"convert, many notes": "convert -f ../../fixtures/convert/delegated-gateway-of-a-zone/input.yaml",
	} {
		t.Run(name, func(t *testing.T) {
			decodes := 0
			readCurrent = func(s *cluster.Snapshot, namespace string) *convert.Current {
				decodes++
				return convert.Read(s, namespace)
			}
			defer func() { readCurrent = convert.Read }()
			_, _, words := tool(t, args)
			assert.Equal(t, 1, decodes, words)
		})
	}
}

// Nobody else decodes: what TestDecodedOnce counts is all there is.
func TestOneDecoder(t *testing.T) {
	calls := regexp.MustCompile(`\b(legacy|meshtrace|convert)\.Read\b|\bmeshtrace\.ReadRoutes\b|\b(legacy|meshtrace)\.ReadProxy(Patches|Templates)\b|\benvoydiff\.ReadPatches\b`)
	var found []string
	require.NoError(t, fs.WalkDir(os.DirFS("../.."), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(filepath.Join("../..", path))
		for _, call := range calls.FindAllString(string(text), -1) {
			found = append(found, path+": "+call)
		}
		return err
	}))
	slices.Sort(found)
	assert.Equal(t, []string{
		"cmd/tracemigrate/diff_manifests.go: meshtrace.Read", // the policies of --meshtrace, which do not exist
		"cmd/tracemigrate/load.go: convert.Read",
		"cmd/tracemigrate/verify_plan.go: meshtrace.Read", // those of a plan's step, which may not exist
		"convert/current.go: envoydiff.ReadPatches",
		"convert/current.go: legacy.Read",
		"convert/current.go: meshtrace.Read",
		"convert/current.go: meshtrace.ReadRoutes",
		"convert/envoydiff/patches.go: legacy.ReadProxyTemplates", // in ReadPatches
		"convert/envoydiff/patches.go: meshtrace.ReadProxyPatches",
		"convert/envoydiff/render.go: meshtrace.ReadRoutes", // of two whole states together
	}, found)
}
