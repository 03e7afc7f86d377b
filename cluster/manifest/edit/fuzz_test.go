package edit

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"tracemigrate/fixtures"
)

// script records operations that bytes choose, and returns the number of insertions.
func script(f *File, choices []byte) (inserted int) {
	next := func(n int) int {
		if len(choices) == 0 || n <= 0 {
			return 0
		}
		c := int(choices[0])
		choices = choices[1:]
		return c % n
	}
	for len(choices) > 0 && len(f.Documents()) > 0 {
		d := f.Documents()[next(len(f.Documents()))]
		path := walkBy(d.Root, next)
		switch next(8) {
		case 0:
			d.Remove()
		case 1, 2:
			if d.Insert([]string{"x.yaml", "on", "a: b", "#", "", "a,b", "x\ny", "é\u2028"}[next(8)], append(path, next(3))...) == nil {
				inserted++
			}
		case 3:
			if d.Insert("x", append(path, "new", 0)...) == nil {
				inserted++
			}
		case 4:
			if inner, err := d.Embedded(path...); err == nil {
				inserted += script(inner, choices)
				return inserted
			}
		default:
			if len(path) > 0 {
				_ = d.RemoveAt(path...)
			}
		}
	}
	return inserted
}

// walkBy returns the path of a node that next chooses.
func walkBy(n *yaml.Node, next func(int) int) (path []any) {
	for {
		all := entries(n)
		if len(all) == 0 || len(path) > 0 && next(3) == 0 {
			return path
		}
		i := next(len(all))
		if n.Kind == yaml.SequenceNode {
			path = append(path, i)
		} else {
			path = append(path, all[i].first.Value)
		}
		n = all[i].value
	}
}

// requireSound checks what holds for every text and script.
func requireSound(t *testing.T, text, choices []byte) (refused bool) {
	t.Helper()
	f, err := Parse("f", text)
	if err != nil {
		return false
	}
	same, err := f.Bytes()
	require.NoError(t, err)
	require.Equal(t, text, same)
	inserted := script(f, choices)
	got, err := f.Bytes()
	if err != nil {
		require.Nil(t, got)
		return strings.Contains(err.Error(), "cannot be edited")
	}
	twice, err := f.Bytes()
	require.NoError(t, err)
	require.Equal(t, got, twice)
	show := fmt.Sprintf("--- before\n%q\n--- after\n%q", text, got)
	again, err := Parse("f", got)
	require.NoError(t, err, show)
	require.Equal(t, f.Empty(), len(again.Documents()) == 0, show)
	if inserted == 0 {
		require.True(t, isCut(text, got), show)
	}
	for _, d := range f.Documents() {
		if p := d.settle(); !p.removed && len(p.touched) == 0 && !d.odd() {
			core := text[f.offset(d.Root):d.end(d.Root, -1, false)]
			require.True(t, bytes.Contains(got, core), show)
		}
	}
	return false
}

// FuzzEdit edits any text: without a panic, to an error or a text that is correct.
func FuzzEdit(f *testing.F) {
	for _, text := range []string{
		"a: 1\nt:\n  x: [1, 2]\n---\n- b\n- - c\n  - d\n", "{\"a\": {\"b\": null}, \"c\": [1]}", "p:\n- patch: |-\n    a: 1\n    b: 2\n  target: {}\n",
		"%YAML 1.1\n---\na: &x {b: 1}\nc: *x\n...\n# end", "\ufeffa: 1\r\nb: |+\r\n  x\r\n\r\n--- # c\r\nl:\r\n- 1", "? a\n: - b\n? [c]\n: d\n",
		"a: 'x\u2028y'\nb: 1\n", "a: 1\rb: 2\n", "a: [b: c, ? d : e,]\n", "-\t-\ta\n", "! a: !!null\nb: ! \n", "a: >1\n  x\n\n # y\n",
	} {
		f.Add([]byte(text), []byte{0, 1, 2, 3, 4, 5, 6, 7})
		f.Add([]byte(text), []byte{1, 0, 7, 1, 1, 6, 0, 1, 5})
	}
	f.Fuzz(func(t *testing.T, text, choices []byte) { requireSound(t, text, choices) })
}

// TestRandomScripts edits random manifests with all operations.
func TestRandomScripts(t *testing.T) {
	withoutRace.Skip(t)
	random := rand.New(rand.NewPCG(fixtures.Seed(t), 1))
	refused := 0
	const runs = 1000
	for range runs {
		text := []byte((&writer{Rand: random}).file())
		choices := make([]byte, random.IntN(16))
		for i := range choices {
			choices[i] = byte(random.IntN(256))
		}
		if requireSound(t, text, choices) {
			refused++
		}
	}
	t.Logf("%d of %d refused", refused, runs)
	require.Less(t, refused, 3)
}
