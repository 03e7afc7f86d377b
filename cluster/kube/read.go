package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/paging"
)

// pageSize is how many objects are requested at a time. Each page costs the API server much:
// 3,000 Dataplanes take 0.7 to 0.9 times as long as one plain list in one page, and 2.5 times
// as long in pages of 500.
const pageSize = 5000

// restarts is how often a list is started again because its token expired, before it is
// requested in one piece.
const restarts = 3

// Read implements cluster.Source.
func (c *Cluster) Read(ctx context.Context, use func(manifest.Input)) (*cluster.Origin, error) {
	origin, err := c.describe(ctx)
	if err != nil {
		return nil, err
	}
	origin.Meshes = c.options.Meshes
	var missing []string
	var forbidden []error
	proxies := 0
	lists := paging.ReadAhead(ctx, cluster.LargestFirst(), c.all)
	defer lists.Stop()
	for _, kind := range cluster.Kinds() {
		list, err := lists.Get(kind)
		switch {
		case err == nil:
			if kind == cluster.KindDataplane {
				proxies = list.Len()
			}
			if err := c.pass(list, kind, origin, use); err != nil {
				return nil, err
			}
		case apierrors.IsNotFound(err) && cluster.Supplementary(kind):
		case apierrors.IsNotFound(err) && !origin.Expects(kind):
			origin.Absent = append(origin.Absent, kind)
		case cluster.Optional(kind) && (apierrors.IsNotFound(err) || apierrors.IsForbidden(err)):
			origin.Unread = append(origin.Unread, c.unread(origin, kind, err))
		case apierrors.IsNotFound(err):
			missing = append(missing, definition(kind))
		case apierrors.IsForbidden(err):
			forbidden = append(forbidden, err)
		case apierrors.IsUnauthorized(err):
			return nil, c.refused(err)
		default:
			return nil, c.unreachable(ctx, "reading "+resources[kind], err)
		}
	}
	if proxies == 0 {
		c.services(ctx, use)
	}
	origin.SortOthers()
	switch {
	case len(missing) > 0:
		return nil, errors.New(c.missing(origin, missing...) + "; " + installRemedy)
	case len(forbidden) > 0:
		return nil, c.forbidden(forbidden)
	case c.controlPlane == nil && slices.Contains(origin.Absent, cluster.KindMesh):
		return nil, fmt.Errorf("%s has no Kuma: "+
			"neither its kinds (CustomResourceDefinitions of kuma.io) nor a control plane in namespace %s; "+
			"check --context and --namespace", c, strings.Join(c.namespaces(), " or "))
	}
	return origin, nil
}

// services passes the Services to use, if they may be listed. They matter only where no
// Dataplane shows which labels are behind a value of kuma.io/service.
func (c *Cluster) services(ctx context.Context, use func(manifest.Input)) {
	list, err := c.all(ctx, cluster.KindService)
	if err != nil {
		return // a note names the selectors that need one
	}
	_ = list.Drain(func(name string, text []byte) { use(manifest.Object(name, text)) }) // it is in memory
}

// pass passes the objects of the requested meshes to use, and adds the names of objects
// in other meshes to origin.
func (c *Cluster) pass(list *paging.List, kind string, origin *cluster.Origin, use func(manifest.Input)) error {
	var meshes []string
	err := list.Drain(func(name string, text []byte) {
		if kind != cluster.KindMesh && len(c.options.Meshes) == 0 {
			use(manifest.Object(name, text))
			return
		}
		mesh := meshOf(kind, text)
		if kind == cluster.KindMesh {
			meshes = append(meshes, mesh)
		}
		switch {
		case len(c.options.Meshes) == 0 || slices.Contains(c.options.Meshes, mesh):
			use(manifest.Object(name, text))
		case kind == cluster.KindMeshTrace:
			origin.OtherMeshTraces = append(origin.OtherMeshTraces, path.Base(name))
		case kind == cluster.KindTrafficTrace:
			origin.OtherTrafficTraces = append(origin.OtherTrafficTraces, cluster.NewTraceName(mesh, path.Base(name), text))
		}
	})
	if err != nil || kind != cluster.KindMesh {
		return err
	}
	return cluster.CheckMeshes(c.String(), c.options.Meshes, meshes)
}

