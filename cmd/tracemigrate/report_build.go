package main

import (
	"cmp"
	"errors"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/kube"
	"tracemigrate/cluster/lists"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/convert/report"
	"tracemigrate/convert/upgrade"
)

// build returns the report on a snapshot, or prints its problems and returns an error.
func (f *reportFlags) build(c *cli.Context, current *convert.Current, words report.Words) (*report.Report, error) {
	form, most := c.String("output"), 0
	if !f.full && (form == "text" || form == "markdown") {
		most = output.MostProxies
	}
	o := &report.Options{Words: words, Brief: form == "text" && !f.serverDryRun, Proxies: most}
	r, _, err := f.rehearse(c, current, o, "reported")
	if err == nil {
		err = checkMesh(current.Snapshot, "report")
	}
	if err != nil {
		return nil, err
	}
	r.Way = upgrade.Way(current, o.Convert, r, words)
	return r, nil
}

// rehearse returns the report without the way to 3.0, and the plan. It fills in the options
// that depend on flags and on the source. done is what the command would have done with an
// input that has errors.
func (f *reportFlags) rehearse(
	c *cli.Context, current *convert.Current, o *report.Options, done string,
) (*report.Report, *convert.Plan, error) {
	stderr := stderrPrinter(c)
	if err := checkInput(stderr, current.Snapshot); err != nil {
		return nil, nil, err
	}
	o.Convert = f.options()
	o.Convert.MadeUp = maxMadeUp
	if err := resolveOptions(f.version, current, &o.Convert); err != nil {
		return nil, nil, err
	}
	f.byLabels = selectsByLabels(c, stderr, current, o.Convert)
	o.Convert.ByLabels = f.byLabels
	o.Files, o.First, o.Directory = readsFiles(c), firstSteps(c), writableDirectory(c)
	if o.Kumactl != "" {
		o.KumactlSwitch = report.KumactlSwitch(o.Kumactl, c.String("control-plane"))
	}
	r, plan, problems := report.Build(current, *o)
	if r == nil {
		return nil, nil, refuseInput(stderr, problems, done)
	}
	warnAssumedVersion(stderr, f.version, current.Snapshot)
	r.Origin.Source = cmp.Or(r.Origin.Source, filesOf(c))
	return r, plan, nil
}

// serverDryRun adds to the report whether the API server accepts each policy.
func serverDryRun(c *cli.Context, source cluster.Source, r *report.Report) error {
	api, ok := source.(*kube.Cluster)
	if !ok {
		return errors.New("--server-dry-run needs Kubernetes as the source; files and the control plane's API have no dry run")
	}
	manifests := lists.Each(r.Policies, func(p report.Policy) string { return p.Manifest })
	ctx, cancel := withTimeout(c)
	defer cancel()
	trials, err := api.Try(ctx, manifests)
	if err != nil {
		return timeoutError(ctx, c, err)
	}
	r.Judge(trials)
	return nil
}
