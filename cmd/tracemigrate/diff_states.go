package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/overlay"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
)

// pair is two states of the same manifests.
type pair struct {
	overlay       string // rendered on both sides; empty without -k
	before, after *cluster.Snapshot
}

// compareStates compares the tracing of every proxy in two whole states, and stores the
// result in found.
func (r *comparing) compareStates() error {
	c := r.c
	if err := checkStates(c); err != nil {
		return err
	}
	versions, err := parseVersionFlags(c)
	if err != nil {
		return err
	}
	states, err := openStates(c, overlaysOf(c))
	if err != nil {
		return err
	}
	pairs, err := readPairs(c)
	if err != nil {
		return err
	}
	r.found.PerVersion = len(versions) > 1 || len(pairs) > 1
	for _, p := range pairs {
		if err := r.comparePair(p, states.of(p.overlay), versions); err != nil {
			return err
		}
	}
	return nil
}

// checkStates returns an error for flags that do not apply to two states.
func checkStates(c *cli.Context) error {
	for _, flag := range []string{"before-manifests", "after-manifests"} {
		if !c.IsSet(flag) {
			return errors.New("--before-manifests and --after-manifests are both required")
		}
	}
	for _, flag := range []string{"filename", "meshtrace", "to-version", "shadow", "before", "after", "zone-origin", "round-sampling"} {
		if c.IsSet(flag) {
			return fmt.Errorf("--before-manifests and --after-manifests cannot be combined with --%s: they are two whole states", flag)
		}
	}
	return nil
}

// readPairs reads both sides: once for each overlay of -k, or once as a whole.
func readPairs(c *cli.Context) ([]pair, error) {
	overlays := overlaysOf(c)
	if len(overlays) == 0 {
		overlays = []string{""}
	}
	var pairs []pair
	var failed []error
	for _, name := range overlays {
		p := pair{overlay: name}
		var err, alsoWrong error
		p.before, err = readSide(c, "before-manifests", name)
		p.after, alsoWrong = readSide(c, "after-manifests", name)
		failed = append(failed, err, alsoWrong)
		pairs = append(pairs, p)
	}
	return pairs, errors.Join(failed...)
}

// readSide reads the manifests of one side, or renders an overlay below them.
func readSide(c *cli.Context, flag, name string) (*cluster.Snapshot, error) {
	root := c.StringSlice(flag)
	switch {
	case name == "" && len(root) == 1 && overlay.Exists(root[0]):
		name = "."
	case name == "":
		inputs, err := openInputs(c, flag)
		return cluster.Read(inputs), err
	}
	if len(root) > 1 || filepath.IsAbs(name) {
		return nil, fmt.Errorf("-k %s: with --%s, pass one directory and an overlay below it", name, flag)
	}
	inputs, err := overlay.Render(filepath.Join(root[0], name), nil)
	return cluster.Read(inputs), err
}

// comparePair compares one pair for each version.
func (r *comparing) comparePair(p pair, state *cluster.Snapshot, versions []cluster.Version) error {
	before, after, err := r.decodePair(p, state)
	if err != nil {
		return err
	}
	o := convert.Options{Namespace: before.Namespace, MadeUp: maxMadeUp, Accept: r.accepted, Supposed: len(versions) > 1}
	if len(versions) <= 1 {
		if versions, err = oneVersion(versions, before.Snapshot); err != nil {
			return err
		}
		warnAssumedVersion(r.stderr, strings.Join(r.c.StringSlice("kuma-version"), ","), before.Snapshot)
	}
	addUnread(r.found, r.stderr, before.Snapshot)
	addNotRead(r.found, after.Snapshot)
	for _, version := range versions {
		o.Version = version
		compareBoth(r.stderr, r.found, p.overlay, before, after, o)
	}
	return nil
}

// compareBoth compares two states, and adds the result to found, under an overlay if there is
// one.
func compareBoth(stderr *output.Printer, found *output.Diff, overlay string, before, after *convert.Current, o convert.Options) {
	t := convert.CompareStates(before, after, o)
	stderr.MadeUp(t.MadeUp, t.Complete, maxMadeUp)
	stderr.ErrorNotes(o.Version, t.Refused)
	found.AddTransition(overlay, t)
}

// decodePair decodes both sides, as applied to state, which may be nil. It prints their
// problems, counts misspelt fields in found, and returns an error if one of them is an error.
func (r *comparing) decodePair(p pair, state *cluster.Snapshot) (before, after *convert.Current, err error) {
	if p.before.Empty() && p.after.Empty() && !hasError(p.before.Problems) && !hasError(p.after.Problems) {
		return nil, nil, errNoResource
	}
	if state != nil {
		was := p.before
		p.before = was.AppliedTo(state)
		p.after = p.after.AppliedTo(p.before).Pruned(was, p.after)
	}
	if p.before.Origin == nil {
		p.before.Origin = p.after.Origin
	}
	if err := checkVersions(p.before.Origin, p.after.Origin); err != nil {
		return nil, nil, err
	}
	var sides [2]*convert.Current
	var problems []*manifest.Problem
	for i, s := range []*cluster.Snapshot{p.before, p.after} {
		if s.Origin, err = applyOriginFlags(r.c, s.Origin); err != nil {
			return nil, nil, err
		}
		if s, err = s.Only(meshesOf(r.c)); err != nil {
			return nil, nil, err
		}
		if namespace := p.before.SystemNamespace(); namespace != "" {
			s = s.InNamespace(namespace) // on both sides, whatever the MeshTraces after are in
		}
		sides[i] = decodeCurrent(r.c, s)
		problems = appendNew(problems, sides[i].Found)
	}
	misspelt, err := checkProblems(r.stderr, problems, "compared")
	r.found.Misspelt += misspelt
	return sides[0], sides[1], err
}

// checkVersions returns an error if two control planes have different rules: the comparison is
// for one version.
func checkVersions(before, after *cluster.Origin) error {
	if before == nil || after == nil {
		return nil
	}
	was, err := cluster.ParseVersion(before.Version)
	is, alsoErr := cluster.ParseVersion(after.Version)
	if err == nil && alsoErr == nil && !was.SameRules(is) {
		return fmt.Errorf("--before-manifests is of Kuma %s, and --after-manifests of %s; compare states of one version, "+
			"or an upgrade with --to-version", was, is)
	}
	return nil
}

// appendNew appends problems that list does not contain: both sides have those of a state.
func appendNew(list, problems []*manifest.Problem) []*manifest.Problem {
	known := lists.Set(list, (*manifest.Problem).Error)
	return append(list, lists.Keep(problems, func(p *manifest.Problem) bool { return !known[p.Error()] })...)
}
