package main

import (
	"slices"
	"strings"

	"tracemigrate/cluster/lists"

	"github.com/urfave/cli/v2"
)

// flagDoc is what help, the man page and completions show about a flag.
type flagDoc struct {
	Short, Long string // without dashes; Short may be empty
	Value       string // the placeholder, empty for a flag without a value
	Text        string // what the flag does, with its default and variables
}

// docOf returns what is shown about a flag.
func docOf(flag cli.Flag) flagDoc {
	var doc flagDoc
	for _, name := range flag.Names() {
		if len(name) == 1 {
			doc.Short = name
		} else {
			doc.Long = name
		}
	}
	about, ok := flag.(cli.DocGenerationFlag)
	if !ok {
		return doc
	}
	doc.Text = about.GetUsage()
	if begin, rest, found := strings.Cut(doc.Text, "`"); found {
		value, end, _ := strings.Cut(rest, "`")
		doc.Value, doc.Text = value, begin+value+end
	}
	if standard := strings.Trim(about.GetDefaultText(), `"`); about.TakesValue() && standard != "" {
		doc.Text += " (default: " + standard + ")"
	}
	for _, variable := range about.GetEnvVars() {
		doc.Text += " [$" + variable + "]"
	}
	return doc
}

// names returns the flag as help writes it: "-f, --filename FILE".
func (d *flagDoc) names() string {
	names := "    --" + d.Long
	if d.Short != "" {
		names = "-" + d.Short + ", --" + d.Long
	}
	if d.Value != "" {
		names += " " + d.Value
	}
	return names
}

// flagRows returns the rows of help about flags.
func flagRows(flags []cli.Flag) [][2]string {
	return lists.Each(flags, func(flag cli.Flag) [2]string {
		doc := docOf(flag)
		return [2]string{doc.names(), doc.Text}
	})
}

func optionsCommand() *cli.Command {
	return &cli.Command{
		Name:      "options",
		Usage:     "list the options that the commands share",
		ArgsUsage: noArguments,
		Action: func(c *cli.Context) error {
			page := newHelpPage(terminalWidth(c.App.Writer))
			page.shared(c.App)
			_, err := c.App.Writer.Write([]byte(page.String()))
			return err
		},
	}
}

// shared adds the options of every command that reads a source, and of all commands.
func (p *helpPage) shared(app *cli.App) {
	p.WriteString(strings.Join(wrapWords("These options select what a command reads. The following commands have all of them: "+
		strings.Join(sourceCommands(app), ", ")+". Others have those in their own help.", p.width), "\n") + "\n")
	for _, category := range []string{inputCategory, kubernetesCategory, restCategory} {
		p.section(category)
		p.rows(flagRows(flagsOf(sourceFlags(), category)))
	}
	p.section(messagesCategory + ", of all commands")
	p.rows(flagRows(messageFlags()))
}

// flagsOf returns the flags of a category, those that users need most first.
func flagsOf(flags []cli.Flag, category string) []cli.Flag {
	var found []cli.Flag
	for _, flag := range flags {
		if in, ok := flag.(cli.CategorizableFlag); ok && in.GetCategory() == category {
			found = append(found, flag)
		}
	}
	return ranked(found)
}

// sourceCommands returns the names of the commands that have all flags of a source.
func sourceCommands(app *cli.App) []string {
	var names []string
	for _, command := range app.Commands {
		lacks := func(flag cli.Flag) bool { return flagNamed(command.Flags, flag.Names()[0]) == nil }
		if !slices.ContainsFunc(sourceFlags(), lacks) {
			names = append(names, command.Name)
		}
	}
	return names
}
