package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"tracemigrate/cluster"
	"tracemigrate/cluster/controlplane"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/meshtrace"
)

// concurrentRequests is low, because the control plane computes each proxy's configuration
// twice.
const concurrentRequests = 8

// compareShadow compares what the control plane computes for every proxy with and without
// the shadow policies.
func (r *comparing) compareShadow() ([]*envoydiff.Comparison, error) {
	if readsFiles(r.c) || r.c.IsSet("meshtrace") {
		return nil, errors.New("--shadow cannot be combined with -f, -k and --meshtrace: it reads a running control plane")
	}
	versions, err := parseVersionFlags(r.c)
	if err != nil {
		return nil, err
	}
	if len(versions) > 1 {
		return nil, errors.New("--shadow takes one --kuma-version: that of the control plane")
	}
	current, source, err := loadFor(r.c, &r.found.Head)
	if err != nil {
		return nil, err
	}
	r.found.Command = commandLine(r.c, commandWords(r.c, source).Source)
	snapshot := current.Snapshot
	r.stderr.Skipped(snapshot)
	version := cluster.SinceShadow // the oldest that computes shadows, if none is known
	switch {
	case len(versions) == 1:
		version = versions[0]
	case snapshot.Origin.Version != "":
		if version, err = kumaVersion("", snapshot); err != nil {
			return nil, err
		}
	}
	if err := checkShadow(current, version); err != nil {
		return nil, err
	}
	inspector, ok := source.(cluster.Inspector)
	if !ok {
		return nil, errors.New("--shadow needs a cluster or a control plane as the source")
	}
	today := envoydiff.NewRenderer(version, snapshot, current.State())
	proxies, deleted, err := r.requestShadows(inspector, today, snapshot.Dataplanes)
	if err != nil {
		return nil, err
	}
	if deleted > 0 {
		r.stderr.Line("tracemigrate: skipped %s, deleted during this run", convert.Plural(deleted, "proxy"))
	}
	doubtAnswers(current, version, proxies, r.accepted)
	comparison := envoydiff.Collect(proxies)
	if snapshot.Origin.Version != "" || len(versions) == 1 {
		comparison.Version = version
	}
	return []*envoydiff.Comparison{comparison}, nil
}

// doubtAnswers makes unknown what the control plane computes otherwise for a connected proxy
// than when it is asked: _config reads the MeshGateways anew, and applies no ProxyTemplate.
func doubtAnswers(current *convert.Current, version cluster.Version, proxies []envoydiff.Proxy, accepted []envoydiff.Code) {
	applied := lists.Each(current.Existing, convert.Unshadowed)
	today := current.State()
	after := current.StateOf(nil, applied)
	mixed := envoydiff.MixedTags(version, current.Snapshot, current.StateOf(nil, current.Existing), after)
	notShown := envoydiff.NotShown(version, current.Snapshot, today, after)
	byName := make(map[[2]string]*cluster.Dataplane, len(current.Snapshot.Dataplanes))
	for _, dp := range current.Snapshot.Dataplanes {
		byName[[2]string{dp.Mesh, dp.FullName()}] = dp
	}
	for i := range proxies {
		if dp := byName[[2]string{proxies[i].Mesh, proxies[i].Name}]; dp != nil {
			proxies[i].Doubt(mixed(dp).And(notShown(dp)), accepted)
		}
	}
}

// checkShadow returns an error if the control plane computes no shadow configuration.
func checkShadow(current *convert.Current, version cluster.Version) error {
	origin := current.Snapshot.Origin
	if !version.ComputesShadows() {
		return fmt.Errorf("--shadow needs Kuma %s, but the control plane has version %s", cluster.SinceShadow.MajorMinor(), version)
	}
	if origin.Mode == cluster.ModeGlobal {
		return errors.New("--shadow: a global control plane computes no configuration of proxies; select the control plane of each zone")
	}
	if !slices.ContainsFunc(current.Existing, func(p *meshtrace.Policy) bool { return p.Shadow(version) }) {
		return errors.New("--shadow: no MeshTrace with the label kuma.io/effect: shadow is applied; " +
			"first apply the output of `tracemigrate convert --shadow`")
	}
	if u, lacks := origin.Lacks(cluster.KindDataplane); lacks {
		return fmt.Errorf("--shadow needs the Dataplanes, which could not be read: %s", u.Reason)
	}
	if len(current.Snapshot.Dataplanes) == 0 {
		return errors.New("--shadow needs Dataplanes, but none exists")
	}
	return nil
}

