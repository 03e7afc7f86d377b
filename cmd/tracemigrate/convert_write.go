package main

import (
	"cmp"
	"fmt"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/meshtrace"
)

// write writes the notes, then the policies. Its error is the reason for the exit code.
func (f *convertFlags) write(
	c *cli.Context, source cluster.Source, snapshot *cluster.Snapshot, result *convert.Plan, o *convert.Options, style meshtrace.Style,
) error {
	// Before writing needs the memory.
	notKept, effects := output.NotKept(result.Comparisons), output.Effects(snapshot, result.Comparisons)
	refused := result.Refused()
	var files []file
	if f.directory != "" && (!refused || f.keepGoing) {
		var err error
		if files, err = f.policyFiles(c, result, style); err != nil {
			return err
		}
	}
	if f.notesFile != "" {
		if err := f.writeNotes(c, result.Notes); err != nil {
			return err
		}
	}
	for _, version := range versionsOf(result, o) {
		if err := meshtrace.ValidateAll(result.Policies, version); err != nil {
			return fmt.Errorf("a new policy breaks the rules of Kuma %s, which is a bug of tracemigrate; no policy was written: %w",
				version, err)
		}
	}
	wrote := ""
	if !refused || f.keepGoing {
		var err error
		if wrote, err = f.writePolicies(c, result, style, files); err != nil {
			return err
		}
	}
	stderr, notRead := stderrPrinter(c), output.NotReadClause(snapshot)
	why := "not every proxy is known to keep its tracing: " + notKept + "; `" + f.diffCommandLine(c, source, o) + "` shows why"
	if (refused || notKept != "") && effects != "" {
		stderr.Line("")
		stderr.Verdict("%s", effects)
	}
	switch {
	case refused && f.keepGoing:
		return cli.Exit("not everything could be carried over; see the errors above; "+wrote, exitNo)
	case refused:
		return cli.Exit("not everything can be carried over; see the errors above; no policy was written "+
			"(--keep-going writes the others)", exitNo)
	case notKept != "" && notRead != "":
		return cli.Exit(wrote+", but "+notRead+", and "+why, exitNo)
	case notRead != "":
		return cli.Exit(wrote+", but "+notRead+", so it is not known whether every proxy keeps its tracing", exitNo)
	case notKept != "":
		return cli.Exit(wrote+", but "+why, exitNo)
	case convert.Unverified(snapshot):
		return cli.Exit(wrote+", but the Dataplanes could not be read, so it is not known whether every proxy keeps its tracing", exitNo)
	}
	stderr.Line("")
	conclude(c, wrote+"; "+cmp.Or(effects, "no proxy was compared"))
	return nil
}

// versionsOf returns the versions on which the policies are applied: the one that runs,
// and the one that the control plane is upgraded to.
func versionsOf(result *convert.Plan, o *convert.Options) []cluster.Version {
	switch {
	case o.To == (cluster.Version{}):
		return []cluster.Version{o.Version}
	case result.AppliesBefore():
		return []cluster.Version{o.Version, o.To}
	}
	return []cluster.Version{o.To}
}
