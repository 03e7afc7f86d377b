package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// pageSize is how many objects are asked for at a time.
const pageSize = 500

// restarts is how often a list begins anew because the server forgot where it
// was, before it is asked for in one piece.
const restarts = 3

// Read implements cluster.Source.
func (c *Cluster) Read(ctx context.Context, use func(manifest.Input)) (*cluster.Origin, error) {
	origin, err := c.Describe(ctx)
	if err != nil {
		return nil, err
	}
	origin.Meshes = c.options.Meshes
	var forbidden []error
	var missing []string
	for _, kind := range cluster.Kinds() {
		if c.options.Progress != nil {
			c.options.Progress(kind, 0)
		}
		objects, err := c.all(ctx, kind)
		switch {
		case apierrors.IsNotFound(err) && !origin.Expects(kind):
			origin.Absent = append(origin.Absent, kind) // there is no such CRD
		case apierrors.IsNotFound(err) && cluster.Optional(kind):
			origin.Unread = append(origin.Unread, cluster.Unread{
				What: kind, Reason: c.missing(origin, definition(kind)), Remedy: installing,
			})
		case apierrors.IsNotFound(err):
			missing = append(missing, definition(kind))
		case apierrors.IsForbidden(err) && cluster.Optional(kind):
			origin.Unread = append(origin.Unread, cluster.Unread{
				What: kind, Reason: c.said(err), Remedy: granting(resources[kind]),
			})
		case apierrors.IsForbidden(err):
			forbidden = append(forbidden, err)
		case apierrors.IsUnauthorized(err):
			return nil, c.refused(err)
		case err != nil:
			return nil, c.unreachable(ctx, "reading "+resources[kind], err)
		}
		if kind == cluster.KindMesh && err == nil {
			names := make([]string, 0, len(objects))
			for _, mesh := range objects {
				names = append(names, mesh.mesh)
			}
			if err := cluster.CheckMeshes(c.String(), c.options.Meshes, names); err != nil {
				return nil, err
			}
		}
		for _, object := range objects {
			if len(c.options.Meshes) == 0 || slices.Contains(c.options.Meshes, object.mesh) {
				use(object.input())
			} else if kind == cluster.KindMeshTrace {
				origin.OtherMeshTraces = append(origin.OtherMeshTraces, path.Base(object.name))
			} else if kind == cluster.KindTrafficTrace {
				origin.OtherTrafficTraces = append(origin.OtherTrafficTraces, cluster.NewTraceName(object.mesh, path.Base(object.name), object.text))
			}
		}
	}
	if len(missing) > 0 {
		return nil, errors.New(c.missing(origin, missing...) + "; " + installing)
	}
	if len(forbidden) > 0 {
		return nil, c.forbidden(forbidden)
	}
	if c.controlPlane == nil && slices.Contains(origin.Absent, cluster.KindMesh) {
		return nil, fmt.Errorf("%s has no Kuma: neither its kinds (CustomResourceDefinitions of kuma.io) nor a control plane in namespace %s; is it the cluster that is meant?", c, strings.Join(c.namespaces(), " or "))
	}
	return origin, nil
}

// definition is the name of a kind's CustomResourceDefinition.
func definition(kind string) string { return resources[kind] + ".kuma.io" }

// missing says which definitions the cluster lacks and should have.
func (c *Cluster) missing(origin *cluster.Origin, definitions ...string) string {
	return fmt.Sprintf("%s does not have %s, which Kuma %s installs", c, strings.Join(definitions, " and "), origin.Version)
}

// installing is what to do about a missing definition.
const installing = "install the CustomResourceDefinitions of the control plane's version"

// forbidden names what may not be read, and the role that is missing.
func (c *Cluster) forbidden(all []error) error {
	lines := make([]string, 0, len(all))
	for _, err := range all {
		lines = append(lines, "  "+c.said(err))
	}
	return fmt.Errorf("%s does not allow what is needed:\n%s\nThe ClusterRole that allows all that is read, ready to apply and to bind to the user:\n%s", c, strings.Join(lines, "\n"), ClusterRole)
}

// granting is how somebody who may do so allows to list an optional resource.
func granting(resource string) string {
	name := "tracemigrate-" + resource
	return fmt.Sprintf("have an administrator run `kubectl create clusterrole %[1]s --verb=list --resource=%[2]s.kuma.io && kubectl create clusterrolebinding %[1]s --clusterrole=%[1]s --user=USER`", name, resource)
}

