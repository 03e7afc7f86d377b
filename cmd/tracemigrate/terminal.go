package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"tracemigrate/cmd/tracemigrate/output"
)

// terminal returns the width of the terminal that w writes to, 0 if it is not a terminal,
// and whether to use colours.
func terminal(w io.Writer) (width int, colour bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width = 80
	if own, _, err := term.GetSize(int(f.Fd())); err == nil && own > 0 {
		width = own
	}
	return width, os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// newPrinter returns a printer that wraps and colours text for the terminal of w.
func newPrinter(w io.Writer) *output.Printer {
	width, colour := terminal(w)
	return output.NewPrinter(w, width, colour)
}

// conclude prints the outcome of a run that passed to stderr, because stdout has a form
// without it. A run that fails ends with its reason.
func conclude(c *cli.Context, sentence string) {
	newPrinter(c.App.ErrWriter).Line("%s: %s", c.App.Name, sentence)
}

// writeStdout prints to stdout what fill writes, all of it or, on an error, nothing.
func writeStdout(c *cli.Context, fill func(*output.Printer) error) error {
	var text bytes.Buffer
	width, colour := terminal(c.App.Writer)
	if err := fill(output.NewTextPrinter(&text, width, colour)); err != nil {
		return err
	}
	if _, err := c.App.Writer.Write(text.Bytes()); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	return nil
}
