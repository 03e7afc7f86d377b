package html

import (
	"cmp"
	"fmt"
	"slices"

	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

// picture shows how many proxies of a mesh move from which policy to which. It is drawn
// for a wide and for a narrow page, because scaling a picture also scales its text.
type picture struct {
	Mesh    string
	Proxies int
	Label   string
	Wide    drawing
	Narrow  drawing
	Flows   []flowRow
}

// flowRow is a row of the table below the picture.
type flowRow struct {
	report.Flow
	Rest int // number of flows that it sums up; 0 for a single flow
}

const (
	maxFlows    = 30 // of a mesh
	maxPictures = 12
)

// newPictures draws the flows of each mesh, the worst mesh first. It also returns the
// number of meshes without a picture: those beyond maxPictures.
func newPictures(flows []report.Flow) (pictures []*picture, more int) {
	byMesh := make(map[string]*picture)
	worst := make(map[*picture]envoydiff.Verdict)
	for _, flow := range flows {
		p := byMesh[flow.Mesh]
		if p == nil {
			p = &picture{Mesh: flow.Mesh}
			byMesh[flow.Mesh] = p
			pictures = append(pictures, p)
		}
		if flow.Verdict.Compare(worst[p]) > 0 {
			worst[p] = flow.Verdict
		}
		p.Proxies += flow.Proxies
		p.Flows = append(p.Flows, flowRow{Flow: flow})
	}
	slices.SortStableFunc(pictures, func(a, b *picture) int {
		return cmp.Or(worst[b].Compare(worst[a]), cmp.Compare(b.Proxies, a.Proxies), cmp.Compare(a.Mesh, b.Mesh))
	})
	if len(pictures) > maxPictures {
		pictures, more = pictures[:maxPictures], len(pictures)-maxPictures
	}
	for _, p := range pictures {
		p.Flows = sumUpFlows(p.Flows)
		p.Label = fmt.Sprintf("Mesh %s: which policy decides on the tracing of %s today and after the migration. "+
			"The table below has the same data.", p.Mesh, plain.Plural(p.Proxies, "proxy", "proxies"))
		p.Wide = draw(p.Flows, measures{width: 960, label: 300, bar: 12, beside: true})
		p.Narrow = draw(p.Flows, measures{width: 340, label: 166, bar: 10})
	}
	return pictures, more
}

// sumUpFlows keeps the most important flows, and sums up the rest by verdict.
func sumUpFlows(flows []flowRow) []flowRow {
	slices.SortStableFunc(flows, func(a, b flowRow) int {
		return cmp.Or(b.Verdict.Compare(a.Verdict), cmp.Compare(b.Proxies, a.Proxies))
	})
	if len(flows) <= maxFlows {
		return flows
	}
	kept := slices.Clone(flows[:maxFlows])
	for _, flow := range flows[maxFlows:] {
		last := &kept[len(kept)-1]
		if last.Rest == 0 || last.Verdict != flow.Verdict {
			kept = append(kept, flowRow{Flow: report.Flow{Mesh: flow.Mesh, Verdict: flow.Verdict}})
			last = &kept[len(kept)-1]
		}
		last.Rest++
		last.Proxies += flow.Proxies
	}
	for i := range kept {
		if kept[i].Rest > 0 {
			kept[i].Before = fmt.Sprintf("%s more", plain.Number(kept[i].Rest))
			kept[i].After = kept[i].Before
		}
	}
	return kept
}
