package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/fixtures"
	"tracemigrate/meshtrace"
)

// TestGolden converts every case of fixtures/convert: input.yaml, with the
// flags of args, must give output.yaml (or .json) and notes.txt. That has the exit code,
// what each selector became, and the notes by code, place and facts; their words are in
// fixtures/wording.txt alone.
func TestGolden(t *testing.T) {
	for _, dir := range goldenCases(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Chdir(dir)
			result := convertCase(t)
			golden(t, result.file, result.stdout)
			golden(t, "notes.txt", result.behaviour())

			assert.Equal(t, result.stdout, convertCase(t).stdout, "the same input gives the same bytes")

			policies, problems := meshtrace.Read(cluster.Read([]manifest.Input{manifest.Text(result.file, result.stdout)}))
			assert.Empty(t, problems, "what is written can be read")
			for _, policy := range policies {
				assert.NotEmpty(t, policy.Name)
			}
		})
	}
}

func goldenCases(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(fixtures.Dir(), "convert", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	return dirs
}

// conversionOf is what came of a case.
type conversionOf struct {
	code           int
	file           string // that stdout is compared with
	stdout, stderr string
	plan           *convert.Plan // nil where the input is wrong
}

// convertCase converts the case in the current directory.
func convertCase(t *testing.T) conversionOf {
	t.Helper()
	args := []string{"tracemigrate", "convert", "-f", "input.yaml"}
	if flags, err := os.ReadFile("args"); err == nil {
		args = append(args, strings.Fields(string(flags))...)
	}
	result := conversionOf{file: "output.yaml"}
	if strings.Contains(strings.Join(args, " "), "-o json") {
		result.file = "output.json"
	}
	planOf = func(c *convert.Current, o convert.Options) (*convert.Plan, []*manifest.Problem) {
		plan, problems := convert.Convert(c, o)
		result.plan = plan
		return plan, problems
	}
	defer func() { planOf = convert.Convert }()
	var stdout, stderr bytes.Buffer
	result.code = run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
	result.stdout, result.stderr = stdout.String(), stderr.String()
	return result
}

// behaviour has codes, places and counts, but no sentence.
func (c conversionOf) behaviour() string {
	var b strings.Builder
	fmt.Fprintf(&b, "exit %d\n", c.code)
	if c.plan == nil {
		for _, place := range places(c.stderr) {
			fmt.Fprintln(&b, "error", place)
		}
		return b.String()
	}
	for _, fate := range c.plan.Fates {
		became := "nothing"
		for i, p := range fate.Policies {
			if i == 0 {
				became = ""
			}
			became += fmt.Sprintf(" %s (%s)", p.Name, &p.TargetRef)
		}
		fmt.Fprintf(&b, "%s/%s %d %s: %s\n", fate.Mesh, fate.TrafficTrace, fate.Selector, fate.Tags, strings.TrimSpace(became))
	}
	for _, note := range c.plan.Notes {
		fmt.Fprintf(&b, "%s %s %s %s\n", note.Severity, note.Code, note.Source, note.Resource)
		for _, fact := range note.Facts() {
			fmt.Fprintf(&b, "  %s\n", fact)
		}
	}
	tally := envoydiff.Count(c.plan.Comparisons)
	fmt.Fprintf(&b, "%d proxies: %d same, %d inherent, %d different, %d unknown\n", tally.Proxies, tally.Same, tally.Inherent, tally.Different, tally.Unknown)
	return b.String()
}

// placed is how an error begins that is of a place in the input, and how a note does.
var placed = regexp.MustCompile(`(?m)^[^ \n:]+(:\d+)?( document \d+)?: |^(error|warning|info) +[a-z0-9-]+ +\S+`)

// meshNumber is what the meshes of one bad input differ in.
var meshNumber = regexp.MustCompile(`"m\d+"`)

// places returns the places of errors, and those of notes with severity and code.
func places(stderr string) []string {
	var found []string
	for _, match := range placed.FindAllString(stderr, -1) {
		if match != "tracemigrate: " {
			found = append(found, strings.Join(strings.Fields(strings.TrimSuffix(match, ": ")), " "))
		}
	}
	return found
}

// TestWording holds every sentence of notes, and every error of fixtures/bad, against
// fixtures/wording.txt: once, as the first case has it, or where none has, with the names of
// its facts.
func TestWording(t *testing.T) {
	withoutRace.Skip(t)
	sentences := make(map[string]string)
	for _, dir := range goldenCases(t) {
		t.Chdir(dir)
		result := convertCase(t)
		if result.plan == nil {
			continue
		}
		for _, note := range result.plan.Notes {
			key := string(note.Code) + "\n" + note.Wording()
			if strings.HasPrefix(note.Wording(), "{problem}\n") {
				key += note.Message() + "\n" + note.Remedy()
			}
			if sentences[key] != "" && filepath.Base(dir) != string(note.Code) {
				continue
			}
			text := fmt.Sprintf("%s %s (%s)\n  %s: %s\n", note.Severity, note.Code, filepath.Base(dir), note.Resource, note.Message())
			if note.Remedy() != "" {
				text += "  To fix: " + note.Remedy() + "\n"
			}
			assert.NotRegexp(t, `\{[a-z]+\}`, strings.ReplaceAll(text, "{value", ""), "a sentence without a fact")
			sentences[key] = text
		}
	}
	for code, wording := range convert.Wordings {
		if key := string(code) + "\n" + wording; sentences[key] == "" {
			text, remedy, _ := strings.Cut(wording, "\n")
			sentences[key] = fmt.Sprintf("%s (in no case)\n  %s\n", code, text)
			if remedy != "" {
				sentences[key] += "  To fix: " + remedy + "\n"
			}
		}
	}
	var all strings.Builder
	for _, key := range slices.Sorted(maps.Keys(sentences)) {
		fmt.Fprintln(&all, sentences[key])
	}
	bad := filepath.Join(fixtures.Dir(), "bad")
	seen := make(map[string]bool)
	for _, input := range badInputs(t, bad) {
		for line := range strings.Lines(convertBad(t, bad, input).stderr) {
			match := placed.FindString(line)
			sentence := strings.TrimSpace(strings.TrimPrefix(line, match))
			key := meshNumber.ReplaceAllString(sentence, "")
			if match != "" && match != "tracemigrate: " && !seen[key] {
				seen[key] = true
				fmt.Fprintf(&all, "%s %s\n", strings.Join(strings.Fields(match), " "), sentence)
			}
		}
	}
	golden(t, filepath.Join(fixtures.Dir(), "wording.txt"), all.String())
}

// golden holds got against a file, or with -update writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "%s (go test ./cmd/tracemigrate -update rewrites it)", path)
}
