package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"tracemigrate/cluster"
	"tracemigrate/fixtures/kubernetes"
)

const policies = `
apiVersion: kuma.io/v1alpha1
kind: Mesh
metadata:
  name: default
spec:
  mtls: {enabledBackend: ca}
  tracing:
    defaultBackend: z
    backends: [{name: z, type: zipkin, sampling: 33.3, conf: {url: "http://zipkin:9411/api/v2/spans"}}]
---
apiVersion: kuma.io/v1alpha1
kind: Mesh
metadata: {name: other}
---
apiVersion: kuma.io/v1alpha1
kind: TrafficTrace
mesh: default
metadata: {name: all, annotations: {note: hidden}}
spec:
  selectors: [{match: {kuma.io/service: '*'}}]
  conf: {backend: z}
---
apiVersion: kuma.io/v1alpha1
kind: TrafficTrace
mesh: other
metadata: {name: others}
spec: {selectors: [{match: {kuma.io/service: '*'}}]}
---
apiVersion: kuma.io/v1alpha1
kind: TrafficRoute
mesh: default
metadata: {name: route-all}
spec: {}
`

const controlPlane = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: kuma-control-plane
  namespace: kuma-system
  labels: {app: kuma-control-plane, app.kubernetes.io/version: 2.13.1}
spec:
  selector: {matchLabels: {app: kuma-control-plane}}
  template:
    metadata: {labels: {app: kuma-control-plane}}
    spec:
      containers:
      - name: control-plane
        image: docker.io/kumahq/kuma-cp:<image>
        env:
        - {name: KUMA_MODE, value: <mode>}
        - {name: KUMA_MULTIZONE_ZONE_NAME, value: east}
        - {name: KUMA_MULTIZONE_ZONE_GLOBAL_ADDRESS, value: <global>}
`

func deployed(image, mode, global string) string {
	return strings.NewReplacer("<image>", image, "<mode>", `"`+mode+`"`, "<global>", `"`+global+`"`).Replace(controlPlane)
}

func binding(role, user string) string {
	return fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: %[1]s-%[2]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %[1]s}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %[2]s}]
`, role, user)
}

// start is an API server with Kuma's kinds, and a user "reader" that the role
// in the error message was applied for.
func start(t testing.TB) *kubernetes.Cluster {
	t.Helper()
	c := kubernetes.Start(t)
	c.Reset(t, kubernetes.CRDs)
	c.Apply(t, ClusterRole)
	c.Apply(t, binding("tracemigrate", "reader"))
	return c
}

func open(t testing.TB, c *kubernetes.Cluster, user string, o Options) *Cluster {
	t.Helper()
	o.Kubeconfig, o.QPS, o.Burst = c.Kubeconfig(t, user), 1000, 1000
	opened, err := New(o)
	require.NoError(t, err)
	opened.pageSize = 500
	return opened
}

