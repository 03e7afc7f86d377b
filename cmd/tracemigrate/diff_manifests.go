package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/meshtrace"
)

// compareManifests compares the proxies once for each version, and stores the result in
// found.
func (r *comparing) compareManifests() error {
	c, stderr, found := r.c, r.stderr, r.found
	versions, err := parseVersionFlags(c)
	if err != nil {
		return err
	}
	found.PerVersion = len(versions) > 1
	current, source, err := loadFor(c, &found.Head)
	if err != nil {
		return err
	}
	found.Command = commandLine(c, commandWords(c, source).Source)
	snapshot := current.Snapshot
	if !found.PerVersion {
		if versions, err = oneVersion(versions, snapshot); err != nil {
			return err
		}
	}
	to, err := r.upgradeTo(versions)
	if err != nil {
		return err
	}
	edited, err := r.readEdited(current)
	if err != nil {
		return err
	}
	warnAssumedVersion(stderr, strings.Join(c.StringSlice("kuma-version"), ","), snapshot)
	addUnread(found, stderr, snapshot)
	if nothing, err := nothingToCompare(stderr, snapshot); nothing || err != nil {
		return err
	}
	for _, version := range versions {
		if err := r.compareOn(version, to, current, edited); err != nil {
			return err
		}
	}
	return nil
}

// compareOn compares the proxies for one version, and stores the result in found.
func (r *comparing) compareOn(version, to cluster.Version, current *convert.Current, edited []*meshtrace.Policy) error {
	ofZone := func(p *meshtrace.Policy) bool { return p.Labels.Get(cluster.OriginLabel) == "zone" }
	options := r.options()
	options.Version, options.Namespace, options.Supposed = version, current.Namespace, r.found.PerVersion
	options.MadeUp = maxMadeUp
	options.ZoneOrigin = options.ZoneOrigin || slices.ContainsFunc(edited, ofZone)
	given := r.c.IsSet("meshtrace")
	if given { // what an earlier run made is not tracing to keep
		options.ByLabels = convert.GoesOnByLabels(current, options)
	} else {
		options.ByLabels = selectsByLabels(r.c, r.stderr, current, options)
	}
	if err := options.Check(); err != nil {
		return err
	}
	result, _ := convert.Convert(current, options)
	r.stderr.NotesOf(convert.EarlierRun, version, result.Notes)
	r.stderr.NotesOf(convert.PatchReleaseDecides, version, result.Notes)
	comparisons := result.Comparisons
	switch {
	case given:
		var err error
		if comparisons, err = r.compareEdited(current, result, edited, &options, to); err != nil {
			return err
		}
	case to != (cluster.Version{}):
		comparisons = r.comparePolicies(current, result, result.New(), &options, to)
	default:
		r.stderr.MadeUp(result.MadeUp, result.Complete, maxMadeUp)
	}
	if !given {
		r.stderr.ErrorNotes(version, result.Notes)
		r.found.Refused += result.Errors()
	}
	r.found.Comparisons = append(r.found.Comparisons, comparisons...)
	return nil
}

// nothingToCompare reports whether a cluster has no tracing to compare, and says so. For
// files without a Mesh it returns an error.
func nothingToCompare(stderr *output.Printer, s *cluster.Snapshot) (bool, error) {
	switch {
	case s.NothingLegacy():
		stderr.Verdict("no legacy tracing is left here: %s", s.Origin)
		return true, nil
	case len(s.Meshes) == 0 && s.FromCluster():
		stderr.Verdict("no proxy was compared, because no Mesh exists: %s", s.Origin)
		return true, nil
	}
	return false, checkMesh(s, "compare")
}

// oneVersion returns the only version to compare for: that of the flag or the snapshot's.
func oneVersion(flag []cluster.Version, s *cluster.Snapshot) ([]cluster.Version, error) {
	text := ""
	if len(flag) == 1 {
		text = flag[0].String()
	}
	version, err := kumaVersion(text, s)
	return []cluster.Version{version}, err
}

// readEdited returns the policies of --meshtrace. It prints the problems of these and of
// the input, counts misspelt fields in found, and returns an error if one of them is an error.
func (r *comparing) readEdited(current *convert.Current) ([]*meshtrace.Policy, error) {
	problems := current.Found
	var edited []*meshtrace.Policy
	if r.c.IsSet("meshtrace") {
		inputs, err := openInputs(r.c, "meshtrace")
		if err != nil {
			return nil, err
		}
		s := cluster.Read(inputs)
		var invalid []*manifest.Problem
		edited, invalid = meshtrace.Read(s, current.Namespace)
		meshtrace.Resolve(edited, meshtrace.Backends(s.AppliedTo(current.Snapshot)))
		problems = slices.Concat(problems, s.Problems, invalid)
		addNotRead(r.found, s)
		if len(edited) == 0 && !hasError(problems) {
			return nil, errors.New("--meshtrace: the files have no MeshTrace")
		}
	}
	misspelt, err := checkProblems(r.stderr, problems, "compared")
	r.found.Misspelt += misspelt
	return edited, err
}

