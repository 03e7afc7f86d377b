package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// explainFlags are the flags of explain, other than those of the source.
type explainFlags struct {
	version                   string
	zoneOrigin, roundSampling bool
}

func explainCommand() *cli.Command {
	var f explainFlags
	return &cli.Command{
		Name:      "explain",
		Usage:     "say for one proxy which TrafficTraces and MeshTraces select it, why one wins, and what becomes of it",
		ArgsUsage: "PROXY",
		Description: "PROXY is a Dataplane's name or display name, alone or as mesh/name, namespace/name or\nzone/name where several have it.\n\n" +
			"   tracemigrate explain web-1 -f cluster.yaml --kuma-version 2.13",
		Flags: append(sourceFlags(), versionFlag(&f.version), namespaceFlag(),
			&cli.BoolFlag{Name: "zone-origin", Destination: &f.zoneOrigin, Usage: "explain policies with the label kuma.io/origin: zone, which a federated zone demands"},
			roundSamplingFlag(&f.roundSampling),
		),
		Action: f.run,
	}
}

func (f *explainFlags) run(c *cli.Context) error {
	name, err := proxyName(c)
	if err != nil {
		return err
	}
	if f.version != "" {
		if _, err := parseVersionFlag(f.version); err != nil {
			return err
		}
	}
	current, _, err := load(c)
	if err != nil {
		return err
	}
	snapshot := current.Snapshot
	version, err := kumaVersion(f.version, snapshot)
	if err != nil {
		return err
	}
	if current.Failed() {
		newPrinter(c.App.ErrWriter).Problems(current.Found, "explained")
		return cli.Exit("", exitError)
	}
	words := newPrinter(c.App.ErrWriter)
	words.Skipped(snapshot)
	words.Unread(snapshot)
	warnAssumedVersion(words, f.version, snapshot)
	dp, err := findProxy(snapshot, name)
	if err != nil {
		return err
	}
	decisive, reason := snapshot.Judge(version)(dp)
	doubt := cluster.Doubt{Reason: reason}
	var after *envoydiff.Proxy
	state := envoydiff.State{Legacy: current.Meshes, Policies: current.Existing}
	options := convert.Options{Version: version, Namespace: current.Namespace, ZoneOrigin: f.zoneOrigin, RoundSampling: f.roundSampling}
	if result, _ := convert.Convert(current, options); result != nil {
		words.Noted(convert.PatchReleaseDecides, version, result)
		doubt = doubt.Or(result.Doubt(dp))
		after = envoydiff.Find(result.Comparisons, dp)
		state.Policies = result.Existing // without those that the version refuses
	}
	if f.version == "" {
		version = decisive[0]
	}
	r := envoydiff.NewRenderer(version, snapshot, state)
	decision := r.Decide(dp)
	listeners, _ := r.Render(dp, &decision)
	err = whole(c, func(out *output.Printer) error {
		out.Explain(&output.Explanation{Version: version, Snapshot: snapshot, Dataplane: dp, State: state, Doubt: doubt, Decision: &decision, Listeners: listeners, After: after})
		return nil
	})
	if unusable := decision.Unusable(); err == nil && unusable != nil {
		words.Errors(unusable)
		return cli.Exit(fmt.Sprintf("the backend %.253q of %s cannot be used", decision.Backend.Name, dp), exitNo)
	}
	if err == nil && doubt.Reason != "" {
		return cli.Exit(fmt.Sprintf("unknown: %s", doubt.Reason), exitNo)
	}
	if err == nil && after != nil && after.Verdict == envoydiff.Different {
		return cli.Exit(fmt.Sprintf("different: %s would not keep its tracing", dp), exitNo)
	}
	return err
}
