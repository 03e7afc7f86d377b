package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert"
	"tracemigrate/convert/report"
	"tracemigrate/convert/runbook"
)

// facts returns what the directory is made of, without recordings. It returns an error if
// the migration would not keep the tracing of every proxy.
func (f *planFlags) facts(c *cli.Context, current *convert.Current, source cluster.Source) (*runbook.Facts, error) {
	o := &report.Options{Words: commandWords(c, source), Brief: true}
	r, plan, err := f.rehearse(c, current, o, "written")
	if err != nil {
		return nil, err
	}
	stderr := stderrPrinter(c)
	stderr.Result(current.Snapshot, plan)
	if !r.Summary.Holds {
		return nil, cli.Exit((&output.Report{Report: r}).Verdict()+"; nothing was written", exitNo)
	}
	if r.Origin.Mode == cluster.ModeFederatedZone && !o.Convert.ZoneOrigin {
		return nil, cli.Exit(fmt.Sprintf("the TrafficTraces come from the global control plane; plan there, with %s GLOBAL, "+
			"or pass --zone-origin to plan for this zone alone; nothing was written", r.Commands.SourceFlag), exitNo)
	}
	facts := &runbook.Facts{
		Program: c.App.Name, Version: release(), Report: r, Plan: plan, Current: current, Options: o.Convert,
		Whole: current.Live() || !current.Recorded,
	}
	if o.Convert.Version.ComputesShadows() && !f.byLabels && r.Summary.Earlier == 0 {
		shadow := o.Convert
		shadow.Shadow = true
		facts.Shadow, _ = planOf(current, shadow)
	}
	if slices.Contains(o.First, report.GiveToken) {
		facts.Token = r.NextSteps[0].Command
	}
	return facts, nil
}

// record adds to facts what was read.
func (f *planFlags) record(c *cli.Context, facts *runbook.Facts, recorders map[string]*cluster.Recorder) error {
	facts.Zones = make(map[string][]byte)
	for zone, recorder := range recorders {
		text, err := recorded(c, zone, recorder)
		if err != nil {
			return err
		}
		if zone != "" {
			facts.Zones[zone] = text
			continue
		}
		if bytes.Count(text, []byte("\nkind: SnapshotOrigin\n")) > 1 {
			return errors.New("-f has snapshots of several control planes; pass those of zones with --zone NAME=FILE")
		}
		facts.State, facts.Originals, facts.Inputs = text, recorder.Originals, recorder.Inputs
	}
	return nil
}

// recorded returns the snapshot that a recorder read.
func recorded(c *cli.Context, zone string, recorder *cluster.Recorder) ([]byte, error) {
	var err error
	if zone == "" && recorder.Origin != nil {
		if recorder.Origin, err = applyOriginFlags(c, recorder.Origin); err != nil {
			return nil, err
		}
	}
	recording, err := recorder.Recording()
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = recording.Write(&text)
	return text.Bytes(), err
}

// write writes the files. With --force it replaces a plan, and nothing else.
// It returns the number of replaced entries.
func (f *planFlags) write(c *cli.Context, files []runbook.File) (replaced int, err error) {
	if _, err := os.Lstat(filepath.Join(f.directory, runbook.PlanFile)); f.force && errors.Is(err, os.ErrNotExist) {
		for _, name := range runbook.Entries {
			if _, err := os.Lstat(filepath.Join(f.directory, name)); err == nil {
				return 0, fmt.Errorf("%s has %s, but no %s, so it is not a plan; nothing was written; pass another directory",
					f.directory, name, runbook.PlanFile)
			}
		}
	}
	all := make([]file, 0, len(files))
	for _, from := range files {
		to := file{name: from.Path, text: from.Text}
		switch {
		case from.Script:
			to.mode = 0o777
		case from.Secret:
			to.mode = 0o600
		}
		all = append(all, to)
	}
	if err := newOutputs(f.directory, runbook.Entries).checkInputs(c); err != nil {
		return 0, err
	}
	return writeFiles(stderrPrinter(c), f.directory, all, f.force, runbook.Entries...)
}
