// Command tracemigrate moves tracing from Kuma's legacy policies, TrafficTrace
// and Mesh.tracing, to MeshTrace. This package reads flags and input and calls
// package convert; package output prints: manifests on stdout, words on stderr.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
)

// The exit codes of every command.
const (
	exitNo    = 1 // the answer is no: something could not be carried over
	exitError = 2 // wrong usage, wrong input, or a failing disk
)

func main() {
	leanMemory()
	endBySignal()
	os.Exit(run(context.Background(), os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// endBySignal lets Ctrl-C end the program at once.
func endBySignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		caught := <-signals
		signal.Reset() // a second one ends it whatever it does
		writing.Lock() // what is half written is finished or taken back first
		newPrinter(os.Stderr).Clear()
		_, _ = fmt.Fprintln(os.Stderr, "tracemigrate: interrupted")
		// The signal itself ends the process: a shell expects that, and ends its loops.
		if self, err := os.FindProcess(os.Getpid()); err == nil && self.Signal(caught) == nil {
			time.Sleep(time.Second)
		}
		os.Exit(exitError)
	}()
}

// writing is locked while files are written.
var writing sync.Mutex

// leanMemory trades a little time for a third of the memory: decoded input is
// garbage. The environment variable GOGC has precedence.
func leanMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(40)
	}
}

// run is main with everything it touches as arguments. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	app := &cli.App{
		Name:  programName(args),
		Usage: "move tracing of Kuma and Kong Mesh from TrafficTrace to MeshTrace",
		Description: "Reads Mesh.tracing and TrafficTraces from files, from Kubernetes or from a\n" +
			"control plane's API, and writes MeshTraces after which every proxy sends the\n" +
			"same traces to the same place at the same rate, or says which does not and why.\n" +
			"Manifests go to stdout, words to stderr.\n\n" +
			"Exit codes: 0 done; 1 something could not be carried over; 2 error in usage,\n" +
			"input or output.",
		Commands:                  []*cli.Command{convertCommand(), diffCommand(), explainCommand(), reportCommand(), snapshotCommand(), versionCommand()},
		Reader:                    stdin,
		Writer:                    stdout,
		ErrWriter:                 stderr,
		HideVersion:               true,
		Suggest:                   true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              usage,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return cli.ShowAppHelp(c)
		},
	}
	for _, command := range app.Commands {
		command.OnUsageError = usage
		command.Description = strings.ReplaceAll(command.Description, "   tracemigrate ", "   "+app.Name+" ")
	}
	width, _ := terminal(stdout)
	defer helpAt(width)()
	if len(args) == 2 && (args[1] == "--version" || args[1] == "-v") {
		args = []string{args[0], "version"}
	}
	err := app.RunContext(ctx, splitShortFlags(app, args))
	if err == nil {
		return 0
	}
	var code cli.ExitCoder
	if !errors.As(err, &code) || code.ExitCode() != exitNo {
		code = cli.Exit(err.Error(), exitError) // the library has codes of its own
	}
	if message := err.Error(); message != "" {
		newPrinter(stderr).Paragraphs("tracemigrate: " + message)
	}
	return code.ExitCode()
}
