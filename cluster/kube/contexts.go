package kube

import (
	"maps"
	"slices"

	"k8s.io/client-go/tools/clientcmd"
)

// Contexts returns the sorted names of the contexts of a kubeconfig, empty for the default
// one. It connects to nothing.
func Contexts(kubeconfig string) []string {
	config, err := loadingRules(kubeconfig).Load()
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(config.Contexts))
}

// loadingRules find a kubeconfig, the default one if it has no path.
func loadingRules(path string) *clientcmd.ClientConfigLoadingRules {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = path
	rules.WarnIfAllMissing = false
	return rules
}
