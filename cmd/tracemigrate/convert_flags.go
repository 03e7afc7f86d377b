package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
)

// convertFlags are the flags of convert, other than those of the source.
type convertFlags struct {
	conversionFlags
	version, from, format  string
	copyLabels, shadow     bool
	directory, notesFile   string
	force, bare, keepGoing bool
	to                     cluster.Version // of --kuma-version, where it has no TrafficTrace
}

func (f *convertFlags) flags() []cli.Flag {
	newest := cluster.Newest.String()
	return slices.Concat(sourceFlags(), []cli.Flag{
		versionFlag(&f.version),
		textFlag("from", &f.from,
			"`VERSION` that the control plane runs before an upgrade to --kuma-version "+newest+" (default: as for --kuma-version)"),
	}, f.conversionFlags.flags(), []cli.Flag{
		outputFlag(output.ConvertForms),
		textFlag("format", &f.format, "`FORMAT` of the policies: kubernetes or universal (default: that of each TrafficTrace)"),
		listFlag("", "label", "add the label `KEY=VALUE` to every policy; may be repeated"),
		boolFlag("copy-labels", &f.copyLabels,
			"copy the labels and annotations of each TrafficTrace, without those of Kuma and kubectl"),
		boolFlag("shadow", &f.shadow,
			"add the label kuma.io/effect: shadow: policies are computed but not applied ("+cluster.SinceShadow.MajorMinor()+" and later)"),
		textFlag("output-dir", &f.directory, "write one file for each policy to `DIR`, all or none, instead of stdout"),
		boolFlag("force", &f.force, "overwrite files of --output-dir and --notes-output, but never an input"),
		boolFlag("no-comments", &f.bare, "omit the comment and annotation that name the source of a policy"),
		textFlag("notes-output", &f.notesFile, "write the notes to `FILE` as JSON"),
		boolFlag("keep-going", &f.keepGoing,
			"write the policies that can be converted even if others cannot; the exit code is still 1"),
	})
}

// options returns the options of the conversion that depend only on flags.
func (f *convertFlags) options(c *cli.Context) (convert.Options, error) {
	var options convert.Options
	var version cluster.Version
	if f.version != "" {
		var err error
		if version, f.to, err = f.parseVersions(); err != nil {
			return options, err
		}
	}
	if f.from != "" && f.to == (cluster.Version{}) {
		return options, fmt.Errorf("--from needs --kuma-version %s; without an upgrade, pass the version with --kuma-version",
			cluster.Newest)
	}
	format := cluster.Format(strings.ToLower(f.format))
	if format != "" && format != cluster.Kubernetes && format != cluster.Universal {
		return options, fmt.Errorf("--format: %s is neither kubernetes nor universal", typed(f.format))
	}
	if format == cluster.Universal && c.IsSet("namespace") {
		return options, errors.New("--namespace cannot be combined with --format universal: only Kubernetes has namespaces")
	}
	if f.notesFile == "-" {
		return options, errors.New("--notes-output needs a file, because stdout contains the manifests")
	}
	if f.force && f.directory == "" && f.notesFile == "" {
		return options, errors.New("--force needs --output-dir or --notes-output")
	}
	if f.to != (cluster.Version{}) && strings.EqualFold(f.targetRef, targetSubset) && c.IsSet("target-ref") {
		return options, fmt.Errorf("--target-ref %s: Kuma %s does not have MeshSubset; omit the flag", f.targetRef, f.to)
	}
	if err := f.parse(c, f.to != (cluster.Version{})); err != nil {
		return options, err
	}
	options = f.conversionFlags.options()
	options.Version, options.To, options.Format, options.Namespace = version, f.to, format, c.String("namespace")
	options.CopyLabels, options.Shadow = f.copyLabels, f.shadow
	for _, label := range c.StringSlice("label") {
		key, value, ok := strings.Cut(label, "=")
		if !ok {
			return options, fmt.Errorf("--label: %q is not of the form KEY=VALUE", label)
		}
		if _, twice := options.Labels.Lookup(key); twice {
			return options, fmt.Errorf("--label: key %q is set twice", key)
		}
		options.Labels = options.Labels.With(key, value)
	}
	if version == (cluster.Version{}) {
		return options, nil // resolveOptions checks them
	}
	return options, options.Check()
}

// resolveOptions adds the version, namespace and format of the snapshot to options, and
// checks them. The version of --kuma-version overrides the snapshot's.
func resolveOptions(version string, s *convert.Current, o *convert.Options) error {
	var err error
	if o.Version, err = kumaVersion(version, s.Snapshot); err != nil {
		return err
	}
	o.Namespace = s.Namespace
	if o.Format == "" && s.About().Environment == cluster.Kubernetes {
		o.Format = cluster.Kubernetes // the control plane's API shows Kubernetes objects in Universal form
	}
	return o.Check()
}

// parseVersions reads --kuma-version and --from. A version without TrafficTrace is what
// the control plane will be upgraded to; then the version of --from, if any, runs.
func (f *convertFlags) parseVersions() (runs, to cluster.Version, err error) {
	version, err := cluster.ParseVersion(f.version)
	if err != nil || !version.DropsTrafficTrace() {
		version, err = parseVersionFlag(f.version)
		return version, cluster.Version{}, err
	}
	if f.from == "" {
		return cluster.Version{}, version, nil
	}
	if runs, err = cluster.ParseLegacyVersion(f.from); err != nil {
		return runs, version, fmt.Errorf("--from: %w", err)
	}
	return runs, version, nil
}

// source returns the flag's version that the control plane runs, empty if no flag says it.
func (f *convertFlags) source() string {
	if f.to != (cluster.Version{}) {
		return f.from
	}
	return f.version
}

// warnAssumedVersion warns if the version that the control plane runs is assumed.
func (f *convertFlags) warnAssumedVersion(stderr *output.Printer, s *cluster.Snapshot) {
	if f.to == (cluster.Version{}) {
		warnAssumedVersion(stderr, f.version, s)
		return
	}
	if f.from == "" && namesNoVersion(s) && len(s.TrafficTraces)+len(s.MeshTraces) > 0 {
		stderr.Line("tracemigrate: the input does not contain the control plane's version, so Kuma %s is assumed to run before the "+
			"upgrade to %s; pass yours with --from, because it decides which policy wins", cluster.Latest, f.to)
	}
}
