package report

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
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
	if b.options.Convert.RoundSampling {
		converting = append(converting, "--round-sampling")
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
		b.step("Look at the global control plane, where the TrafficTraces come from, and go on there", "%s report %s GLOBAL", b.options.Program, b.sourceFlag())
		return
	}
	if len(b.Policies) > 0 {
		b.step("Write the MeshTraces and read them", "%s > "+b.file("meshtraces.yaml"), b.command("convert", converting...))
	}
	if to := b.kumactlSwitch(); !b.kubernetes() && to != "" {
		b.step("Have kumactl speak to the same control plane"+b.there(), "%s", to)
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
		b.step("When every zone has its policies and traces arrive, delete the TrafficTraces at the global control plane", "%s report %s GLOBAL", b.options.Program, b.sourceFlag())
		return
	}
	for _, mesh := range meshes {
		b.deletions(mesh, converting)
	}
	b.removals(meshes)
}

func (b *builder) step(title, format string, args ...any) {
	b.NextSteps = append(b.NextSteps, Step{title, fmt.Sprintf(format, args...)})
}

// kubernetes reports whether the commands are kubectl's.
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
	if !b.kubernetes() {
		return cmp.Or(b.options.Kumactl, "kumactl")
	}
	if b.options.Kubectl == "" && b.Origin.Endpoint.Context != "" {
		return "kubectl --context " + Quoted(b.Origin.Endpoint.Context)
	}
	return cmp.Or(b.options.Kubectl, "kubectl")
}

// sourceFlag is the flag that names a control plane like the one that was read:
// by the API that was used, or that there is without any doubt.
func (b *builder) sourceFlag() string {
	at := b.Origin.Endpoint
	if at.ControlPlane != "" || at.Kubernetes == "" && !b.kubernetes() {
		return "--control-plane"
	}
	return "--context"
}

// live are the flags of this tool that read what a snapshot was taken of.
func (b *builder) live() string {
	at := b.Origin.Endpoint
	return b.sourceFlag() + " " + Quoted(cmp.Or(at.Context, at.Name, at.ControlPlane, "NAME"))
}

// kumactlSwitch makes the control plane that was read kumactl's current one, by
// name, or shows which one is; empty where nothing tells which was read.
func (b *builder) kumactlSwitch() string {
	if at := b.Origin.Endpoint; b.options.Files {
		switch {
		case at.Name != "":
			return KumactlSwitch(b.client(), at.Name)
		case at.ControlPlane != "":
			return KumactlSwitch(b.client(), at.ControlPlane)
		}
	}
	return b.options.KumactlSwitch
}

// KumactlSwitch makes a control plane kumactl's current one, by its name, or
// shows which one is where only its URL is known.
func KumactlSwitch(kumactl, nameOrURL string) string {
	if strings.Contains(nameOrURL, "://") {
		return kumactl + " config control-planes list # the active one must be " + Quoted(manifest.Redact(nameOrURL))
	}
	return kumactl + " config control-planes switch --name " + Quoted(nameOrURL)
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
	switch {
	case b.Origin.Mode == cluster.ModeGlobal:
		b.step("Hear the verdict of each zone's own control plane", "%s diff --shadow %s ZONE%s", b.options.Program, b.sourceFlag(), b.only())
	case b.options.Files:
		b.step("Hear the control plane's own verdict"+b.there(), "%s diff --shadow %s%s", b.options.Program, b.live(), b.only())
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

// What is more than these is not typed into a command but read from a file.
const (
	maxNames      = 20
	maxNamesBytes = 1000
)

// deletions remove the TrafficTraces of a mesh, once traces arrive.
func (b *builder) deletions(mesh *legacy.Mesh, converting []string) {
	var names []string
	plain := true // names that xargs takes as they are
	for _, trace := range mesh.TrafficTraces {
		names = append(names, Quoted(trace.Name))
		plain = plain && plainWord.MatchString(trace.Name)
	}
	if len(names) == 0 {
		return
	}
	all := strings.Join(names, " ")
	title := fmt.Sprintf("When traces arrive, delete the TrafficTraces of mesh %q%s", mesh.Name, b.there())
	one := fmt.Sprintf("%s delete traffic-trace --mesh %s", b.client(), Quoted(mesh.Name))
	switch {
	case plain && (len(names) > maxNames || len(all) > maxNamesBytes):
		source := b.options.Source
		if !b.options.Files {
			source = "-f " + b.file("state.yaml")
		}
		list := b.file("delete-" + mesh.Name + ".txt")
		b.step(fmt.Sprintf("Write the names of the %d TrafficTraces of mesh %q to a file, and read it", len(names), mesh.Name),
			"%s report %s -o json | jq -r --arg mesh %s '.trafficTraces[] | select(.mesh == $mesh) | .name' > %s",
			b.options.Program, strings.Join(append(slices.Clone(converting), source), " "), Quoted(mesh.Name), list)
		if b.kubernetes() {
			b.step(title, "xargs -n 100 %s delete traffictrace < %s", b.client(), list)
		} else {
			b.step(title, "xargs -n 1 %s -- < %s", one, list)
		}
	case b.kubernetes():
		b.step(title, "%s delete traffictrace %s", b.client(), all)
	default:
		b.step(title, "for name in %s; do %s -- \"$name\"; done", all, one)
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
