package html

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

// A picture has so many flows, and says what it leaves out: that is the least
// important, and no proxy is lost.
func TestPicture(t *testing.T) {
	var flows []report.Flow
	for mesh := range maxPictures + 3 {
		for i := range 100 {
			verdict := envoydiff.Same
			if mesh == 14 && i == 99 {
				verdict = envoydiff.Different
			}
			flows = append(flows, report.Flow{Mesh: fmt.Sprintf("mesh-%02d", mesh), Before: fmt.Sprintf("TrafficTrace \"t%d\"", i), After: fmt.Sprintf("MeshTrace \"m%d\"", i/3), Verdict: verdict, Proxies: 100 - i})
		}
	}
	pictures, more := newPictures(flows)
	require.Len(t, pictures, maxPictures)
	assert.Equal(t, 3, more)
	first := pictures[0]
	assert.Equal(t, "mesh-14", first.Mesh, "what differs is drawn first")
	assert.Equal(t, 5050, first.Proxies)
	require.Len(t, first.Flows, maxFlows+1)
	assert.Equal(t, envoydiff.Different, first.Flows[0].Verdict)
	assert.Equal(t, "70 more", first.Flows[maxFlows].After)
	sum := 0
	for _, flow := range first.Flows {
		sum += flow.Proxies
	}
	assert.Equal(t, first.Proxies, sum)
	for _, drawing := range []drawing{first.Wide, first.Narrow} {
		assert.Len(t, drawing.Ribbons, maxFlows+1)
		assert.Contains(t, drawing.Ribbons[len(drawing.Ribbons)-1].Title, "1 proxy, different: from TrafficTrace")
		assert.NotContains(t, fmt.Sprint(drawing), "NaN")
	}
}

func TestWrap(t *testing.T) {
	assert.Equal(t, []string{`MeshTrace`, `"a-name"`}, wrap(`MeshTrace "a-name"`, 10))
	assert.Equal(t, []string{"a", "bcdefghijk", "lmnopqrst\u2026"}, wrap("a bcdefghijklmnopqrstuvwxyz", 10))
	assert.Equal(t, []string{"\u4e2d\u4e2d", "\u4e2d"}, wrap("\u4e2d\u4e2d\u4e2d", 4), "wide characters are two columns")
	assert.Equal(t, []string{""}, wrap("", 10))
}
