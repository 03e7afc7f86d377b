package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/upgrade"
	"tracemigrate/fixtures"
)

// upgradeCodes are the codes that only another version of the control plane causes.
var upgradeCodes = []envoydiff.Code{
	envoydiff.MeshTraceRefused, envoydiff.TrafficTraceRemoved, envoydiff.ProtocolFromField, envoydiff.WorkloadServiceName,
	envoydiff.NameOrder, envoydiff.OutboundNeedsRoute, envoydiff.OutboundNeedsBackendRef, envoydiff.DelegatedGateway,
	envoydiff.IgnoredInbound, envoydiff.OTelEndpoint, envoydiff.BuiltinGatewayRemoved, envoydiff.FieldIgnored, envoydiff.ShadowPolicy,
	envoydiff.MeshUnreadable, envoydiff.InboundsMerged, envoydiff.OutboundNeedsService, envoydiff.OutboundProtocol, envoydiff.ServicesUnread,
	envoydiff.PolicyNamespace, envoydiff.SelectionDiffers, envoydiff.Defaults,
	envoydiff.KumaTags, upgrade.MeshTracingIgnored, upgrade.MeshByLabel, upgrade.GlobalOnKubernetes,
}

// TestUpgradeCheck compares each case of fixtures/upgrade with its output.txt. The cases
// have every code.
func TestUpgradeCheck(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(fixtures.Dir(), "upgrade", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	var all strings.Builder
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Chdir(dir)
			args, err := os.ReadFile("args")
			if err != nil {
				require.ErrorIs(t, err, os.ErrNotExist)
			}
			code, out, words := tool(t, "upgrade-check -f input.yaml "+string(args))
			golden(t, "output.txt", fmt.Sprintf("%s%sexit %d\n", out, words, code))
			all.WriteString(out)
		})
	}
	for _, code := range upgradeCodes {
		assert.Regexp(t, "  "+string(code)+"(  |\n)", all.String())
	}
}

// TestUpgradeCheckForms compares every form of one case.
func TestUpgradeCheckForms(t *testing.T) {
	t.Chdir(filepath.Join(fixtures.Dir(), "upgrade", "meshtrace-refused"))
	for form, file := range map[string]string{"json": "output.json", "markdown": "output.md", "junit": "output.junit.xml", "sarif": "output.sarif"} {
		t.Run(form, func(t *testing.T) {
			code, out, words := tool(t, "upgrade-check -f input.yaml --from 2.14 -o "+form)
			assert.Equal(t, exitNo, code)
			assert.Equal(t, "tracemigrate: not ready for Kuma 3.0: meshtrace-refused\n", words)
			golden(t, file, out)
		})
	}
}

func TestUpgradeCheckDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/upgrade.md")
	require.NoError(t, err)
	for _, code := range upgradeCodes {
		assert.Contains(t, string(text), "| `"+string(code)+"` |")
	}
}

// The inputs that a control plane of 3.0 refused are refused here. One of them is none of
// the upgrade's: no version that has its field accepts it in a MeshTrace.
func TestUpgradeCheckRecorded(t *testing.T) {
	for name, want := range map[string]string{
		"refused-endpoint": "otel-endpoint", "refused-meshsubset": "meshtrace-refused",
	} {
		t.Run(name, func(t *testing.T) {
			code, out, words := tool(t, "upgrade-check --to 3.0 -f ../../fixtures/recorded/refused-3.0/"+name+".yaml")
			assert.Equal(t, exitNo, code)
			assert.Regexp(t, `(?m)^  \S+`+name+`.yaml:\d+  different  `+want+`  MeshTrace `, out)
			assert.Contains(t, words, "tracemigrate: not ready for Kuma 3.0: "+want+"\n")
		})
	}
	_, _, words := tool(t, "upgrade-check --to 3.0 -f ../../fixtures/recorded/refused-3.0/refused-sectionname.yaml")
	assert.Contains(t, words, `MeshTrace "zz-admin": Kuma 2.14, which runs, refuses it, so it was not checked: targetRef.sectionName`)
}

