package controlplane

import (
	"cmp"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/fixtures"
)

const documents = `
type: Mesh
name: default
creationTime: "2025-01-01T00:00:00Z"
mtls: {enabledBackend: ca, backends: [{name: ca, type: provided, conf: {key: {secret: hidden}}}]}
tracing:
  defaultBackend: z
  backends: [{name: z, type: zipkin, sampling: 33.3, conf: {url: "http://user:pass@zipkin:9411/api/v2/spans"}}]
---
{type: TrafficTrace, mesh: default, name: all, creationTime: "2025-01-02T00:00:00.5Z", selectors: [{match: {kuma.io/service: '*'}}], conf: {backend: z}}
---
{type: TrafficRoute, mesh: default, name: route-all, conf: {}}
---
{type: Dataplane, mesh: default, name: dp-0001, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web}}]}}
`

// fake is the stand-in for a control plane.
type fake struct{ *fixtures.ControlPlane }

func newFake(t *testing.T) fake { return fake{fixtures.NewControlPlane(t, documents)} }

func (f fake) addDataplanes(from, to int) {
	for n := from; n <= to; n++ {
		f.Add(map[string]any{
			"type": "Dataplane", "mesh": "default", "name": fmt.Sprintf("dp-%04d", n), "creationTime": "2025-01-01T00:00:00Z",
			"networking": map[string]any{"address": "10.0.0.1", "admin": map[string]any{"port": 9901}, "inbound": []any{
				map[string]any{"port": 80, "tags": map[string]any{"kuma.io/service": "web", "kuma.io/protocol": "http"}},
			}},
		})
	}
}

func (f fake) serve(t *testing.T, o Options) *ControlPlane {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	o.URL = server.URL + o.URL
	cp, err := New(o)
	require.NoError(t, err)
	return cp
}

func TestRead(t *testing.T) {
	f := newFake(t)
	f.addDataplanes(2, 1204)
	var progress []int
	s, err := cluster.Load(t.Context(), f.serve(t, Options{Token: "t", Progress: func(kind string, n int) {
		if kind == cluster.KindDataplane {
			progress = append(progress, n)
		}
	}}))
	require.NoError(t, err)
	assert.Empty(t, s.Problems)
	assert.Len(t, s.Meshes, 1)
	require.Len(t, s.TrafficTraces, 1)
	assert.Equal(t, "/meshes/default/traffic-traces/all", s.TrafficTraces[0].Place.String())
	assert.Equal(t, time.Date(2025, 1, 2, 0, 0, 0, 500_000_000, time.UTC), s.TrafficTraces[0].Created)
	assert.Len(t, s.Dataplanes, 1204)
	assert.Equal(t, []int{0, 500, 999, 1204}, progress)
	assert.True(t, s.TrafficRoutes["default"])
	assert.Equal(t, cluster.Origin{
		Source: s.Origin.Source, Endpoint: cluster.Endpoint{ControlPlane: strings.TrimPrefix(s.Origin.Source, "control plane ")}, Product: "Kuma", Version: "2.13.1", Mode: cluster.ModeZone, Environment: cluster.Universal,
	}, *s.Origin)
	assert.Contains(t, s.Origin.Source, "control plane http://127.0.0.1:")
}

func TestReadMeshes(t *testing.T) {
	f := newFake(t)
	f.Add(map[string]any{"type": "Mesh", "name": "other"})
	f.Lists["/meshes/default/meshtraces"], f.Lists["/meshes/default/meshgateways"] = nil, nil
	s, err := cluster.Load(t.Context(), f.serve(t, Options{Meshes: []string{"default"}}))
	require.NoError(t, err)
	assert.Len(t, s.Meshes, 1)
	assert.Len(t, s.Dataplanes, 1)
	assert.NotContains(t, f.Asked(), "/dataplanes?size=500")

	_, err = cluster.Load(t.Context(), f.serve(t, Options{Meshes: []string{"other-mesh"}}))
	require.ErrorContains(t, err, `has no mesh "other-mesh"; it has: default, other`)
}