// requestShadows requests the configuration of every proxy. It returns the verdicts and the
// number of proxies that were deleted meanwhile, or an error if all requests fail. The
// verdict on a proxy reports that its request failed, or that it has no configuration.
func (r *comparing) requestShadows(inspector cluster.Inspector, today *envoydiff.Renderer, dataplanes []*cluster.Dataplane) (proxies []envoydiff.Proxy, deleted int, err error) {
	limit, cancel := withTimeout(r.c)
	defer cancel()
	progress := newProgress(r.c)
	defer progress.done()
	answers := make([]shadowAnswer, len(dataplanes))
	group, ctx := errgroup.WithContext(limit)
	group.SetLimit(concurrentRequests)
	var done atomic.Int64
	for i, dp := range dataplanes {
		group.Go(func() error {
			answers[i] = requestShadow(ctx, inspector, today, dp, r.accepted)
			progress.read("Envoy configuration", int(done.Add(1)))
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, 0, timeoutError(limit, r.c, err)
	}
	failed := 0
	for i := range answers {
		switch a := &answers[i]; {
		case a.deleted:
			deleted++
			continue
		case a.missing:
			a.proxy = envoydiff.MissingProxy(dataplanes[i].Mesh, dataplanes[i].FullName(), envoydiff.ProxyMissing,
				"the control plane has no configuration of this proxy, because it is not connected", r.accepted)
		case a.err != nil:
			failed++
			// Without the URL, which differs from proxy to proxy, equal reasons form one group.
			reason := a.err.Error()
			var status *controlplane.StatusError
			if errors.As(a.err, &status) {
				reason = status.Reason()
			}
			a.proxy = envoydiff.MissingProxy(dataplanes[i].Mesh, dataplanes[i].FullName(), envoydiff.ProxyUnanswered,
				"the control plane returned no configuration of this proxy: "+manifest.Redact(reason), r.accepted)
		}
		proxies = append(proxies, answers[i].proxy)
	}
	if failed > 0 && failed == len(proxies) {
		return nil, 0, fmt.Errorf("the control plane returned no configuration of any proxy: %s: %w", dataplanes[0], answers[0].err)
	}
	return proxies, deleted, nil
}

// shadowAnswer is the outcome of the requests for one proxy.
type shadowAnswer struct {
	proxy   envoydiff.Proxy
	deleted bool  // during this run
	missing bool  // the proxy has no configuration
	err     error // it is not known whether the proxy has one
}

// requestShadow requests the configuration of one proxy with and without the shadows.
func requestShadow(
	ctx context.Context, inspector cluster.Inspector, today *envoydiff.Renderer, dp *cluster.Dataplane, accepted []envoydiff.Code,
) shadowAnswer {
	var dumps [2]*envoydiff.Dump
	for i, shadow := range []bool{false, true} {
		text, err := inspector.Config(ctx, dp.Mesh, dp.FullName(), shadow)
		var status *controlplane.StatusError
		if errors.As(err, &status) && status.Status == http.StatusNotFound && status.Title != "" { // of the API, not of another server
			exists, existsErr := inspector.Exists(ctx, dp.Mesh, dp.FullName())
			return shadowAnswer{deleted: existsErr == nil && !exists, missing: existsErr == nil && exists, err: err}
		}
		if err != nil {
			return shadowAnswer{err: err}
		}
		dumps[i], err = envoydiff.ReadDump(bytes.NewReader(text))
		if errors.Is(err, envoydiff.ErrNoListener) && dp.Gateway != nil && bytes.Contains(text, []byte(`"xds"`)) {
			// A gateway that no MeshGateway configures, or a delegated one without outbounds.
			dumps[i], err = &envoydiff.Dump{}, nil
		}
		if err != nil {
			return shadowAnswer{err: fmt.Errorf("its answer: %w", err)}
		}
	}
	return shadowAnswer{proxy: envoydiff.CompareShadow(today, dp, dumps[0], dumps[1], accepted)}
}
