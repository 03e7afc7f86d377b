package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/meshtrace"
)

func convertCommand() *cli.Command {
	return &cli.Command{
		Name:      "convert",
		Usage:     "write MeshTraces equivalent to the TrafficTraces and Mesh tracing of manifests",
		ArgsUsage: " ",
		Description: "Reads Mesh, TrafficTrace, Dataplane, MeshGateway, TrafficRoute and MeshTrace from\n" +
			"YAML or JSON, of Kubernetes or Universal, single or in lists; other kinds pass by.\n" +
			"Dataplanes are needed only for wildcards (but kuma.io/service: '*' needs none); with\n" +
			"them, each one's tracing before is held against that after.\n\n" +
			"   tracemigrate convert -f mesh.yaml -f policies/ > meshtraces.yaml\n" +
			"   kubectl get meshes,traffictraces,dataplanes,meshgateways,trafficroutes,meshtraces -A -o yaml |\n" +
			"     tracemigrate convert -f - --kuma-version 2.13 | kubectl apply -f -\n\n" +
			"stderr tells what became of each selector, then notes. docs/notes.md explains each note.",
		Flags: append(sourceFlags(),
			versionFlag(),
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: output.ConvertForms.Default(), Usage: output.ConvertForms.Usage()},
			&cli.StringFlag{Name: "format", Usage: "`FORMAT` of the policies: kubernetes or universal (default: that of each TrafficTrace)"},
			namespaceFlag(),
			&cli.StringSliceFlag{Name: "label", Usage: "add the label `KEY=VALUE` to every policy; may be repeated"},
			&cli.BoolFlag{Name: "copy-labels", Usage: "take the TrafficTraces' own labels and annotations along, without Kuma's and kubectl's"},
			&cli.BoolFlag{Name: "zone-origin", Usage: "add the label kuma.io/origin: zone, which a federated zone demands"},
			&cli.BoolFlag{Name: "shadow", Usage: "add the label kuma.io/effect: shadow: the policies are computed, not applied (2.7 and later)"},
			roundSamplingFlag(),
			&cli.StringFlag{Name: "output-dir", Usage: "write one file for each policy to `DIR`, all or none, instead of stdout"},
			&cli.BoolFlag{Name: "force", Usage: "let --output-dir and --notes-output overwrite files, but never an input"},
			&cli.BoolFlag{Name: "no-comments", Usage: "leave out the comment and annotation that say where a policy came from"},
			&cli.StringFlag{Name: "notes-output", Usage: "write the notes to `FILE` as JSON"},
			&cli.BoolFlag{Name: "keep-going", Usage: "write what can be converted although something cannot; still exits 1"},
		),
		Action: runConvert,
	}
}

func runConvert(c *cli.Context) error {
	options, style, err := convertFlags(c)
	if err != nil {
		return err
	}
	if err := checkNotes(c); err != nil {
		return err
	}
	current, _, err := load(c)
	if err != nil {
		return err
	}
	words := newPrinter(c.App.ErrWriter)
	if err := settle(c, current, &options); err != nil {
		return err
	}
	style.Version = options.Version
	snapshot := current.Snapshot
	result, problems := convert.Convert(current, options)
	if result == nil {
		words.Problems(problems, "converted")
		return cli.Exit("", exitError)
	}
	if snapshot.NothingLegacy() {
		words.Line("nothing legacy is left here: %s", snapshot.Origin)
		return nil
	}
	if snapshot.Empty() && !snapshot.FromCluster() {
		words.Warnings(snapshot.Problems)
		return errors.New("the input has no resource of Kuma: no Mesh, no TrafficTrace, nothing; is it what you meant to read?")
	}
	warnAssumedVersion(words, c.String("kuma-version"), snapshot)
	words.Result(snapshot, result)
	doubtful := notKept(result.Comparisons) // now, since writing needs the memory
	if c.String("notes-output") != "" {
		if err := writeNotes(c, result.Notes); err != nil {
			return err
		}
	}
	if err := meshtrace.ValidateAll(result.Policies, options.Version); err != nil {
		return fmt.Errorf("a policy that was made breaks the rules of Kuma %s, which is a bug of tracemigrate; nothing was written: %w", options.Version, err)
	}
	refused := result.Refused()
	if !refused || c.Bool("keep-going") {
		if err := writePolicies(c, result.Policies, style); err != nil {
			return err
		}
	}
	switch {
	case refused && c.Bool("keep-going"):
		return cli.Exit("not everything could be carried over, see the errors above; the rest was written", exitNo)
	case refused:
		return cli.Exit("not everything can be carried over, see the errors above; nothing was written (--keep-going writes the rest)", exitNo)
	}
	if doubtful != "" {
		return cli.Exit("everything was written, but not every proxy is known to keep its tracing: "+doubtful+"; `tracemigrate diff` says why", exitNo)
	}
	return nil
}

