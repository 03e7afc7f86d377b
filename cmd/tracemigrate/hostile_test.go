package main

import (
	"bytes"
	"flag"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/fixtures"
)

var hostileTime = flag.Duration("hostile", 3*time.Second, "how long TestEveryFormOnMutations looks for a panic")

// everyForm is every command that reads manifests, in every form; PROXY stands
// for the name of a Dataplane, PLAN for a directory.
var everyForm = []string{
	"convert", "convert -o json --keep-going", "convert --kuma-version 2.0 --keep-going --zone-origin --round-sampling",
	"diff", "diff --full --kuma-version 2.5,2.13", "diff -o json", "diff -o yaml", "diff -o junit", "diff -o markdown",
	"explain PROXY", "explain PROXY --kuma-version 2.5",
	"report --full", "report -o json", "report -o yaml", "report -o markdown", "report -o html",
	"snapshot", "plan --force --output-dir PLAN", "plan --force --kuma-version 2.5 --zone-origin --output-dir PLAN",
	"upgrade-check --full", "upgrade-check --from 2.5 --to 2.6", "upgrade-check -o json", "upgrade-check -o markdown", "upgrade-check -o junit", "upgrade-check -o sarif",
}

// runEveryForm runs every command in every form on a manifest, and returns what
// each wrote to stderr with its exit code.
func runEveryForm(t *testing.T, text []byte) map[string]string {
	t.Helper()
	return runForms(t, text, everyForm)
}

// someForms returns forms that depend on text alone.
func someForms(text []byte) []string {
	sum := crc32.ChecksumIEEE(text)
	random := rand.New(rand.NewPCG(uint64(sum), 0))
	forms := make([]string, 3)
	for i := range forms {
		forms[i] = everyForm[random.IntN(len(everyForm))]
	}
	return forms
}

func runForms(t *testing.T, text []byte, forms []string) map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "input.yaml")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	proxy := "web-1"
	if s := cluster.Read([]manifest.Input{manifest.Text("input.yaml", string(text))}); len(s.Dataplanes) > 0 {
		proxy = s.Dataplanes[0].Mesh + "/" + s.Dataplanes[0].FullName()
	}
	said := make(map[string]string)
	for _, form := range forms {
		args := []string{"tracemigrate"}
		for _, arg := range append(strings.Fields(form), "-f", file) {
			args = append(args, strings.NewReplacer("PROXY", proxy, "PLAN", file+".plan").Replace(arg))
		}
		var stdout, stderr bytes.Buffer
		code := runSafely(t, args, text, &stdout, &stderr)
		assert.Contains(t, []int{0, exitNo, exitError}, code, form)
		assert.NotContains(t, stderr.String(), "bug of tracemigrate", "%s of\n%.4000s", form, text)
		said[form] = fmt.Sprintf("%sexit %d\n", stderr.String(), code)
	}
	return said
}

// runSafely is run, but for a panic, which fails the test and names the input.
func runSafely(t *testing.T, args []string, input []byte, stdout, stderr *bytes.Buffer) (code int) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			t.Fatalf("%v panics: %v\n%.6000s\nthe input:\n%.4000s", args, r, debug.Stack(), input)
		}
	}()
	return run(t.Context(), args, strings.NewReader(""), stdout, stderr)
}

// hostileSeeds are the small inputs of the fixtures, good and bad.
func hostileSeeds(t testing.TB) [][]byte {
	t.Helper()
	var seeds [][]byte
	for _, pattern := range []string{"bad/*.yaml", "bad/*.json", "cases/*/*.yaml", "convert/*/input.yaml", "diff/*.yaml", "report/*.yaml", "demo/*.yaml", "upgrade/*/input.yaml"} {
		files, err := filepath.Glob(filepath.Join(fixtures.Dir(), filepath.FromSlash(pattern)))
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			if len(text) < 16<<10 {
				seeds = append(seeds, text)
			}
		}
	}
	require.Greater(t, len(seeds), 100)
	return seeds
}

// FuzzEveryForm runs every command in every form: none panics, whatever the bytes.
func FuzzEveryForm(f *testing.F) {
	seeds := hostileSeeds(f)
	every := len(seeds) / withoutRace.Sample(f, len(seeds))
	for i := 0; i < len(seeds); i += every {
		f.Add(seeds[i])
	}
	fuzzing := flag.Lookup("test.fuzz").Value.String() != ""
	f.Fuzz(func(t *testing.T, text []byte) {
		switch {
		case len(text) >= 64<<10:
		case fuzzing: // more inputs instead of every form; an input that is found runs in every form
			runForms(t, text, someForms(text))
		default:
			runEveryForm(t, text)
		}
	})
}

