package kube

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"tracemigrate/cluster"
	"tracemigrate/cluster/paging"
	"tracemigrate/fixtures"
)

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

// faults are those that an API server alone may have, and the limits.
func faults(t *testing.T) map[string]fixtures.FaultCase {
	const (
		list  = "reading dataplanes of SOURCE: "
		first = "reading the Deployments of SOURCE: "
		wrong = "the answer is not the Kubernetes API's; is a login or a proxy in front of it?"
	)
	on := fixtures.OnDataplanes
	endless := on(endlessPages, list+"it has more than 20 pages (0 items so far); raise --max-pages, or read less with --mesh")
	endless.Limits.Pages = 20
	cases := map[string]fixtures.FaultCase{
		"all in turn":    {Fault: fixtures.InTurn(t, 1_000_000, refuse), Timeout: 2 * time.Second, Want: first + "context deadline exceeded..."},
		"truncated JSON": on(fixtures.Altered(true, ""), list+"the answer ends early"+fixtures.FaultRemedy),
		"endless pages":  endless,
		"the same page for ever": on(fixtures.Instead("application/json", `{"kind":"DataplaneList","apiVersion":"kuma.io/v1alpha1","metadata":{"continue":"1"},"items":[]}`),
			list+"the list names a next page that it named before; does a proxy in between answer?"),
		"login page":          on(fixtures.LoginPage, list+wrong),
		"login page at first": {Fault: fixtures.LoginPage, Want: first + wrong},
		"redirect": {Fault: fixtures.Redirect(t), Want: first + "it redirects to http://ELSEWHERE, which was not followed, " +
			"so that no credentials go there; is a login or a proxy in front of it?"},
		"as large as the limits": {Limits: paging.Limits{Pages: 3, List: 10 << 20}},
		"too large an answer": {
			Limits: paging.Limits{Answer: 50 << 10}, Want: list + "the answer has more than 50Ki bytes; raise --max-answer-size, or read less with --mesh",
		},
		"too many pages": {
			Limits: paging.Limits{Pages: 2}, Want: list + "it has more than 2 pages (1003 items so far); raise --max-pages, or read less with --mesh",
		},
		"too large a list": {
			Limits: paging.Limits{List: 200 << 10}, Want: list + "it has more than 200Ki bytes (500 items so far); raise --max-list-size, or read less with --mesh",
		},
	}
	maps.Copy(cases, fixtures.FaultCases(t, refuse, list, list, 2*time.Second))
	return cases
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
	read := func(t *testing.T, f fixtures.FaultCase) {
		t.Helper()
		f.Check(t, pass, plain, func(url string, limits paging.Limits, wait func(string, time.Duration)) fixtures.NamedSource {
			through := &Cluster{name: `Kubernetes context "prod"`, pageSize: 500, options: Options{QPS: 1000, Burst: 1000, Limits: limits, Wait: wait}}
			require.NoError(t, through.connect(&rest.Config{Host: url, BearerToken: "sesame"}))
			return through
		})
	}
	t.Run("expired token to continue", func(t *testing.T) {
		compactions := 0
		read(t, fixtures.FaultCase{Fault: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.URL.Query().Get("continue") != "" {
				compactions++
				c.Apply(t, fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: other-%d}\n", compactions)) // a new revision
				c.Compact(t)
			}
			next.ServeHTTP(w, r)
		}, On: "/dataplanes"})
		assert.Equal(t, restarts, compactions, "the list in pages was cut off each time, and then read in one piece")
	})
	for name, tt := range faults(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read(t, tt)
		})
	}
}