// addDataplanes puts Dataplanes into namespace shop, from several goroutines.
func addDataplanes(t testing.TB, c *kubernetes.Cluster, n int) {
	t.Helper()
	c.Apply(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")
	client, err := dynamic.NewForConfig(c.Config("admin"))
	require.NoError(t, err)
	var workers sync.WaitGroup
	for w := range 8 {
		workers.Go(func() {
			for i := w; i < n; i += 8 {
				text := fmt.Sprintf(`{"apiVersion":"kuma.io/v1alpha1","kind":"Dataplane","mesh":"default","metadata":{"name":"dp-%05d","namespace":"shop","labels":{"app":"web"}},
					"spec":{"networking":{"address":"10.0.0.1","inbound":[{"port":80,"tags":{"kuma.io/service":"web_shop_svc_80","kuma.io/protocol":"http","version":"v%d"}}]}}}`, i, i%7)
				_, err := client.Resource(resourceOf(cluster.KindDataplane)).Namespace("shop").Create(t.Context(), fromJSON(t, text), metav1.CreateOptions{})
				assert.NoError(t, err)
			}
		})
	}
	workers.Wait()
}

// Services are read in a cluster without Dataplanes, by a user who may list them.
func TestServices(t *testing.T) {
	c := start(t)
	c.Apply(t, policies)
	c.Apply(t, deployed("2.13.1", "zone", ""))
	c.Apply(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n"+
		"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n")
	for user, want := range map[string]int{"admin": 1, "reader": 0} {
		s, err := cluster.Load(t.Context(), open(t, c, user, Options{}))
		require.NoError(t, err, user)
		assert.Empty(t, s.Problems)
		selector, namespace := s.ServiceSelector("default", "web_shop_svc_80")
		assert.Len(t, selector, want, user)
		assert.Equal(t, want == 1, namespace == "shop", user)
	}
	addDataplanes(t, c, 1)
	s, err := cluster.Load(t.Context(), open(t, c, "admin", Options{}))
	require.NoError(t, err)
	assert.Empty(t, s.Services)
}

func TestRead(t *testing.T) {
	c := start(t)
	c.Apply(t, policies)
	c.Apply(t, deployed("2.13.1", "zone", ""))
	addDataplanes(t, c, 1003)
	var progress []int
	s, err := cluster.Load(t.Context(), open(t, c, "reader", Options{Progress: func(kind string, n int) {
		if kind == cluster.KindDataplane {
			progress = append(progress, n)
		}
	}}))
	require.NoError(t, err)
	assert.Empty(t, s.Problems)
	assert.Len(t, s.Meshes, 2)
	require.Len(t, s.TrafficTraces, 2)
	assert.Equal(t, "traffictraces/all", s.TrafficTraces[0].Place.String())
	assert.WithinDuration(t, time.Now(), s.TrafficTraces[0].Created, time.Minute)
	require.Len(t, s.Dataplanes, 1003)
	assert.Equal(t, "dp-00000.shop", s.Dataplanes[0].FullName())
	assert.Equal(t, []int{0, 500, 1000, 1003}, progress)
	assert.True(t, s.TrafficRoutes["default"])
	assert.Equal(t, cluster.Origin{
		Source:   fmt.Sprintf("Kubernetes context %q (%s)", "test", c.Host),
		Endpoint: cluster.Endpoint{Kubernetes: c.Host, Context: "test"}, Product: "Kuma", Version: "2.13.1", Mode: cluster.ModeZone,
		Environment: cluster.Kubernetes, Namespace: "kuma-system", Zone: "east",
	}, *s.Origin)

	one, err := cluster.Load(t.Context(), open(t, c, "reader", Options{Meshes: []string{"other"}}))
	require.NoError(t, err)
	assert.Len(t, one.Meshes, 1)
	assert.Len(t, one.TrafficTraces, 1)
	assert.Empty(t, one.Dataplanes)
	_, err = cluster.Load(t.Context(), open(t, c, "reader", Options{Meshes: []string{"ohter"}}))
	require.ErrorContains(t, err, `has no mesh "ohter"; it has: default, other`)
}

func TestDescribe(t *testing.T) {
	const zones = `
apiVersion: kuma.io/v1alpha1
kind: Zone
metadata: {name: east}
spec: {enabled: true}
---
apiVersion: kuma.io/v1alpha1
kind: Zone
metadata: {name: west}
---
apiVersion: kuma.io/v1alpha1
kind: ZoneInsight
metadata: {name: east}
spec: {subscriptions: [{version: {kumaCp: {version: 2.9.0}}}, {version: {kumaCp: {version: 2.10.1}}}]}
`
	kong := strings.NewReplacer("kuma-system", "kong-mesh-system", "kuma-control-plane", "kong-mesh-control-plane", "docker.io/kumahq", "kong").Replace(deployed("2.12.0", "zone", "grpcs://global:5685"))
	tests := map[string]struct {
		applied string
		options Options
		want    cluster.Origin
		unread  []string
	}{
		"federated zone of Kong Mesh": {
			applied: kong,
			want:    cluster.Origin{Product: "Kong Mesh", Version: "2.12.0", Mode: cluster.ModeFederatedZone, Namespace: "kong-mesh-system", Zone: "east"},
		},
		"global": {
			applied: deployed("2.13.1", "global", "") + "---" + zones,
			want:    cluster.Origin{Product: "Kuma", Version: "2.13.1", Mode: cluster.ModeGlobal, Namespace: "kuma-system", Zones: []cluster.Zone{{Name: "east", Version: "2.10.1"}, {Name: "west"}}},
		},
		"tag that is no version": {
			applied: deployed("latest@sha256:0123", "zone", ""),
			want:    cluster.Origin{Product: "Kuma", Version: "2.13.1", Mode: cluster.ModeZone, Namespace: "kuma-system", Zone: "east"},
		},
		"no version, no mode": {
			applied: strings.ReplaceAll(deployed("latest", "", ""), "2.13.1", "next"),
			want:    cluster.Origin{Product: "Kuma", Namespace: "kuma-system", Zone: "east"},
			unread:  []string{"version", "mode"},
		},
		"the global address from a ConfigMap": {
			applied: strings.Replace(deployed("2.13.1", "zone", ""), `value: ""`, "valueFrom: {configMapKeyRef: {name: a, key: b}}", 1),
			want:    cluster.Origin{Product: "Kuma", Version: "2.13.1", Namespace: "kuma-system", Zone: "east"},
			unread:  []string{"mode"},
		},
		"the environment from a ConfigMap": {
			applied: strings.Replace(deployed("2.13.1", "zone", ""), `        - {name: KUMA_MULTIZONE_ZONE_GLOBAL_ADDRESS, value: ""}`, "        envFrom: [{configMapRef: {name: a}}]", 1),
			want:    cluster.Origin{Product: "Kuma", Version: "2.13.1", Namespace: "kuma-system", Zone: "east"},
			unread:  []string{"mode"},
		},
		"elsewhere": {
			applied: strings.ReplaceAll(deployed("2.7.0", "standalone", ""), "kuma-system", "mesh"), options: Options{Namespace: "mesh"},
			want: cluster.Origin{Product: "Kuma", Version: "2.7.0", Mode: cluster.ModeZone, Namespace: "mesh", Zone: "east"},
		},
		"not found": {applied: strings.ReplaceAll(deployed("2.7.0", "zone", ""), "kuma-system", "mesh"), unread: []string{"version", "mode"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := start(t)
			c.Apply(t, tt.applied)
			got, err := open(t, c, "reader", tt.options).describe(t.Context())
			require.NoError(t, err)
			var unread []string
			for _, u := range got.Unread {
				unread = append(unread, u.What)
				assert.NotEmpty(t, u.Reason)
				assert.Contains(t, u.Remedy, "--")
			}
			assert.Equal(t, tt.unread, unread)
			got.Unread, got.Source, got.Endpoint = nil, "", cluster.Endpoint{}
			tt.want.Environment = cluster.Kubernetes
			assert.Equal(t, tt.want, *got)
		})
	}
}

// What is not allowed is named as the role to apply, and with it works.
func TestForbidden(t *testing.T) {
	c := start(t)
	c.Apply(t, policies)
	_, err := cluster.Load(t.Context(), open(t, c, "nobody", Options{}))
	require.ErrorContains(t, err, `User "nobody" cannot list resource "traffictraces"`)
	assert.ErrorContains(t, err, `User "nobody" cannot list resource "meshes"`)
	_, role, ok := strings.Cut(err.Error(), "to bind to the user:\n")
	require.True(t, ok)
	c.Apply(t, role)
	c.Apply(t, binding("tracemigrate", "nobody"))
	s, err := cluster.Load(t.Context(), open(t, c, "nobody", Options{}))
	require.NoError(t, err)
	assert.Len(t, s.Meshes, 2)

	c.Apply(t, strings.NewReplacer("name: tracemigrate", "name: less", ", dataplanes, meshgateways, meshservices, meshopentelemetrybackends, externalservices, meshhttproutes, meshtcproutes, meshproxypatches, proxytemplates, zones, zoneinsights", "", "apps", "none").Replace(ClusterRole))
	c.Apply(t, binding("less", "limited"))
	s, err = cluster.Load(t.Context(), open(t, c, "limited", Options{}))
	require.NoError(t, err)
	var unread []string
	for _, u := range s.Origin.Unread {
		unread = append(unread, u.What)
		assert.Equal(t, cluster.Forbidden, u.Cause, u.What)
	}
	assert.Equal(t, []string{"version", "mode", cluster.KindDataplane, cluster.KindMeshGateway, cluster.KindMeshService, cluster.KindOTelBackend, cluster.KindExternalService, cluster.KindMeshHTTPRoute, cluster.KindMeshTCPRoute, cluster.KindMeshProxyPatch, cluster.KindProxyTemplate}, unread)

	config := c.Config("reader")
	config.BearerToken = "wrong"
	stranger := &Cluster{name: "test"}
	require.NoError(t, stranger.connect(config))
	_, err = cluster.Load(t.Context(), stranger)
	require.ErrorContains(t, err, "rejects the credentials")
	assert.NotContains(t, err.Error(), "wrong")
}

// Where TrafficTrace is gone, as in 3.0, there is no error; where nothing of
// Kuma is, it may be the wrong cluster.
func TestNothingLeft(t *testing.T) {
	c := kubernetes.Start(t)
	c.Reset(t)
	_, err := cluster.Load(t.Context(), open(t, c, "admin", Options{}))
	require.ErrorContains(t, err, "has no Kuma")

	c.Apply(t, strings.ReplaceAll(strings.ReplaceAll(kubernetes.CRDs, "traffictraces", "othertraces"), "traffictrace", "othertrace"))
	c.Apply(t, deployed("3.0.0", "zone", ""))
	s, err := cluster.Load(t.Context(), open(t, c, "admin", Options{}))
	require.NoError(t, err)
	assert.Equal(t, []string{cluster.KindTrafficTrace}, s.Origin.Absent)
	assert.True(t, s.Origin.NothingLegacy())
	assert.True(t, s.Empty())
}

// A kind that the control plane's version has and the cluster has not is never
// taken for one that has no objects.
func TestMissingDefinitions(t *testing.T) {
	c := kubernetes.Start(t)
	for kind, want := range map[string]struct{ err, unread string }{
		"traffictrace": {err: "does not have traffictraces.kuma.io, which Kuma 2.13.1 installs; install"},
		"trafficroute": {err: "does not have trafficroutes.kuma.io, which Kuma 2.13.1 installs; install"},
		"meshtrace":    {err: "does not have meshtraces.kuma.io, which Kuma 2.13.1 installs; install"},
		"meshgateway":  {unread: cluster.KindMeshGateway},
		"dataplane":    {unread: cluster.KindDataplane},
	} {
		t.Run(kind, func(t *testing.T) {
			c.Reset(t)
			c.Apply(t, strings.ReplaceAll(kubernetes.CRDs, kind, "other"+kind))
			c.Apply(t, deployed("2.13.1", "zone", ""))
			s, err := cluster.Load(t.Context(), open(t, c, "admin", Options{}))
			if want.err != "" {
				require.ErrorContains(t, err, want.err)
				return
			}
			require.NoError(t, err)
			assert.Empty(t, s.Origin.Absent)
			u, lacks := s.Origin.Lacks(want.unread)
			assert.True(t, lacks)
			assert.Equal(t, cluster.NotFound, u.Cause)
			assert.Contains(t, u.Reason, kind+"s.kuma.io, which Kuma 2.13.1 installs")
		})
	}
}

// Two control planes in two namespaces are told apart by name.
func TestSeveralControlPlanes(t *testing.T) {
	c := start(t)
	c.Apply(t, deployed("2.13.1", "zone", ""))
	c.Apply(t, strings.ReplaceAll(deployed("2.9.4", "zone", ""), "kuma-system", "kong-mesh-system"))
	_, err := cluster.Load(t.Context(), open(t, c, "reader", Options{}))
	require.ErrorContains(t, err, "has several control planes: kuma-system/kuma-control-plane (2.13.1), kong-mesh-system/kuma-control-plane (2.9.4); choose one by its namespace")
	s, err := cluster.Load(t.Context(), open(t, c, "reader", Options{Namespace: "kong-mesh-system"}))
	require.NoError(t, err)
	assert.Equal(t, "2.9.4", s.Origin.Version)
}

const meshTrace = `apiVersion: kuma.io/v1alpha1
kind: MeshTrace
metadata: {name: %s, namespace: kuma-system, labels: {kuma.io/mesh: default}}
spec:
  targetRef: {kind: Mesh}
  default:
    sampling: {overall: "33.3"}
    backends: [{type: %s, %s: {%s}}]
`

func TestTry(t *testing.T) {
	c := start(t)
	c.Apply(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: kuma-system}\n")
	good := fmt.Sprintf(meshTrace, "good", "Zipkin", "zipkin", `url: "http://z:9411/api", apiVersion: httpJson, sharedSpanContext: true, traceId128bit: false`)
	texts := []string{
		good,
		fmt.Sprintf(meshTrace, "bad-url", "Datadog", "datadog", `url: "tcp://agent:8126", splitService: false`),
		fmt.Sprintf(meshTrace, "bad-type", "Jaeger", "zipkin", `url: "http://z:9411"`),
	}
	_, err := open(t, c, "reader", Options{}).Try(t.Context(), texts)
	require.ErrorContains(t, err, "needs the permission to create although it stores nothing")
	_, role, ok := strings.Cut(err.Error(), "to bind to the user:\n")
	require.True(t, ok)
	c.Apply(t, role)
	c.Apply(t, binding("tracemigrate-server-dry-run", "reader"))

	reader := open(t, c, "reader", Options{})
	trials, err := reader.Try(t.Context(), texts)
	require.NoError(t, err)
	require.Len(t, trials, len(texts))
	assert.True(t, trials[0].Accepted, trials[0].Message)
	for i, message := range []string{"", "url", "Unsupported value: \"Jaeger\""} {
		if message != "" {
			assert.False(t, trials[i].Accepted, texts[i])
			assert.Contains(t, trials[i].Message, message)
		}
	}
	list, err := reader.all(t.Context(), cluster.KindMeshTrace)
	require.NoError(t, err)
	assert.Zero(t, list.Len(), "nothing was stored")

	c.Apply(t, good)
	trials, err = reader.Try(t.Context(), []string{good, strings.Replace(good, "Zipkin", "Jaeger", 1)})
	require.NoError(t, err)
	assert.True(t, trials[0].Accepted, "one that is there already is replaced: %s", trials[0].Message)
	assert.False(t, trials[1].Accepted)
	list, err = reader.all(t.Context(), cluster.KindMeshTrace)
	require.NoError(t, err)
	require.Equal(t, 1, list.Len())
	require.NoError(t, list.Drain(func(_ string, text []byte) { assert.NotContains(t, string(text), "managedFields") }))
}

// The cost of reading is that of listing, and little more: 3 s, or on a slow machine
// twice the list.
func TestReadIsFast(t *testing.T) {
	const n = 3000
	c := start(t)
	c.Apply(t, policies)
	addDataplanes(t, c, n)
	client, err := dynamic.NewForConfig(c.Config("reader"))
	require.NoError(t, err)
	var plain, whole time.Duration
	for range 3 { // what else a shared machine does can make a reading slow
		start := time.Now()
		list, err := client.Resource(resourceOf(cluster.KindDataplane)).List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		require.Len(t, list.Items, n)
		plain = time.Since(start)
		start = time.Now()
		s, err := cluster.Load(t.Context(), open(t, c, "reader", Options{}))
		require.NoError(t, err)
		require.Len(t, s.Dataplanes, n)
		whole = time.Since(start)
		t.Logf("one list of %d Dataplanes takes %s, reading all %s", n, plain.Round(time.Millisecond), whole.Round(time.Millisecond))
		if whole-plain < max(3*time.Second, 2*plain) {
			break
		}
	}
	assert.Less(t, whole-plain, max(3*time.Second, 2*plain))
}

// A kind that goes away or is forbidden between two pages has not been read.
func TestPartOfAList(t *testing.T) {
	c := start(t)
	c.Apply(t, policies)
	c.Apply(t, deployed("2.13.1", "zone", ""))
	addDataplanes(t, c, 501)
	pass := proxy(t, c)
	for status, want := range map[int]string{http.StatusNotFound: "was deleted while it was listed", http.StatusForbidden: ""} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("continue") == "" {
				pass.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			reason := map[int]string{http.StatusNotFound: "NotFound", http.StatusForbidden: "Forbidden"}[status]
			_ = json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "reason": reason, "message": "no, " + r.Header.Get("Authorization")})
		}))
		t.Cleanup(server.Close)
		through := &Cluster{name: "test", pageSize: 500, options: Options{QPS: 1000, Burst: 1000}}
		require.NoError(t, through.connect(&rest.Config{Host: server.URL, BearerToken: "hunter2"}))
		s, err := cluster.Load(t.Context(), through)
		if want != "" {
			require.ErrorContains(t, err, want)
			assert.NotContains(t, err.Error(), "hunter2")
			continue
		}
		require.NoError(t, err)
		assert.Empty(t, s.Dataplanes, "a part is not the whole")
		u, lacks := s.Origin.Lacks(cluster.KindDataplane)
		assert.True(t, lacks)
		assert.Equal(t, "no, Bearer REDACTED", u.Reason)
	}
}

