package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"tracemigrate/cluster"
	"tracemigrate/cluster/controlplane"
	"tracemigrate/cluster/kube"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/paging"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
)

// The groups of flags in a command's help.
const (
	sourceCategory     = "Source: files, a control plane, or else the current kubeconfig context"
	kubernetesCategory = "Kubernetes"
	restCategory       = "Control plane"
)

// sourceFlags are the flags of every command that reads a cluster.
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

// The flags that make sense for one source only.
var (
	kubernetesFlags = []string{"kubeconfig", "context", "qps", "burst"}
	restFlags       = []string{"kumactl-config", "token", "token-file", "client-cert", "client-key", "ca-cert", "skip-verify", "header"}
)

// limitFlags make sense for what a server lists.
var limitFlags = []string{"max-answer-size", "max-list-size", "max-pages"}

// given returns the first of the flags that stands on the command line.
func given(c *cli.Context, flags []string) string {
	for _, flag := range flags {
		if slices.Contains(c.LocalFlagNames(), flag) && (flag != "token" || !onlyFromEnvironment(c)) {
			return flag
		}
	}
	return ""
}

// onlyFromEnvironment says that the token was not given as a flag.
func onlyFromEnvironment(c *cli.Context) bool {
	return os.Getenv("TRACEMIGRATE_TOKEN") != "" && c.String("token") == os.Getenv("TRACEMIGRATE_TOKEN")
}

