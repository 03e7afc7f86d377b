package html

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

// waysTo has a proxy and then more for each collector that is replaced.
func waysTo(ways int, verdict envoydiff.Verdict) []report.Proxy {
	var proxies []report.Proxy
	for i := range ways {
		for range i + 1 {
			proxies = append(proxies, report.Proxy{
				Target: fmt.Sprintf("old-%d:9411", i), TargetAfter: fmt.Sprintf("new-%d:9411", i/3), Verdict: verdict,
			})
		}
	}
	return proxies
}

// A picture has at most ten bands, the worst first, and the last sums up the others: no
// proxy is missing, in the bands, the table or the text.
func TestPicture(t *testing.T) {
	worst := report.Proxy{Target: "old:1", TargetAfter: nowhere, Verdict: envoydiff.Different}
	for _, test := range []struct {
		name    string
		proxies []report.Proxy
		bands   int
		first   string
		last    string
	}{
		{
			name: "one way", proxies: waysTo(1, envoydiff.Same), bands: 1,
			first: "1 proxy, same: from old-0:9411 to new-0:9411", last: "1 proxy, same: from old-0:9411 to new-0:9411",
		},
		{
			name: "ten ways", proxies: append(waysTo(9, envoydiff.Same), worst), bands: 10,
			first: "1 proxy, different: from old:1 to nowhere", last: "1 proxy, same: from old-0:9411 to new-0:9411",
		},
		{
			name: "eleven ways", proxies: append(waysTo(10, envoydiff.Same), worst), bands: 10,
			first: "1 proxy, different: from old:1 to nowhere", last: "2 other ways: 3 proxies, 3 same",
		},
		{
			name: "many ways", proxies: append(waysTo(40, envoydiff.Inherent), worst), bands: 10,
			first: "1 proxy, different: from old:1 to nowhere", last: "32 other ways: 528 proxies, 528 inherent",
		},
		{
			name: "mixed rest", proxies: append(waysTo(40, envoydiff.Same), waysTo(12, envoydiff.Different)...), bands: 10,
			first: "12 proxies, different: from old-11:9411 to new-3:9411", last: "43 other ways: 826 proxies, 6 different, 820 same",
		},
		{
			name: "nothing moves", proxies: []report.Proxy{{Target: nowhere, TargetAfter: nowhere, Verdict: envoydiff.Same}}, bands: 1,
			first: "1 proxy, same: no traces today or afterwards", last: "1 proxy, same: no traces today or afterwards",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPicture(test.proxies)
			require.Len(t, p.Ways, test.bands)
			assert.Equal(t, test.first, p.Ways[0].String())
			last := p.Ways[len(p.Ways)-1]
			assert.Equal(t, test.last, last.String())
			sum := 0
			for i := range p.Ways {
				sum += p.Ways[i].Proxies
				assert.Contains(t, p.Label, plain.Capitalise(p.Ways[i].String()))
			}
			assert.Equal(t, len(test.proxies), sum)
			for _, drawing := range []drawing{p.Wide, p.Narrow} {
				require.Len(t, drawing.Ribbons, test.bands)
				assert.Equal(t, test.first, drawing.Ribbons[test.bands-1].Title, "drawn last, on top")
				assert.NotContains(t, fmt.Sprint(drawing), "NaN")
				assert.Equal(t, last.Before, strings.Join(nameOf(drawing, len(leftOf(p.Ways))-1), ""), "the rest is at the bottom")
			}
		})
	}
	assert.Nil(t, newPicture(nil))
}

// leftOf returns the collectors on the left.
func leftOf(ways []way) map[string]bool {
	names := make(map[string]bool)
	for i := range ways {
		names[ways[i].Before] = true
	}
	return names
}

// nameOf returns the lines of a node's name.
func nameOf(d drawing, n int) []string {
	var lines []string
	for _, line := range d.Nodes[n].Lines {
		if line.Class == "name" {
			lines = append(lines, line.Text)
		}
	}
	return lines
}

func TestWrap(t *testing.T) {
	assert.Equal(t, []string{`MeshTrace`, `"a-name"`}, wrap(`MeshTrace "a-name"`, 10))
	assert.Equal(t, []string{"a", "bcdefghijk", "lmnopqrst\u2026"}, wrap("a bcdefghijklmnopqrstuvwxyz", 10))
	assert.Equal(t, []string{"\u4e2d\u4e2d", "\u4e2d"}, wrap("\u4e2d\u4e2d\u4e2d", 4), "wide characters are two columns")
	assert.Equal(t, []string{"jaeger.", "tracing:", "9411"}, wrap("jaeger.tracing:9411", 8), "a host's name breaks after a dot")
	assert.Equal(t, []string{""}, wrap("", 10))
	assert.Equal(t, []string{"412 proxies,", "11 different,", "19 unknown\u2026"}, wrap("412 proxies, 11 different, 19 unknown, 382 inherent", 14), "no number is cut")
}
