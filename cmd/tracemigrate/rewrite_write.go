package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/urfave/cli/v2"

	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
)

// fileChanges returns the changes in the order of names.
func (r *rewriting) fileChanges() []output.FileChange {
	changes := make([]output.FileChange, 0, len(r.changes))
	for _, name := range slices.Sorted(maps.Keys(r.changes)) {
		_, existed := r.texts[name]
		changes = append(changes, output.FileChange{
			Name: name, Path: r.tree.RepositoryName(name), Before: r.texts[name], After: r.changes[name], Existed: existed,
		})
	}
	return changes
}

// finish prints one line for each file. If every proxy keeps its tracing, it prints the diff
// and one line for each overlay, and writes the files if that is asked for. Otherwise there
// is no diff, which a pipe would apply.
func (r *rewriting) finish(found *output.Diff) error {
	changes := r.fileChanges()
	for _, change := range changes {
		r.stderr.Line("%s %s", change.Action(), change.Name)
	}
	if !found.Holds() {
		if err := r.stderr.Diff(found); err != nil {
			return err
		}
		advice := ""
		if r.stage == stageRemove && slices.ContainsFunc(r.units, isBeforeAdd) {
			advice = "; to fix: run --stage add first, and apply its MeshTraces"
		}
		return cli.Exit("nothing was written: "+found.Verdict()+advice, exitNo)
	}
	if !r.write || !r.c.Bool("quiet") { // without --write, the diff is the result
		if err := writeStdout(r.c, func(out *output.Printer) error { return out.FileDiffs(changes) }); err != nil {
			return err
		}
	}
	r.stderr.Overlays(found)
	if len(changes) == 0 {
		r.stderr.Verdict("nothing to change: stage %s is done; %s", r.stage, found.Outcome())
		return nil
	}
	summary := output.SummaryOf(changes)
	if !r.write {
		r.stderr.Verdict("%s; nothing was written (--write writes); %s", summary, found.Outcome())
		return nil
	}
	if err := r.writeFiles(); err != nil {
		return err
	}
	r.stderr.Verdict("%s; written; %s", summary, found.Outcome())
	return nil
}

// isBeforeAdd reports whether a unit has TrafficTraces and no MeshTrace yet.
func isBeforeAdd(u *unit) bool { return len(u.own.TrafficTraces) > 0 && len(u.whole.MeshTraces) == 0 }

// writeFiles replaces the files, unless Git could not restore them.
func (r *rewriting) writeFiles() error {
	if !r.force {
		dirty, err := r.tree.Dirty(r.c.Context, slices.Sorted(maps.Keys(r.changes)))
		switch {
		case err != nil:
			return fmt.Errorf("%w; nothing was written (--force writes without asking Git)", err)
		case len(dirty) > 0:
			return fmt.Errorf("the Git work tree has changes that are not committed: %s; commit or stash them first; "+
				"nothing was written (--force writes)", convert.First(dirty, 3))
		}
	}
	writing.Lock()
	defer writing.Unlock()
	return r.tree.Write(r.changes, r.texts)
}
