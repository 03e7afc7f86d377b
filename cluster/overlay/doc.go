// Package overlay renders kustomizations with kustomize's own library, in this process.
// Render returns the resources, each with the file that defines it. Files that are not
// written yet can replace those on disk, so that an edited overlay is rendered before
// anything changes.
package overlay
