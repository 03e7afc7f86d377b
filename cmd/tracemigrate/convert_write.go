package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/meshtrace"
)

// write writes the notes, then the policies. Its error is the reason for the exit code.
func (f *convertFlags) write(c *cli.Context, result *convert.Plan, version cluster.Version, style meshtrace.Style) error {
	notKept := output.NotKept(result.Comparisons) // before writing needs the memory
	if f.notesFile != "" {
		if err := f.writeNotes(c, result.Notes); err != nil {
			return err
		}
	}
	if err := meshtrace.ValidateAll(result.Policies, version); err != nil {
		return fmt.Errorf("a new policy breaks the rules of Kuma %s, which is a bug of tracemigrate; no policy was written: %w",
			version, err)
	}
	refused := result.Refused()
	if !refused || f.keepGoing {
		if err := f.writePolicies(c, result.Policies, style); err != nil {
			return err
		}
	}
	switch {
	case refused && f.keepGoing:
		return cli.Exit("not everything could be carried over; see the errors above; the other policies were written", exitNo)
	case refused:
		return cli.Exit("not everything can be carried over; see the errors above; no policy was written "+
			"(--keep-going writes the others)", exitNo)
	case notKept != "":
		return cli.Exit("all policies were written, but not every proxy is known to keep its tracing: "+notKept+
			"; `tracemigrate diff` shows why", exitNo)
	}
	return nil
}
