package html

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert/envoydiff"
)

// drawing is a picture's geometry.
type drawing struct {
	Width, Height int
	Nodes         []node
	Ribbons       []ribbon
}

// node is a bar and the words beside it.
type node struct {
	X, Y, Width, Height string
	Class               string // nothing, policy
	Title               string
	Lines               []textLine
}

// textLine is a line of words.
type textLine struct {
	X, Y          string
	Class, Anchor string
	Text          string
}

// ribbon joins two bars.
type ribbon struct {
	Path    string
	Verdict envoydiff.Verdict
	Title   string
}

// measures is the size of a drawing, in CSS pixels at its natural width.
type measures struct {
	width, label, bar int
	beside            bool // words are beside the bars, else above them
}

// bar is a node while it is laid out.
type bar struct {
	name    string
	proxies map[envoydiff.Verdict]int
	total   int
	height  float64 // of the bar
	y       float64
	pull    float64 // mean position of its ribbons' other ends, for the order
	rest    int     // 1: it sums up many flows, and is last
	used    float64 // height that has ribbons already
	lines   []string
}

const (
	nameSize = 13.5 // font sizes, as in the style
	metaSize = 12.0
	leading  = 17.0
)

// draw lays out flows.
func draw(flows []flowRow, layout measures) drawing {
	total := 0
	for _, flow := range flows {
		total += flow.Proxies
	}
	const least = 3.0                           // a visible hairline
	full := 70 + 25*float64(min(len(flows), 6)) // of all proxies together
	thickness := func(flow *flowRow) float64 {
		return max(least, full*float64(flow.Proxies)/float64(max(total, 1)))
	}
	left, right := make(map[string]*bar), make(map[string]*bar)
	var lefts, rights []*bar
	add := func(side map[string]*bar, all *[]*bar, name string, flow *flowRow) {
		b := side[name]
		if b == nil {
			b = &bar{name: name, proxies: make(map[envoydiff.Verdict]int)}
			side[name] = b
			*all = append(*all, b)
		}
		b.total += flow.Proxies
		b.rest = min(flow.Rest, 1)
		b.proxies[flow.Verdict] += flow.Proxies
		b.height += thickness(flow)
	}
	for i := range flows {
		add(left, &lefts, flows[i].Before, &flows[i])
		add(right, &rights, flows[i].After, &flows[i])
	}
	order := func(bars []*bar) {
		slices.SortFunc(bars, func(a, b *bar) int {
			return cmp.Or(cmp.Compare(a.rest, b.rest), cmp.Compare(a.pull, b.pull), cmp.Compare(b.total, a.total), cmp.Compare(a.name, b.name))
		})
	}
	height := 0.0
	place := func(bars []*bar) {
		const gap = 16.0
		y := 0.0
		for _, b := range bars {
			b.lines = wrap(b.name, int(float64(layout.label)/(nameSize*0.64)))
			words := leading * float64(len(b.lines)+1)
			if layout.beside {
				slot := max(b.height, words)
				b.y = y + (slot-b.height)/2
				y += slot + gap
				continue
			}
			b.y = y + words + 5
			y = b.y + b.height + gap
		}
		height = max(height, y-gap)
	}
	order(lefts)
	place(lefts)
	// The order on the right follows the ribbons.
	for i := range flows {
		from, to := left[flows[i].Before], right[flows[i].After]
		to.pull += (from.y + from.height/2) * float64(flows[i].Proxies) / float64(max(to.total, 1))
	}
	order(rights)
	place(rights)

	d := drawing{Width: layout.width, Height: int(height) + 10}
	edge := 0 // of the bar on the left
	if layout.beside {
		edge = layout.label
	}
	leftX, rightX := float64(edge+layout.bar), float64(layout.width-edge-layout.bar)
	d.Ribbons = joinBars(flows, left, right, thickness, leftX, rightX)
	for _, b := range lefts {
		d.Nodes = append(d.Nodes, b.node(layout, false))
	}
	for _, b := range rights {
		d.Nodes = append(d.Nodes, b.node(layout, true))
	}
	return d
}

