package main

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"
)

// outputOf runs the tool, which must succeed, and returns its stdout.
func outputOf(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), append([]string{"tracemigrate"}, args...), strings.NewReader(""), &stdout, &stderr)
	require.Zero(t, code, "%v: %s", args, stderr.String())
	return stdout.String()
}

// pagesOfHelp returns every page of help by its command.
func pagesOfHelp(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{"": outputOf(t, "--help"), "options": outputOf(t, "options")}
	for _, command := range newApp("tracemigrate").Commands {
		pages[command.Name+" --help"] = outputOf(t, command.Name, "--help")
	}
	return pages
}

// Every page of help fits in 80 columns, and has the words of its texts whole.
func TestHelpFits(t *testing.T) {
	pages := pagesOfHelp(t)
	for name, page := range pages {
		for line := range strings.Lines(page) {
			assert.LessOrEqual(t, len(strings.TrimRight(line, "\n")), 80, "%s: %s", name, line)
		}
		assert.NotContains(t, page, "\n\n\n", name)
	}
	for _, command := range newApp("tracemigrate").Commands {
		has := strings.Fields(pages[command.Name+" --help"])
		listed, _ := splitFlags(command.Flags)
		texts := command.Usage + " " + command.Description
		for _, row := range flagRows(listed) {
			texts += " " + row[0] + " " + row[1]
		}
		for word := range strings.FieldsSeq(texts) {
			assert.Contains(t, has, word, command.Name)
		}
	}
}

// Help lists the flags that users need most first, each command's own before those of all
// commands, and every flag is on its page or on that of the shared ones.
func TestHelpOrder(t *testing.T) {
	pages := pagesOfHelp(t)
	for _, command := range newApp("tracemigrate").Commands {
		page := pages[command.Name+" --help"]
		var order []int
		for _, flag := range command.Flags {
			names := docOf(flag)
			at := strings.Index(page, "--"+names.Long)
			if shared := pages["options"]; at < 0 || !strings.Contains(page, names.names()) {
				assert.Contains(t, shared, names.names(), command.Name)
				assert.Contains(t, page, `Use "tracemigrate options"`, command.Name)
			}
		}
		_, options, found := strings.Cut(page, "OPTIONS:\n")
		require.True(t, found, command.Name)
		for _, name := range slices.Concat(firstFlags, lastFlags) {
			if at := strings.Index(options, "--"+name+" "); at >= 0 && hasFlag(command.Flags, name) {
				order = append(order, at)
			}
		}
		assert.True(t, slices.IsSorted(order), "%s: %v", command.Name, order)
	}
	assert.Regexp(t, `(?s)OPTIONS:\n   -f, --filename FILE.*-o, --output FORM.*--mesh NAME.*--copy-labels.*-q, --quiet.*-h, --help`,
		pages["convert --help"])
}

// Help lists every command that is there for users, and the flag -k of rewrite selects overlays.
func TestHelpOfRarerThings(t *testing.T) {
	pages := pagesOfHelp(t)
	assert.Regexp(t, `(?s)\nCOMMANDS:\n.*\n   man +print the manual page`, pages[""])
	assert.Regexp(t, `-k, --kustomize DIR +edit only the overlay in DIR`, pages["rewrite --help"])
	assert.Regexp(t, `-k, --kustomize DIR +render the kustomization in DIR`, pages["report --help"])
}

func hasFlag(flags []cli.Flag, name string) bool {
	return slices.ContainsFunc(flags, func(flag cli.Flag) bool { return flag.Names()[0] == name })
}

// --help after a command wins over what is wrong beside it, and over arguments; as the
// value of a flag, or after --, it is none.
func TestHelpAnywhere(t *testing.T) {
	pages := pagesOfHelp(t)
	for args, command := range map[string]string{
		"explain --help web-1":         "explain",
		"explain web-1 -o bad -h":      "explain",
		"explain web-1 -ojson --help":  "explain",
		"convert --unknown --help":     "convert",
		"--color never convert --help": "convert",
		"completion --help bash":       "completion",
		"rewrite path --help=true":     "rewrite",
	} {
		assert.Equal(t, pages[command+" --help"], outputOf(t, strings.Fields(args)...), args)
	}
	for args, want := range map[string]string{
		"convert -f --help":                 `reading "--help": no such file`,
		"convert -- --help":                 `unexpected argument "--help"`,
		"explain web-1 -o bad --help=false": `"bad" is none of`,
		"--help unknown":                    `unknown command "unknown"`,
	} {
		var stderr bytes.Buffer
		code := run(t.Context(), append([]string{"tracemigrate"}, strings.Fields(args)...), strings.NewReader(""), io.Discard, &stderr)
		assert.Equal(t, exitError, code, args)
		assert.Contains(t, stderr.String(), want, args)
	}
}

// checkForm and the completion know the forms of each command with --output.
func TestFormsOfEveryCommand(t *testing.T) {
	for _, command := range newApp("tracemigrate").Commands {
		assert.Equal(t, hasFlag(command.Flags, "output"), len(formsOf[command.Name]) > 0, command.Name)
	}
}

// On a narrow terminal the pages are narrower.
func TestHelpOnNarrowTerminal(t *testing.T) {
	page := newHelpPage(50)
	page.rows(flagRows(sourceFlags()))
	for line := range strings.Lines(page.String()) {
		assert.LessOrEqual(t, len(strings.TrimRight(line, "\n")), 50)
	}
	for width, want := range map[int]int{0: 80, 200: 80, 60: 60, 10: 40} {
		assert.Equal(t, want, newHelpPage(width).width, width)
	}
}

func TestHelpRows(t *testing.T) {
	for name, test := range map[string]struct {
		row  [2]string
		want string
	}{
		"short name": {[2]string{"-n NAME", "the name of what is read"}, "   -n NAME  the name of what is read\n"},
		"wrapped": {
			[2]string{"-n NAME", "the name of what is read from there"},
			"   -n NAME  the name of what is read\n            from there\n",
		},
		"long name": {[2]string{"--a-name-that-is-too-long NAME", "about"}, "   --a-name-that-is-too-long NAME\n     about\n"},
		"long word": {[2]string{"-n", "https://example.com/a/path/that/is/long"}, "   -n  https://example.com/a/path/that/is/long\n"},
	} {
		t.Run(name, func(t *testing.T) {
			page := newHelpPage(40)
			page.rows([][2]string{test.row})
			assert.Equal(t, test.want, page.String())
		})
	}
}

// Help that cannot be written is an error, as any output is.
func TestHelpToFullDisk(t *testing.T) {
	for _, args := range []string{"--help", "report --help", "help convert", ""} {
		var words strings.Builder
		code := run(t.Context(), append([]string{"tracemigrate"}, strings.Fields(args)...), strings.NewReader(""), fullDisk{}, &words)
		assert.Equal(t, exitError, code, args)
		assert.Equal(t, "tracemigrate: writing to stdout: the disk is full\n", words.String(), args)
	}
}

// fullDisk is a file on a disk without space.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }
