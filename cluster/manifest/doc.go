// Package manifest reads YAML and JSON manifests into documents in which every value has
// its file and line, so that a message can name the place of an error. It does not know
// meshes: it splits files into documents and lists into items, passes each to the caller
// as soon as it is parsed, in parallel, and keeps none. Bad input is a Problem, never a
// panic.
package manifest
