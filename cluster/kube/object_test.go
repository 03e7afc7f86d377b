package kube

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"tracemigrate/cluster"
	"tracemigrate/cluster/paging"
)

func TestReadPage(t *testing.T) {
	for name, tt := range map[string]struct {
		answer string
		items  []string
		next   string
		err    string
	}{
		"a page":                  {answer: `{"apiVersion":"v1","items":[{"a":1},{"b":[2]}],"kind":"AList","metadata":{"continue":"x","resourceVersion":"7"}}`, items: []string{`{"a":1}`, `{"b":[2]}`}, next: "x"},
		"the head in front":       {answer: `{"kind":"AList","metadata":{"remainingItemCount":3,"continue":""},"items":[{}]}` + "\n", items: []string{"{}"}},
		"nothing":                 {answer: `{"kind":"AList","metadata":null,"items":null}`},
		"escapes and empty space": {answer: " {\n\"ite\\u006ds\" : [ {\"a\" : \"\\n\"} , {} ] , \"kind\":\"\\u0041List\"}\n", items: []string{`{"a" : "\n"}`, "{}"}},
		"no list":                 {answer: `{"kind":"Dataplane","metadata":{"name":"a"}}`, err: `the answer is not a list, but of kind "Dataplane"`},
		"no kind":                 {answer: `{"items":[]}`, err: errNotAPI.Error()},
		"a kind that is no text":  {answer: `{"kind":{"kind":"AList"},"items":[]}`, err: errNotAPI.Error()},
		"not an object":           {answer: `[1]`, err: errNotAPI.Error()},
		"a web page":              {answer: `<html>`, err: errNotAPI.Error()},
		"empty":                   {err: paging.ErrEndsEarly.Error()},
		"truncated":               {answer: `{"kind":"AList","items":[{"a":1},{"b`, items: []string{`{"a":1}`}, err: paging.ErrEndsEarly.Error()},
		"more than one":           {answer: `{"kind":"AList"}{}`, err: errNotAPI.Error()},
		"more than JSON":          {answer: `{"kind":"AList"}<`, err: errNotAPI.Error()},
		"deep":                    {answer: `{"kind":"AList","items":` + strings.Repeat("[", 20_000), err: errNotAPI.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			var items []string
			p, err := readPage(iotest.OneByteReader(strings.NewReader(tt.answer)), func(text []byte) error {
				items = append(items, string(text))
				return nil
			})
			assert.Equal(t, tt.items, items)
			if tt.err != "" {
				require.EqualError(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, page{next: tt.next, size: int64(len(tt.answer))}, p)
		})
	}
}

