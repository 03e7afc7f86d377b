package main

import (
	"bytes"
	"encoding/json"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"tracemigrate/fixtures"
)

// hostileNames are what a shell, Markdown, HTML or the redaction of credentials could take
// for its own in a name. None may run touch.
var hostileNames = map[string]string{
	"substitution":        "$(touch pwned)",
	"backticks":           "`touch pwned`",
	"semicolon":           "; touch pwned;",
	"end of single quote": "' ; touch pwned ; '",
	"end of double quote": "\" ; touch pwned ; \"",
	"backslash":           `\'; touch pwned; \'`,
	"line end":            "\ntouch pwned\n",
	"substitution, line":  "\n$(touch pwned)\n",
	"pipe":                "| touch pwned",
	"background":          "& touch pwned &",
	"redirection":         " > pwned",
	"comment":             " # $(touch pwned)",
	"code span":           "` and `kubectl get; touch pwned` and `",
	"code block":          "\n```\n```sh\nkubectl get; touch pwned\n```\n",
	"element":             "</code><code>kubectl get; touch pwned</code>",
	"url with user":       "http://u:'p@h'; touch pwned; '",
	"url with query":      "http://h?a",
	"url, query, quote":   "http://h?a'; touch pwned; '",
	"url, quote, at":      "http://'@;touch pwned;'@",
	"parameter":           "http://h/;token=a'; touch pwned; '",
	"bearer":              "Bearer 123456789012345'; touch pwned; '",
	"bidi":                "\u202e$(touch pwned)\u2066",
}

// renamed returns a manifest whose resources have names that end in suffix, and so has the
// context of a snapshot. Names of Meshes are validated.
func renamed(t *testing.T, text []byte, suffix string) []byte {
	t.Helper()
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var document yaml.Node
		if decoder.Decode(&document) != nil {
			break
		}
		root := document.Content[0]
		kind := fieldOf(root, "type")
		if kind == nil {
			kind = fieldOf(root, "kind")
		}
		switch kind.Value {
		case "Mesh":
		case "SnapshotOrigin":
			rename(fieldOf(root, "endpoint"), suffix)
		default:
			rename(root, suffix)
			rename(fieldOf(root, "metadata"), suffix)
		}
		require.NoError(t, encoder.Encode(&document))
	}
	require.NoError(t, encoder.Close())
	return out.Bytes()
}

func rename(n *yaml.Node, suffix string) {
	for _, field := range []string{"name", "namespace", "context"} {
		if value := fieldOf(n, field); value != nil && value.Value != "" {
			value.Value += suffix
			value.Style = yaml.DoubleQuotedStyle
		}
	}
}

func fieldOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; n != nil && n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// pastedForms are commands that print others to paste.
var pastedForms = []string{
	"report", "report -o json", "report -o markdown --full", "report -o html", "plan --force --output-dir PLAN",
}

// pastedSeeds are inputs, and the forms that need their flags.
var pastedSeeds = map[string][]string{
	"convert/labels-existing-replaced/input.yaml": {"convert --notes-output NOTES.json --kuma-version 3.0 --from 2.14", "upgrade-check -o sarif --from 2.14"},
	"convert/labels-alike/input.yaml":             {"convert --notes-output NOTES.json --kuma-version 3.0 --from 2.14", "report --kuma-version 2.14 -o html"},
	"convert/labels-alike-kubernetes/input.yaml":  {"convert --notes-output NOTES.json --kuma-version 3.0 --from 2.14", "upgrade-check -o junit --from 2.14"},
	"upgrade/workload-service-name/input.yaml":    {"upgrade-check -o json --from 2.14", "upgrade-check -o markdown --from 2.14", "upgrade-check --full --from 2.14"},
	"upgrade/invalid-backend/input.yaml":          {"upgrade-check -o json --from 2.14", "upgrade-check -o markdown --from 2.14", "upgrade-check --from 2.14"},
	"plan/kubernetes/input.yaml":                  pastedForms,
	"plan/universal/input.yaml":                   pastedForms,
	"report/state.yaml":                           pastedForms,
}

