package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"tracemigrate/cluster"
	"tracemigrate/cluster/kube"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/overlay"
	"tracemigrate/cluster/paging"
)

// openSource returns the source that the flags select.
func openSource(c *cli.Context, progress *progress) (cluster.Source, error) {
	if c.Duration("timeout") < 0 {
		return nil, errors.New("--timeout must not be negative; 0 is for no limit")
	}
	files, rest := readsFiles(c), c.IsSet("control-plane")
	if files && rest {
		flag := "-f"
		if !c.IsSet("filename") {
			flag = "-k"
		}
		return nil, fmt.Errorf("%s and --control-plane cannot be combined: each selects the source", flag)
	}
	zones := c.IsSet("zone")
	if flag := firstSet(c, kubernetesFlags); flag != "" && (files || rest) && !zones {
		return nil, fmt.Errorf("--%s applies only when Kubernetes is the source", flag)
	}
	if flag := firstSet(c, restFlags); flag != "" && !rest && !zones {
		return nil, fmt.Errorf("--%s applies only with --control-plane", flag)
	}
	if flag := firstSet(c, limitFlags); flag != "" && files {
		return nil, fmt.Errorf("--%s applies only to a cluster or a control plane, not to files", flag)
	}
	if files {
		inputs, err := openFiles(c)
		return cluster.Files(inputs), err
	}
	return openLive(c, progress)
}

// openLive returns the control plane or the cluster that the flags select.
func openLive(c *cli.Context, progress *progress) (cluster.Source, error) {
	if c.IsSet("control-plane") {
		return openControlPlane(c, c.String("control-plane"), progress)
	}
	return openCluster(c, progress)
}

// openCluster returns the cluster of the kubeconfig.
func openCluster(c *cli.Context, progress *progress) (cluster.Source, error) {
	limits, err := listLimits(c)
	if err != nil {
		return nil, err
	}
	o := kubeOptions(c, c.String("context"), progress)
	o.Limits = limits
	if o.QPS <= 0 || o.Burst <= 0 {
		return nil, errors.New("--qps and --burst must be more than 0")
	}
	if c.IsSet("namespace") {
		o.Namespace = c.String("namespace")
	}
	return kube.New(o)
}

// kubeOptions returns the options for a context of the kubeconfig.
func kubeOptions(c *cli.Context, context string, progress *progress) kube.Options {
	return kube.Options{
		Kubeconfig: c.String("kubeconfig"), Context: context, QPS: float32(c.Float64("qps")), Burst: c.Int("burst"),
		Meshes: meshesOf(c), Progress: progress.read, Wait: progress.wait,
	}
}

// listLimits returns the limits on the answers of a server.
func listLimits(c *cli.Context) (paging.Limits, error) {
	limits := paging.Limits{Pages: c.Int("max-pages")}
	if limits.Pages <= 0 {
		return limits, errors.New("--max-pages must be more than 0")
	}
	var err error
	if limits.Answer, err = sizeOf(c, "max-answer-size"); err != nil {
		return limits, err
	}
	limits.List, err = sizeOf(c, "max-list-size")
	return limits, err
}

// meshesOf returns the meshes of --mesh, each once.
func meshesOf(c *cli.Context) []string {
	var meshes []string
	for _, name := range c.StringSlice("mesh") {
		if !slices.Contains(meshes, name) {
			meshes = append(meshes, name)
		}
	}
	return meshes
}

// readsFiles reports whether files are the source.
func readsFiles(c *cli.Context) bool { return c.IsSet("filename") || c.IsSet("kustomize") }

// openFiles returns the files of -f, and what the kustomizations of -k are rendered to.
func openFiles(c *cli.Context) ([]manifest.Input, error) {
	inputs, err := openInputs(c, "filename")
	failed := []error{err}
	for _, dir := range overlaysOf(c) {
		rendered, err := overlay.Render(dir, nil)
		inputs, failed = append(inputs, rendered...), append(failed, err)
	}
	return inputs, errors.Join(failed...)
}

// overlaysOf returns the directories of -k, each once.
func overlaysOf(c *cli.Context) []string {
	var dirs []string
	for _, dir := range c.StringSlice("kustomize") {
		if dir = filepath.Clean(dir); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// openInputs returns the files of a flag such as -f.
func openInputs(c *cli.Context, flag string) ([]manifest.Input, error) {
	paths := c.StringSlice(flag)
	limit, err := sizeOf(c, "max-input-size")
	if err != nil {
		return nil, err
	}
	var inputs []manifest.Input
	seen := make(map[string]bool)
	var failed []error
	for _, path := range paths {
		if path == "-" {
			if !seen[path] {
				inputs = append(inputs, manifest.Stream("stdin", c.App.Reader))
			}
			seen[path] = true
			continue
		}
		if strings.Contains(path, "://") {
			err := fmt.Errorf("reading %q: it is a URL, not a file; download it and pipe it to -f -", manifest.Redact(path))
			failed = append(failed, err)
			continue
		}
		found, err := manifest.Files(path)
		if err != nil {
			failed = append(failed, fmt.Errorf("reading %q: %w", path, err))
		}
		for _, input := range found {
			if !seen[input.Name] {
				inputs = append(inputs, input)
			}
			seen[input.Name] = true
		}
	}
	for i := range inputs {
		inputs[i].Limit = limit
	}
	return inputs, errors.Join(failed...)
}

// sizeOf returns the number of bytes that a flag is set to.
func sizeOf(c *cli.Context, flag string) (int64, error) {
	size, err := resource.ParseQuantity(c.String(flag))
	if err != nil || size.Value() <= 0 {
		return 0, fmt.Errorf("--%s: %q is not a size; write it like 500Mi or 2Gi", flag, c.String(flag))
	}
	return size.Value(), nil
}
