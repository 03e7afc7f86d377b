package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestUsesColour(t *testing.T) {
	for name, test := range map[string]struct {
		choice   string
		env      string
		terminal bool
		want     bool
	}{
		"pipe":                          {colourAuto, "", false, false},
		"terminal":                      {colourAuto, "", true, true},
		"dumb terminal":                 {colourAuto, "TERM=dumb", true, false},
		"NO_COLOR":                      {colourAuto, "NO_COLOR=1", true, false},
		"CLICOLOR=0":                    {colourAuto, "CLICOLOR=0", true, false},
		"forced":                        {colourAuto, "CLICOLOR_FORCE=1", false, true},
		"forced by 0":                   {colourAuto, "CLICOLOR_FORCE=0", false, false},
		"NO_COLOR overrides forced":     {colourAuto, "NO_COLOR=1 CLICOLOR_FORCE=1", true, false},
		"always overrides NO_COLOR":     {colourAlways, "NO_COLOR=1", false, true},
		"never overrides forced":        {colourNever, "CLICOLOR_FORCE=1", true, false},
		"forced overrides CLICOLOR=0":   {colourAuto, "CLICOLOR=0 CLICOLOR_FORCE=1", false, true},
		"always on a dumb terminal":     {colourAlways, "TERM=dumb", true, true},
		"an empty NO_COLOR has no role": {colourAuto, "NO_COLOR=", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM"} {
				t.Setenv(variable, "")
			}
			for setting := range strings.FieldsSeq(test.env) {
				variable, value, _ := strings.Cut(setting, "=")
				t.Setenv(variable, value)
			}
			assert.Equal(t, test.want, usesColour(test.choice, test.terminal))
		})
	}
}

// The flag applies before and after a command, and after an argument; the later one wins.
func TestColorFlag(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	t.Setenv("CLICOLOR_FORCE", "")
	const coloured = "\x1b["
	for line, want := range map[string]bool{
		"diff -f ../../fixtures/diff/cluster.yaml --meshtrace ../../fixtures/diff/edited.yaml":                              false,
		"diff -f ../../fixtures/diff/cluster.yaml --meshtrace ../../fixtures/diff/edited.yaml --color always":               true,
		"--color always diff -f ../../fixtures/diff/cluster.yaml --meshtrace ../../fixtures/diff/edited.yaml":               true,
		"--color always diff -f ../../fixtures/diff/cluster.yaml --meshtrace ../../fixtures/diff/edited.yaml --color never": false,
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{"tracemigrate"}, strings.Fields(line)...), strings.NewReader(""), &stdout, &stderr)
		assert.Less(t, code, exitError, stderr.String())
		assert.Equal(t, want, strings.Contains(stdout.String(), coloured), "%s: %q", line, stdout.String())
	}
	for _, line := range []string{"explain web-1 --color purple", "version --color purple"} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, exitError, run(t.Context(), append([]string{"tracemigrate"}, strings.Fields(line)...), strings.NewReader(""), &stdout, &stderr))
		assert.Contains(t, stderr.String(), `--color: "purple" is none of auto, always, never`)
	}
}
