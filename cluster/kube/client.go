package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // the logins that a kubeconfig may use
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/controlplane"
	"tracemigrate/cluster/credential"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/paging"
	"tracemigrate/cluster/retry"
)

// Options say which cluster to read, and how fast.
type Options struct {
	Kubeconfig string // file; empty: $KUBECONFIG, ~/.kube/config, or the cluster that this runs in
	Context    string // of the kubeconfig; empty: the current one
	QPS        float32
	Burst      int
	Meshes     []string      // to read; empty: all
	Namespace  string        // the control plane's; empty: the usual ones are searched
	Limits     paging.Limits // of lists and answers; 0 means that of paging.Defaults
	// Progress gets how many resources of a kind were read so far, Wait why the next try
	// waits; both may be nil, and are called from several goroutines.
	Progress func(kind string, read int)
	Wait     func(reason string, pause time.Duration)
}

// Cluster is a Source and an Inspector.
type Cluster struct {
	options  Options
	config   *rest.Config
	plain    *rest.Config // config without retries
	name     string
	context  string
	lists    *rest.RESTClient
	client   dynamic.Interface // for all other requests
	warnings *warnings
	sent     credential.Set // to the API server
	pageSize int64          // for tests; 0: the usual
	// What describe found out about the control plane.
	controlPlane *deployment
	api          func() (*controlplane.ControlPlane, error) // to its own API
}

// New reads the kubeconfig. It returns an error when there is none, or none with the
// context. It does not connect yet.
func New(o Options) (*Cluster, error) {
	overrides := &clientcmd.ConfigOverrides{CurrentContext: o.Context}
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(loadingRules(o.Kubeconfig), overrides)
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %s", manifest.Redact(err.Error()))
	}
	current := cmp.Or(o.Context, raw.CurrentContext)
	names := slices.Sorted(maps.Keys(raw.Contexts))
	chosen, ok := raw.Contexts[current]
	switch {
	case current != "" && !ok && len(names) == 0:
		return nil, fmt.Errorf("the kubeconfig has no context %q, and no other: %s", current, kubeconfigs(o))
	case current != "" && !ok:
		return nil, fmt.Errorf("the kubeconfig has no context %q; it has: %s", current, strings.Join(names, ", "))
	case current == "" && len(names) > 0:
		return nil, fmt.Errorf("the kubeconfig has no current context; name one with --context: %s", strings.Join(names, ", "))
	case ok && raw.Clusters[chosen.Cluster] == nil:
		return nil, fmt.Errorf("context %q of the kubeconfig names the cluster %q, which is not in it", current, chosen.Cluster)
	case ok && chosen.AuthInfo != "" && raw.AuthInfos[chosen.AuthInfo] == nil:
		return nil, fmt.Errorf("context %q of the kubeconfig names the user %q, who is not in it", current, chosen.AuthInfo)
	}
	config, err := loader.ClientConfig()
	switch {
	case clientcmd.IsEmptyConfig(err):
		return nil, fmt.Errorf("there is nothing to read: no -f, no --control-plane, and no kubeconfig that names a cluster; %s",
			kubeconfigs(o))
	case err != nil:
		return nil, fmt.Errorf("reading the kubeconfig: %s", manifest.Redact(err.Error()))
	}
	c := &Cluster{options: o, name: "Kubernetes cluster " + manifest.Redact(config.Host)}
	if ok {
		c.context = current
		c.name = fmt.Sprintf("Kubernetes context %q (%s)", current, manifest.Redact(config.Host))
	}
	return c, c.connect(config)
}

// kubeconfigs describes where no kubeconfig was found.
func kubeconfigs(o Options) string {
	list := os.Getenv("KUBECONFIG")
	switch {
	case o.Kubeconfig != "":
		return o.Kubeconfig + ", which --kubeconfig names, does not contain one"
	case list != "":
		return "what $KUBECONFIG names (" + list + ") is missing or empty, and --kubeconfig is not set"
	}
	return "~/.kube/config is missing or empty, and --kubeconfig is not set"
}

// Context returns the kubeconfig's context, empty in a cluster's own pod.
func (c *Cluster) Context() string { return c.context }

// connect makes the client.
func (c *Cluster) connect(config *rest.Config) error {
	klog.LogToStderr(false) // the caller reports errors
	klog.SetOutput(io.Discard)
	c.config = rest.CopyConfig(config)
	c.config.QPS, c.config.Burst = c.options.QPS, c.options.Burst
	c.config.UserAgent = "tracemigrate"
	c.warnings = &warnings{}
	c.config.WarningHandler = c.warnings
	host, _, err := rest.DefaultServerUrlFor(c.config)
	if err != nil {
		return fmt.Errorf("using the kubeconfig: %s", manifest.Redact(err.Error()))
	}
	c.sent.Add(c.config.BearerToken)
	c.sent.Add(c.config.Password)
	c.config.Wrap(func(base http.RoundTripper) http.RoundTripper {
		return &guard{base: base, host: host, sent: &c.sent}
	})
	c.plain = rest.CopyConfig(c.config)
	c.config.Wrap(func(base http.RoundTripper) http.RoundTripper {
		return &retry.Transport{Base: base, Wait: c.wait(), MaxAnswer: c.options.Limits.Answer}
	})
	if c.lists, err = rest.UnversionedRESTClientFor(dynamic.ConfigFor(c.config)); err != nil {
		return fmt.Errorf("using the kubeconfig: %w", err)
	}
	c.config.RateLimiter = c.lists.GetRateLimiter() // one for all requests
	if c.client, err = dynamic.NewForConfig(c.config); err != nil {
		return fmt.Errorf("using the kubeconfig: %w", err)
	}
	c.api = sync.OnceValues(c.connectAPI)
	return nil
}

