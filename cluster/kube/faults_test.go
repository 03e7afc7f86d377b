package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"tracemigrate/cluster"
	"tracemigrate/cluster/paging"
	"tracemigrate/fixtures"
)

// fault is what goes wrong between the tool and an API server, and what the user reads.
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

func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "message": "no luck"})
}

// endlessPages names another next page on every page.
func endlessPages(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"kind":"DataplaneList","apiVersion":"kuma.io/v1alpha1","metadata":{"continue":"%s1"},"items":[]}`, r.URL.Query().Get("continue"))
}

func faults(t *testing.T) map[string]fault {
	const (
		list  = "reading dataplanes of SOURCE: "
		busy  = "; the server is too busy, or it restarts: try again later"
		log   = "; the log of the server has the reason"
		cut   = "; does a proxy in between cut answers? Try again later"
		late  = list + "context deadline exceeded"
		wrong = "the answer is not the Kubernetes API's; is a login or a proxy in front of it?"
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
		"as large as the limits":     {limits: paging.Limits{Pages: 3, List: 10 << 20}},
		"429":                        on(fixtures.Busy(429, "", refuse), list+"429 Too Many Requests: no luck (after 8 tries)"+busy),
		"500":                        on(fixtures.Busy(500, "", refuse), list+"500 Internal Server Error: no luck (after 8 tries)"+log),
		"503":                        on(fixtures.Busy(503, "", refuse), list+"503 Service Unavailable: no luck (after 8 tries)"+busy),
		"410":                        on(fixtures.Busy(410, "", refuse), list+"410 Gone: no luck"+log),
		"cut off":                    on(fixtures.Cut(t), list+"gave up after 8 tries: the answer was cut off: unexpected EOF"+cut),
		"slow":                       within(2*time.Second, on(fixtures.Slow, late)),
		"503 until the time is over": within(2*time.Second, on(fixtures.Busy(503, "", refuse), late+", after the server answered 503 (Service Unavailable)")),
		"all in turn":                within(2*time.Second, fault{fault: fixtures.InTurn(t, 1_000_000, refuse), want: "reading the Deployments of SOURCE: context deadline exceeded..."}),
		"truncated JSON":             on(fixtures.Altered(true, ""), list+"the answer ends early"+cut),
		"endless body": limited(paging.Limits{Answer: 1 << 20},
			on(fixtures.Endless, list+"the answer has more than 1Mi bytes; raise --max-answer-size, or read less with --mesh")),
		"too large an answer": limited(paging.Limits{Answer: 50 << 10},
			fault{want: list + "the answer has more than 50Ki bytes; raise --max-answer-size, or read less with --mesh"}),
		"endless pages": limited(paging.Limits{Pages: 20},
			on(endlessPages, list+"it has more than 20 pages (0 items so far); raise --max-pages, or read less with --mesh")),
		"too many pages": limited(paging.Limits{Pages: 2},
			fault{want: list + "it has more than 2 pages (1003 items so far); raise --max-pages, or read less with --mesh"}),
		"too large a list": limited(paging.Limits{List: 200 << 10},
			fault{want: list + "it has more than 200Ki bytes (500 items so far); raise --max-list-size, or read less with --mesh"}),
		"the same page for ever": on(fixtures.Instead("application/json", `{"kind":"DataplaneList","apiVersion":"kuma.io/v1alpha1","metadata":{"continue":"1"},"items":[]}`),
			list+"the list names a next page that it named before; does a proxy in between answer?"),
		"login page":          on(fixtures.LoginPage, list+wrong),
		"login page at first": {fault: fixtures.LoginPage, want: "reading the Deployments of SOURCE: " + wrong},
		"redirect": {fault: fixtures.Redirect(t), want: "reading the Deployments of SOURCE: it redirects to http://ELSEWHERE, which was not followed, " +
			"so that no credentials go there; is a login or a proxy in front of it?"},
	}
}

// Through a fault of the way to a real API server the snapshot is the same, or an error
// names the source, what failed and what to do.
func TestFaults(t *testing.T) {
	c := start(t)
	c.Apply(t, policies)
	c.Apply(t, deployed("2.13.1", "zone", ""))
	addDataplanes(t, c, 1003)
	plain, err := cluster.Load(t.Context(), open(t, c, "reader", Options{}))
	require.NoError(t, err)
	pass := proxy(t, c)
	read := func(t *testing.T, tt fault) {
		t.Helper()
		server := httptest.NewServer(fixtures.Behind(pass, tt.fault, tt.on, tt.times))
		defer server.Close()
		ctx := t.Context()
		if tt.timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, tt.timeout)
			defer cancel()
		}
		var mu sync.Mutex
		var waits []string
		through := &Cluster{name: `Kubernetes context "prod"`, pageSize: 500, options: Options{QPS: 1000, Burst: 1000, Limits: tt.limits, Wait: func(reason string, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			waits = append(waits, reason)
		}}}
		require.NoError(t, through.connect(&rest.Config{Host: server.URL, BearerToken: "sesame"}))
		s, err := cluster.Load(ctx, through)
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
		said := fixtures.WithoutPort(strings.ReplaceAll(err.Error(), through.String(), "SOURCE"))
		if want, more := strings.CutSuffix(tt.want, "..."); more {
			assert.Contains(t, said, want)
		} else {
			assert.Equal(t, tt.want, said)
		}
	}
	t.Run("expired token to continue", func(t *testing.T) {
		compactions := 0
		read(t, on(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.URL.Query().Get("continue") != "" {
				compactions++
				c.Apply(t, fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: other-%d}\n", compactions)) // a new revision
				c.Compact(t)
			}
			next.ServeHTTP(w, r)
		}, ""))
		assert.Equal(t, restarts, compactions, "the list in pages was cut off each time, and then read in one piece")
	})
	for name, tt := range faults(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read(t, tt)
		})
	}
}
