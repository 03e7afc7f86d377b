package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
)

const (
	idleTitle                 = "Delete the MeshTraces without an effect, which they would get with the new ones{place}"
	deleteMeshTraces          = "{client} delete meshtrace -n {namespace} {names}"
	deleteMeshTracesUniversal = `for name in {names}; do {client} delete meshtrace --mesh {mesh} -- "$name"; done`
)

const deletionTitle = "When traces arrive, delete the TrafficTraces of mesh {meshName}{place}"

// stepTexts has the title and the command of each kind of step. stepWriter replaces
// the words in braces.
var stepTexts = map[StepKind]Step{
	GiveToken:        {"Set the token for the commands below", "read -rs TRACEMIGRATE_TOKEN && export TRACEMIGRATE_TOKEN"},
	SavePipe:         {"Save the input of the pipe to a file for the commands below", "COMMAND > stdin.yaml"},
	saveState:        {"Save the current state, so that the result can be reproduced", "{program} snapshot{source} > {state}"},
	fixErrors:        {"Fix what the errors name, then run the report again", "{program} report{flags}{accept}{source}"},
	resolveDifferent: {"Look into the proxies that differ, then run the report again", "{program} report{flags}{accept}{source}"},
	readDataplanes:   {"Make the Dataplanes readable, then run the report again", "{program} report{flags}{accept}{source}"},
	resolveUnknown:   {"Resolve why proxies are unknown, then run the report again", "{program} report{flags}{accept}{source}"},
	correctDocuments: {
		"Correct or remove the documents that were not read, then run the report again", "{program} report{flags}{accept}{source}",
	},
	reportGlobal: {
		"Report on the global control plane, where the TrafficTraces come from, and continue there",
		"{program} report {sourceFlag} GLOBAL",
	},
	writePolicies:   {"Write the MeshTraces to a file and review it", "{program} convert{flags}{source} > {meshtraces}"},
	useControlPlane: {"Make kumactl use the same control plane{place}", "{kumactlSwitch}"},
	applyMissing:    {"Apply them, including those that already exist{place}", "{client} apply -f {meshtraces}"},
	applyShadows: {
		"Apply them as shadows, which the control plane computes and does not apply{place}",
		"{program} convert{flags} --shadow{source} | {client} apply -f -",
	},
	diffZones:        {"Get the verdict of each zone's own control plane", "{program} diff --shadow{accept} {sourceFlag} ZONE{meshes}"},
	diffControlPlane: {"Get the control plane's own verdict{place}", "{program} diff --shadow{accept} {live}{meshes}"},
	diffSource:       {"Get the control plane's own verdict", "{program} diff --shadow{accept}{source}"},
	applyPolicies:    {"Apply them for real{place}", "{client} apply -f {meshtraces}"},
	deleteIdle:       {idleTitle, deleteMeshTraces},
	deleteReplaced:   {"Delete the MeshTraces of namespace {namespace} that the new ones replace{place}", deleteMeshTraces},
	deleteAtGlobal: {
		"When every zone has its policies and traces arrive, delete the TrafficTraces at the global control plane",
		"{program} report {sourceFlag} GLOBAL",
	},
	listTrafficTraces: {
		`Write the names of the {count} TrafficTraces of mesh {meshName} to a file and review it`,
		`{program} report{flags}{accept}{saved} -o json | jq -r --arg mesh {mesh} '.trafficTraces[] | select(.mesh == $mesh) | .name' > {list}`,
	},
	deleteListed: {deletionTitle, "xargs -n 100 {client} delete traffictrace < {list}"},
	deleteEachListed: {
		deletionTitle, `while IFS= read -r name; do {client} delete traffictrace -- "$name" < /dev/null; done < {list}`,
	},
	deleteTrafficTraces: {deletionTitle, "{client} delete traffictrace {names}"},
	removeTracing: {
		"Remove the tracing backends of mesh {meshName}{place}",
		`{client} patch mesh {mesh} --type=json -p '[{"op":"remove","path":"/spec/tracing"}]'`,
	},
}

