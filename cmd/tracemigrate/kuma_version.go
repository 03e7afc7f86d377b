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
)

// systemNamespace returns the control plane's namespace: that of the flag, that of the
// snapshot, or Kuma's default.
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

// kumaVersion returns the version to convert for: that of the flag, that of the control
// plane, or the newest for files that name none; see warnAssumedVersion.
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
		return cluster.Version{}, fmt.Errorf("the control plane's version is not known%s; say it with --kuma-version, for policies and their order depend on it%s", reasonFor(s.Origin, cluster.VersionOfControlPlane), versionRole(s.Origin))
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

// namesNoVersion reports whether s is from files that do not name the control plane's
// version.
func namesNoVersion(s *cluster.Snapshot) bool {
	return s.Origin == nil || s.Origin.Version == "" && !s.Live() && len(s.Origin.Unread) == 0
}

// warnAssumedVersion prints which version is assumed when neither the flag nor the input
// names one and something depends on it.
func warnAssumedVersion(words *output.Printer, given string, s *cluster.Snapshot) {
	if given == "" && namesNoVersion(s) && len(s.TrafficTraces)+len(s.MeshTraces) > 0 {
		words.Line("tracemigrate: the input does not name the control plane's version, so Kuma %s, the newest, is assumed; pass yours with --kuma-version: which policy decides depends on it", cluster.Latest)
	}
}

// versionRole returns the role that grants reading the version, when only that is missing.
func versionRole(o *cluster.Origin) string {
	if u, _ := o.Lacks(cluster.VersionOfControlPlane); u.Cause != cluster.Forbidden || o.Endpoint.Kubernetes == "" {
		return ""
	}
	return ", or allow it to be read:\n" + kube.ClusterRole
}

// reasonFor returns why what could not be read, in parentheses.
func reasonFor(o *cluster.Origin, what string) string {
	if u, lacks := o.Lacks(what); lacks {
		return " (" + u.Reason + ")"
	}
	return ""
}

// versions returns those of --kuma-version, none without the flag.
func versions(c *cli.Context) ([]cluster.Version, error) {
	var list []cluster.Version
	given := c.StringSlice("kuma-version")
	if len(given) == 0 {
		return nil, nil
	}
	for _, text := range strings.Split(strings.Join(given, ","), ",") {
		version, err := cluster.ParseVersion(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("--kuma-version: %w", err)
		}
		if !slices.Contains(list, version) {
			list = append(list, version)
		}
	}
	return list, nil
}
