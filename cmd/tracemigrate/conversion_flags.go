package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// The values of --target-ref.
const (
	targetSubset    = "meshsubset"
	targetDataplane = "dataplane"
)

// conversionFlags are the flags of every command that converts.
type conversionFlags struct {
	targetRef                               string
	byLabels                                bool // of targetRef
	displayNames, zoneOrigin, roundSampling bool
	accepted                                []envoydiff.Code // of --accept, which most have
}

func (f *conversionFlags) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{
			Name: "target-ref", Destination: &f.targetRef, Value: targetSubset,
			Usage: "`KIND` that selects proxies: meshsubset, by tags, or dataplane, by labels, from " +
				cluster.SinceDataplane.MajorMinor() + " on; " + cluster.Newest.String() + " has labels only",
		},
		boolFlag("allow-display-name", &f.displayNames, "select single proxies by name if no other label distinguishes them"),
		namespaceFlag(),
		boolFlag("zone-origin", &f.zoneOrigin, "add the label kuma.io/origin: zone to policies, which a federated zone requires"),
		boolFlag("round-sampling", &f.roundSampling,
			"round fractions of a percent, which Kuma "+cluster.Oldest.String()+" does not support"),
	}
}

// parse reads --accept and --target-ref. Policies for a version that has no tags select by
// labels.
func (f *conversionFlags) parse(c *cli.Context, labelsOnly bool) error {
	var err error
	if f.accepted, err = acceptedCodes(c, "docs/diff.md"); err != nil {
		return err
	}
	switch strings.ToLower(f.targetRef) {
	case targetSubset, targetDataplane:
		f.byLabels = labelsOnly || strings.EqualFold(f.targetRef, targetDataplane)
	default:
		return fmt.Errorf("--target-ref: %s is neither %s nor %s", typed(f.targetRef), targetSubset, targetDataplane)
	}
	if f.displayNames && !f.byLabels {
		return fmt.Errorf("--allow-display-name is for policies that select by labels; add --target-ref %s", targetDataplane)
	}
	return nil
}

// options returns the options that these flags say.
func (f *conversionFlags) options() convert.Options {
	return convert.Options{
		ByLabels: f.byLabels, DisplayNames: f.displayNames, ZoneOrigin: f.zoneOrigin, RoundSampling: f.roundSampling,
		Accept: f.accepted,
	}
}

// selectsByLabels reports whether policies select by labels: --target-ref says so or, without
// it, an earlier run did.
func selectsByLabels(c *cli.Context, stderr *output.Printer, current *convert.Current, o convert.Options) bool {
	if !goesOnByLabels(c, current, o) {
		return o.ByLabels
	}
	sayGoesOnByLabels(stderr)
	return true
}

// goesOnByLabels reports whether policies select by labels because those of an earlier run did.
func goesOnByLabels(c *cli.Context, current *convert.Current, o convert.Options) bool {
	return !c.IsSet("target-ref") && !current.Failed() && convert.GoesOnByLabels(current, o)
}

func sayGoesOnByLabels(stderr *output.Printer) {
	stderr.Line("tracemigrate: MeshTraces of an earlier run select by labels, so this run goes on by labels; "+
		"--target-ref %s selects by tags", targetSubset)
}
