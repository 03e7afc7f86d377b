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
	federated := b.Origin.Mode == cluster.ModeFederatedZone
	if len(b.TrafficTraces) == 0 {
		if !federated && b.Summary.Errors == 0 {
			b.removals(meshes)
		}
		return
	}
	for _, words := range b.options.Ahead {
		b.step(words.Title, "%s", words.Command)
	}
	if !b.options.Files {
		b.step("Keep what is there, so that the result can be reproduced", "%s > "+b.file("state.yaml"), b.command("snapshot"))
	}
	converting := []string{"--kuma-version", b.KumaVersion}
	if b.options.Convert.ZoneOrigin {
		converting = append(converting, "--zone-origin")
	}
	mending := "Mend what the errors name, then look again"
	switch {
	case b.Summary.Errors > 0 || b.Summary.Different > 0:
	case b.Summary.Unverified:
		mending = "See to it that the Dataplanes can be read, then look again"
	default:
		mending = "See to it that the unknown proxies can be judged, then look again"
	}
	b.mend = append(slices.Clone(b.NextSteps), Step{mending, b.command("report", converting...)})
	switch {
	case !b.Summary.Holds:
		b.NextSteps = b.mend
		return
	case federated && !b.options.Convert.ZoneOrigin:
		b.step("Look at the global control plane, where the TrafficTraces come from, and go on there", "%s report --context GLOBAL", b.options.Program)
		return
	}
	if len(b.Policies) > 0 {
		b.step("Write the MeshTraces and read them", "%s > "+b.file("meshtraces.yaml"), b.command("convert", converting...))
	}
	if !b.kubernetes() && b.options.KumactlSwitch != "" {
		b.step("Have kumactl speak to the same control plane", "%s", b.options.KumactlSwitch)
	}
	apply := b.client() + " apply"
	switch {
	case len(b.Policies) == 0:
	case b.Summary.Earlier > 0:
		// Of a migration that is half applied the control plane's verdict would
		// be on what it happens to do today.
		b.step("Apply them, those that stand already as well"+b.there(), "%s -f "+b.file("meshtraces.yaml"), apply)
	case b.options.Convert.Version.ComputesShadows():
		b.step("Apply them as shadows, which the control plane computes and does not apply"+b.there(), "%s | %s -f -", b.command("convert", append(converting, "--shadow")...), apply)
		b.shadowStep()
		fallthrough
	default:
		b.step("Apply them in earnest"+b.there(), "%s -f "+b.file("meshtraces.yaml"), apply)
	}
	if federated {
		b.step("When every zone has its policies and traces arrive, delete the TrafficTraces at the global control plane", "%s report --context GLOBAL", b.options.Program)
		return
	}
	for _, mesh := range meshes {
		b.deletions(mesh)
	}
	b.removals(meshes)
}

func (b *builder) step(title, format string, args ...any) {
	b.NextSteps = append(b.NextSteps, Step{title, fmt.Sprintf(format, args...)})
}

// kubernetes says whether the commands are kubectl's.
func (b *builder) kubernetes() bool {
	switch {
	case b.Origin.Environment != "":
		return b.Origin.Environment == cluster.Kubernetes
	case len(b.snapshot.TrafficTraces) > 0:
		return b.snapshot.TrafficTraces[0].Format == cluster.Kubernetes
	}
	return len(b.snapshot.Meshes) > 0 && b.snapshot.Meshes[0].Format == cluster.Kubernetes
}

// client is the command that speaks to the cluster or control plane.
func (b *builder) client() string {
	if b.kubernetes() {
		return cmp.Or(b.options.Kubectl, "kubectl")
	}
	return cmp.Or(b.options.Kumactl, "kumactl")
}

// command is one of this tool's, for the same source.
func (b *builder) command(name string, flags ...string) string {
	all := append([]string{b.options.Program, name}, flags...)
	if b.options.Source != "" {
		all = append(all, b.options.Source)
	}
	return strings.Join(all, " ")
}

// file is where the commands write to.
func (b *builder) file(name string) string { return Quoted(b.options.Directory + name) }

// there says which cluster is meant where only a snapshot tells.
func (b *builder) there() string {
	if b.options.Files && b.snapshot.Origin != nil && b.Origin.Source != "" {
		return " (at " + b.Origin.Source + ")"
	}
	return ""
}

func (b *builder) shadowStep() {
	where := "--context"
	if !b.kubernetes() {
		where = "--control-plane"
	}
	switch {
	case b.Origin.Mode == cluster.ModeGlobal:
		b.step("Hear the verdict of each zone's own control plane", "%s diff --shadow %s ZONE%s", b.options.Program, where, b.only())
	case b.options.Files:
		b.step("Hear the control plane's own verdict"+b.there(), "%s diff --shadow %s NAME%s", b.options.Program, where, b.only())
	default:
		b.step("Hear the control plane's own verdict", "%s", b.command("diff", "--shadow"))
	}
}

// only are the flags for the meshes that were asked for.
func (b *builder) only() string {
	var flags strings.Builder
	for _, mesh := range b.Origin.Meshes {
		flags.WriteString(" --mesh " + Quoted(mesh))
	}
	return flags.String()
}

// deletions remove the TrafficTraces of a mesh, once traces arrive.
func (b *builder) deletions(mesh *legacy.Mesh) {
	var names []string
	for _, trace := range mesh.TrafficTraces {
		names = append(names, Quoted(trace.Name))
	}
	title := fmt.Sprintf("When traces arrive, delete the TrafficTraces of mesh %q%s", mesh.Name, b.there())
	switch {
	case len(names) == 0:
	case b.kubernetes():
		b.step(title, "%s delete traffictrace %s", b.client(), strings.Join(names, " "))
	default:
		b.step(title, "for name in %s; do %s delete traffic-trace --mesh %s -- \"$name\"; done", strings.Join(names, " "), b.client(), Quoted(mesh.Name))
	}
}

// removals take the tracing backends out of the meshes.
func (b *builder) removals(meshes []*legacy.Mesh) {
	for _, mesh := range meshes {
		switch {
		case len(mesh.Backends) == 0:
		case b.kubernetes():
			b.step(fmt.Sprintf("Remove the tracing backends of mesh %q%s", mesh.Name, b.there()), `%s patch mesh %s --type=json -p '[{"op":"remove","path":"/spec/tracing"}]'`, b.client(), Quoted(mesh.Name))
		default:
			b.step(fmt.Sprintf("Remove the field tracing from mesh %q%s", mesh.Name, b.there()), "%[1]s get mesh %[2]s -o yaml > mesh.yaml && ${EDITOR:-vi} mesh.yaml && %[1]s apply -f mesh.yaml", b.client(), Quoted(mesh.Name))
		}
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
