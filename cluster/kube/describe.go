package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/paging"
)

var deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}

// deployment has the fields of the control plane's Deployment that are read here.
type deployment struct {
	ambiguous bool // another Deployment in the namespace has another version
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

// container returns the control plane's container, nil when d has none. The charts name
// it control-plane, and its image is kuma-cp.
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

// env returns the value of a variable of the container. known is false if the
// Deployment takes it from another resource.
func (c *container) env(name string) (value string, known bool) {
	for _, v := range c.Env {
		if v.Name == name {
			return v.Value, v.ValueFrom == nil
		}
	}
	return "", len(c.EnvFrom) == 0
}

// version returns the tag of the image, or the chart's version label if the tag
// is not a release.
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

// describe reads version, mode and zone from the control plane's Deployment. What
// the Deployment does not contain is Unread. It returns an error when the cluster
// cannot be reached.
func (c *Cluster) describe(ctx context.Context) (*cluster.Origin, error) {
	origin := &cluster.Origin{
		Source: c.String(), Endpoint: cluster.Endpoint{Kubernetes: manifest.Redact(c.config.Host), Context: c.context},
		Environment: cluster.Kubernetes, Namespace: c.options.Namespace,
	}
	found, why, err := c.findControlPlane(ctx)
	if err != nil {
		return nil, err
	}
	if found == nil {
		origin.AddUnread(cluster.VersionOfControlPlane, why.Cause, why.Reason)
		origin.AddUnread(cluster.ModeOfControlPlane, why.Cause, why.Reason)
		return origin, nil
	}
	c.controlPlane = found
	origin.Namespace, origin.Version, origin.Product = found.Metadata.Namespace, found.version(), "Kuma"
	if strings.Contains(found.Metadata.Name, "kong-mesh") || strings.Contains(found.container().Image, "kong") {
		origin.Product = "Kong Mesh"
	}
	name := fmt.Sprintf("Deployment %q in namespace %q", found.Metadata.Name, found.Metadata.Namespace)
	if origin.Version == "" {
		reason := fmt.Sprintf("neither the image nor a label of %s contains the version", name)
		if found.ambiguous {
			reason = fmt.Sprintf("Deployments other than %s have other versions", name)
		}
		origin.AddUnread(cluster.VersionOfControlPlane, cluster.Unclear, reason)
	}
	settings := found.container()
	mode, _ := settings.env("KUMA_MODE")
	global, known := settings.env("KUMA_MULTIZONE_ZONE_GLOBAL_ADDRESS")
	origin.SetMode(mode, global)
	origin.Zone, _ = settings.env("KUMA_MULTIZONE_ZONE_NAME")
	switch {
	case origin.Mode == "":
		origin.AddUnread(cluster.ModeOfControlPlane, cluster.Unclear,
			fmt.Sprintf("the environment of %s does not contain the mode (KUMA_MODE)", name))
	case origin.Mode == cluster.ModeZone && !known:
		origin.Mode = ""
		origin.AddUnread(cluster.ModeOfControlPlane, cluster.Unclear, fmt.Sprintf(
			"%s is a zone's, and part of its environment is defined outside it, so it does not show "+
				"whether a global control plane leads it (KUMA_MULTIZONE_ZONE_GLOBAL_ADDRESS)", name))
	case origin.Mode == cluster.ModeGlobal:
		origin.Zone = ""
		return origin, c.zones(ctx, origin)
	}
	return origin, nil
}

// findControlPlane returns the control plane's Deployment, or the cause and reason
// why it was not found.
func (c *Cluster) findControlPlane(ctx context.Context) (found *deployment, why cluster.Unread, err error) {
	namespaces := c.namespaces()
	var reasons, places []string
	for _, namespace := range namespaces {
		var candidates []*deployment
		list := paging.New(c.limits())
		err := c.pages(ctx, deployments, namespace, func() { candidates = nil }, func(text []byte) error {
			var d deployment
			if json.Unmarshal(text, &d) == nil && d.container() != nil {
				candidates = append(candidates, &d)
			}
			return nil
		}, list.Page)
		switch {
		case apierrors.IsForbidden(err):
			reasons = append(reasons, c.message(err))
		case apierrors.IsUnauthorized(err):
			return nil, why, c.refused(err)
		case err != nil && !apierrors.IsNotFound(err):
			return nil, why, c.unreachable(ctx, "reading the Deployments", err)
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
		return nil, why, fmt.Errorf("%s has several control planes: %s; choose one by its namespace, with --namespace",
			c, strings.Join(places, ", "))
	case found != nil:
		return found, why, nil
	case len(reasons) > 0:
		return nil, cluster.Unread{Cause: cluster.Forbidden, Reason: strings.Join(reasons, "; ")}, nil
	}
	reason := fmt.Sprintf("no Deployment in namespace %s has a container named control-plane; "+
		"pass another namespace with --namespace", strings.Join(namespaces, " or "))
	return nil, cluster.Unread{Cause: cluster.NotFound, Reason: reason}, nil
}

// namespaces returns the namespaces that may contain the control plane.
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
		case apierrors.IsForbidden(err):
			origin.AddUnread(cluster.ZonesOfControlPlane, cluster.Forbidden, c.message(err))
			continue
		case apierrors.IsNotFound(err):
			origin.AddUnread(cluster.ZonesOfControlPlane, cluster.NotFound, c.message(err))
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
