package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/convert/runbook"
)

// planFlags are the flags of plan, other than those of the source.
type planFlags struct {
	reportFlags
	directory string
	force     bool
}

func planCommand() *cli.Command {
	var f planFlags
	return &cli.Command{
		Name:      "plan",
		Usage:     "write a migration as a directory: manifests, commands, verification, rollback",
		ArgsUsage: noArguments,
		Description: "Writes a README with numbered commands, the MeshTraces, for " + cluster.SinceShadow.MajorMinor() + " and later as\n" +
			"shadows, too, the deletion of TrafficTraces and of the Meshes' tracing,\n" +
			"verify.sh, which verifies each step from the control plane's own state,\n" +
			"rollback.sh, which restores the state of today, state.yaml and plan.json.\n" +
			"All files are written, or none.\n\n" +
			"   tracemigrate plan --output-dir migration\n" +
			"   less migration/README.md\n\n" +
			"Exit codes: 0 every proxy keeps its tracing, and the directory was written;\n" +
			"1 something cannot be carried over, or a proxy is different or unknown, and\n" +
			"nothing was written; 2 error. docs/plan.md describes the directory.",
		Flags: slices.Concat(sourceFlags(), []cli.Flag{versionFlag(&f.version)}, f.flags(), []cli.Flag{
			textFlag("output-dir", &f.directory, "write the plan to `DIR`"),
			boolFlag("force", &f.force, "replace a plan in --output-dir"),
			acceptFlag(", also in verify.sh"),
		}),
		Action: f.run,
	}
}

func (f *planFlags) run(c *cli.Context) error {
	if err := f.check(c); err != nil {
		return err
	}
	current, source, recorders, err := loadRecording(c)
	if err != nil {
		return err
	}
	stderr := stderrPrinter(c)
	if !f.byLabels && nothingToPlan(stderr, current) {
		return nil
	}
	facts, err := f.facts(c, current, source)
	if err != nil {
		return err
	}
	if f.byLabels && len(facts.Plan.Policies)+len(facts.Plan.Obsolete) == 0 && nothingToPlan(stderr, current) {
		return nil
	}
	if err := f.record(c, facts, recorders); err != nil {
		return err
	}
	files, err := runbook.Build(facts)
	if err != nil {
		return err
	}
	replaced, err := f.write(c, files)
	if err != nil {
		return err
	}
	instead := ""
	if replaced > 0 {
		instead = " and replaced the previous plan"
	}
	stderr.Line("tracemigrate: %d files were written to %s%s; begin with %s", len(files), f.directory, instead,
		filepath.Join(f.directory, "README.md"))
	if len(current.TrafficTraces) == 0 && f.byLabels {
		stderr.Verdict("%s; every proxy keeps its tracing", relabelled(facts.Plan))
		return nil
	}
	stderr.Verdict("%s", (&output.Report{Report: facts.Report}).Verdict())
	return nil
}

// relabelled returns a clause on what a plan by labels does to the MeshTraces.
func relabelled(plan *convert.Plan) string {
	switch {
	case len(plan.Policies) > 0:
		return convert.Plural(len(plan.Policies), "MeshTrace") + " will select by labels"
	case len(plan.Obsolete) > 0:
		return convert.Plural(len(plan.Obsolete), "MeshTrace") + " will be deleted, and the others already select by labels"
	}
	return "every MeshTrace already selects by labels"
}

// check returns an error if the flags are wrong, and makes the paths of flags that the
// scripts repeat absolute.
func (f *planFlags) check(c *cli.Context) error {
	switch {
	case f.directory == "":
		return errors.New("--output-dir is required: the directory to write the plan to")
	case readsFiles(c) && c.IsSet("mesh"):
		return errors.New("--mesh selects meshes of a cluster; it cannot be combined with -f or -k")
	}
	if err := checkVersionFlag(f.version); err != nil {
		return fmt.Errorf("%w; a plan is for the version that runs, with --target-ref %s for policies that %s accepts, too",
			err, targetDataplane, cluster.Newest)
	}
	place, err := filepath.Abs(f.directory)
	if err != nil {
		return fmt.Errorf("--output-dir: %w", err)
	}
	if input := inputWith(c, place); input != "" {
		return fmt.Errorf("--output-dir %s is in the input directory %s, so that later runs would read the plan's files, too; pass a directory elsewhere",
			f.directory, input)
	}
	if err := f.parse(c, false); err != nil {
		return err
	}
	for _, flag := range fileFlags {
		if !c.IsSet(flag) {
			continue
		}
		path, err := filepath.Abs(c.String(flag))
		if err == nil {
			err = c.Set(flag, path)
		}
		if err != nil {
			return fmt.Errorf("--%s: %w", flag, err)
		}
	}
	return nil
}

// nothingToPlan reports whether there is no legacy tracing, and prints it.
func nothingToPlan(stderr *output.Printer, current *convert.Current) bool {
	if current.NothingLegacy() {
		stderr.Verdict("no legacy tracing is left here: %s", current.Origin)
		return true
	}
	if current.Failed() || current.Empty() {
		return false // which is an error
	}
	for _, mesh := range current.Meshes {
		if len(mesh.TrafficTraces) > 0 || len(mesh.Backends) > 0 {
			return false
		}
	}
	if len(current.Skipped)+len(current.NotRead()) > 0 {
		return false
	}
	stderr.Verdict("there is no TrafficTrace and no Mesh with tracing, so nothing was written")
	return true
}
