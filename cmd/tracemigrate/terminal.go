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

// printerFor returns a printer that wraps and colours text as the terminal of w and
// --color need it.
func printerFor(c *cli.Context, to, w io.Writer) *output.Printer {
	width := terminalWidth(w)
	colour := usesColour(colourChoice(c), width > 0)
	if colour {
		text.EnableColors() // the library itself reads NO_COLOR, which --color overrides
	}
	return output.NewPrinter(to, width, colour)
}

// stderrPrinter returns the printer of messages, which --quiet reduces.
func stderrPrinter(c *cli.Context) *output.Printer {
	p := printerFor(c, c.App.ErrWriter, c.App.ErrWriter)
	if isQuiet(c) {
		return p.Quiet()
	}
	return p
}

// newPrinter returns a printer of the lines that no flag affects.
func newPrinter(w io.Writer) *output.Printer {
	return output.NewPrinter(w, terminalWidth(w), false)
}

// writeStdout prints to stdout what fill writes, all of it or, on an error, nothing.
func writeStdout(c *cli.Context, fill func(*output.Printer) error) error {
	var buffer bytes.Buffer
	if err := fill(printerFor(c, &buffer, c.App.Writer)); err != nil {
		return err
	}
	if _, err := c.App.Writer.Write(buffer.Bytes()); err != nil {
		return fmt.Errorf("writing to stdout: %w", err)
	}
	return nil
}