func TestUpgradeCheckFlags(t *testing.T) {
	ready, refused := "-f ../../fixtures/upgrade/ready/input.yaml ", "-f ../../fixtures/upgrade/meshtrace-refused/input.yaml "
	inherent := "-f ../../fixtures/upgrade/ready-inherent/input.yaml "
	for name, test := range map[string]struct {
		args        string
		code        int
		out, stderr string
	}{
		"ready":               {ready + "--from 2.14.3 --to 3.0.0", 0, "ready for Kuma 3.0.0: all 2 proxies keep their tracing\n", ""},
		"the same version":    {refused + "--from 2.14 --to 2.14", 0, "ready for Kuma 2.14: all 2 proxies keep their tracing\n", ""},
		"3.0 runs":            {ready + "--from 3.0", 0, "ready for Kuma 3.0: all 2 proxies keep their tracing\n", ""},
		"accepted":            {refused + "--from 2.14 --accept meshtrace-refused", 0, "accepted  meshtrace-refused", ""},
		"another is accepted": {refused + "--from 2.14 --accept name-order", exitNo, "different  meshtrace-refused", "not ready for Kuma 3.0: meshtrace-refused\n"},
		"inherent":            {inherent + "--from 2.13 --to 2.14", 0, "ready for Kuma 2.14: 1 proxy keeps its tracing; it differs only in inherent codes", ""},
		"strict":              {inherent + "--from 2.13 --to 2.14 --strict", exitNo, "inherent  kuma-tags", "not ready for Kuma 2.14: kuma-tags\n"},
		"downgrade":           {ready + "--from 2.13 --to 2.9", exitError, "", "--to 2.9 is older than 2.13 (its newest patch), which runs"},
		"assumed to run":      {ready + "--to 2.14", exitError, "", "--from is needed with --to 2.14: the input does not contain the control plane's version"},
		"assumed to be above": {ready + "--to 2.13.4", exitError, "", "--from is needed with --to 2.13.4"},
		"downgrade by patch":  {ready + "--from 2.13.4 --to 2.13.3", exitError, "", "--to 2.13.3 is older than 2.13.4, which runs"},
		"typo of --to":        {ready + "--to 3.O", exitError, "", `--to: "3.O" is not a version; write it like 2.14`},
		"unknown --to":        {ready + "--to 3.1", exitError, "", "--to: version 3.1 is unknown; the newest known ones are 2.14 and 3.0"},
		"oldest --to":         {ready + "--from 2.0 --to 2.0", exitError, "", "--to: 2.0 is the oldest version; the first one to upgrade to is 2.1"},
		"typo of --from":      {ready + "--from x", exitError, "", `--from: "x" is not a version`},
		"typo of --accept":    {ready + "--accept name-odrer", exitError, "", `--accept: "name-odrer" is not the code of a difference (did you mean name-order?); docs/upgrade.md lists them`},
		"accept of an info":   {ready + "--from 2.14 --accept mesh-tracing-ignored", 0, "ready", ""},
		"replaced TrafficTraces": {
			"-f ../../fixtures/plan/by-labels/input.yaml -k ../../fixtures/plan/by-labels/plan/2-add --from 2.14", exitNo,
			"have TrafficTraces. No known proxy has its tracing from these.\n  To fix: delete those that MeshTraces replace\n", "",
		},
		"missing file": {"-f missing.yaml", exitError, "", `reading "missing.yaml"`},
		"no resource":  {"-f ../../Makefile --from 2.14", exitError, "", ""},
		"unknown form": {ready + "-o yaml", exitError, "", `--output: "yaml" is none of text, json, markdown, junit, sarif`},
		"an argument":  {ready + "web", exitError, "", `unexpected argument "web"`},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, words := tool(t, "upgrade-check "+test.args)
			assert.Equal(t, test.code, code, words)
			assert.Contains(t, out, test.out)
			assert.Contains(t, words, test.stderr)
			if test.code == 0 {
				assert.Empty(t, words)
			}
			if strings.HasPrefix(test.out, "ready") && strings.HasSuffix(test.out, "\n") {
				assert.True(t, strings.HasSuffix(out, "\n\n"+test.out), "one line after the head: %s", out)
			}
		})
	}
}

