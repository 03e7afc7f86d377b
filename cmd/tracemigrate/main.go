// Command tracemigrate moves tracing from Kuma's legacy policies, TrafficTrace
// and Mesh.tracing, to MeshTrace. This package reads flags, calls package
// convert, and prints: manifests on stdout, words on stderr.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
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
		// Ended by the signal itself, as a shell expects, which ends its loops then.
		if self, err := os.FindProcess(os.Getpid()); err == nil && self.Signal(caught) == nil {
			time.Sleep(time.Second)
		}
		os.Exit(exitError)
	}()
}

// writing is held while files are written.
var writing sync.Mutex

// leanMemory trades a little time for a third of the memory: what is read is
// garbage as soon as it is decoded. The environment variable GOGC has precedence.
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

// helpAt wraps the help at the width of a terminal, until what it returns is
// called: the library has one printer of help for all, which does not wrap flags.
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

// hanging breaks a line that is too long, beneath the begin of its last column or,
// where that leaves too little room, on a line of its own.
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
// -ojson becomes -o json. A word that is exactly the name of a flag stays whole.
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

// programName is how the user calls the tool: kubectl runs a plugin by its
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

// oneDash is how the flag package writes a flag.
var oneDash = regexp.MustCompile(`flag -([a-z])`)

// similarFlag is the command's flag that is likest to name, if any is.
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
		hint = "; " + strings.ToLower(similar[:1]) + similar[1:] // it says "Did you mean"
	}
	return fmt.Errorf("unknown command %q%s", name, hint)
}
