package edit

import (
	"bytes"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"tracemigrate/cluster/lists"
)

// check compares a new text with what the plans expect of it. Documents whose text is
// the same need no parser.
func (f *File) check(plans []*plan, text []byte) error {
	plans = slices.DeleteFunc(slices.Clone(plans), func(p *plan) bool { return p.removed })
	result := newFile(f.name, text, f.line)
	next := 0
	for _, region := range result.text.documents(result.starts[0]) {
		if next < len(plans) {
			p := plans[next]
			if len(p.touched) == 0 && bytes.Equal(text[region.from:region.to], f.text[p.region.from:p.region.to]) {
				next++
				continue
			}
		}
		root, err := result.decode(region)
		switch {
		case err == nil && root == nil:
			continue
		case err != nil || next == len(plans) || !plans[next].matches(plans[next].Root, root):
			return f.unexpected(plans, next)
		}
		next++
	}
	if next < len(plans) {
		return f.unexpected(plans, next)
	}
	return nil
}

// unexpected returns the error for a result that is not the expected one at a document.
func (f *File) unexpected(plans []*plan, at int) error {
	if at < len(plans) && len(plans[at].touched) > 0 {
		return plans[at].refuse(plans[at].Root)
	}
	for _, d := range f.documents {
		if len(d.steps) > 0 {
			return (&plan{Document: d}).refuse(d.Root)
		}
	}
	return f.fail(0, "cannot be edited without touching other text", "edit it by hand")
}

// matches reports whether a new node is an old one with its changes.
func (p *plan) matches(old, now *yaml.Node) bool {
	if old.Kind == yaml.ScalarNode && len(p.added[old]) > 0 {
		return now.Kind == yaml.SequenceNode && p.matchItems(old, now.Content)
	}
	if old.Kind != now.Kind || old.Tag != now.Tag || old.Anchor != now.Anchor {
		return false
	}
	switch old.Kind {
	case yaml.SequenceNode:
		return p.matchItems(old, now.Content)
	case yaml.MappingNode:
		return p.matchPairs(old, now.Content)
	}
	if e := p.inner[old]; e != nil && e.changed() {
		text, err := e.file.Bytes()
		return err == nil && strings.TrimRight(string(text), "\n") == strings.TrimRight(now.Value, "\n")
	}
	return old.Value == now.Value && old.LineComment == now.LineComment
}

// matchItems compares the items of a sequence.
func (p *plan) matchItems(old *yaml.Node, now []*yaml.Node) bool {
	take := func() *yaml.Node {
		if len(now) == 0 {
			return &yaml.Node{}
		}
		n := now[0]
		now = now[1:]
		return n
	}
	additions := lists.Group(p.added[old], func(a addition) int { return a.index })
	items := entries(old)
	for i := range len(items) + 1 {
		for _, a := range additions[i] {
			if !isString(take(), a.value) {
				return false
			}
		}
		if i < len(items) && !p.gone[items[i].first] && !p.matches(items[i].value, take()) {
			return false
		}
	}
	return len(now) == 0
}

// matchPairs compares the pairs of a mapping.
func (p *plan) matchPairs(old *yaml.Node, now []*yaml.Node) bool {
	for _, e := range entries(old) {
		if p.gone[e.first] {
			continue
		}
		if len(now) < 2 {
			return false
		}
		if p.emptied[e.value] && now[0].LineComment == "" {
			now[0].LineComment = now[1].LineComment // after {}, a comment after the key is one of the value
		}
		if !p.matches(e.first, now[0]) || !p.matches(e.value, now[1]) {
			return false
		}
		now = now[2:]
	}
	for _, l := range p.made[old] {
		if len(now) < 2 || !isString(now[0], l.key) || now[1].Kind != yaml.SequenceNode ||
			!slices.EqualFunc(now[1].Content, l.values, isString) {
			return false
		}
		now = now[2:]
	}
	return len(now) == 0
}

func isString(n *yaml.Node, value string) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && n.Value == value
}