// Text of the input is data in every form, and the forms for machines can be parsed.
func TestUpgradeCheckEscapes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "in <x> %.yaml")
	text := `{type: Mesh, name: default}
---
{type: MeshTrace, mesh: default, name: "a\e[31m<script>|` + "`" + `\a", spec: {targetRef: {kind: MeshSubset, tags: {app: x}}, default: {backends: [{type: Datadog, datadog: {url: "http://dd:8126"}}]}}}
---
{type: MeshTrace, mesh: default, name: all, spec: {targetRef: {kind: Mesh}, default: {backends: [{type: Datadog, datadog: {url: "http://dd:8126"}}]}}}
---
{type: Dataplane, mesh: default, name: "b\e[31m<script>|\a", networking: {address: 10.0.0.1, inbound: [{port: 80, protocol: http, tags: {kuma.io/service: s_1}}]}}
`
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	for _, form := range []string{"text", "json", "markdown", "junit", "sarif"} {
		t.Run(form, func(t *testing.T) {
			var out, words strings.Builder
			code := run(t.Context(), []string{"tracemigrate", "upgrade-check", "--from", "2.14", "-o", form, "--full", "-f", file}, strings.NewReader(""), &out, &words)
			require.Equal(t, exitNo, code, words.String())
			assert.NotContains(t, out.String()+words.String(), "\x1b")
			assert.NotContains(t, out.String()+words.String(), "\a")
			switch form {
			case "markdown":
				assert.NotContains(t, out.String(), "<script>")
			case "junit":
				assert.NotContains(t, out.String(), "<script>")
				require.NoError(t, xml.Unmarshal([]byte(out.String()), new(any)))
			case "json", "sarif":
				require.NoError(t, json.Unmarshal([]byte(out.String()), new(any)))
			}
		})
	}
}

// The SARIF has what its schema requires.
func TestUpgradeCheckSARIF(t *testing.T) {
	_, out, _ := tool(t, "upgrade-check --from 2.14 -o sarif -f ../../fixtures/upgrade/meshtrace-refused/input.yaml")
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct{ ID string }
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &log))
	assert.Equal(t, "2.1.0", log.Version)
	require.Len(t, log.Runs, 1)
	run := log.Runs[0]
	assert.Equal(t, "tracemigrate", run.Tool.Driver.Name)
	require.Len(t, run.Results, 2)
	for i, line := range []int{13, 22} {
		result := run.Results[i]
		assert.Equal(t, run.Tool.Driver.Rules[result.RuleIndex].ID, result.RuleID)
		assert.Equal(t, "meshtrace-refused", result.RuleID)
		assert.Equal(t, "error", result.Level)
		assert.NotEmpty(t, result.Message.Text)
		assert.Equal(t, "../../fixtures/upgrade/meshtrace-refused/input.yaml", result.Locations[0].PhysicalLocation.ArtifactLocation.URI)
		assert.Equal(t, line, result.Locations[0].PhysicalLocation.Region.StartLine)
	}
}