// ClusterRole allows all that is read, and nothing else.
const ClusterRole = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: tracemigrate
rules:
- apiGroups: [kuma.io]
  resources: [meshes, traffictraces, trafficroutes, meshtraces, dataplanes, meshgateways, zones, zoneinsights]
  verbs: [list]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [list]
`

func (c *Cluster) refused(err error) error {
	return fmt.Errorf("%s does not take the credentials of the kubeconfig: %s; log in again", c, c.said(err))
}

// said is what the API server says of an error, without the credentials that it
// may have been told with.
func (c *Cluster) said(err error) string { return c.scrub(short(err)) }

// short is an API error without what every such error says.
func short(err error) string {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return status.Status().Message
	}
	return err.Error()
}

// object is one of a list, ready to be passed on.
type object struct {
	name string // as messages have it: traffictraces/all
	mesh string // of a Mesh its own name
	text []byte
}

func (o object) input() manifest.Input { return manifest.Object(o.name, o.text) }

// all returns all objects of a kind.
func (c *Cluster) all(ctx context.Context, kind string) ([]object, error) {
	var objects []object
	err := c.pages(ctx, resourceOf(kind), "", func() { objects = nil }, func(u *unstructured.Unstructured) error {
		o, err := newObject(kind, u)
		if err != nil {
			return err
		}
		objects = append(objects, o)
		return nil
	}, func() {
		if c.options.Progress != nil {
			c.options.Progress(kind, len(objects))
		}
	})
	if err != nil {
		return nil, err // a part would pass for the whole
	}
	return objects, nil
}

// pages lists a resource in pages. A token to continue that the server no
// longer honours begins the list anew, so that it is of one moment: begin is
// called at each beginning, item for each object, done for each page.
func (c *Cluster) pages(ctx context.Context, resource schema.GroupVersionResource, namespace string, begin func(), item func(*unstructured.Unstructured) error, done func()) error {
	defer c.warnings.take()
	options := metav1.ListOptions{Limit: pageSize}
	asked := make(map[string]bool)
	begin()
	for begun := 0; ; {
		page, err := c.client.Resource(resource).Namespace(namespace).List(ctx, options)
		switch {
		case options.Continue == "":
		case apierrors.IsNotFound(err):
			return fmt.Errorf("the kind went away while it was listed: %s", c.said(err))
		case options.Limit > 0 && (apierrors.IsResourceExpired(err) || apierrors.IsGone(err)):
			options.Continue = ""
			clear(asked)
			if begun++; begun >= restarts {
				options.Limit = 0
			}
			begin()
			continue
		}
		if err != nil {
			return err
		}
		if !strings.HasSuffix(page.GetKind(), "List") {
			return fmt.Errorf("the answer is no list, but of kind %.40q", page.GetKind())
		}
		for i := range page.Items {
			if err := item(&page.Items[i]); err != nil {
				return err
			}
		}
		done()
		if options.Continue = page.GetContinue(); options.Continue == "" {
			return nil
		}
		if asked[options.Continue] {
			return errors.New("the list names a next page that it named before")
		}
		asked[options.Continue] = true
	}
}

// newObject takes of an object what may be of use: not who manages which field,
// nor annotations that hold copies of it, nor its status.
func newObject(kind string, u *unstructured.Unstructured) (object, error) {
	o := object{name: resources[kind] + "/" + u.GetName(), mesh: u.GetName()}
	if namespace := u.GetNamespace(); namespace != "" {
		o.name = resources[kind] + "/" + namespace + "/" + u.GetName()
	}
	if kind != cluster.KindMesh {
		o.mesh, _, _ = unstructured.NestedString(u.Object, "mesh")
		if o.mesh == "" {
			o.mesh = u.GetLabels()[cluster.MeshLabel]
		}
		if o.mesh == "" {
			o.mesh = "default"
		}
	}
	u.SetManagedFields(nil)
	annotations := u.GetAnnotations()
	maps.DeleteFunc(annotations, func(key, _ string) bool { return !cluster.ReadsAnnotation(kind, key) })
	if len(annotations) == 0 {
		annotations = nil
	}
	u.SetAnnotations(annotations)
	delete(u.Object, "status")
	text, err := json.Marshal(u.Object)
	if err != nil {
		return o, fmt.Errorf("copying %s: %w", o.name, err)
	}
	o.text = text
	return o, nil
}