// compareEdited compares with edited policies instead of the converted ones, on the version
// to if there is one.
func (r *comparing) compareEdited(
	current *convert.Current, result *convert.Plan, edited []*meshtrace.Policy, o *convert.Options, to cluster.Version,
) ([]*envoydiff.Comparison, error) {
	version := cmp.Or(to, o.Version)
	if err := checkSupported(edited, version, current.About()); err != nil {
		return nil, err
	}
	shadows := 0
	for _, p := range edited {
		if p.Shadow(version) {
			shadows++
		}
	}
	if shadows > 0 {
		r.stderr.Line("tracemigrate: %d of the MeshTraces are shadows, which Kuma %s computes but does not apply, "+
			"so they give no proxy tracing", shadows, version)
	}
	mode := current.About().Mode
	labels := o.ZoneOrigin && version.LabelsOrigin() && mode != cluster.ModeGlobal && mode != cluster.ModeFederatedZone
	stored := lists.Each(edited, func(p *meshtrace.Policy) *meshtrace.Policy {
		if p = p.AsStored(version); labels && p.Labels.Get(cluster.OriginLabel) == "" {
			labelled := *p // as the zone's control plane does; the other policies have the label
			labelled.Labels = p.Labels.With(cluster.OriginLabel, "zone")
			return &labelled
		}
		return p
	})
	return r.comparePolicies(current, result, stored, o, to), nil
}

// comparePolicies compares today's tracing with that of policies, on the version to if there
// is one.
func (r *comparing) comparePolicies(
	current *convert.Current, result *convert.Plan, policies []*meshtrace.Policy, o *convert.Options, to cluster.Version,
) []*envoydiff.Comparison {
	before := current.StateOf(result.Meshes, result.Before(result.Existing))
	existing := result.Existing
	if !r.c.IsSet("meshtrace") {
		existing = result.Left(existing)
	}
	after := current.StateOf(nil, convert.Applied(existing, policies))
	all := *current.Snapshot
	made, complete := envoydiff.MadeUp(before.Legacy, slices.Concat(after.Policies, current.Patches.Selectors()), all.Dataplanes, o.MadeUp)
	all.Dataplanes = slices.Concat(all.Dataplanes, made)
	r.stderr.MadeUp(len(made), complete, maxMadeUp)
	if to != (cluster.Version{}) {
		upgraded := envoydiff.Options{Version: o.Version, To: to, Migrated: true, Accept: o.Accept, Doubt: result.Doubt}
		return envoydiff.CompareZones(&all, before, after, upgraded)
	}
	return convert.Compare(&all, before, after, o, result.Doubt)
}

// upgradeTo returns the version of --to-version, or none.
func (r *comparing) upgradeTo(versions []cluster.Version) (cluster.Version, error) {
	if r.to == "" {
		return cluster.Version{}, nil
	}
	to, err := cluster.ParseVersion(r.to)
	switch {
	case err != nil:
		return to, fmt.Errorf("--to-version: %w", err)
	case len(versions) > 1:
		return to, errors.New("--to-version compares one upgrade; pass one version with --kuma-version")
	case to.Compare(versions[0]) < 0:
		return to, fmt.Errorf("--to-version %s is older than %s; pass the version after the upgrade", to, versions[0])
	case to.DropsTrafficTrace() && !r.c.IsSet("meshtrace"):
		return to, fmt.Errorf("--to-version %s needs --meshtrace, because converted policies are for Kuma %s; convert for it first: "+
			"%s convert --kuma-version %[1]s --from %[2]s", to, versions[0], r.c.App.Name)
	}
	return to, nil
}

// checkSupported returns an error that lists what version does not accept in policies, on the
// control plane of an origin.
func checkSupported(policies []*meshtrace.Policy, version cluster.Version, origin cluster.Origin) error {
	var all []error
	for _, p := range policies {
		for _, err := range p.Unsupported(version) {
			all = append(all, fmt.Errorf("%s: %w", p.Place, err))
		}
		if p.OfAnotherZone(version, &origin) {
			all = append(all, fmt.Errorf("%s: %s: label %s: %q is not the zone of the control plane, %q; remove the label",
				p.Place, p, cluster.ZoneLabel, p.Labels.Get(cluster.ZoneLabel), origin.Zone))
		}
	}
	if len(all) > 0 {
		return fmt.Errorf("--meshtrace: Kuma %s does not accept the policies:\n%w", version, errors.Join(all...))
	}
	return nil
}

// addUnread prints what could not be read, and adds it to what diff found.
func addUnread(found *output.Diff, stderr *output.Printer, s *cluster.Snapshot) {
	found.Unread = append(found.Unread, stderr.Skipped(s)...)
	found.Unread = append(found.Unread, stderr.Unread(s)...)
	found.Partial = found.Partial || convert.Partial(s)
	found.ZonesUnread = max(found.ZonesUnread, len(convert.ZonesUnread(s)))
}

// addNotRead adds the documents of a side that are not read to what diff found.
func addNotRead(found *output.Diff, s *cluster.Snapshot) {
	for _, name := range output.NotRead(s) {
		if !slices.Contains(found.Unread, name) {
			found.Unread = append(found.Unread, name)
		}
	}
}
