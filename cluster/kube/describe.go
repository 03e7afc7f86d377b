package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/paging"
)

var deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}

// deployment is the control plane's Deployment, as far as it is read here.
type deployment struct {
	ambiguous bool // another one beside it is of another version
	Metadata  struct {
		Name      string
		Namespace string
		Labels    map[string]string
	}
	Spec struct {
		Template struct {
			Spec struct{ Containers []container }
		}
	}
}

type container struct {
	Name  string
	Image string
	Env   []struct {
		Name, Value string
		ValueFrom   any
	}
	EnvFrom []any
}

// container returns the control plane's container, nil when d has none: the
// charts name it control-plane, and its image is kuma-cp.
func (d *deployment) container() *container {
	containers := d.Spec.Template.Spec.Containers
	i := slices.IndexFunc(containers, func(c container) bool {
		return c.Name == "control-plane" || strings.Contains(c.Image, "/kuma-cp:")
	})
	if i < 0 {
		return nil
	}
	return &containers[i]
}

// env is the value of one of the container's variables, and whether the
// Deployment tells it: it may come from elsewhere.
func (c *container) env(name string) (value string, told bool) {
	for _, v := range c.Env {
		if v.Name == name {
			return v.Value, v.ValueFrom == nil
		}
	}
	return "", len(c.EnvFrom) == 0
}

// version is the tag of the image, or what the chart says it installed where
// the tag is none of a release.
func (d *deployment) version() string {
	if d.ambiguous {
		return ""
	}
	image, _, _ := strings.Cut(d.container().Image, "@")
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		if tag := image[i+1:]; cluster.IsVersion(tag) {
			return tag
		}
	}
	if label := d.Metadata.Labels["app.kubernetes.io/version"]; cluster.IsVersion(label) {
		return label
	}
	return ""
}

// describe looks for the control plane's Deployment and tells what it says:
// version, mode, zone. What it does not say is Unread. It returns an error when
// the cluster cannot be reached.
func (c *Cluster) describe(ctx context.Context) (*cluster.Origin, error) {
	origin := &cluster.Origin{
		Source: c.String(), Endpoint: cluster.Endpoint{Kubernetes: manifest.Redact(c.config.Host), Context: c.context},
		Environment: cluster.Kubernetes, Namespace: c.options.Namespace,
	}
	found, reason, err := c.findControlPlane(ctx)
	if err != nil {
		return nil, err
	}
	unread := func(what, reason, remedy string) {
		origin.Unread = append(origin.Unread, cluster.Unread{What: what, Reason: reason, Remedy: remedy})
	}
	const (
		sayVersion = "say it with --kuma-version"
		sayMode    = "say with --mode whether it is a zone, a federated-zone or a global control plane"
	)
	if found == nil {
		unread("version", reason, sayVersion)
		unread("mode", reason, sayMode)
		return origin, nil
	}
	c.controlPlane = found
	origin.Namespace, origin.Version, origin.Product = found.Metadata.Namespace, found.version(), "Kuma"
	if strings.Contains(found.Metadata.Name, "kong-mesh") || strings.Contains(found.container().Image, "kong") {
		origin.Product = "Kong Mesh"
	}
	name := fmt.Sprintf("Deployment %q in namespace %q", found.Metadata.Name, found.Metadata.Namespace)
	if origin.Version == "" {
		reason := fmt.Sprintf("neither the image nor a label of %s tells the version", name)
		if found.ambiguous {
			reason = fmt.Sprintf("there are Deployments of several versions beside %s", name)
		}
		unread("version", reason, sayVersion)
	}
	settings := found.container()
	mode, _ := settings.env("KUMA_MODE")
	global, told := settings.env("KUMA_MULTIZONE_ZONE_GLOBAL_ADDRESS")
	origin.SetMode(mode, global)
	origin.Zone, _ = settings.env("KUMA_MULTIZONE_ZONE_NAME")
	switch {
	case origin.Mode == "":
		unread("mode", fmt.Sprintf("the environment of %s does not tell the mode (KUMA_MODE)", name), sayMode)
	case origin.Mode == cluster.ModeZone && !told:
		origin.Mode = ""
		unread("mode", fmt.Sprintf("%s is a zone's, and its environment comes from elsewhere in part, so it does not tell whether a global control plane leads it (KUMA_MULTIZONE_ZONE_GLOBAL_ADDRESS)", name), sayMode)
	case origin.Mode == cluster.ModeGlobal:
		origin.Zone = ""
		return origin, c.zones(ctx, origin)
	}
	return origin, nil
}

