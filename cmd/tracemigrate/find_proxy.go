package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
)

// findProxy returns the Dataplane with a name. Its error suggests a similar name.
func findProxy(s *cluster.Snapshot, name string) (*cluster.Dataplane, error) {
	if len(s.Dataplanes) == 0 && s.Lacks(cluster.KindDataplane) {
		return nil, fmt.Errorf("proxy %q is not known, because the Dataplanes could not be read", name)
	}
	found := lists.Keep(s.Dataplanes, func(dp *cluster.Dataplane) bool { return slices.Contains(namesOf(dp), name) })
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
	}
	if similar := closestProxy(s, name); similar != "" {
		return nil, fmt.Errorf("the input has no Dataplane %q; did you mean %s?", name, similar)
	}
	return nil, fmt.Errorf("the input has no Dataplane %q", name)
}

// closestProxy returns the full name of the Dataplane whose name is closest, as that of a pod
// is to the name of its Deployment.
func closestProxy(s *cluster.Snapshot, name string) string {
	full := make(map[string]string) // by what users may write
	for _, dp := range s.Dataplanes {
		n := dp.Mesh + "/" + dp.FullName()
		full[dp.Name], full[n] = n, n
	}
	return full[closest(name, slices.Collect(maps.Keys(full)))]
}

// namesOf returns the names that select dp: its own and its display name, alone or after
// its mesh, namespace or zone.
func namesOf(dp *cluster.Dataplane) []string {
	display := dp.DisplayName()
	names := []string{
		dp.Name, dp.FullName(), display, dp.Mesh + "/" + dp.Name, dp.Mesh + "/" + dp.FullName(), dp.Mesh + "/" + display,
		dp.Namespace + "/" + dp.Name,
	}
	if zone := dp.Zone(); zone != "" {
		names = append(names, zone+"/"+dp.FullName(), zone+"/"+display)
	}
	return names
}