// A live control plane reports its version; resources have names instead of files.
func TestUpgradeCheckControlPlane(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(fixtures.Dir(), "upgrade/traffictrace-removed/input.yaml"))
	require.NoError(t, err)
	f := fixtures.NewControlPlane(t, string(text))
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	code, out, words := tool(t, "upgrade-check --control-plane "+server.URL)
	assert.Equal(t, exitNo, code, words)
	assert.Contains(t, out, "not ready for Kuma 3.0 (from 2.13.1): 2 of 2 proxies would not keep their tracing\n")
	assert.Contains(t, out, "    tracemigrate convert --kuma-version 2.13.1 --target-ref dataplane --control-plane "+server.URL+"\n")
	_, sarif, _ := tool(t, "upgrade-check -o sarif --control-plane "+server.URL)
	assert.Contains(t, sarif, `"fullyQualifiedName": "default/TrafficTrace/all"`)
	assert.NotContains(t, sarif, "artifactLocation")
	f.Config = `{"mode":"zone","environment":"kubernetes","store":{"kubernetes":{"systemNamespace":"kuma-system"}},"multizone":{"zone":{"name":"east"}}}`
	_, out, words = tool(t, "upgrade-check --control-plane "+server.URL)
	assert.Contains(t, out, "    kubectl patch mesh default --type=json", words)
	f.Config = `{"mode":"zone","environment":"universal","multizone":{"zone":{"name":"","globalAddress":""}}}`
	code, out, words = tool(t, "upgrade-check --to 2.14 --control-plane "+server.URL)
	assert.Equal(t, 0, code, words)
	assert.True(t, strings.HasSuffix(out, "\n\nready for Kuma 2.14: all 2 proxies keep their tracing\n"), out)
	code, _, words = tool(t, "upgrade-check --to 2.12 --control-plane "+server.URL)
	assert.Equal(t, exitError, code)
	assert.Contains(t, words, "--to 2.12 is older than 2.13.1, which runs")
}

// A control plane without any mesh is not ready, nor is it an error.
func TestUpgradeCheckEmptyControlPlane(t *testing.T) {
	f := fixtures.NewControlPlane(t, "")
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	code, out, words := tool(t, "upgrade-check --control-plane "+server.URL)
	assert.Equal(t, 0, code)
	assert.Empty(t, words)
	assert.Contains(t, out, "\n\nno proxy was checked for Kuma 3.0, because no Dataplane is known; there is no MeshTrace\n")
	f.Version = "0.0.0-preview.v123"
	code, _, words = tool(t, "upgrade-check --control-plane "+server.URL)
	assert.Equal(t, exitError, code)
	assert.Contains(t, words, "pass the closest one with --from")
	code, _, words = tool(t, "upgrade-check --from 2.14 --control-plane "+server.URL)
	assert.Equal(t, 0, code, words)
}

func TestLiveUpgradeCheck(t *testing.T) {
	shop(t)
	code, out, words := tool(t, "upgrade-check --to 2.14")
	assert.Equal(t, 0, code, words)
	assert.Contains(t, out, "ready for Kuma 2.14: all 4 proxies keep their tracing")
	code, out, words = tool(t, "upgrade-check")
	assert.Equal(t, exitNo, code, words)
	assert.Contains(t, out, "  different  traffictrace-removed  TrafficTrace \"teams\"\n")
	assert.Contains(t, out, "    tracemigrate convert --kuma-version 2.13.1 --target-ref dataplane --context test\n")
	assert.Contains(t, out, "    kubectl --context test patch mesh default --type=json")
	_, sarif, _ := tool(t, "upgrade-check -o sarif")
	assert.Contains(t, sarif, `"fullyQualifiedName": "default/TrafficTrace/teams"`)
	assert.NotContains(t, sarif, "artifactLocation", "a cluster has no files")
}

