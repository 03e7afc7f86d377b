package main

import (
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/controlplane"
	"tracemigrate/cluster/kube"
	"tracemigrate/convert"
	"tracemigrate/convert/report"
)

// build returns the report of a snapshot, or prints its problems and returns an error.
func (f *reportFlags) build(c *cli.Context, current *convert.Current, source cluster.Source) (*report.Report, error) {
	snapshot := current.Snapshot
	if snapshot.Empty() && !snapshot.FromCluster() && !hasError(snapshot.Problems) {
		newPrinter(c.App.ErrWriter).Warnings(snapshot.Problems)
		return nil, errors.New("the input has no resource of Kuma: no Mesh, no TrafficTrace, nothing; is it what you meant to read?")
	}
	options := convert.Options{ZoneOrigin: f.zoneOrigin, RoundSampling: f.roundSampling, MadeUp: maxMadeUp}
	if err := resolveOptions(f.version, current, &options); err != nil {
		return nil, err
	}
	about := report.Options{
		Convert: options,
		Program: c.App.Name, Source: sourceArguments(c), Files: c.IsSet("filename"), First: firstSteps(c), Directory: writableDirectory(c),
		Brief: f.form == "text" && !f.serverDryRun,
	}
	switch source := source.(type) {
	case *kube.Cluster:
		about.Source, about.Kubectl = contextFlags(c, about.Source, source)
	case *controlplane.ControlPlane:
		about.Kumactl = "kumactl"
		if c.IsSet("kumactl-config") {
			about.Kumactl += " --config-file " + report.Quoted(c.String("kumactl-config"))
		}
		about.KumactlSwitch = report.KumactlSwitch(about.Kumactl, c.String("control-plane"))
	}
	r, _, problems := report.Build(current, about)
	if r == nil {
		newPrinter(c.App.ErrWriter).Problems(problems, "reported")
		return nil, cli.Exit("", exitError)
	}
	warnAssumedVersion(newPrinter(c.App.ErrWriter), f.version, snapshot)
	if r.Origin.Source == "" {
		r.Origin.Source = "files: " + strings.Join(c.StringSlice("filename"), ", ")
	}
	return r, nil
}

// serverDryRun asks the API server whether it accepts each policy.
func serverDryRun(c *cli.Context, source cluster.Source, r *report.Report) error {
	api, ok := source.(*kube.Cluster)
	if !ok {
		return errors.New("--server-dry-run needs Kubernetes as the source: files and the control plane's API have no dry run")
	}
	manifests := make([]string, 0, len(r.Policies))
	for _, policy := range r.Policies {
		manifests = append(manifests, policy.Manifest)
	}
	ctx, cancel := limited(c)
	defer cancel()
	trials, err := api.Try(ctx, manifests)
	if err != nil {
		return inTime(ctx, c, err)
	}
	said := make([]report.ServerTrial, 0, len(trials))
	for _, trial := range trials {
		said = append(said, report.ServerTrial{Accepted: trial.Accepted, Message: trial.Message, Warnings: trial.Warnings})
	}
	r.Judge(said)
	return nil
}
