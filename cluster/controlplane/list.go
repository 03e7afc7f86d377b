package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"net/url"
	"strconv"

	"tracemigrate/cluster"
	"tracemigrate/cluster/paging"
)

// pageSize is how many items of a list are asked for at a time. A control
// plane gives 1000 at most.
const pageSize = 500

// rereads is how often a list is read anew when it changes while it is read.
const rereads = 5

func (cp *ControlPlane) limits() paging.Limits { return cp.options.Limits.Or(paging.Defaults) }

// list reads a list as a whole. Its pages are cut by position, so a list that
// changes meanwhile is read anew.
func (cp *ControlPlane) list(ctx context.Context, path, kind string, before int) (*paging.List, error) {
	for range rereads {
		list, steady, err := cp.listOnce(ctx, path, kind, before)
		if err != nil || steady {
			return list, err
		}
	}
	return nil, fmt.Errorf("the list %s of %s changed each of %d times while it was read; try again when fewer come and go", path, cp, rereads)
}

// page is the answer to a list.
type page struct {
	Total *int              `json:"total"`
	Items []json.RawMessage `json:"items"`
	Next  *string           `json:"next"`
}

func (cp *ControlPlane) listOnce(ctx context.Context, path, kind string, before int) (list *paging.List, steady bool, err error) {
	list = paging.New(cp.limits())
	// By hash: two names of one hash, with a seed of each reading's own, only
	// have the list read anew.
	seen, seed := make(map[uint64]struct{}), maphash.MakeSeed()
	total := -1
	query := url.Values{"size": {strconv.Itoa(pageSize)}}
	steady = true
	first, last := "", "" // the page before ended with first, if the next one begins with it
	for asked := map[string]bool{}; ; {
		body, err := cp.get(ctx, path, query)
		if err != nil {
			return nil, false, err
		}
		if err := list.Page(int64(len(body))); err != nil {
			return nil, false, fmt.Errorf("reading the list %s of %s: %w", path, cp, err)
		}
		var p page
		if err := json.Unmarshal(body, &p); err != nil {
			return nil, false, fmt.Errorf("the answer of GET %s from %s is no list in JSON: %w%s", path, cp, err, aboutPage(body))
		}
		if p.Items == nil && p.Total == nil {
			return nil, false, fmt.Errorf("the answer of GET %s from %s is no list: it has neither items nor a total", path, cp)
		}
		for n, raw := range p.Items {
			at := placeOf(raw, path, kind, list.Len())
			if n == 0 && first != "" {
				steady = steady && at == first
				if at == first {
					continue
				}
			}
			hash := maphash.String(seed, at)
			if _, again := seen[hash]; again {
				steady = false
				continue
			}
			seen[hash] = struct{}{}
			if err := list.Add(at, raw); err != nil {
				return nil, false, err
			}
			last = at
		}
		if p.Total != nil {
			steady = steady && (total < 0 || total == *p.Total)
			total = *p.Total
		}
		if cp.options.Progress != nil {
			cp.options.Progress(kind, before+list.Len())
		}
		if p.Next == nil || *p.Next == "" {
			break
		}
		// The control plane writes its own idea of its address before the query.
		next, err := url.Parse(*p.Next)
		if err != nil || asked[next.RawQuery] || next.RawQuery == "" {
			return nil, false, fmt.Errorf("the answer of GET %s from %s names a next page that leads nowhere", path, cp)
		}
		asked[next.RawQuery] = true
		query, first = next.Query(), ""
		// One item more, at the front, shows whether others moved meanwhile: one
		// that goes and one that comes leave the total as it was.
		if offset, err := strconv.Atoi(query.Get("offset")); err == nil && offset > 0 && list.Len() > 0 {
			query.Set("offset", strconv.Itoa(offset-1))
			first = last
		}
	}
	if total >= 0 && total != list.Len() {
		steady = false
	}
	return list, steady, nil
}

// aboutPage says what an answer is that looks like HTML.
func aboutPage(body []byte) string {
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return ""
	}
	return "; it is a web page: does a login or a proxy answer in its place?"
}

// placeOf is the path of an item, which is how messages name it. One without a
// name goes by its position, and gets a problem of its own when it is decoded.
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
