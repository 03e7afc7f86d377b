package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/cmd/tracemigrate/worktree"
)

// The values of --stage.
const (
	stageAdd    = "add"
	stageRemove = "remove"
)

// rewriteFlags are the flags of rewrite, other than those of a cluster.
type rewriteFlags struct {
	conversionFlags
	version, stage string
	write, force   bool
}

func rewriteCommand() *cli.Command {
	var f rewriteFlags
	return &cli.Command{
		Name:      "rewrite",
		Usage:     "edit the manifests of a Git repository for the migration",
		ArgsUsage: "PATH...",
		Description: "Edits the manifests in PATH so that `git diff` shows only the migration:\n" +
			"every other byte stays. Stage add writes MeshTraces beside the TrafficTraces\n" +
			"and lists them in the kustomizations. Stage remove, after they are applied,\n" +
			"removes TrafficTraces, the field tracing of Meshes, and patches of both.\n" +
			"Without -k, every kustomization in PATH that no other one lists is an\n" +
			"overlay. Each overlay is rendered before and after, and each proxy compared.\n\n" +
			"   tracemigrate rewrite clusters/ --stage add --state state.yaml\n" +
			"   tracemigrate rewrite clusters/ --stage add --state state.yaml --write\n" +
			"   tracemigrate rewrite clusters/ --stage remove --state state.yaml --write\n\n" +
			"stdout has the unified diff, with --write only without -q. Without --write\n" +
			"nothing is changed.\n\n" +
			"Exit codes: 0 every proxy keeps its tracing; 1 a proxy does not or is\n" +
			"unknown, or something cannot be edited; 2 error. docs/gitops.md has the\n" +
			"whole way.",
		Flags:           f.flags(),
		HideHelpCommand: true, // else --help after PATH would list it
		Action:          f.run,
	}
}

func (f *rewriteFlags) flags() []cli.Flag {
	flags := []cli.Flag{
		textFlag("stage", &f.stage, "`STAGE` of the migration: add MeshTraces, or remove what is legacy"),
		boolFlag("write", &f.write, "write the files, all or none (default: print the diff)"),
		boolFlag("force", &f.force, "write even if Git could not restore the files"),
		&cli.StringSliceFlag{
			Name: "kustomize", Aliases: []string{"k"}, Category: inputCategory,
			Usage: "edit only the overlay in `DIR`; may be repeated (default: every kustomization in PATH that no other one lists)",
		},
		stateFlag(), versionFlag(&f.version), acceptFlag(""),
	}
	ofCluster := slices.DeleteFunc(sourceFlags(), func(flag cli.Flag) bool {
		return slices.Contains([]string{"filename", "kustomize"}, flag.Names()[0])
	})
	return slices.Concat(flags, f.conversionFlags.flags(), ofCluster)
}

func (f *rewriteFlags) run(c *cli.Context) error {
	paths, err := f.check(c)
	if err != nil {
		return err
	}
	stderr := stderrPrinter(c)
	tree, err := worktree.Open(paths)
	if err != nil {
		return err
	}
	if f.write {
		if err := tree.Lock(); err != nil {
			return err
		}
		defer tree.Unlock()
	}
	if err := recoverTree(stderr, tree); err != nil {
		return err
	}
	r, err := f.read(c, stderr, tree)
	if err != nil {
		return err
	}
	if err := r.rewrite(); err != nil {
		return err
	}
	found, err := r.verify()
	if err != nil {
		return err
	}
	return r.finish(found)
}

// check returns the paths, or an error for flags that do not go together.
func (f *rewriteFlags) check(c *cli.Context) ([]string, error) {
	paths, err := parseArguments(c)
	switch {
	case err != nil:
		return nil, err
	case len(paths) == 0:
		return nil, errors.New("pass the files or directories to edit, such as: " + c.App.Name + " rewrite clusters/ --stage add")
	case slices.Contains(paths, ""):
		return nil, errors.New("PATH is empty; pass the files or directories to edit")
	case f.stage == "":
		return nil, fmt.Errorf("--stage is required: %s, then, after the MeshTraces are applied, %s", stageAdd, stageRemove)
	case f.stage != stageAdd && f.stage != stageRemove:
		return nil, fmt.Errorf("--stage: %s is neither %s nor %s", typed(f.stage), stageAdd, stageRemove)
	case f.force && !f.write:
		return nil, errors.New("--force needs --write")
	case f.stage == stageRemove && c.IsSet("target-ref"):
		return nil, fmt.Errorf("--target-ref is for --stage %s, which writes MeshTraces", stageAdd)
	}
	if err := f.parse(c, false); err != nil {
		return nil, err
	}
	return paths, checkVersionFlag(f.version)
}

// recoverTree finishes what a killed run began to write.
func recoverTree(stderr *output.Printer, tree *worktree.Tree) error {
	writing.Lock()
	defer writing.Unlock()
	finished, err := tree.Recover()
	if finished {
		stderr.Line("tracemigrate: an earlier run was interrupted while it replaced files; the rest of them is replaced now")
	}
	return err
}
