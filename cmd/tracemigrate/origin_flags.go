package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// applyOriginFlags adds --mode and --zone-version to what the control plane reports, and
// returns an error if they contradict it. Without these flags it returns origin, which may
// be nil.
func applyOriginFlags(c *cli.Context, origin *cluster.Origin) (*cluster.Origin, error) {
	mode := cluster.Mode(c.String("mode"))
	if mode != "" && !slices.Contains(cluster.Modes, mode) {
		return nil, fmt.Errorf("--mode: %s is none of zone, federated-zone, global", typed(string(mode)))
	}
	versions := c.StringSlice("zone-version")
	if mode == "" && len(versions) == 0 {
		return origin, nil
	}
	var result cluster.Origin
	if origin != nil {
		result = *origin
	}
	result.Zones, result.Unread = slices.Clone(result.Zones), slices.Clone(result.Unread)
	var contradictions []error
	if mode != "" {
		if result.Mode != "" && result.Mode != mode {
			err := fmt.Errorf("--mode %s: the mode of %s is %s; omit --mode", mode, result.Source, result.Mode)
			contradictions = append(contradictions, err)
		}
		result.Mode = mode
		result.Unread = slices.DeleteFunc(result.Unread, func(u cluster.Unread) bool { return u.What == cluster.ModeOfControlPlane })
	}
	for _, text := range versions {
		contradiction, err := applyZoneVersion(&result, text)
		if err != nil {
			return nil, err
		}
		contradictions = append(contradictions, contradiction)
	}
	if err := errors.Join(contradictions...); err != nil {
		return nil, err
	}
	for i := range result.Unread {
		if len(versions) > 0 && result.Unread[i].What == cluster.ZonesOfControlPlane {
			result.Unread[i].Reason += "; only these are known: " + strings.Join(versions, ", ")
		}
	}
	slices.SortFunc(result.Zones, func(a, b cluster.Zone) int { return strings.Compare(a.Name, b.Name) })
	return &result, nil
}

// applyZoneVersion adds a value of --zone-version to origin. A contradiction to what the
// control plane reports is the first error, a malformed value the second.
func applyZoneVersion(origin *cluster.Origin, text string) (contradiction, err error) {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return nil, fmt.Errorf("--zone-version: %q is not of the form ZONE=VERSION", text)
	}
	version, err := cluster.ParseLegacyVersion(value)
	if err != nil {
		return nil, fmt.Errorf("--zone-version %s: %w", name, err)
	}
	i := slices.IndexFunc(origin.Zones, func(z cluster.Zone) bool { return z.Name == name })
	if i < 0 {
		origin.Zones = append(origin.Zones, cluster.Zone{Name: name})
		i = len(origin.Zones) - 1
	}
	reported := origin.Zones[i].Version
	if !cluster.IsVersion(reported) || strings.HasPrefix(reported, "0.") { // unknown, or not a release
		origin.Zones[i].Version = value
		return nil, nil
	}
	own, err := cluster.ParseLegacyVersion(reported)
	if err == nil && own.SameMinor(version) && (!version.HasPatch() || own == version) {
		return nil, nil // the reported version has the patch, too
	}
	contradiction = fmt.Errorf("--zone-version %s: the control plane of zone %s has version %s; omit --zone-version", text, name, reported)
	return contradiction, nil
}

// sourceWithFlags is a source whose origin has the flags of applyOriginFlags.
type sourceWithFlags struct {
	cluster.Source
	c *cli.Context
}

// Read implements cluster.Source.
func (s sourceWithFlags) Read(ctx context.Context, use func(manifest.Input)) (*cluster.Origin, error) {
	origin, err := s.Source.Read(ctx, use)
	if err != nil {
		return nil, err
	}
	return applyOriginFlags(s.c, origin)
}
