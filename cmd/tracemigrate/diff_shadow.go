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
	"tracemigrate/convert/envoydiff"
	"tracemigrate/meshtrace"
)

// askAtOnce is how many proxies the control plane is asked about at a time: it
// computes each one's configuration anew, twice.
const askAtOnce = 8

// compareShadow compares what the control plane computes for every proxy, with
// and without the shadow policies.
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
	snapshot, source, err := load(c)
	if err != nil {
		return nil, err
	}
	words := newPrinter(c.App.ErrWriter)
	words.skipped(snapshot)
	version := cluster.V(7) // the oldest that can, where none is told
	switch {
	case len(list) == 1:
		version = list[0]
	case snapshot.Origin.Version != "":
		if version, err = kumaVersion("", snapshot); err != nil {
			return nil, err
		}
	}
	if version.Less(cluster.V(7)) {
		return nil, fmt.Errorf("--shadow needs Kuma 2.7, and the control plane is %s", version)
	}
	if snapshot.Origin.Mode == cluster.ModeGlobal {
		return nil, errors.New("--shadow: a global control plane computes no proxy's configuration; ask that of each zone")
	}
	policies, _ := meshtrace.Read(snapshot, systemNamespace(c, snapshot))
	if countShadows(policies, version) == 0 {
		return nil, errors.New("--shadow: no MeshTrace with the label kuma.io/effect: shadow is applied; apply what `tracemigrate convert --shadow` writes first")
	}
	for _, u := range snapshot.Origin.Unread {
		if u.What == cluster.KindDataplane {
			return nil, fmt.Errorf("--shadow asks about every Dataplane, and they could not be read: %s", u.Reason)
		}
	}
	inspector, ok := source.(cluster.Inspector)
	if !ok {
		return nil, errors.New("--shadow needs a control plane or a cluster to ask")
	}
	proxies, err := askShadows(c, inspector, snapshot.Dataplanes, accepted)
	if err != nil {
		return nil, err
	}
	comparison := envoydiff.Collect(proxies)
	if snapshot.Origin.Version != "" || len(list) == 1 {
		comparison.Version = version
	}
	return []*envoydiff.Comparison{comparison}, nil
}

// askShadows asks about every proxy. It returns an error when the control plane
// gives no answer at all; a single proxy without an answer is an outcome.
func askShadows(c *cli.Context, inspector cluster.Inspector, dataplanes []*cluster.Dataplane, accepted []envoydiff.Code) ([]envoydiff.Proxy, error) {
	limit, cancel := limited(c)
	defer cancel()
	progress := newProgress(c)
	defer progress.done()
	proxies := make([]envoydiff.Proxy, len(dataplanes))
	group, ctx := errgroup.WithContext(limit)
	group.SetLimit(askAtOnce)
	var done atomic.Int64
	for i, dp := range dataplanes {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			var err error
			proxies[i], err = askShadow(ctx, inspector, dp, accepted)
			progress.read("Envoy configuration", int(done.Add(1)))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, inTime(limit, c, err)
	}
	return proxies, nil
}

func askShadow(ctx context.Context, inspector cluster.Inspector, dp *cluster.Dataplane, accepted []envoydiff.Code) (envoydiff.Proxy, error) {
	var dumps [2]*envoydiff.Dump
	for i, shadow := range []bool{false, true} {
		text, err := inspector.Config(ctx, dp.Mesh, dp.FullName(), shadow)
		var status *controlplane.StatusError
		if errors.As(err, &status) && status.Status == http.StatusNotFound {
			return envoydiff.MissingProxy(dp.Mesh, dp.FullName(), "the control plane has no configuration for it: "+status.Error(), accepted), nil
		}
		if err != nil {
			return envoydiff.Proxy{}, fmt.Errorf("%s: %w", dp, err)
		}
		dumps[i], err = envoydiff.ReadDump(bytes.NewReader(text))
		if errors.Is(err, envoydiff.ErrNoListener) && bytes.Contains(text, []byte(`"xds"`)) {
			if !dp.Builtin() {
				return envoydiff.MissingProxy(dp.Mesh, dp.FullName(), "the control plane's answer has no listener", accepted), nil
			}
			dumps[i], err = &envoydiff.Dump{}, nil // a gateway that no MeshGateway configures
		}
		if err != nil {
			return envoydiff.Proxy{}, fmt.Errorf("%s: the control plane's answer: %w", dp, err)
		}
	}
	return envoydiff.CompareShadow(dp.Mesh, dp.FullName(), dumps[0], dumps[1], accepted), nil
}
