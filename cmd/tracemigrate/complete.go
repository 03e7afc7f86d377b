package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"tracemigrate/cmd/tracemigrate/output/plain"
)

// completionTime is the time after which a shell gets no values, because the user waits.
const completionTime = 900 * time.Millisecond

// What a shell completes a word with.
const (
	completesValues      = "values"
	completesFiles       = "files"
	completesDirectories = "directories"
)

// candidate is a value that completes a word, and what it means.
type candidate struct{ value, about string }

// completeLine prints what completes the last word: a line that says what kind of thing,
// then a value per line and, after a tab, what it means. It prints no error.
func completeLine(ctx context.Context, app *cli.App, args []string) {
	if len(args) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	found := make(chan []string, 1)
	go func() {
		var lines []string
		defer func() {
			if recover() != nil {
				lines = []string{completesValues}
			}
			found <- lines
		}()
		lines = parseLine(app, args[0], args[1:]).lines(ctx)
	}()
	lines := []string{completesValues}
	select {
	case lines = <-found:
	case <-ctx.Done():
	}
	out := bufio.NewWriter(app.Writer)
	for _, line := range lines {
		_, _ = fmt.Fprintln(out, line)
	}
	_ = out.Flush() // a shell that ended needs nothing
}

// partialLine is a command line whose last word is incomplete.
type partialLine struct {
	app     *cli.App
	shell   string
	command *cli.Command // nil before its name
	values  map[string][]string
	args    []string
	flag    cli.Flag // that the word is a value of, or nil
	prefix  string   // of the word before that value: "--output="
	word    string
	noFlags bool // after --
}

// parseLine parses the words after the program's name.
func parseLine(app *cli.App, shell string, words []string) *partialLine {
	l := &partialLine{app: app, shell: shell, values: make(map[string][]string)}
	if len(words) == 0 {
		words = []string{""}
	}
	last := len(words) - 1
	for _, word := range words[:last] {
		l.add(l.unquote(word))
	}
	l.word = l.unquote(words[last])
	if l.flag != nil || l.noFlags || !strings.HasPrefix(l.word, "-") {
		return l
	}
	if name, value, joined := strings.Cut(l.word, "="); joined {
		if flag := flagNamed(l.flags(), strings.TrimLeft(name, "-")); flag != nil {
			l.flag, l.prefix, l.word = flag, name+"=", value
		}
	}
	return l
}

// unquote removes what bash leaves in words: quotes and backslashes.
func (l *partialLine) unquote(word string) string {
	if l.shell == "powershell" && word == `""` {
		return ""
	}
	if l.shell != "bash" {
		return word
	}
	if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(word, "~/") {
		word = home + word[1:]
	}
	var out strings.Builder
	escaped := false
	for _, r := range word {
		if !escaped && (r == '\\' || r == '"' || r == '\'') {
			escaped = r == '\\'
			continue
		}
		escaped = false
		out.WriteRune(r)
	}
	return out.String()
}

// add adds a complete word.
func (l *partialLine) add(word string) {
	switch {
	case l.flag != nil:
		l.set(l.flag, word)
		l.flag = nil
	case l.noFlags || !strings.HasPrefix(word, "-") || word == "-":
		l.addArgument(word)
	case word == "--":
		l.noFlags = true
	default:
		l.addFlag(word)
	}
}

func (l *partialLine) addArgument(word string) {
	if l.command != nil {
		l.args = append(l.args, word)
		return
	}
	if l.command = l.app.Command(word); l.command == nil {
		l.command = &cli.Command{Name: word} // one that does not exist
	}
}

func (l *partialLine) addFlag(word string) {
	name, value, joined := strings.Cut(strings.TrimLeft(word, "-"), "=")
	flag := flagNamed(l.flags(), name)
	if flag == nil && len(word) > 2 && word[1] != '-' {
		flag, value, joined = flagNamed(l.flags(), word[1:2]), word[2:], true
	}
	switch {
	case flag == nil:
	case joined || docOf(flag).Value == "":
		l.set(flag, value)
	default:
		l.flag = flag
	}
}

func (l *partialLine) set(flag cli.Flag, value string) {
	name := docOf(flag).Long
	l.values[name] = append(l.values[name], value)
}

// flags returns the flags that may follow.
func (l *partialLine) flags() []cli.Flag {
	if l.command == nil {
		return append(slices.Clone(l.app.Flags), cli.HelpFlag)
	}
	return append(slices.Clone(l.command.Flags), cli.HelpFlag)
}

// lines returns what completes the word.
func (l *partialLine) lines(ctx context.Context) []string {
	kind, found := l.candidates(ctx)
	lines := []string{kind}
	for _, c := range found {
		if !strings.HasPrefix(c.value, l.word) {
			continue
		}
		value := l.prefix + c.value
		if l.shell != "bash" && c.about != "" {
			value += "\t" + plain.OneLine(c.about)
		}
		lines = append(lines, value)
	}
	return lines
}
