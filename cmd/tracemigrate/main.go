// Command tracemigrate migrates tracing from Kuma's legacy policies, TrafficTrace and
// Mesh.tracing, to MeshTrace. This package reads flags and input, and calls package
// convert. Package output prints manifests to stdout and messages to stderr.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
)

// The exit codes of every command.
const (
	exitNo    = 1 // the answer is no: a proxy changes, or something cannot be carried over
	exitError = 2 // an error in usage, input or output
)

func main() {
	collectEarly()
	exitOnSignal()
	os.Exit(run(context.Background(), os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// exitOnSignal ends the program on Ctrl-C, but completes or undoes a write first.
func exitOnSignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	if !signal.Ignored(os.Interrupt) { // as in a background job of a script, which Ctrl-C must not end
		signal.Notify(signals, os.Interrupt)
	}
	stderr := os.Stderr // which package overlay replaces
	go func() {
		caught := <-signals
		signal.Reset() // a second signal ends the program at once
		writing.Lock() // waits until files are written or restored
		newPrinter(stderr).Clear()
		_, _ = fmt.Fprintln(stderr, "tracemigrate: interrupted")
		// The signal itself ends the process, because a shell then also ends its loops.
		if self, err := os.FindProcess(os.Getpid()); err == nil && self.Signal(caught) == nil {
			time.Sleep(time.Second)
		}
		os.Exit(exitError)
	}()
}

// writing is locked while files are written.
var writing sync.Mutex

// collectEarly makes the garbage collector run more often from its first run on, which saves
// a third of the memory: most decoded input is garbage. That first run comes when the heap has
// 16 MB, because before, collecting takes longer than it saves. The environment variable GOGC
// overrides both.
func collectEarly() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(400)
	garbage := new(*int) // with a pointer, because one without may share its memory and stay
	runtime.AddCleanup(garbage, func(percent int) { debug.SetGCPercent(percent) }, 35)
}

// run is main with its inputs and outputs as arguments. It returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	app := newApp(programName(args))
	app.Reader, app.Writer, app.ErrWriter = stdin, stdout, stderr
	if len(args) > 1 && args[1] == completeCommand {
		completeLine(ctx, app, args[2:])
		return 0
	}
	var failed error
	app.CommandNotFound = func(c *cli.Context, name string) { failed = unknownCommand(c.App, name) }
	defer configureHelp(app, terminalWidth(stdout), &failed)()
	if len(args) == 2 && (args[1] == "--version" || args[1] == "-v") {
		args = []string{args[0], "version"}
	}
	err := app.RunContext(ctx, userArgs(app, args))
	if err == nil {
		err = failed
	}
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

// newApp returns the program with all its commands.
func newApp(name string) *cli.App {
	app := &cli.App{
		Name:  name,
		Usage: "migrate tracing of Kuma and Kong Mesh to MeshTrace",
		Description: "Reads TrafficTraces and Mesh.tracing from files, a Kubernetes cluster or a\n" +
			"control plane's API, and writes equivalent MeshTraces: every proxy sends the\n" +
			"same traces to the same place at the same rate. If that is not possible, it\n" +
			"reports which proxies change and why. Manifests go to stdout, messages to\n" +
			"stderr.\n\n" +
			"Exit codes: 0 done; 1 the answer is no: something cannot be carried over, or\n" +
			"a proxy is different or unknown; 2 error in usage, input or output.",
		Commands: []*cli.Command{
			convertCommand(), diffCommand(), explainCommand(), reportCommand(), planCommand(), verifyCommand(), rewriteCommand(),
			snapshotCommand(), upgradeCheckCommand(), optionsCommand(), completionCommand(), manCommand(), versionCommand(), helpCommand(),
		},
		Flags:                     append(messageFlags(), cli.HelpFlag), // the library adds it only with its own command help
		HideVersion:               true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              usageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c.App, c.Args().First())
			}
			if err := checkMessageFlags(c); err != nil {
				return err
			}
			return cli.ShowAppHelp(c)
		},
	}
	for _, command := range app.Commands {
		command.Flags = withNames(append(command.Flags, messageFlags()...))
		command.Before = checkFlagValues
		command.OnUsageError = usageError
		if command.ArgsUsage == noArguments {
			command.Action = withoutArguments(command.Action)
		}
		command.Description = strings.ReplaceAll(command.Description, "   tracemigrate ", "   "+app.Name+" ")
	}
	return app
}
