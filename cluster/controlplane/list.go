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

// page is one page of a list.
type page struct {
	Total *int              `json:"total"`
	Items []json.RawMessage `json:"items"`
	Next  *string           `json:"next"`
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
		p, err := cp.page(ctx, path, query, l.list)
		if err != nil {
			return nil, false, err
		}
		if err := l.add(p, path, kind); err != nil {
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

// page reads one page of a list, and adds its size to list.
func (cp *ControlPlane) page(ctx context.Context, path string, query url.Values, list *paging.List) (*page, error) {
	body, err := cp.get(ctx, path, query)
	if err != nil {
		return nil, err
	}
	if err := list.Page(int64(len(body))); err != nil {
		return nil, fmt.Errorf("reading the list %s of %s: %w", path, cp, err)
	}
	var p page
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("the answer of GET %s from %s is not a list in JSON: %w%s", path, cp, err, aboutPage(body))
	}
	if p.Items == nil && p.Total == nil {
		return nil, fmt.Errorf("the answer of GET %s from %s is not a list: it has neither items nor a total", path, cp)
	}
	return &p, nil
}

// add adds the items of a page that were not on an earlier one.
func (l *listing) add(p *page, path, kind string) error {
	for n, raw := range p.Items {
		at := placeOf(raw, path, kind, l.list.Len())
		if n == 0 && l.first != "" {
			l.steady = l.steady && at == l.first
			if at == l.first {
				continue
			}
		}
		hash := maphash.String(l.seed, at)
		if _, again := l.seen[hash]; again {
			l.steady = false
			continue
		}
		l.seen[hash] = struct{}{}
		if err := l.list.Add(at, raw); err != nil {
			return err
		}
		l.last = at
	}
	if p.Total != nil {
		l.steady = l.steady && (l.total < 0 || l.total == *p.Total)
		l.total = *p.Total
	}
	return nil
}

// next returns the query of the page after p, nil after the last one. ok is false if the
// page names no new one.
func (l *listing) next(p *page) (query url.Values, ok bool) {
	if p.Next == nil || *p.Next == "" {
		return nil, true
	}
	// The control plane writes its own idea of its address before the query.
	next, err := url.Parse(*p.Next)
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

// aboutPage describes an answer that looks like HTML, or that ends early.
func aboutPage(body []byte) string {
	var broken *json.SyntaxError
	if err := json.Unmarshal(body, new(json.RawMessage)); errors.As(err, &broken) && broken.Offset == int64(len(body)) {
		return "; " + retry.RemedyForCut(err.Error())
	}
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return ""
	}
	return "; it is a web page: does a login or a proxy answer in its place?"
}

// placeOf returns the path of an item, which names it in messages. An item without a
// name is named by its position, and its decoder reports a problem.
func placeOf(raw json.RawMessage, list, kind string, position int) string {
	var head struct{ Mesh, Name string }
	_ = json.Unmarshal(raw, &head) // what is broken is reported when it is decoded
	switch {
	case head.Name == "":
		return fmt.Sprintf("%s (item %d, without a name)", list, position+1)
	case kind == cluster.KindMesh:
		return "/meshes/" + head.Name
	}
	return "/meshes/" + head.Mesh + "/" + paths[kind] + "/" + head.Name
}
