package upgrade

import (
	"fmt"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/report"
	"tracemigrate/meshtrace"
)

// Way returns the stages to 3.0 of what a report is on: MeshTraces instead of
// TrafficTraces, labels instead of tags, and the upgrade. o are the options of the
// report's conversion. It is empty if the control plane has no TrafficTraces any more, or
// no mesh is known.
func Way(c *convert.Current, o convert.Options, r *report.Report, words report.Words) []report.Stage {
	if c.NothingLegacy() || o.Version.DropsTrafficTrace() || len(c.Meshes) == 0 {
		return []report.Stage{}
	}
	w := &way{Words: words, current: c, from: o.Version}
	stages := []report.Stage{w.meshTraces(o, r), w.labels(o), w.upgrade(o)}
	if r.Summary.NotRead > 0 {
		for i := range stages {
			doubt(&stages[i], convert.Plural(r.Summary.NotRead, "document")+" not read, which may decide on it")
		}
	}
	if len(c.Dataplanes) == 0 {
		doubt(&stages[2], w.noProxy())
	}
	return stages
}

// doubt makes a stage that is ready one that is not known, because of something.
func doubt(stage *report.Stage, because string) {
	if stage.Ready {
		stage.Ready, stage.Unknown, stage.Summary = false, true, because
	}
}

// noProxy returns why no proxy was checked.
func (w *way) noProxy() string {
	if w.current.Origin != nil && w.current.FromCluster() && !w.current.Lacks(cluster.KindDataplane) {
		return "the control plane knows no Dataplane, so no proxy was checked"
	}
	return "no Dataplane was read, so no proxy was checked"
}

// way makes the stages of a report.
type way struct {
	report.Words
	current *convert.Current
	from    cluster.Version
}

// meshTraces is the stage that the rest of the report is on.
func (w *way) meshTraces(o convert.Options, r *report.Report) report.Stage {
	stage := report.Stage{Name: "MeshTraces (2.x)", Blocks: []string{}, Summary: "no TrafficTrace exists"}
	if stage.Ready = r.Summary.TrafficTraces == 0; stage.Ready {
		return stage
	}
	stage.Summary = convert.Plural(r.Summary.TrafficTraces, "TrafficTrace")
	switch {
	case r.Summary.Policies > 0:
		stage.Summary += " to replace, by " + convert.Plural(r.Summary.Policies, "MeshTrace")
	case r.Summary.Errors == 0 && (r.Summary.Earlier > 0 || r.Summary.Holds && r.Summary.Tracing > 0):
		stage.Summary += " to delete; all MeshTraces exist"
	case r.Summary.Errors == 0 && r.Summary.Holds:
		stage.Summary += " to delete; no proxy needs a MeshTrace instead"
	default:
		stage.Summary += " to replace; no MeshTrace can be written yet"
	}
	if r.Summary.Policies > 0 || r.Summary.Errors > 0 {
		arguments := "convert --kuma-version " + w.from.String()
		if o.ByLabels {
			arguments += " --target-ref dataplane"
		}
		stage.Command = w.command(arguments)
	}
	for _, block := range []struct {
		n    int
		what string
	}{
		{r.Summary.Errors, "error"}, {r.Summary.Different, "different proxy"}, {r.Summary.Unknown, "unknown proxy"},
	} {
		if block.n > 0 {
			stage.Blocks = append(stage.Blocks, convert.Plural(block.n, block.what))
		}
	}
	return stage
}

// labels is the stage of policies by labels, which can be applied from 2.10 on.
func (w *way) labels(o convert.Options) report.Stage {
	stage := report.Stage{
		Name: "Labels (" + cluster.SinceDataplane.MajorMinor() + " and later)", Blocks: []string{},
		Summary: "every MeshTrace selects by labels that " + cluster.Newest.String() + " accepts",
	}
	o.ByLabels, o.To, o.Accept, o.Supposed = true, cluster.Newest, nil, false
	arguments := "convert --kuma-version " + w.from.String() + " --target-ref dataplane"
	if w.from.Compare(cluster.SinceDataplane) < 0 {
		arguments = "convert --kuma-version " + cluster.Newest.String() + " --from " + w.from.String()
		stage.Blocks = append(stage.Blocks, fmt.Sprintf("Kuma %s does not have targetRef kind Dataplane; upgrade to %s or later first",
			w.from, cluster.SinceDataplane.MajorMinor()))
	}
	plan, _ := convert.Convert(w.current, o)
	traces := len(w.current.TrafficTraces)
	refused := lists.Keep(w.current.Existing, func(p *meshtrace.Policy) bool { return len(p.RefusedBy(cluster.Newest)) > 0 })
	if len(plan.New())+len(plan.Obsolete)+plan.Errors()+len(refused)+traces == 0 {
		stage.Ready, stage.Blocks = true, []string{}
		return stage
	}
	stage.Command = w.command(arguments)
	switch {
	case len(plan.New()) > 0:
		stage.Summary = convert.Plural(len(plan.New()), "policy") + " to write"
	case len(plan.Obsolete) > 0:
		stage.Summary = convert.Plural(len(plan.Obsolete), "MeshTrace") + " to delete"
	case plan.Errors() > 0:
		stage.Summary = "no policy can be written"
	case len(refused) > 0:
		stage.Summary = convert.Plural(len(refused), "MeshTrace") + " without a policy by labels; the notes say why"
	default:
		stage.Summary, stage.Command = stage.Summary+", but TrafficTraces exist", ""
	}
	for _, note := range plan.Notes {
		if note.Severity == manifest.Error {
			stage.Blocks = append(stage.Blocks, note.Resource+": "+note.Message())
		}
	}
	return stage
}

// upgrade is the stage of the upgrade itself, as upgrade-check reports it.
func (w *way) upgrade(o convert.Options) report.Stage {
	r := Check(w.current, Options{From: w.from, To: cluster.Newest, MadeUp: o.MadeUp})
	stage := report.Stage{
		Name: "Kuma " + cluster.Newest.String(), Ready: !r.Fails(), Blocks: []string{}, Summary: "nothing that exists changes with the upgrade",
		Command: w.command("upgrade-check --from " + w.from.String() + " --to " + cluster.Newest.String()),
	}
	for _, cause := range r.Causes {
		if !cause.Fails() {
			continue
		}
		text := string(cause.Code)
		if n := len(cause.Proxies); n > 0 {
			text += ": " + convert.Plural(n, "proxy")
		}
		stage.Blocks = append(stage.Blocks, text)
	}
	if !stage.Ready {
		stage.Summary = "with what exists today, the upgrade changes tracing"
	}
	return stage
}

func (w *way) command(arguments string) string {
	return w.Program + " " + arguments + report.Spaced(w.Source)
}
