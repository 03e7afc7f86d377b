package html

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster/lists"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

// picture shows how many proxies move from which collector to which. It is drawn for a
// wide and for a narrow page, because scaling a picture also scales its text.
type picture struct {
	Label  string // the bands in words
	Wide   drawing
	Narrow drawing
	Ways   []way
	Key    []envoydiff.Verdict // those of the bands, the worst first
}

// way is the proxies with one verdict that move from one collector to another: a band,
// and a row of the table below the picture.
type way struct {
	Before, After string
	Verdict       envoydiff.Verdict // the worst
	Proxies       int
	Rest          int // number of ways that it sums up; 0 for a single way
	verdicts      map[envoydiff.Verdict]int
}

// maxWays is the number of bands.
const maxWays = 10

// nowhere is the collector of a proxy that sends no traces.
const nowhere = "nowhere"

// newPicture draws where proxies send their traces today and after the migration.
func newPicture(proxies []report.Proxy) *picture {
	ways := sumUpWays(waysOf(proxies))
	if len(ways) == 0 {
		return nil
	}
	p := &picture{Ways: ways, Label: "Where proxies send their traces today and after the migration"}
	for i := range ways {
		p.Label += ". " + plain.Capitalise(ways[i].String())
		if !slices.Contains(p.Key, ways[i].Verdict) {
			p.Key = append(p.Key, ways[i].Verdict)
		}
	}
	p.Wide = draw(ways, measures{width: 1000, label: 330, bar: 12, words: true})
	p.Narrow = draw(ways, measures{width: 340, label: 116, bar: 8})
	return p
}

// waysOf counts the proxies of each way, the worst way first.
func waysOf(proxies []report.Proxy) []way {
	type ends struct {
		before, after string
		verdict       envoydiff.Verdict
	}
	count := make(map[ends]int)
	for i := range proxies {
		p := &proxies[i]
		count[ends{p.Target, p.TargetAfter, shownVerdict(p.Verdict, codesOf(p.Differences))}]++
	}
	ways := make([]way, 0, len(count))
	for e, n := range count {
		ways = append(ways, way{
			Before: cleanText(e.before), After: cleanText(e.after), Verdict: e.verdict, Proxies: n,
			verdicts: map[envoydiff.Verdict]int{e.verdict: n},
		})
	}
	slices.SortFunc(ways, func(a, b way) int {
		return cmp.Or(
			compareVerdicts(b.Verdict, a.Verdict), cmp.Compare(b.Proxies, a.Proxies), cmp.Compare(a.Before, b.Before), cmp.Compare(a.After, b.After),
		)
	})
	return ways
}

// sumUpWays keeps the most important ways, and sums up the others as one.
func sumUpWays(ways []way) []way {
	if len(ways) <= maxWays {
		return ways
	}
	kept := slices.Clone(ways[:maxWays-1])
	others := ways[maxWays-1:]
	name := convert.Number(len(others)) + " other ways"
	rest := way{Before: name, After: name, Rest: len(others), Verdict: others[0].Verdict, verdicts: make(map[envoydiff.Verdict]int)}
	for i := range others {
		rest.Proxies += others[i].Proxies
		rest.verdicts[others[i].Verdict] += others[i].Proxies
	}
	return append(kept, rest)
}

// String returns the way in words.
func (w *way) String() string {
	proxies := convert.Plural(w.Proxies, "proxy")
	switch {
	case w.Rest > 0:
		return fmt.Sprintf("%s: %s, %s", w.Before, proxies, w.Mix())
	case w.Verdict == failed:
		return fmt.Sprintf("%s, error: the backend cannot work", proxies)
	case w.Before == nowhere && w.After == nowhere:
		return fmt.Sprintf("%s, %s: no traces today or afterwards", proxies, w.Verdict)
	case w.Before == w.After:
		return fmt.Sprintf("%s, %s: to %s today and afterwards", proxies, w.Verdict, w.Before)
	}
	return fmt.Sprintf("%s, %s: from %s to %s", proxies, w.Verdict, w.Before, w.After)
}

// Mix returns the verdicts of a way, the worst first: "1 different, 20 same".
func (w *way) Mix() string {
	verdicts := slices.SortedFunc(maps.Keys(w.verdicts), func(a, b envoydiff.Verdict) int { return compareVerdicts(b, a) })
	parts := lists.Each(verdicts, func(v envoydiff.Verdict) string { return convert.Number(w.verdicts[v]) + " " + string(v) })
	return strings.Join(parts, ", ")
}
