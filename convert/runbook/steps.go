package runbook

import (
	"fmt"
	"strings"

	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
)

// stepText is a numbered step of the README.
type stepText struct {
	Number                       int
	Title, Command, Expect, Back string
	Runs                         string // the commands of apply.sh
}

const goBack = "`sh rollback.sh && sh verify.sh rollback`."

// Applied returns the steps of apply.sh.
func (b *builder) Applied() []Step {
	steps := b.Steps()
	return steps[1 : len(steps)-1] // without start and rollback
}

// StepTexts returns the steps of the README.
func (b *builder) StepTexts() []stepText {
	steps := []stepText{{
		Title: "Check that nothing changed since the plan", Command: "sh verify.sh start",
		Expect: "exit code 0. If the state changed, write a new plan.", Back: "nothing was changed.",
	}}
	for _, step := range b.Applied() {
		text := stepText{Command: fmt.Sprintf("sh apply.sh %[1]s\nsh verify.sh %[1]s", step), Back: goBack}
		switch step {
		case Shadow:
			text.Title = "Apply the MeshTraces as shadows"
			text.Expect = "exit code 0. The control plane computes the MeshTraces and does not apply them, so no proxy changes."
			if !b.Global() {
				text.Expect += fmt.Sprintf(" If its API can be reached, %s gives the control plane's own verdict.",
					code(strings.TrimSpace(b.Program+" diff --shadow "+b.Live)))
			}
		case Add:
			text.Title = "Apply the MeshTraces"
			text.Expect = "exit code 0. Wait until traces arrive."
			if len(b.Traces) > 0 {
				text.Expect = "exit code 0. MeshTraces now decide, and the TrafficTraces still exist. Wait until traces arrive."
			}
		case Remove:
			text.Title = "Delete the TrafficTraces, and remove the tracing of the Meshes"
			text.Expect = "exit code 0. Check that traces still arrive."
		}
		text.Runs = b.runs(step)
		steps = append(steps, text)
	}
	for i := range steps {
		steps[i].Number = i + 1
	}
	return steps
}

// shownCommands is the number of commands that the README shows for a step.
const shownCommands = 5

// runs returns the commands of apply.sh as Markdown.
func (b *builder) runs(step Step) string {
	var shown []string
	commands := b.StepCommands(step)
	for i, command := range commands[:min(len(commands), shownCommands)] {
		if step == Remove && !b.Kubernetes && i < len(b.Traces) { // by a function of apply.sh
			o := b.Traces[i]
			command = b.Client + " delete traffic-trace --mesh " + manifest.ShellQuote(o.Mesh) + " -- " + manifest.ShellQuote(o.Name)
		}
		shown = append(shown, code(command))
	}
	return convert.List(shown, len(commands))
}

// StepCommands returns the commands of a step. A merge patch can be repeated, and `kubectl
// apply` deletes nothing.
func (b *builder) StepCommands(step Step) []string {
	if step != Remove {
		dir := map[Step]string{Shadow: shadowDir, Add: addDir}[step]
		if b.Kubernetes {
			return []string{b.Client + " apply -k " + strings.TrimSuffix(dir, "/")}
		}
		return []string{b.Client + " apply -f " + dir + "meshtraces.yaml"}
	}
	var commands []string
	if !b.Kubernetes {
		for _, o := range b.Traces {
			commands = append(commands, "delete "+manifest.ShellQuote(o.Mesh)+" "+manifest.ShellQuote(o.Name))
		}
		if len(b.Meshes) > 0 {
			commands = append(commands, b.Client+" apply -f "+removeDir+"meshes.yaml")
		}
		return commands
	}
	if len(b.Traces) > 0 {
		commands = append(commands, b.Client+" delete -f "+removeDir+"traffictraces.yaml --ignore-not-found")
	}
	for _, o := range b.Meshes {
		commands = append(commands, b.Client+" patch mesh "+manifest.ShellQuote(o.Name)+" --type=merge --patch-file="+removeDir+"mesh-patch.yaml")
	}
	return commands
}