// pasted is a command in a text.
var pasted = regexp.MustCompile(`^"?(sh \w+\.sh|kubectl|kumactl|tracemigrate|xargs|for name in|while IFS=|read -rs|COMMAND) `)

// pastedFrom returns the commands in what a form printed: each line, what Markdown and HTML
// mark as code, and each string of JSON.
func pastedFrom(form, text string) []string {
	var found []string
	add := func(code string) {
		if code = strings.TrimSpace(code); pasted.MatchString(code) {
			found = append(found, code)
		}
	}
	switch {
	case strings.Contains(form, "-o html"):
		for _, m := range codeElement.FindAllStringSubmatch(text, -1) {
			add(html.UnescapeString(innerElement.ReplaceAllString(m[2], ""))) // the text that a browser copies
		}
	case strings.Contains(form, "-o json"), strings.Contains(form, "-o sarif"):
		var data any
		_ = json.Unmarshal([]byte(text), &data)
		eachText(data, func(s string) {
			add(s)
			s, _, _ = strings.Cut(s, ", add `labels:`")
			if at, end := strings.Index(s, "`"), strings.LastIndex(s, "`"); at >= 0 && end > at { // a name can have others
				add(s[at+1 : end])
			}
		})
	case strings.Contains(form, "-o markdown"), strings.HasPrefix(form, "plan"):
		for _, code := range markdownCode(text) {
			add(code)
		}
	default:
		for line := range strings.Lines(html.UnescapeString(text)) {
			add(line)
		}
	}
	return found
}

// innerElement matches the tags within an element of code.
var innerElement = regexp.MustCompile(`<[^>]*>`)

var codeElement = regexp.MustCompile(`(?s)<(pre|code)\b[^>]*>(.*?)</(?:pre|code)>`)

// eachText yields every text of JSON.
func eachText(data any, yield func(string)) {
	switch data := data.(type) {
	case string:
		yield(data)
	case []any:
		for _, item := range data {
			eachText(item, yield)
		}
	case map[string]any:
		for _, item := range data {
			eachText(item, yield)
		}
	}
}

// markdownCode returns the blocks and the spans of code, as CommonMark finds them.
func markdownCode(text string) []string {
	var found []string
	var fence, block string
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		run := len(trimmed) - len(strings.TrimLeft(trimmed, "`"))
		switch {
		case fence != "" && run >= len(fence) && run == len(trimmed):
			found, fence, block = append(found, block), "", ""
		case fence != "":
			block += line
		case run >= 3 && !strings.Contains(trimmed[run:], "`"):
			fence = trimmed[:run]
		default:
			if strings.HasPrefix(trimmed, "|") {
				line = strings.ReplaceAll(line, `\|`, "|")
			}
			found = append(found, codeSpans(line)...)
		}
	}
	return found
}

var backticks = regexp.MustCompile("`+")

func codeSpans(line string) []string {
	var found []string
	for {
		begin := backticks.FindStringIndex(line)
		if begin == nil {
			return found
		}
		if begin[0] > 0 && line[begin[0]-1] == '\\' { // an escape outside code
			line = line[begin[0]+1:]
			continue
		}
		rest, width, end := line[begin[1]:], begin[1]-begin[0], -1
		for _, m := range backticks.FindAllStringIndex(rest, -1) {
			if m[1]-m[0] == width {
				end = m[0]
				break
			}
		}
		if line = rest; end >= 0 {
			found, line = append(found, rest[:end]), rest[end+width:]
		}
	}
}

