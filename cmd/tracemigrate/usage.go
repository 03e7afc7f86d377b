package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
)

// helpAt wraps the help at the width of a terminal until restore is called. The
// library has one printer of help, which does not wrap flags.
func helpAt(width int) (restore func()) {
	before := cli.HelpPrinter
	if width > 0 {
		cli.HelpPrinter = func(w io.Writer, template string, data any) {
			var page bytes.Buffer
			before(&page, template, data)
			for line := range strings.Lines(page.String()) {
				_, _ = fmt.Fprintln(w, hanging(strings.TrimRight(line, " \n"), width)) // help has nobody to complain to
			}
		}
	}
	return func() { cli.HelpPrinter = before }
}

var lastColumn = regexp.MustCompile(`^(.*\S {2,})(\S.*)$`)

// hanging wraps a help line and aligns continuations with its last column. Where that
// leaves too little room, the last column starts on a line of its own.
func hanging(line string, width int) string {
	m := lastColumn.FindStringSubmatch(line)
	if len(line) <= width || m == nil {
		return line
	}
	indent, begin := len(m[1]), m[1]
	if indent > width/2 {
		indent = 10
		begin = strings.TrimRight(m[1], " ") + "\n" + strings.Repeat(" ", indent)
	}
	lines := strings.Split(text.WrapSoft(m[2], width-indent), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ") // which the library leaves
	}
	return begin + strings.Join(lines, "\n"+strings.Repeat(" ", indent))
}

// splitShortFlags splits joined short flags, as users of kubectl write them:
// -ojson becomes -o json. It does not split a word that is the name of a flag.
func splitShortFlags(app *cli.App, args []string) []string {
	takesValue := make(map[string]bool) // by name; a flag that takes none has an entry, too
	for _, command := range app.Commands {
		for _, flag := range command.Flags {
			_, isBool := flag.(*cli.BoolFlag)
			for _, name := range flag.Names() {
				takesValue[name] = !isBool
			}
		}
	}
	var out []string
	isValue := false
	for i, arg := range args {
		if arg == "--" {
			return append(out, args[i:]...)
		}
		name, _, joined := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if isValue {
			isValue = false
			out = append(out, arg)
			continue
		}
		isValue = strings.HasPrefix(arg, "-") && !joined && takesValue[name]
		_, isFlag := takesValue[name]
		if i > 0 && len(name) > 1 && !isFlag && arg[0] == '-' && arg[1] != '-' && takesValue[arg[1:2]] {
			out = append(out, arg[:2], arg[2:])
			continue
		}
		out = append(out, arg)
	}
	return out
}

// programName returns how the user calls the tool: kubectl runs a plugin by its
// file's name, https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/
func programName(args []string) string {
	if len(args) > 0 && strings.HasPrefix(filepath.Base(args[0]), "kubectl-tracemigrate") {
		return "kubectl tracemigrate"
	}
	return "tracemigrate"
}

// usage turns a mistake in flags into one line, instead of a page of help.
func usage(c *cli.Context, err error, _ bool) error {
	command := c.App.Name
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != command {
		command += " " + c.Command.Name
	}
	if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		name = strings.TrimLeft(name, "-")
		dashes, hint := "--", ""
		if len(name) == 1 {
			dashes = "-"
		}
		if similar := similarFlag(c, name); len(similar) > 1 {
			hint = "; did you mean --" + similar + "?"
		}
		return fmt.Errorf("unknown flag %s%s%s; see %s --help", dashes, name, hint, command)
	}
	message := oneDash.ReplaceAllString(err.Error(), "flag --$1")
	if strings.Contains(message, "flag --timeout") {
		message += "; write it with its unit, like 30s or 5m"
	}
	return fmt.Errorf("%s; see %s --help", message, command)
}

// oneDash matches a flag as the flag package writes it.
var oneDash = regexp.MustCompile(`flag -([a-z])`)

// similarFlag returns the command's flag that is most similar to name, empty for none.
func similarFlag(c *cli.Context, name string) string {
	if c.Command == nil {
		return ""
	}
	best, similarity := "", 0.8
	for _, flag := range c.Command.Flags {
		for _, known := range flag.Names() {
			if s := smetrics.JaroWinkler(known, name, 0.7, 4); s > similarity {
				best, similarity = known, s
			}
		}
	}
	return best
}

func unknownCommand(c *cli.Context) error {
	name := c.Args().First()
	hint := ""
	if similar := cli.SuggestCommand(c.App.Commands, name); strings.Contains(similar, `"`+name[:1]) {
		hint = "; " + strings.ToLower(similar[:1]) + similar[1:] // the library starts it with "Did you mean"
	}
	return fmt.Errorf("unknown command %q%s", name, hint)
}

// unexpected returns the error for an argument that is not a flag.
func unexpected(c *cli.Context) error {
	return fmt.Errorf("unexpected argument %q; files are given with -f", c.Args().First())
}

// proxyName returns the one argument of explain, and sets the flags that follow it as
// kubectl allows; the flag package stops at the first argument.
func proxyName(c *cli.Context) (string, error) {
	args := c.Args().Slice()
	if len(args) == 0 {
		return "", errors.New("which proxy? give the name of a Dataplane")
	}
	rest := args[1:]
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		name, value, joined := strings.Cut(strings.TrimLeft(rest[0], "-"), "=")
		flag := flagOf(c, name)
		if flag == nil {
			break
		}
		rest = rest[1:]
		if _, isBool := flag.(*cli.BoolFlag); isBool && !joined {
			value, joined = "true", true
		}
		if !joined {
			if len(rest) == 0 || strings.HasPrefix(rest[0], "-") && rest[0] != "-" {
				return "", fmt.Errorf("flag --%s needs a value", flag.Names()[0])
			}
			value, rest = rest[0], rest[1:]
		}
		if err := c.Set(flag.Names()[0], value); err != nil {
			return "", fmt.Errorf("flag --%s: %w", flag.Names()[0], err)
		}
	}
	if len(rest) > 0 && strings.HasPrefix(rest[0], "-") && rest[0] != "-" {
		return "", fmt.Errorf("unknown flag %s; see tracemigrate explain --help", rest[0])
	}
	if len(rest) > 0 {
		return "", fmt.Errorf("unexpected argument %q; see tracemigrate explain --help", rest[0])
	}
	return args[0], nil
}

// flagOf returns the command's flag of a name, nil when it has none.
func flagOf(c *cli.Context, name string) cli.Flag {
	for _, flag := range c.Command.Flags {
		if slices.Contains(flag.Names(), name) {
			return flag
		}
	}
	return nil
}
