package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/overlay"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/cmd/tracemigrate/worktree"
	"tracemigrate/convert"
	"tracemigrate/convert/rewrite"
	"tracemigrate/meshtrace"
)

// rewriting is a run of rewrite.
type rewriting struct {
	*rewriteFlags
	c       *cli.Context
	stderr  *output.Printer
	tree    *worktree.Tree
	texts   map[string][]byte // of the files, by name
	repo    *rewrite.Repo
	units   []*unit
	changes rewrite.Changes
}

// unit is manifests that are applied as a whole.
type unit struct {
	overlay string // empty: the files that no overlay includes
	state   *cluster.Snapshot
	own     *cluster.Snapshot // the manifests alone
	whole   *cluster.Snapshot // applied to state
	before  *convert.Current
	files   map[string]string // names of files, by the names of inputs
	options convert.Options
	plan    *convert.Plan
}

// name returns the name of a unit in messages.
func (u *unit) name() string {
	if u.overlay == "" {
		return "files of no overlay"
	}
	return u.overlay
}

// read reads the files and the overlays.
func (f *rewriteFlags) read(c *cli.Context, stderr *output.Printer, tree *worktree.Tree) (*rewriting, error) {
	r := &rewriting{rewriteFlags: f, c: c, stderr: stderr, tree: tree}
	limit, err := sizeOf(c, "max-input-size")
	if err != nil {
		return nil, err
	}
	if r.texts, err = tree.Read(limit); err != nil {
		return nil, err
	}
	states := lists.Set(stateFiles(c), tree.Name)
	maps.DeleteFunc(r.texts, func(name string, text []byte) bool { return isSnapshot(text) || states[name] })
	r.repo = rewrite.NewRepo(r.texts)
	if err := r.refuse(r.repo.Problems()); err != nil {
		return nil, err
	}
	if err := r.checkOutside(limit); err != nil {
		return nil, err
	}
	overlays := overlaysOf(c)
	if len(overlays) == 0 {
		overlays = r.repo.Overlays()
	}
	clusters, err := openStates(c, overlays)
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, dir := range overlays {
		failed = append(failed, r.add(&unit{overlay: tree.Name(dir), state: clusters.of(filepath.Clean(dir))}))
	}
	if plain := r.plain(r.texts); len(plain) > 0 {
		failed = append(failed, r.add(&unit{state: clusters.of("")}))
	}
	if len(r.units) == 0 && errors.Join(failed...) == nil {
		return nil, errors.New("the files have no Kuma resource, such as a Mesh or a TrafficTrace; check the arguments and -k")
	}
	return r, errors.Join(failed...)
}

// isSnapshot reports whether a file is a snapshot: a copy of what a cluster has, which may be
// kept beside the manifests.
func isSnapshot(text []byte) bool { return bytes.Contains(text, []byte("kind: SnapshotOrigin")) }

// checkOutside returns an error if a kustomization of the tree that is not in the paths
// includes what is edited.
func (r *rewriting) checkOutside(limit int64) error {
	outside, err := r.tree.Kustomizations(limit)
	if err != nil {
		return err
	}
	maps.DeleteFunc(outside, func(name string, _ []byte) bool { _, edited := r.texts[name]; return edited })
	return r.refuse(r.repo.CheckOutside(outside))
}

// refuse prints problems and returns an error if there are any. Templates, which nothing
// can edit, mean the answer no.
func (r *rewriting) refuse(problems []*manifest.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	code := exitError
	if !slices.ContainsFunc(problems, func(p *manifest.Problem) bool { return p.Code != rewrite.Template }) {
		code = exitNo
	}
	r.stderr.Errors(problems)
	return cli.Exit("not everything can be edited; see the errors above; nothing was written", code)
}

// add adds a unit with Kuma's resources.
func (r *rewriting) add(u *unit) error {
	inputs, err := r.inputs(u, nil)
	if err != nil {
		return err
	}
	u.files = make(map[string]string, len(inputs))
	for _, input := range inputs {
		if input.Path != "" {
			u.files[input.Name] = r.tree.Name(input.Path)
		} else {
			u.files[input.Name] = input.Name
		}
	}
	if u.own = cluster.Read(inputs); u.own.Empty() && !hasError(u.own.Problems) {
		return nil
	}
	if u.before, err = r.decode(u, u.own); err != nil {
		return err
	}
	u.options = r.options()
	u.options.Namespace, u.options.MadeUp = u.before.Namespace, maxMadeUp
	if u.options.Version, err = kumaVersion(r.version, u.before.Snapshot); err != nil {
		return err
	}
	if r.stage == stageAdd && goesOnByLabels(r.c, u.before, u.options) {
		u.options.ByLabels = true
	}
	r.units = append(r.units, u)
	return u.options.Check()
}

