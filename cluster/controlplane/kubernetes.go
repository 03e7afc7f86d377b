package controlplane

import (
	"encoding/json"
	"strings"

	numbers "k8s.io/apimachinery/pkg/util/json"

	"tracemigrate/cluster"
)

// splitName splits name.namespace, the name that a control plane on Kubernetes gives a
// namespaced object. A namespace has no dot.
func splitName(full string) (name, namespace string) {
	dot := strings.LastIndexByte(full, '.')
	if dot < 0 {
		return full, ""
	}
	return full[:dot], full[dot+1:]
}

// onKubernetes converts a resource to its Kubernetes object, so that it reads like one
// from the Kubernetes API. The API of a control plane on Kubernetes shows objects in the
// Universal form: namespaced ones as name.namespace, and labels with those that Kuma
// keeps in annotations. A resource in another form is unchanged; its decoder reports it.
func onKubernetes(kind string, raw []byte) []byte {
	var head struct {
		Mesh, Name, CreationTime string
		Labels                   map[string]string
	}
	fields := make(map[string]any) // with numbers in the form of Kubernetes' API: whole ones without fraction
	if json.Unmarshal(raw, &head) != nil || head.Name == "" || numbers.Unmarshal(raw, &fields) != nil {
		return raw
	}
	name, namespace := head.Name, ""
	if cluster.Namespaced(kind) {
		if name, namespace = splitName(head.Name); namespace == "" {
			return raw
		}
	}
	metadata := map[string]any{"name": name, "labels": cluster.LabelsOnKubernetes(kind, name, namespace, head.Mesh, head.Labels, nil)}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	if head.CreationTime != "" {
		metadata["creationTimestamp"] = head.CreationTime
	}
	object := map[string]any{"apiVersion": "kuma.io/v1alpha1", "kind": kind, "metadata": metadata}
	if cluster.HasSpec(kind) {
		object["spec"] = fields["spec"]
	} else {
		if kind != cluster.KindMesh {
			object["mesh"] = head.Mesh
		}
		for _, field := range []string{"type", "mesh", "name", "creationTime", "modificationTime", "labels", "kri"} {
			delete(fields, field)
		}
		object["spec"] = fields
	}
	text, err := json.Marshal(object)
	if err != nil {
		return raw
	}
	return text
}
