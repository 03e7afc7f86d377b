package envoydiff

import (
	"cmp"
	"encoding/json"
	"slices"

	"tracemigrate/cluster"
)

// Difference is one field of a listener, or of its collector's cluster, whose value
// changes.
type Difference struct {
	Code      Code
	Listener  string            // name, in dumps only
	Direction cluster.Direction // of the listener; empty for the whole proxy
	Field     string            // path in protobuf's JSON form, or what differs of the whole proxy
	Before    string
	After     string
}

// Path returns the listener, or its direction, and the field.
func (d *Difference) Path() string {
	switch {
	case d.Listener != "":
		return "[" + d.Listener + "]." + d.Field
	case d.Direction != "":
		return string(d.Direction) + "." + d.Field
	}
	return d.Field
}

// Form is a difference as reports contain it.
type Form struct {
	Code   Code   `json:"code" yaml:"code"`
	Path   string `json:"path" yaml:"path"`
	Before string `json:"before" yaml:"before"`
	After  string `json:"after" yaml:"after"`
}

// Form returns d as reports contain it.
func (d *Difference) Form() Form { return Form{d.Code, d.Path(), d.Before, d.After} }

// MarshalJSON implements json.Marshaler.
func (d *Difference) MarshalJSON() ([]byte, error) { return json.Marshal(d.Form()) }

// MarshalYAML implements yaml.Marshaler.
func (d *Difference) MarshalYAML() (any, error) { return d.Form(), nil }

// sorted orders differences, worst first, and drops repetitions.
func sorted(differences []*Difference) []*Difference {
	slices.SortStableFunc(differences, func(a, b *Difference) int {
		return cmp.Or(
			Codes[b.Code].Compare(Codes[a.Code]), cmp.Compare(a.Path(), b.Path()),
			cmp.Compare(a.Before, b.Before), cmp.Compare(a.After, b.After), cmp.Compare(a.Code, b.Code),
		)
	})
	return slices.CompactFunc(differences, func(a, b *Difference) bool { return *a == *b })
}
