package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"tracemigrate/cluster"
	"tracemigrate/cluster/paging"
	"tracemigrate/cluster/retry"
)

// pageSize is how many items of a list are requested at a time. A control plane returns
// 1000 at most.
const pageSize = 500

// rereads is how often a list is read in total if it changes while it is read.
const rereads = 5

func (cp *ControlPlane) limits() paging.Limits { return cp.options.Limits.Or(paging.Defaults) }

// list reads a whole list. Its pages are cut by position, so a list that changes
// meanwhile is read again.
func (cp *ControlPlane) list(ctx context.Context, path, kind string, before int) (*paging.List, error) {
	for range rereads {
		list, steady, err := cp.listOnce(ctx, path, kind, before)
		if err != nil || steady {
			return list, err
		}
	}
	return nil, fmt.Errorf("the list %s of %s changed each of the %d times that it was read; "+
		"try again when fewer of its items change", path, cp, rereads)
}

// page is one page of a list, without its items.
type page struct {
	total *int
	items int
	next  string
}

// listing is one reading of a list.
type listing struct {
	list   *paging.List
	seen   map[uint64]struct{} // hashes of places; a collision only causes another reading
	seed   maphash.Seed
	total  int             // that the control plane reports, -1 for none
	steady bool            // no item moved so far
	last   string          // place of the last item
	first  string          // where the next page must begin, if set
	asked  map[string]bool // queries of further pages
}

// listOnce reads all pages of a list. steady reports whether the list was the same
// throughout.
func (cp *ControlPlane) listOnce(ctx context.Context, path, kind string, before int) (list *paging.List, steady bool, err error) {
	l := &listing{
		list: paging.New(cp.limits()), seen: make(map[uint64]struct{}), seed: maphash.MakeSeed(),
		total: -1, steady: true, asked: make(map[string]bool),
	}
	query := url.Values{"size": {strconv.Itoa(pageSize)}}
	for query != nil {
		p, err := cp.page(ctx, path, query, kind, l)
		if err != nil {
			return nil, false, err
		}
		if cp.options.Progress != nil {
			cp.options.Progress(kind, before+l.list.Len())
		}
		var ok bool
		if query, ok = l.next(p); !ok {
			return nil, false, fmt.Errorf("the answer of GET %s from %s names a next page that it named before; "+
				"does a proxy in between answer?", path, cp)
		}
	}
	return l.list, l.steady && (l.total < 0 || l.total == l.list.Len()), nil
}

// page reads one page of a list, and adds its items to l.
func (cp *ControlPlane) page(ctx context.Context, path string, query url.Values, kind string, l *listing) (*page, error) {
	response, err := cp.open(ctx, path, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	var p page
	isList := false
	size, err := paging.ReadJSON(response.Body, func(d *jsontext.Decoder) error {
		return paging.EachField(d, func(key string) error {
			switch {
			case key == "items" && d.PeekKind() == '[':
				isList = true
				return paging.EachItem(d, func(text []byte) error {
					p.items++
					return l.add(text, p.items == 1, path, kind)
				})
			case key == "total" && d.PeekKind() == '0':
				isList = true
				text, err := d.ReadValue()
				if err != nil {
					return err
				}
				return json.Unmarshal(text, &p.total)
			case key == "next":
				return paging.ReadString(d, &p.next)
			}
			return d.SkipValue()
		})
	})
	switch {
	case errors.Is(err, paging.ErrEndsEarly):
		return nil, fmt.Errorf("the answer of GET %s from %s ends early; %s", path, cp, retry.RemedyForCut("EOF"))
	case err != nil:
		return nil, fmt.Errorf("the answer of GET %s from %s is not a list in JSON: %w%s", path, cp, err, aboutPage(err))
	case !isList:
		return nil, fmt.Errorf("the answer of GET %s from %s is not a list: it has neither items nor a total", path, cp)
	}
	if p.total != nil {
		l.steady = l.steady && (l.total < 0 || l.total == *p.total)
		l.total = *p.total
	}
	if err := l.list.Page(size); err != nil {
		return nil, fmt.Errorf("reading the list %s of %s: %w", path, cp, err)
	}
	return &p, nil
}

// add adds an item unless it was on an earlier page. The first item of a page shows whether
// others moved, see next.
func (l *listing) add(text []byte, isFirst bool, path, kind string) error {
	at := placeOf(text, path, kind, l.list.Len())
	if isFirst && l.first != "" {
		l.steady = l.steady && at == l.first
		if at == l.first {
			return nil
		}
	}
	hash := maphash.String(l.seed, at)
	if _, again := l.seen[hash]; again {
		l.steady = false
		return nil
	}
	l.seen[hash] = struct{}{}
	l.last = at
	return l.list.Add(at, text)
}

// next returns the query of the page after p, nil after the last one. ok is false if the
// page names no new one.
func (l *listing) next(p *page) (query url.Values, ok bool) {
	if p.next == "" {
		return nil, true
	}
	// The control plane writes its own idea of its address before the query.
	next, err := url.Parse(p.next)
	if err != nil || l.asked[next.RawQuery] || next.RawQuery == "" {
		return nil, false
	}
	l.asked[next.RawQuery] = true
	query, l.first = next.Query(), ""
	// One more item, at the front, shows whether others moved meanwhile: if one is
	// deleted and one created, the total stays the same.
	if offset, err := strconv.Atoi(query.Get("offset")); err == nil && offset > 0 && l.list.Len() > 0 {
		query.Set("offset", strconv.Itoa(offset-1))
		l.first = l.last
	}
	return query, true
}

// webPage is the remedy for an answer in HTML.
const webPage = "; it is a web page: does a login or a proxy answer in its place?"

// aboutPage returns webPage for the error of an answer that begins like HTML.
func aboutPage(err error) string {
	if strings.Contains(err.Error(), "invalid character '<' at start of value") {
		return webPage
	}
	return ""
}

// placeOf returns the path of an item, which names it in messages. An item without a
// name is named by its position, and its decoder reports a problem.
func placeOf(item []byte, list, kind string, position int) string {
	var mesh, name string
	d := jsontext.NewDecoder(bytes.NewBuffer(item), jsontext.AllowDuplicateNames(true))
	_ = paging.EachField(d, func(key string) error { // what is broken is reported when it is decoded
		switch key {
		case "mesh":
			return paging.ReadString(d, &mesh)
		case "name":
			return paging.ReadString(d, &name)
		}
		return d.SkipValue()
	})
	switch {
	case name == "":
		return fmt.Sprintf("%s (item %d, without a name)", list, position+1)
	case kind == cluster.KindMesh:
		return "/meshes/" + name
	}
	return "/meshes/" + mesh + "/" + paths[kind] + "/" + name
}