// pasteHarness runs the commands of stdin, each ended by NUL, with stubs that print their
// arguments. What else runs leaves the file pwned. A call of a stub changes nothing in the
// shell, so it needs no shell of its own, whose start takes longer than the call.
const pasteHarness = `
PATH=/nowhere
exec 3>&1
for stub in kubectl kumactl tracemigrate jq xargs vi sh; do
	eval "$stub() { printf '<%s>' \"\$@\" >&3; echo >&3; }"
done
touch() { echo touch > pwned; }
command_not_found_handle() { echo "$*" > pwned; }
while IFS= read -r -d '' command; do
	case $command in
	kubectl\ * | kumactl\ * | tracemigrate\ * | sh\ *) eval "$command" < /dev/null ;;
	*) (eval "$command" < /dev/null) ;;
	esac || { printf 'failed: %s\n' "$command" >&2; exit 1; }
done
echo all >&3
`

// paste runs commands with stubs, fails if one runs anything else, and returns the arguments
// that the stubs printed.
func paste(t *testing.T, commands []string) string {
	t.Helper()
	dir := t.TempDir()
	process := exec.CommandContext(t.Context(), "bash", "-c", pasteHarness)
	process.Dir, process.Stdin = dir, strings.NewReader(strings.Join(commands, "\x00")+"\x00")
	var stdout, stderr bytes.Buffer
	process.Stdout, process.Stderr = &stdout, &stderr
	if err := process.Run(); err != nil {
		assert.NoError(t, err, "%s", stderr.String())
	}
	assert.NotContains(t, stderr.String(), "unexpected EOF")
	assert.NotContains(t, stderr.String(), "syntax error")
	assert.NoFileExists(t, filepath.Join(dir, "pwned"), strings.Join(commands, "\n"))
	said, all := strings.CutSuffix(stdout.String(), "all\n")
	assert.True(t, all, "a command ended the shell")
	return said
}

// Whatever the names of resources are, a printed command runs what it says and nothing else.
func TestPastedCommands(t *testing.T) {
	withoutRace.Skip(t)
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is not installed")
	}
	for name, suffix := range hostileNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var commands []string
			for seed, forms := range pastedSeeds {
				commands = append(commands, printedCommands(t, seed, suffix, forms)...)
			}
			slices.Sort(commands)
			commands = slices.Compact(commands)
			assert.Greater(t, len(commands), 45, commands)
			said := paste(t, commands)
			if !strings.Contains(suffix, "://") && !strings.Contains(suffix, "Bearer") { // redacted in some forms
				for _, name := range []string{"y-team", "web-1", "all", "shop", "prod"} { // a MeshTrace, a Dataplane, a TrafficTrace, a namespace and a context
					assert.Contains(t, said, "<"+name+suffix+">")
				}
			}
		})
	}
}

// printedCommands returns the commands that forms print for an input with renamed resources.
func printedCommands(t *testing.T, seed, suffix string, forms []string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(fixtures.Dir(), filepath.FromSlash(seed)))
	require.NoError(t, err)
	dir := t.TempDir()
	file := filepath.Join(dir, strings.ReplaceAll("in"+suffix, "/", "")+".yaml")
	require.NoError(t, os.WriteFile(file, renamed(t, text, suffix), 0o600))
	notes := filepath.Join(dir, "notes.json")
	var commands []string
	for _, form := range forms {
		args := []string{"tracemigrate"}
		for arg := range strings.FieldsSeq(form) {
			args = append(args, strings.NewReplacer("PLAN", filepath.Join(dir, "plan"), "NOTES.json", notes).Replace(arg))
		}
		args = append(args, "-f", file)
		if !strings.Contains(form, "2.14") && !bytes.Contains(text, []byte("SnapshotOrigin")) {
			args = append(args, "--kuma-version", "2.9")
		}
		var stdout, stderr bytes.Buffer
		run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
		printed := stdout.String()
		if readme, err := os.ReadFile(filepath.Join(dir, "plan", "README.md")); err == nil {
			printed = string(readme)
		}
		if text, err := os.ReadFile(notes); err == nil {
			commands = append(commands, pastedFrom("-o json", string(text))...)
		}
		commands = append(commands, pastedFrom(form, printed)...)
		commands = append(commands, pastedFrom("", stderr.String())...)
	}
	return commands
}
