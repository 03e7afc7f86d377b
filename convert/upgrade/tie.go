package upgrade

import (
	"fmt"

	"tracemigrate/cluster"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
)

// undated makes the proxies unknown that keep what they have only if one of several
// TrafficTraces of equal rank decides, because the input does not have the creation times.
func (b *builder) undated() {
	meshes := legacy.ByName(b.current.Meshes)
	for _, p := range envoydiff.All(b.Comparisons) {
		if p.Before.Pair == nil || p.Verdict.Compare(envoydiff.Unknown) >= 0 {
			continue
		}
		mesh := meshes[p.Mesh].In(p.Dataplane.Zone())
		for _, i := range mesh.Highest(nil, p.Dataplane.TagSets()...) {
			pair := mesh.Pairs[i]
			if pair.Undecided(p.Before.Pair) && (mesh.BackendOf(pair.TrafficTrace) == nil) != (p.Before.Backend == nil) {
				p.Doubt(cluster.Doubt{Code: string(envoydiff.TieByCreationTime), Reason: fmt.Sprintf(
					"TrafficTraces %q and %q rank equally, and the one created last wins, but the input does not have the creation times",
					p.Before.Pair.DisplayName(), pair.DisplayName())}, b.o.Accept)
				break
			}
		}
	}
}
