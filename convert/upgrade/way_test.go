package upgrade_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/report"
	"tracemigrate/convert/upgrade"
)

// way returns the stages to 3.0 in lines: state, summary and command.
func way(t *testing.T, documents ...string) []string {
	t.Helper()
	c := convert.Read(cluster.Read([]manifest.Input{manifest.Text("in.yaml", strings.Join(documents, "\n---\n"))}), "kuma-system")
	o := convert.Options{Version: cluster.V(13), Namespace: "kuma-system", MadeUp: 100}
	r, _, problems := report.Build(c, report.Options{Convert: o})
	require.NotNil(t, r, "%v", problems)
	var lines []string
	for _, stage := range upgrade.Way(c, o, r, report.Words{Program: "x"}) {
		lines = append(lines, fmt.Sprintf("%s: %s %s", stage.State(), stage.Summary, stage.Command))
	}
	return lines
}

// A stage counts what is to be written, and never 0 of it.
func TestWay(t *testing.T) {
	const all = "{type: MeshTrace, mesh: default, name: all, spec: {targetRef: {kind: Mesh}, default: {sampling: {overall: 100}, backends: [{type: Zipkin, " +
		"zipkin: {url: 'http://z:9411/api/v2/spans', apiVersion: httpJson, sharedSpanContext: true, traceId128bit: false}}]}}}"
	for name, test := range map[string]struct {
		documents []string
		want      []string // of the first two stages
	}{
		"nothing is done": {
			[]string{mesh, trace, web},
			[]string{
				"open: 1 TrafficTrace to replace, by 1 MeshTrace x convert --kuma-version 2.13",
				"open: 1 policy to write x convert --kuma-version 2.13 --target-ref dataplane",
			},
		},
		"MeshTraces exist": {
			[]string{mesh, trace, web, all},
			[]string{
				"open: 1 TrafficTrace to delete; all MeshTraces exist ",
				"open: every MeshTrace selects by labels that 3.0 accepts, but TrafficTraces exist ",
			},
		},
		"nothing is traced": {
			[]string{bare, trace, web},
			[]string{
				"open: 1 TrafficTrace to delete; no proxy needs a MeshTrace instead ",
				"open: every MeshTrace selects by labels that 3.0 accepts, but TrafficTraces exist ",
			},
		},
		"nothing can be written": {
			[]string{mesh, "{type: TrafficTrace, mesh: default, name: teams, selectors: [{match: {team: '*'}}]}"},
			[]string{
				"blocked: 1 TrafficTrace to replace; no MeshTrace can be written yet x convert --kuma-version 2.13",
				"blocked: no policy can be written x convert --kuma-version 2.13 --target-ref dataplane",
			},
		},
		"finished": {
			[]string{bare, web, all},
			[]string{"ready: no TrafficTrace exists ", "ready: every MeshTrace selects by labels that 3.0 accepts "},
		},
		"one that 3.0 refuses is left": {
			[]string{bare, web, all, strings.NewReplacer("name: all", "name: nobody", "kind: Mesh}", "kind: MeshService, name: nobody}").Replace(all)},
			[]string{
				"ready: no TrafficTrace exists ",
				"open: 1 MeshTrace without a policy by labels; the notes say why x convert --kuma-version 2.13 --target-ref dataplane",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, way(t, test.documents...)[:2])
		})
	}
}
