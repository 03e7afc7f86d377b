package cluster

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// controlPlaneImage is part of the image of Kuma's and Kong Mesh's control planes.
const controlPlaneImage = "/kuma-cp:"

// maxDeployment is the size of the longest document in which a control plane's
// Deployment is searched.
const maxDeployment = 1 << 20

// deployment is a Deployment, or a list that contains some.
type deployment struct {
	Kind     string
	Metadata struct{ Namespace string }
	Spec     struct {
		Template struct {
			Spec struct {
				Containers []struct{ Image string }
			}
		}
	}
	Items []deployment
}

// systemNamespaces appends the namespaces of the control planes whose Deployments are in
// a text of manifests. Documents that cannot be read are ignored, because only resources
// of Kuma must be valid.
func systemNamespaces(found []string, text string) []string {
	if !strings.Contains(text, controlPlaneImage) {
		return found
	}
	for document := range strings.SplitSeq(text, "\n---") {
		if len(document) > maxDeployment || !strings.Contains(document, controlPlaneImage) {
			continue
		}
		var d deployment
		_, rest, _ := strings.Cut(document, "\n") // what follows the dashes
		if yaml.Unmarshal([]byte(document), &d) == nil || yaml.Unmarshal([]byte(rest), &d) == nil {
			found = d.namespaces(found)
		}
	}
	return found
}

func (d *deployment) namespaces(found []string) []string {
	for i := range d.Items {
		found = d.Items[i].namespaces(found)
	}
	if d.Kind != "Deployment" || d.Metadata.Namespace == "" || slices.Contains(found, d.Metadata.Namespace) {
		return found
	}
	for _, container := range d.Spec.Template.Spec.Containers {
		if strings.Contains(container.Image, controlPlaneImage) {
			return append(found, d.Metadata.Namespace)
		}
	}
	return found
}

// InNamespace returns s with a control plane in a namespace.
func (s *Snapshot) InNamespace(namespace string) *Snapshot {
	named := *s
	named.systemNamespaces, named.namespaced = []string{namespace}, true
	return &named
}

// NamesNamespace reports whether the control plane's namespace is known, so that MeshTraces in
// others, also in those that are the default, select only proxies there.
func (s *Snapshot) NamesNamespace() bool {
	return s.namespaced || s.About().Namespace != ""
}

// SystemNamespace returns the control plane's namespace on Kubernetes: that of the
// origin, else of its Deployment in the input, else of the mesh operator's MeshTraces.
// It is empty when none or several are found.
func (s *Snapshot) SystemNamespace() string {
	if own := s.About().Namespace; own != "" && !s.namespaced {
		return own
	}
	found := s.systemNamespaces
	if len(found) == 0 {
		for _, r := range s.MeshTraces {
			system := slices.Contains(SystemNamespaces, r.Namespace) || r.Namespace != "" && r.Labels.Get(RoleLabel) == "system"
			if system && !slices.Contains(found, r.Namespace) {
				found = append(found, r.Namespace)
			}
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}
