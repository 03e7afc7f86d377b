package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/controlplane"
	"tracemigrate/cluster/kube"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert/report"
	"tracemigrate/convert/upgrade"
)

// upgradeCheckFlags are the flags of upgrade-check, other than those of the source and lists.
type upgradeCheckFlags struct {
	from, to     string
	strict, full bool
}

// firstUpgrade is the oldest version that a control plane can be upgraded to.
var firstUpgrade = cluster.V(cluster.Oldest.Minor + 1)

func (f *upgradeCheckFlags) flags() []cli.Flag {
	return append(sourceFlags(),
		&cli.StringFlag{
			Name: "to", Destination: &f.to, Value: cluster.Newest.String(),
			Usage: "`VERSION` to upgrade to, " + firstUpgrade.String() + " to " + cluster.Latest.String() + " or " +
				cluster.Newest.String() + ", or with a patch",
		},
		textFlag("from", &f.from,
			"`VERSION` that runs (default: the version that the control plane, an export or a snapshot reports, else "+
				cluster.Latest.String()+")"),
		namespaceFlag(),
		boolFlag("strict", &f.strict, "exit with 1 also for inherent differences and misspelt fields"),
		acceptFlag(""),
		outputFlag(output.UpgradeForms),
		boolFlag("full", &f.full, "with text and markdown: list all proxies and resources of a cause"),
	)
}

// options returns the options that depend only on flags.
func (f *upgradeCheckFlags) options(c *cli.Context) (upgrade.Options, error) {
	o := upgrade.Options{MadeUp: maxMadeUp}
	var err error
	if o.To, err = cluster.ParseVersion(f.to); err != nil {
		return o, fmt.Errorf("--to: %w", err)
	}
	if o.To.SameMinor(cluster.Oldest) {
		return o, fmt.Errorf("--to: %s is the oldest version; the first one to upgrade to is %s", o.To, firstUpgrade)
	}
	if f.from != "" {
		if o.From, err = cluster.ParseVersion(f.from); err != nil {
			return o, fmt.Errorf("--from: %w", err)
		}
	}
	o.Accept, err = acceptedCodes(c, "docs/upgrade.md", upgrade.MeshTracingIgnored)
	return o, err
}

// resolve adds the version that runs to the options, and returns an error if that is newer
// than the one to upgrade to, or if it would only be assumed to be the one to upgrade to.
func (f *upgradeCheckFlags) resolve(s *cluster.Snapshot, o *upgrade.Options) error {
	o.From = withPatch(o.From, s)
	if f.from == "" {
		var err error
		if o.From, err = runningVersion(s); err != nil {
			return err
		}
	}
	if f.from == "" && namesNoVersion(s) && o.To.Compare(o.From) <= 0 {
		return fmt.Errorf("--from is needed with --to %s: the input does not contain the control plane's version; pass the version that runs",
			o.To)
	}
	if o.To.Compare(o.From) < 0 {
		return fmt.Errorf("--to %s is older than %s, which runs: this command checks upgrades only; "+
			"pass a newer version with --to, or the version that runs with --from", o.To, versionInFull(o.From))
	}
	for _, version := range s.Versions(o.From) {
		if o.To.Compare(version) < 0 {
			return fmt.Errorf("--to %s is older than %s, which a zone's control plane runs; pass a newer version", o.To, versionInFull(version))
		}
	}
	return nil
}

// versionInFull returns a version; without a patch, it is the newest.
func versionInFull(v cluster.Version) string {
	if v.HasPatch() {
		return v.String()
	}
	return v.String() + " (its newest patch)"
}

// runningVersion returns the version of the snapshot's control plane. For files that name
// none it is the newest with TrafficTraces.
func runningVersion(s *cluster.Snapshot) (cluster.Version, error) {
	if namesNoVersion(s) {
		return cluster.Latest, nil
	}
	if s.Origin.Version == "" {
		return cluster.Version{}, fmt.Errorf("the control plane's version is not known%s; pass it with --from%s",
			reasonFor(s.Origin, cluster.VersionOfControlPlane), versionRole(s.Origin))
	}
	version, err := cluster.ParseVersion(s.Origin.Version)
	if err != nil {
		return version, fmt.Errorf("the control plane reports version %q: %w; pass the closest one with --from", s.Origin.Version, err)
	}
	return version, nil
}

// warnAssumed prints which version is assumed to run, if neither --from nor the input names
// one.
func (f *upgradeCheckFlags) warnAssumed(stderr *output.Printer, s *cluster.Snapshot, to cluster.Version) {
	if f.from == "" && namesNoVersion(s) {
		stderr.Line("tracemigrate: the input does not contain the control plane's version, so an upgrade from Kuma %s to %s is checked; "+
			"pass the version that runs with --from", cluster.Latest, to)
	}
}

// commandWords returns the words of commands that read the same source.
func commandWords(c *cli.Context, source cluster.Source) report.Words {
	words := report.Words{Program: c.App.Name, Source: sourceArguments(c)}
	switch source := source.(type) {
	case *kube.Cluster:
		words.Source, words.Kubectl = contextFlags(c, words.Source, source)
	case *controlplane.ControlPlane:
		words.Kumactl = "kumactl"
		if c.IsSet("kumactl-config") {
			words.Kumactl += " --config-file " + manifest.ShellQuote(c.String("kumactl-config"))
		}
	}
	return words
}