// proxy passes everything on to the API server, as the user who may read.
func proxy(t *testing.T, c *kubernetes.Cluster) http.Handler {
	t.Helper()
	config := c.Config("reader")
	target, err := url.Parse(config.Host)
	require.NoError(t, err)
	transport, err := rest.TransportFor(config)
	require.NoError(t, err)
	return &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Header.Del("Authorization")
	}}
}

// Ctrl-C, which cancels the context, ends a read at once.
func TestCancel(t *testing.T) {
	c := start(t)
	addDataplanes(t, c, 600)
	ctx, cancel := context.WithCancel(t.Context())
	start := time.Now()
	_, err := cluster.Load(ctx, open(t, c, "reader", Options{Progress: func(kind string, _ int) {
		if kind == cluster.KindDataplane {
			cancel()
		}
	}}))
	require.ErrorIs(t, err, context.Canceled)
	assert.Less(t, time.Since(start), 5*time.Second)
}

// The API server passes questions on to the control plane's Service. Its
// address must not be a loopback one, which the API server refuses to reach.
func TestConfig(t *testing.T) {
	address := ""
	addresses, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() && ip.IP.To4() != nil {
			address = ip.IP.String()
		}
	}
	if address == "" {
		t.Skip("this machine has no network address but loopback, to which an API server passes nothing on")
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address+":0")
	require.NoError(t, err)
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Empty(t, r.Header.Get("Authorization"), "the cluster's token goes no further")
		_, _ = io.WriteString(w, r.URL.RequestURI())
	})}}
	server.Start()
	t.Cleanup(server.Close)
	c := start(t)
	c.Apply(t, deployed("2.13.1", "zone", ""))
	c.Apply(t, fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: control-plane-1, namespace: kuma-system}
