package main

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/controlplane"
	"tracemigrate/cluster/kube"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/runbook"
)

// flagValues has the values of the flags that have few.
var flagValues = map[string][]string{
	"color":      colourChoices,
	"format":     {string(cluster.Kubernetes), string(cluster.Universal)},
	"mode":       {"zone", "federated-zone", "global"},
	"stage":      {stageAdd, stageRemove},
	"step":       lists.Words([]runbook.Step{runbook.Start, runbook.Shadow, runbook.Add, runbook.Remove, runbook.Rollback}),
	"target-ref": {targetSubset, targetDataplane},
}

// candidates returns what kind of thing the word is, and its values.
func (l *partialLine) candidates(ctx context.Context) (kind string, found []candidate) {
	switch {
	case l.flag != nil:
		return l.flagCandidates(ctx)
	case !l.noFlags && strings.HasPrefix(l.word, "-"):
		return completesValues, l.flagNames()
	case l.command == nil:
		return completesValues, commandNames(l.app)
	}
	switch {
	case l.command.Name == "rewrite":
		return completesFiles, nil
	case len(l.args) > 0:
	case l.command.Name == "explain":
		return completesValues, valuesOf(l.proxies(ctx))
	case l.command.Name == "completion":
		return completesValues, valuesOf(shells)
	case l.command.Name == "help":
		return completesValues, commandNames(l.app)
	}
	return completesValues, nil
}

// safeValue matches a value that every shell takes literally, even within quotes. Each shell
// quotes others in its own way, and some shells insert them as code that runs.
var safeValue = regexp.MustCompile(`^[a-zA-Z0-9._/][-a-zA-Z0-9._:/@=+]*$`)

// valuesOf returns the names that are safe. Some are names of a cluster, which others choose.
func valuesOf(names []string) []candidate {
	found := make([]candidate, 0, len(names))
	for _, name := range names {
		if safeValue.MatchString(name) {
			found = append(found, candidate{value: name})
		}
	}
	return found
}

func commandNames(app *cli.App) []candidate {
	return lists.Each(app.Commands, func(command *cli.Command) candidate { return candidate{command.Name, command.Usage} })
}

// flagNames returns the flags in the order of help, without those that are already there.
func (l *partialLine) flagNames() []candidate {
	var found []candidate
	for _, flag := range ranked(l.flags()) {
		doc := docOf(flag)
		if _, given := l.values[doc.Long]; !given || isRepeatable(flag) {
			found = append(found, candidate{"--" + doc.Long, doc.Text})
		}
	}
	return found
}

// flagCandidates returns the values of the flag. If it has none that are known, it is a
// file or a directory if its placeholder says so.
func (l *partialLine) flagCandidates(ctx context.Context) (string, []candidate) {
	doc := docOf(l.flag)
	switch doc.Long {
	case "output":
		if l.command != nil {
			return completesValues, valuesOf(formsOf[l.command.Name])
		}
	case "context":
		return completesValues, valuesOf(kube.Contexts(l.value("kubeconfig")))
	case "control-plane":
		return completesValues, valuesOf(controlplane.KumactlNames(l.value("kumactl-config")))
	case "mesh":
		return completesValues, valuesOf(l.meshes(ctx))
	case "kuma-version", "from", "to", "to-version":
		return completesValues, valuesOf(versions())
	case "accept":
		return completesValues, valuesOf(lists.Words(slices.Sorted(maps.Keys(envoydiff.Codes))))
	}
	switch {
	case flagValues[doc.Long] != nil:
		return completesValues, valuesOf(flagValues[doc.Long])
	case doc.Value == "DIR":
		return completesDirectories, nil
	case doc.Value == "FILE", doc.Value == "PATH":
		return completesFiles, nil
	}
	return completesValues, nil
}

// value returns the last value of a flag.
func (l *partialLine) value(name string) string {
	if values := l.values[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}

// versions returns the supported versions, the newest first.
func versions() []string {
	list := []string{cluster.Newest.String()}
	for minor := cluster.Latest.Minor; minor >= cluster.Oldest.Minor; minor-- {
		list = append(list, cluster.V(minor).String())
	}
	return list
}

// snapshot reads the files of -f, except stdin, pipes and devices, which can be read only
// once. It returns nil if there is none.
func (l *partialLine) snapshot(ctx context.Context) *cluster.Snapshot {
	var inputs []manifest.Input
	for _, path := range l.values["filename"] {
		found, err := manifest.Files(path)
		if err != nil || path == "-" {
			continue
		}
		for _, input := range found {
			if manifest.CheckFile(input.Name, completionSize) == nil {
				inputs = append(inputs, input)
			}
		}
	}
	if len(inputs) == 0 {
		return nil
	}
	s, err := cluster.Load(ctx, cluster.Files(inputs))
	if err != nil {
		return nil
	}
	return s
}

// completionSize is the size of the largest file that is read to complete a word.
const completionSize = 256 << 20

// meshes returns the names of the meshes in the files of -f.
func (l *partialLine) meshes(ctx context.Context) []string {
	s := l.snapshot(ctx)
	if s == nil {
		return nil
	}
	names := lists.Set(s.Meshes, func(mesh *cluster.Resource) string { return mesh.Name })
	maps.Copy(names, lists.Set(s.Dataplanes, func(dp *cluster.Dataplane) string { return dp.Mesh }))
	return slices.Sorted(maps.Keys(names))
}

// proxies returns names of the Dataplanes in the files of -f: the shortest that explain
// takes, and the mesh with it if the user began to type one.
func (l *partialLine) proxies(ctx context.Context) []string {
	s := l.snapshot(ctx)
	if s == nil {
		return nil
	}
	count := lists.Count(s.Dataplanes, (*cluster.Dataplane).FullName)
	var names []string
	for _, dp := range s.Dataplanes {
		if meshes := l.values["mesh"]; len(meshes) > 0 && !slices.Contains(meshes, dp.Mesh) {
			continue
		}
		name := dp.FullName()
		if count[name] > 1 || strings.Contains(l.word, "/") {
			name = dp.Mesh + "/" + name
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