// inputs renders a unit, with changed files.
func (r *rewriting) inputs(u *unit, changes rewrite.Changes) ([]manifest.Input, error) {
	if u.overlay == "" {
		texts := maps.Clone(r.texts)
		for name, text := range changes {
			if texts[name] = text; text == nil {
				delete(texts, name)
			}
		}
		return lists.Each(r.plain(texts), func(name string) manifest.Input {
			return manifest.Text(name, string(texts[name]))
		}), nil
	}
	files := make(overlay.Files, len(changes))
	for name, text := range changes {
		files[r.tree.Resolved(filepath.FromSlash(name))] = text
	}
	if r.repo.IsDeleted(u.overlay) && changes != nil {
		return nil, nil
	}
	r.stderr.Status("rendering " + u.name()) // which takes seconds if it has thousands of resources
	inputs, err := overlay.Render(filepath.FromSlash(u.overlay), files)
	r.stderr.Clear()
	return inputs, err
}

// plain returns the files with resources of Kuma that no overlay includes.
func (r *rewriting) plain(texts map[string][]byte) []string {
	repo := r.repo
	if len(texts) != len(r.texts) {
		repo = rewrite.NewRepo(texts)
	}
	var names []string
	for _, name := range repo.Plain() {
		if rewrite.IsOfKuma(texts[name]) {
			names = append(names, name)
		}
	}
	return names
}

// decode decodes manifests as applied to the unit's state.
func (r *rewriting) decode(u *unit, own *cluster.Snapshot) (*convert.Current, error) {
	s := own
	if u.state != nil {
		s = own.AppliedTo(u.state)
	}
	if u.before == nil {
		u.whole = s
	} else {
		s = own.AppliedTo(u.whole).Pruned(u.own, own) // what is not in own existed before, or is gone now
	}
	var err error
	if s.Origin, err = applyOriginFlags(r.c, s.Origin); err != nil {
		return nil, err
	}
	if s, err = s.Only(meshesOf(r.c)); err != nil {
		return nil, err
	}
	current := decodeCurrent(r.c, s)
	if current.Failed() {
		r.stderr.Errors(current.Found)
		return nil, cli.Exit(fmt.Sprintf("%s: the manifests have errors; see above; nothing was written", u.name()), exitError)
	}
	return current, nil
}

// unlisted returns, as errors, the TrafficTraces of the unit's meshes that exist in the cluster
// and in no manifest. Meshes that the unit does not mention are others' business.
func (u *unit) unlisted() []*manifest.Problem {
	meshes := lists.Set(u.own.Meshes, func(mesh *cluster.Resource) string { return mesh.Name })
	maps.Copy(meshes, lists.Set(u.own.TrafficTraces, func(trace *cluster.Resource) string { return trace.Mesh }))
	var problems []*manifest.Problem
	for _, trace := range u.whole.TrafficTraces {
		if u.files[trace.Place.File] == "" && meshes[trace.Mesh] {
			problems = append(problems, &manifest.Problem{
				Place: trace.Place, Severity: manifest.Error, Of: trace.Subject(),
				Fault:  "exists in the cluster, and in no manifest of " + u.name(),
				Remedy: "add it to the manifests, or pass the state of this cluster",
			})
		}
	}
	return problems
}

// replaced returns, as errors, the existing MeshTraces that policies by labels replace: only those
// of TrafficTraces are written here.
func (u *unit) replaced() []*manifest.Problem {
	ofTraces := make(map[*meshtrace.Policy]bool)
	for _, fate := range u.plan.Fates {
		maps.Copy(ofTraces, lists.Set(fate.Policies, func(p *meshtrace.Policy) *meshtrace.Policy { return p }))
	}
	replaced := lists.Set(u.plan.Obsolete, (*meshtrace.Policy).Identity)
	for _, p := range u.plan.Policies {
		if !ofTraces[p] {
			replaced[p.Identity()] = true
		}
	}
	var problems []*manifest.Problem
	for _, p := range u.plan.Existing {
		if replaced[p.Identity()] {
			problems = append(problems, &manifest.Problem{
				Place: p.Place, Severity: manifest.Error, Of: manifest.Subject{Kind: cluster.KindMeshTrace, Mesh: p.Mesh, Name: p.DisplayName()},
				Fault:  "does not select by labels, or has another effect beside policies that do, and rewrite does not edit existing MeshTraces",
				Remedy: "first replace it by what `tracemigrate convert --target-ref dataplane` writes",
			})
		}
	}
	return problems
}

