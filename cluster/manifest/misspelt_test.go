package manifest_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster/manifest"
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
