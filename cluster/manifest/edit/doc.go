// Package edit changes YAML and JSON files node by node, so that every other byte stays
// and git diff shows only the change. Callers find nodes in the tree of yaml.v3, record
// removals and insertions by path, and get the new text from [File.Bytes]. Bytes parses
// its own result and compares it with the expected tree: an edit that changes anything
// else is an error. The package does no I/O.
package edit