// What a control plane may answer, and what becomes of it.
func TestAnswers(t *testing.T) {
	on := func(path string, status int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != path {
				return false
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			return true
		}
	}
	standard := func(status int, title string) string {
		return fmt.Sprintf(`{"type":"/std-errors","status":"%d","title":%q,"detail":"details of it"}`, status, title)
	}
	tests := map[string]struct {
		version string // 2.13.1 unless it says another
		answer  func(http.ResponseWriter, *http.Request) bool
		err     string // "" for none
		unread  string
		cause   cluster.Cause
		absent  string
	}{
		"401":                      {answer: on("/meshes", 401, standard(401, "Invalid authentication data")), err: "Invalid authentication data: details of it; pass a token with --token"},
		"403 on a policy":          {answer: on("/traffic-traces", 403, standard(403, "Access Denied")), err: "denies a required permission: GET /traffic-traces: 403 Forbidden: Access Denied"},
		"403 on what is optional":  {answer: on("/dataplanes", 403, standard(403, "Access Denied")), unread: cluster.KindDataplane, cause: cluster.Forbidden},
		"403 on the config":        {answer: on("/config", 403, standard(403, "Access Denied")), unread: "mode", cause: cluster.Forbidden},
		"no config":                {answer: on("/config", 404, "404: Page Not Found"), unread: "mode", cause: cluster.NotFound},
		"an unknown mode":          {answer: on("/config", 200, `{"mode":"both"}`), unread: "mode", cause: cluster.Unclear},
		"403 on the index":         {answer: on("/", 403, standard(403, "Access Denied")), unread: "version", cause: cluster.Forbidden},
		"404 of a kind on 1.8":     {version: "1.8.1", answer: on("/meshtraces", 404, "404: Page Not Found"), absent: cluster.KindMeshTrace},
		"404 of a kind on 3.0":     {version: "3.0.0", answer: on("/traffic-traces", 404, "404: Page Not Found"), absent: cluster.KindTrafficTrace},
		"no MeshTraces on 2.13":    {answer: on("/meshtraces", 404, "404: Page Not Found"), err: "does not have a path that every control plane has: GET /meshtraces: 404"},
		"no TrafficRoutes on 2.13": {answer: on("/traffic-routes", 404, "404: Page Not Found"), err: "does not have a path that every control plane has: GET /traffic-routes: 404"},
		"no MeshGateways on 2.13":  {answer: on("/meshgateways", 404, "404: Page Not Found"), unread: cluster.KindMeshGateway, cause: cluster.NotFound},
		"404 of meshes":            {answer: on("/meshes", 404, "404: Page Not Found"), err: "is the URL that of a control plane's API?"},
		"no list":                  {answer: on("/traffic-traces", 200, `{}`), err: "is not a list: it has neither items nor a total"},
		"no TrafficTraces on 2.13": {answer: on("/traffic-traces", 404, "404: Page Not Found"), err: "does not have a path that every control plane has"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.Answer, f.Version = tt.answer, cmp.Or(tt.version, f.Version)
			s, err := cluster.Load(t.Context(), f.serve(t, Options{}))
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			var unread, absent string
			var cause cluster.Cause
			for _, u := range s.Origin.Unread {
				unread, cause = u.What, u.Cause
				assert.NotEmpty(t, u.Reason)
				assert.NotEmpty(t, u.Remedy)
			}
			for _, kind := range s.Origin.Absent {
				absent = kind
			}
			assert.Equal(t, tt.unread, unread)
			assert.Equal(t, tt.cause, cause)
			assert.Equal(t, tt.absent, absent)
		})
	}
}

// beforeSecondPage changes something between the first two pages of Dataplanes,
// and returns where their pages are counted.
func (f fake) beforeSecondPage(change func()) *int {
	pages := 0
	f.Answer = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/dataplanes" {
			if pages++; pages == 2 {
				change()
			}
		}
		return false
	}
	return &pages
}

