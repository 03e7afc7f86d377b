package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/convert/runbook"
	"tracemigrate/meshtrace"
)

// openedPlan is a plan that was read from its directory, with the state of before.
type openedPlan struct {
	*runbook.Plan
	directory string
	current   *convert.Current
	options   convert.Options
	result    *convert.Plan
}

// openPlan reads a plan and its snapshots.
func openPlan(directory string) (*openedPlan, error) {
	text, err := os.ReadFile(filepath.Join(directory, runbook.PlanFile))
	if err != nil {
		return nil, fmt.Errorf("reading the plan: %w; write one with `tracemigrate plan`", err)
	}
	plan, err := runbook.ReadPlan(text)
	if err != nil {
		return nil, err
	}
	p := &openedPlan{Plan: plan, directory: directory}
	version, err := cluster.ParseLegacyVersion(plan.KumaVersion)
	if err != nil {
		return nil, fmt.Errorf("%s: kumaVersion: %w", runbook.PlanFile, err)
	}
	inputs, err := p.read(plan.Snapshots())
	if err != nil {
		return nil, err
	}
	if _, err := p.read(plan.Paths()); err != nil {
		return nil, err
	}
	s := cluster.Read(inputs)
	s.Origin = plan.Origin(s.Origin)
	p.current = readCurrent(s, plan.Namespace)
	p.options = convert.Options{
		Version: version, Namespace: plan.Namespace, ZoneOrigin: plan.ZoneOrigin, ByLabels: plan.ByLabels, Accept: plan.Accept, MadeUp: maxMadeUp,
	}
	var problems []*manifest.Problem
	if p.result, problems = convert.Convert(p.current, p.options); p.result == nil {
		return nil, fmt.Errorf("reading %s: %w; write a new plan", runbook.StateFile, problems[0])
	}
	return p, nil
}

// read reads files of the plan. It returns an error if one of them has changed.
func (p *openedPlan) read(paths []string) ([]manifest.Input, error) {
	inputs := make([]manifest.Input, 0, len(paths))
	for _, path := range paths {
		text, err := os.ReadFile(filepath.Join(p.directory, filepath.FromSlash(path)))
		if err != nil {
			return nil, fmt.Errorf("reading the plan: %w; write a new plan", err)
		}
		if err := p.CheckFile(path, text); err != nil {
			return nil, err
		}
		inputs = append(inputs, manifest.Text(path, string(text)))
	}
	return inputs, nil
}

// policies returns the MeshTraces that a step applies, in the form of a snapshot, as readNow; of
// start and rollback those that are gone.
func (p *openedPlan) policies(c *cli.Context, step runbook.Step) ([]*meshtrace.Policy, error) {
	inputs, err := p.read(p.MeshTraces(step))
	if err != nil || len(inputs) == 0 {
		return nil, err
	}
	recording, _, err := cluster.Record(c.Context, cluster.Files(inputs))
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := recording.Write(&text); err != nil {
		return nil, err
	}
	made, problems := meshtrace.Read(cluster.Read([]manifest.Input{manifest.Text(runbook.PlanFile, text.String())}), p.Namespace)
	for _, problem := range problems {
		if problem.Severity == manifest.Error {
			return nil, problem
		}
	}
	return made, nil
}

// readNow reads the source as it is now, in the form of a snapshot, which the state of
// before has, too. It also returns the resources as their authors wrote them.
func readNow(c *cli.Context) (*convert.Current, []*cluster.Original, error) {
	current, _, recorders, err := loadRecording(c)
	if err != nil || current.Failed() {
		return current, nil, err
	}
	var inputs []manifest.Input
	for _, zone := range slices.Sorted(maps.Keys(recorders)) {
		text, err := recorded(c, zone, recorders[zone])
		if err != nil {
			return nil, nil, err
		}
		name := "snapshot of the input"
		switch {
		case zone != "":
			name = "snapshot of zone " + zone
		case current.Origin != nil:
			name = "snapshot of " + current.Origin.String()
		}
		inputs = append(inputs, manifest.Text(name, string(text)))
	}
	s := cluster.Read(inputs)
	if s.Origin == nil {
		s.Origin = current.Origin // of flags
	}
	return readCurrent(s, current.Namespace), recorders[""].Originals, nil
}

// compare compares the tracing of every proxy that exists now under the policies of before
// and of now, and stores the result in found. What a previous run had applied before the
// plan does not count as tracing to keep once the plan is applied.
func (p *openedPlan) compare(stderr *output.Printer, step runbook.Step, now *convert.Current, found *output.Diff) {
	before := *p.current
	before.Snapshot = p.current.WithProxiesOf(now.Snapshot)
	if step == runbook.Add || step == runbook.Remove {
		before.Existing = p.result.Before(before.Existing)
	}
	compareBoth(stderr, found, "", &before, now, p.options)
}

// verdict returns why a step is not as planned.
func verdict(found *output.Diff, wrong []string) string {
	var reasons []string
	if len(wrong) > 0 {
		reasons = append(reasons, convert.Plural(len(wrong), "resource differs", "resources differ"))
	}
	if !found.Holds() {
		reasons = append(reasons, found.Verdict())
	}
	return strings.Join(reasons, "; ")
}