spec: {containers: [{name: control-plane, image: kuma-cp}]}
---
apiVersion: v1
kind: Service
metadata: {name: kuma-control-plane, namespace: kuma-system}
spec: {ports: [{name: http-api-server, port: 5681}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: kuma-control-plane, namespace: kuma-system}
subsets: [{addresses: [{ip: %s, targetRef: {kind: Pod, namespace: kuma-system, name: control-plane-1}}], ports: [{name: http-api-server, port: %d}]}]
`, address, listener.Addr().(*net.TCPAddr).Port))
	// The API server passes on to pods only, and no kubelet says where this one is.
	client, err := dynamic.NewForConfig(c.Config("admin"))
	require.NoError(t, err)
	pods := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).Namespace("kuma-system")
	pod, err := pods.Get(t.Context(), "control-plane-1", metav1.GetOptions{})
	require.NoError(t, err)
	pod.Object["status"] = map[string]any{"phase": "Running", "podIP": address, "podIPs": []any{map[string]any{"ip": address}}}
	_, err = pods.UpdateStatus(t.Context(), pod, metav1.UpdateOptions{})
	require.NoError(t, err)

	reader := open(t, c, "reader", Options{})
	_, err = reader.describe(t.Context())
	require.NoError(t, err)
	_, err = reader.Config(t.Context(), "default", "web.shop", true)
	require.ErrorContains(t, err, "denies a required permission")
	_, role, ok := strings.Cut(err.Error(), "to bind to the user:\n")
	require.True(t, ok)
	c.Apply(t, role)
	c.Apply(t, binding("tracemigrate-shadow", "reader"))
	got, err := reader.Config(t.Context(), "default", "web.shop", true)
	require.NoError(t, err)
	assert.Equal(t, "/meshes/default/dataplanes/web.shop/_config?shadow=true", string(got))
}

// Kuma's own definitions, where they are at hand, are read and tried alike.
func TestKumaCRDs(t *testing.T) {
	c := kubernetes.Start(t)
	c.Reset(t)
	c.ApplyKumas(t)
	c.Apply(t, policies)
	c.Apply(t, deployed("2.13.1", "zone", ""))
	addDataplanes(t, c, 3)
	admin := open(t, c, "admin", Options{})
	s, err := cluster.Load(t.Context(), admin)
	require.NoError(t, err)
	assert.Len(t, s.Dataplanes, 3)
	assert.Len(t, s.TrafficTraces, 2)
	trials, err := admin.Try(t.Context(), []string{
		fmt.Sprintf(meshTrace, "good", "Zipkin", "zipkin", `url: "http://z:9411/api", apiVersion: httpJson, sharedSpanContext: true, traceId128bit: false`),
		fmt.Sprintf(meshTrace, "bad", "Jaeger", "zipkin", `url: "http://z:9411"`),
		fmt.Sprintf(meshTrace, "unknown-field", "Zipkin", "zipkin", `url: "http://z:9411", colour: red`),
	})
	require.NoError(t, err)
	assert.True(t, trials[0].Accepted, trials[0].Message)
	assert.False(t, trials[1].Accepted)
	assert.False(t, trials[2].Accepted)
	assert.Contains(t, trials[2].Message, `unknown field "spec.default.backends[0].zipkin.colour"`)
}

// What is wrong with a kubeconfig is said before anything is asked.
func TestNew(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("KUBECONFIG", filepath.Join(dir, "none"))
	t.Setenv("HOME", dir)
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	path := filepath.Join(dir, "config")
	require.NoError(t, os.WriteFile(path, []byte(`{"apiVersion":"v1","kind":"Config","current-context":"a",
		"clusters":[{"name":"c","cluster":{"server":"https://127.0.0.1:1"}}],
		"contexts":[{"name":"a","context":{"cluster":"c","user":"u"}},{"name":"b","context":{"cluster":"c","user":"u"}}],
		"users":[{"name":"u","user":{"token":"sesame"}}]}`), 0o600))
	broken := filepath.Join(dir, "broken")
	require.NoError(t, os.WriteFile(broken, []byte("{"), 0o600))
	for name, tt := range map[string]struct {
		options Options
		err     string
	}{
		"none":           {Options{}, "no kubeconfig that names a cluster"},
		"missing file":   {Options{Kubeconfig: filepath.Join(dir, "gone")}, "gone"},
		"broken file":    {Options{Kubeconfig: broken}, "reading the kubeconfig"},
		"wrong context":  {Options{Kubeconfig: path, Context: "prod"}, `has no context "prod"; it has: a, b`},
		"all well":       {Options{Kubeconfig: path, QPS: 1, Burst: 1}, ""},
		"another choice": {Options{Kubeconfig: path, Context: "b", QPS: 1, Burst: 1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := New(tt.options)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			_, err = cluster.Load(t.Context(), c)
			require.ErrorContains(t, err, "does kubectl reach the cluster?")
			assert.NotContains(t, err.Error(), "sesame")
		})
	}
}

func fromJSON(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	require.NoError(t, u.UnmarshalJSON([]byte(text)))
	return u
}

// The roles in docs are those of the messages, and the API server takes all
// that stands there.
func TestDocs(t *testing.T) {
	const dir = "../../docs/kubernetes"
	c := kubernetes.Start(t)
	c.Reset(t)
	for file, role := range map[string]string{"clusterrole.yaml": ClusterRole, "shadow.yaml": proxyRole("kuma-control-plane"), "server-dry-run.yaml": creatorRole, "job.yaml": ""} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		c.Apply(t, string(text))
		if role == "" {
			continue
		}
		var documented, said any
		require.NoError(t, yaml.Unmarshal(text, &documented))
		require.NoError(t, yaml.Unmarshal([]byte(role), &said))
		assert.Equal(t, said, documented, file)
	}
}