// 5,000 proxies take less than two seconds.
func TestUpgradeCheckScale(t *testing.T) {
	withoutRace.Skip(t)
	var text strings.Builder
	text.WriteString("{type: Mesh, name: default}\n---\n{type: MeshTrace, mesh: default, name: all, spec: {targetRef: {kind: Mesh}, default: {backends: [{type: Datadog, datadog: {url: 'http://dd:8126'}}]}}}\n")
	for i := range 5_000 {
		fmt.Fprintf(&text, "---\n{type: Dataplane, mesh: default, name: web-%d, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: s%d, kuma.io/protocol: http}}]}}\n", i, i%100)
	}
	file := filepath.Join(t.TempDir(), "input.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text.String()), 0o600))
	got := timed(t, filepath.Dir(file), "upgrade-check", "--from", "2.14", "-f", file)
	assert.Equal(t, exitNo, got.code, got.stderr)
	assert.Contains(t, got.stdout, "5,000 of 5,000 proxies would not keep their tracing")
	assert.Less(t, got.took, badLimit())
}

// What could not be read is never ready. MeshServices and MeshGateways make only the proxies
// unknown that depend on them.
func TestUpgradeCheckUnread(t *testing.T) {
	ready, err := os.ReadFile(filepath.Join(fixtures.Dir(), "upgrade/ready/input.yaml"))
	require.NoError(t, err)
	const line = "ready for Kuma 3.0: all 2 proxies keep their tracing\n"
	for what, test := range map[string]struct {
		code        int
		out, stderr string
	}{
		"MeshService":  {0, line, "not known: MeshService, because no. To fix: ask\n"},
		"MeshGateway":  {0, strings.TrimSpace(line) + "; not every Dataplane or MeshGateway could be read\n", "not known: MeshGateway, because no. To fix: ask\n"},
		"Dataplane":    {exitNo, "not ready for Kuma 3.0 (from 2.14.3): 2 proxies keep collector and sampling; the Dataplanes could not be read\n", "tracemigrate: not ready for Kuma 3.0: the Dataplanes could not be read\n"},
		"TrafficRoute": {exitError, "", "unread[0].what is TrafficRoute, which decides on tracing; record a source from which it can be read"},
		"MeshTrace":    {exitError, "", "unread[0].what is MeshTrace, which decides on tracing; record a source from which it can be read"},
		"Mesh":         {exitError, "", "unread[0].what is Mesh, which decides on tracing; record a source from which it can be read"},
		"TrafficTrace": {exitError, "", "unread[0].what is TrafficTrace, which decides on tracing; record a source from which it can be read"},
	} {
		t.Run(what, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "state.yaml")
			origin := "{apiVersion: tracemigrate/v1, kind: SnapshotOrigin, source: test, version: 2.14.3, mode: zone, unread: [{what: " + what + ", reason: 'no', remedy: ask}]}\n---\n"
			text := origin + string(ready) + "---\n{apiVersion: tracemigrate/v1, kind: SnapshotEnd}\n"
			require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
			code, out, words := tool(t, "upgrade-check -f "+file)
			assert.Equal(t, test.code, code)
			_, body, _ := strings.Cut(out, "\n\n") // without the head
			assert.Equal(t, unwrapped(test.out), unwrapped(body))
			assert.Contains(t, words, test.stderr)
			for _, form := range []string{"json", "markdown", "junit", "sarif"} {
				again, out, _ := tool(t, "upgrade-check -o "+form+" -f "+file)
				assert.Equal(t, test.code, again)
				if code == exitNo {
					assert.Contains(t, out, map[bool]string{true: `"unread": [`, false: "could not be read"}[form == "json"], form)
				}
			}
		})
	}
}

// A global control plane's zones may run other versions, and none may be downgraded.
func TestUpgradeCheckOfZones(t *testing.T) {
	const state = "-f ../../fixtures/report/state.yaml"
	code, out, _ := tool(t, "upgrade-check --to 3.0 "+state)
	assert.Equal(t, exitNo, code)
	assert.Contains(t, out, "tracemigrate convert --kuma-version 3.0 "+state)
	assert.NotContains(t, out, "--target-ref dataplane", "a zone of 2.9 has no kind Dataplane")
	code, _, words := tool(t, "upgrade-check --from 2.9 --to 2.10 "+state)
	assert.Equal(t, exitError, code)
	assert.Contains(t, words, "--to 2.10 is older than 2.13.1, which a zone's control plane runs")
}

