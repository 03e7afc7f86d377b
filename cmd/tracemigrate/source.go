package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"tracemigrate/cluster"
	"tracemigrate/cluster/controlplane"
	"tracemigrate/cluster/kube"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/paging"
)

// The categories of flags in a command's help.
const (
	sourceCategory     = "Source: files, a control plane, or else the current kubeconfig context"
	kubernetesCategory = "Kubernetes"
	restCategory       = "Control plane"
)

// sourceFlags returns the flags of every command that reads a cluster.
func sourceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "filename", Aliases: []string{"f"}, Category: sourceCategory, Usage: "read `FILE`, every manifest in a directory and below, or - for stdin; may be repeated"},
		&cli.StringFlag{Name: "max-input-size", Category: sourceCategory, Value: "1Gi", Usage: "refuse a file, or stdin, of more than `SIZE` bytes, such as 500Mi"},
		&cli.StringFlag{Name: "control-plane", Category: sourceCategory, Usage: "read a control plane's REST API: its `URL`, or its name in kumactl's configuration"},
		&cli.StringSliceFlag{Name: "mesh", Category: sourceCategory, Usage: "read the mesh `NAME` only; may be repeated (default: all meshes)"},
		&cli.DurationFlag{Name: "timeout", Category: sourceCategory, Value: 5 * time.Minute, Usage: "give up reading a cluster after this `TIME`, tries again included"},
		&cli.StringFlag{Name: "max-answer-size", Category: sourceCategory, Value: paging.Size(paging.Defaults.Answer), Usage: "refuse a single answer of a server of more than `SIZE` bytes"},
		&cli.StringFlag{Name: "max-list-size", Category: sourceCategory, Value: paging.Size(paging.Defaults.List), Usage: "refuse a list of a server of more than `SIZE` bytes, all its pages together"},
		&cli.IntFlag{Name: "max-pages", Category: sourceCategory, Value: paging.Defaults.Pages, Usage: "refuse a list of a server of more than `NUMBER` pages"},
		&cli.StringFlag{Name: "mode", Category: sourceCategory, Usage: "what the control plane is, where it does not tell: `MODE` zone, federated-zone or global"},
		&cli.StringSliceFlag{Name: "zone-version", Category: sourceCategory, Usage: "`ZONE=VERSION` of a zone's control plane, where the global one does not tell; may be repeated"},
		&cli.StringSliceFlag{Name: "zone", Category: sourceCategory, Usage: "beside a global control plane, read a zone's own as well: `NAME=SOURCE`, where SOURCE is a URL, a name in kumactl's configuration, context:NAME or a snapshot file; may be repeated"},
		&cli.StringFlag{Name: "kubeconfig", Category: kubernetesCategory, Usage: "`FILE` to use (default: $KUBECONFIG, ~/.kube/config, or the cluster this runs in)"},
		&cli.StringFlag{Name: "context", Category: kubernetesCategory, Usage: "`NAME` of the kubeconfig's context (default: the current one)"},
		&cli.Float64Flag{Name: "qps", Category: kubernetesCategory, Value: 50, Usage: "`NUMBER` of requests a second to the API server"},
		&cli.IntFlag{Name: "burst", Category: kubernetesCategory, Value: 100, Usage: "`NUMBER` of requests above that for a moment"},
		&cli.StringFlag{Name: "kumactl-config", Category: restCategory, Usage: "`FILE` in which names of control planes are looked up (default: ~/.kumactl/config)"},
		&cli.StringFlag{Name: "token", Category: restCategory, EnvVars: []string{"TRACEMIGRATE_TOKEN"}, Usage: "user `TOKEN`"},
		&cli.StringFlag{Name: "token-file", Category: restCategory, Usage: "`FILE` that holds the user token"},
		&cli.StringFlag{Name: "client-cert", Category: restCategory, Usage: "`FILE` with the client certificate"},
		&cli.StringFlag{Name: "client-key", Category: restCategory, Usage: "`FILE` with its key"},
		&cli.StringFlag{Name: "ca-cert", Category: restCategory, Usage: "`FILE` with the authority that signed the control plane's certificate"},
		&cli.BoolFlag{Name: "skip-verify", Category: restCategory, Usage: "accept any certificate of the control plane"},
		&cli.StringSliceFlag{Name: "header", Category: restCategory, Usage: "send the header `NAME=VALUE`; may be repeated"},
	}
}

// The flags that apply to one source only.
var (
	kubernetesFlags = []string{"kubeconfig", "context", "qps", "burst"}
	restFlags       = []string{"kumactl-config", "token", "token-file", "client-cert", "client-key", "ca-cert", "skip-verify", "header"}
)

