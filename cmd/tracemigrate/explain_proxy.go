package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// explain returns the explanation of a proxy, with the verdict of the conversion.
func (f *explainFlags) explain(
	stderr *output.Printer, current *convert.Current, version cluster.Version, dp *cluster.Dataplane,
) *output.Explanation {
	zoneVersions, reason := current.Snapshot.Judge(version)(dp)
	e := &output.Explanation{
		Version: version, Snapshot: current.Snapshot, Dataplane: dp, Doubt: cluster.Doubt{Reason: reason},
		State: envoydiff.State{Legacy: current.Meshes, Policies: current.Existing},
	}
	options := convert.Options{Version: version, Namespace: current.Namespace, ZoneOrigin: f.zoneOrigin, RoundSampling: f.roundSampling}
	if result, _ := convert.Convert(current, options); result != nil {
		stderr.NotesOf(convert.PatchReleaseDecides, version, result.Notes)
		e.Doubt = e.Doubt.Or(result.Doubt(dp))
		e.After = envoydiff.Find(result.Comparisons, dp)
		e.State.Policies = result.Existing // without those that the version refuses
	}
	if f.version == "" {
		e.Version = zoneVersions[0]
	}
	renderer := envoydiff.NewRenderer(e.Version, e.Snapshot, e.State)
	decision := renderer.Decide(dp)
	e.Decision = &decision
	e.Listeners, _ = renderer.Render(dp, e.Decision)
	return e
}

// explainVerdict returns the reason for exit code 1, or nil.
func explainVerdict(stderr *output.Printer, e *output.Explanation) error {
	if unusable := e.Decision.Unusable(); unusable != nil {
		stderr.Errors(unusable)
		return cli.Exit(fmt.Sprintf("the backend %.253q of %s cannot be used", e.Decision.Backend.Name, e.Dataplane), exitNo)
	}
	if e.Doubt.Reason != "" {
		return cli.Exit("unknown: "+e.Doubt.Reason, exitNo)
	}
	if e.After != nil && e.After.Verdict == envoydiff.Different {
		return cli.Exit(fmt.Sprintf("different: %s would not keep its tracing", e.Dataplane), exitNo)
	}
	return nil
}
