package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/convert/envoydiff"
)

// By labels, report, diff and explain have one verdict on each proxy, before an earlier run by
// labels, in the middle of it, and after it.
func TestByLabelsAgrees(t *testing.T) {
	t.Chdir("../../fixtures")
	added := filepath.Join("plan", "by-labels", "plan", "2-add")
	for name, test := range map[string]struct {
		args string
		flag bool // it is needed
	}{
		"before":            {"-f plan/by-labels/input.yaml --kuma-version 2.13", true},
		"a part is applied": {"-f plan/by-labels/input.yaml -f " + added + "/default_all.yaml -f " + added + "/default_teams-1.yaml --kuma-version 2.13", false},
		"all is applied":    {"-f plan/by-labels/input.yaml -k " + added + " --kuma-version 2.13", false},
		"alike":             {"-f convert/labels-alike-same/input.yaml --kuma-version 2.13", true},
		"different":         {"-f demo --kuma-version 2.13", true},
		"replaced":          {"-f convert/labels-existing-replaced/input.yaml --kuma-version 2.14", true},
		"by tags before":    {"-f convert/labels-earlier-run-by-tags/input.yaml --kuma-version 2.13", true},
	} {
		t.Run(name, func(t *testing.T) {
			type data struct {
				Summary struct{ Same, Inherent, Unknown, Different int }
				Proxies []struct {
					Mesh, Name string
					Verdict    envoydiff.Verdict
				}
			}
			read := func(args string) (d data, words string) {
				_, text, words := tool(t, args)
				require.NoError(t, json.Unmarshal([]byte(text), &d), words)
				return d, words
			}
			flag := " --target-ref dataplane"
			reported, _ := read("report -o json " + test.args + flag)
			compared, _ := read("diff -o json " + test.args + flag)
			assert.Equal(t, reported.Summary, compared.Summary)
			assert.NotEmpty(t, compared.Proxies)
			for _, p := range compared.Proxies {
				code, text, words := tool(t, "explain "+p.Mesh+"/"+p.Name+" "+test.args+flag)
				wrong := p.Verdict == envoydiff.Different || p.Verdict == envoydiff.Unknown
				assert.Equal(t, wrong, code == 1, "%s: %s\n%s%s", p.Name, p.Verdict, text, words)
			}
			without, words := read("diff -o json " + test.args)
			assert.Equal(t, !test.flag, strings.Contains(words, "so this run goes on by labels"))
			if !test.flag {
				assert.Equal(t, compared.Summary, without.Summary)
			}
		})
	}
	for args, want := range map[string]string{
		"diff -f demo --kuma-version 2.9 --target-ref dataplane":                     "targetRef kind Dataplane needs Kuma 2.10 or later",
		"explain web-5d9c7b-x2x9k -f demo --kuma-version 2.9 --target-ref dataplane": "targetRef kind Dataplane needs Kuma 2.10 or later",
		"diff -f demo --meshtrace demo --target-ref dataplane":                       "--target-ref applies only to policies that diff converts",
		"diff --before-manifests demo --after-manifests demo --target-ref mesh":      "is neither meshsubset nor dataplane",
	} {
		code, _, words := tool(t, args)
		assert.Equal(t, 2, code, args)
		assert.Contains(t, unwrapped(words), want, args)
	}
}
