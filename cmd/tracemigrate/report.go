package main

import (
	"github.com/urfave/cli/v2"

	"tracemigrate/cmd/tracemigrate/output"
)

// reportFlags are the flags of report, other than those of the source.
type reportFlags struct {
	version, form             string
	serverDryRun, full        bool
	zoneOrigin, roundSampling bool
}

func reportCommand() *cli.Command {
	var f reportFlags
	return &cli.Command{
		Name:      "report",
		Usage:     "tell all that a migration would change, before anything is changed",
		ArgsUsage: " ",
		Description: "A dry run: backends and who uses them, TrafficTraces and the proxies that each\n" +
			"really serves, the MeshTraces that would be created, every note, the verdict of\n" +
			"every proxy, what stays to be done by hand and the commands of the next steps.\n" +
			"It writes nothing to the cluster.\n\n" +
			"   tracemigrate report                                # the current kubeconfig context\n" +
			"   tracemigrate report -o html > report.html\n" +
			"   tracemigrate report --control-plane http://localhost:5681\n\n" +
			"Exit codes: 0 every proxy keeps its tracing; 1 one does not or it is not known,\n" +
			"something cannot be carried over, or the API server refuses a policy; 2 error.",
		Flags: append(sourceFlags(),
			versionFlag(&f.version),
			namespaceFlag(),
			&cli.StringFlag{Name: "output", Destination: &f.form, Aliases: []string{"o"}, Value: output.ReportForms.Default(), Usage: output.ReportForms.Usage()},
			&cli.BoolFlag{Name: "server-dry-run", Destination: &f.serverDryRun, Usage: "have the API server judge each policy (dryRun=All); it stores nothing"},
			&cli.BoolFlag{Name: "zone-origin", Destination: &f.zoneOrigin, Usage: "report on policies with the label kuma.io/origin: zone, which a federated zone demands"},
			roundSamplingFlag(&f.roundSampling),
			&cli.BoolFlag{Name: "full", Destination: &f.full, Usage: "text and markdown: list every proxy, also those that stay the same"},
		),
		Action: f.run,
	}
}

func (f *reportFlags) run(c *cli.Context) error {
	form, err := output.ReportForms.Find(f.form)
	switch {
	case err != nil:
		return err
	case c.Args().Present():
		return unexpected(c)
	}
	if f.version != "" {
		if _, err := parseVersionFlag(f.version); err != nil {
			return err
		}
	}
	current, source, err := load(c)
	if err != nil {
		return err
	}
	r, err := f.build(c, current, source)
	if err != nil {
		return err
	}
	if f.serverDryRun {
		if err := serverDryRun(c, source, r); err != nil {
			return err
		}
	}
	found := &output.Report{Report: r, Full: f.full}
	if err := whole(c, func(out *output.Printer) error { return form(out, found) }); err != nil {
		return err
	}
	if !r.Summary.Holds {
		return cli.Exit(found.Verdict(), exitNo)
	}
	return nil
}
