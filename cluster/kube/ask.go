package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"

	"tracemigrate/cluster"
	"tracemigrate/cluster/controlplane"
)

// creatorRole allows a dry run on the server, which needs the permission to
// write although it writes nothing.
const creatorRole = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: tracemigrate-server-dry-run
rules:
- apiGroups: [kuma.io]
  resources: [meshtraces]
  verbs: [create, get, update]
`

// Try sends MeshTraces, each a manifest in YAML, with dryRun=All: the server's schema
// and webhooks check them, and nothing is stored. It returns an error when the server
// does not check them at all.
func (c *Cluster) Try(ctx context.Context, manifests []string) ([]cluster.Trial, error) {
	trials := make([]cluster.Trial, 0, len(manifests))
	for _, text := range manifests {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(text), &object); err != nil {
			return nil, fmt.Errorf("reading a policy: %w", err)
		}
		trial, err := c.try(ctx, &unstructured.Unstructured{Object: object})
		if err != nil {
			return nil, err
		}
		trials = append(trials, trial)
	}
	return trials, nil
}

func (c *Cluster) try(ctx context.Context, policy *unstructured.Unstructured) (cluster.Trial, error) {
	c.warnings.take()
	api := c.client.Resource(resourceOf(cluster.KindMeshTrace)).Namespace(policy.GetNamespace())
	dryRun := []string{metav1.DryRunAll}
	_, err := api.Create(ctx, policy, metav1.CreateOptions{
		DryRun: dryRun, FieldValidation: metav1.FieldValidationStrict, FieldManager: "tracemigrate",
	})
	update := apierrors.IsAlreadyExists(err)
	if update {
		var existing *unstructured.Unstructured
		if existing, err = api.Get(ctx, policy.GetName(), metav1.GetOptions{}); err == nil {
			policy.SetResourceVersion(existing.GetResourceVersion())
			_, err = api.Update(ctx, policy, metav1.UpdateOptions{
				DryRun: dryRun, FieldValidation: metav1.FieldValidationStrict, FieldManager: "tracemigrate",
			})
		}
	}
	trial := cluster.Trial{Accepted: err == nil}
	for _, warning := range c.warnings.take() {
		trial.Warnings = append(trial.Warnings, c.scrub(warning))
	}
	if err == nil {
		return trial, nil
	}
	status, isAnswer := statusOf(err)
	switch {
	case status.Reason == metav1.StatusReasonForbidden && lacksPermission(err, update):
		return trial, fmt.Errorf("%s does not allow the dry run, which needs the permission to create although it stores nothing: %s\n"+
			"The ClusterRole that allows it, ready to apply and to bind to the user:\n%s", c, c.message(err), creatorRole)
	case !isAnswer:
		return trial, c.unreachable(ctx, "trying a policy", err)
	case apierrors.IsTooManyRequests(err), apierrors.IsServiceUnavailable(err), apierrors.IsUnauthorized(err),
		apierrors.IsInternalError(err), apierrors.IsTimeout(err), apierrors.IsServerTimeout(err):
		// A webhook that does not answer has not checked the policy.
		return trial, c.unreachable(ctx, "trying policy "+policy.GetName(), err)
	}
	trial.Message = c.message(err)
	return trial, nil
}

// Config implements cluster.Inspector. The API server forwards the request to the
// control plane's Service,
// https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/
func (c *Cluster) Config(ctx context.Context, mesh, proxy string, shadow bool) ([]byte, error) {
	api, err := c.api()
	if err != nil {
		return nil, err
	}
	answer, err := api.Config(ctx, mesh, proxy, shadow)
	return answer, c.explainRefusal(err)
}

// Exists implements cluster.Inspector.
func (c *Cluster) Exists(ctx context.Context, mesh, proxy string) (bool, error) {
	api, err := c.api()
	if err != nil {
		return false, err
	}
	exists, err := api.Exists(ctx, mesh, proxy)
	return exists, c.explainRefusal(err)
}

// explainRefusal adds to a 403 the missing role, and to an API server's own 404 or 503
// the Service that it did not reach.
func (c *Cluster) explainRefusal(err error) error {
	status, ok := errors.AsType[*controlplane.StatusError](err)
	if !ok {
		return err
	}
	namespace, name := c.service()
	switch {
	case status.Status == http.StatusForbidden:
		return fmt.Errorf("%s denies a required permission: %s\n"+
			"The ClusterRole that allows it, ready to apply and to bind to the user:\n%s", c, status.Detail, proxyRole(name))
	case status.FromKubernetes && (status.Status == http.StatusNotFound || status.Status == http.StatusServiceUnavailable):
		return fmt.Errorf("%s does not reach the control plane's own API by its Service %q in namespace %q: %s; "+
			"if it has another name or address, pass --control-plane (kubectl port-forward helps)", c, name, namespace, status.Detail)
	}
	return err
}

// proxyRole allows reading the API of the control plane whose Service has a name,
// through the API server.
func proxyRole(name string) string {
	return fmt.Sprintf(`apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: tracemigrate-shadow
rules:
- apiGroups: [""]
  resources: [services/proxy]
  resourceNames: [%q]
  verbs: [get]
`, name+":5681")
}

// service returns where the control plane's own API is: in the charts its Service has
// the name of its Deployment.
func (c *Cluster) service() (namespace, name string) {
	if c.controlPlane != nil {
		return c.controlPlane.Metadata.Namespace, c.controlPlane.Metadata.Name
	}
	return c.namespaces()[0], "kuma-control-plane"
}

// connectAPI makes the client of the control plane's own API, through the API server. It
// is called once, so that connections are reused.
func (c *Cluster) connectAPI() (*controlplane.ControlPlane, error) {
	client, err := rest.HTTPClientFor(c.plain)
	if err != nil {
		return nil, fmt.Errorf("using the kubeconfig: %s", c.scrub(err.Error()))
	}
	host, _, err := rest.DefaultServerUrlFor(c.config)
	if err != nil {
		return nil, fmt.Errorf("using the kubeconfig: %s", c.scrub(err.Error()))
	}
	host.User = nil
	namespace, name := c.service()
	return controlplane.New(controlplane.Options{
		URL:  host.JoinPath("api/v1/namespaces", namespace, "services", name+":5681", "proxy").String(),
		Name: name, Base: client.Transport, Wait: c.wait(), Scrub: c.scrub, Limits: c.options.Limits,
	})
}

// lacksPermission reports whether a 403 comes from the authorizer and not from a
// webhook, a policy or a quota. The authorizer names the resource and gives no causes.
// Unlike the others, it does not know the name of a new object.
func lacksPermission(err error, update bool) bool {
	status, _ := statusOf(err)
	details := status.Details
	return details != nil && details.Kind == resources[cluster.KindMeshTrace] && len(details.Causes) == 0 && (update || details.Name == "")
}

// statusOf returns the answer of the API server that err is, if it is one.
func statusOf(err error) (metav1.Status, bool) {
	var answer apierrors.APIStatus
	if !errors.As(err, &answer) {
		return metav1.Status{}, false
	}
	return answer.Status(), true
}
