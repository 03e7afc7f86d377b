package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/kube"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
)

// readCurrent decodes a snapshot, and planOf converts it. Tests replace them to see what
// a command does.
var (
	readCurrent = convert.Read
	planOf      = convert.Convert
)

// load reads the snapshot that the flags select, and decodes it once.
func load(c *cli.Context) (*convert.Current, cluster.Source, error) {
	return loadThrough(c, func(_ string, source cluster.Source) cluster.Source { return source })
}

// loadRecording reads like load, and returns recorders of what was read, by zone.
func loadRecording(c *cli.Context) (*convert.Current, cluster.Source, map[string]*cluster.Recorder, error) {
	recorders := make(map[string]*cluster.Recorder)
	current, source, err := loadThrough(c, func(zone string, source cluster.Source) cluster.Source {
		recorders[zone] = cluster.NewRecorder(source)
		return recorders[zone]
	})
	return current, source, recorders, err
}

// loadThrough reads like load, through a source that wraps the one of the flags, and those
// of zones, which have a name.
func loadThrough(c *cli.Context, wrap func(zone string, source cluster.Source) cluster.Source) (*convert.Current, cluster.Source, error) {
	var source cluster.Source
	s, err := loadFrom(c, func(progress *progress) (cluster.Source, error) {
		var err error
		source, err = openSource(c, progress)
		return wrap("", source), err
	})
	if err != nil {
		return nil, nil, err
	}
	if s.Origin, err = applyOriginFlags(c, s.Origin); err != nil {
		return nil, nil, err
	}
	if err := addZones(c, s, wrap); err != nil {
		return nil, nil, err
	}
	if !s.Live() {
		if s, err = s.Only(meshesOf(c)); err != nil {
			return nil, nil, err
		}
	}
	return decodeCurrent(c, s), source, nil
}

// loadFrom opens a source, and reads it within --timeout.
func loadFrom(c *cli.Context, open func(*progress) (cluster.Source, error)) (*cluster.Snapshot, error) {
	progress := newProgress(c)
	defer progress.done()
	source, err := open(progress)
	if err != nil {
		return nil, err
	}
	ctx, cancel := withTimeout(c)
	defer cancel()
	s, err := cluster.Load(ctx, source)
	return s, timeoutError(ctx, c, err)
}

// addZones adds the control planes of --zone to the snapshot of the global one.
func addZones(c *cli.Context, s *cluster.Snapshot, wrap func(zone string, source cluster.Source) cluster.Source) error {
	for _, text := range c.StringSlice("zone") {
		name, from, err := cluster.SplitZone(text)
		if err != nil {
			return fmt.Errorf("--zone: %w", err)
		}
		zone, err := loadFrom(c, func(progress *progress) (cluster.Source, error) {
			source, err := openZone(c, from, progress)
			return wrap(name, source), err
		})
		if err == nil {
			zone, err = zone.Only(meshesOf(c))
		}
		if err == nil {
			err = s.AddZone(name, zone)
		}
		if err != nil {
			return fmt.Errorf("--zone %s: %w", name, err)
		}
	}
	return nil
}

// openZone opens a zone's own control plane: a file, a kubeconfig context or an API.
func openZone(c *cli.Context, from string, progress *progress) (cluster.Source, error) {
	if context, ok := strings.CutPrefix(from, "context:"); ok {
		return kube.New(kubeOptions(c, context, progress))
	}
	if _, err := os.Stat(from); err == nil {
		inputs, err := manifest.Files(from)
		return cluster.Files(inputs), err
	}
	if !strings.Contains(from, "://") && strings.ContainsAny(from, "./") {
		return nil, fmt.Errorf("reading %q: there is no such file", from)
	}
	return openControlPlane(c, from, progress)
}

// withTimeout returns a context that ends after --timeout, or never if that is 0.
func withTimeout(c *cli.Context) (context.Context, context.CancelFunc) {
	if c.Duration("timeout") <= 0 {
		return context.WithCancel(c.Context)
	}
	return context.WithTimeout(c.Context, c.Duration("timeout"))
}

// timeoutError adds --timeout to an error, if there is one and ctx timed out.
func timeoutError(ctx context.Context, c *cli.Context, err error) error {
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("not finished within --timeout %s; increase it, or read less with --mesh: %w", c.Duration("timeout"), err)
	}
	return err
}
