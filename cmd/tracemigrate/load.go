package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/kube"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
)

// readCurrent decodes a snapshot. A test counts its calls.
var readCurrent = convert.Read

// load reads the snapshot that the flags select, and decodes it once.
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
	if s.Origin, err = amendOrigin(c, s.Origin); err != nil {
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

// loadZone reads a snapshot of a zone's own control plane from a file, a kubeconfig
// context or a control plane's API.
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

// limited returns a context that ends after --timeout, never for 0.
func limited(c *cli.Context) (context.Context, context.CancelFunc) {
	if c.Duration("timeout") <= 0 {
		return context.WithCancel(c.Context)
	}
	return context.WithTimeout(c.Context, c.Duration("timeout"))
}

// inTime adds --timeout to an error when the time is up.
func inTime(ctx context.Context, c *cli.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("not done within --timeout %s, raise it or read less with --mesh: %w", c.Duration("timeout"), err)
	}
	return err
}

// amendOrigin adds the flags on the control plane to what it reports itself, and
// returns an error when they contradict each other. Without such flags it returns
// origin, which may be nil.
func amendOrigin(c *cli.Context, origin *cluster.Origin) (*cluster.Origin, error) {
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
		forget(cluster.ModeOfControlPlane)
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
		if len(versions) > 0 && told.Unread[i].What == cluster.ZonesOfControlPlane {
			told.Unread[i].Reason += "; only these are known: " + strings.Join(versions, ", ")
		}
	}
	slices.SortFunc(told.Zones, func(a, b cluster.Zone) int { return strings.Compare(a.Name, b.Name) })
	return &told, nil
}

// amendedSource is a source whose origin amendOrigin changes.
type amendedSource struct {
	cluster.Source
	c *cli.Context
}

// Read implements cluster.Source.
func (s amendedSource) Read(ctx context.Context, use func(manifest.Input)) (*cluster.Origin, error) {
	origin, err := s.Source.Read(ctx, use)
	if err != nil {
		return nil, err
	}
	return amendOrigin(s.c, origin)
}
