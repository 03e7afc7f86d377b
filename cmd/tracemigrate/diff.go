package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert/envoydiff"
)

// maxMadeUp is the number of proxies that are made up, at most, for a mesh without
// Dataplanes.
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
		Usage:     "hold every proxy's Envoy tracing before the migration against that after it",
		ArgsUsage: " ",
		Description: "Before is what proxies get today: TrafficTraces, overlaid by the MeshTraces that\n" +
			"exist. After is the converted policies (or those of --meshtrace) and the existing\n" +
			"ones, without TrafficTraces. Each proxy gets a verdict: same, inherent (it differs\n" +
			"only in what any MeshTrace changes) or different.\n\n" +
			"   tracemigrate diff -f cluster.yaml --kuma-version 2.9,2.13\n" +
			"   tracemigrate diff -f cluster.yaml --meshtrace edited/\n" +
			"   tracemigrate diff --shadow                          # the control plane's own output\n" +
			"   tracemigrate diff --before before/ --after after/   # dumps of running proxies\n\n" +
			"Exit codes: 0 no proxy is different; 1 one is, or it is not known; 2 error.\n" +
			"docs/diff.md describes the output.",
		Flags: append(sourceFlags(),
			&cli.StringSliceFlag{Name: "kuma-version", Usage: "`VERSIONS` of the control plane, comma-separated or repeated; the verdict must hold for each (default: what the control plane tells; " + cluster.Latest.String() + " for files)"},
			namespaceFlag(),
			&cli.StringSliceFlag{Name: "meshtrace", Usage: "verify the MeshTraces of `FILE` or directory instead of converting; may be repeated"},
			&cli.StringFlag{Name: "before", Destination: &f.before, Usage: "config dump of a proxy (`FILE`), or a directory with one file a proxy, from before the migration"},
			&cli.StringFlag{Name: "after", Destination: &f.after, Usage: "the same (`FILE`) from after it"},
			&cli.BoolFlag{Name: "shadow", Destination: &f.shadow, Usage: "hold what the control plane itself computes with the shadow MeshTraces that are applied (2.7 and later) against what it computes without"},
			&cli.BoolFlag{Name: "zone-origin", Destination: &f.zoneOrigin, Usage: "compare policies with the label kuma.io/origin: zone, which a federated zone demands"},
			roundSamplingFlag(&f.roundSampling),
			&cli.BoolFlag{Name: "strict", Destination: &f.strict, Usage: "count inherent differences, too"},
			&cli.StringSliceFlag{Name: "accept", Usage: "do not count differences of `CODE`; may be repeated"},
			&cli.StringFlag{Name: "output", Destination: &f.form, Aliases: []string{"o"}, Value: output.DiffForms.Default(), Usage: output.DiffForms.Usage()},
			&cli.BoolFlag{Name: "full", Destination: &f.full, Usage: "text: list all proxies of a group"},
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
		return unexpected(c)
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
	if err := whole(c, func(out *output.Printer) error { return form(out, found) }); err != nil {
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
			return nil, fmt.Errorf("--accept: %q is no code of a difference; docs/diff.md lists them", name)
		}
		accepted = append(accepted, code)
	}
	return accepted, nil
}
