package main

import (
	"slices"

	"github.com/urfave/cli/v2"

	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/cmd/tracemigrate/output/plain"
)

// reportFlags are the flags of report, other than those of the source.
type reportFlags struct {
	conversionFlags
	version            string
	serverDryRun, full bool
}

func reportCommand() *cli.Command {
	var f reportFlags
	return &cli.Command{
		Name:      "report",
		Usage:     "report everything that a migration would change (dry run)",
		ArgsUsage: noArguments,
		Description: "Lists backends and their users, TrafficTraces and the proxies that each\n" +
			"decides on, the MeshTraces to create, all notes, the verdict on each proxy,\n" +
			"work to do by hand, and the commands of the next steps. It changes nothing\n" +
			"in the cluster.\n\n" +
			"   tracemigrate report               # reads the current kubeconfig context\n" +
			"   tracemigrate report -o html > report.html\n" +
			"   tracemigrate report --control-plane http://localhost:5681\n\n" +
			"Exit codes: 0 every proxy keeps its tracing, or differs only in accepted\n" +
			"codes; 1 a proxy does not or is unknown, something cannot be carried over,\n" +
			"or the API server refuses a policy; 2 error.",
		Flags: slices.Concat(sourceFlags(), []cli.Flag{versionFlag(&f.version)}, f.flags(), []cli.Flag{
			acceptFlag(""),
			outputFlag(output.ReportForms),
			boolFlag("server-dry-run", &f.serverDryRun, "let the API server check each policy (dryRun=All), which stores nothing"),
			boolFlag("full", &f.full, "with text and markdown: list every proxy, also those that stay the same"),
		}),
		Action: f.run,
	}
}

func (f *reportFlags) run(c *cli.Context) error {
	if err := checkVersionFlag(f.version); err != nil {
		return err
	}
	if err := f.parse(c, false); err != nil {
		return err
	}
	head, err := newHead()
	if err != nil {
		return err
	}
	current, source, err := loadFor(c, &head)
	if err != nil {
		return err
	}
	words := commandWords(c, source)
	r, err := f.build(c, current, words)
	if err != nil {
		return err
	}
	if f.serverDryRun {
		if err := serverDryRun(c, source, r); err != nil {
			return err
		}
	}
	sentence, _ := plain.ReportVerdict(&r.Summary)
	head.Sentence = sentence + "."
	r.Head = head
	found := &output.Report{Report: r, Full: f.full, Command: commandLine(c, words.Source)}
	return answer(c, output.ReportForms, found)
}
