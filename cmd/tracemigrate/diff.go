package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/meshtrace"
)

// maxMadeUp is how many proxies are made up for a mesh without Dataplanes.
const maxMadeUp = 10_000

func diffCommand() *cli.Command {
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
			&cli.StringFlag{Name: "before", Usage: "config dump of a proxy (`FILE`), or a directory with one file a proxy, from before the migration"},
			&cli.StringFlag{Name: "after", Usage: "the same (`FILE`) from after it"},
			&cli.BoolFlag{Name: "shadow", Usage: "hold what the control plane itself computes with the shadow MeshTraces that are applied (2.7 and later) against what it computes without"},
			&cli.BoolFlag{Name: "zone-origin", Usage: "compare policies with the label kuma.io/origin: zone, which a federated zone demands"},
			roundSamplingFlag(),
			&cli.BoolFlag{Name: "strict", Usage: "count inherent differences, too"},
			&cli.StringSliceFlag{Name: "accept", Usage: "do not count differences of `CODE`; may be repeated"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: output.DiffForms.Default(), Usage: output.DiffForms.Usage()},
			&cli.BoolFlag{Name: "full", Usage: "text: list all proxies of a group"},
		),
		Action: runDiff,
	}
}

func runDiff(c *cli.Context) error {
	form, err := output.DiffForms.Find(c.String("output"))
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
	found := &output.Diff{Strict: c.Bool("strict"), Full: c.Bool("full")}
	switch {
	case c.IsSet("before") || c.IsSet("after"):
		found.Comparisons, err = compareDumps(c, accepted)
	case c.Bool("shadow"):
		found.Comparisons, err = compareShadow(c, accepted)
	default:
		err = compareManifests(c, found, accepted)
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

func acceptedCodes(c *cli.Context) ([]envoydiff.Code, error) {
	var accepted []envoydiff.Code
	for _, name := range c.StringSlice("accept") {
		code := envoydiff.Code(name)
		if !slices.Contains(envoydiff.Codes, code) {
			return nil, fmt.Errorf("--accept: %q is no code of a difference; docs/diff.md lists them", name)
		}
		accepted = append(accepted, code)
	}
	return accepted, nil
}

// compareManifests compares once for each version.
func compareManifests(c *cli.Context, found *output.Diff, accepted []envoydiff.Code) error {
	list, err := versions(c)
	if err != nil {
		return err
	}
	found.Supposed = len(list) > 1
	current, _, err := load(c)
	if err != nil {
		return err
	}
	words := newPrinter(c.App.ErrWriter)
	snapshot, namespace := current.Snapshot, current.Namespace
	if !found.Supposed {
		given := ""
		if len(list) == 1 {
			given = list[0].String()
		}
		own, err := kumaVersion(given, snapshot)
		if err != nil {
			return err
		}
		list = []cluster.Version{own}
	}
	problems := current.Found
	var given []*meshtrace.Policy
	if c.IsSet("meshtrace") {
		inputs, err := openInputs(c, "meshtrace")
		if err != nil {
			return err
		}
		edited := cluster.Read(inputs)
		policies, wrong := meshtrace.Read(edited, namespace)
		problems = slices.Concat(problems, edited.Problems, wrong)
		given = policies
		if len(policies) == 0 && !hasError(problems) {
			return errors.New("--meshtrace: there is no MeshTrace in it")
		}
	}
	if hasError(problems) {
		words.Problems(problems, "compared")
		return cli.Exit("", exitError)
	}
	words.Warnings(problems)
	warnAssumedVersion(words, strings.Join(c.StringSlice("kuma-version"), ","), snapshot)
	found.Unread = append(words.Skipped(snapshot), words.Unread(snapshot)...)
	if snapshot.NothingLegacy() {
		words.Line("nothing legacy is left here: %s", snapshot.Origin)
		return nil
	}
	if len(snapshot.Meshes) == 0 && snapshot.FromCluster() {
		words.Line("there is no Mesh here, so no proxy is compared: %s", snapshot.Origin)
		return nil
	}
	if len(snapshot.Meshes) == 0 {
		return errors.New("the input has no Mesh, so there is nothing to compare")
	}
	zoneOrigin := slices.ContainsFunc(given, func(p *meshtrace.Policy) bool { return p.Labels[cluster.OriginLabel] == "zone" })
	for _, version := range list {
		options := convert.Options{
			Version: version, Namespace: namespace, ZoneOrigin: zoneOrigin || c.Bool("zone-origin"), RoundSampling: c.Bool("round-sampling"),
			MadeUp: maxMadeUp, Accept: accepted, Supposed: found.Supposed,
		}
		result, _ := convert.Convert(current, options)
		words.Noted(convert.EarlierRun, version, result)
		words.Noted(convert.PatchReleaseDecides, version, result)
		if !c.IsSet("meshtrace") {
			words.Refusals(version, result)
			words.MadeUp(result.MadeUp, result.Complete, maxMadeUp)
			found.Refused += result.Errors()
			found.Comparisons = append(found.Comparisons, result.Comparisons...)
			continue
		}
		if err := unsupported(given, version); err != nil {
			return err
		}
		if shadows := countShadows(given, version); shadows > 0 {
			words.Line("tracemigrate: %d of the MeshTraces are shadows, which Kuma %s computes but does not apply, so they give no proxy tracing", shadows, version)
		}
		found.Comparisons = append(found.Comparisons, compareGiven(snapshot, result, given, &options, words)...)
	}
	return nil
}

// compareGiven compares with the policies of --meshtrace instead of those made.
func compareGiven(s *cluster.Snapshot, result *convert.Result, given []*meshtrace.Policy, o *convert.Options, words *output.Printer) []*envoydiff.Comparison {
	before := envoydiff.State{Legacy: result.Meshes, Policies: result.Before(result.Existing)}
	after := envoydiff.State{Policies: convert.Applied(result.Existing, given)}
	made, complete := envoydiff.MadeUp(before.Legacy, after.Policies, s.Dataplanes, o.MadeUp)
	words.MadeUp(len(made), complete, maxMadeUp)
	all := *s
	all.Dataplanes = slices.Concat(s.Dataplanes, made)
	return convert.Compare(&all, before, after, o, result.Doubt)
}

// unsupported returns an error that lists what version refuses of policies.
func unsupported(policies []*meshtrace.Policy, version cluster.Version) error {
	var all []error
	for _, p := range policies {
		for _, err := range p.Unsupported(version) {
			all = append(all, fmt.Errorf("%s: %w", p.Place, err))
		}
	}
	if len(all) > 0 {
		return fmt.Errorf("--meshtrace: Kuma %s would not accept the policies:\n%w", version, errors.Join(all...))
	}
	return nil
}

func countShadows(policies []*meshtrace.Policy, version cluster.Version) int {
	n := 0
	for _, p := range policies {
		if p.Shadow(version) {
			n++
		}
	}
	return n
}

func hasError(problems []*manifest.Problem) bool {
	return slices.ContainsFunc(problems, func(p *manifest.Problem) bool { return p.Severity == manifest.Error })
}
