package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/kube"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
)

// decodeCurrent decodes a snapshot with a control plane in the namespace of the flag, else of
// the snapshot, else in Kuma's default.
func decodeCurrent(c *cli.Context, s *cluster.Snapshot) *convert.Current {
	if c.IsSet("namespace") {
		s = s.InNamespace(c.String("namespace"))
	}
	return readCurrent(s, cmp.Or(s.SystemNamespace(), c.String("namespace")))
}

// parseVersionFlag reads --kuma-version.
func parseVersionFlag(text string) (cluster.Version, error) {
	version, err := cluster.ParseLegacyVersion(text)
	if err != nil {
		return version, fmt.Errorf("--kuma-version: %w", err)
	}
	return version, nil
}

// checkVersionFlag returns an error if --kuma-version is set and wrong.
func checkVersionFlag(text string) error {
	if text == "" {
		return nil
	}
	_, err := parseVersionFlag(text)
	return err
}

// kumaVersion returns the version to convert for: that of the flag or, without a flag, of
// the control plane. For files that name none it is the newest; see warnAssumedVersion.
func kumaVersion(flag string, s *cluster.Snapshot) (cluster.Version, error) {
	switch {
	case flag != "":
		version, err := parseVersionFlag(flag)
		return withPatch(version, s), err
	case s.Origin != nil && len(s.TrafficTraces) == 0 && (s.Origin.NothingLegacy() || s.Origin.Version == ""):
		if own, err := cluster.ParseVersion(s.Origin.Version); err == nil {
			return own, nil // MeshTraces can depend on it
		}
		return cluster.Latest, nil // nothing depends on it
	case namesNoVersion(s):
		return cluster.Latest, nil
	case s.Origin.Version == "":
		return cluster.Version{}, fmt.Errorf("the control plane's version is not known%s; pass it with --kuma-version, "+
			"because policies and their order depend on it%s", reasonFor(s.Origin, cluster.VersionOfControlPlane), versionRole(s.Origin))
	}
	version, err := cluster.ParseLegacyVersion(s.Origin.Version)
	switch {
	case err == nil:
		return version, nil
	case strings.HasPrefix(s.Origin.Version, "0."), !cluster.IsVersion(s.Origin.Version):
		return version, fmt.Errorf("the control plane reports version %q, which is not a release; pass the closest one, "+
			"such as --kuma-version %s", s.Origin.Version, cluster.Latest)
	}
	return version, fmt.Errorf("the control plane reports version %q: %w; pass another with --kuma-version", s.Origin.Version, err)
}

// withPatch returns a version with the patch that the control plane reports, if it has none.
func withPatch(version cluster.Version, s *cluster.Snapshot) cluster.Version {
	own, err := cluster.ParseVersion(s.About().Version)
	if err == nil && own.SameMinor(version) && !version.HasPatch() {
		return own
	}
	return version
}

// namesNoVersion reports whether s is from files without the control plane's version.
func namesNoVersion(s *cluster.Snapshot) bool {
	return s.Origin == nil || s.Origin.Version == "" && !s.Live() && len(s.Origin.Unread) == 0
}

// warnAssumedVersion prints which version is assumed if neither the flag nor the input
// names one and the result depends on it, and reports whether it did.
func warnAssumedVersion(stderr *output.Printer, flag string, s *cluster.Snapshot) bool {
	if flag != "" || !namesNoVersion(s) || len(s.TrafficTraces)+len(s.MeshTraces) == 0 {
		return false
	}
	stderr.Line("tracemigrate: the input does not contain the control plane's version, so Kuma %s, the newest, is assumed; "+
		"pass yours with --kuma-version, because it decides which policy wins", cluster.Latest)
	return true
}

// versionRole returns the role that grants reading the version, when only that is missing.
func versionRole(o *cluster.Origin) string {
	if u, _ := o.Lacks(cluster.VersionOfControlPlane); u.Cause != cluster.Forbidden || o.Endpoint.Kubernetes == "" {
		return ""
	}
	return ", or allow it to be read:\n" + kube.ClusterRole
}

// reasonFor returns the reason that something could not be read, in parentheses.
func reasonFor(o *cluster.Origin, what string) string {
	if u, lacks := o.Lacks(what); lacks {
		return " (" + u.Reason + ")"
	}
	return ""
}

// parseVersionFlags reads the versions of a repeatable --kuma-version.
func parseVersionFlags(c *cli.Context) ([]cluster.Version, error) {
	var list []cluster.Version
	values := c.StringSlice("kuma-version")
	if len(values) == 0 {
		return nil, nil
	}
	for _, text := range strings.Split(strings.Join(values, ","), ",") {
		version, err := parseVersionFlag(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		if !slices.Contains(list, version) {
			list = append(list, version)
		}
	}
	return list, nil
}
