package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/xrash/smetrics"

	"tracemigrate/cluster"
)

// findProxy returns the Dataplane of a name. Its error suggests similar names.
func findProxy(s *cluster.Snapshot, name string) (*cluster.Dataplane, error) {
	if s.Origin != nil && len(s.Dataplanes) == 0 {
		if _, lacks := s.Origin.Lacks(cluster.KindDataplane); lacks {
			return nil, fmt.Errorf("the Dataplanes could not be read, so nothing is known of %q", name)
		}
	}
	var found []*cluster.Dataplane
	closest, distance := "", 1.0
	for _, dp := range s.Dataplanes {
		switch full := dp.Mesh + "/" + dp.FullName(); {
		case slices.Contains(namesOf(dp), name):
			found = append(found, dp)
		default:
			for _, candidate := range []string{dp.Name, full} {
				if d := 1 - smetrics.JaroWinkler(candidate, name, 0.7, 4); d < distance {
					closest, distance = full, d
				}
			}
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		candidates := make([]string, len(found))
		for i, dp := range found {
			candidates[i] = dp.Mesh + "/" + dp.FullName()
			if zone := dp.Zone(); zone != "" {
				candidates[i] += fmt.Sprintf(" (zone %s)", zone)
			}
		}
		slices.Sort(candidates)
		return nil, fmt.Errorf("%d Dataplanes are named %q; choose one: %s", len(found), name, strings.Join(candidates, ", "))
	case distance < 0.15:
		return nil, fmt.Errorf("the input has no Dataplane %q; did you mean %s?", name, closest)
	}
	return nil, fmt.Errorf("the input has no Dataplane %q", name)
}

// namesOf returns the names of dp: its own and its display name, alone or after its mesh,
// namespace or zone.
func namesOf(dp *cluster.Dataplane) []string {
	display := cmp.Or(dp.Labels[cluster.DisplayNameLabel], dp.Name)
	names := []string{
		dp.Name, dp.FullName(), display, dp.Mesh + "/" + dp.Name, dp.Mesh + "/" + dp.FullName(), dp.Mesh + "/" + display, dp.Namespace + "/" + dp.Name,
	}
	if zone := dp.Zone(); zone != "" {
		names = append(names, zone+"/"+dp.FullName(), zone+"/"+display)
	}
	return names
}
