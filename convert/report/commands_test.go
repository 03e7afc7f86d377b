package report

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"tracemigrate/cluster"
)

// Every kind of step has a title and a command, in which every word in braces is known.
func TestStepTexts(t *testing.T) {
	b := &builder{Report: &Report{}, snapshot: &cluster.Snapshot{}, options: Options{Words: Words{Program: "tracemigrate"}, KumactlSwitch: "kumactl"}}
	for _, environment := range []cluster.Format{cluster.Universal, cluster.Kubernetes} {
		b.Origin.Environment = environment
		for kind := GiveToken; kind <= removeTracing; kind++ {
			text := b.stepWriter().write([]step{{kind: kind, mesh: "default", names: []string{"all"}}})[0]
			assert.NotEmpty(t, text.Title, kind)
			assert.NotEmpty(t, text.Command, kind)
			assert.NotRegexp(t, `[^$]\{[a-zA-Z]+\}`, text.Title+text.Command, kind)
		}
	}
	assert.Len(t, stepTexts, int(removeTracing)+1)
	deletion := b.stepWriter().write([]step{{kind: deleteTrafficTraces, mesh: "{source}", names: []string{"{mesh}"}}})[0]
	for kind := range dashedCommands {
		text := b.stepWriter().write([]step{{kind: kind, mesh: "default", names: []string{"all", "--all", "-f x"}}})[0]
		assert.Regexp(t, "^(xargs -n 100 )?kubectl delete (traffictrace|meshtrace -n '') -- (all --all '-f x'|< delete-default.txt)$", text.Command)
	}
	assert.Equal(t, Step{`When traces arrive, delete the TrafficTraces of mesh "{source}"`, "kubectl delete traffictrace '{mesh}'"}, deletion, "names are not replaced")
}

// The address of a snapshot's control plane is in a comment, which a line end would end.
func TestKumactlSwitch(t *testing.T) {
	const list = "kumactl config control-planes list # the active one must be "
	for name, want := range map[string]string{
		"prod":                  "kumactl config control-planes switch --name prod",
		"a; b":                  "kumactl config control-planes switch --name 'a; b'",
		"http://cp:5681":        list + "http://cp:5681",
		"http://cp\ntouch x":    list + "'http://cp\ufffdtouch x'",
		"http://ann:pw@cp:5681": list + "http://REDACTED@cp:5681",
	} {
		assert.Equal(t, want, KumactlSwitch("kumactl", name), name)
	}
}
