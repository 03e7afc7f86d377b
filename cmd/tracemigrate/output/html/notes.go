package html

import (
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
)

// list is a long list: the part that the page shows and the folded part.
type list[T any] struct{ Shown, Folded []T }

func newList[T any](all []T, shown int) list[T] {
	if len(all) <= shown+shown/4 { // a fold of a few entries saves no room
		return list[T]{Shown: all}
	}
	return list[T]{all[:shown], all[shown:]}
}

// Len returns the number of entries.
func (l list[T]) Len() int { return len(l.Shown) + len(l.Folded) }

// noteGroup is the notes with one code and remedy, on several resources.
type noteGroup struct {
	convert.NoteText // the first
	Notes            list[convert.NoteText]
}

// groupNotes groups the notes of a severity by code and remedy.
func groupNotes(notes []convert.NoteText, severity manifest.Severity) list[*noteGroup] {
	type kind struct {
		code   convert.Code
		remedy string
	}
	byKind := make(map[kind]*noteGroup)
	var all []*noteGroup
	for _, note := range notes {
		if note.Severity != severity {
			continue
		}
		k := kind{note.Code, note.Remedy}
		if byKind[k] == nil {
			byKind[k] = &noteGroup{NoteText: note}
			all = append(all, byKind[k])
		}
		byKind[k].Notes.Shown = append(byKind[k].Notes.Shown, note)
	}
	for _, group := range all {
		group.Notes = newList(group.Notes.Shown, 2)
	}
	return newList(all, 5)
}
