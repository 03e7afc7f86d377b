package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/controlplane"
	"tracemigrate/cluster/kube"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/convert/report"
)

func reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "tell all that a migration would change, before anything is changed",
		ArgsUsage: " ",
		Description: "A dry run: backends and who uses them, TrafficTraces and the proxies that each\n" +
			"really serves, the MeshTraces that would be created, every note, the verdict of\n" +
			"every proxy, what stays to be done by hand and the commands of the next steps.\n" +
			"It writes nothing to the cluster.\n\n" +
			"   tracemigrate report                                # the current kubeconfig context\n" +
			"   tracemigrate report -o html > report.html\n" +
			"   tracemigrate report --control-plane http://localhost:5681\n\n" +
			"Exit codes: 0 every proxy keeps its tracing; 1 one does not or it is not known,\n" +
			"something cannot be carried over, or the API server refuses a policy; 2 error.",
		Flags: append(sourceFlags(),
			versionFlag(),
			namespaceFlag(),
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: output.ReportForms.Default(), Usage: output.ReportForms.Usage()},
			&cli.BoolFlag{Name: "server-dry-run", Usage: "have the API server judge each policy (dryRun=All); it stores nothing"},
			&cli.BoolFlag{Name: "zone-origin", Usage: "report on policies with the label kuma.io/origin: zone, which a federated zone demands"},
			roundSamplingFlag(),
			&cli.BoolFlag{Name: "full", Usage: "text and markdown: list every proxy, also those that stay the same"},
		),
		Action: runReport,
	}
}

func runReport(c *cli.Context) error {
	form, err := output.ReportForms.Find(c.String("output"))
	switch {
	case err != nil:
		return err
	case c.Args().Present():
		return unexpected(c)
	}
	if given := c.String("kuma-version"); given != "" {
		if _, err := parseVersionFlag(given); err != nil {
			return err
		}
	}
	current, source, err := load(c)
	if err != nil {
		return err
	}
	r, err := buildReport(c, current, source)
	if err != nil {
		return err
	}
	if c.Bool("server-dry-run") {
		if err := serverDryRun(c, source, r); err != nil {
			return err
		}
	}
	found := &output.Report{Report: r, Full: c.Bool("full")}
	if err := whole(c, func(out *output.Printer) error { return form(out, found) }); err != nil {
		return err
	}
	if !r.Summary.Holds {
		return cli.Exit(found.Verdict(), exitNo)
	}
	return nil
}

// buildReport makes the report of a snapshot, or tells what is wrong with it.
func buildReport(c *cli.Context, current *convert.Current, source cluster.Source) (*report.Report, error) {
	snapshot := current.Snapshot
	if snapshot.Empty() && !snapshot.FromCluster() && !hasError(snapshot.Problems) {
		newPrinter(c.App.ErrWriter).Warnings(snapshot.Problems)
		return nil, errors.New("the input has no resource of Kuma: no Mesh, no TrafficTrace, nothing; is it what you meant to read?")
	}
	options := convert.Options{ZoneOrigin: c.Bool("zone-origin"), RoundSampling: c.Bool("round-sampling"), MadeUp: maxMadeUp}
	if err := settle(c, current, &options); err != nil {
		return nil, err
	}
	about := report.Options{
		Convert: options,
		Program: c.App.Name, Source: sourceWords(c), Files: c.IsSet("filename"), Ahead: ahead(c), Directory: outside(c),
		Brief: c.String("output") == "text" && !c.Bool("server-dry-run"),
	}
	switch source := source.(type) {
	case *kube.Cluster:
		about.Source, about.Kubectl = withContext(c, about.Source, source)
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
	warnAssumedVersion(newPrinter(c.App.ErrWriter), c.String("kuma-version"), snapshot)
	if r.Origin.Source == "" {
		r.Origin.Source = "files: " + strings.Join(c.StringSlice("filename"), ", ")
	}
	return r, nil
}

// serverDryRun lets the API server judge every policy.
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

// withContext names the cluster that was read, so that commands reach it
// whatever the current context is by then: in flags of this tool, and of kubectl.
func withContext(c *cli.Context, words string, source *kube.Cluster) (flags, kubectl string) {
	kubectl = "kubectl"
	if c.IsSet("kubeconfig") {
		kubectl += " --kubeconfig " + report.Quoted(c.String("kubeconfig"))
	}
	name := source.Context()
	if name == "" {
		return words, kubectl
	}
	kubectl += " --context " + report.Quoted(name)
	if !c.IsSet("context") {
		words = strings.TrimSpace("--context " + report.Quoted(name) + " " + words)
	}
	return words, kubectl
}

// outside is where the commands of the next steps write: not into a directory
// that they read, or they would read what they wrote.
func outside(c *cli.Context) string {
	within := func(place string) bool {
		return slices.ContainsFunc(c.StringSlice("filename"), func(name string) bool {
			info, err := os.Stat(name)
			if err != nil || !info.IsDir() {
				return false
			}
			absolute, err := filepath.Abs(name)
			if err != nil {
				return false
			}
			to, err := filepath.Rel(absolute, place)
			return err == nil && filepath.IsLocal(to)
		})
	}
	here, err := filepath.Abs(".")
	temporary := filepath.Clean(os.TempDir())
	switch {
	case err != nil || !within(here):
		return ""
	case within(temporary):
		return "OUTSIDE/" // for the user to fill in
	}
	return temporary + "/"
}

// ahead is what must be done before the commands of the next steps: what is
// secret, and what came through a pipe, is in none of them.
func ahead(c *cli.Context) []report.Step {
	var steps []report.Step
	if c.IsSet("token") && !onlyFromEnvironment(c) {
		steps = append(steps, report.Step{Title: "Give the token to the commands below", Command: "read -rs TRACEMIGRATE_TOKEN && export TRACEMIGRATE_TOKEN"})
	}
	if slices.Contains(c.StringSlice("filename"), "-") {
		steps = append(steps, report.Step{Title: "Keep what came through the pipe in a file, which the commands below read", Command: "COMMAND > stdin.yaml"})
	}
	return steps
}

// sourceWords are the flags that name the source, as a shell takes them, but
// for credentials.
func sourceWords(c *cli.Context) string {
	var words []string
	for _, flag := range []string{"filename", "control-plane", "kumactl-config", "token-file", "client-cert", "client-key", "ca-cert", "kubeconfig", "context", "namespace", "mesh", "mode", "zone-version", "zone", "max-answer-size", "max-list-size", "max-pages"} {
		if !c.IsSet(flag) {
			continue
		}
		name := "--" + flag
		if flag == "filename" {
			name = "-f"
		}
		if values := c.StringSlice(flag); len(values) > 0 {
			for _, value := range values {
				if flag == "filename" && value == "-" {
					value = "stdin.yaml"
				}
				words = append(words, name, report.Quoted(value))
			}
			continue
		}
		words = append(words, name, report.Quoted(c.String(flag)))
	}
	for _, header := range c.StringSlice("header") {
		name, _, _ := strings.Cut(header, "=")
		words = append(words, "--header", report.Quoted(name)+"=VALUE") // it may be a secret
	}
	if c.Bool("skip-verify") {
		words = append(words, "--skip-verify")
	}
	return strings.Join(words, " ")
}