// openSource is the source that the flags name.
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
		if flag := given(c, other.flags); flag != "" && !other.fits {
			return nil, fmt.Errorf("--%s goes with reading %s, and the source is another", flag, other.of)
		}
	}
	if flag := given(c, limitFlags); flag != "" && files {
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

// listLimits are how much is taken of what a server lists.
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

// meshesOf are the meshes that were asked for, each once.
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
		if given(c, []string{"token"}) != "" {
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
		if http.CanonicalHeaderKey(key) == "Authorization" && given(c, []string{"token"})+c.String("token-file") == "" {
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

// readCurrent decodes a snapshot. A test counts its calls.
var readCurrent = convert.Read

// load takes the snapshot that the flags ask for, and decodes it: each command once.
func load(c *cli.Context) (*convert.Current, cluster.Source, error) {
	progress := newProgress(c)
	source, err := openSource(c, progress)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := limited(c)
	defer cancel()
	s, err := cluster.Load(ctx, source)
	progress.done()
	if err != nil {
		return nil, nil, inTime(ctx, c, err)
	}
	if s.Origin, err = assume(c, s.Origin); err != nil {
		return nil, nil, err
	}
	if err := addZones(c, s); err != nil {
		return nil, nil, err
	}
	if !s.Live() {
		if s, err = s.Only(meshesOf(c)); err != nil {
			return nil, nil, err
		}
	}
	return readCurrent(s, systemNamespace(c, s)), source, nil
}

// addZones adds the control planes of --zone to the snapshot of the global one.
func addZones(c *cli.Context, s *cluster.Snapshot) error {
	for _, text := range c.StringSlice("zone") {
		name, from, err := cluster.SplitZone(text)
		if err != nil {
			return fmt.Errorf("--zone: %w", err)
		}
		zone, err := loadZone(c, from)
		if err == nil {
			err = s.AddZone(name, zone)
		}
		if err != nil {
			return fmt.Errorf("--zone %s: %w", name, err)
		}
	}
	return nil
}

// loadZone takes a snapshot of a zone's own control plane: of a file, a kubeconfig
// context, or a control plane's API.
func loadZone(c *cli.Context, from string) (*cluster.Snapshot, error) {
	progress := newProgress(c)
	defer progress.done()
	source, err := openZone(c, from, progress)
	if err != nil {
		return nil, err
	}
	ctx, cancel := limited(c)
	defer cancel()
	s, err := cluster.Load(ctx, source)
	if err != nil {
		return nil, inTime(ctx, c, err)
	}
	return s.Only(meshesOf(c))
}

// openZone opens the source of a zone.
func openZone(c *cli.Context, from string, progress *progress) (cluster.Source, error) {
	if context, ok := strings.CutPrefix(from, "context:"); ok {
		return kube.New(kube.Options{
			Kubeconfig: c.String("kubeconfig"), Context: context, QPS: float32(c.Float64("qps")), Burst: c.Int("burst"),
			Meshes: meshesOf(c), Progress: progress.read, Wait: progress.wait,
		})
	}
	if _, err := os.Stat(from); err == nil {
		inputs, err := manifest.Files(from)
		return cluster.Files(inputs), err
	}
	if !strings.Contains(from, "://") && strings.ContainsAny(from, "./") {
		return nil, fmt.Errorf("reading %q: there is no such file", from)
	}
	return controlPlaneNamed(c, from, progress)
}

// limited is the context of reading: --timeout long, or without a limit for 0.
func limited(c *cli.Context) (context.Context, context.CancelFunc) {
	if c.Duration("timeout") <= 0 {
		return context.WithCancel(c.Context)
	}
	return context.WithTimeout(c.Context, c.Duration("timeout"))
}

// inTime words an error of a read that took too long.
func inTime(ctx context.Context, c *cli.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("not done within --timeout %s, raise it or read less with --mesh: %w", c.Duration("timeout"), err)
	}
	return err
}

// assume adds what the user says of the control plane to what it tells itself,
// and returns an error where the two contradict each other. origin may be nil,
// and is returned as it is when the user says nothing.
func assume(c *cli.Context, origin *cluster.Origin) (*cluster.Origin, error) {
	mode := cluster.Mode(c.String("mode"))
	if mode != "" && !slices.Contains(cluster.Modes, mode) {
		return nil, fmt.Errorf("--mode: %q is none of zone, federated-zone, global", mode)
	}
	versions := c.StringSlice("zone-version")
	if mode == "" && len(versions) == 0 {
		return origin, nil
	}
	var told cluster.Origin
	if origin != nil {
		told = *origin
	}
	forget := func(what string) {
		told.Unread = slices.DeleteFunc(slices.Clone(told.Unread), func(u cluster.Unread) bool { return u.What == what })
	}
	var contradictions []error
	if mode != "" {
		if told.Mode != "" && told.Mode != mode {
			contradictions = append(contradictions, fmt.Errorf("--mode %s: %s is %s; leave --mode out", mode, told.Source, told.Mode))
		}
		told.Mode = mode
		forget("mode")
	}
	told.Zones = slices.Clone(told.Zones)
	for _, text := range versions {
		name, version, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--zone-version: %q is not of the form ZONE=VERSION", text)
		}
		said, err := cluster.ParseVersion(version)
		if err != nil {
			return nil, fmt.Errorf("--zone-version %s: %w", name, err)
		}
		i := slices.IndexFunc(told.Zones, func(z cluster.Zone) bool { return z.Name == name })
		if i < 0 {
			told.Zones = append(told.Zones, cluster.Zone{Name: name})
			i = len(told.Zones) - 1
		}
		known := told.Zones[i].Version
		own, err := cluster.ParseVersion(known)
		switch {
		case !cluster.IsVersion(known) || strings.HasPrefix(known, "0."): // unknown, or no release
			told.Zones[i].Version = version
		case err == nil && own.SameMinor(said) && (!said.HasPatch() || own == said): // as it is known, the patch included
		default:
			contradictions = append(contradictions, fmt.Errorf("--zone-version %s=%s: the control plane of zone %s is %s; leave it out", name, version, name, known))
		}
	}
	if len(contradictions) > 0 {
		return nil, errors.Join(contradictions...)
	}
	told.Unread = slices.Clone(told.Unread)
	for i := range told.Unread {
		if len(versions) > 0 && told.Unread[i].What == "zones" {
			told.Unread[i].Reason += "; only these are known: " + strings.Join(versions, ", ")
		}
	}
	slices.SortFunc(told.Zones, func(a, b cluster.Zone) int { return strings.Compare(a.Name, b.Name) })
	return &told, nil
}

// told is a source with what the user says of the control plane.
type told struct {
	cluster.Source
	c *cli.Context
}

// Read implements cluster.Source.
func (t told) Read(ctx context.Context, use func(manifest.Input)) (*cluster.Origin, error) {
	origin, err := t.Source.Read(ctx, use)
	if err != nil {
		return nil, err
	}
	return assume(t.c, origin)
}

// systemNamespace is the control plane's namespace: as the flag says, as was
// found, or Kuma's own.
func systemNamespace(c *cli.Context, s *cluster.Snapshot) string {
	if c.IsSet("namespace") {
		return c.String("namespace")
	}
	return cmp.Or(s.SystemNamespace(), c.String("namespace"))
}

// parseVersionFlag reads --kuma-version.
func parseVersionFlag(given string) (cluster.Version, error) {
	version, err := cluster.ParseVersion(given)
	if err != nil {
		return version, fmt.Errorf("--kuma-version: %w", err)
	}
	return version, nil
}

// kumaVersion returns the version to work for: as the flag says, as the control
// plane reports, or for files that name none the newest; see warnAssumedVersion.
func kumaVersion(given string, s *cluster.Snapshot) (cluster.Version, error) {
	switch {
	case given != "":
		version, err := parseVersionFlag(given)
		if err != nil {
			return version, err
		}
		if s.Origin != nil && !version.HasPatch() {
			if own, err := cluster.ParseVersion(s.Origin.Version); err == nil && own.SameMinor(version) {
				return own, nil // the control plane's patch is known better
			}
		}
		return version, nil
	case s.Origin != nil && len(s.TrafficTraces) == 0 && (s.Origin.NothingLegacy() || s.Origin.Version == ""):
		return cluster.Latest, nil // nothing depends on it
	case namesNoVersion(s):
		return cluster.Latest, nil
	case s.Origin.Version == "":
		return cluster.Version{}, fmt.Errorf("the control plane's version is not known%s; say it with --kuma-version, for policies and their order depend on it%s", because(s.Origin, "version"), allowing(s.Origin))
	}
	version, err := cluster.ParseVersion(s.Origin.Version)
	switch {
	case err == nil:
		return version, nil
	case strings.HasPrefix(s.Origin.Version, "0."), !cluster.IsVersion(s.Origin.Version):
		return version, fmt.Errorf("the control plane tells the version %q, which is none of a release; say which it comes nearest to, such as --kuma-version %s", s.Origin.Version, cluster.Latest)
	}
	return version, fmt.Errorf("the control plane tells the version %q: %w; --kuma-version works for another", s.Origin.Version, err)
}

// namesNoVersion reports whether s comes from files that do not tell the control
// plane's version.
func namesNoVersion(s *cluster.Snapshot) bool {
	return s.Origin == nil || s.Origin.Version == "" && !s.Live() && len(s.Origin.Unread) == 0
}

// warnAssumedVersion prints which version was assumed, where neither the flag nor the
// input names one and something depends on it.
func warnAssumedVersion(words *output.Printer, given string, s *cluster.Snapshot) {
	if given == "" && namesNoVersion(s) && len(s.TrafficTraces)+len(s.MeshTraces) > 0 {
		words.Line("tracemigrate: the input does not name the control plane's version, so Kuma %s, the newest, is assumed; pass yours with --kuma-version: which policy decides depends on it", cluster.Latest)
	}
}

// allowing is the role that allows to read the version, where that is all it takes.
func allowing(o *cluster.Origin) string {
	if !strings.Contains(because(o, "version"), "cannot list resource") {
		return ""
	}
	return ", or allow it to be read:\n" + kube.ClusterRole
}

func because(o *cluster.Origin, what string) string {
	if u, lacks := o.Lacks(what); lacks {
		return " (" + u.Reason + ")"
	}
	return ""
}

// progress tells on a terminal how far reading is, in one line that goes away.
type progress struct {
	out  *output.Printer
	mu   sync.Mutex
	last time.Time
}

func newProgress(c *cli.Context) *progress { return &progress{out: newPrinter(c.App.ErrWriter)} }

func (p *progress) read(kind string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.last) > 100*time.Millisecond {
		if n == 0 {
			p.show(fmt.Sprintf("reading: kind %s", kind))
			return
		}
		p.show(fmt.Sprintf("reading: %d of kind %s", n, kind))
	}
}

func (p *progress) wait(reason string, pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.show(fmt.Sprintf("trying again in %s: %s", pause.Round(100*time.Millisecond), reason))
}

func (p *progress) show(text string) {
	if p.out.Status(text) {
		p.last = time.Now()
	}
}

// done takes the line away.
func (p *progress) done() {
	if !p.last.IsZero() {
		p.out.Clear()
	}
}

// roundSamplingFlag is for every command that converts.
func roundSamplingFlag() cli.Flag {
	return &cli.BoolFlag{Name: "round-sampling", Usage: "on 2.0, round fractions of a percent, which it cannot express"}
}
