package html

import (
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"tracemigrate/cluster"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert/envoydiff"
)

// proxyDiffs is the differences in a proxy's Envoy configuration.
type proxyDiffs struct {
	Diffs []listenerDiff `json:"diffs,omitempty"`
	More  int            `json:"more,omitempty"` // listeners that are not compared, to keep the page small
	Equal int            `json:"equal,omitempty"`
	// Omitted reports that the page does not contain the diffs, to keep it small.
	Omitted bool `json:"omitted,omitempty"`
}

// listenerDiff is a unified diff and the listeners that have it.
type listenerDiff struct {
	Body      int      `json:"body"`
	Listeners []string `json:"listeners"`
	More      int      `json:"more,omitempty"` // further listeners that have it

	body *diffBody
}

// The limits keep the page small enough for a phone: a proxy may have a thousand
// outbounds.
const (
	maxListeners = 200_000 // rendered in all
	maxBodies    = 10_000  // different diffs in all
	maxOfProxy   = 4       // diffs for each direction of a proxy
	maxNames     = 3       // listeners that a diff names
)

// diffBody is the text of a diff, which several listeners may have.
type diffBody struct {
	before, after *envoydiff.Listener
	text          string
	number        int // index in Bodies; -1: the listeners are equal
}

// addDiffs fills in Envoy and Bodies. It prints equal listeners once, because printing a
// listener is expensive and rendering it is not.
func (d *tables) addDiffs(proxies []shownProxy) error {
	var bodies []*diffBody
	rendered := 0
	known := make(map[string]*diffBody)
	for i, p := range proxies {
		if p.Verdict == envoydiff.Same {
			break // the proxies are sorted, worst first
		}
		if code := p.Differences[0].Code; code == envoydiff.InvalidBackend || code == envoydiff.Unverified {
			continue // a rendered configuration would be wrong
		}
		e := &proxyDiffs{}
		d.Envoy[i] = e
		if rendered > maxListeners {
			e.Omitted = true
			continue
		}
		before, after := p.Listeners()
		rendered += len(before)
		bodies = append(bodies, e.add(before, after, known)...)
	}
	if err := fillBodies(bodies); err != nil {
		return err
	}
	numbers := map[string]int{"": -1}
	for _, body := range bodies {
		number, ok := numbers[body.text]
		if !ok {
			number = len(d.Bodies)
			numbers[body.text] = number
			d.Bodies = append(d.Bodies, body.text)
		}
		body.number = number
	}
	for _, e := range d.Envoy {
		e.numberDiffs()
	}
	return nil
}

// add groups listeners by diff, and returns the diffs that known does not contain.
func (e *proxyDiffs) add(before, after []envoydiff.Listener, known map[string]*diffBody) (fresh []*diffBody) {
	at := make(map[*diffBody]int) // in e.Diffs
	of := make(map[cluster.Direction]int)
	var encode keyEncoder
	for i := range min(len(before), len(after)) {
		key := encode.key(&before[i], &after[i])
		body := known[key]
		position, ok := at[body]
		if !ok {
			if of[before[i].Direction] == maxOfProxy || body == nil && len(known) >= maxBodies {
				e.More++
				continue
			}
			of[before[i].Direction]++
			if body == nil {
				body = &diffBody{before: &before[i], after: &after[i]}
				known[key] = body
				fresh = append(fresh, body)
			}
			position = len(e.Diffs)
			at[body] = position
			e.Diffs = append(e.Diffs, listenerDiff{body: body})
		}
		e.Diffs[position].add([]string{cleanText(before[i].Name())}, 0)
	}
	return fresh
}

// numberDiffs numbers the diffs once their text is known, and counts equal listeners.
func (e *proxyDiffs) numberDiffs() {
	var kept []listenerDiff
	for _, diff := range e.Diffs {
		diff.Body = diff.body.number
		same := slices.IndexFunc(kept, func(k listenerDiff) bool { return k.Body == diff.Body })
		switch {
		case diff.Body < 0:
			e.Equal += len(diff.Listeners) + diff.More
		case same >= 0:
			kept[same].add(diff.Listeners, diff.More)
		default:
			kept = append(kept, diff)
		}
	}
	e.Diffs = kept
}

func (d *listenerDiff) add(listeners []string, more int) {
	d.More += more
	for _, name := range listeners {
		if len(d.Listeners) == maxNames {
			d.More++
			continue
		}
		d.Listeners = append(d.Listeners, name)
	}
}

// keyEncoder makes keys of listeners. The listeners of a proxy share their collector,
// so it encodes the collector once.
type keyEncoder struct {
	collectors [2]proto.Message
	encoded    [2][]byte
}

// key returns a text that is equal for pairs of listeners with the same diff.
func (e *keyEncoder) key(before, after *envoydiff.Listener) string {
	var key []byte
	put := func(b []byte) { key = append(strconv.AppendInt(key, int64(len(b)), 10), b...) }
	encode := func(m proto.Message) []byte {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			return []byte(err.Error()) // the same text, if it can be printed at all
		}
		return b
	}
	for i, l := range []*envoydiff.Listener{before, after} {
		put(encode(l.Tracing)) // nothing, where there is no tracing
		if l.Collector == nil {
			continue
		}
		if e.collectors[i] != l.Collector {
			e.collectors[i], e.encoded[i] = l.Collector, encode(l.Collector)
		}
		put(e.encoded[i])
	}
	return string(key)
}

// fillBodies computes the texts of diffs on all processors.
func fillBodies(bodies []*diffBody) error {
	var workers errgroup.Group
	workers.SetLimit(runtime.GOMAXPROCS(0))
	const part = 64
	for some := range slices.Chunk(bodies, part) {
		workers.Go(func() error {
			for _, body := range some {
				lines, err := plain.ListenerDiff(body.before, body.after)
				if err != nil {
					return err
				}
				body.text = cleanText(strings.Join(lines, "\n"))
				body.before, body.after = nil, nil
			}
			return nil
		})
	}
	return workers.Wait()
}
