package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

func manCommand() *cli.Command {
	return &cli.Command{
		Name:      "man",
		Usage:     "print the manual page, for man -l",
		ArgsUsage: noArguments,
		Action: func(c *cli.Context) error {
			_, err := c.App.Writer.Write([]byte(manPage(newApp("tracemigrate"), release(), date)))
			return err
		},
	}
}

// manual is a page in the language of man, mdoc's older sister; see man(7).
type manual struct{ strings.Builder }

// manPage returns the manual page of a program.
func manPage(app *cli.App, version, date string) string {
	var m manual
	day, _, _ := strings.Cut(date, "T")
	m.line(`.TH %s 1 %q %q`, strings.ToUpper(app.Name), day, app.Name+" "+version)
	m.line(".SH NAME")
	m.line("%s", manText(app.Name+" - "+app.Usage))
	m.line(".SH SYNOPSIS")
	m.line(`.B %s`, app.Name)
	m.line(`.I COMMAND`)
	m.line(`[options]`)
	m.line(".SH DESCRIPTION")
	m.paragraphs(app.Description)
	m.line(".SH COMMANDS")
	for _, command := range app.Commands {
		m.command(app, command)
	}
	m.line(".SH SHARED OPTIONS")
	m.filled("The commands " + strings.Join(sourceCommands(app), ", ") + " have these options.")
	for _, category := range []string{inputCategory, kubernetesCategory, restCategory} {
		m.line(".SS %s", manText(category))
		m.flags(flagsOf(sourceFlags(), category))
	}
	m.line(".SS %s, of all commands", messagesCategory)
	m.flags(append(messageFlags(), cli.HelpFlag))
	m.ending()
	return m.String()
}

// command adds a command and its own flags.
func (m *manual) command(app *cli.App, command *cli.Command) {
	arguments := strings.TrimRight(" [options] "+strings.TrimSpace(command.ArgsUsage), " ")
	m.line(".SS %s", manText(app.Name+" "+command.Name+arguments))
	m.line("%s.", manText(upperFirst(command.Usage)))
	if command.Description != "" {
		m.line(".PP")
		m.paragraphs(command.Description)
	}
	shared := append(append(sourceFlags(), messageFlags()...), cli.HelpFlag) // which are described once
	listed, _ := splitFlags(command.Flags)
	m.flags(slices.DeleteFunc(listed, func(flag cli.Flag) bool { return flagNamed(shared, flag.Names()[0]) != nil }))
}

// flags adds a list of flags.
func (m *manual) flags(flags []cli.Flag) {
	for _, flag := range flags {
		doc := docOf(flag)
		m.line(".TP")
		names := `\fB\-\-` + manText(doc.Long) + `\fR`
		if doc.Short != "" {
			names = `\fB\-` + manText(doc.Short) + `\fR, ` + names
		}
		if doc.Value != "" {
			names += ` \fI` + manText(doc.Value) + `\fR`
		}
		m.line("%s", names)
		m.filled(doc.Text)
	}
}

// filled adds text in short lines, which the reader's program fills.
func (m *manual) filled(text string) {
	m.line("%s", manText(strings.Join(wrapWords(text, 70), "\n")))
}

// paragraphs adds a description; lines that begin with spaces are an example.
func (m *manual) paragraphs(text string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			m.line(".PP")
		}
		if !strings.HasPrefix(paragraph, " ") {
			m.line("%s", manText(paragraph))
			continue
		}
		m.line(".nf")
		for line := range strings.Lines(paragraph) {
			m.line("%s", manText(strings.TrimRight(line, "\n")))
		}
		m.line(".fi")
	}
}

// ending adds the sections that no command has.
func (m *manual) ending() {
	m.line(".SH EXIT STATUS")
	m.terms([][2]string{
		{"0", "Done."},
		{"1", "The answer is no: something cannot be carried over, or a proxy is different or unknown."},
		{"2", "Error in usage, input or output."},
	})
	m.line(".SH ENVIRONMENT")
	m.terms([][2]string{
		{tokenVariable, "The user token, as --token."},
		{"KUBECONFIG", "The kubeconfig, as --kubeconfig."},
		{"NO_COLOR", "Without colours, if it is not empty."},
		{"CLICOLOR_FORCE", "With colours, also if the output is not a terminal, unless it is empty or 0."},
		{"CLICOLOR", "Without colours, if it is 0."},
	})
	m.line(".SH FILES")
	m.line(".TP\n.I ~/.kube/config\nThe default kubeconfig.")
	m.line(".TP\n.I ~/.kumactl/config\nThe control planes that --control-plane takes by name.")
	m.line(".SH SEE ALSO")
	m.line(".BR kubectl (1),\n.BR kumactl (1)")
}

// terms adds terms and what they mean.
func (m *manual) terms(rows [][2]string) {
	for _, row := range rows {
		m.line(".TP\n.B %s", row[0])
		m.filled(row[1])
	}
}

func (m *manual) line(format string, args ...any) { _, _ = fmt.Fprintf(m, format+"\n", args...) }

// manText escapes what the language of man reads as commands.
func manText(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

func upperFirst(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
