package output

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"tracemigrate/cmd/tracemigrate/output/plain"
)

// table prints rows in columns, see tableOf.
func (p *Printer) table(headers []string, rows [][]string) {
	p.tableOf(headers, slices.Values(rows))
}

// tableOf prints rows in columns. On a terminal that is too narrow, it prints the last
// columns beneath the others, wrapped. It ranges over the rows twice and keeps none.
func (p *Printer) tableOf(headers []string, rows iter.Seq[[]string]) {
	all := func(yield func(int, []string) bool) {
		n := 0
		next := func(row []string) bool {
			cells := make([]string, len(row))
			for i, cell := range row {
				cells[i] = plain.Clean(cell)
			}
			n++
			return yield(n-1, cells)
		}
		if !next(headers) {
			return
		}
		rows(next)
	}
	widths := make([]int, len(headers))
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], plain.Width(cell))
		}
	}
	beside := p.fitting(widths)
	for n, row := range all {
		var line strings.Builder
		for i, cell := range row[:beside] {
			padding := strings.Repeat(" ", widths[i]-plain.Width(cell)+2)
			if colour, ok := colours[cell]; ok && i == 0 && p.colour {
				cell = colour.Sprint(cell)
			}
			line.WriteString(cell + padding)
		}
		rest := row[beside:]
		if head := strings.Join(rest, ", "); n == 0 && head != "" {
			if p.width > 0 && plain.Width(line.String())+plain.Width(head) > p.width {
				line.WriteString("\n    ")
			}
			line.WriteString(head)
		}
		_, _ = fmt.Fprintln(p.w, strings.TrimRight(line.String(), " ")) // a closed stderr hinders nothing
		if n > 0 {
			p.beneath(headers[beside:], rest)
		}
	}
}

// fitting returns the number of columns of these widths that fit beside each other:
// all, unless a terminal is too narrow.
func (p *Printer) fitting(widths []int) int {
	total := -2
	for _, width := range widths {
		total += width + 2
	}
	if p.width == 0 || total <= p.width {
		return len(widths)
	}
	beside := len(widths) - 1
	for total -= widths[beside] + 2; beside > 1 && total > p.width; {
		beside--
		total -= widths[beside] + 2
	}
	return beside
}

// beneath prints cells under a row, each after the name of its column where there are
// several.
func (p *Printer) beneath(headers, cells []string) {
	const indent = "    "
	for i, cell := range cells {
		if len(cells) > 1 {
			cell = strings.ToLower(headers[i]) + " " + cell
		}
		for line := range strings.Lines(text.WrapSoft(cell, max(p.width-len(indent), 20))) {
			_, _ = fmt.Fprintln(p.w, indent+strings.TrimRight(line, " \n"))
		}
	}
}
