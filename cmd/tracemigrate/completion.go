package main

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// completeCommand is the hidden command that the scripts of shells call:
// tracemigrate __complete SHELL WORD..., where the last word is incomplete.
const completeCommand = "__complete"

//go:embed shell
var shellScripts embed.FS

// shellFiles has the extension of the script of each shell.
var shellFiles = map[string]string{"bash": "bash", "zsh": "zsh", "fish": "fish", "powershell": "ps1"}

// shells are the shells with a script.
var shells = []string{"bash", "zsh", "fish", "powershell"}

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the completion script of a shell",
		ArgsUsage: "bash|zsh|fish|powershell",
		Description: "Completes commands, options and their values: contexts of the kubeconfig,\n" +
			"control planes of kumactl, and meshes and proxies of the files of -f. It\n" +
			"reads local files only.\n\n" +
			"   source <(tracemigrate completion bash)      # in ~/.bashrc\n" +
			"   source <(tracemigrate completion zsh)       # in ~/.zshrc\n" +
			"   tracemigrate completion fish | source       # in config.fish\n" +
			"   tracemigrate completion powershell | Out-String | Invoke-Expression",
		HideHelpCommand: true,
		Action:          printCompletion,
	}
}

func printCompletion(c *cli.Context) error {
	args, err := parseArgument(c)
	switch {
	case err != nil:
		return err
	case len(args) == 0:
		return fmt.Errorf("completion needs the name of a shell: %s", strings.Join(shells, ", "))
	case !slices.Contains(shells, args[0]):
		return fmt.Errorf("%s is not a shell with a script; choose one of %s", typed(args[0]), strings.Join(shells, ", "))
	}
	script, err := shellScripts.ReadFile("shell/tracemigrate." + shellFiles[args[0]])
	if err != nil {
		return err
	}
	_, err = c.App.Writer.Write(script)
	return err
}
