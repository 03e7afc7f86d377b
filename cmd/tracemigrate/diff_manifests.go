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

// compareManifests compares the proxies once for each version.
func (f *diffFlags) compareManifests(c *cli.Context, found *output.Diff, accepted []envoydiff.Code) error {
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
			Version: version, Namespace: namespace, ZoneOrigin: zoneOrigin || f.zoneOrigin, RoundSampling: f.roundSampling,
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

// compareGiven compares with the policies of --meshtrace instead of the converted ones.
func compareGiven(s *cluster.Snapshot, result *convert.Plan, given []*meshtrace.Policy, o *convert.Options, words *output.Printer) []*envoydiff.Comparison {
	before := envoydiff.State{Legacy: result.Meshes, Policies: result.Before(result.Existing)}
	after := envoydiff.State{Policies: convert.Applied(result.Existing, given)}
	made, complete := envoydiff.MadeUp(before.Legacy, after.Policies, s.Dataplanes, o.MadeUp)
	words.MadeUp(len(made), complete, maxMadeUp)
	all := *s
	all.Dataplanes = slices.Concat(s.Dataplanes, made)
	return convert.Compare(&all, before, after, o, result.Doubt)
}

// unsupported returns an error that lists what of the policies version refuses.
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

// countShadows returns the number of policies that are shadows on version.
func countShadows(policies []*meshtrace.Policy, version cluster.Version) int {
	n := 0
	for _, p := range policies {
		if p.Shadow(version) {
			n++
		}
	}
	return n
}

// hasError reports whether one of the problems is an error.
func hasError(problems []*manifest.Problem) bool {
	return slices.ContainsFunc(problems, func(p *manifest.Problem) bool { return p.Severity == manifest.Error })
}