// A list that changes between two pages is read anew.
func TestListChanges(t *testing.T) {
	f := newFake(t)
	f.addDataplanes(2, 701)
	pages := f.beforeSecondPage(func() {
		f.Lists["/dataplanes"] = f.Lists["/dataplanes"][1:] // the first is gone: every other moves up
	})
	s, err := cluster.Load(t.Context(), f.serve(t, Options{}))
	require.NoError(t, err)
	assert.Len(t, s.Dataplanes, 700)
	assert.Equal(t, 4, *pages)
	assert.Empty(t, s.Problems)
}

// One that goes and one that comes between two pages leave the total as it was,
// and would hide the one that moves to the page before.
func TestListExchanges(t *testing.T) {
	f := newFake(t)
	f.addDataplanes(2, 700)
	pages := f.beforeSecondPage(func() {
		f.Lists["/dataplanes"] = f.Lists["/dataplanes"][1:]
		f.addDataplanes(9999, 9999)
	})
	s, err := cluster.Load(t.Context(), f.serve(t, Options{}))
	require.NoError(t, err)
	names := make(map[string]bool)
	for _, dp := range s.Dataplanes {
		names[dp.Name] = true
	}
	for n := 2; n <= 700; n++ {
		assert.True(t, names[fmt.Sprintf("dp-%04d", n)], "dp-%04d was there all the time", n)
	}
	assert.Len(t, s.Dataplanes, 700)
	assert.Equal(t, 4, *pages, "the list was read anew")
}

// A kind that one mesh lacks and another has is not absent: the mesh is gone.
func TestMeshGoes(t *testing.T) {
	f := newFake(t)
	f.Add(map[string]any{"type": "Mesh", "name": "other"})
	for _, mesh := range []string{"default", "other"} {
		for _, list := range []string{"meshtraces", "meshgateways", "traffic-traces", "traffic-routes", "dataplanes"} {
			if path := "/meshes/" + mesh + "/" + list; f.Lists[path] == nil {
				f.Lists[path] = []map[string]any{}
			}
		}
	}
	delete(f.Lists, "/meshes/default/meshtraces")
	_, err := cluster.Load(t.Context(), f.serve(t, Options{Meshes: []string{"default", "other"}}))
	require.ErrorContains(t, err, "GET /meshes/default/meshtraces: 404")
}

// A large mesh fits: of a Dataplane stays what is read of it, and what others have
// as well is kept once.
func TestReadIsLean(t *testing.T) {
	withoutRace.Skip(t) // which has its own notes of what is allocated
	const n = 50_000
	const limit = 450 // bytes for each
	server := httptest.NewServer(dataplanes(n))
	t.Cleanup(server.Close)
	cp, err := New(Options{URL: server.URL})
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s, err := cluster.Load(t.Context(), cp)
	require.NoError(t, err)
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Len(t, s.Dataplanes, n)
	each := int(after.HeapAlloc-before.HeapAlloc) / n
	t.Logf("%d bytes for each Dataplane", each)
	assert.Less(t, each, limit)
}

// What a control plane says of credentials is hidden, also where it decoded them.
func TestScrub(t *testing.T) {
	f := newFake(t)
	f.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		user, password, _ := r.BasicAuth()
		fixtures.Refuse(w, http.StatusUnauthorized, "no "+r.Header.Get("Authorization"), user+":"+password+" or "+password)
		return true
	}
	header := http.Header{"Authorization": {"Basic YW5uOmh1bnRlcjI="}}
	_, err := cluster.Load(t.Context(), f.serve(t, Options{Headers: header}))
	require.ErrorContains(t, err, "REDACTED")
	assert.NotContains(t, err.Error(), "hunter2")
	assert.NotContains(t, err.Error(), "YW5uOmh1bnRlcjI")
}

func TestBrokenItem(t *testing.T) {
	f := newFake(t)
	f.Add(map[string]any{"type": "TrafficTrace", "mesh": "default", "name": "odd", "selectors": "none"})
	s, err := cluster.Load(t.Context(), f.serve(t, Options{}))
	require.NoError(t, err)
	assert.Len(t, s.TrafficTraces, 2, "what is wrong in it is found when it is decoded, by its name")
	assert.Equal(t, "/meshes/default/traffic-traces/odd", s.TrafficTraces[1].Place.String())
}

