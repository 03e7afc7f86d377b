// Package manifest reads YAML and JSON manifests into documents whose every
// value knows its file and line, so that whatever is wrong with it can be said
// where it stands. It knows nothing of meshes: it splits files into documents
// and lists into items, passes each to the caller as soon as it is parsed, in
// parallel, and keeps none of them. Bad input is a Problem, never a panic.
package manifest
