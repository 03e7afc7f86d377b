package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"gopkg.in/yaml.v3"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"tracemigrate/cluster"
	"tracemigrate/cluster/controlplane"
)

// Trial is what the API server says to a policy.
type Trial struct {
	Accepted bool
	Message  string // why it was refused
	Warnings []string
}

// CreatorRole allows a dry run on the server, which needs the permission to
// write although it writes nothing.
const CreatorRole = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: tracemigrate-server-dry-run
rules:
- apiGroups: [kuma.io]
  resources: [meshtraces]
  verbs: [create, get, update]
`

// Try sends MeshTraces, each a manifest in YAML, with dryRun=All: the server's
// schema and webhooks judge them, and nothing is stored. It returns an error
// when the server does not judge at all.
func (c *Cluster) Try(ctx context.Context, manifests []string) ([]Trial, error) {
	trials := make([]Trial, 0, len(manifests))
	for _, text := range manifests {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(text), &object); err != nil {
			return nil, fmt.Errorf("reading a policy: %w", err)
		}
		trial, err := c.try(ctx, &unstructured.Unstructured{Object: runtime.DeepCopyJSON(jsonNumbers(object).(map[string]any))})
		if err != nil {
			return nil, err
		}
		trials = append(trials, trial)
	}
	return trials, nil
}

func (c *Cluster) try(ctx context.Context, policy *unstructured.Unstructured) (Trial, error) {
	c.warnings.take()
	api := c.client.Resource(resourceOf(cluster.KindMeshTrace)).Namespace(policy.GetNamespace())
	_, err := api.Create(ctx, policy, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict, FieldManager: "tracemigrate"})
	if apierrors.IsAlreadyExists(err) {
		var existing *unstructured.Unstructured
		if existing, err = api.Get(ctx, policy.GetName(), metav1.GetOptions{}); err == nil {
			policy.SetResourceVersion(existing.GetResourceVersion())
			_, err = api.Update(ctx, policy, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict, FieldManager: "tracemigrate"})
		}
	}
	trial := Trial{Accepted: err == nil, Warnings: c.warnings.take()}
	if err == nil {
		return trial, nil
	}
	switch reason := apierrors.ReasonForError(err); {
	case reason == metav1.StatusReasonForbidden && isRBAC(err):
		return trial, fmt.Errorf("%s does not allow the dry run, which needs the permission to create although it stores nothing: %s\nThe ClusterRole that allows it, ready to apply and to bind to the user:\n%s", c, short(err), CreatorRole)
	case reason == metav1.StatusReasonUnknown && !asStatus(err):
		return trial, c.unreachable(ctx, "trying a policy", err)
	case apierrors.IsTooManyRequests(err), apierrors.IsServiceUnavailable(err), apierrors.IsUnauthorized(err):
		return trial, c.unreachable(ctx, "trying a policy", err)
	}
	trial.Message = short(err)
	return trial, nil
}

// jsonNumbers makes YAML's integers those that JSON's decoder gives.
func jsonNumbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = jsonNumbers(value)
		}
	case []any:
		for i := range v {
			v[i] = jsonNumbers(v[i])
		}
	case int:
		return int64(v)
	}
	return v
}

// Config implements cluster.Inspector: the API server passes the question on to
// the control plane's Service, https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/
func (c *Cluster) Config(ctx context.Context, mesh, proxy string, shadow bool) ([]byte, error) {
	api, err := c.api()
	if err != nil {
		return nil, err
	}
	answer, err := api.Config(ctx, mesh, proxy, shadow)
	var status *controlplane.StatusError
	if errors.As(err, &status) && status.Status == http.StatusForbidden {
		return nil, fmt.Errorf("%s does not allow what is needed: %s\nThe ClusterRole that allows it, ready to apply and to bind to the user:\n%s", c, status.Detail, ProxyRole)
	}
	return answer, err
}

// ProxyRole allows reading the control plane's own API by way of the API server.
const ProxyRole = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: tracemigrate-shadow
rules:
- apiGroups: [""]
  resources: [services/proxy]
  resourceNames: ["kuma-control-plane:5681", "kong-mesh-control-plane:5681"]
  verbs: [get]
`

// api is the control plane's own API, by way of the API server.
func (c *Cluster) api() (*controlplane.ControlPlane, error) {
	namespace, name := systemNamespaces[0], "kuma-control-plane"
	switch {
	case c.controlPlane != nil:
		namespace, name = c.controlPlane.Metadata.Namespace, c.controlPlane.Metadata.Name
	case c.options.Namespace != "":
		namespace = c.options.Namespace
	}
	client, err := rest.HTTPClientFor(c.plain)
	if err != nil {
		return nil, fmt.Errorf("using the kubeconfig: %w", err)
	}
	host, _, err := rest.DefaultServerUrlFor(c.config)
	if err != nil {
		return nil, fmt.Errorf("using the kubeconfig: %w", err)
	}
	return controlplane.New(controlplane.Options{
		URL:  host.JoinPath("api/v1/namespaces", namespace, "services", name+":5681", "proxy").String(),
		Name: name, Base: client.Transport, Wait: c.options.Wait,
	})
}

// isRBAC tells a missing permission from a webhook that refuses with 403.
func isRBAC(err error) bool {
	text := short(err)
	return strings.Contains(text, "User ") && strings.Contains(text, " cannot ")
}

// asStatus says whether err is an answer of the API server.
func asStatus(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status)
}
