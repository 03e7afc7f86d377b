package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // the ways to log in that kubeconfig may name
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/retry"
)

// Options say which cluster to read, and how fast.
type Options struct {
	Kubeconfig string // file; empty: $KUBECONFIG, ~/.kube/config, or the cluster that this runs in
	Context    string // of the kubeconfig; empty: the current one
	QPS        float32
	Burst      int
	Meshes     []string // to read; empty: all
	Namespace  string   // the control plane's; empty: looked for where it is usually installed
	// Progress is told how many of a kind were read so far, Wait why the next
	// try has to wait; both may be nil.
	Progress func(kind string, read int)
	Wait     func(reason string, pause time.Duration)
}

// Cluster is a Source and an Inspector.
type Cluster struct {
	options  Options
	config   *rest.Config
	plain    *rest.Config // config without the patience
	name     string
	client   dynamic.Interface
	warnings *warnings
	// What is known of the control plane once it was looked for.
	controlPlane *deployment
}

// New reads the kubeconfig. It returns an error when there is none, or none
// with the context; it does not yet speak to the cluster.
func New(o Options) (*Cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.Kubeconfig
	rules.WarnIfAllMissing = false
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: o.Context})
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	current := raw.CurrentContext
	if o.Context != "" {
		current = o.Context
		if _, ok := raw.Contexts[current]; !ok {
			var names []string
			for name := range raw.Contexts {
				names = append(names, name)
			}
			slices.Sort(names)
			return nil, fmt.Errorf("the kubeconfig has no context %q; it has: %s", current, strings.Join(names, ", "))
		}
	}
	config, err := loader.ClientConfig()
	switch {
	case clientcmd.IsEmptyConfig(err):
		return nil, errors.New("there is nothing to read: no -f, no --control-plane, and no kubeconfig that names a cluster (--kubeconfig, $KUBECONFIG or ~/.kube/config)")
	case err != nil:
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	c := &Cluster{options: o, name: "Kubernetes cluster " + config.Host}
	if _, ok := raw.Contexts[current]; ok {
		c.name = fmt.Sprintf("Kubernetes context %q (%s)", current, config.Host)
	}
	return c, c.connect(config)
}

// connect makes the client.
func (c *Cluster) connect(config *rest.Config) error {
	klog.LogToStderr(false) // words are the caller's
	klog.SetOutput(io.Discard)
	c.config = rest.CopyConfig(config)
	c.config.QPS, c.config.Burst = c.options.QPS, c.options.Burst
	c.config.UserAgent = "tracemigrate"
	c.warnings = &warnings{}
	c.config.WarningHandler = c.warnings
	c.plain = rest.CopyConfig(c.config)
	c.config.Wrap(func(base http.RoundTripper) http.RoundTripper {
		return &retry.Transport{Base: base, Wait: c.options.Wait}
	})
	client, err := dynamic.NewForConfig(c.config)
	if err != nil {
		return fmt.Errorf("using the kubeconfig: %w", err)
	}
	c.client = client
	return nil
}

// String names the cluster by context and address.
func (c *Cluster) String() string { return c.name }

// warnings collects what the API server warns of.
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

// take returns the warnings since it was called last.
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
	kindZone:                 "zones",
	kindZoneInsight:          "zoneinsights",
}

// The kinds that tell of zones.
const (
	kindZone        = "Zone"
	kindZoneInsight = "ZoneInsight"
)

func resourceOf(kind string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "kuma.io", Version: "v1alpha1", Resource: resources[kind]}
}

// unreachable words an error of the connection.
func (c *Cluster) unreachable(ctx context.Context, err error) error {
	hint := ""
	switch text := err.Error(); {
	case ctx.Err() != nil:
	case os.IsTimeout(err), strings.Contains(text, "no such host"), strings.Contains(text, "connection refused"), strings.Contains(text, "no route to host"):
		hint = "; does kubectl reach the cluster?"
	case strings.Contains(text, "x509"):
		hint = "; does the kubeconfig hold the cluster's certificate authority?"
	}
	return fmt.Errorf("reading %s: %w%s", c, err, hint)
}