func TestDescribe(t *testing.T) {
	tests := map[string]struct {
		config string
		want   cluster.Origin
		zones  string
	}{
		"old standalone": {config: `{"mode":"standalone","environment":"universal"}`, want: cluster.Origin{Mode: cluster.ModeZone, Environment: cluster.Universal}},
		"federated zone on Kubernetes": {
			config: `{"mode":"zone","environment":"kubernetes","store":{"type":"kubernetes","kubernetes":{"systemNamespace":"mesh"}},"multizone":{"zone":{"name":"east","globalAddress":"grpcs://global:5685"}}}`,
			want:   cluster.Origin{Mode: cluster.ModeFederatedZone, Environment: cluster.Kubernetes, Namespace: "mesh", Zone: "east"},
		},
		"global": {
			config: `{"mode":"global","environment":"universal","multizone":{"zone":{"name":"default"}}}`,
			zones: `{"total":2,"items":[
				{"type":"ZoneOverview","name":"west","zone":{"enabled":true},"zoneInsight":{"subscriptions":[{"version":{"kumaCp":{"version":"2.9.0"}}},{"connectTime":"2025-01-01T00:00:00Z","version":{"kumaCp":{"version":"2.10.2"}}}]}},
				{"type":"ZoneOverview","name":"east","zone":{}}],"next":null}`,
			want: cluster.Origin{Mode: cluster.ModeGlobal, Environment: cluster.Universal, Zones: []cluster.Zone{{Name: "east"}, {Name: "west", Version: "2.10.2"}}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.Config = tt.config
			f.Answer = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/zones+insights" {
					_, _ = io.WriteString(w, tt.zones)
				}
				return r.URL.Path == "/zones+insights"
			}
			cp := f.serve(t, Options{Name: "prod"})
			got, err := cp.describe(t.Context())
			require.NoError(t, err)
			tt.want.Source, tt.want.Product, tt.want.Version = cp.String(), "Kuma", "2.13.1"
			tt.want.Endpoint = cluster.Endpoint{ControlPlane: cp.base.String(), Name: "prod"}
			assert.Equal(t, tt.want, *got)
		})
	}
}

func TestRequests(t *testing.T) {
	f := newFake(t)
	f.Answer = func(_ http.ResponseWriter, r *http.Request) bool {
		assert.Equal(t, "Bearer secret", r.Header.Get("Authorization"))
		assert.Equal(t, "yes", r.Header.Get("X-Extra"))
		path, behind := strings.CutPrefix(r.URL.Path, "/behind/a/proxy")
		assert.True(t, behind, r.URL.Path)
		r.URL.Path = path
		return false
	}
	_, err := cluster.Load(t.Context(), f.serve(t, Options{URL: "/behind/a/proxy/", Token: "secret", Headers: http.Header{"X-Extra": {"yes"}}}))
	require.NoError(t, err)
}

func TestConfig(t *testing.T) {
	f := newFake(t)
	f.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.RequestURI() {
		case "/meshes/default/dataplanes/web.shop/_config":
			_, _ = io.WriteString(w, "plain")
		case "/meshes/default/dataplanes/web.shop/_config?shadow=true":
			_, _ = io.WriteString(w, "shadow")
		case "/meshes/default/dataplanes/global/_config":
			fixtures.Refuse(w, http.StatusMethodNotAllowed, "Method not allowed", "Not allowed on global CP")
		default:
			return false
		}
		return true
	}
	cp := f.serve(t, Options{})
	for _, shadow := range []bool{false, true} {
		got, err := cp.Config(t.Context(), "default", "web.shop", shadow)
		require.NoError(t, err)
		assert.Equal(t, map[bool]string{false: "plain", true: "shadow"}[shadow], string(got))
	}
	_, err := cp.Config(t.Context(), "default", "global", false)
	require.ErrorContains(t, err, "is a global control plane")
	_, err = cp.Config(t.Context(), "default", "gone", false)
	require.ErrorContains(t, err, "404")
}