// Manifests with fields dropped, repeated, of another type or another's value
// make no command panic, in any form.
func TestEveryFormOnMutations(t *testing.T) {
	random := rand.New(rand.NewPCG(fixtures.Seed(t), 0))
	var documents [][]*yaml.Node // of each seed that is YAML
	for _, seed := range hostileSeeds(t) {
		var list []*yaml.Node
		for decoder := yaml.NewDecoder(bytes.NewReader(seed)); ; {
			var document yaml.Node
			if decoder.Decode(&document) != nil {
				break
			}
			list = append(list, &document)
		}
		if len(list) > 0 && !strings.Contains(string(seed), "&") { // a bomb is no better when it is mutated
			documents = append(documents, list)
		}
	}
	mutations := 0
	for end := time.Now().Add(*hostileTime); time.Now().Before(end); mutations++ {
		var text bytes.Buffer
		encoder := yaml.NewEncoder(&text)
		for _, document := range documents[random.IntN(len(documents))] {
			mutated := copyNode(document)
			for range random.IntN(4) {
				mutate(random, mutated)
			}
			require.NoError(t, encoder.Encode(mutated))
		}
		require.NoError(t, encoder.Close())
		runEveryForm(t, text.Bytes())
	}
	t.Logf("%d manifests in %d forms each", mutations, len(everyForm))
}

func copyNode(node *yaml.Node) *yaml.Node {
	out := *node
	out.Content = make([]*yaml.Node, 0, len(node.Content))
	for _, child := range node.Content {
		out.Content = append(out.Content, copyNode(child))
	}
	return &out
}

// mutate changes one place below node.
func mutate(random *rand.Rand, node *yaml.Node) {
	var parents []*yaml.Node
	var collect func(*yaml.Node)
	collect = func(n *yaml.Node) {
		if len(n.Content) > 0 && n.Kind != yaml.DocumentNode {
			parents = append(parents, n)
		}
		for _, child := range n.Content {
			collect(child)
		}
	}
	collect(node)
	if len(parents) == 0 {
		return
	}
	at := parents[random.IntN(len(parents))]
	width := 1
	if at.Kind == yaml.MappingNode {
		width = 2
	}
	i := random.IntN(len(at.Content)/width) * width
	value := &at.Content[i+width-1]
	switch random.IntN(6) {
	case 0:
		at.Content = append(at.Content[:i:i], at.Content[i+width:]...)
	case 1:
		at.Content = append(at.Content, copyNode(at.Content[i]))
		if width == 2 {
			at.Content = append(at.Content, copyNode(*value))
		}
	case 2: // what stands elsewhere
		other := parents[random.IntN(len(parents))]
		*value = copyNode(other.Content[random.IntN(len(other.Content))])
	default:
		words := []string{
			"", "null", "[]", "{}", "[null]", "[{}]", "{type: Zipkin}", "0", "-1", "101", "1e300", ".nan", "99999999999999999999", "true", "'*'", "a/b", "ü",
			"Zipkin", "Datadog", "OpenTelemetry", "zipkin", "datadog", "lightstep", "http://a:1", "http://[::1", "http://%zz", "Mesh", "MeshSubset", "Dataplane", "2020-01-01T00:00:00Z", "GATEWAY", "Ignored",
		}
		var replacement yaml.Node
		if yaml.Unmarshal([]byte(words[random.IntN(len(words))]), &replacement) == nil && len(replacement.Content) > 0 {
			*value = replacement.Content[0]
		} else {
			*value = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
		}
	}
}

// A backend of unknown or missing type is an error of every command that looks
// at backends, in every form; a snapshot keeps it, for them to find.
func TestBackendOfUnknownType(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(fixtures.Dir(), "cases", "files", "backend-of-unknown-type.yaml"))
	require.NoError(t, err)
	for name, test := range map[string]struct{ old, now, want string }{
		"unknown": {old: "type: lightstep", now: "type: lightstep", want: "type is neither zipkin nor datadog"},
		"missing": {old: "    type: lightstep\n", want: "has no type; write zipkin or datadog"},
	} {
		input := strings.Replace(string(text), test.old, test.now, 1)
		for form, said := range runEveryForm(t, []byte(input)) {
			switch {
			case form == "snapshot":
				assert.Equal(t, "exit 0\n", said)
				continue
			case strings.HasPrefix(form, "report"):
			default:
				assert.Contains(t, said, test.want, "%s, %s", name, form)
			}
			assert.Contains(t, said, "exit 1\n", "%s, %s", name, form)
		}
	}
}
