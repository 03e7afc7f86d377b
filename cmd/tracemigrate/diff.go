package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
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
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "text", Usage: "`FORM` of the output: text, json, yaml, junit or markdown"},
			&cli.BoolFlag{Name: "full", Usage: "text: list all proxies of a group"},
		),
		Action: runDiff,
	}
}

// outcome is what diff found, for printing.
type outcome struct {
	comparisons []*envoydiff.Comparison
	strict      bool
	full        bool
	unread      []string // what could not be read, and so is in no comparison
	refused     int      // what could not be carried over
	supposed    bool     // each comparison is of all proxies, for a version that is supposed
}

// holds says whether the answer is yes: no proxy is different, and all could be
// carried over.
func (o *outcome) holds() bool {
	t := envoydiff.Count(o.comparisons)
	return t.Different == 0 && t.Unknown == 0 && (!o.strict || t.Inherent == 0) && len(o.unread) == 0 && o.refused == 0
}

// verdict says in a sentence why the answer is no.
func (o *outcome) verdict() string {
	t := envoydiff.Count(o.comparisons)
	switch {
	case t.Different == 0 && len(o.unread) > 0:
		return o.unknown()
	case t.Unknown > 0 && t.Different > 0:
		return fmt.Sprintf("%d different, %d unknown", t.Different, t.Unknown)
	case t.Unknown > 0:
		return fmt.Sprintf("%d unknown", t.Unknown)
	case t.Different == 0 && o.refused > 0:
		return "not everything can be carried over, see the errors above"
	case t.Different == 0:
		return fmt.Sprintf("%d inherent, which --strict counts", t.Inherent)
	case o.strict && t.Inherent > 0:
		return fmt.Sprintf("%d different, and %d inherent, which --strict counts", t.Different, t.Inherent)
	}
	return fmt.Sprintf("%d different", t.Different)
}

// unknown says what was not read, and that the answer is no for it.
func (o *outcome) unknown() string {
	const shown = 3
	names := o.unread
	if len(names) > shown {
		names = append(slices.Clone(names[:shown]), fmt.Sprintf("%d more", len(names)-shown))
	}
	return strings.Join(names, ", ") + " could not be read, so it is not known what every proxy would keep"
}

// forms are the ways to print an outcome.
var forms = map[string]func(*outcome, *printer) error{
	"text": (*outcome).text, "json": (*outcome).json, "yaml": (*outcome).yaml, "junit": (*outcome).junit, "markdown": (*outcome).markdown,
}

func runDiff(c *cli.Context) error {
	form, ok := forms[c.String("output")]
	if !ok {
		return fmt.Errorf("--output: %q is none of text, json, yaml, junit, markdown", c.String("output"))
	}
	if c.Args().Present() {
		return unexpected(c)
	}
	accepted, err := acceptedCodes(c)
	if err != nil {
		return err
	}
	found := &outcome{strict: c.Bool("strict"), full: c.Bool("full")}
	switch {
	case c.IsSet("before") || c.IsSet("after"):
		found.comparisons, err = compareDumps(c, accepted)
	case c.Bool("shadow"):
		found.comparisons, err = compareShadow(c, accepted)
	default:
		err = found.compareManifests(c, accepted)
	}
	if err != nil {
		return err
	}
	if err := whole(c, func(out *printer) error { return form(found, out) }); err != nil {
		return err
	}
	if !found.holds() {
		return cli.Exit(found.verdict(), exitNo)
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

// versions are those of --kuma-version; none when it is not given.
func versions(c *cli.Context) ([]cluster.Version, error) {
	var list []cluster.Version
	given := c.StringSlice("kuma-version")
	if len(given) == 0 {
		return nil, nil
	}
	for _, text := range strings.Split(strings.Join(given, ","), ",") {
		version, err := cluster.ParseVersion(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("--kuma-version: %w", err)
		}
		if !slices.Contains(list, version) {
			list = append(list, version)
		}
	}
	return list, nil
}

// compareManifests compares once for each version.
func (o *outcome) compareManifests(c *cli.Context, accepted []envoydiff.Code) error {
	list, err := versions(c)
	if err != nil {
		return err
	}
	o.supposed = len(list) > 1
	current, _, err := load(c)
	if err != nil {
		return err
	}
	words := newPrinter(c.App.ErrWriter)
	snapshot, namespace := current.Snapshot, current.Namespace
	if !o.supposed {
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
		words.problems(problems, "compared")
		return cli.Exit("", exitError)
	}
	words.warnings(problems)
	words.assumption(strings.Join(c.StringSlice("kuma-version"), ","), snapshot)
	o.unread = append(words.skipped(snapshot), words.unread(snapshot)...)
	if snapshot.NothingLegacy() {
		words.line("nothing legacy is left here: %s", snapshot.Origin)
		return nil
	}
	if len(snapshot.Meshes) == 0 && snapshot.FromCluster() {
		words.line("there is no Mesh here, so no proxy is compared: %s", snapshot.Origin)
		return nil
	}
	if len(snapshot.Meshes) == 0 {
		return errors.New("the input has no Mesh, so there is nothing to compare")
	}
	zoneOrigin := slices.ContainsFunc(given, func(p *meshtrace.Policy) bool { return p.Labels[cluster.OriginLabel] == "zone" })
	for _, version := range list {
		options := convert.Options{
			Version: version, Namespace: namespace, ZoneOrigin: zoneOrigin || c.Bool("zone-origin"), RoundSampling: c.Bool("round-sampling"),
			MadeUp: maxMadeUp, Accept: accepted, Supposed: o.supposed,
		}
		result, _ := convert.Convert(current, options)
		words.noted(convert.EarlierRun, version, result)
		words.noted(convert.PatchReleaseDecides, version, result)
		if !c.IsSet("meshtrace") {
			words.refusals(version, result)
			words.madeUp(result.MadeUp, result.Complete)
			o.refused += result.Errors()
			o.comparisons = append(o.comparisons, result.Comparisons...)
			continue
		}
		if err := unsupported(given, version); err != nil {
			return err
		}
		if shadows := countShadows(given, version); shadows > 0 {
			words.line("tracemigrate: %d of the MeshTraces are shadows, which Kuma %s computes but does not apply, so they give no proxy tracing", shadows, version)
		}
		o.comparisons = append(o.comparisons, compareGiven(snapshot, result, given, &options, words)...)
	}
	return nil
}

// compareGiven compares with the policies of --meshtrace instead of those made.
func compareGiven(s *cluster.Snapshot, result *convert.Result, given []*meshtrace.Policy, o *convert.Options, words *printer) []*envoydiff.Comparison {
	before := envoydiff.State{Legacy: result.Meshes, Policies: result.Before(result.Existing)}
	after := envoydiff.State{Policies: convert.Applied(result.Existing, given)}
	made, complete := envoydiff.MadeUp(before.Legacy, after.Policies, s.Dataplanes, o.MadeUp)
	words.madeUp(len(made), complete)
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