// limitFlags apply to the lists of a server.
var limitFlags = []string{"max-answer-size", "max-list-size", "max-pages"}

// firstGiven returns the first of the flags that the command line contains.
func firstGiven(c *cli.Context, flags []string) string {
	for _, flag := range flags {
		if slices.Contains(c.LocalFlagNames(), flag) && (flag != "token" || !onlyFromEnvironment(c)) {
			return flag
		}
	}
	return ""
}

// onlyFromEnvironment reports whether the token is from the environment, not from a flag.
func onlyFromEnvironment(c *cli.Context) bool {
	return os.Getenv("TRACEMIGRATE_TOKEN") != "" && c.String("token") == os.Getenv("TRACEMIGRATE_TOKEN")
}

// openSource returns the source that the flags select.
func openSource(c *cli.Context, progress *progress) (cluster.Source, error) {
	if c.Duration("timeout") < 0 {
		return nil, errors.New("--timeout must be more than 0, or 0 for no limit")
	}
	files, rest := c.IsSet("filename"), c.IsSet("control-plane")
	if files && rest {
		return nil, errors.New("-f and --control-plane are two sources; give one")
	}
	for _, other := range []struct {
		flags []string
		fits  bool
		of    string
	}{{kubernetesFlags, !files && !rest || c.IsSet("zone"), "Kubernetes"}, {restFlags, rest || c.IsSet("zone"), "--control-plane"}} {
		if flag := firstGiven(c, other.flags); flag != "" && !other.fits {
			return nil, fmt.Errorf("--%s goes with reading %s, and the source is another", flag, other.of)
		}
	}
	if flag := firstGiven(c, limitFlags); flag != "" && files {
		return nil, fmt.Errorf("--%s goes with reading a cluster or a control plane, and the source is files", flag)
	}
	switch {
	case files:
		inputs, err := openInputs(c, "filename")
		return cluster.Files(inputs), err
	case rest:
		return openControlPlane(c, progress)
	}
	limits, err := listLimits(c)
	if err != nil {
		return nil, err
	}
	o := kube.Options{
		Limits:     limits,
		Kubeconfig: c.String("kubeconfig"), Context: c.String("context"), QPS: float32(c.Float64("qps")), Burst: c.Int("burst"),
		Meshes: meshesOf(c), Progress: progress.read, Wait: progress.wait,
	}
	if o.QPS <= 0 || o.Burst <= 0 {
		return nil, errors.New("--qps and --burst must be more than 0")
	}
	if c.IsSet("namespace") {
		o.Namespace = c.String("namespace")
	}
	return kube.New(o)
}

// listLimits returns the limits on the answers of a server.
func listLimits(c *cli.Context) (paging.Limits, error) {
	limits := paging.Limits{Pages: c.Int("max-pages")}
	if limits.Pages <= 0 {
		return limits, errors.New("--max-pages must be more than 0")
	}
	for _, size := range []struct {
		flag string
		to   *int64
	}{{"max-answer-size", &limits.Answer}, {"max-list-size", &limits.List}} {
		quantity, err := resource.ParseQuantity(c.String(size.flag))
		if err != nil || quantity.Value() <= 0 {
			return limits, fmt.Errorf("--%s: %q is not a size; write it like 500Mi or 2Gi", size.flag, c.String(size.flag))
		}
		*size.to = quantity.Value()
	}
	return limits, nil
}

// meshesOf returns the meshes of --mesh, each once.
func meshesOf(c *cli.Context) []string {
	var meshes []string
	for _, name := range c.StringSlice("mesh") {
		if !slices.Contains(meshes, name) {
			meshes = append(meshes, name)
		}
	}
	return meshes
}

func openControlPlane(c *cli.Context, progress *progress) (*controlplane.ControlPlane, error) {
	return controlPlaneNamed(c, c.String("control-plane"), progress)
}

