package edit

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"tracemigrate/fixtures"
)

func isTarget(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && strings.HasPrefix(n.Value, "t") && strings.Trim(n.Value[1:], "0123456789") == ""
}

// targets returns the paths of the entries to remove.
func targets(n *yaml.Node, path []any) (paths [][]any) {
	for i, e := range entries(n) {
		step := any(i)
		if n.Kind == yaml.MappingNode {
			step = e.first.Value
		}
		deeper := append(append([]any{}, path...), step)
		if isTarget(e.first) {
			paths = append(paths, deeper)
			continue
		}
		paths = append(paths, targets(e.value, deeper)...)
	}
	return paths
}

// pruned is n as data, without targets and what they leave empty; gone without any.
type gone struct{}

func pruned(n *yaml.Node) any {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := [][2]any{}
		for _, e := range entries(n) {
			if v := pruned(e.value); !isTarget(e.first) && v != any(gone{}) {
				m = append(m, [2]any{e.first.Value, v})
			}
		}
		if len(m) == 0 && len(n.Content) > 0 {
			return gone{}
		}
		return m
	case yaml.SequenceNode:
		l := []any{}
		for _, e := range entries(n) {
			v := pruned(e.value)
			if _, empty := v.(gone); !empty && !isTarget(e.first) {
				l = append(l, v)
			}
		}
		if len(l) == 0 && len(n.Content) > 0 {
			return gone{}
		}
		return l
	}
	return n.Tag + " " + n.Value
}

func prunedAll(t *testing.T, text []byte) (all []any) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var n yaml.Node
		if err := decoder.Decode(&n); err != nil {
			require.ErrorContains(t, err, "EOF", "%s", text)
			return all
		}
		if c := n.Content[0]; c.Kind == yaml.ScalarNode && c.Value == "" {
			continue
		}
		if v := pruned(n.Content[0]); v != any(gone{}) {
			all = append(all, v)
		}
	}
}

func format(v any) string { return fmt.Sprintf("%v", v) }

var (
	owned   = regexp.MustCompile(`# (?:above|line|inner) (\S+)\.`)
	comment = regexp.MustCompile(`#.*`)
	blanks  = regexp.MustCompile(`(?:\n[ \t\r]*)+\n`)
	word    = regexp.MustCompile(`[^\s"',:{}\[\]]+`)
)

// isCut reports whether short is long without some of its bytes.
func isCut(long, short []byte) bool {
	for _, c := range short {
		i := bytes.IndexByte(long, c)
		if i < 0 {
			return false
		}
		long = long[i+1:]
	}
	return true
}

func TestRandomRemovals(t *testing.T) {
	withoutRace.Skip(t)
	random := rand.New(rand.NewPCG(fixtures.Seed(t), 0))
	count := map[string]int{}
	shortest := "" // text that was refused
	for range 1500 {
		text := []byte((&writer{Rand: random}).file())
		f, err := Parse("f", text)
		require.NoError(t, err, "%s", text)
		n := 0
		for _, d := range f.Documents() {
			for _, path := range targets(d.Root, nil) {
				require.NoError(t, d.RemoveAt(path...))
				n++
			}
		}
		if n == 0 {
			continue
		}
		got, err := f.Bytes()
		if err != nil {
			kind := "refused"
			if strings.Contains(err.Error(), "the anchor &") {
				kind = "anchor"
			} else if shortest == "" || len(text) < len(shortest) {
				shortest = string(text)
			}
			count[kind]++
			continue
		}
		count["edited"]++
		requireRemoved(t, f, text, got)
	}
	t.Log(count, shortest)
	require.Greater(t, count["edited"], 1000)
	require.Less(t, count["refused"], 3, "of %d", count["edited"])
}

func requireRemoved(t *testing.T, f *File, text, got []byte) {
	t.Helper()
	show := fmt.Sprintf("--- before\n%s\n--- after\n%s\n---", text, got)
	require.True(t, isCut(text, got), show)
	want := prunedAll(t, text)
	require.Equal(t, format(want), format(prunedAll(t, got)), show)
	require.Equal(t, len(want) == 0, f.Empty(), show)
	again, err := Parse("f", got)
	require.NoError(t, err, show)
	for _, d := range again.Documents() {
		require.Empty(t, targets(d.Root, nil), show)
	}
	names := map[string]bool{}
	for _, name := range word.FindAllString(comment.ReplaceAllString(strings.TrimPrefix(string(got), byteOrderMark), ""), -1) {
		names[name] = true
	}
	for _, m := range owned.FindAllStringSubmatch(string(text), -1) {
		want := 0
		if names[m[1]] {
			want = bytes.Count(text, []byte(m[0]))
		}
		require.Equal(t, want, bytes.Count(got, []byte(m[0])), "%s\n%s", m[0], show)
	}
	require.LessOrEqual(t, longest(blanks.FindAll(got, -1)), longest(blanks.FindAll(text, -1))+2, show)
}

// longest returns the most lines of any text.
func longest(texts [][]byte) (most int) {
	for _, text := range texts {
		most = max(most, bytes.Count(text, []byte("\n")))
	}
	return most
}
