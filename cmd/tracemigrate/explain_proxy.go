package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// read reads the input, and returns the explanation of the proxy with a name.
func (f *explainFlags) read(c *cli.Context, stderr *output.Printer, name string) (*output.Explanation, error) {
	current, _, err := load(c)
	if err != nil {
		return nil, err
	}
	snapshot := current.Snapshot
	version, err := kumaVersion(f.version, snapshot)
	if err != nil {
		return nil, err
	}
	if current.Failed() {
		return nil, refuseInput(stderr, current.Found, "explained")
	}
	stderr.Skipped(snapshot)
	stderr.Unread(snapshot)
	warnAssumedVersion(stderr, f.version, snapshot)
	dp, err := findProxy(snapshot, name)
	if err != nil {
		return nil, err
	}
	options := f.options()
	options.Version, options.Namespace = version, current.Namespace
	options.ByLabels = selectsByLabels(c, stderr, current, options)
	if err := options.Check(); err != nil {
		return nil, err
	}
	return f.explain(stderr, current, options, dp), nil
}

// explain returns the explanation of a proxy, with the verdict of the conversion.
func (f *explainFlags) explain(
	stderr *output.Printer, current *convert.Current, options convert.Options, dp *cluster.Dataplane,
) *output.Explanation {
	version := options.Version
	zoneVersions, reason := current.Snapshot.Judge(version)(dp)
	e := &output.Explanation{
		Version: version, Snapshot: current.Snapshot, Dataplane: dp, Doubt: cluster.Doubt{Reason: reason},
		State: current.State(),
	}
	if result, _ := convert.Convert(current, options); result != nil {
		stderr.NotesOf(convert.EarlierRun, version, result.Notes)
		stderr.NotesOf(convert.PatchReleaseDecides, version, result.Notes)
		e.Doubt = e.Doubt.And(result.Doubt(dp))
		e.After = envoydiff.Find(result.Comparisons, dp)
		if e.After != nil && e.Doubt.Reason == "" {
			e.Doubt = comparedDoubt(e.After)
		}
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

// comparedDoubt returns the doubts that only the comparison of a proxy finds.
func comparedDoubt(p *envoydiff.Proxy) cluster.Doubt {
	var doubt cluster.Doubt
	for _, d := range p.Differences {
		if slices.Contains([]envoydiff.Code{envoydiff.GatewayTagsMixed, envoydiff.OrderUndecided, envoydiff.ProxyPatched}, d.Code) {
			doubt = doubt.And(cluster.Doubt{Code: string(d.Code), Reason: d.Before})
		}
	}
	return doubt
}

// explainOutcome returns the outcome for a proxy that explainVerdict has nothing against.
func explainOutcome(e *output.Explanation) string {
	switch {
	case e.After == nil:
		return fmt.Sprintf("%s has no tracing to migrate", e.Dataplane)
	case !e.After.Before.Traces() && !e.After.After.Traces(), e.After.Untraced():
		return fmt.Sprintf("%s is not traced, before or after the migration", e.Dataplane)
	case e.After.Verdict == envoydiff.Inherent:
		return fmt.Sprintf("%s keeps collector and sampling, and differs only in what any MeshTrace changes", e.Dataplane)
	}
	return fmt.Sprintf("%s keeps its tracing", e.Dataplane)
}

// explainVerdict returns the reason for exit code 1, or nil.
func explainVerdict(e *output.Explanation) error {
	if e.Decision.Unusable() != nil {
		return cli.Exit(fmt.Sprintf("the backend %.253q of %s cannot be used", e.Decision.Backend.Name, e.Dataplane), exitNo)
	}
	if e.Doubt.Reason != "" {
		return cli.Exit("unknown: "+e.Doubt.Reasons(), exitNo)
	}
	if e.After != nil && e.After.Verdict == envoydiff.Different {
		return cli.Exit(fmt.Sprintf("different: %s would not keep its tracing", e.Dataplane), exitNo)
	}
	return nil
}
