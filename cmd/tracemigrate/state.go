package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
)

// stateFlag returns the flag of what a cluster contains beside the manifests.
func stateFlag() cli.Flag {
	return listFlag(inputCategory, "state",
		"snapshot `FILE` of the cluster, to which the manifests are applied: its Dataplanes are compared; "+
			"OVERLAY=FILE for one overlay; may be repeated")
}

// clusterStates are the snapshots of clusters to which manifests are applied.
type clusterStates struct {
	shared    *cluster.Snapshot // nil without --state and without a cluster
	byOverlay map[string]*cluster.Snapshot
}

// of returns the snapshot for an overlay, or nil.
func (s *clusterStates) of(overlay string) *cluster.Snapshot {
	if own := s.byOverlay[overlay]; own != nil {
		return own
	}
	return s.shared
}

// cutState splits a value of --state, OVERLAY=FILE or FILE. A file may have = in its name.
func cutState(text string) (overlay, file string) {
	overlay, file, ok := strings.Cut(text, "=")
	if _, err := os.Stat(text); err == nil || !ok {
		return "", text
	}
	return filepath.Clean(overlay), file
}

// stateFiles returns the files of --state, which may be kept beside the manifests.
func stateFiles(c *cli.Context) []string {
	return lists.Each(c.StringSlice("state"), func(text string) string {
		_, file := cutState(text)
		return file
	})
}

// openStates reads the snapshots of --state, for overlays, or the cluster that flags select.
// The current kubeconfig context is not read unless a flag selects it, because a check of a
// repository must not depend on it.
func openStates(c *cli.Context, overlays []string) (*clusterStates, error) {
	s := &clusterStates{byOverlay: make(map[string]*cluster.Snapshot)}
	for _, text := range c.StringSlice("state") {
		overlay, file := cutState(text)
		if overlay != "" && !slices.Contains(overlays, overlay) {
			return nil, fmt.Errorf("--state %s: %s is not an overlay of this run; add -k %s", text, overlay, manifest.ShellQuote(overlay))
		}
		inputs, err := manifest.Files(file)
		if err != nil {
			return nil, fmt.Errorf("--state: reading %q: %w", file, err)
		}
		read := cluster.Read(inputs)
		switch {
		case overlay == "" && s.shared != nil, s.byOverlay[overlay] != nil:
			return nil, fmt.Errorf("--state %s: a second snapshot of the same cluster; pass one for each overlay, as OVERLAY=FILE", text)
		case overlay == "":
			s.shared = read
		default:
			s.byOverlay[overlay] = read
		}
	}
	flag := firstSet(c, slices.Concat(kubernetesFlags, restFlags, []string{"control-plane"}))
	switch {
	case flag == "":
		return s, nil
	case s.shared != nil || len(s.byOverlay) > 0:
		return nil, fmt.Errorf("--state and --%s cannot be combined: each selects a cluster", flag)
	}
	var err error
	s.shared, err = loadFrom(c, func(progress *progress) (cluster.Source, error) { return openLive(c, progress) })
	return s, err
}
