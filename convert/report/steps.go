package report

import (
	"fmt"
	"regexp"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/legacy"
)

// nextSteps are the commands of the migration, in order.
func (b *builder) nextSteps(meshes []*legacy.Mesh) {
	step := func(title, format string, args ...any) {
		b.NextSteps = append(b.NextSteps, Step{title, fmt.Sprintf(format, args...)})
	}
	if len(b.TrafficTraces) == 0 {
		return
	}
	kubernetes := b.Origin.Environment == cluster.Kubernetes ||
		b.Origin.Environment == "" && b.snapshot.TrafficTraces[0].Format == cluster.Kubernetes
	apply := "kubectl apply"
	if !kubernetes {
		apply = "kumactl apply"
	}
	command := func(name string, flags ...string) string {
		all := append([]string{"tracemigrate", name}, flags...)
		if b.options.Source != "" {
			all = append(all, b.options.Source)
		}
		return strings.Join(all, " ")
	}
	converting := []string{"--kuma-version", b.KumaVersion}
	if kubernetes && b.options.Convert.Namespace != "" && b.options.Convert.Namespace != "kuma-system" {
		converting = append(converting, "--namespace", Quoted(b.options.Convert.Namespace))
	}
	if b.options.Convert.ZoneOrigin {
		converting = append(converting, "--zone-origin")
	}
	files := strings.HasPrefix(b.options.Source, "-f ")
	if !files {
		step("Keep what is there, so that the result can be reproduced", "%s > state.yaml", command("snapshot"))
	}
	if b.Summary.Errors > 0 {
		step("Mend what the errors name, then look again", "%s", command("report", converting...))
	}
	step("Write the MeshTraces and read them", "%s > meshtraces.yaml", command("convert", converting...))
	if b.options.Convert.Version.AtLeast(cluster.V(7)) {
		step("Apply them as shadows, which the control plane computes and does not apply", "%s | %s -f -", command("convert", append(converting, "--shadow")...), apply)
		switch {
		case b.Origin.Mode == cluster.ModeGlobal:
			step("Hear the verdict of each zone's own control plane", "tracemigrate diff --shadow --context ZONE")
		case files:
			step("Hear the control plane's own verdict, from the cluster", "tracemigrate diff --shadow")
		default:
			step("Hear the control plane's own verdict", "%s", command("diff", "--shadow"))
		}
	}
	step("Apply them in earnest", "%s -f meshtraces.yaml", apply)
	for _, mesh := range meshes {
		var names []string
		for _, trace := range mesh.TrafficTraces {
			names = append(names, Quoted(trace.Name))
		}
		if len(names) == 0 {
			continue
		}
		if kubernetes {
			step(fmt.Sprintf("When traces arrive, delete the TrafficTraces of mesh %q", mesh.Name), "kubectl delete traffictrace %s", strings.Join(names, " "))
			continue
		}
		step(fmt.Sprintf("When traces arrive, delete the TrafficTraces of mesh %q", mesh.Name),
			"for name in %s; do kumactl delete traffic-trace \"$name\" --mesh %s; done", strings.Join(names, " "), Quoted(mesh.Name))
	}
	for _, mesh := range meshes {
		switch {
		case len(mesh.Backends) == 0:
		case kubernetes:
			step(fmt.Sprintf("Remove the tracing backends of mesh %q", mesh.Name), `kubectl patch mesh %s --type=json -p '[{"op":"remove","path":"/spec/tracing"}]'`, Quoted(mesh.Name))
		default:
			step(fmt.Sprintf("Remove the field tracing from mesh %q", mesh.Name), "kumactl get mesh %s -o yaml > mesh.yaml && ${EDITOR:-vi} mesh.yaml && kumactl apply -f mesh.yaml", Quoted(mesh.Name))
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
