package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
)

func snapshotCommand() *cli.Command {
	return &cli.Command{
		Name:      "snapshot",
		Usage:     "save a cluster's state to a file that every command reads with -f",
		ArgsUsage: noArguments,
		Description: "Writes YAML to stdout: the resources that decide on tracing, with their\n" +
			"creation times, and the control plane's version, mode and zones. It contains\n" +
			"no secrets, no credentials in URLs, and no fields that this tool ignores.\n\n" +
			"   tracemigrate snapshot > state.yaml\n" +
			"   tracemigrate report -f state.yaml",
		Flags:  append(sourceFlags(), namespaceFlag()),
		Action: runSnapshot,
	}
}

func runSnapshot(c *cli.Context) error {
	progress := newProgress(c)
	source, err := openSource(c, progress)
	if err != nil {
		return err
	}
	if c.IsSet("zone") {
		return errors.New("--zone: take one snapshot of each control plane, and pass them all to the other commands with -f")
	}
	if readsFiles(c) && c.IsSet("mesh") {
		return errors.New("--mesh selects meshes of a cluster; it cannot be combined with -f")
	}
	ctx, cancel := withTimeout(c)
	defer cancel()
	recording, problems, err := cluster.Record(ctx, sourceWithFlags{source, c})
	progress.done()
	if err != nil {
		return timeoutError(ctx, c, err)
	}
	stderr := stderrPrinter(c)
	if readsFiles(c) && hasError(problems) {
		return refuseInput(stderr, problems, "written")
	}
	for _, problem := range problems {
		stderr.Line("%s (skipped)", problem.Error())
	}
	if recording.Empty() {
		return errNoResource
	}
	if err := recording.Write(c.App.Writer); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	return nil
}
