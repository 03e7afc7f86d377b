package envoydiff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster/lists"
)

// Cause is the proxies that have one verdict and differ in the same codes.
type Cause struct {
	Verdict       Verdict
	Codes         []Code // worst first
	Proxies       []*Proxy
	TrafficTraces int      // number of those that decide on the proxies before
	Fields        []*Field // worst first
}

// Sources returns the sources of the proxies, without repetitions, in their order.
func (c *Cause) Sources() []string {
	var sources []string
	seen := make(map[string]bool)
	for _, p := range c.Proxies {
		if source := p.Source(); source != "" && !seen[source] {
			seen[source] = true
			sources = append(sources, source)
		}
	}
	return sources
}

// Field is a field that differs, with all its values.
type Field struct {
	Code   Code
	Path   string // of several proxies: without listeners' names
	Values []*Value
}

// Value is a value of a field before and after, and the number of proxies that have it.
type Value struct {
	Before, After string
	Proxies       int
}

// Causes returns the causes of proxies that are inherent, unknown or different, worst
// verdict first, then by the number of proxies.
func Causes(comparisons ...*Comparison) []*Cause {
	type name struct {
		verdict Verdict
		codes   string
	}
	byName := make(map[name]*gathering)
	known := make(map[**Difference]*differenceList) // proxies share most lists
	var order []*gathering
	for _, p := range All(comparisons) {
		if p.Verdict == Same || p.Verdict == Accepted {
			continue
		}
		list := known[&p.Differences[0]]
		if list == nil {
			list = newList(p.Differences)
			known[&p.Differences[0]] = list
		}
		g := byName[name{p.Verdict, list.name}]
		if g == nil {
			g = newGathering(p.Verdict, list.codes)
			byName[name{p.Verdict, list.name}] = g
			order = append(order, g)
		}
		g.add(p, list)
	}
	causes := lists.Each(order, (*gathering).cause)
	slices.SortStableFunc(causes, (*Cause).Compare)
	return causes
}

// Compare returns a negative number if c comes before other, and a positive one if after it:
// the worst verdict first, then the most proxies.
func (c *Cause) Compare(other *Cause) int {
	return cmp.Or(other.Verdict.Compare(c.Verdict), cmp.Compare(len(other.Proxies), len(c.Proxies)))
}

// differenceList is the differences of proxies, without listeners' names, which contain
// addresses of the proxy.
type differenceList struct {
	codes       []Code
	name        string // of the codes
	differences []*Difference
}

func newList(differences []*Difference) *differenceList {
	l := &differenceList{differences: sorted(lists.Each(differences, func(d *Difference) *Difference {
		general := *d
		general.Listener = ""
		return &general
	}))}
	for _, d := range l.differences {
		if !slices.Contains(l.codes, d.Code) {
			l.codes = append(l.codes, d.Code)
		}
	}
	slices.SortFunc(l.codes, func(a, b Code) int { return cmp.Or(Codes[b].Compare(Codes[a]), cmp.Compare(a, b)) })
	l.name = strings.Join(lists.Words(l.codes), " ")
	return l
}

// gathering is a cause whose proxies are not complete.
type gathering struct {
	Cause
	lists  map[*differenceList]int // number of proxies
	order  []*differenceList
	traces map[[2]string]bool // mesh and name
}

func newGathering(verdict Verdict, codes []Code) *gathering {
	return &gathering{
		Cause: Cause{Verdict: verdict, Codes: codes}, lists: make(map[*differenceList]int), traces: make(map[[2]string]bool),
	}
}

func (g *gathering) add(p *Proxy, list *differenceList) {
	g.Proxies = append(g.Proxies, p)
	if g.lists[list] == 0 {
		g.order = append(g.order, list)
	}
	g.lists[list]++
	if p.Before != nil && p.Before.Pair != nil {
		g.traces[[2]string{p.Mesh, p.Before.Pair.Name}] = true
	}
}

// cause returns the cause with its fields.
func (g *gathering) cause() *Cause {
	g.TrafficTraces = len(g.traces)
	if len(g.Proxies) == 1 { // whose listeners' names say more
		for _, d := range sorted(slices.Clone(g.Proxies[0].Differences)) {
			g.Fields = append(g.Fields, &Field{d.Code, d.Path(), []*Value{{d.Before, d.After, 1}}})
		}
		return &g.Cause
	}
	type name struct {
		code Code
		path string
	}
	fields := make(map[name]*Field)
	values := make(map[Difference]*Value)
	for _, list := range g.order {
		for _, d := range list.differences {
			f := fields[name{d.Code, d.Path()}]
			if f == nil {
				f = &Field{Code: d.Code, Path: d.Path()}
				fields[name{d.Code, d.Path()}] = f
				g.Fields = append(g.Fields, f)
			}
			if values[*d] == nil {
				values[*d] = &Value{Before: d.Before, After: d.After}
				f.Values = append(f.Values, values[*d])
			}
			values[*d].Proxies += g.lists[list]
		}
	}
	slices.SortStableFunc(g.Fields, func(a, b *Field) int {
		return cmp.Or(Codes[b.Code].Compare(Codes[a.Code]), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Code, b.Code))
	})
	for _, f := range g.Fields {
		slices.SortStableFunc(f.Values, func(a, b *Value) int { return cmp.Compare(b.Proxies, a.Proxies) })
	}
	return &g.Cause
}

// contentOf returns equal text for lists of equal differences.
func contentOf(differences []*Difference) string {
	var content strings.Builder
	for _, d := range differences {
		fmt.Fprintf(&content, "%s\x00%s\x00%s\x00%s\x00", d.Code, d.Path(), d.Before, d.After)
	}
	return content.String()
}