// notKept names some of the proxies that are different or unknown, and says how many
// more there are; empty when all keep their tracing.
func notKept(comparisons []*envoydiff.Comparison) string {
	const shown = 3
	var list []string
	more := 0
	for _, c := range comparisons {
		for i := range c.Proxies {
			switch p := &c.Proxies[i]; {
			case p.Verdict != envoydiff.Different && p.Verdict != envoydiff.Unknown:
			case len(list) < shown:
				list = append(list, fmt.Sprintf("%s (%s on Kuma %s)", p.Dataplane, p.Verdict, c.Version))
			default:
				more++
			}
		}
	}
	text := strings.Join(list, ", ")
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// convertFlags reads what does not depend on the input.
func convertFlags(c *cli.Context) (convert.Options, meshtrace.Style, error) {
	var options convert.Options
	var style meshtrace.Style
	if c.Args().Present() {
		return options, style, unexpected(c)
	}
	var version cluster.Version
	if given := c.String("kuma-version"); given != "" {
		var err error
		if version, err = parseVersionFlag(given); err != nil {
			return options, style, err
		}
	}
	style, err := output.ConvertForms.Find(c.String("output"))
	if err != nil {
		return options, style, err
	}
	format := cluster.Format(strings.ToLower(c.String("format")))
	if format != "" && format != cluster.Kubernetes && format != cluster.Universal {
		return options, style, fmt.Errorf("--format: %q is neither kubernetes nor universal", c.String("format"))
	}
	if format == cluster.Universal && c.IsSet("namespace") {
		return options, style, errors.New("--namespace has no meaning for --format universal")
	}
	if c.String("notes-output") == "-" {
		return options, style, errors.New("--notes-output takes a file; stdout is for the manifests")
	}
	if c.Bool("force") && c.String("output-dir") == "" && c.String("notes-output") == "" {
		return options, style, errors.New("--force goes with --output-dir or --notes-output")
	}
	style.Bare = c.Bool("no-comments")
	options = convert.Options{
		Version: version, Format: format, Namespace: c.String("namespace"), Labels: make(map[string]string),
		CopyLabels: c.Bool("copy-labels"), ZoneOrigin: c.Bool("zone-origin"), Shadow: c.Bool("shadow"), RoundSampling: c.Bool("round-sampling"),
	}
	for _, label := range c.StringSlice("label") {
		key, value, ok := strings.Cut(label, "=")
		if !ok {
			return options, style, fmt.Errorf("--label: %q is not of the form KEY=VALUE", label)
		}
		if _, twice := options.Labels[key]; twice {
			return options, style, fmt.Errorf("--label: %q is given twice", key)
		}
		options.Labels[key] = value
	}
	if version == (cluster.Version{}) {
		return options, style, nil // settle checks
	}
	return options, style, options.Check()
}

// settle completes options by what the snapshot tells, and checks them.
func settle(c *cli.Context, s *convert.Current, o *convert.Options) error {
	var err error
	if o.Version, err = kumaVersion(c.String("kuma-version"), s.Snapshot); err != nil {
		return err
	}
	o.Namespace = s.Namespace
	if o.Format == "" && s.Origin != nil && s.Origin.Environment == cluster.Kubernetes {
		o.Format = cluster.Kubernetes // the control plane's API shows objects of Kubernetes in the other form
	}
	return o.Check()
}
