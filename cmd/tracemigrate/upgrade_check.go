package main

import (
	"github.com/urfave/cli/v2"

	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/convert/upgrade"
)

func upgradeCheckCommand() *cli.Command {
	var f upgradeCheckFlags
	return &cli.Command{
		Name:      "upgrade-check",
		Usage:     "report what an upgrade of the control plane alone changes in tracing",
		ArgsUsage: noArguments,
		Description: "Renders every proxy's Envoy tracing on the version that runs and on the\n" +
			"one to upgrade to, with today's policies. Each difference has a cause, the\n" +
			"resources with file and line, and a remedy. It changes nothing.\n\n" +
			"   tracemigrate upgrade-check --to 3.0\n" +
			"   tracemigrate upgrade-check --to 2.14 --control-plane http://localhost:5681\n" +
			"   tracemigrate upgrade-check -f cluster.yaml --from 2.13 --to 3.0 -o sarif\n\n" +
			"Exit codes: 0 nothing changes that is neither inherent nor accepted;\n" +
			"1 something does, a proxy is unknown, or something could not be read;\n" +
			"2 error. docs/upgrade.md explains each code.",
		Flags:  f.flags(),
		Action: f.run,
	}
}

func (f *upgradeCheckFlags) run(c *cli.Context) error {
	options, err := f.options(c)
	if err != nil {
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
	snapshot, stderr := current.Snapshot, stderrPrinter(c)
	if err := checkInput(stderr, snapshot); err != nil {
		return err
	}
	misspelt, err := checkProblems(stderr, current.Found, "checked")
	if err != nil {
		return err
	}
	if err := f.resolve(snapshot, &options); err != nil {
		return err
	}
	f.warnAssumed(stderr, snapshot, options.To)
	words := commandWords(c, source)
	found := &output.Upgrade{
		Head: head, Strict: f.strict, Full: f.full, Words: upgrade.Words{Words: words, From: f.from}, Command: commandLine(c, words.Source),
		Unread:   append(stderr.Skipped(snapshot), stderr.UnreadOfUpgrade(snapshot)...),
		Misspelt: misspelt, Partial: convert.Partial(snapshot), ZonesUnread: len(convert.ZonesUnread(snapshot)),
	}
	found.Result = upgrade.Check(current, options)
	stderr.NotChecked(current, found.Result, maxMadeUp)
	return answer(c, output.UpgradeForms, found)
}
