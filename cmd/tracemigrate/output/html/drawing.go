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

const (
	nameSize = 13.5 // font sizes, as in the style
	metaSize = 12.0
	leading  = 17.0
)

// draw lays out ways.
func draw(flows []way, layout measures) drawing {
	total := 0
	for i := range flows {
		total += flows[i].Proxies
	}
	const least = 17.0                          // room for a label
	full := 70 + 25*float64(min(len(flows), 6)) // of all proxies together
	thickness := func(flow *way) float64 {
		return max(least, full*float64(flow.Proxies)/float64(max(total, 1)))
	}
	left, right := side{byName: make(map[string]*bar)}, side{byName: make(map[string]*bar)}
	for i := range flows {
		left.add(flows[i].Before, &flows[i], thickness(&flows[i]))
		right.add(flows[i].After, &flows[i], thickness(&flows[i]))
	}
	height := left.place(layout)
	// The order on the right follows the ribbons.
	for i := range flows {
		from, to := left.byName[flows[i].Before], right.byName[flows[i].After]
		to.pull += (from.y + from.height/2) * float64(flows[i].Proxies) / float64(max(to.total, 1))
	}
	height = max(height, right.place(layout))

	d := drawing{Width: layout.width, Height: int(height) + 10}
	edge := layout.label + layout.bar
	d.Ribbons = joinBars(flows, left.byName, right.byName, thickness, layout, float64(edge), float64(layout.width-edge))
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

// add adds a flow to the bar of a name.
func (s *side) add(name string, flow *way, thickness float64) {
	b := s.byName[name]
	if b == nil {
		b = &bar{name: name, proxies: make(map[envoydiff.Verdict]int)}
		s.byName[name] = b
		s.bars = append(s.bars, b)
	}
	b.total += flow.Proxies
	b.rest = min(flow.Rest, 1)
	if compareVerdicts(flow.Verdict, b.worst) > 0 {
		b.worst = flow.Verdict
	}
	for verdict, n := range flow.verdicts {
		b.proxies[verdict] += n
	}
	b.height += thickness
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
func joinBars(flows []way, left, right map[string]*bar, thickness func(*way) float64, layout measures, leftX, rightX float64) []ribbon {
	byRight, byLeft := make([]*way, 0, len(flows)), make([]*way, 0, len(flows))
	for i := range flows {
		byRight, byLeft = append(byRight, &flows[i]), append(byLeft, &flows[i])
	}
	slices.SortStableFunc(byRight, func(a, b *way) int { return cmp.Compare(right[a.After].y, right[b.After].y) })
	slices.SortStableFunc(byLeft, func(a, b *way) int { return cmp.Compare(left[a.Before].y, left[b.Before].y) })
	fromY, toY := make(map[*way]float64), make(map[*way]float64)
	for _, flow := range byRight {
		fromY[flow] = left[flow.Before].nextRibbon(thickness(flow))
	}
	for _, flow := range byLeft {
		toY[flow] = right[flow.After].nextRibbon(thickness(flow))
	}
	ribbons := make([]ribbon, 0, len(flows))
	for i := range flows {
		flow := &flows[i]
		text := convert.Number(flow.Proxies)
		if layout.words && flow.Rest == 0 {
			text += " " + string(flow.Verdict)
		}
		ribbons = append(ribbons, ribbon{
			Path:    ribbonPath(leftX, fromY[flow], rightX, toY[flow], thickness(flow)),
			Verdict: flow.Verdict, Title: flow.String(),
			X: px(leftX + 7), Y: px(fromY[flow] + thickness(flow)/2 + 4), Text: text,
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
