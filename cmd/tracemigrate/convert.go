package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/meshtrace"
)

// convertFlags are the flags of convert, other than those of the source.
type convertFlags struct {
	version, form, format  string
	copyLabels, zoneOrigin bool
	shadow, roundSampling  bool
	directory, notesFile   string
	force, bare, keepGoing bool
}

func convertCommand() *cli.Command {
	var f convertFlags
	return &cli.Command{
		Name:      "convert",
		Usage:     "write MeshTraces equivalent to the TrafficTraces and Mesh tracing of manifests",
		ArgsUsage: " ",
		Description: "Reads Mesh, TrafficTrace, Dataplane, MeshGateway, TrafficRoute and MeshTrace from\n" +
			"YAML or JSON, of Kubernetes or Universal, single or in lists; other kinds pass by.\n" +
			"Dataplanes are needed only for wildcards (but kuma.io/service: '*' needs none); with\n" +
			"them, each one's tracing before is held against that after.\n\n" +
			"   tracemigrate convert -f mesh.yaml -f policies/ > meshtraces.yaml\n" +
			"   kubectl get meshes,traffictraces,dataplanes,meshgateways,trafficroutes,meshtraces -A -o yaml |\n" +
			"     tracemigrate convert -f - --kuma-version 2.13 | kubectl apply -f -\n\n" +
			"stderr tells what became of each selector, then notes. docs/notes.md explains each note.",
		Flags: append(sourceFlags(),
			versionFlag(&f.version),
			&cli.StringFlag{Name: "output", Destination: &f.form, Aliases: []string{"o"}, Value: output.ConvertForms.Default(), Usage: output.ConvertForms.Usage()},
			&cli.StringFlag{Name: "format", Destination: &f.format, Usage: "`FORMAT` of the policies: kubernetes or universal (default: that of each TrafficTrace)"},
			namespaceFlag(),
			&cli.StringSliceFlag{Name: "label", Usage: "add the label `KEY=VALUE` to every policy; may be repeated"},
			&cli.BoolFlag{Name: "copy-labels", Destination: &f.copyLabels, Usage: "take the TrafficTraces' own labels and annotations along, without Kuma's and kubectl's"},
			&cli.BoolFlag{Name: "zone-origin", Destination: &f.zoneOrigin, Usage: "add the label kuma.io/origin: zone, which a federated zone demands"},
			&cli.BoolFlag{Name: "shadow", Destination: &f.shadow, Usage: "add the label kuma.io/effect: shadow: the policies are computed, not applied (2.7 and later)"},
			roundSamplingFlag(&f.roundSampling),
			&cli.StringFlag{Name: "output-dir", Destination: &f.directory, Usage: "write one file for each policy to `DIR`, all or none, instead of stdout"},
			&cli.BoolFlag{Name: "force", Destination: &f.force, Usage: "let --output-dir and --notes-output overwrite files, but never an input"},
			&cli.BoolFlag{Name: "no-comments", Destination: &f.bare, Usage: "leave out the comment and annotation that say where a policy came from"},
			&cli.StringFlag{Name: "notes-output", Destination: &f.notesFile, Usage: "write the notes to `FILE` as JSON"},
			&cli.BoolFlag{Name: "keep-going", Destination: &f.keepGoing, Usage: "write what can be converted although something cannot; still exits 1"},
		),
		Action: f.run,
	}
}

func (f *convertFlags) run(c *cli.Context) error {
	options, style, err := f.options(c)
	if err != nil {
		return err
	}
	if err := f.checkNotes(c); err != nil {
		return err
	}
	current, _, err := load(c)
	if err != nil {
		return err
	}
	words := newPrinter(c.App.ErrWriter)
	if err := resolveOptions(f.version, current, &options); err != nil {
		return err
	}
	style.Version = options.Version
	snapshot := current.Snapshot
	result, problems := planOf(current, options)
	if result == nil {
		words.Problems(problems, "converted")
		return cli.Exit("", exitError)
	}
	if snapshot.NothingLegacy() {
		words.Line("nothing legacy is left here: %s", snapshot.Origin)
		return nil
	}
	if snapshot.Empty() && !snapshot.FromCluster() {
		words.Warnings(snapshot.Problems)
		return errors.New("the input has no resource of Kuma: no Mesh, no TrafficTrace, nothing; is it what you meant to read?")
	}
	warnAssumedVersion(words, f.version, snapshot)
	words.Result(snapshot, result)
	doubtful := output.NotKept(result.Comparisons) // now, since writing needs the memory
	if f.notesFile != "" {
		if err := f.writeNotes(c, result.Notes); err != nil {
			return err
		}
	}
	if err := meshtrace.ValidateAll(result.Policies, options.Version); err != nil {
		return fmt.Errorf("a policy that was made breaks the rules of Kuma %s, which is a bug of tracemigrate; nothing was written: %w", options.Version, err)
	}
	refused := result.Refused()
	if !refused || f.keepGoing {
		if err := f.writePolicies(c, result.Policies, style); err != nil {
			return err
		}
	}
	switch {
	case refused && f.keepGoing:
		return cli.Exit("not everything could be carried over, see the errors above; the rest was written", exitNo)
	case refused:
		return cli.Exit("not everything can be carried over, see the errors above; nothing was written (--keep-going writes the rest)", exitNo)
	}
	if doubtful != "" {
		return cli.Exit("everything was written, but not every proxy is known to keep its tracing: "+doubtful+"; `tracemigrate diff` says why", exitNo)
	}
	return nil
}