// unread returns why a kind could not be listed: its definition or the permission is
// missing.
func (c *Cluster) unread(origin *cluster.Origin, kind string, err error) cluster.Unread {
	if apierrors.IsNotFound(err) {
		return cluster.Unread{What: kind, Cause: cluster.NotFound, Reason: c.missing(origin, definition(kind)), Remedy: installRemedy}
	}
	return cluster.Unread{What: kind, Cause: cluster.Forbidden, Reason: c.message(err), Remedy: grantRemedy(resources[kind])}
}

// definition returns the name of a kind's CustomResourceDefinition.
func definition(kind string) string { return resources[kind] + ".kuma.io" }

// missing describes which definitions the cluster should have and does not have.
func (c *Cluster) missing(origin *cluster.Origin, definitions ...string) string {
	return fmt.Sprintf("%s does not have %s, which Kuma %s installs", c, strings.Join(definitions, " and "), origin.Version)
}

// installRemedy is the remedy for a missing definition.
const installRemedy = "install the CustomResourceDefinitions of the control plane's version"

// forbidden names what may not be read, and the missing role.
func (c *Cluster) forbidden(all []error) error {
	lines := lists.Each(all, func(err error) string { return "  " + c.message(err) })
	return fmt.Errorf("%s denies required permissions:\n%s\n"+
		"The ClusterRole that allows all that is read, ready to apply and to bind to the user:\n%s",
		c, strings.Join(lines, "\n"), ClusterRole)
}

// grantRemedy returns how an administrator allows listing an optional resource.
func grantRemedy(resource string) string {
	name := "tracemigrate-" + resource
	return fmt.Sprintf("have an administrator run `kubectl create clusterrole %[1]s --verb=list --resource=%[2]s.kuma.io && "+
		"kubectl create clusterrolebinding %[1]s --clusterrole=%[1]s --user=USER`", name, resource)
}

// ClusterRole allows all that is read, and nothing else.
const ClusterRole = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: tracemigrate
rules:
- apiGroups: [kuma.io]
  resources: [meshes, traffictraces, trafficroutes, meshtraces, dataplanes, meshgateways, meshservices, meshopentelemetrybackends, externalservices, meshhttproutes, meshtcproutes, meshproxypatches, proxytemplates, zones, zoneinsights]
  verbs: [list]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [list]
