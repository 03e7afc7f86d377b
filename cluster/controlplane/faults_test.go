package controlplane

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/paging"
	"tracemigrate/fixtures"
)

// fault is what goes wrong between the tool and a control plane, and what the user reads.
type fault struct {
	fault   fixtures.Fault
	on      string // the end of the paths that it meets; empty: all
	times   int64  // how many requests it meets; 0: all
	limits  paging.Limits
	timeout time.Duration
	want    string   // the error, which ends anyhow after "..."; empty: the whole snapshot is read
	waits   []string // the reasons for further tries
}

// on returns a fault of the list of Dataplanes that does not end.
func on(f fixtures.Fault, want string) fault { return fault{fault: f, on: "/dataplanes", want: want} }

// twice returns a fault that ends after two requests.
func twice(f fixtures.Fault, waits string) fault {
	return fault{fault: f, on: "/dataplanes", times: 2, waits: []string{waits, waits}}
}

// within returns f with an end of the time.
func within(timeout time.Duration, f fault) fault {
	f.timeout = timeout
	return f
}

// limited returns f with limits.
func limited(limits paging.Limits, f fault) fault {
	f.limits = limits
	return f
}

func refuse(w http.ResponseWriter, status int) { fixtures.Refuse(w, status, "no luck", "") }

// endlessPages names another next page on every page.
func endlessPages(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	_, _ = fmt.Fprintf(w, `{"total":9,"items":[],"next":"http://x/?offset=%s1"}`, r.URL.Query().Get("offset"))
}

func faults(t *testing.T) map[string]fault {
	const (
		busy  = "; the server is too busy, or it restarts: try again later"
		log   = "; the log of the server has the reason"
		cut   = "; does a proxy in between cut answers? Try again later"
		page  = "it is a web page: does a login or a proxy answer in its place?"
		list  = "the answer of GET /dataplanes from SOURCE "
		large = "reading the list /dataplanes of SOURCE: it has more than "
		late  = "asking SOURCE for /dataplanes: context deadline exceeded"
		size  = "the answer has more than 1Mi bytes; raise --max-answer-size, or read less with --mesh"
	)
	return map[string]fault{
		"429 twice":                  twice(fixtures.Busy(429, "", refuse), "the server answered 429 (Too Many Requests)"),
		"429 twice, for a second":    twice(fixtures.Busy(429, "1", refuse), "the server answered 429 (Too Many Requests) (retry after 1s)"),
		"429 twice, until a date":    twice(fixtures.Busy(429, "Sat, 28 Nov 2026 10:00:01 GMT", refuse), "the server answered 429 (Too Many Requests) (retry after 1s)"),
		"500 twice":                  twice(fixtures.Busy(500, "", refuse), "the server answered 500 (Internal Server Error)"),
		"503 twice":                  twice(fixtures.Busy(503, "", refuse), "the server answered 503 (Service Unavailable)"),
		"cut off twice":              twice(fixtures.Cut(t), "the answer was cut off: unexpected EOF"),
		"two of three, in turn":      {fault: fixtures.InTurn(t, 3, refuse)},
		"another content type":       on(fixtures.Altered(false, "text/plain"), ""),
		"as large as the limits":     {limits: paging.Limits{Pages: 3, List: 1 << 20, Answer: 200 << 10}},
		"429":                        on(fixtures.Busy(429, "", refuse), "SOURCE: GET /dataplanes: 429 Too Many Requests: no luck (after 8 tries)"+busy),
		"500":                        on(fixtures.Busy(500, "", refuse), "SOURCE: GET /dataplanes: 500 Internal Server Error: no luck (after 8 tries)"+log),
		"503":                        on(fixtures.Busy(503, "", refuse), "SOURCE: GET /dataplanes: 503 Service Unavailable: no luck (after 8 tries)"+busy),
		"410":                        on(fixtures.Busy(410, "", refuse), "SOURCE: GET /dataplanes: 410 Gone: no luck"+log),
		"cut off":                    on(fixtures.Cut(t), "asking SOURCE for /dataplanes: gave up after 8 tries: the answer was cut off: unexpected EOF"+cut),
		"slow":                       within(500*time.Millisecond, on(fixtures.Slow, late)),
		"503 until the time is over": within(500*time.Millisecond, on(fixtures.Busy(503, "", refuse), late+", after the server answered 503 (Service Unavailable)")),
		"all in turn":                within(time.Second, fault{fault: fixtures.InTurn(t, 1_000_000, refuse), want: "asking SOURCE for /: context deadline exceeded..."}),
		"truncated JSON":             on(fixtures.Altered(true, ""), list+"ends early"+cut),
		"endless body":               limited(paging.Limits{Answer: 1 << 20}, on(fixtures.Endless, "asking SOURCE for /dataplanes: "+size)),
		"endless pages":              limited(paging.Limits{Pages: 20}, on(endlessPages, large+"20 pages (0 items so far); raise --max-pages, or read less with --mesh")),
		"too large a list":           {limits: paging.Limits{List: 200 << 10}, want: large + "200Ki bytes (999 items so far); raise --max-list-size, or read less with --mesh"},
		"the same page for ever": on(fixtures.Instead("application/json", `{"total":1,"items":[],"next":"http://x/?offset=1"}`),
			list+"names a next page that it named before; does a proxy in between answer?"),
		"a list that is never whole": on(fixtures.Instead("application/json", `{"total":2,"items":[]}`),
			"the list /dataplanes of SOURCE changed each of the 5 times that it was read; try again when fewer of its items change"),
		"login page":          on(fixtures.LoginPage, list+"is not a list in JSON: invalid character '<' at start of value; "+page),
		"login page at first": {fault: fixtures.LoginPage, want: "the server at SERVER is not a control plane: GET / does not return a version; " + page},
		"redirect": {fault: fixtures.Redirect(t), want: "SOURCE: GET /: 307 Temporary Redirect: it redirects to http://ELSEWHERE/, probably to a login; " +
			"pass --token or --header, or forward its port"},
	}
}

// Through a fault the snapshot is the same, or an error names the source, what failed and
// what to do.
func TestFaults(t *testing.T) {
	f := newFake(t)
	f.addDataplanes(2, 1101)
	plain, err := cluster.Load(t.Context(), f.serve(t, Options{}))
	require.NoError(t, err)
	for name, tt := range faults(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(fixtures.Behind(f, tt.fault, tt.on, tt.times))
			defer server.Close()
			ctx := t.Context()
			if tt.timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, tt.timeout)
				defer cancel()
			}
			var mu sync.Mutex
			var waits []string
			cp, err := New(Options{URL: server.URL, Token: "sesame", Limits: tt.limits, Wait: func(reason string, _ time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				waits = append(waits, reason)
			}})
			require.NoError(t, err)
			s, err := cluster.Load(ctx, cp)
			if tt.waits != nil {
				assert.Equal(t, tt.waits, waits)
			}
			if tt.want == "" {
				require.NoError(t, err)
				s.Origin.Source, s.Origin.Endpoint = plain.Origin.Source, plain.Origin.Endpoint
				assert.Equal(t, plain, s)
				return
			}
			require.Error(t, err)
			assert.Nil(t, s)
			said := strings.NewReplacer(cp.String(), "SOURCE", server.URL, "SERVER").Replace(err.Error())
			if want, more := strings.CutSuffix(tt.want, "..."); more {
				assert.Contains(t, said, want)
			} else {
				assert.Equal(t, tt.want, fixtures.WithoutPort(said))
			}
		})
	}
}
