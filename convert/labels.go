package convert

import (
	"regexp"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
)

// preferred are the labels that name a workload or its place for as long as it exists,
// the best first.
var preferred = []string{
	"app.kubernetes.io/name", "app", cluster.WorkloadLabel, "k8s-app", "app.kubernetes.io/component",
	cluster.NamespaceLabel, cluster.ZoneLabel, "version", "app.kubernetes.io/version",
}

// unstable matches the last part of labels that name one instance or revision of a
// workload, so that its next rollout has another value.
var unstable = regexp.MustCompile(`hash|revision|instance|generation|pod-?name|pod-?index|uid$|^job-name$|^completion-index$|^index$`)

// nodeDomains are the domains of labels that a node gives its pods. Up to 2.14 a
// Dataplane does not have them (recorded/kubernetes).
var nodeDomains = []string{"topology.kubernetes.io", "failure-domain.beta.kubernetes.io", "node.kubernetes.io", "kubernetes.io"}

// rankLabel returns the preference for a label to select by; the smallest is the best.
func rankLabel(key string) int {
	if i := slices.Index(preferred, key); i >= 0 {
		return i
	}
	if key == cluster.DisplayNameLabel {
		return 2 * len(preferred) // selects one proxy
	}
	return len(preferred)
}

// selectableLabels returns for each Dataplane the labels that a policy may select by:
// those that the control plane puts on it before and after an upgrade, and that its
// next rollout keeps.
func selectableLabels(dataplanes []*cluster.Dataplane, o *Options) []cluster.Tags {
	// On Universal the zone's control plane adds its name to every Dataplane. A manifest that
	// has it does not differ by it from one that does not.
	zoned := !slices.ContainsFunc(dataplanes, func(dp *cluster.Dataplane) bool { return dp.Namespace == "" && dp.Zone() == "" })
	known := map[string]bool{cluster.ZoneLabel: zoned}
	all := make([]cluster.Tags, len(dataplanes))
	for i, dp := range dataplanes {
		labels := lists.Keep(dp.Labels, func(label cluster.Tag) bool {
			counts, ok := known[label.Key]
			if !ok {
				counts = isSelectable(label.Key)
				known[label.Key] = counts
			}
			return counts
		})
		if zoned && dp.Namespace == "" {
			labels = labels.With(cluster.ZoneLabel, dp.Zone())
		}
		if o.DisplayNames {
			labels = labels.With(cluster.DisplayNameLabel, dp.DisplayName())
		}
		all[i] = labels
	}
	return all
}

// isSelectable reports whether a policy may select by the label key. Of Kuma's own
// labels every version writes few (fixtures/recorded/kubernetes for 2.13 and 2.14).
func isSelectable(key string) bool {
	switch key {
	case cluster.WorkloadLabel, cluster.NamespaceLabel, cluster.ZoneLabel:
		return true
	}
	domain, name, hasDomain := strings.Cut(key, "/")
	if !hasDomain {
		domain, name = "", key
	}
	if domain == "kuma.io" || strings.HasSuffix(domain, ".kuma.io") ||
		domain == "statefulset.kubernetes.io" || domain == "batch.kubernetes.io" {
		return false
	}
	return !slices.Contains(nodeDomains, domain) && !unstable.MatchString(name)
}

// labelsOfTags returns the labels that a Dataplane with tags has on Kubernetes, where a
// pod's labels become tags. missing are the tags that no label has.
func labelsOfTags(tags cluster.Tags) (labels cluster.Tags, missing []string) {
	labels = make(cluster.Tags, 0, len(tags))
	for _, tag := range tags {
		switch {
		case tag.Key == cluster.ServiceTag && tag.Value == cluster.Any:
		case tag.Value != cluster.Any && isSelectable(tag.Key):
			labels = append(labels, tag)
		default:
			missing = append(missing, tag.Key+"="+tag.Value)
		}
	}
	return labels, missing
}