// universalTexts has those of stepTexts that are others for kumactl.
var universalTexts = map[StepKind]Step{
	deleteIdle:     {idleTitle, deleteMeshTracesUniversal},
	deleteReplaced: {"Delete the MeshTraces of mesh {meshName} that the new ones replace{place}", deleteMeshTracesUniversal},
	deleteListed:   {deletionTitle, "xargs -n 1 {client} delete traffic-trace --mesh {mesh} -- < {list}"},
	deleteEachListed: {
		deletionTitle, `while IFS= read -r name; do {client} delete traffic-trace --mesh {mesh} -- "$name" < /dev/null; done < {list}`,
	},
	deleteTrafficTraces: {deletionTitle, `for name in {names}; do {client} delete traffic-trace --mesh {mesh} -- "$name"; done`},
	removeTracing: {
		"Remove the field tracing from mesh {meshName}{place}",
		"{client} get mesh {mesh} -o yaml > {edited} && ${EDITOR:-vi} {edited} && {client} apply -f {edited}",
	},
}

// dashedCommands has kubectl's commands for names that begin with a dash, as options do. The name
// of a Mesh does not.
var dashedCommands = map[StepKind]string{
	deleteListed:        "xargs -n 100 {client} delete traffictrace -- < {list}",
	deleteTrafficTraces: "{client} delete traffictrace -- {names}",
	deleteIdle:          "{client} delete meshtrace -n {namespace} -- {names}",
	deleteReplaced:      "{client} delete meshtrace -n {namespace} -- {names}",
}

// Dashed reports whether a command would take a name as an option.
func Dashed(name string) bool { return strings.HasPrefix(name, "-") }

// stepWriter turns steps into text.
type stepWriter struct {
	directory  string
	kubernetes bool     // the commands are kubectl's
	words      []string // in braces, each with its value
}

func (b *builder) stepWriter() *stepWriter {
	source := Spaced(b.options.Source)
	w := &stepWriter{directory: b.options.Directory, kubernetes: b.kubernetes()}
	saved := source
	if !b.options.Files {
		saved = " -f " + w.file("state.yaml")
	}
	w.words = []string{
		"{program}", b.options.Program, "{accept}", b.acceptFlags(), "{source}", source, "{saved}", saved,
		"{sourceFlag}", b.sourceFlag(), "{live}", b.live(), "{meshes}", b.meshFlags(),
		"{client}", b.client(), "{kumactlSwitch}", b.kumactlSwitch(), "{place}", b.place(),
		"{state}", w.file("state.yaml"), "{meshtraces}", w.file("meshtraces.yaml"), "{edited}", w.file("mesh.yaml"),
	}
	return w
}

// write returns the text of steps.
func (w *stepWriter) write(steps []step) []Step {
	texts := make([]Step, 0, len(steps))
	for _, s := range steps {
		names := lists.Each(s.names, manifest.ShellQuote)
		words := strings.NewReplacer(append(w.words[:len(w.words):len(w.words)],
			"{flags}", Spaced(strings.Join(s.flags, " ")), "{meshName}", strconv.Quote(s.mesh), "{mesh}", manifest.ShellQuote(s.mesh),
			"{names}", strings.Join(names, " "), "{count}", strconv.Itoa(len(names)),
			"{namespace}", manifest.ShellQuote(s.namespace), "{list}", w.file("delete-"+strings.ReplaceAll(s.mesh, "/", "%2f")+".txt"),
		)...)
		text := stepTexts[s.kind]
		if dashed := dashedCommands[s.kind]; dashed != "" && slices.ContainsFunc(s.names, Dashed) {
			text.Command = dashed
		}
		if universal, ok := universalTexts[s.kind]; ok && !w.kubernetes {
			text = universal
		}
		texts = append(texts, Step{words.Replace(text.Title), words.Replace(text.Command)})
	}
	return texts
}

// file returns the path of a file that the commands write.
func (w *stepWriter) file(name string) string { return manifest.ShellQuote(w.directory + name) }

