package html

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// drawing is a picture's geometry.
type drawing struct {
	Width, Height int
	Nodes         []node
	Ribbons       []ribbon
}

// node is a bar and its label.
type node struct {
	X, Y, Width, Height string
	Class               string // nowhere or collector
	Title               string
	Lines               []textLine
}

// textLine is a line of a label.
type textLine struct {
	X, Y          string
	Class, Anchor string
	Text          string
}

// ribbon is a band between two bars.
type ribbon struct {
	Path    string
	Verdict envoydiff.Verdict
	Title   string
	X, Y    string // of its label
	Text    string
}

// measures is the size of a drawing, in CSS pixels at its natural width.
type measures struct {
	width, label, bar int
	words             bool // a band has room for its verdict, else only for its number
}

// bar is a node while it is laid out.
type bar struct {
	name    string
	proxies map[envoydiff.Verdict]int
	worst   envoydiff.Verdict
	total   int
	height  float64 // of the bar
	y       float64
	pull    float64 // mean position of its ribbons' other ends, for the order
	rest    int     // 1: it sums up many ways, and is last
	used    float64 // height that ribbons cover
	lines   []string
	title   string

	metaLines int // the last of lines
}

// flow is a way while it is laid out: the bars that its ribbon joins, and where.
type flow struct {
	*way
	from, to              *bar
	thickness, fromY, toY float64
}

const (
	nameSize = 13.5 // font sizes, as in the style
	metaSize = 12.0
	leading  = 17.0
)

// draw lays out ways.
func draw(ways []way, layout measures) drawing {
	total := 0
	for i := range ways {
		total += ways[i].Proxies
	}
	const least = 17.0                         // room for a label
	full := 70 + 25*float64(min(len(ways), 6)) // of all proxies together
	left, right := side{byName: make(map[string]*bar)}, side{byName: make(map[string]*bar)}
	flows := make([]*flow, 0, len(ways))
	for i := range ways {
		f := &flow{way: &ways[i], thickness: max(least, full*float64(ways[i].Proxies)/float64(max(total, 1)))}
		f.from, f.to = left.add(f.Before, f), right.add(f.After, f)
		flows = append(flows, f)
	}
	height := left.place(layout)
	// The order on the right follows the ribbons.
	for _, f := range flows {
		f.to.pull += (f.from.y + f.from.height/2) * float64(f.Proxies) / float64(max(f.to.total, 1))
	}
	height = max(height, right.place(layout))

	d := drawing{Width: layout.width, Height: int(height) + 10, Ribbons: joinBars(flows, layout)}
	for _, b := range left.bars {
		d.Nodes = append(d.Nodes, b.node(layout, false))
	}
	for _, b := range right.bars {
		d.Nodes = append(d.Nodes, b.node(layout, true))
	}
	return d
}

// side is the bars on the left or on the right of a drawing.
type side struct {
	byName map[string]*bar
	bars   []*bar
}

// add adds a flow to the bar of a name, and returns the bar.
func (s *side) add(name string, f *flow) *bar {
	b := s.byName[name]
	if b == nil {
		b = &bar{name: name, proxies: make(map[envoydiff.Verdict]int)}
		s.byName[name] = b
		s.bars = append(s.bars, b)
	}
	b.total += f.Proxies
	b.rest = min(f.Rest, 1)
	if compareVerdicts(f.Verdict, b.worst) > 0 {
		b.worst = f.Verdict
	}
	for verdict, n := range f.verdicts {
		b.proxies[verdict] += n
	}
	b.height += f.thickness
	return b
}

// place orders the bars, sets their positions, and returns the height of the side.
func (s *side) place(layout measures) float64 {
	slices.SortFunc(s.bars, func(a, b *bar) int {
		return cmp.Or(
			cmp.Compare(a.rest, b.rest), cmp.Compare(a.pull, b.pull), compareVerdicts(b.worst, a.worst),
			cmp.Compare(b.total, a.total), cmp.Compare(a.name, b.name),
		)
	})
	const gap = 16.0
	y := 0.0
	for _, b := range s.bars {
		b.lines = wrap(b.name, int(float64(layout.label)/(nameSize*0.64)))
		b.lines = append(b.lines, b.meta(layout)...)
		slot := max(b.height, leading*float64(len(b.lines)))
		b.y = y + (slot-b.height)/2
		y += slot + gap
	}
	return max(y-gap, 0)
}

