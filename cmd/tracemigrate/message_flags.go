package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// messagesCategory is the category of the flags that every command has.
const messagesCategory = "Messages"

// The values of --color.
const (
	colourAuto   = "auto"
	colourAlways = "always"
	colourNever  = "never"
)

var colourChoices = []string{colourAuto, colourAlways, colourNever}

// messageFlags returns the flags of every command, which also precede a command.
func messageFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{
			Name: "quiet", Aliases: []string{"q"}, Category: messagesCategory, DisableDefaultText: true,
			Usage: "print to stderr only errors, what could not be read, and the verdict",
		},
		&cli.StringFlag{
			Name: "color", Category: messagesCategory, Value: colourAuto,
			Usage: "`WHEN` to use colours: auto, always or never; overrides NO_COLOR and CLICOLOR_FORCE",
		},
	}
}

// checkMessageFlags returns an error for a value of --color that does not exist.
func checkMessageFlags(c *cli.Context) error {
	if choice := colourChoice(c); !slices.Contains(colourChoices, choice) {
		return fmt.Errorf("--color: %s is none of %s", typed(choice), strings.Join(colourChoices, ", "))
	}
	return nil
}

// checkFlagValues returns an error for a value that no command accepts.
func checkFlagValues(c *cli.Context) error {
	for _, flag := range c.Command.Flags {
		doc := docOf(flag)
		if !slices.Contains([]string{"FILE", "DIR", "PATH"}, doc.Value) || !c.IsSet(doc.Long) {
			continue
		}
		empty := c.String(doc.Long) == ""
		if isRepeatable(flag) {
			empty = slices.Contains(c.StringSlice(doc.Long), "")
		}
		if empty { // such as "$DIR", where the variable is not set
			return fmt.Errorf("--%s is empty; pass a %s, or omit the flag", doc.Long, doc.Value)
		}
	}
	if err := checkForm(c); err != nil {
		return err
	}
	return checkMessageFlags(c)
}

// isQuiet reports whether --quiet is set, before or after the command.
func isQuiet(c *cli.Context) bool {
	return slices.ContainsFunc(c.Lineage(), func(of *cli.Context) bool { return of.Bool("quiet") })
}

// colourChoice returns the value of --color; the one after the command overrides the one
// before it.
func colourChoice(c *cli.Context) string {
	for _, of := range c.Lineage() {
		if of.IsSet("color") {
			return of.String("color")
		}
	}
	return colourAuto
}

// usesColour reports whether to colour text, https://no-color.org and
// https://bixense.com/clicolors
func usesColour(choice string, terminal bool) bool {
	forced := os.Getenv("CLICOLOR_FORCE")
	switch {
	case choice != colourAuto:
		return choice == colourAlways
	case os.Getenv("NO_COLOR") != "":
		return false
	case forced != "" && forced != "0":
		return true
	}
	return terminal && os.Getenv("TERM") != "dumb" && os.Getenv("CLICOLOR") != "0"
}
