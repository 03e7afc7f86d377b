package main

import (
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
func (f *reportFlags) build(c *cli.Context, current *convert.Current, words upgrade.Words) (*report.Report, error) {
	most := 0
	if !f.full && (f.form == "text" || f.form == "markdown") {
		most = output.MostProxies
	}
	r, _, options, err := f.rehearse(c, current, words, "reported", most)
	if err == nil {
		err = checkMesh(current.Snapshot, "report")
	}
	if err != nil {
		return nil, err
	}
	r.Way = upgrade.Way(current, options, r, words)
	return r, nil
}

// rehearse returns the report without the way to 3.0, and the plan with its options. done is
// what the command would have done with an input that has errors. The report has all proxies
// if most is 0, see report.Options.
func (f *reportFlags) rehearse(
	c *cli.Context, current *convert.Current, words upgrade.Words, done string, most int,
) (*report.Report, *convert.Plan, convert.Options, error) {
	snapshot := current.Snapshot
	stderr := stderrPrinter(c)
	options := convert.Options{ZoneOrigin: f.zoneOrigin, RoundSampling: f.roundSampling, MadeUp: maxMadeUp}
	if err := checkInput(stderr, snapshot); err != nil {
		return nil, nil, options, err
	}
	if err := resolveOptions(f.version, current, &options); err != nil {
		return nil, nil, options, err
	}
	o := report.Options{
		Convert: options,
		Program: c.App.Name, Files: readsFiles(c), First: firstSteps(c), Directory: writableDirectory(c),
		Brief: f.form == "text" && !f.serverDryRun, Source: words.Source, Kubectl: words.Kubectl, Kumactl: words.Kumactl, Proxies: most,
	}
	if o.Kumactl != "" {
		o.KumactlSwitch = report.KumactlSwitch(o.Kumactl, c.String("control-plane"))
	}
	r, plan, problems := report.Build(current, o)
	if r == nil {
		return nil, nil, options, refuseInput(stderr, problems, done)
	}
	warnAssumedVersion(stderr, f.version, snapshot)
	if r.Origin.Source == "" {
		r.Origin.Source = filesOf(c)
	}
	return r, plan, options, nil
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