// joinBars returns the ribbons between bars. The ribbons of one bar do not cross.
func joinBars(flows []*flow, layout measures) []ribbon {
	byRight, byLeft := slices.Clone(flows), slices.Clone(flows)
	slices.SortStableFunc(byRight, func(a, b *flow) int { return cmp.Compare(a.to.y, b.to.y) })
	slices.SortStableFunc(byLeft, func(a, b *flow) int { return cmp.Compare(a.from.y, b.from.y) })
	for _, f := range byRight {
		f.fromY = f.from.nextRibbon(f.thickness)
	}
	for _, f := range byLeft {
		f.toY = f.to.nextRibbon(f.thickness)
	}
	leftX, rightX := float64(layout.label+layout.bar), float64(layout.width-layout.label-layout.bar)
	ribbons := make([]ribbon, 0, len(flows))
	for _, f := range flows {
		text := convert.Number(f.Proxies)
		if layout.words && f.Rest == 0 {
			text += " " + string(f.Verdict)
		}
		ribbons = append(ribbons, ribbon{
			Path: ribbonPath(leftX, f.fromY, rightX, f.toY, f.thickness), Verdict: f.Verdict, Title: f.String(),
			X: px(leftX + 7), Y: px(f.fromY + f.thickness/2 + 4), Text: text,
		})
	}
	slices.Reverse(ribbons) // the most important is drawn last, on top
	return ribbons
}

// nextRibbon returns the position of the next ribbon of a bar.
func (b *bar) nextRibbon(thickness float64) float64 {
	y := b.y + b.used
	b.used += thickness
	return y
}

// ribbonPath returns the SVG path of a ribbon between two points.
func ribbonPath(leftX, from, rightX, to, thickness float64) string {
	middle := px((leftX + rightX) / 2)
	return fmt.Sprintf("M%s %sC%s %s %s %s %s %sV%sC%s %s %s %s %s %sZ",
		px(leftX), px(from), middle, px(from), middle, px(to), px(rightX), px(to), px(to+thickness),
		middle, px(to+thickness), middle, px(from+thickness), px(leftX), px(from+thickness))
}

// px formats a length with one digit, which is finer than a pixel.
func px(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// meta returns the lines below the name: the number of proxies and their verdicts.
func (b *bar) meta(layout measures) []string {
	text := convert.Plural(b.total, "proxy")
	for _, verdict := range []envoydiff.Verdict{failed, envoydiff.Different, envoydiff.Unknown, envoydiff.Inherent} {
		switch n := b.proxies[verdict]; {
		case n == 0:
		case b.total == 1:
			text += ", " + string(verdict)
		case n == b.total:
			text += ", all " + string(verdict)
		default:
			text += fmt.Sprintf(", %s %s", convert.Number(n), verdict)
		}
	}
	b.title = b.name + ": " + text
	lines := wrap(text, int(float64(layout.label)/(metaSize*0.56)))
	b.metaLines = len(lines)
	return lines
}

// node returns the bar and its label, which is beside it, away from the bands.
func (b *bar) node(layout measures, onRight bool) node {
	n := node{Y: px(b.y), Width: strconv.Itoa(layout.bar), Height: px(b.height), Class: "collector", Title: b.title}
	if b.name == nowhere {
		n.Class = nowhere
	}
	const gap = 8
	anchor, x, textX := "end", layout.label, layout.label-gap
	if onRight {
		anchor, x = "start", layout.width-layout.label-layout.bar
		textX = x + layout.bar + gap
	}
	n.X = strconv.Itoa(x)
	y := b.y + b.height/2 - leading*float64(len(b.lines))/2 + nameSize - 1
	for i, line := range b.lines {
		class := "name"
		if i >= len(b.lines)-b.metaLines {
			class = "meta"
		}
		n.Lines = append(n.Lines, textLine{X: strconv.Itoa(textX), Y: px(y), Class: class, Anchor: anchor, Text: line})
		y += leading
	}
	return n
}

// wrap breaks a text into at most three lines of at most columns each.
func wrap(s string, columns int) []string {
	const most = 3
	var lines []string
	line, used := "", 0
	flush := func() {
		lines = append(lines, line)
		line, used = "", 0
	}
	for word := range wordsOf(s) {
		if used > 0 && used+plain.Width(strings.TrimSuffix(word, " ")) > columns {
			flush()
		}
		for _, r := range word {
			w := plain.Width(string(r))
			if used+w > columns && r != ' ' {
				flush()
			}
			line, used = line+string(r), used+w
		}
	}
	if line != "" || len(lines) == 0 {
		flush()
	}
	if len(lines) > most {
		lines = lines[:most]
		last := []rune(strings.TrimRight(lines[most-1], " "))
		// A part of a number would be another number.
		lines[most-1] = strings.TrimRight(string(last[:max(len(last)-1, 0)]), "0123456789, ") + "\u2026"
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// wordsOf yields the parts of a text between which a line may end: after a space, and
// after what separates the parts of a host's name.
func wordsOf(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for s != "" {
			end := strings.IndexAny(s, " .-:/") + 1
			if end == 0 {
				end = len(s)
			}
			if !yield(s[:end]) {
				return
			}
			s = s[end:]
		}
	}
}
