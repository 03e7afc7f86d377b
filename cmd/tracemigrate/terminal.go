package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"tracemigrate/cmd/tracemigrate/output"
)

// terminalWidth returns the width of the terminal that w writes to, 0 if it is not a
// terminal.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	if own, _, err := term.GetSize(int(f.Fd())); err == nil && own > 0 {
		return own
	}
	return 80
}

// layout returns the width of the terminal that w writes to, 0 if it is not a terminal,
// and whether --color wants colours there.
func layout(c *cli.Context, w io.Writer) (width int, colour bool) {
	width = terminalWidth(w)
	colour = usesColour(colourChoice(c), width > 0)
	if colour {
		text.EnableColors() // the library itself reads NO_COLOR, which --color overrides
	}
	return width, colour
}

// stderrPrinter returns the printer of messages, which --quiet reduces.
func stderrPrinter(c *cli.Context) *output.Printer {
	width, colour := layout(c, c.App.ErrWriter)
	p := output.NewPrinter(c.App.ErrWriter, width, colour)
	if isQuiet(c) {
		return p.Quiet()
	}
	return p
}

// newPrinter returns a printer of the lines that no flag affects.
func newPrinter(w io.Writer) *output.Printer {
	return output.NewPrinter(w, terminalWidth(w), false)
}

// conclude prints the outcome of a run that passed to stderr, because stdout has a form
// without it. A run that fails ends with its reason.
func conclude(c *cli.Context, sentence string) {
	newPrinter(c.App.ErrWriter).Line("%s: %s", c.App.Name, sentence)
}

// answer prints what a command found to stdout in the form that --output selects. It returns
// the exit code of the answer no, or ends like conclude.
func answer[F interface {
	Holds() bool
	Verdict() string
	Outcome() string
}](c *cli.Context, forms output.Forms[func(*output.Printer, F) error], found F) error {
	if err := writeStdout(c, func(out *output.Printer) error { return formOf(c, forms)(out, found) }); err != nil {
		return err
	}
	if !found.Holds() {
		return cli.Exit(found.Verdict(), exitNo)
	}
	if c.String("output") != "text" {
		conclude(c, found.Outcome())
	}
	return nil
}

// writeStdout prints to stdout what fill writes, all of it or, on an error, nothing.
func writeStdout(c *cli.Context, fill func(*output.Printer) error) error {
	var text bytes.Buffer
	width, colour := layout(c, c.App.Writer)
	if err := fill(output.NewTextPrinter(&text, width, colour)); err != nil {
		return err
	}
	if _, err := c.App.Writer.Write(text.Bytes()); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	return nil
}