// Commands has the words of commands on the control plane of a report.
type Commands struct {
	Kubernetes bool
	Client     string // that changes it: kubectl or kumactl, with flags
	Switch     string // selects it in kumactl; may be empty
	Live       string // flags of this tool that read it; empty if the report does not name it
	SourceFlag string // flag of this tool that selects a control plane by name
	Meshes     string // flags of this tool that select the meshes, with a space before each
}

// commands returns the words of commands on the control plane of the report.
func (b *builder) commands() Commands {
	live := Spaced(b.options.Source)
	if b.options.Files {
		live = ""
		if at := b.Origin.Endpoint; cmp.Or(at.Context, at.Name, at.ControlPlane) != "" {
			live = b.live() + b.meshFlags()
		}
	}
	return Commands{
		Kubernetes: b.kubernetes(), Client: b.client(), Switch: b.kumactlSwitch(), Live: strings.TrimSpace(live),
		SourceFlag: b.sourceFlag(), Meshes: b.meshFlags(),
	}
}

// Spaced puts a space before words, if there are any.
func Spaced(words string) string {
	if words == "" {
		return ""
	}
	return " " + words
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

// client returns the command that changes the cluster or control plane.
func (b *builder) client() string {
	if !b.kubernetes() {
		return cmp.Or(b.options.Kumactl, "kumactl")
	}
	if b.options.Kubectl == "" && b.Origin.Endpoint.Context != "" {
		return "kubectl --context " + manifest.ShellQuote(b.Origin.Endpoint.Context)
	}
	return cmp.Or(b.options.Kubectl, "kubectl")
}

// sourceFlag returns the flag that selects a control plane through the API that the
// snapshot was read from.
func (b *builder) sourceFlag() string {
	at := b.Origin.Endpoint
	if at.ControlPlane != "" || at.Kubernetes == "" && !b.kubernetes() {
		return "--control-plane"
	}
	return "--context"
}

// live returns the flags of this tool that read the snapshot's own control plane.
func (b *builder) live() string {
	at := b.Origin.Endpoint
	return b.sourceFlag() + " " + manifest.ShellQuote(cmp.Or(at.Context, at.Name, at.ControlPlane, "NAME"))
}

// acceptFlags returns the flags that ignore differences, with a space before each.
func (b *builder) acceptFlags() string {
	return strings.Join(lists.Each(b.options.Convert.Accept, func(code envoydiff.Code) string { return " --accept " + string(code) }), "")
}

// meshFlags returns the flags that select the meshes of the report, with a space
// before each.
func (b *builder) meshFlags() string {
	return strings.Join(lists.Each(b.Origin.Meshes, func(mesh string) string { return " --mesh " + manifest.ShellQuote(mesh) }), "")
}

// place returns the cluster of a snapshot, which nothing else in the report names.
func (b *builder) place() string {
	if b.options.Files && b.snapshot.Origin != nil && b.Origin.Source != "" {
		return " (at " + b.Origin.Source + ")"
	}
	return ""
}

// kumactlSwitch returns the command that selects the control plane of the report in
// kumactl; it is empty where that is not known.
func (b *builder) kumactlSwitch() string {
	if at := b.Origin.Endpoint; b.options.Files {
		if name := cmp.Or(at.Name, at.ControlPlane); name != "" {
			return KumactlSwitch(b.client(), name)
		}
	}
	return b.options.KumactlSwitch
}

// KumactlSwitch returns the command that selects a control plane in kumactl by name.
// For a URL it returns the command that shows which one is selected.
func KumactlSwitch(kumactl, nameOrURL string) string {
	if strings.Contains(nameOrURL, "://") {
		address := manifest.Visible(manifest.Redact(nameOrURL)) // a line end would end the comment
		return fmt.Sprintf("%s config control-planes list # the active one must be %s", kumactl, manifest.ShellQuote(address))
	}
	return kumactl + " config control-planes switch --name " + manifest.ShellQuote(nameOrURL)
}
