package main

import (
	"errors"
	"slices"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output"
)

// checkInput returns an error if files contain no resource of Kuma.
func checkInput(stderr *output.Printer, s *cluster.Snapshot) error {
	if !s.Empty() || s.FromCluster() || hasError(s.Problems) {
		return nil
	}
	stderr.Warnings(s.Problems)
	return errNoResource
}

var errNoResource = errors.New("the input has no Kuma resource, such as a Mesh or a TrafficTrace; check -f, or the command that writes to stdin")

// checkMesh returns an error if files have no Mesh. A cluster without one is no error: there,
// it does not exist.
func checkMesh(s *cluster.Snapshot, verb string) error {
	if len(s.Meshes) > 0 || s.FromCluster() || s.NothingLegacy() {
		return nil
	}
	return errors.New("the input has no Mesh, so there is nothing to " + verb)
}

// hasError reports whether one of the problems is an error.
func hasError(problems []*manifest.Problem) bool {
	return slices.ContainsFunc(problems, func(p *manifest.Problem) bool { return p.Severity == manifest.Error })
}

// checkProblems prints the problems of the input. It returns the number of misspelt fields, or
// an error if one of the problems is an error. done is what a command would otherwise have
// done with the input.
func checkProblems(stderr *output.Printer, problems []*manifest.Problem, done string) (misspelt int, err error) {
	if hasError(problems) {
		return 0, refuseInput(stderr, problems, done)
	}
	stderr.Warnings(problems)
	return output.Misspelt(problems), nil
}

// refuseInput prints the problems of an input with errors, and returns the error of the run.
func refuseInput(stderr *output.Printer, problems []*manifest.Problem, done string) error {
	stderr.Problems(problems, done)
	return cli.Exit("", exitError)
}
