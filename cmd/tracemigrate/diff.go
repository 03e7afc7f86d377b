package main

import (
	"errors"
	"slices"

	"github.com/urfave/cli/v2"

	"tracemigrate/cmd/tracemigrate/output"
)

func diffCommand() *cli.Command {
	var f diffFlags
	return &cli.Command{
		Name:      "diff",
		Usage:     "compare every proxy's Envoy tracing before and after the migration",
		ArgsUsage: noArguments,
		Description: "Before: today's tracing, from TrafficTraces and existing MeshTraces. After:\n" +
			"the converted policies (or those of --meshtrace) and existing MeshTraces,\n" +
			"without TrafficTraces. Each proxy gets a verdict: same, inherent (it\n" +
			"differs only in what any MeshTrace changes), different, or unknown.\n\n" +
			"   # manifests, for two versions of the control plane\n" +
			"   tracemigrate diff -f cluster.yaml --kuma-version 2.9,2.13\n" +
			"   # MeshTraces that were edited\n" +
			"   tracemigrate diff -f cluster.yaml --meshtrace edited/\n" +
			"   # converted for 3.0, with an upgrade from 2.14\n" +
			"   tracemigrate diff -f cluster.yaml --to-version 3.0 --meshtrace new/\n" +
			"   # two states of a repository, for a pull request\n" +
			"   tracemigrate diff --before-manifests main/ --after-manifests pr/\n" +
			"   # the control plane's own output, with shadow policies\n" +
			"   tracemigrate diff --shadow\n" +
			"   # config dumps of running proxies\n" +
			"   tracemigrate diff --before before/ --after after/\n\n" +
			"Exit codes: 0 no proxy is different or unknown, and everything can be\n" +
			"carried over; 1 otherwise; 2 error. docs/diff.md describes the output.",
		Flags:  f.flags(),
		Action: f.run,
	}
}

func (f *diffFlags) run(c *cli.Context) error {
	err := f.parse(c, false)
	if err != nil {
		return err
	}
	found := &output.Diff{Strict: f.strict, Full: f.full, Command: commandLine(c, sourceArguments(c))}
	if found.Head, err = newHead(); err != nil {
		return err
	}
	r := &comparing{f, c, stderrPrinter(c), found}
	switch {
	case c.IsSet("state") && !c.IsSet("before-manifests"):
		return errors.New("--state applies only with --before-manifests and --after-manifests")
	case c.IsSet("target-ref") && (f.shadow || slices.ContainsFunc(otherComparisons, c.IsSet)):
		return errors.New("--target-ref applies only to policies that diff converts, not to --meshtrace, --shadow, dumps, and two states")
	case f.to != "" && (f.shadow || c.IsSet("before") || c.IsSet("after")):
		return errors.New("--to-version applies only to a comparison of manifests, not to --shadow, --before and --after")
	case c.IsSet("before-manifests") || c.IsSet("after-manifests"):
		err = r.compareStates()
	case c.IsSet("before") || c.IsSet("after"):
		found.Comparisons, err = r.compareDumps()
	case f.shadow:
		found.Comparisons, err = r.compareShadow()
	default:
		err = r.compareManifests()
	}
	if err != nil {
		return err
	}
	return answer(c, output.DiffForms, found)
}

// otherComparisons are the flags of comparisons in which diff converts nothing.
var otherComparisons = []string{"meshtrace", "before-manifests", "after-manifests", "before", "after"}

// comparing is one run of diff.
type comparing struct {
	*diffFlags
	c      *cli.Context
	stderr *output.Printer
	found  *output.Diff // so far
}