`

func (c *Cluster) refused(err error) error {
	return fmt.Errorf("%s rejects the credentials of the kubeconfig: %s; log in again", c, c.message(err))
}

// message returns the API server's message of an error, without credentials that it may
// repeat.
func (c *Cluster) message(err error) string {
	if status, ok := statusOf(err); ok {
		return c.scrub(status.Message) // without the text that all such errors share
	}
	return c.scrub(err.Error())
}

// all returns all objects of a kind.
func (c *Cluster) all(ctx context.Context, kind string) (*paging.List, error) {
	if c.options.Progress != nil {
		c.options.Progress(kind, 0)
	}
	list := paging.New(c.limits())
	err := c.pages(ctx, resourceOf(kind), "", func() { list = paging.New(c.limits()) }, func(item []byte) error {
		name, text, err := newObject(kind, item)
		if err != nil {
			return err
		}
		return list.Add(name, text)
	}, func(size int64) error {
		if c.options.Progress != nil {
			c.options.Progress(kind, list.Len())
		}
		return list.Page(size)
	})
	if err != nil {
		return nil, err // a part of the list must not be used
	}
	return list, nil
}

func (c *Cluster) limits() paging.Limits { return c.options.Limits.Or(paging.Defaults) }

// pages lists a resource in pages. If the server no longer accepts the token to
// continue, the list starts again, so that it is consistent. pages calls begin at each
// start, item for the text of each object, and done for each page with its size in bytes.
func (c *Cluster) pages(
	ctx context.Context, resource schema.GroupVersionResource, namespace string,
	begin func(), item func(text []byte) error, done func(size int64) error,
) error {
	defer c.warnings.take()
	limit, next := cmp.Or(c.pageSize, pageSize), ""
	asked := make(map[string]bool)
	begin()
	for begun := 0; ; {
		p, err := c.page(ctx, resource, namespace, limit, next, item)
		switch {
		case next == "":
		case apierrors.IsNotFound(err):
			return fmt.Errorf("the kind was deleted while it was listed: %s", c.message(err))
		case limit > 0 && (apierrors.IsResourceExpired(err) || apierrors.IsGone(err)):
			next = ""
			clear(asked)
			if begun++; begun >= restarts {
				limit = 0
			}
			begin()
			continue
		}
		if err != nil {
			return err
		}
		if err := done(p.size); err != nil {
			return err
		}
		if next = p.next; next == "" {
			return nil
		}
		if asked[next] {
			return errors.New("the list names a next page that it named before; does a proxy in between answer?")
		}
		asked[next] = true
	}
}

// page requests a page of a list, by the token to continue unless it is the first.
func (c *Cluster) page(
	ctx context.Context, resource schema.GroupVersionResource, namespace string, limit int64, token string, item func(text []byte) error,
) (page, error) {
	segments := []string{"apis", resource.Group, resource.Version}
	if resource.Group == "" {
		segments = []string{"api", resource.Version}
	}
	if namespace != "" {
		segments = append(segments, "namespaces", namespace)
	}
	request := c.lists.Get().AbsPath(append(segments, resource.Resource)...)
	if limit > 0 {
		request.Param("limit", strconv.FormatInt(limit, 10))
	}
	if token != "" {
		request.Param("continue", token)
	}
	body, err := request.Stream(ctx)
	if err != nil {
		return page{}, err
	}
	defer func() { _ = body.Close() }()
	return readPage(body, item)
}

// newObject returns the fields of an object that may be used, as the control plane has
// them, with its mesh and all its labels. It leaves out managed fields, the status, and
// annotations that contain copies of the object. name is the name in messages:
// traffictraces/all.
func newObject(kind string, item []byte) (name string, text []byte, err error) {
	o, err := split(item)
	if err != nil {
		return "", nil, err
	}
	metadata, err := split(o.get("metadata"))
	if err != nil {
		return "", nil, err
	}
	labels, err := metadata.strings("labels")
	if err != nil {
		return "", nil, err
	}
	annotations, err := metadata.strings("annotations")
	if err != nil {
		return "", nil, err
	}
	ownName, namespace := metadata.str("name"), metadata.str("namespace")
	if o.get("kind") == nil { // the items of a Kubernetes kind have none
		o = o.with("kind", quote(nil, kind)).with("apiVersion", quote(nil, resourceOf(kind).GroupVersion().String()))
	}
	mesh := ""
	if kind != cluster.KindMesh {
		mesh = cmp.Or(o.str("mesh"), labels[cluster.MeshLabel], "default")
		if !cluster.HasSpec(kind) {
			o = o.with("mesh", quote(nil, mesh))
		}
	}
	if slices.Contains(cluster.Kinds(), kind) {
		labels = cluster.LabelsOnKubernetes(kind, ownName, namespace, mesh, labels, annotations)
		if o.get("spec") == nil {
			o = o.with("spec", []byte("{}"))
		}
	}
	maps.DeleteFunc(annotations, func(key, _ string) bool { return !cluster.ReadsAnnotation(kind, key) })
	metadata = metadata.with("managedFields", nil).with("labels", textOf(labels)).with("annotations", textOf(annotations))
	return path.Join(resources[kind], namespace, ownName), o.with("status", nil).with("metadata", metadata.text()).text(), nil
}

// meshOf returns the mesh of an object from newObject; for a Mesh its own name.
func meshOf(kind string, text []byte) string {
	var head struct {
		Mesh     string
		Metadata struct {
			Name   string
			Labels map[string]string
		}
	}
	_ = json.Unmarshal(text, &head) // what is broken is reported when it is decoded
	if kind == cluster.KindMesh {
		return head.Metadata.Name
	}
	return cmp.Or(head.Mesh, head.Metadata.Labels[cluster.MeshLabel])
}
