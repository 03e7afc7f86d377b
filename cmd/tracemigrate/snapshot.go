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
		Usage:     "write what is read of a cluster, so that a result can be had again without it",
		ArgsUsage: " ",
		Description: "Writes the resources that decide on tracing as YAML to stdout, with their creation\n" +
			"times, what the control plane tells of itself, and nothing that is not read: no\n" +
			"secrets, no credentials in urls. Every command takes it with -f.\n\n" +
			"   tracemigrate snapshot > state.yaml\n" +
			"   tracemigrate report -f state.yaml",
		Flags:  append(sourceFlags(), namespaceFlag()),
		Action: runSnapshot,
	}
}

func runSnapshot(c *cli.Context) error {
	if c.Args().Present() {
		return unexpected(c)
	}
	progress := newProgress(c)
	source, err := openSource(c, progress)
	if err != nil {
		return err
	}
	if c.IsSet("zone") {
		return errors.New("--zone: take a snapshot of each control plane by itself, and give them all to the other commands with -f")
	}
	if c.IsSet("filename") && c.IsSet("mesh") {
		return errors.New("--mesh chooses among the meshes of a cluster, not of files")
	}
	ctx, cancel := limited(c)
	defer cancel()
	recording, problems, err := cluster.Record(ctx, amendedSource{source, c})
	progress.done()
	if err != nil {
		return inTime(ctx, c, err)
	}
	words := newPrinter(c.App.ErrWriter)
	if c.IsSet("filename") && hasError(problems) {
		words.Problems(problems, "written")
		return cli.Exit("", exitError)
	}
	for _, problem := range problems {
		words.Line("%s (left out)", problem.Error())
	}
	if err := recording.Write(c.App.Writer); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	return nil
}
