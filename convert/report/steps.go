package report

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/legacy"
)

// nextSteps are the commands of the migration, in order, as far as they can be
// told: nothing is to be deleted that has no successor.
func (b *builder) nextSteps(meshes []*legacy.Mesh) {
	if len(b.TrafficTraces) == 0 {
		return
	}
	if !b.options.Files {
		b.step("Keep what is there, so that the result can be reproduced", "%s > state.yaml", b.command("snapshot"))
	}
	converting := []string{"--kuma-version", b.KumaVersion}
	if b.options.Convert.ZoneOrigin {
		converting = append(converting, "--zone-origin")
	}
	b.mend = append(slices.Clone(b.NextSteps), Step{"Mend what the errors name, then look again", b.command("report", converting...)})
	switch {
	case b.Summary.Errors > 0 || b.Summary.Different > 0:
		b.NextSteps = b.mend
		return
	case b.Origin.Mode == cluster.ModeFederatedZone && !b.options.Convert.ZoneOrigin:
		b.step("Look at the global control plane, where the TrafficTraces come from, and go on there", "%s report --context GLOBAL", b.options.Program)
		return
	}
	kubernetes := b.Origin.Environment == cluster.Kubernetes ||
		b.Origin.Environment == "" && b.snapshot.TrafficTraces[0].Format == cluster.Kubernetes
	kubectl, apply := cmp.Or(b.options.Kubectl, "kubectl"), "kumactl apply"
	if kubernetes {
		apply = kubectl + " apply"
	}
	if len(b.Policies) > 0 {
		b.step("Write the MeshTraces and read them", "%s > meshtraces.yaml", b.command("convert", converting...))
	}
	if !kubernetes && b.options.Kumactl != "" {
		b.step("Have kumactl speak to the same control plane", "%s", b.options.Kumactl)
	}
	// Of a migration that is half applied the control plane's verdict would be on
	// what it happens to do today.
	resumed := slices.ContainsFunc(b.Existing, func(p Existing) bool { return p.Earlier })
	switch {
	case len(b.Policies) == 0:
	case resumed:
		b.step("Apply them, those that stand already as well"+b.there(), "%s -f meshtraces.yaml", apply)
	case b.options.Convert.Version.AtLeast(cluster.V(7)):
		b.step("Apply them as shadows, which the control plane computes and does not apply"+b.there(), "%s | %s -f -", b.command("convert", append(converting, "--shadow")...), apply)
		b.shadowStep(kubernetes)
		fallthrough
	default:
		b.step("Apply them in earnest"+b.there(), "%s -f meshtraces.yaml", apply)
	}
	if b.Origin.Mode == cluster.ModeFederatedZone {
		b.step("When every zone has its policies and traces arrive, delete the TrafficTraces at the global control plane", "%s report --context GLOBAL", b.options.Program)
		return
	}
	for _, mesh := range meshes {
		b.deletions(mesh, kubernetes, kubectl)
	}
}

func (b *builder) step(title, format string, args ...any) {
	b.NextSteps = append(b.NextSteps, Step{title, fmt.Sprintf(format, args...)})
}

// command is one of this tool's, for the same source.
func (b *builder) command(name string, flags ...string) string {
	all := append([]string{b.options.Program, name}, flags...)
	if b.options.Source != "" {
		all = append(all, b.options.Source)
	}
	return strings.Join(all, " ")
}

// there says which cluster kubectl must speak to where only a snapshot tells.
func (b *builder) there() string {
	if b.options.Files && b.snapshot.Origin != nil && b.Origin.Source != "" {
		return ", to " + b.Origin.Source
	}
	return ""
}

func (b *builder) shadowStep(kubernetes bool) {
	where := "--context"
	if !kubernetes {
		where = "--control-plane"
	}
	switch {
	case b.Origin.Mode == cluster.ModeGlobal:
		b.step("Hear the verdict of each zone's own control plane", "%s diff --shadow %s ZONE", b.options.Program, where)
	case b.options.Files:
		b.step("Hear the control plane's own verdict"+b.there(), "%s diff --shadow %s NAME", b.options.Program, where)
	default:
		b.step("Hear the control plane's own verdict", "%s", b.command("diff", "--shadow"))
	}
}

// deletions remove what is legacy of a mesh, once traces arrive.
func (b *builder) deletions(mesh *legacy.Mesh, kubernetes bool, kubectl string) {
	var names []string
	for _, trace := range mesh.TrafficTraces {
		names = append(names, Quoted(trace.Name))
	}
	title := fmt.Sprintf("When traces arrive, delete the TrafficTraces of mesh %q", mesh.Name)
	switch {
	case len(names) == 0:
	case kubernetes:
		b.step(title, "%s delete traffictrace %s", kubectl, strings.Join(names, " "))
	default:
		b.step(title, "for name in %s; do kumactl delete traffic-trace \"$name\" --mesh %s; done", strings.Join(names, " "), Quoted(mesh.Name))
	}
	switch {
	case len(mesh.Backends) == 0:
	case kubernetes:
		b.step(fmt.Sprintf("Remove the tracing backends of mesh %q", mesh.Name), `%s patch mesh %s --type=json -p '[{"op":"remove","path":"/spec/tracing"}]'`, kubectl, Quoted(mesh.Name))
	default:
		b.step(fmt.Sprintf("Remove the field tracing from mesh %q", mesh.Name), "kumactl get mesh %[1]s -o yaml > mesh.yaml && ${EDITOR:-vi} mesh.yaml && kumactl apply -f mesh.yaml", Quoted(mesh.Name))
	}
}

var plainWord = regexp.MustCompile(`^[-a-zA-Z0-9._/:@=+,]+$`)

// Quoted is a word that a shell takes as it is.
func Quoted(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
