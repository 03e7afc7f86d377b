package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bashHarness presses TAB at the end of a line: it splits the line as readline does, at
// spaces and the characters of COMP_WORDBREAKS, and prints COMPREPLY.
const bashHarness = `
source <(tracemigrate completion bash)
complete -p tracemigrate >/dev/null || exit 1
COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=()
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_tracemigrate
printf '%s\n' "${COMPREPLY[@]}"
`

func TestCompletionInBash(t *testing.T) {
	withoutRace.Skip(t)
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	bin := t.TempDir()
	linkTool(t, bin)
	completionHome(t)
	for name, test := range map[string]struct{ words, want []string }{
		"command":         {[]string{"tracemigrate", " conv"}, []string{"convert"}},
		"after a space":   {[]string{"tracemigrate", " completion", " "}, []string{"bash", "zsh", "fish", "powershell"}},
		"value":           {[]string{"tracemigrate", " report", "  -o", " j"}, []string{"json"}},
		"value after =":   {[]string{"tracemigrate", " report", " --output", "=", "j"}, []string{"json"}},
		"nothing after =": {[]string{"tracemigrate", " report", " --color", "="}, []string{"auto", "always", "never"}},
		"colons": {
			[]string{"tracemigrate", " diff", " --context", " arn", ":", "aws", ":", "e"}, []string{"eks:eu-west-1:1:cluster/blue"},
		},
		"space in a value": {[]string{"tracemigrate", " diff", " --context", " two"}, []string{""}},
		"proxy":            {[]string{"tracemigrate", " explain", " -f", ` "mesh.yaml"`, " ap"}, []string{"api-1"}},
		"file":             {[]string{"tracemigrate", " convert", " -f", " me"}, []string{"mesh.yaml", "meshes"}},
		"file after =":     {[]string{"tracemigrate", " convert", " --filename", "=", "br"}, []string{"broken.yaml"}},
		"directory":        {[]string{"tracemigrate", " convert", " --output-dir", " me"}, []string{"meshes"}},
		"nothing":          {[]string{"tracemigrate", " report", " -o", " x"}, []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"-c", bashHarness, "bash", strings.Join(test.words, "")}
			for _, word := range test.words {
				args = append(args, strings.TrimLeft(word, " "))
			}
			assert.ElementsMatch(t, test.want, shellOutput(t, bin, bash, args...))
		})
	}
}

// zshHarness presses TAB with stubs for what only zsh's line editor has.
const zshHarness = `
compdef() { :; }
_describe() { print -rl -- ${values//\\:/:}; }
_files() { print -r -- files $*; }
compset() { :; }
source <(tracemigrate completion zsh)
words=("$@") CURRENT=$# PREFIX=${@[-1]}
_tracemigrate
`

func TestCompletionInOtherShells(t *testing.T) {
	withoutRace.Skip(t)
	bin := t.TempDir()
	linkTool(t, bin)
	completionHome(t)
	powershell := func(line string) []string {
		return []string{"-NoProfile", "-Command", "tracemigrate completion powershell | Out-String | Invoke-Expression; " +
			"(TabExpansion2 '" + line + "' " + fmt.Sprint(len(line)) + ").CompletionMatches.CompletionText"}
	}
	fish := func(line string) []string {
		return []string{"--no-config", "-c", "tracemigrate completion fish | source; complete -C '" + line + "'"}
	}
	zsh := func(words ...string) []string { return append([]string{"-f", "-c", zshHarness, "zsh"}, words...) }
	for name, test := range map[string]struct {
		shell string
		args  []string
		want  []string
	}{
		"zsh command":        {"zsh", zsh("tracemigrate", "vers"), []string{"version:print the version and build information"}},
		"zsh value":          {"zsh", zsh("tracemigrate", "report", "-o", "h"), []string{"html"}},
		"zsh colons":         {"zsh", zsh("tracemigrate", "diff", "--context", "arn:"), []string{"arn:aws:eks:eu-west-1:1:cluster/blue"}},
		"zsh file":           {"zsh", zsh("tracemigrate", "convert", "-f", ""), []string{"files"}},
		"zsh directory":      {"zsh", zsh("tracemigrate", "convert", "-k", ""), []string{"files -/"}},
		"fish command":       {"fish", fish("tracemigrate vers"), []string{"version\tprint the version and build information"}},
		"fish value":         {"fish", fish("tracemigrate report -o h"), []string{"html"}},
		"fish joined":        {"fish", fish("tracemigrate report --output=h"), []string{"--output=html"}},
		"fish proxy":         {"fish", fish("tracemigrate explain -f mesh.yaml ap"), []string{"api-1"}},
		"fish file":          {"fish", fish("tracemigrate convert -f br"), []string{"broken.yaml"}},
		"powershell command": {"pwsh", powershell("tracemigrate vers"), []string{"version"}},
		"powershell value":   {"pwsh", powershell("tracemigrate report -o h"), []string{"html"}},
	} {
		t.Run(name, func(t *testing.T) {
			shell, err := exec.LookPath(test.shell)
			if err != nil {
				t.Skipf("%s is not installed", test.shell)
			}
			assert.Equal(t, test.want, shellOutput(t, bin, shell, test.args...))
		})
	}
}

// shellOutput runs a shell with the tool of a directory, and returns its lines.
func shellOutput(t *testing.T, bin, shell string, args ...string) []string {
	t.Helper()
	command := exec.CommandContext(t.Context(), shell, args...)
	command.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	require.NoError(t, err, stderr.String())
	assert.Empty(t, stderr.String())
	return strings.Split(strings.TrimRight(string(output), "\n"), "\n")
}

func TestCompletionErrors(t *testing.T) {
	for line, want := range map[string]string{
		"completion":          "completion needs the name of a shell: bash, zsh, fish, powershell",
		"completion tcsh":     `"tcsh" is not a shell with a script; choose one of bash, zsh, fish, powershell`,
		"completion bash zsh": `unexpected argument "zsh"`,
		"completion bash -x":  "unknown flag -x",
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{"tracemigrate"}, strings.Fields(line)...), strings.NewReader(""), &stdout, &stderr)
		assert.Equal(t, exitError, code, line)
		assert.Contains(t, stderr.String(), want, line)
		assert.Empty(t, stdout.String(), line)
	}
}
