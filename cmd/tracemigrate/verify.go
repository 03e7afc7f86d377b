package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster/lists"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert/runbook"
)

// verifyFlags are the flags of verify, other than those of the source.
type verifyFlags struct {
	directory, step string
}

func verifyCommand() *cli.Command {
	var f verifyFlags
	return &cli.Command{
		Name:      "verify",
		Usage:     "verify a step of a plan against the control plane's own state",
		ArgsUsage: noArguments,
		Description: "Reads the cluster, and compares it with the plan: every proxy must keep the\n" +
			"tracing of state.yaml, and the resources of the step must exist or be gone.\n" +
			"After start, shadow and rollback every proxy must have exactly the tracing of\n" +
			"before. verify.sh of a plan calls it with the flags of the same source.\n\n" +
			"   tracemigrate verify --plan migration --step add\n\n" +
			"Exit codes: 0 the step is as planned; 1 a proxy or a resource is not;\n" +
			"2 error.",
		Flags: append(sourceFlags(),
			namespaceFlag(),
			textFlag("plan", &f.directory, "the `DIR` that plan wrote"),
			textFlag("step", &f.step, "`STEP` to verify: start, shadow, add, remove or rollback"),
		),
		Action: f.run,
	}
}

func (f *verifyFlags) run(c *cli.Context) error {
	if f.directory == "" {
		return errors.New("--plan is required: the directory that plan wrote")
	}
	before, err := openPlan(f.directory)
	if err != nil {
		return err
	}
	step := runbook.Step(f.step)
	if steps := strings.Join(lists.Words(before.Steps), ", "); f.step == "" {
		return errors.New("--step is required: one of " + steps)
	} else if !slices.Contains(before.Steps, step) {
		return fmt.Errorf("--step: %s is not a step of the plan; it has: %s", typed(f.step), steps)
	}
	made, err := before.policies(c, step)
	if err != nil {
		return err
	}
	now, originals, err := readNow(c)
	if err != nil {
		return err
	}
	before.options.Version = withPatch(before.options.Version, now.Snapshot)
	stderr := stderrPrinter(c)
	if hasError(now.Found) {
		return refuseInput(stderr, now.Found, "compared")
	}
	found := &output.Diff{Strict: step != runbook.Add && step != runbook.Remove, StrictBy: "step " + f.step}
	addUnread(found, stderr, now.Snapshot)
	before.compare(stderr, step, now, found)
	if err := writeStdout(c, func(out *output.Printer) error { return out.Diff(found) }); err != nil {
		return err
	}
	wrong := append(runbook.Check(step, before.current, now, made, before.result.Obsolete, before.options), before.Changed(originals)...)
	for _, sentence := range wrong {
		stderr.Verdict("%s", sentence)
	}
	if !found.Holds() || len(wrong) > 0 {
		return cli.Exit(fmt.Sprintf("step %s is not as planned: %s", step, verdict(found, wrong)), exitNo)
	}
	stderr.Verdict("step %s is as planned", step)
	return nil
}
