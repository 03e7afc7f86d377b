package output

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/fixtures"
	"tracemigrate/meshtrace"
)

var escape = regexp.MustCompile("\x1b\\[[0-9;]*m")

// On a terminal of 80 columns, coloured, no line is longer, but for values that
// cannot be broken, and no escape is mangled.
func TestTerminal(t *testing.T) {
	read := func(name string) *cluster.Snapshot {
		text, err := os.ReadFile(filepath.Join(fixtures.Dir(), "diff", name))
		require.NoError(t, err)
		return cluster.Read([]manifest.Input{manifest.Text(name, string(text))})
	}
	snapshot := read("cluster.yaml")
	current := convert.Read(snapshot, "")
	result, problems := convert.Convert(current, convert.Options{Version: cluster.Latest})
	require.Empty(t, problems)
	edited, problems := meshtrace.Read(read("edited.yaml"))
	require.Empty(t, problems)
	before := envoydiff.State{Legacy: current.Meshes, Policies: current.Existing}

	var out bytes.Buffer
	p := NewPrinter(&out, 80, true)
	p.Result(snapshot, result)
	found := &Diff{Comparisons: []*envoydiff.Comparison{envoydiff.Compare(snapshot, before, envoydiff.State{Policies: edited}, envoydiff.Options{Version: cluster.Latest})}}
	require.NoError(t, diffText(p, found))

	text := out.String()
	assert.NotContains(t, text, "\uFFFD")
	assert.Contains(t, text, "\x1b[")
	assert.Contains(t, escape.ReplaceAllString(text, ""), "different  3 proxies of 2 TrafficTraces: another sampling")
	for line := range strings.Lines(escape.ReplaceAllString(text, "")) {
		assert.LessOrEqual(t, plain.Width(strings.TrimSuffix(line, "\n")), 80, "%q", line)
	}

	out.Reset()
	p.colour = false
	p.Result(snapshot, result)
	assert.NotContains(t, out.String(), "\x1b", "NO_COLOR")
}
