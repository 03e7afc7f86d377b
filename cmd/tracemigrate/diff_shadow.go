package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"tracemigrate/cluster"
	"tracemigrate/cluster/controlplane"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert/envoydiff"
)

// askAtOnce is the number of concurrent requests: the control plane computes each proxy's
// configuration twice.
const askAtOnce = 8

// compareShadow compares what the control plane computes for every proxy with and without
// the shadow policies.
func compareShadow(c *cli.Context, accepted []envoydiff.Code) ([]*envoydiff.Comparison, error) {
	if c.IsSet("filename") || c.IsSet("meshtrace") {
		return nil, errors.New("--shadow asks a running control plane; -f and --meshtrace have no say in that")
	}
	list, err := versions(c)
	if err != nil {
		return nil, err
	}
	if len(list) > 1 {
		return nil, errors.New("--shadow asks a control plane, which has one --kuma-version")
	}
	current, source, err := load(c)
	if err != nil {
		return nil, err
	}
	snapshot, policies := current.Snapshot, current.Existing
	words := newPrinter(c.App.ErrWriter)
	words.Skipped(snapshot)
	version := cluster.SinceShadow // the oldest that computes shadows, when none is known
	switch {
	case len(list) == 1:
		version = list[0]
	case snapshot.Origin.Version != "":
		if version, err = kumaVersion("", snapshot); err != nil {
			return nil, err
		}
	}
	if !version.ComputesShadows() {
		return nil, fmt.Errorf("--shadow needs Kuma 2.7, and the control plane is %s", version)
	}
	if snapshot.Origin.Mode == cluster.ModeGlobal {
		return nil, errors.New("--shadow: a global control plane computes no proxy's configuration; ask that of each zone")
	}
	if countShadows(policies, version) == 0 {
		return nil, errors.New("--shadow: no MeshTrace with the label kuma.io/effect: shadow is applied; apply what `tracemigrate convert --shadow` writes first")
	}
	if u, lacks := snapshot.Origin.Lacks(cluster.KindDataplane); lacks {
		return nil, fmt.Errorf("--shadow asks about every Dataplane, and they could not be read: %s", u.Reason)
	}
	inspector, ok := source.(cluster.Inspector)
	if !ok {
		return nil, errors.New("--shadow needs a control plane or a cluster to ask")
	}
	if len(snapshot.Dataplanes) == 0 {
		return nil, errors.New("--shadow asks about every Dataplane, and there is none")
	}
	today := envoydiff.NewRenderer(version, snapshot, envoydiff.State{Legacy: current.Meshes, Policies: policies})
	proxies, gone, err := askShadows(c, inspector, today, snapshot.Dataplanes, accepted)
	if err != nil {
		return nil, err
	}
	if gone > 0 {
		words.Line("tracemigrate: %s went away meanwhile", plain.Plural(gone, "proxy", "proxies"))
	}
	comparison := envoydiff.Collect(proxies)
	if snapshot.Origin.Version != "" || len(list) == 1 {
		comparison.Version = version
	}
	return []*envoydiff.Comparison{comparison}, nil
}

// askShadows requests the configuration of every proxy, and returns the number of proxies
// that were deleted meanwhile. It returns an error when all requests fail; the verdict on
// a single proxy whose request fails, or that has no configuration, reports that.
func askShadows(c *cli.Context, inspector cluster.Inspector, today *envoydiff.Renderer, dataplanes []*cluster.Dataplane, accepted []envoydiff.Code) (proxies []envoydiff.Proxy, gone int, err error) {
	limit, cancel := limited(c)
	defer cancel()
	progress := newProgress(c)
	defer progress.done()
	answers := make([]shadowAnswer, len(dataplanes))
	group, ctx := errgroup.WithContext(limit)
	group.SetLimit(askAtOnce)
	var done atomic.Int64
	for i, dp := range dataplanes {
		group.Go(func() error {
			answers[i] = askShadow(ctx, inspector, today, dp, accepted)
			progress.read("Envoy configuration", int(done.Add(1)))
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, 0, inTime(limit, c, err)
	}
	failed := 0
	for i := range answers {
		switch a := &answers[i]; {
		case a.gone:
			gone++
			continue
		case a.missing:
			a.proxy = envoydiff.MissingProxy(dataplanes[i].Mesh, dataplanes[i].FullName(), envoydiff.ProxyMissing, "the control plane has no configuration for it: it is not connected there", accepted)
		case a.err != nil:
			failed++
			// The reason has no URL, which differs from proxy to proxy.
			reason := a.err.Error()
			var status *controlplane.StatusError
			if errors.As(a.err, &status) {
				reason = status.Reason()
			}
			a.proxy = envoydiff.MissingProxy(dataplanes[i].Mesh, dataplanes[i].FullName(), envoydiff.ProxyUnanswered, "the control plane gives no configuration for it: "+manifest.Redact(reason), accepted)
		}
		proxies = append(proxies, answers[i].proxy)
	}
	if failed > 0 && failed == len(proxies) {
		return nil, 0, fmt.Errorf("the control plane gives no proxy's configuration: %s: %w", dataplanes[0], answers[0].err)
	}
	return proxies, gone, nil
}

// shadowAnswer is the outcome of the requests for one proxy.
type shadowAnswer struct {
	proxy   envoydiff.Proxy
	gone    bool  // it was deleted meanwhile
	missing bool  // it has no configuration
	err     error // it is not known whether it has
}

func askShadow(ctx context.Context, inspector cluster.Inspector, today *envoydiff.Renderer, dp *cluster.Dataplane, accepted []envoydiff.Code) shadowAnswer {
	var dumps [2]*envoydiff.Dump
	for i, shadow := range []bool{false, true} {
		text, err := inspector.Config(ctx, dp.Mesh, dp.FullName(), shadow)
		var status *controlplane.StatusError
		if errors.As(err, &status) && status.Status == http.StatusNotFound && status.Title != "" { // not 404 of the path
			exists, existsErr := inspector.Exists(ctx, dp.Mesh, dp.FullName())
			return shadowAnswer{gone: existsErr == nil && !exists, missing: existsErr == nil && exists, err: err}
		}
		if err != nil {
			return shadowAnswer{err: err}
		}
		dumps[i], err = envoydiff.ReadDump(bytes.NewReader(text))
		if errors.Is(err, envoydiff.ErrNoListener) && dp.Builtin() && bytes.Contains(text, []byte(`"xds"`)) {
			dumps[i], err = &envoydiff.Dump{}, nil // a gateway that no MeshGateway configures
		}
		if err != nil {
			return shadowAnswer{err: fmt.Errorf("its answer: %w", err)}
		}
	}
	return shadowAnswer{proxy: envoydiff.CompareShadow(today, dp, dumps[0], dumps[1], accepted)}
}