// controlPlaneNamed opens a control plane's API by its URL or its name in kumactl's
// configuration.
func controlPlaneNamed(c *cli.Context, name string, progress *progress) (*controlplane.ControlPlane, error) {
	var config controlplane.Config
	switch {
	case name == "":
		return nil, errors.New("--control-plane is empty")
	case !strings.Contains(name, "://") && strings.ContainsAny(name, ":@/"):
		return nil, errors.New("--control-plane: write the URL with its scheme, http:// or https://")
	}
	if strings.Contains(name, "://") {
		config = controlplane.Config{URL: name, Headers: make(http.Header)}
	} else {
		path := c.String("kumactl-config")
		var err error
		if path == "" {
			if path, err = controlplane.KumactlFile(); err != nil {
				return nil, err
			}
		}
		if config, err = controlplane.FromKumactl(path, name); err != nil {
			return nil, err
		}
	}
	for flag, to := range map[string]*string{"client-cert": &config.ClientCert, "client-key": &config.ClientKey, "ca-cert": &config.CACert, "token": &config.Token} {
		if value := c.String(flag); value != "" {
			*to = value
		}
	}
	if path := c.String("token-file"); path != "" {
		if firstGiven(c, []string{"token"}) != "" {
			return nil, errors.New("--token and --token-file are two tokens; give one")
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading the token: %w", err)
		}
		config.Token = strings.TrimSpace(string(text))
	}
	if strings.ContainsAny(config.Token, "\r\n") {
		return nil, errors.New("the token has more than one line")
	}
	for _, header := range c.StringSlice("header") {
		key, value, ok := strings.Cut(header, "=")
		if !ok {
			return nil, errors.New("--header: write NAME=VALUE") // the value may be a secret
		}
		config.Headers.Set(key, value)
		if http.CanonicalHeaderKey(key) == "Authorization" && firstGiven(c, []string{"token"})+c.String("token-file") == "" {
			config.Token = "" // which kumactl's configuration has, or the environment
		}
	}
	config.SkipVerify = config.SkipVerify || c.Bool("skip-verify")
	base, err := config.Transport()
	if err != nil {
		return nil, err
	}
	limits, err := listLimits(c)
	if err != nil {
		return nil, err
	}
	return controlplane.New(controlplane.Options{
		Limits: limits,
		URL:    config.URL, Name: config.Name, Headers: config.Headers, Token: config.Token, Base: base,
		Meshes: meshesOf(c), Progress: progress.read, Wait: progress.wait,
	})
}

// openInputs returns the files of a flag such as -f.
func openInputs(c *cli.Context, flag string) ([]manifest.Input, error) {
	paths := c.StringSlice(flag)
	limit, err := inputLimit(c)
	if err != nil {
		return nil, err
	}
	var inputs []manifest.Input
	seen := make(map[string]bool)
	var failed []error
	for _, path := range paths {
		if path == "-" {
			if !seen[path] {
				inputs = append(inputs, manifest.Stream("stdin", c.App.Reader))
			}
			seen[path] = true
			continue
		}
		if strings.Contains(path, "://") {
			failed = append(failed, fmt.Errorf("reading %q: it is a URL, not a file; fetch it first, and pipe it to -f -", manifest.Redact(path)))
			continue
		}
		found, err := manifest.Files(path)
		if err != nil {
			failed = append(failed, fmt.Errorf("reading %q: %w", path, err))
		}
		for _, input := range found {
			if !seen[input.Name] {
				inputs = append(inputs, input)
			}
			seen[input.Name] = true
		}
	}
	for i := range inputs {
		inputs[i].Limit = limit
	}
	return inputs, errors.Join(failed...)
}

// inputLimit returns the number of bytes that one input may have.
func inputLimit(c *cli.Context) (int64, error) {
	size, err := resource.ParseQuantity(c.String("max-input-size"))
	if err != nil || size.Value() <= 0 {
		return 0, fmt.Errorf("--max-input-size: %q is not a size; write it like 500Mi or 2Gi", c.String("max-input-size"))
	}
	return size.Value(), nil
}

// namespaceFlag returns the flag of the control plane's namespace.
func namespaceFlag() cli.Flag {
	return &cli.StringFlag{Name: "namespace", Aliases: []string{"n"}, Value: "kuma-system", DefaultText: "where the control plane or its MeshTraces are, else kuma-system", Usage: "the control plane's `NAMESPACE` on Kubernetes, where policies for all proxies stand"}
}

// versionFlag returns the flag of the control plane's version.
func versionFlag(to *string) cli.Flag {
	return &cli.StringFlag{Name: "kuma-version", Destination: to, Usage: "the `VERSION` of the control plane that policies are for, 2.0 to " + cluster.Latest.String() + " (default: what the control plane tells; for files what their export or snapshot names, else " + cluster.Latest.String() + "); a patch such as 2.13.2 counts"}
}

// roundSamplingFlag returns the flag of every command that converts.
func roundSamplingFlag(to *bool) cli.Flag {
	return &cli.BoolFlag{Name: "round-sampling", Destination: to, Usage: "on 2.0, round fractions of a percent, which it cannot express"}
}
