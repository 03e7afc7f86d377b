package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"

	"tracemigrate/cluster"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

func explainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "say for one proxy which TrafficTraces and MeshTraces select it, why one wins, and what becomes of it",
		ArgsUsage: "PROXY",
		Description: "PROXY is a Dataplane's name or display name, alone or as mesh/name, namespace/name or\nzone/name where several have it.\n\n" +
			"   tracemigrate explain web-1 -f cluster.yaml --kuma-version 2.13",
		Flags: append(sourceFlags(), versionFlag(), namespaceFlag(),
			&cli.BoolFlag{Name: "zone-origin", Usage: "explain policies with the label kuma.io/origin: zone, which a federated zone demands"},
			roundSamplingFlag(),
		),
		Action: runExplain,
	}
}

func runExplain(c *cli.Context) error {
	name, err := proxyName(c)
	if err != nil {
		return err
	}
	if given := c.String("kuma-version"); given != "" {
		if _, err := parseVersionFlag(given); err != nil {
			return err
		}
	}
	current, _, err := load(c)
	if err != nil {
		return err
	}
	snapshot := current.Snapshot
	version, err := kumaVersion(c.String("kuma-version"), snapshot)
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
	warnAssumedVersion(words, c.String("kuma-version"), snapshot)
	dp, err := findProxy(snapshot, name)
	if err != nil {
		return err
	}
	decisive, reason := snapshot.Judge(version)(dp)
	doubt := cluster.Doubt{Reason: reason}
	var after *envoydiff.Proxy
	state := envoydiff.State{Legacy: current.Meshes, Policies: current.Existing}
	options := convert.Options{Version: version, Namespace: current.Namespace, ZoneOrigin: c.Bool("zone-origin"), RoundSampling: c.Bool("round-sampling")}
	if result, _ := convert.Convert(current, options); result != nil {
		words.Noted(convert.PatchReleaseDecides, version, result)
		doubt = doubt.Or(result.Doubt(dp))
		after = envoydiff.Find(result.Comparisons, dp)
		state.Policies = result.Existing // without those that the version refuses
	}
	if c.String("kuma-version") == "" {
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

func findProxy(s *cluster.Snapshot, name string) (*cluster.Dataplane, error) {
	if s.Origin != nil && len(s.Dataplanes) == 0 {
		if _, lacks := s.Origin.Lacks(cluster.KindDataplane); lacks {
			return nil, fmt.Errorf("the Dataplanes could not be read, so nothing is known of %q", name)
		}
	}
	var found []*cluster.Dataplane
	closest, distance := "", 1.0
	for _, dp := range s.Dataplanes {
		switch full := dp.Mesh + "/" + dp.FullName(); {
		case slices.Contains(namesOf(dp), name):
			found = append(found, dp)
		default:
			for _, candidate := range []string{dp.Name, full} {
				if d := 1 - smetrics.JaroWinkler(candidate, name, 0.7, 4); d < distance {
					closest, distance = full, d
				}
			}
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		candidates := make([]string, len(found))
		for i, dp := range found {
			candidates[i] = dp.Mesh + "/" + dp.FullName()
			if zone := dp.Zone(); zone != "" {
				candidates[i] += fmt.Sprintf(" (zone %s)", zone)
			}
		}
		slices.Sort(candidates)
		return nil, fmt.Errorf("%d Dataplanes are named %q; choose one: %s", len(found), name, strings.Join(candidates, ", "))
	case distance < 0.15:
		return nil, fmt.Errorf("the input has no Dataplane %q; did you mean %s?", name, closest)
	}
	return nil, fmt.Errorf("the input has no Dataplane %q", name)
}

// namesOf are the names by which dp is found: its own and its display name, alone
// or after its mesh, namespace or zone.
func namesOf(dp *cluster.Dataplane) []string {
	display := cmp.Or(dp.Labels[cluster.DisplayNameLabel], dp.Name)
	names := []string{
		dp.Name, dp.FullName(), display, dp.Mesh + "/" + dp.Name, dp.Mesh + "/" + dp.FullName(), dp.Mesh + "/" + display, dp.Namespace + "/" + dp.Name,
	}
	if zone := dp.Zone(); zone != "" {
		names = append(names, zone+"/"+dp.FullName(), zone+"/"+display)
	}
	return names
}
