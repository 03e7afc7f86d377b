package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// fewScalars is how many items of a list are passed on if they are not resources.
const fewScalars = 3

// spreader collects documents from lists, and from lists in lists.
type spreader struct {
	place     Place
	wanted    Wanted
	documents []Document
	problems  []*Problem
}

// add appends root or, if it is a list, its items and theirs.
func (s *spreader) add(root *Node, listKind string) {
	if listKind == "" && root.Kind == Mapping && len(root.content) == 0 {
		return // it says as little as an empty document
	}
	list := asList(root)
	if list == nil {
		d := Document{Place: s.place, ListKind: listKind, Root: root}
		d.Line = int(root.line)
		s.documents = append(s.documents, d)
		return
	}
	if list.kind == "" {
		list.kind = listKind
	}
	from, scalars := len(s.documents), 0
	for i := range list.items {
		item := &list.items[i]
		if item.Kind != Mapping && item.Kind != Sequence {
			if scalars++; scalars > fewScalars {
				continue // enough to show that it is not a list of resources
			}
		}
		s.add(item, list.kind)
	}
	problem := list.incomplete(s.place)
	if problem != nil && slices.ContainsFunc(s.documents[from:], func(d Document) bool { return d.isWanted(s.wanted) }) {
		s.problems = append(s.problems, problem)
	}
}

// list is a list of resources.
type list struct {
	items   []Node
	count   int    // of items
	kind    string // of the items, as the list's own kind says; empty for any
	splitAs string // the kind that its items got when they were split
	root    *Node  // the list without its items
}

// asList returns root as a list, nil when it is not one: Kubernetes' List and typed
// lists, the REST API's {"total", "items"}, or a bare sequence.
func asList(root *Node) *list {
	if root.Kind == Sequence {
		return &list{items: root.Items(), count: len(root.Items()), root: root}
	}
	items := root.Get("items")
	if items == nil || (items.Kind != Sequence && items.Kind != Null) {
		return nil
	}
	kind, ok := listKind(root)
	if !ok {
		return nil
	}
	return &list{items: items.Items(), count: len(items.Items()), kind: kind, root: root}
}

// listKind returns the kind of the items by the kind of the list. ok is false if the
// kind does not belong to a list.
func listKind(root *Node) (kind string, ok bool) {
	name := cmp.Or(root.Get("kind"), root.Get("type"))
	if name == nil {
		return "", true
	}
	return strings.CutSuffix(name.Text, "List")
}

// incomplete returns a problem if the list is one page of several.
func (l *list) incomplete(place Place) *Problem {
	const (
		rest       = "get all pages, with a larger --size of kumactl get, or with --control-plane instead of -f"
		kubernetes = "get all pages, as kubectl get does without --raw"
	)
	metadata := l.root.Get("metadata")
	total := l.root.Get("total")
	for _, sign := range []struct {
		field       string
		node        *Node
		means, todo string
	}{
		{"next", l.root.Get("next"), "names a further page", rest},
		{"metadata.continue", metadata.Get("continue"), "names a further page", kubernetes},
		{"metadata.remainingItemCount", metadata.Get("remainingItemCount"), "counts missing items", kubernetes},
		{"total", total, fmt.Sprintf("is more than the number of items, %d", l.count), rest},
	} {
		if sign.node == nil || sign.node.Text == "" || sign.node.Text == "0" {
			continue
		}
		if sign.node == total {
			if n, err := strconv.Atoi(total.Text); err != nil || total.Kind != Int || n <= l.count {
				continue
			}
		}
		place.Line = int(sign.node.line)
		return &Problem{
			Place: place, Severity: Error,
			Fault: fmt.Sprintf("the list is incomplete: %s %s", sign.field, sign.means), Remedy: sign.todo,
		}
	}
	return nil
}
