package manifest_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster/manifest"
	"tracemigrate/fixtures"
)

// A misspelt key is named, and no key that a newer version may know.
func TestMisspelt(t *testing.T) {
	known := []string{"inbound", "outbound", "gateway", "address", "tags", "conf"}
	tests := map[string]struct {
		text string
		want bool
	}{
		"one letter more":       {text: "inbounds: x", want: true},
		"two letters of a long": {text: "inbuond: x", want: true},
		"two letters swapped":   {text: "cofn: x", want: true},
		"case":                  {text: "Tags: x", want: true},
		"underscore":            {text: "in_bound: x", want: true},
		"one letter less":       {text: "tag: x", want: true},
		"two of a short":        {text: "flags: x"},
		"a known one exists":    {text: "inbounds: x\ninbound: y"},
		"another word":          {text: "transparentProxying: x"},
		"a longer word":         {text: "advertisedAddress: x"},
		"no word":               {text: "'': x"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, problems := manifest.Read(slices.Values([]manifest.Input{manifest.Text("a", "kind: A\n"+test.text+"\n")}),
				func(string, string) bool { return true },
				func(doc *manifest.Document, list []bool) []bool {
					found := false
					for key := range doc.Root.Pairs() {
						found = found || doc.Root.IsMisspelt(key.Text, slices.Values(known))
					}
					return append(list, found)
				})
			require.Empty(t, problems)
			assert.Equal(t, []bool{test.want}, got)
		})
	}
}

// Every key with as many random edits as a misspelt one may have is recognised.
func TestMisspeltAtRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(fixtures.Seed(t), 0))
	edits := map[string]int{"port": 1, "tags": 1, "address": 2, "inbound": 2, "selectors": 2, "creationTimestamp": 2}
	for range 20_000 {
		for key, most := range edits {
			word := []byte(key)
			for range 1 + random.IntN(most) {
				at, letter := random.IntN(len(word)), byte('a'+random.IntN(26))
				switch random.IntN(3) {
				case 0:
					word[at] = letter
				case 1:
					word = slices.Delete(word, at, at+1)
				case 2:
					word = slices.Insert(word, at, letter)
				}
			}
			if string(word) == key {
				continue
			}
			if !(&manifest.Node{Kind: manifest.Mapping}).IsMisspelt(string(word), slices.Values([]string{key})) {
				t.Fatalf("%q is not recognised as a misspelt %s", word, key)
			}
		}
	}
}