// diff --to-version compares today's tracing with that of converted policies on another
// version.
func TestDiffToVersion(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	legacy := filepath.Join(fixtures.Dir(), "upgrade/traffictrace-removed/input.yaml")
	policy := func(ref, port string) string {
		return "{type: MeshTrace, mesh: default, name: all, spec: {targetRef: " + ref + ", default: {sampling: {overall: 100}, backends: [{type: Zipkin, zipkin: {url: 'http://z:" + port + "/api/v2/spans'}}]}}}"
	}
	good, other := write("good.yaml", policy("{kind: Mesh}", "9411")), write("other.yaml", policy("{kind: Mesh}", "9412"))
	refused := write("refused.yaml", policy("{kind: MeshSubset, tags: {app: web}}", "9411"))
	for name, test := range map[string]struct {
		args        string
		code        int
		out, stderr string
	}{
		"equal":         {"--kuma-version 2.13 --to-version 3.0 --meshtrace " + good, 0, "Kuma 2.13 to 3.0: 2 proxies compared: 0 same, 2 inherent, 0 different ", ""},
		"JSON":          {"-o json --kuma-version 2.13 --to-version 3.0 --meshtrace " + good, 0, `"toVersion": "3.0"`, ""},
		"JUnit":         {"-o junit --kuma-version 2.13 --to-version 3.0 --meshtrace " + good, 0, `name="tracemigrate diff on Kuma 2.13 to 3.0"`, ""},
		"Markdown":      {"-o markdown --kuma-version 2.13 --to-version 3.0 --meshtrace " + good, 0, "| 2.13 to 3.0 | 2 | 0 | 2 |", ""},
		"another port":  {"--kuma-version 2.13 --to-version 3.0 --meshtrace " + other, exitNo, " port inbound.", "2 different"},
		"converted":     {"--kuma-version 2.13 --to-version 2.14", 0, "Kuma 2.13 to 2.14: 2 proxies compared: 0 same, 2 inherent, 0 different ", ""},
		"refused":       {"--kuma-version 2.13 --to-version 3.0 --meshtrace " + refused, exitError, "", "--meshtrace: Kuma 3.0 does not accept the policies"},
		"not converted": {"--kuma-version 2.13 --to-version 3.0", exitError, "", "--to-version 3.0 needs --meshtrace, because converted policies are for Kuma 2.13; convert for it first: tracemigrate convert --kuma-version 3.0"},
		"two versions":  {"--kuma-version 2.9,2.13 --to-version 2.14", exitError, "", "--to-version compares one upgrade; pass one version with --kuma-version"},
		"downgrade":     {"--kuma-version 2.13 --to-version 2.9", exitError, "", "--to-version 2.9 is older than 2.13"},
		"typo":          {"--to-version x", exitError, "", `--to-version: "x" is not a version`},
		"shadow":        {"--shadow --to-version 2.14", exitError, "", "--to-version applies only to a comparison of manifests"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, words := tool(t, "diff -f "+legacy+" "+test.args)
			assert.Equal(t, test.code, code, words)
			assert.Contains(t, unwrapped(out), test.out)
			assert.Contains(t, words, test.stderr)
			assert.NotContains(t, strings.ReplaceAll(out, "traffictrace-removed/input.yaml", ""), "traffictrace-removed", "the TrafficTraces have successors")
		})
	}
}

// Made-up proxies are announced.
func TestDiffToVersionMadeUp(t *testing.T) {
	legacy := filepath.Join(fixtures.Dir(), "upgrade/made-up/input.yaml")
	edited := filepath.Join(fixtures.Dir(), "upgrade/no-dataplanes/input.yaml")
	for name, args := range map[string]string{
		"converted": "", "given": " --meshtrace " + edited, "given, to 3.0": " --to-version 3.0 --meshtrace " + edited, "converted, to 2.14": " --to-version 2.14",
	} {
		t.Run(name, func(t *testing.T) {
			code, _, words := tool(t, "diff --kuma-version 2.13 -f "+legacy+args)
			assert.Equal(t, 0, code, words)
			assert.Equal(t, 1, strings.Count(words, "made-up"), words)
		})
	}
}