// written returns the policies of the plan whose TrafficTrace is in a manifest.
func (u *unit) written() []*meshtrace.Policy {
	var policies []*meshtrace.Policy
	for _, fate := range u.plan.Fates {
		if u.files[fate.Place.File] != "" {
			policies = append(policies, fate.Policies...)
		}
	}
	return policies
}

// checkZones returns an error for a federated zone, whose TrafficTraces are the global control
// plane's.
func (r *rewriting) checkZones() error {
	for _, u := range r.units {
		if o := u.before.Origin; o != nil && o.Mode == cluster.ModeFederatedZone && !r.zoneOrigin {
			return cli.Exit(fmt.Sprintf("%s: the control plane is that of a federated zone, and its TrafficTraces come from the global one; "+
				"edit the global's manifests, or pass --zone-origin for policies of the zone; nothing was written", u.name()), exitNo)
		}
	}
	return nil
}

// checkRemoved returns an error if stage remove has been here: then there is nothing to convert,
// and what the cluster still has is from before.
func (r *rewriting) checkRemoved() error {
	for _, u := range r.units {
		if left := u.unlisted(); len(left) > 0 && len(u.own.TrafficTraces) == 0 && len(u.own.MeshTraces) > 0 {
			return cli.Exit(fmt.Sprintf("%s: the manifests have %s and no TrafficTrace, as after --stage %s, so there is nothing to add; "+
				"the cluster still has %s: apply the manifests, then pass a new state; nothing was written", u.name(),
				convert.Plural(len(u.own.MeshTraces), "MeshTrace"), stageRemove, convert.Plural(len(left), "TrafficTrace")), exitNo)
		}
	}
	return nil
}

// rewrite finds the changes of the stage.
func (r *rewriting) rewrite() error {
	err := r.checkZones()
	if err != nil {
		return err
	}
	if r.stage == stageRemove {
		r.changes, err = r.repo.Remove()
	} else if err = r.convert(); err == nil {
		units := lists.Each(r.units, func(u *unit) *rewrite.Unit {
			return &rewrite.Unit{
				Overlay: u.overlay, Plan: u.plan, FileOf: func(place manifest.Place) string { return u.files[place.File] },
			}
		})
		r.changes, err = r.repo.Add(units, meshtrace.Style{Version: r.units[0].options.Version})
	}
	verified := lists.Each(r.units, func(u *unit) string { return u.overlay })
	problems := slices.Concat(r.repo.Problems(), r.repo.Unverified(r.changes, verified))
	if refused := r.refuse(problems); refused != nil {
		return refused
	}
	if err != nil {
		return err
	}
	return r.tree.CheckNew(slices.Sorted(maps.Keys(r.changes)), r.texts)
}

// convert converts each unit. It returns an error if something cannot be carried over.
func (r *rewriting) convert() error {
	refused := false
	var unwritten []*manifest.Problem
	goesOn := func(u *unit) bool { return u.options.ByLabels && !r.byLabels }
	if slices.ContainsFunc(r.units, goesOn) {
		sayGoesOnByLabels(r.stderr)
	}
	if err := r.checkRemoved(); err != nil {
		return err
	}
	for _, u := range r.units {
		u.plan, _ = planOf(u.before, u.options)
		unwritten = slices.Concat(unwritten, u.unlisted(), u.replaced())
		r.stderr.WarningNotes(u.options.Version, u.plan.Notes)
		if u.plan.Refused() {
			refused = true
			r.stderr.ErrorNotes(u.options.Version, u.plan.Notes)
		}
	}
	for _, u := range r.units {
		if warnAssumedVersion(r.stderr, r.version, u.before.Snapshot) {
			break // it is the same for all
		}
	}
	r.stderr.Errors(unwritten)
	if refused || len(unwritten) > 0 {
		return cli.Exit("not everything can be carried over; see the errors above; nothing was written", exitNo)
	}
	return nil
}
