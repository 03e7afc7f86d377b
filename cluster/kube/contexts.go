package kube

import (
	"maps"
	"slices"

	"k8s.io/client-go/tools/clientcmd"
)

// Contexts returns the sorted names of the contexts of a kubeconfig, empty for the default
// one. It connects to nothing.
func Contexts(kubeconfig string) []string {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	rules.WarnIfAllMissing = false
	config, err := rules.Load()
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(config.Contexts))
}
