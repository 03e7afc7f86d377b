package controlplane

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"tracemigrate/cluster"
)

// Whatever is answered, reading ends with a snapshot or an error.
func FuzzRead(f *testing.F) {
	f.Add(`{"total":1,"items":[{"type":"Mesh","name":"default"}],"next":null}`, `{"mode":"zone"}`)
	f.Add(`{"total":2,"items":[{"name":1}],"next":"?offset=1"}`, `{"mode":"global","environment":"kubernetes"}`)
	f.Add(`{"items":[{"name":"a.b","labels":{"x":1},"spec":[]},null,"x",{}],"next":"http://%zz"}`, `{"environment":"kubernetes","multizone":[]}`)
	f.Add(`{"total":2,"items":[{"type":"Mesh","name":"default","tracing":{"backends":[{"name":"z","sampling":1e2}]}},{"type":"Mesh","name":".","labels":null,"creationTime":""}]}`, `{"environment":"kubernetes"}`)
	f.Add(`{"items":[{"type":"Dataplane","name":"web.shop","mesh":"default","kri":1,"labels":{"kuma.io/display-name":""},"networking":{"address":"10.0.0.1","inbound":[{"port":1e400}]}}]}`, `{"environment":"kubernetes"}`)
	f.Add(`[]`, `"`)
	f.Fuzz(func(t *testing.T, list, config string) {
		answer := func(r *http.Request) string {
			switch r.URL.Path {
			case "/":
				return `{"version":"2.13.1"}`
			case "/config":
				return config
			}
			return list
		}
		cp, err := New(Options{URL: "http://x", Base: roundTripper(func(r *http.Request) *http.Response {
			w := httptest.NewRecorder()
			_, _ = w.WriteString(answer(r))
			return w.Result()
		})})
		if err != nil {
			t.Fatal(err)
		}
		s, err := cluster.Load(t.Context(), cp)
		if (s == nil) == (err == nil) {
			t.Fatal("neither a snapshot nor an error, or both")
		}
	})
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// Whatever kumactl's file holds, looking a name up ends, and tells no token.
func FuzzFromKumactl(f *testing.F) {
	f.Add("contexts: [{name: c, controlPlane: cp}]\ncontrolPlanes: [{name: cp, coordinates: {apiServer: {url: 'http://x', headers: [{key: a, value: b}], authType: tokens, authConf: {token: sesame}}}}]")
	f.Add("controlPlanes: sesame")
	f.Add("controlPlanes: [{name: 1, coordinates: [sesame]}]")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"cp", "c"} {
			_, err := FromKumactl(path, name)
			var missing *os.PathError
			if err != nil && !errors.As(err, &missing) && !strings.Contains(text, "name: sesame") && !strings.Contains(text, "authType: ") {
				assert.NotContains(t, err.Error(), "sesame")
			}
		}
	})
}
