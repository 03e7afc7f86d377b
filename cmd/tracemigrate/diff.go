package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert/envoydiff"
)

// maxMadeUp is the maximum number of made-up proxies for a mesh without Dataplanes.
const maxMadeUp = 10_000

// diffFlags are the flags of diff, other than those of the source and lists.
type diffFlags struct {
	form                      string
	before, after             string
	shadow                    bool
	zoneOrigin, roundSampling bool
	strict, full              bool
}

func diffCommand() *cli.Command {
	var f diffFlags
	return &cli.Command{
		Name:      "diff",
		Usage:     "compare every proxy's Envoy tracing before and after the migration",
		ArgsUsage: " ",
		Description: "Before: today's tracing, from TrafficTraces and existing MeshTraces. After:\n" +
			"the converted policies (or those of --meshtrace) and existing MeshTraces,\n" +
			"without TrafficTraces. Each proxy gets a verdict: same, inherent (it\n" +
			"differs only in what any MeshTrace changes), different, or unknown.\n\n" +
			"   # manifests, for two versions of the control plane\n" +
			"   tracemigrate diff -f cluster.yaml --kuma-version 2.9,2.13\n" +
			"   # MeshTraces that were edited\n" +
			"   tracemigrate diff -f cluster.yaml --meshtrace edited/\n" +
			"   # the control plane's own output, with shadow policies\n" +
			"   tracemigrate diff --shadow\n" +
			"   # config dumps of running proxies\n" +
			"   tracemigrate diff --before before/ --after after/\n\n" +
			"Exit codes: 0 no proxy is different or unknown, and everything can be\n" +
			"carried over; 1 otherwise; 2 error. docs/diff.md describes the output.",
		Flags: append(sourceFlags(),
			&cli.StringSliceFlag{
				Name: "kuma-version",
				Usage: "`VERSIONS` of the control plane, comma-separated or repeated; the verdict must hold for each " +
					"(default: the version that the control plane, an export or a snapshot reports, else " + cluster.Latest.String() + ")",
			},
			namespaceFlag(),
			&cli.StringSliceFlag{
				Name:  "meshtrace",
				Usage: "compare with the MeshTraces of `FILE`, or of a directory, instead of converting; may be repeated",
			},
			&cli.StringFlag{
				Name: "before", Destination: &f.before,
				Usage: "config dump `FILE` of a proxy from before the migration, or a directory with one file for each proxy",
			},
			&cli.StringFlag{Name: "after", Destination: &f.after, Usage: "config dump `FILE`, or directory, from after the migration"},
			boolFlag("shadow", &f.shadow,
				"compare what the control plane computes with and without the applied shadow MeshTraces (2.7 and later)"),
			zoneOriginFlag(&f.zoneOrigin),
			roundSamplingFlag(&f.roundSampling),
			boolFlag("strict", &f.strict, "exit with 1 also for inherent differences"),
			&cli.StringSliceFlag{Name: "accept", Usage: "ignore differences with `CODE`; may be repeated"},
			outputFlag(&f.form, output.DiffForms.Default(), output.DiffForms.Usage()),
			boolFlag("full", &f.full, "with text and markdown: list all proxies of a group"),
		),
		Action: f.run,
	}
}

func (f *diffFlags) run(c *cli.Context) error {
	form, err := output.DiffForms.Find(f.form)
	if err != nil {
		return err
	}
	if c.Args().Present() {
		return unexpectedArgument(c)
	}
	accepted, err := acceptedCodes(c)
	if err != nil {
		return err
	}
	found := &output.Diff{Strict: f.strict, Full: f.full}
	switch {
	case c.IsSet("before") || c.IsSet("after"):
		found.Comparisons, err = f.compareDumps(c, accepted)
	case f.shadow:
		found.Comparisons, err = compareShadow(c, accepted)
	default:
		err = f.compareManifests(c, found, accepted)
	}
	if err != nil {
		return err
	}
	if err := writeStdout(c, func(out *output.Printer) error { return form(out, found) }); err != nil {
		return err
	}
	if !found.Holds() {
		return cli.Exit(found.Verdict(), exitNo)
	}
	return nil
}

// acceptedCodes returns the codes of --accept.
func acceptedCodes(c *cli.Context) ([]envoydiff.Code, error) {
	var accepted []envoydiff.Code
	for _, name := range c.StringSlice("accept") {
		code := envoydiff.Code(name)
		if _, known := envoydiff.Codes[code]; !known {
			var names []string
			hint := ""
			for _, known := range slices.Sorted(maps.Keys(envoydiff.Codes)) {
				names = append(names, string(known))
			}
			if similar := closest(name, names); similar != "" {
				hint = "; did you mean " + similar + "?"
			}
			return nil, fmt.Errorf("--accept: %q is not the code of a difference%s; docs/diff.md lists them", name, hint)
		}
		accepted = append(accepted, code)
	}
	return accepted, nil
}