// joinBars returns the ribbons between bars; the ribbons of a bar do not cross.
func joinBars(flows []flowRow, left, right map[string]*bar, thickness func(*flowRow) float64, leftX, rightX float64) []ribbon {
	byRight, byLeft := make([]*flowRow, 0, len(flows)), make([]*flowRow, 0, len(flows))
	for i := range flows {
		byRight, byLeft = append(byRight, &flows[i]), append(byLeft, &flows[i])
	}
	slices.SortStableFunc(byRight, func(a, b *flowRow) int { return cmp.Compare(right[a.After].y, right[b.After].y) })
	slices.SortStableFunc(byLeft, func(a, b *flowRow) int { return cmp.Compare(left[a.Before].y, left[b.Before].y) })
	fromY, toY := make(map[*flowRow]float64), make(map[*flowRow]float64)
	for _, flow := range byRight {
		b := left[flow.Before]
		fromY[flow] = b.y + b.used
		b.used += thickness(flow)
	}
	for _, flow := range byLeft {
		b := right[flow.After]
		toY[flow] = b.y + b.used
		b.used += thickness(flow)
	}
	ribbons := make([]ribbon, 0, len(flows))
	for i := range flows {
		flow := &flows[i]
		from, to, thick := fromY[flow], toY[flow], thickness(flow)
		middle := (leftX + rightX) / 2
		ribbons = append(ribbons, ribbon{
			Path: fmt.Sprintf("M%s %sC%s %s %s %s %s %sV%sC%s %s %s %s %s %sZ", px(leftX), px(from), px(middle), px(from), px(middle), px(to), px(rightX), px(to),
				px(to+thick), px(middle), px(to+thick), px(middle), px(from+thick), px(leftX), px(from+thick)),
			Verdict: flow.Verdict,
			Title:   fmt.Sprintf("%s, %s: from %s to %s", plain.Plural(flow.Proxies, "proxy", "proxies"), flow.Verdict, flow.Before, flow.After),
		})
	}
	slices.Reverse(ribbons) // what matters most is drawn last, so on top
	return ribbons
}

// px formats a length with one digit, which is finer than a pixel.
func px(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// meta returns the line below the name: the number of proxies and their verdicts.
func (b *bar) meta() string {
	text := plain.Plural(b.total, "proxy", "proxies")
	for _, verdict := range []envoydiff.Verdict{envoydiff.Different, envoydiff.Unknown, envoydiff.Inherent} {
		switch n := b.proxies[verdict]; {
		case n == 0:
		case b.total == 1:
			text += ", " + string(verdict)
		case n == b.total:
			text += ", all " + string(verdict)
		default:
			text += fmt.Sprintf(", %s %s", plain.Number(n), verdict)
		}
	}
	return text
}

func (b *bar) node(layout measures, onRight bool) node {
	n := node{Y: px(b.y), Width: strconv.Itoa(layout.bar), Height: px(b.height), Class: "decider", Title: b.name + ": " + b.meta()}
	if b.name == "nothing" {
		n.Class = "nothing"
	}
	const gap = 10
	anchor, x, textX := "start", 0, 0
	switch {
	case layout.beside && onRight:
		x = layout.width - layout.label - layout.bar
		textX = x + layout.bar + gap
	case layout.beside:
		anchor, x, textX = "end", layout.label, layout.label-gap
	case onRight:
		anchor, x, textX = "end", layout.width-layout.bar, layout.width
	}
	n.X = strconv.Itoa(x)
	lines := append(slices.Clone(b.lines), b.meta())
	y := b.y - leading*float64(len(lines)) + nameSize - 3
	if layout.beside {
		y = b.y + b.height/2 - leading*float64(len(lines))/2 + nameSize - 1
	}
	for i, line := range lines {
		class := "name"
		if i == len(lines)-1 {
			class = "meta"
		}
		n.Lines = append(n.Lines, textLine{X: strconv.Itoa(textX), Y: px(y), Class: class, Anchor: anchor, Text: line})
		y += leading
	}
	return n
}

// wrap breaks a text into at most three lines of at most columns.
func wrap(s string, columns int) []string {
	const most = 3
	var lines []string
	line, used := "", 0
	flush := func() {
		lines = append(lines, line)
		line, used = "", 0
	}
	for _, word := range strings.SplitAfter(s, " ") {
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
		lines[most-1] = string(last[:max(len(last)-1, 0)]) + "\u2026"
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}
