package controlplane

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/paging"
	"tracemigrate/fixtures"
)

func refuse(w http.ResponseWriter, status int) { fixtures.Refuse(w, status, "no luck", "") }

// endlessPages names another next page on every page.
func endlessPages(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	_, _ = fmt.Fprintf(w, `{"total":9,"items":[],"next":"http://x/?offset=%s1"}`, r.URL.Query().Get("offset"))
}

// faults are those that a control plane alone may have, and the limits.
func faults(t *testing.T) map[string]fixtures.FaultCase {
	const (
		page  = "; it is a web page: does a login or a proxy answer in its place?"
		list  = "the answer of GET /dataplanes from SOURCE "
		large = "reading the list /dataplanes of SOURCE: it has more than "
	)
	on := fixtures.OnDataplanes
	endless := on(endlessPages, large+"20 pages (0 items so far); raise --max-pages, or read less with --mesh")
	endless.Limits.Pages = 20
	cases := map[string]fixtures.FaultCase{
		"all in turn":    {Fault: fixtures.InTurn(t, 1_000_000, refuse), Timeout: time.Second, Want: "asking SOURCE for /: context deadline exceeded..."},
		"truncated JSON": on(fixtures.Altered(true, ""), list+"ends early"+fixtures.FaultRemedy),
		"endless pages":  endless,
		"the same page for ever": on(fixtures.Instead("application/json", `{"total":1,"items":[],"next":"http://x/?offset=1"}`),
			list+"names a next page that it named before; does a proxy in between answer?"),
		"a list that is never whole": on(fixtures.Instead("application/json", `{"total":2,"items":[]}`),
			"the list /dataplanes of SOURCE changed each of the 5 times that it was read; try again when fewer of its items change"),
		"login page":          on(fixtures.LoginPage, list+"is not a list in JSON: invalid character '<' at start of value"+page),
		"login page at first": {Fault: fixtures.LoginPage, Want: "the server at SERVER is not a control plane: GET / does not return a version" + page},
		"redirect": {Fault: fixtures.Redirect(t), Want: "SOURCE: GET /: 307 Temporary Redirect: it redirects to http://ELSEWHERE/, probably to a login; " +
			"pass --token or --header, or forward its port"},
		"as large as the limits": {Limits: paging.Limits{Pages: 3, List: 1 << 20, Answer: 200 << 10}},
		"too large a list":       {Limits: paging.Limits{List: 200 << 10}, Want: large + "200Ki bytes (999 items so far); raise --max-list-size, or read less with --mesh"},
	}
	maps.Copy(cases, fixtures.FaultCases(t, refuse, "SOURCE: GET /dataplanes: ", "asking SOURCE for /dataplanes: ", 500*time.Millisecond))
	return cases
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
			tt.Check(t, f, plain, func(url string, limits paging.Limits, wait func(string, time.Duration)) fixtures.NamedSource {
				cp, err := New(Options{URL: url, Token: "sesame", Limits: limits, Wait: wait})
				require.NoError(t, err)
				return cp
			})
		})
	}
}
