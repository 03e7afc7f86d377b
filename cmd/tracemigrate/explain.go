package main

import (
	"errors"
	"slices"

	"github.com/urfave/cli/v2"

	"tracemigrate/cmd/tracemigrate/output"
)

// explainFlags are the flags of explain, other than those of the source.
type explainFlags struct {
	conversionFlags
	version string
}

func explainCommand() *cli.Command {
	var f explainFlags
	return &cli.Command{
		Name:      "explain",
		Usage:     "explain which policies decide on a proxy's tracing, and why",
		ArgsUsage: "PROXY",
		Description: "Lists the TrafficTraces and MeshTraces that select the proxy, which one wins\n" +
			"and why, and what the migration changes. PROXY is the name or display name\n" +
			"of a Dataplane, or mesh/name, namespace/name or zone/name if several have\n" +
			"that name.\n\n" +
			"   tracemigrate explain web-1 -f cluster.yaml --kuma-version 2.13\n\n" +
			"Exit codes: 0 the proxy keeps its tracing; 1 it is different or unknown, or\n" +
			"its backend cannot be used; 2 error.",
		Flags: slices.Concat(sourceFlags(), []cli.Flag{versionFlag(&f.version)}, f.flags(),
			[]cli.Flag{outputFlag(output.ExplainForms)}),
		HideHelpCommand: true, // else --help after PROXY would list it
		Action:          f.run,
	}
}

func (f *explainFlags) run(c *cli.Context) error {
	args, err := parseArgument(c)
	switch {
	case err != nil:
		return err
	case len(args) == 0:
		return errors.New("explain needs the name of a Dataplane; see tracemigrate explain --help")
	}
	if err := checkVersionFlag(f.version); err != nil {
		return err
	}
	if err := f.parse(c, false); err != nil {
		return err
	}
	stderr := stderrPrinter(c)
	e, err := f.read(c, stderr, args[0])
	if err != nil {
		return err
	}
	no, text := explainVerdict(e), c.String("output") == "text"
	err = writeStdout(c, func(out *output.Printer) error {
		if err := formOf(c, output.ExplainForms)(out, e); err != nil || no != nil || !text {
			return err
		}
		out.Line("")
		out.Outcome("%s.", explainOutcome(e))
		return nil
	})
	if err != nil {
		return err
	}
	stderr.Errors(e.Decision.Unusable())
	if no == nil && !text {
		conclude(c, explainOutcome(e))
	}
	return no
}
