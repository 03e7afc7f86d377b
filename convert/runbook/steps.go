package runbook

import (
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/meshtrace"
)

// stepText is a numbered step of the README.
type stepText struct {
	Number                       int
	Title, Command, Expect, Back string
	Runs                         string // the commands of apply.sh
	Again                        int    // the step that apply.sh repeats before; 0 without one
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
			text.Title = b.titleOfAdd()
			text.Expect = b.expectOfAdd()
		case Remove:
			text.Title = b.titleOfRemove()
			text.Expect = "exit code 0. Check that traces still arrive."
			if len(b.Plan.Policies) > 0 {
				text.Again = len(steps) // the step before is add
			}
		}
		text.Runs = b.runs(step)
		steps = append(steps, text)
	}
	for i := range steps {
		steps[i].Number = i + 1
	}
	return steps
}

func (b *builder) titleOfAdd() string {
	switch {
	case b.Deletions() == 0:
		return "Apply the MeshTraces"
	case len(b.Plan.Policies) == 0:
		return "Delete the MeshTraces that others replace"
	}
	return "Apply the MeshTraces, and delete those that they replace"
}

func (b *builder) expectOfAdd() string {
	expect := "exit code 0."
	if len(b.Traces) > 0 {
		expect += " MeshTraces now decide, and the TrafficTraces still exist."
	}
	if len(b.Same) == len(b.Plan.Policies) && b.Deletions() == 0 {
		return expect + " The MeshTraces already exist with this content, so no proxy changes."
	}
	return expect + " Wait until traces arrive."
}

func (b *builder) titleOfRemove() string {
	switch {
	case len(b.Traces) == 0:
		return "Remove the tracing of the Meshes"
	case len(b.Meshes) == 0:
		return "Delete the TrafficTraces"
	}
	return "Delete the TrafficTraces, and remove the tracing of the Meshes"
}

// shownCommands is the number of commands that the README shows for a step.
const shownCommands = 5

// runs returns the commands of apply.sh as Markdown.
func (b *builder) runs(step Step) string {
	commands := b.StepCommands(step)
	shown := lists.Each(commands[:min(len(commands), shownCommands)], func(c command) string { return code(c.shown) })
	return convert.List(shown, len(commands))
}

// command is a command of apply.sh, and how the README shows it.
type command struct{ Run, shown string }

func plainly(text string) command { return command{text, text} }

// StepCommands returns the commands of a step. A merge patch can be repeated, and `kubectl
// apply` deletes nothing.
func (b *builder) StepCommands(step Step) []command {
	switch step {
	case Shadow:
		return b.application(shadowDir, b.Shadow.Policies)
	case Add:
		return slices.Concat(b.deletion(idleFile, b.Idle), b.adoption(), b.application(addDir, b.Plan.Policies), b.deletion(replacedFile, b.Deleted))
	}
	commands := b.deletion(removeDir+"traffictraces.yaml", b.Traces)
	switch {
	case len(b.Meshes) == 0:
	case b.Kubernetes:
		for _, o := range b.Meshes {
			const patch = "%s patch mesh %s --type=merge --patch-file=%smesh-patch.yaml"
			commands = append(commands, plainly(fmt.Sprintf(patch, b.Client, manifest.ShellQuote(o.Name), removeDir)))
		}
	default:
		commands = append(commands, plainly(b.Client+" apply -f "+removeDir+"meshes.yaml"))
	}
	return commands
}

// filesTogether is how many files one command applies.
const filesTogether = 20

// application returns the commands that apply the MeshTraces of a directory.
func (b *builder) application(dir string, policies []*meshtrace.Policy) []command {
	switch {
	case len(policies) == 0:
		return nil
	case b.Kubernetes && b.Options.ByLabels: // in order, which a kustomization does not keep
		var commands []command
		for some := range slices.Chunk(policies, filesTogether) {
			text := b.Client + " apply"
			for _, p := range some {
				text += " -f " + manifest.ShellQuote(dir+b.names[p])
			}
			commands = append(commands, plainly(text))
		}
		return commands
	case b.Kubernetes:
		return []command{plainly(b.Client + " apply -k " + strings.TrimSuffix(dir, "/"))}
	}
	return []command{plainly(b.Client + " apply -f " + dir + "meshtraces.yaml")}
}

// adoption returns the command without which `kubectl apply` keeps the fields of existing
// MeshTraces that the new ones do not have, if others than `kubectl apply` made them.
func (b *builder) adoption() []command {
	if !b.Kubernetes || len(b.Changed()) == 0 {
		return nil
	}
	return []command{plainly(b.Client + " apply set-last-applied --create-annotation -f " + changedFile)}
}

// kumactlTypes are kumactl's names of the kinds that a plan deletes.
var kumactlTypes = map[string]string{cluster.KindTrafficTrace: "traffic-trace", cluster.KindMeshTrace: "meshtrace"}

// deletion returns the commands that delete resources: on Kubernetes those of a file, on
// Universal each with a function of apply.sh.
func (b *builder) deletion(path string, resources []*cluster.Original) []command {
	if b.Kubernetes && len(resources) > 0 {
		return []command{plainly(b.Client + " delete -f " + path + " --ignore-not-found")}
	}
	return lists.Each(resources, func(o *cluster.Original) command {
		kind, mesh, name := kumactlTypes[o.Kind], manifest.ShellQuote(o.Mesh), manifest.ShellQuote(o.Name)
		return command{
			Run:   fmt.Sprintf("delete %s %s %s", kind, mesh, name),
			shown: fmt.Sprintf("%s delete %s --mesh %s -- %s", b.Client, kind, mesh, name),
		}
	})
}

// Deletes reports whether apply.sh deletes resources one by one.
func (b *builder) Deletes() bool {
	return !b.Kubernetes && (b.Deletions() > 0 || b.Removes() && len(b.Traces) > 0)
}
