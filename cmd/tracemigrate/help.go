package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tracemigrate/cluster/lists"

	"github.com/urfave/cli/v2"
)

// The layout of help.
const (
	helpWidth   = 80
	helpIndent  = 3
	namesColumn = 26 // longer names of flags have a line of their own
)

// Help lists the flags that users need most first, then those of the command alone in the
// order of its code, then those of every command.
var (
	firstFlags = []string{
		"filename", "kustomize", "output", "output-dir", "stage", "write", "plan", "step", "to", "mesh", "control-plane", "context",
		"kuma-version", "namespace",
	}
	lastFlags = []string{"quiet", "color", "help"}
)

// configureHelp makes the library print the help of this file until restore is called. Its
// own does not wrap words, sorts flags by name, and repeats the flags of every source. The
// library has no error for help; failed has that of writing.
func configureHelp(app *cli.App, width int, failed *error) (restore func()) {
	printer := cli.HelpPrinter
	cli.HelpPrinter = func(w io.Writer, _ string, data any) {
		page := newHelpPage(width)
		if command, ok := data.(*cli.Command); ok {
			page.command(app, command)
		} else {
			page.app(app)
		}
		if _, err := io.WriteString(w, page.String()); err != nil {
			*failed = fmt.Errorf("writing to stdout: %w", err)
		}
	}
	return func() { cli.HelpPrinter = printer }
}

// helpPage is a page of help.
type helpPage struct {
	strings.Builder
	width int
}

// newHelpPage returns a page for a terminal of a width, 0 for none.
func newHelpPage(width int) *helpPage {
	if width == 0 {
		width = helpWidth
	}
	return &helpPage{width: max(40, min(width, helpWidth))}
}

// app adds the help of the program.
func (p *helpPage) app(app *cli.App) {
	p.section("NAME")
	p.paragraph(app.Name + " - " + app.Usage)
	p.section("USAGE")
	p.paragraph(app.Name + " COMMAND [options]")
	p.section("DESCRIPTION")
	p.text(app.Description)
	p.section("COMMANDS")
	p.rows(lists.Each(app.VisibleCommands(), func(command *cli.Command) [2]string { return [2]string{command.Name, command.Usage} }))
	p.section("OPTIONS")
	p.rows(flagRows(app.Flags))
	p.paragraph("")
	p.paragraph(fmt.Sprintf("Use %q for the options of a command, and %q for those that the commands share.",
		app.Name+" COMMAND --help", app.Name+" options"))
}

// helpCommand replaces the library's, which ignores all arguments but the first, and prints a
// mistake in flags as a page.
func helpCommand() *cli.Command {
	return &cli.Command{
		Name: "help", Aliases: []string{"h"}, Usage: "show the help of a command", ArgsUsage: "[COMMAND]", HideHelpCommand: true,
		Action: func(c *cli.Context) error {
			args, err := parseArgument(c)
			switch {
			case err != nil:
				return err
			case len(args) == 0:
				return cli.ShowAppHelp(c)
			case c.App.Command(args[0]) == nil:
				return unknownCommand(c.App, args[0])
			}
			return cli.ShowCommandHelp(c, args[0])
		},
	}
}

// command adds the help of a command.
func (p *helpPage) command(app *cli.App, command *cli.Command) {
	name := app.Name + " " + command.Name
	p.section("NAME")
	p.paragraph(name + " - " + command.Usage)
	p.section("USAGE")
	p.paragraph(strings.TrimRight(name+" [options] "+strings.TrimSpace(command.ArgsUsage), " "))
	if command.Description != "" {
		p.section("DESCRIPTION")
		p.text(command.Description)
	}
	own, others := splitFlags(command.Flags)
	p.section("OPTIONS")
	p.rows(flagRows(own))
	if others {
		p.paragraph("")
		p.paragraph(fmt.Sprintf("Use %q for the other options of a source: connection, TLS, limits, zones.", app.Name+" options"))
	}
}

// splitFlags returns the flags that a command's help lists, in their order, and reports
// whether the command has others, which are on the page of shared ones.
func splitFlags(flags []cli.Flag) (listed []cli.Flag, others bool) {
	shared := sourceFlags()
	for _, flag := range flags {
		if name := flag.Names()[0]; !slices.Contains(firstFlags, name) && flagNamed(shared, name) != nil {
			others = true
			continue
		}
		listed = append(listed, flag)
	}
	return ranked(listed), others
}

// ranked returns flags in the order of help.
func ranked(flags []cli.Flag) []cli.Flag {
	flags = slices.Clone(flags)
	slices.SortStableFunc(flags, func(a, b cli.Flag) int { return flagRank(a) - flagRank(b) })
	return flags
}

// flagRank returns the place of a flag in help; flags of a command alone have the same.
func flagRank(flag cli.Flag) int {
	name := flag.Names()[0]
	if i := slices.Index(firstFlags, name); i >= 0 {
		return i
	}
	return len(firstFlags) + 1 + slices.Index(lastFlags, name)
}

// section begins a section.
func (p *helpPage) section(title string) {
	if p.Len() > 0 {
		p.WriteString("\n")
	}
	p.WriteString(title + ":\n")
}

// text adds text that is already broken into lines.
func (p *helpPage) text(text string) {
	for line := range strings.Lines(text) {
		p.WriteString(strings.TrimRight(strings.Repeat(" ", helpIndent)+line, " \n") + "\n")
	}
}

// paragraph adds a paragraph.
func (p *helpPage) paragraph(text string) {
	p.text(strings.Join(wrapWords(text, p.width-helpIndent), "\n"))
}

// rows adds names and what they mean, in two columns.
func (p *helpPage) rows(rows [][2]string) {
	column := 0
	for _, row := range rows {
		if len(row[0]) <= min(namesColumn, p.width/3) {
			column = max(column, len(row[0]))
		}
	}
	column += helpIndent + 2
	for _, row := range rows {
		begin := strings.Repeat(" ", helpIndent) + row[0]
		if len(begin)+2 > column {
			p.WriteString(begin + "\n")
			begin = ""
		}
		for _, line := range wrapWords(row[1], p.width-column) {
			p.WriteString(begin + strings.Repeat(" ", column-len(begin)) + line + "\n")
			begin = ""
		}
	}
}

// wrapWords breaks text into lines between words; a word that is longer than a line stays
// whole.
func wrapWords(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}
