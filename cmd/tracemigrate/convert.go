package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
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
		Usage:     "convert TrafficTraces and Mesh.tracing to MeshTraces",
		ArgsUsage: " ",
		Description: "Reads Mesh, TrafficTrace, Dataplane, MeshGateway, TrafficRoute and MeshTrace\n" +
			"as YAML or JSON, for Kubernetes or Universal, single or in lists. Other\n" +
			"kinds are ignored. With Dataplanes, the tracing of each proxy is compared\n" +
			"before and after. Wildcards need Dataplanes, except kuma.io/service: '*'.\n\n" +
			"   tracemigrate convert -f mesh.yaml -f policies/ > meshtraces.yaml\n\n" +
			"   kubectl get -A -o yaml \\\n" +
			"     meshes,traffictraces,dataplanes,meshgateways,trafficroutes,meshtraces |\n" +
			"     tracemigrate convert -f - --kuma-version 2.13 | kubectl apply -f -\n\n" +
			"stderr lists the policies of each selector, then notes. docs/notes.md\n" +
			"explains each note.\n\n" +
			"Exit codes: 0 all MeshTraces were written, and every proxy keeps its\n" +
			"tracing; 1 something cannot be carried over, or a proxy is different or\n" +
			"unknown; 2 error.",
		Flags: append(sourceFlags(),
			versionFlag(&f.version),
			outputFlag(&f.form, output.ConvertForms.Default(), output.ConvertForms.Usage()),
			&cli.StringFlag{
				Name: "format", Destination: &f.format,
				Usage: "`FORMAT` of the policies: kubernetes or universal (default: that of each TrafficTrace)",
			},
			namespaceFlag(),
			&cli.StringSliceFlag{Name: "label", Usage: "add the label `KEY=VALUE` to every policy; may be repeated"},
			boolFlag("copy-labels", &f.copyLabels,
				"copy the labels and annotations of each TrafficTrace, without those of Kuma and kubectl"),
			zoneOriginFlag(&f.zoneOrigin),
			boolFlag("shadow", &f.shadow,
				"add the label kuma.io/effect: shadow: policies are computed but not applied (2.7 and later)"),
			roundSamplingFlag(&f.roundSampling),
			&cli.StringFlag{
				Name: "output-dir", Destination: &f.directory,
				Usage: "write one file for each policy to `DIR`, all or none, instead of stdout",
			},
			boolFlag("force", &f.force, "overwrite files of --output-dir and --notes-output, but never an input"),
			boolFlag("no-comments", &f.bare, "omit the comment and annotation that name the source of a policy"),
			&cli.StringFlag{Name: "notes-output", Destination: &f.notesFile, Usage: "write the notes to `FILE` as JSON"},
			boolFlag("keep-going", &f.keepGoing,
				"write the policies that can be converted even if others cannot; the exit code is still 1"),
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
	stderr := newPrinter(c.App.ErrWriter)
	if err := resolveOptions(f.version, current, &options); err != nil {
		return err
	}
	style.Version = options.Version
	snapshot := current.Snapshot
	result, problems := planOf(current, options)
	if result == nil {
		stderr.Problems(problems, "converted")
		return cli.Exit("", exitError)
	}
	if snapshot.NothingLegacy() {
		stderr.Line("no legacy tracing is left here: %s", snapshot.Origin)
		return nil
	}
	if err := checkInput(stderr, snapshot); err != nil {
		return err
	}
	warnAssumedVersion(stderr, f.version, snapshot)
	stderr.Result(snapshot, result)
	return f.write(c, result, options.Version, style)
}

// checkInput returns an error if files contain no resource of Kuma.
func checkInput(stderr *output.Printer, s *cluster.Snapshot) error {
	if !s.Empty() || s.FromCluster() || hasError(s.Problems) {
		return nil
	}
	stderr.Warnings(s.Problems)
	return errors.New("the input has no Kuma resource, such as a Mesh or a TrafficTrace; check -f")
}

// write writes the notes, then the policies. Its error is the reason for the exit code.
func (f *convertFlags) write(c *cli.Context, result *convert.Plan, version cluster.Version, style meshtrace.Style) error {
	notKept := output.NotKept(result.Comparisons) // before writing needs the memory
	if f.notesFile != "" {
		if err := f.writeNotes(c, result.Notes); err != nil {
			return err
		}
	}
	if err := meshtrace.ValidateAll(result.Policies, version); err != nil {
		return fmt.Errorf("a new policy breaks the rules of Kuma %s, which is a bug of tracemigrate; no policy was written: %w",
			version, err)
	}
	refused := result.Refused()
	if !refused || f.keepGoing {
		if err := f.writePolicies(c, result.Policies, style); err != nil {
			return err
		}
	}
	switch {
	case refused && f.keepGoing:
		return cli.Exit("not everything could be carried over; see the errors above; the other policies were written", exitNo)
	case refused:
		return cli.Exit("not everything can be carried over; see the errors above; no policy was written "+
			"(--keep-going writes the others)", exitNo)
	case notKept != "":
		return cli.Exit("all policies were written, but not every proxy is known to keep its tracing: "+notKept+
			"; `tracemigrate diff` shows why", exitNo)
	}
	return nil
}
