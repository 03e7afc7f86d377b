package edit

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// writer writes random YAML. Keys and items that start with t are to be removed. Each
// comment names its owner, which it must share the fate of; "free" comments have none.
type writer struct {
	*rand.Rand
	strings.Builder
	id      int
	anchors []string
}

func (w *writer) odds(percent int) bool { return w.IntN(100) < percent }

func (w *writer) name() string {
	w.id++
	if w.odds(25) {
		return fmt.Sprintf("t%d", w.id)
	}
	return fmt.Sprintf("%s%d", []string{"k", "kö", "k_日本", "k\U0001F600"}[w.IntN(4)], w.id)
}

func (w *writer) file() string {
	for i := range 1 + w.IntN(4) {
		w.anchors = nil
		if i > 0 || w.odds(40) {
			w.WriteString("---" + []string{"", " # marker"}[w.IntN(2)] + "\n")
		}
		if w.odds(20) {
			w.WriteString("# free header\n\n")
		}
		switch w.IntN(10) {
		case 0:
			w.json(0)
			w.WriteString("\n")
		case 1:
			continue // empty
		default:
			w.block(0, false)
		}
		if w.odds(20) {
			w.WriteString("\n")
		}
		if w.odds(10) {
			w.WriteString("...\n---\n")
		}
	}
	text := w.String()
	if w.odds(20) {
		text = strings.TrimSuffix(text, "\n")
	}
	if w.odds(30) {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if w.odds(10) {
		text = byteOrderMark + text
	}
	return text
}

// block writes a block mapping at an indentation; inline is one whose first key follows
// a dash.
func (w *writer) block(indent int, inline bool) {
	pad := strings.Repeat(" ", indent)
	for i := range 1 + w.IntN(4) {
		name := w.name()
		if i > 0 || !inline {
			w.before(pad, name)
			w.WriteString(pad)
		}
		w.WriteString([]string{name, `"` + name + `"`}[w.IntN(2)] + ":")
		w.value(indent, name)
	}
}

func (w *writer) before(pad, name string) {
	if w.odds(10) {
		w.WriteString("\n")
	}
	if w.odds(5) {
		w.WriteString("\n" + pad + "# free between\n\n")
	}
	for range max(0, w.IntN(6)-3) {
		w.WriteString(pad + "# above " + name + ".\n")
	}
}

func (w *writer) lineEnd(name string) {
	if w.odds(20) {
		w.WriteString(" # line " + name + ".")
	}
	w.WriteString("\n")
}

// value writes a value after a key in a column.
func (w *writer) value(indent int, name string) {
	deep := indent + 1 + w.IntN(4)
	pad := strings.Repeat(" ", deep)
	kind := w.IntN(14)
	if indent > 12 {
		kind = 5 + w.IntN(9)
	}
	switch kind {
	case 0, 1, 2:
		w.lineEnd(name)
		w.block(deep, false)
		w.inner(pad, name)
	case 3, 4:
		w.lineEnd(name)
		extra := w.IntN(3)
		w.sequence(indent + extra)
		if extra > 0 {
			w.inner(strings.Repeat(" ", indent+extra), name)
		}
	case 5:
		w.WriteString([]string{" |", " |-", " >", " >-", " |+"}[w.IntN(5)] + "\n" + pad + "text\n\n" + pad + "# no comment\n" + pad + "  more: x\n")
	case 6:
		w.WriteString(" plain\n" + pad + "over - lines\n\n" + pad + "more")
		w.lineEnd(name)
	case 7:
		w.WriteString(" \"quoted\n" + pad + "# no comment \\\" ]\n" + pad + "end\"")
		w.lineEnd(name)
	case 8:
		w.WriteString(" ")
		w.flow()
		w.lineEnd(name)
	case 9:
		w.WriteString(" ")
		w.flowLines(indent + 2)
		w.lineEnd(name)
	case 10:
		w.lineEnd(name) // null
	case 11:
		if len(w.anchors) > 0 && w.odds(50) {
			w.WriteString(" *" + w.anchors[w.IntN(len(w.anchors))])
		} else {
			w.anchors = append(w.anchors, fmt.Sprintf("a%d", w.id))
			w.WriteString(" &a" + strconv.Itoa(w.id) + " !!str anchored")
		}
		w.lineEnd(name)
	default:
		w.WriteString([]string{" 1", " 'it''s # x'", " a#b:c", " {}", " []", "  \"\""}[w.IntN(6)])
		w.lineEnd(name)
	}
}

func (w *writer) inner(pad, name string) {
	if w.odds(15) {
		w.WriteString(pad + "# inner " + name + ".\n")
	}
}

func (w *writer) sequence(indent int) {
	pad := strings.Repeat(" ", indent)
	for range 1 + w.IntN(4) {
		switch w.IntN(4) {
		case 0:
			gap := strings.Repeat(" ", 1+w.IntN(3))
			w.WriteString(pad + "-" + gap)
			w.block(indent+1+len(gap), true)
		case 1:
			w.WriteString(pad + "-\n")
			w.block(indent+2, false)
		default:
			item := w.name()
			w.before(pad, item)
			w.WriteString(pad + "- " + item)
			w.lineEnd(item)
		}
	}
}

func (w *writer) flow() {
	pad := []string{"", " "}[w.IntN(2)]
	if w.odds(50) {
		w.WriteString("[" + pad)
		for i := range 1 + w.IntN(4) {
			if i > 0 {
				w.WriteString(", ")
			}
			w.WriteString(w.name())
		}
		w.WriteString([]string{"", "", ","}[w.IntN(3)] + pad + "]")
		return
	}
	w.WriteString("{" + pad)
	for i := range 1 + w.IntN(4) {
		if i > 0 {
			w.WriteString([]string{", ", ","}[w.IntN(2)])
		}
		w.WriteString(w.name() + ": ")
		if w.odds(30) {
			w.flow()
		} else {
			w.WriteString([]string{"1", "'}, '", `"\"]"`, "a b"}[w.IntN(4)])
		}
	}
	w.WriteString(pad + "}")
}

func (w *writer) flowLines(indent int) {
	pad := strings.Repeat(" ", indent)
	w.WriteString("{\n")
	n := 1 + w.IntN(4)
	for i := range n {
		name := w.name()
		if w.odds(20) {
			w.WriteString(pad + "# above " + name + ".\n")
		}
		w.WriteString(pad + name + ": ")
		w.flow()
		if i < n-1 || w.odds(30) {
			w.WriteString(",")
		}
		w.lineEnd(name)
	}
	w.WriteString(pad[:indent-1] + "}")
}

func (w *writer) json(indent int) {
	pad := strings.Repeat(" ", indent+2)
	w.WriteString("{\n")
	n := 1 + w.IntN(4)
	for i := range n {
		w.WriteString(pad + `"` + w.name() + `": `)
		switch w.IntN(3) {
		case 0:
			w.json(indent + 2)
		case 1:
			w.WriteString(`["` + w.name() + `", "` + w.name() + `"]`)
		default:
			w.WriteString("null")
		}
		w.WriteString([]string{",", ""}[max(0, i-n+2)] + "\n")
	}
	w.WriteString(pad[:indent] + "}")
}