// findControlPlane returns the control plane's Deployment, or why there is none.
func (c *Cluster) findControlPlane(ctx context.Context) (found *deployment, reason string, err error) {
	namespaces := c.namespaces()
	var reasons, places []string
	for _, namespace := range namespaces {
		var candidates []*deployment
		list := paging.New(c.limits())
		err := c.pages(ctx, deployments, namespace, func() { candidates = nil }, func(u *unstructured.Unstructured) error {
			text, err := json.Marshal(u.Object)
			if err != nil {
				return err
			}
			var d deployment
			if json.Unmarshal(text, &d) == nil && d.container() != nil {
				candidates = append(candidates, &d)
			}
			return nil
		}, list.Page)
		switch {
		case apierrors.IsForbidden(err):
			reasons = append(reasons, c.said(err))
		case apierrors.IsUnauthorized(err):
			return nil, "", c.refused(err)
		case err != nil && !apierrors.IsNotFound(err):
			return nil, "", c.unreachable(ctx, "reading the Deployments", err)
		}
		if len(candidates) > 0 {
			found = candidates[0]
			places = append(places, fmt.Sprintf("%s/%s (%s)", namespace, found.Metadata.Name, found.version()))
			for _, other := range candidates[1:] {
				found.ambiguous = found.ambiguous || other.version() != found.version()
			}
		}
	}
	switch {
	case len(places) > 1:
		return nil, "", fmt.Errorf("%s has several control planes: %s; choose one by its namespace, with --namespace", c, strings.Join(places, ", "))
	case found != nil:
		return found, "", nil
	case len(reasons) == 0:
		reasons = []string{fmt.Sprintf("no Deployment in namespace %s has a container named control-plane; --namespace names another", strings.Join(namespaces, " or "))}
	}
	return nil, strings.Join(reasons, "; "), nil
}

// namespaces are where the control plane is looked for.
func (c *Cluster) namespaces() []string {
	if c.options.Namespace != "" {
		return []string{c.options.Namespace}
	}
	return cluster.SystemNamespaces
}

// zones reads the zones of a global control plane with their versions.
func (c *Cluster) zones(ctx context.Context, origin *cluster.Origin) error {
	versions := make(map[string]string)
	for _, kind := range []string{kindZone, kindZoneInsight} {
		list, err := c.all(ctx, kind)
		switch {
		case apierrors.IsForbidden(err), apierrors.IsNotFound(err):
			origin.Unread = append(origin.Unread, cluster.Unread{
				What: "zones", Reason: c.said(err), Remedy: "name the versions of their control planes with --zone-version",
			})
			continue
		case err != nil:
			return c.unreachable(ctx, "reading "+resources[kind], err)
		}
		err = list.Drain(func(_ string, text []byte) {
			var zone struct {
				Metadata struct{ Name string }
				Spec     cluster.ZoneInsight
			}
			if err := json.Unmarshal(text, &zone); err == nil {
				if version := zone.Spec.Version(); version != "" || kind == kindZone {
					versions[zone.Metadata.Name] = version
				}
			}
		})
		if err != nil {
			return err
		}
	}
	for name, version := range versions {
		origin.Zones = append(origin.Zones, cluster.Zone{Name: name, Version: version})
	}
	slices.SortFunc(origin.Zones, func(a, b cluster.Zone) int { return strings.Compare(a.Name, b.Name) })
	return nil
}
