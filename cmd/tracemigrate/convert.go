package main

import (
	"cmp"

	"github.com/urfave/cli/v2"

	"tracemigrate/cmd/tracemigrate/output"
)

func convertCommand() *cli.Command {
	var f convertFlags
	return &cli.Command{
		Name:      "convert",
		Usage:     "convert TrafficTraces and Mesh.tracing to MeshTraces",
		ArgsUsage: noArguments,
		Description: "Reads Mesh, TrafficTrace, Dataplane, MeshGateway, TrafficRoute,\n" +
			"MeshHTTPRoute, MeshTCPRoute, ExternalService, MeshProxyPatch,\n" +
			"ProxyTemplate and MeshTrace as YAML or JSON, for Kubernetes or Universal,\n" +
			"single or in lists. Other kinds are ignored. With Dataplanes, the tracing\n" +
			"of each proxy is compared before and after. Wildcards need Dataplanes,\n" +
			"except kuma.io/service: '*'.\n\n" +
			"   tracemigrate convert -f mesh.yaml -f policies/ > meshtraces.yaml\n\n" +
			"   kinds=meshes,traffictraces,meshtraces,trafficroutes,meshhttproutes\n" +
			"   kinds=$kinds,externalservices,dataplanes,meshgateways\n" +
			"   kinds=$kinds,meshproxypatches,proxytemplates\n" +
			"   kubectl get $kinds -A -o yaml |\n" +
			"     tracemigrate convert -f - --kuma-version 2.13 | kubectl apply -f -\n\n" +
			"stderr lists the policies of each selector, then notes. docs/notes.md\n" +
			"explains each note.\n\n" +
			"Exit codes: 0 all MeshTraces were written, and every proxy keeps its\n" +
			"tracing; 1 something cannot be carried over, or a proxy is different or\n" +
			"unknown; 2 error.",
		Flags:  f.flags(),
		Action: f.run,
	}
}

func (f *convertFlags) run(c *cli.Context) error {
	options, err := f.options(c)
	if err != nil {
		return err
	}
	if err := f.checkNotes(c); err != nil {
		return err
	}
	current, source, err := load(c)
	if err != nil {
		return err
	}
	stderr := stderrPrinter(c)
	if err := resolveOptions(f.source(), current, &options); err != nil {
		return err
	}
	if !options.SelectsByLabels() && !options.Shadow { // shadows are by tags
		options.ByLabels = selectsByLabels(c, stderr, current, options)
		if err := options.Check(); err != nil {
			return err
		}
	}
	style := formOf(c, output.ConvertForms)
	style.Version, style.Bare = cmp.Or(options.To, options.Version), f.bare
	snapshot := current.Snapshot
	result, problems := planOf(current, options)
	if result == nil {
		return refuseInput(stderr, problems, "converted")
	}
	if snapshot.NothingLegacy() {
		stderr.Verdict("no legacy tracing is left here: %s", snapshot.Origin)
		return nil
	}
	if err := checkInput(stderr, snapshot); err != nil {
		return err
	}
	f.warnAssumedVersion(stderr, snapshot)
	stderr.Result(snapshot, result)
	return f.write(c, source, snapshot, result, &options, style)
}