func TestNewObject(t *testing.T) {
	for name, tt := range map[string]struct {
		kind, item  string
		place, want string
		err         string
	}{
		"a Dataplane": {
			kind:  cluster.KindDataplane,
			item:  `{"apiVersion":"kuma.io/v1alpha1","kind":"Dataplane","mesh":"m","metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}"},"labels":{"app":"<web>"},"managedFields":[{"manager":"x"}],"name":"a","namespace":"shop","uid":"1"},"spec":{"networking":{"port":1e2}},"status":{}}`,
			place: "dataplanes/shop/a",
			want:  `{"apiVersion":"kuma.io/v1alpha1","kind":"Dataplane","mesh":"m","metadata":{"labels":{"app":"<web>","k8s.kuma.io/namespace":"shop","kuma.io/display-name":"a"},"name":"a","namespace":"shop","uid":"1"},"spec":{"networking":{"port":1e2}}}`,
		},
		"in no order, with nothing that is needed": {
			kind:  cluster.KindDataplane,
			item:  `{"status":{},"metadata":{"name":"a\"\u00e4","labels":null},"spec":null,"kind":"Dataplane","apiVersion":"kuma.io/v1alpha1"}`,
			place: `dataplanes/a"ä`,
			want:  `{"apiVersion":"kuma.io/v1alpha1","kind":"Dataplane","mesh":"default","metadata":{"labels":{"kuma.io/display-name":"a\"ä"},"name":"a\"\u00e4"},"spec":{}}`,
		},
		"a MeshTrace, whose mesh is a label": {
			kind:  cluster.KindMeshTrace,
			item:  `{"apiVersion":"kuma.io/v1alpha1","kind":"MeshTrace","metadata":{"labels":{"kuma.io/mesh":"m"},"name":"a","namespace":"kuma-system"},"spec":{}}`,
			place: "meshtraces/kuma-system/a",
			want:  `{"apiVersion":"kuma.io/v1alpha1","kind":"MeshTrace","metadata":{"labels":{"k8s.kuma.io/namespace":"kuma-system","kuma.io/display-name":"a","kuma.io/mesh":"m"},"name":"a","namespace":"kuma-system"},"spec":{}}`,
		},
		"a TrafficTrace with an annotation": {
			kind:  cluster.KindTrafficTrace,
			item:  `{"apiVersion":"kuma.io/v1alpha1","kind":"TrafficTrace","metadata":{"annotations":{"team":"a"},"name":"a"},"spec":{}}`,
			place: "traffictraces/a",
			want:  `{"apiVersion":"kuma.io/v1alpha1","kind":"TrafficTrace","mesh":"default","metadata":{"annotations":{"team":"a"},"labels":{"kuma.io/display-name":"a"},"name":"a"},"spec":{}}`,
		},
		"a Service, whose list has the kind": {
			kind:  cluster.KindService,
			item:  `{"metadata":{"name":"web","namespace":"shop","labels":{"app":"web"}},"spec":{"selector":{"app":"web"}},"status":{}}`,
			place: "services/shop/web",
			want:  `{"apiVersion":"v1","kind":"Service","mesh":"default","metadata":{"labels":{"app":"web"},"name":"web","namespace":"shop"},"spec":{"selector":{"app":"web"}}}`,
		},
		"without metadata": {
			kind: cluster.KindMesh, item: `{"apiVersion":"kuma.io/v1alpha1","kind":"Mesh"}`, place: "meshes",
			want: `{"apiVersion":"kuma.io/v1alpha1","kind":"Mesh","metadata":{"labels":{"kuma.io/display-name":""}},"spec":{}}`,
		},
		"no object":                {kind: cluster.KindMesh, item: `7`, err: "an object is expected"},
		"metadata of another kind": {kind: cluster.KindMesh, item: `{"metadata":[]}`, err: "an object is expected"},
	} {
		t.Run(name, func(t *testing.T) {
			place, text, err := newObject(tt.kind, []byte(tt.item))
			if tt.err != "" {
				require.EqualError(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.place, place)
			assert.Equal(t, tt.want, string(text))
		})
	}
}

// inFlight counts the requests that have no answer yet.
type inFlight struct {
	base      http.RoundTripper
	now, most atomic.Int64
}

func (f *inFlight) RoundTrip(r *http.Request) (*http.Response, error) {
	now := f.now.Add(1)
	defer f.now.Add(-1)
	for most := f.most.Load(); now > most && !f.most.CompareAndSwap(most, now); most = f.most.Load() {
	}
	return f.base.RoundTrip(r)
}

// Kinds are read two at a time. Of several errors the first in their order is returned,
// whichever answer is first.
func TestReadsTwoKinds(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path.Base(r.URL.Path) {
		case "deployments":
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"kind":"DeploymentList","apiVersion":"apps/v1","items":[]}`)
			return
		case "meshes":
			time.Sleep(20 * time.Millisecond) // the Dataplanes are refused first
		}
		refuse(w, http.StatusGone)
	}))
	t.Cleanup(server.Close)
	requests := &inFlight{base: http.DefaultTransport}
	for range 5 {
		c := &Cluster{name: "test", options: Options{QPS: 1000, Burst: 1000}}
		require.NoError(t, c.connect(&rest.Config{Host: server.URL, WrapTransport: func(http.RoundTripper) http.RoundTripper { return requests }}))
		_, err := cluster.Load(t.Context(), c)
		require.EqualError(t, err, "reading meshes of test: 410 Gone: no luck; the log of the server has the reason")
		assert.Zero(t, requests.now.Load(), "nothing is read any more")
	}
	assert.EqualValues(t, 2, requests.most.Load())
}

// Whatever is answered, what is passed on is JSON, with all that stays of the item.
func FuzzReadPage(f *testing.F) {
	f.Add(`{"kind":"AList","items":[{"metadata":{"name":"a","labels":{"a":"\u00e4"},"annotations":{"kuma.io/x":1}},"spec":{"a":[1e400]}}]}`)
	f.Add(`{"kind":"AList","items":[{"metadata":{"name":"\ud800"}},{"mesh":{},"spec":null,"spec":7}]}`)
	f.Add(`{"items":[{"":"","":""}],"items":[7]}`)
	f.Fuzz(func(t *testing.T, answer string) {
		_, _ = readPage(strings.NewReader(answer), func(item []byte) error {
			for _, kind := range []string{cluster.KindMesh, cluster.KindDataplane, cluster.KindMeshTrace, cluster.KindService} {
				_, text, err := newObject(kind, item)
				if err != nil {
					return err
				}
				var before, after map[string]json.RawMessage
				require.NoError(t, json.Unmarshal(text, &after), string(item))
				if json.Unmarshal(item, &before) == nil && before["spec"] != nil && string(before["spec"]) != "null" {
					assert.Equal(t, string(before["spec"]), string(after["spec"]))
				}
			}
			return nil
		})
	})
}
