package output

import (
	"bufio"
	"iter"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"tracemigrate/cmd/tracemigrate/output/plain"
)

// table is tableOf for rows that are in memory.
func (p *Printer) table(headers []string, rows [][]string) {
	p.tableOf(headers, slices.Values(rows))
}

// tableUpTo prints the first rows in a number of lines at most, but a number of rows at
// least. It returns the number of rows that it does not print. Without a limit it prints all.
func (p *Printer) tableUpTo(limit, least int, headers []string, rows [][]string) (left int) {
	shown := rows
	if limit > 0 {
		shown = rows[:min(len(rows), limit)]
		var text strings.Builder
		for draft := (&Printer{w: &text, columns: p.columns}); len(shown) > least; shown = shown[:len(shown)-1] {
			text.Reset()
			draft.table(headers, shown)
			if strings.Count(text.String(), "\n") <= limit {
				break
			}
		}
	}
	p.table(headers, shown)
	return len(rows) - len(shown)
}

// tableOf prints rows in columns. If they are too wide, it prints the last
// columns below the others, wrapped. It iterates over the rows twice and keeps none.
func (p *Printer) tableOf(headers []string, rows iter.Seq[[]string]) {
	if p.quiet {
		return
	}
	out := bufio.NewWriterSize(p.w, 64<<10)
	defer func() { _ = out.Flush() }() // see write
	buffered := *p
	buffered.w = out
	buffered.rows(headers, rows)
}

// rows prints the rows of a table.
func (p *Printer) rows(headers []string, rows iter.Seq[[]string]) {
	cells := make([]string, 0, len(headers))
	all := func(yield func(int, []string) bool) {
		n := 0
		next := func(row []string) bool {
			cells = cells[:0]
			for _, cell := range row {
				cells = append(cells, p.clean(cell))
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
	beside := p.columnsThatFit(widths)
	for n, row := range all {
		var line strings.Builder
		for i, cell := range row[:beside] {
			padding := widths[i] - plain.Width(cell) + 2
			if colour, ok := colourOf(headers[i], cell); ok && p.colour {
				cell = colour.Sprint(cell)
			}
			line.WriteString(cell)
			for range padding {
				line.WriteByte(' ')
			}
		}
		rest := row[beside:]
		if head := strings.Join(rest, ", "); n == 0 && head != "" {
			if p.columns > 0 && plain.Width(line.String())+plain.Width(head) > p.columns {
				p.write(strings.TrimRight(line.String(), " "))
				line.Reset()
				line.WriteString("    ")
			}
			line.WriteString(head)
		}
		p.write(strings.TrimRight(line.String(), " "))
		if n > 0 {
			p.cellsBelow(headers[beside:], rest)
		}
	}
}

// columnsThatFit returns how many columns of these widths fit beside each other, at least one.
func (p *Printer) columnsThatFit(widths []int) int {
	total := -2
	for _, width := range widths {
		total += width + 2
	}
	beside := len(widths)
	for ; p.columns > 0 && total > p.columns && beside > 1; beside-- {
		total -= widths[beside-1] + 2
	}
	return beside
}

// cellsBelow prints the remaining cells under their row. Where there are several, each
// begins with the name of its column.
func (p *Printer) cellsBelow(headers, cells []string) {
	const indent = "    "
	for i, cell := range cells {
		if len(cells) > 1 {
			cell = strings.ToLower(headers[i]) + " " + cell
		}
		for line := range strings.Lines(text.WrapSoft(cell, max(p.columns-len(indent), 20))) {
			p.write(indent + strings.TrimRight(line, " \n"))
		}
	}
}
