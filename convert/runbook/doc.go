// Package runbook makes a directory of a plan: the manifests of each step of a migration, a
// README with its commands, scripts that verify each step and go back, and the state of
// before. Check compares what exists after a step with what the step makes. It reads
// nothing and prints nothing.
package runbook