// No credential appears in a message.
func TestSecrets(t *testing.T) {
	f := newFake(t)
	server := httptest.NewServer(f)
	address := server.Listener.Addr().String()
	server.Close()
	cp, err := New(Options{URL: "http://" + address, Token: "sesame"})
	require.NoError(t, err)
	_, err = cluster.Load(t.Context(), cp)
	require.ErrorContains(t, err, "nothing listens there")
	assert.NotContains(t, err.Error(), "sesame")

	echo := newFake(t)
	echo.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		fixtures.Refuse(w, http.StatusUnauthorized, "Invalid authentication data", "cannot use "+r.Header.Get("Authorization")+" and "+r.Header.Get("X-Key"))
		return true
	}
	_, err = cluster.Load(t.Context(), echo.serve(t, Options{Token: "sesame", Headers: http.Header{"X-Key": {"hunter2"}}}))
	require.ErrorContains(t, err, "cannot use Bearer REDACTED and REDACTED")

	for _, bad := range []string{"http://user:hunter2@x:1", "http://x:1/?token=hunter2", "localhost:5681", "ftp://user:hunter2@x", "http://", "http://[::1"} {
		_, err := New(Options{URL: bad})
		require.Error(t, err, bad)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

func TestTLS(t *testing.T) {
	f := newFake(t)
	server := httptest.NewTLSServer(f)
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	tests := map[string]struct {
		config Config
		err    string
	}{
		"unknown authority": {Config{}, "pass the authority that signed its certificate with --ca-cert"},
		"known authority":   {Config{CACert: ca}, ""},
		"unverified":        {Config{SkipVerify: true}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			base, err := tt.config.Transport()
			require.NoError(t, err)
			cp, err := New(Options{URL: server.URL, Base: base})
			require.NoError(t, err)
			_, err = cluster.Load(t.Context(), cp)
			if tt.err == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, tt.err)
		})
	}
	plain := "http://" + server.Listener.Addr().String()
	cp, err := New(Options{URL: plain})
	require.NoError(t, err)
	_, err = cluster.Load(t.Context(), cp)
	require.Error(t, err)

	for _, broken := range []Config{{CACert: "/nowhere"}, {CACert: os.Args[0]}, {ClientCert: ca}, {ClientCert: ca, ClientKey: ca}} {
		_, err := broken.Transport()
		assert.Error(t, err)
	}
}

func TestKumactl(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(path, []byte(`contexts:
- name: work
  controlPlane: prod
controlPlanes:
- name: prod
  coordinates:
    apiServer:
      url: https://cp:5682
      caCertFile: /ca.pem
      clientCertFile: /c.pem
      clientKeyFile: /k.pem
      headers: [{key: x-team, value: mesh}]
      authType: tokens
      authConf: {token: sesame}
- name: sso
  coordinates: {apiServer: {url: "https://sso", authType: oidc}}
currentContext: work
`), 0o600))
	want := Config{
		Name: "prod", URL: "https://cp:5682", CACert: "/ca.pem", ClientCert: "/c.pem", ClientKey: "/k.pem",
		Headers: http.Header{"X-Team": {"mesh"}}, Token: "sesame",
	}
	for _, name := range []string{"prod", "work"} {
		got, err := FromKumactl(path, name)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for name, message := range map[string]string{"prdo": "it has: prod, sso", "sso": `uses the authentication "oidc"`} {
		_, err := FromKumactl(path, name)
		assert.ErrorContains(t, err, message)
	}
	_, err := FromKumactl(path+"-not", "prod")
	assert.ErrorContains(t, err, "pass a URL such as")
	require.NoError(t, os.WriteFile(path, []byte("controlPlanes: []"), 0o600))
	_, err = FromKumactl(path, "prod")
	require.ErrorContains(t, err, `has no control plane "prod", and no other; pass its URL`)
	require.NoError(t, os.WriteFile(path, []byte("controlPlanes: sesame"), 0o600))
	_, err = FromKumactl(path, "prod")
	require.ErrorContains(t, err, "is not in kumactl's form")
	assert.NotContains(t, err.Error(), "sesame")
}