// wait returns Options.Wait for reasons that may contain text of the server.
func (c *Cluster) wait() func(reason string, pause time.Duration) {
	if c.options.Wait == nil {
		return nil
	}
	return func(reason string, pause time.Duration) { c.options.Wait(c.scrub(reason), pause) }
}

// String names the cluster by context and address.
func (c *Cluster) String() string { return c.name }

// warnings collects the warnings of the API server.
type warnings struct {
	mu   sync.Mutex
	last []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if text != "" && !slices.Contains(w.last, text) {
		w.last = append(w.last, text)
	}
}

// take returns the warnings since the last call.
func (w *warnings) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.last
	w.last = nil
	return taken
}

// The names of Kuma's kinds in the API.
var resources = map[string]string{
	cluster.KindMesh:         "meshes",
	cluster.KindTrafficTrace: "traffictraces",
	cluster.KindMeshTrace:    "meshtraces",
	cluster.KindDataplane:    "dataplanes",
	cluster.KindMeshGateway:  "meshgateways",
	cluster.KindTrafficRoute: "trafficroutes",
	cluster.KindMeshService:  "meshservices",
	cluster.KindService:      "services",
	cluster.KindOTelBackend:  "meshopentelemetrybackends",

	cluster.KindExternalService: "externalservices",
	cluster.KindMeshHTTPRoute:   "meshhttproutes",
	cluster.KindMeshTCPRoute:    "meshtcproutes",
	cluster.KindMeshProxyPatch:  "meshproxypatches",
	cluster.KindProxyTemplate:   "proxytemplates",
	kindZone:                    "zones",
	kindZoneInsight:             "zoneinsights",
}

// The kinds that describe zones.
const (
	kindZone        = "Zone"
	kindZoneInsight = "ZoneInsight"
)

func resourceOf(kind string) schema.GroupVersionResource {
	if kind == cluster.KindService {
		return schema.GroupVersionResource{Version: "v1", Resource: resources[kind]}
	}
	return schema.GroupVersionResource{Group: "kuma.io", Version: "v1alpha1", Resource: resources[kind]}
}

// unreachable describes an error of the connection.
func (c *Cluster) unreachable(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s of %s: %w", doing, c, c.deadlineError(ctx, err))
	}
	if where, ok := errors.AsType[*url.Error](err); ok {
		err = where.Err // doing and c name the address
	}
	hint, text := "", c.scrub(err.Error())
	status, _ := statusOf(err)
	var elsewhere *redirectError
	switch {
	case status.Code >= http.StatusBadRequest:
		text, hint = c.answer(ctx, status), "; "+retry.Remedy(int(status.Code))
	case errors.As(err, &elsewhere):
		text, hint = elsewhere.Error(), "; is a login or a proxy in front of it?"
	case strings.Contains(text, "proxyconnect"), strings.Contains(text, "invalid proxy address"):
		hint = "; is the proxy right that $HTTPS_PROXY, $HTTP_PROXY or the kubeconfig names?"
	case os.IsTimeout(err), strings.Contains(text, "no such host"), strings.Contains(text, "connection refused"),
		strings.Contains(text, "no route to host"):
		hint = "; does kubectl reach the cluster?"
	case strings.Contains(text, "x509"):
		hint = "; does the kubeconfig contain the cluster's certificate authority, and the name that the certificate is for?"
	case errors.Is(err, errNotAPI), strings.Contains(text, "serializer for"), strings.Contains(text, "Object 'Kind' is missing"),
		strings.Contains(text, "invalid character"):
		text, hint = errNotAPI.Error(), "; is a login or a proxy in front of it?"
	case errors.Is(err, paging.ErrEndsEarly), strings.Contains(text, "unexpected end of JSON"):
		text, hint = paging.ErrEndsEarly.Error(), "; "+retry.RemedyForCut("EOF")
	case retry.RemedyForCut(text) != "":
		hint = "; " + retry.RemedyForCut(text)
	}
	return fmt.Errorf("%s of %s: %s%s", doing, c, text, hint)
}

// answer describes an answer that is no success.
func (c *Cluster) answer(ctx context.Context, status metav1.Status) string {
	text := fmt.Sprintf("%d %s: %s", status.Code, http.StatusText(int(status.Code)), c.scrub(status.Message))
	if tries := retry.Tries(ctx, int(status.Code)); tries > 0 {
		text += fmt.Sprintf(" (after %d tries)", tries)
	}
	return text
}

// deadlineError returns why a read did not end in time, without repetition.
func (c *Cluster) deadlineError(ctx context.Context, err error) error {
	text := c.scrub(err.Error())
	if strings.Contains(text, "expired") {
		return fmt.Errorf("%w (%s)", ctx.Err(), text)
	}
	if last := retry.Last(err); last != nil {
		return fmt.Errorf("%w, after %s", ctx.Err(), c.scrub(last.Error()))
	}
	return ctx.Err()
}

// scrub removes credentials from a text.
func (c *Cluster) scrub(text string) string { return manifest.Redact(c.sent.Scrub(text)) }
