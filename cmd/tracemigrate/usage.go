package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
)

// userArgs returns the arguments as the library has to read them. Joined short flags, as users
// of kubectl write them, are split: -ojson becomes -o json, but not a word that is the name of
// a flag. A command with --help anywhere becomes the command's help, whatever is wrong beside it.
func userArgs(app *cli.App, args []string) []string {
	hasValue := make(map[string]bool) // by the name of every flag
	for _, command := range app.Commands {
		for _, flag := range command.Flags {
			for _, name := range flag.Names() {
				hasValue[name] = takesValue(flag)
			}
		}
	}
	var out []string
	var command *cli.Command
	isValue, first := false, true
	for i, arg := range args {
		if arg == "--" {
			return append(out, args[i:]...)
		}
		bare := strings.TrimLeft(arg, "-")
		name, value, joined := strings.Cut(bare, "=")
		if isValue || i == 0 {
			isValue = false
			out = append(out, arg)
			continue
		}
		dashes := len(arg) - len(bare)
		if dashes == 0 && first {
			command, first = app.Command(arg), false
		}
		if dashes > 0 && value != "false" && slices.Contains(cli.HelpFlag.Names(), name) && command != nil && command.Name != "help" {
			return []string{args[0], "help", command.Name}
		}
		isValue = dashes > 0 && !joined && hasValue[name]
		_, isFlag := hasValue[name]
		if dashes == 1 && len(name) > 1 && !isFlag && hasValue[arg[1:2]] {
			out = append(out, arg[:2], arg[2:])
			continue
		}
		out = append(out, arg)
	}
	return out
}

// programName returns the name that users type. kubectl runs a plugin by its file name,
// https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/
func programName(args []string) string {
	if len(args) > 0 && strings.HasPrefix(filepath.Base(args[0]), "kubectl-tracemigrate") {
		return "kubectl tracemigrate"
	}
	return "tracemigrate"
}

// usageError turns a mistake in flags into one line, instead of a page of help.
func usageError(c *cli.Context, err error, _ bool) error {
	if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		return unknownFlag(c, name)
	}
	if name, ok := strings.CutPrefix(err.Error(), "flag needs an argument: -"); ok {
		return fmt.Errorf("flag %s needs a value; see %s --help", dashed(name), commandName(c))
	}
	message := oneDash.ReplaceAllString(err.Error(), "for --$1")
	message = invalidValue.ReplaceAllStringFunc(message, func(quoted string) string {
		value, _ := strconv.Unquote(quoted)
		return typed(value)
	})
	if strings.Contains(message, "for --timeout") {
		message += "; add a unit, such as 30s or 5m"
	}
	return fmt.Errorf("%s; see %s --help", message, commandName(c))
}

// The flag package writes a flag with one dash, and its invalid value in quotes.
var (
	oneDash      = regexp.MustCompile(`for (?:flag )?-([a-z])`)
	invalidValue = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// unknownFlag returns the error for a flag that the command does not have.
func unknownFlag(c *cli.Context, name string) error {
	name = strings.TrimLeft(name, "-")
	hint := ""
	if c.Command != nil {
		var names []string
		for _, flag := range c.Command.Flags {
			names = append(names, flag.Names()...)
		}
		if similar := closest(name, names); len(similar) > 1 {
			hint = " (did you mean " + dashed(similar) + "?)"
		}
	}
	shown, _ := strconv.Unquote(typed(name))
	return fmt.Errorf("unknown flag %s%s; see %s --help", dashed(shown), hint, commandName(c))
}

// dashed returns the name of a flag as users write it.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// commandName returns the name of the program and of its subcommand.
func commandName(c *cli.Context) string {
	if c.Command == nil || c.Command.Name == "" || c.Command.Name == c.App.Name {
		return c.App.Name
	}
	return c.App.Name + " " + c.Command.Name
}

func unknownCommand(app *cli.App, name string) error {
	names := lists.Each(app.Commands, func(command *cli.Command) string { return command.Name })
	hint := ""
	if similar := closest(name, names); similar != "" {
		hint = fmt.Sprintf(" (did you mean %q?)", similar)
	}
	return fmt.Errorf("unknown command %s%s; see %s --help", typed(name), hint, app.Name)
}

// closest returns the name that is most similar to a misspelt one, or the first that begins
// with it, and an empty text if there is none.
func closest(misspelt string, names []string) string {
	if similar := manifest.Closest(misspelt, names); similar != "" || len(misspelt) < len("web") {
		return similar
	}
	names = slices.Sorted(slices.Values(names))
	if i := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(name, misspelt) }); i >= 0 {
		return names[i]
	}
	return ""
}

// noArguments is the ArgsUsage of a command that takes no arguments; the library replaces an
// empty one.
const noArguments = " "

// withoutArguments returns an action that refuses arguments.
func withoutArguments(action cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		if !c.Args().Present() {
			return action(c)
		}
		advice := "pass files with -f"
		if flagNamed(c.Command.Flags, "filename") == nil {
			advice = "see " + commandName(c) + " --help"
		}
		return fmt.Errorf("unexpected argument %s; %s", typed(c.Args().First()), advice)
	}
}

// parseArgument is parseArguments for a command that takes at most one.
func parseArgument(c *cli.Context) ([]string, error) {
	args, err := parseArguments(c)
	if err == nil && len(args) > 1 {
		err = fmt.Errorf("unexpected argument %s; see %s --help", typed(args[1]), commandName(c))
	}
	return args, err
}

// parseArguments returns the arguments, and sets the flags that follow the first one. The
// flag package stops at the first argument; kubectl does not.
func parseArguments(c *cli.Context) ([]string, error) {
	var args []string
	rest := c.Args().Slice()
	if len(rest) > 0 && strings.HasPrefix(rest[0], "-") && rest[0] != "-" {
		return rest, checkFlagValues(c) // after --, which the flag package removed
	}
	for len(rest) > 0 {
		if rest[0] == "--" {
			args = append(args, rest[1:]...)
			break
		}
		if !strings.HasPrefix(rest[0], "-") || rest[0] == "-" {
			args, rest = append(args, rest[0]), rest[1:]
			continue
		}
		name, value, joined := strings.Cut(strings.TrimLeft(rest[0], "-"), "=")
		flag := flagNamed(c.Command.Flags, name)
		if flag == nil {
			return nil, unknownFlag(c, rest[0])
		}
		rest = rest[1:]
		if !joined && !takesValue(flag) {
			value, joined = "true", true
		}
		if !joined {
			if len(rest) == 0 || strings.HasPrefix(rest[0], "-") && rest[0] != "-" {
				return nil, fmt.Errorf("flag %s needs a value; see %s --help", dashed(name), commandName(c))
			}
			value, rest = rest[0], rest[1:]
		}
		if err := c.Set(flag.Names()[0], value); err != nil {
			return nil, usageError(c, fmt.Errorf("invalid value %q for flag -%s: %w", value, name, err), true)
		}
	}
	return args, checkFlagValues(c)
}

// flagNamed returns the flag with a name, or nil.
func flagNamed(flags []cli.Flag, name string) cli.Flag {
	for _, flag := range flags {
		if slices.Contains(flag.Names(), name) {
			return flag
		}
	}
	return nil
}
