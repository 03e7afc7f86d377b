package edit

import (
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// plan is what the records of a document mean for each node: a collection that loses its
// last entry is removed too.
type plan struct {
	*Document
	removed bool                // the whole document
	gone    map[*yaml.Node]bool // entries that are removed, with those that became empty
	touched map[*yaml.Node]bool // nodes with a change inside
	emptied map[*yaml.Node]bool // mappings that become {}
	reached int                 // insertions into nodes that remain
	changes []change
	unclear *yaml.Node // a node that cannot be edited alone
	failure error      // of an embedded file
}

// settle returns the plan of the records so far.
func (d *Document) settle() *plan {
	p := &plan{Document: d, removed: d.removed}
	if len(d.gone)+len(d.added)+len(d.made)+len(d.inner) > 0 {
		p.gone, p.touched = make(map[*yaml.Node]bool), make(map[*yaml.Node]bool)
		p.removed = p.visit(d.Root) || d.removed
	}
	return p
}

// visit reports whether a node loses all its entries.
func (p *plan) visit(n *yaml.Node) bool {
	if len(p.added[n])+len(p.made[n]) > 0 {
		p.touched[n] = true
		p.reached++
	}
	if e := p.inner[n]; e != nil && e.changed() {
		p.touched[n] = true
	}
	all := entries(n)
	left := len(p.added[n]) + len(p.made[n])
	for _, e := range all {
		if p.Document.gone[e.first] || p.visit(e.value) {
			p.gone[e.first], p.touched[n] = true, true
			continue
		}
		if p.touched[e.value] {
			p.touched[n] = true
		}
		left++
	}
	isEmpty := len(all) > 0 && left == 0
	if isEmpty && p.stays[n] {
		record(&p.emptied, n, true)
		return false
	}
	return isEmpty
}

// conflict returns an error if the changes affect more than the nodes that they name.
func (p *plan) conflict() error {
	if p.reached < len(p.added)+len(p.made) || p.removed && p.reached > 0 {
		return p.file.fail(p.Line(), "a list that is removed has an insertion", "correct the changes: "+strings.Join(p.steps, ", "))
	}
	if len(p.touched) == 0 || p.removed {
		return nil
	}
	alive := make(map[*yaml.Node]bool)
	var aliases []*yaml.Node
	p.living(p.Root, func(n *yaml.Node) {
		if n.Anchor != "" {
			alive[n] = true
		}
		if n.Kind == yaml.AliasNode {
			aliases = append(aliases, n)
		}
	})
	for _, n := range aliases {
		if !alive[n.Alias] || p.touched[n.Alias] {
			change := "removed"
			if alive[n.Alias] {
				change = "changed"
			}
			return p.file.fail(n.Alias.Line, fmt.Sprintf("the anchor &%.80s, which the alias in line %d uses, would be %s", n.Value, n.Line, change),
				"replace the alias by the value, or edit by hand: "+strings.Join(p.steps, ", "))
		}
	}
	return nil
}

// living calls use for each node that remains, keys included.
func (p *plan) living(n *yaml.Node, use func(*yaml.Node)) {
	use(n)
	for _, e := range entries(n) {
		if p.gone[e.first] {
			continue
		}
		if n.Kind == yaml.MappingNode {
			p.living(e.first, use)
		}
		p.living(e.value, use)
	}
}

// refuse returns the error for an edit that would change other text.
func (p *plan) refuse(n *yaml.Node) error {
	return p.file.fail(n.Line, "cannot be edited without touching other text", "edit it by hand: "+strings.Join(p.steps, ", "))
}

// edit records the changes of the text of a node.
func (p *plan) edit(n *yaml.Node) {
	if e := p.inner[n]; e != nil {
		changes, err := e.changes()
		p.changes, p.failure = append(p.changes, changes...), errors.Join(p.failure, err)
		return
	}
	all := p.layout(n)
	for i := 0; i < len(all); i++ {
		from := i
		for i < len(all) && p.gone[all[i].first] {
			i++
		}
		switch {
		case i == from:
		case isFlowStyle(n):
			p.cutFlow(all, from, i-1)
		default:
			p.cutBlock(n, all, from, i-1)
		}
	}
	if len(p.added[n])+len(p.made[n]) > 0 {
		p.insert(n, all)
	}
	for _, e := range all {
		switch {
		case p.gone[e.first] || !p.touched[e.value]:
		case e.value.Kind == yaml.ScalarNode && len(p.added[e.value]) > 0:
			p.replaceNull(n, e)
		case p.emptied[e.value]:
			p.empty(n, e)
		default:
			p.edit(e.value)
		}
	}
}

func (p *plan) cut(from, to int) { p.changes = append(p.changes, change{from: from, to: to}) }
