package kube

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"tracemigrate/cluster/paging"
)

// errNotAPI is the error of an answer that is no list.
var errNotAPI = errors.New("the answer is not the Kubernetes API's")

// page is one page of a list, without its items.
type page struct {
	next string // the token to continue, empty on the last page
	size int64  // of the answer, in bytes
}

// readPage reads a page without decoding its items, because client-go's decoding into maps
// takes as long as the API server itself. It calls item with the text of each item, which is
// valid during the call only.
func readPage(body io.Reader, item func(text []byte) error) (page, error) {
	var p page
	var kind string
	size, err := paging.ReadJSON(body, func(d *jsontext.Decoder) error {
		return paging.EachField(d, func(key string) error {
			switch {
			case key == "items" && d.PeekKind() == '[':
				return paging.EachItem(d, item)
			case key == "metadata" && d.PeekKind() == '{':
				return paging.EachField(d, func(key string) error {
					if key == "continue" {
						return paging.ReadString(d, &p.next)
					}
					return d.SkipValue()
				})
			case key == "kind":
				return paging.ReadString(d, &kind)
			}
			return d.SkipValue()
		})
	})
	p.size = size
	var form paging.FormError
	switch {
	case errors.As(err, &form), err == nil && kind == "":
		return p, errNotAPI
	case err == nil && !strings.HasSuffix(kind, "List"):
		return p, fmt.Errorf("the answer is not a list, but of kind %.40q", kind)
	}
	return p, err
}

// object is a JSON object whose values are not decoded.
type object []field

type field struct {
	key  string
	text []byte
}

// split returns the fields of a text, which stay parts of it.
func split(text []byte) (object, error) {
	if text == nil {
		return nil, nil
	}
	o := make(object, 0, 12)
	d := jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true))
	err := paging.EachField(d, func(key string) error {
		value, err := d.ReadValue()
		end := d.InputOffset()
		o = append(o, field{key, text[end-int64(len(value)) : end]})
		return err
	})
	return o, err
}

// get returns the text of a field, nil if it is absent or null.
func (o object) get(key string) []byte {
	for _, f := range o {
		if f.key == key && string(f.text) != "null" {
			return f.text
		}
	}
	return nil
}

// str returns a field that is a string, and "" for any other.
func (o object) str(key string) string { return unquote(o.get(key)) }

func unquote(text []byte) string {
	if len(text) == 0 || text[0] != '"' {
		return ""
	}
	plain, _ := jsontext.AppendUnquote(nil, text) // it was read, so it is valid
	return string(plain)
}

// strings returns a field that is an object of strings.
func (o object) strings(key string) (map[string]string, error) {
	inner, err := split(o.get(key))
	if err != nil {
		return nil, err
	}
	all := make(map[string]string, len(inner))
	for _, f := range inner {
		all[f.key] = unquote(f.text)
	}
	return all, nil
}

// with returns o with a field, or without it if text is nil.
func (o object) with(key string, text []byte) object {
	o = slices.DeleteFunc(o, func(f field) bool { return f.key == key })
	if text == nil {
		return o
	}
	return append(o, field{key, text})
}

// text returns the object with its fields in order.
func (o object) text() []byte {
	slices.SortStableFunc(o, func(a, b field) int { return strings.Compare(a.key, b.key) })
	size := 2
	for _, f := range o {
		size += len(f.key) + len(f.text) + len(`"":,`)
	}
	text := append(make([]byte, 0, size), '{')
	for i, f := range o {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(quote(text, f.key), ':'), f.text...)
	}
	return append(text, '}')
}

// quote appends a string in quotes.
func quote(text []byte, s string) []byte {
	text, _ = jsontext.AppendQuote(text, s) // it was read, so it is valid
	return text
}

// textOf returns an object of strings, nil for an empty one.
func textOf(all map[string]string) []byte {
	if len(all) == 0 {
		return nil
	}
	text := []byte{'{'}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		text = append(quote(append(quote(text, key), ':'), all[key]), ',')
	}
	text[len(text)-1] = '}'
	return text
}
