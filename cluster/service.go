package cluster

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
)

// MeshService is a destination of outbounds that have a backendRef.
type MeshService struct {
	*Resource
	// Selector are the tags or labels of the Dataplanes behind the service, on Kubernetes
	// those of the Service's own selector; nil if it selects by something else.
	Selector  Tags
	dataplane string // name of the one Dataplane behind it, if it selects that
	ports     []servicePort
}

// servicePort is a port of a MeshService.
type servicePort struct {
	port     uint32
	name     string
	protocol string // appProtocol; empty: tcp
}

func decodeMeshService(r *Resource) *MeshService {
	m := &MeshService{Resource: r}
	selector := r.Spec.Field("selector")
	if labels := selector.Field("dataplaneLabels"); labels.Present() {
		m.Selector = TagsOf(labels.Field("matchLabels"))
	} else if tags := selector.Field("dataplaneTags"); tags.Present() {
		m.Selector = TagsOf(tags)
	}
	m.dataplane = strings.Clone(selector.Field("dataplaneRef").Field("name").Str())
	for _, v := range r.Spec.Field("ports").Items() {
		m.ports = append(m.ports, servicePort{
			port: v.Field("port").Port(), name: strings.Clone(v.Field("name").Str()), protocol: strings.Clone(v.Field("appProtocol").Str()),
		})
	}
	return m
}

// Has reports whether a resource has all labels of a reference. Its display name counts
// as a label, https://kuma.io/docs/2.13.x/policies/introduction/.
func (r *Resource) Has(labels Tags) bool {
	for _, label := range labels {
		own := r.Labels.Get(label.Key)
		if label.Key == DisplayNameLabel {
			own = r.DisplayName()
		}
		if own != label.Value {
			return false
		}
	}
	return len(labels) > 0
}

// Service is a Kubernetes Service.
type Service struct {
	Name, Namespace string
	Selector        Tags // labels of pods
}

// decodeService reads a Service without reporting problems, because Services matter for
// few selectors.
func decodeService(doc *manifest.Document) *Service {
	selector := Tags{}
	for key, value := range doc.Root.Get("spec").Get("selector").Pairs() {
		if value.Kind == manifest.String {
			selector = append(selector, Tag{strings.Clone(key.Text), strings.Clone(value.Text)})
		}
	}
	return &Service{
		Name: strings.Clone(textAt(doc.Root, "metadata", "name")), Namespace: strings.Clone(textAt(doc.Root, "metadata", "namespace")),
		Selector: selector.ordered(),
	}
}

// ServiceSelector returns the selector and the namespace of the Kubernetes Service that a value
// of the tag kuma.io/service names: of the Service itself, else of the MeshService that Kuma
// makes of it. The selector is nil if the input has neither.
func (s *Snapshot) ServiceSelector(mesh, service string) (selector Tags, namespace string) {
	named, _, ok := serviceOfTag(service)
	if !ok {
		return nil, ""
	}
	for _, of := range s.Services {
		if of.Name == named.name && of.Namespace == named.namespace && len(of.Selector) > 0 {
			return of.Selector, of.Namespace
		}
	}
	for _, m := range s.MeshServices {
		if m.Mesh == mesh && m.Namespace == named.namespace && m.DisplayName() == named.name {
			return m.Selector, m.Namespace
		}
	}
	return nil, ""
}

// reroutes reports whether the conf of a TrafficRoute, or a part of it, sends requests to a
// service by name.
func reroutes(conf *manifest.Node) bool {
	if service := textAt(conf, "destination", ServiceTag); service != "" && service != Any {
		return true
	}
	for _, list := range []string{"split", "http"} {
		items := conf.Get(list).Items()
		for i := range items {
			if reroutes(&items[i]) {
				return true
			}
		}
	}
	return false
}

// services finds the MeshService of a backendRef by each of its labels, in the order of the
// input.
type services map[serviceLabel][]*MeshService

type serviceLabel struct {
	mesh string
	Tag
}

func newServices(all []*MeshService) services {
	s := make(services)
	for _, m := range all {
		for _, label := range m.Labels.With(DisplayNameLabel, m.DisplayName()) {
			s[serviceLabel{m.Mesh, label}] = append(s[serviceLabel{m.Mesh, label}], m)
		}
	}
	return s
}

// with returns those of a mesh that have labels.
func (s services) with(mesh string, labels Tags) []*MeshService {
	var fewest []*MeshService // with one of them
	for i, label := range labels {
		if of := s[serviceLabel{mesh, label}]; i == 0 || len(of) < len(fewest) {
			fewest = of
		}
	}
	return lists.Keep(fewest, func(m *MeshService) bool { return m.Has(labels) })
}

// find returns the MeshService that ref names and the port, or nil if the input has none. A name
// means the one of the zone of dp (seen on 2.14.3). Of
// several with its labels the oldest counts, whatever ports it has
// (resolveResourceIdentifier in pkg/xds/context of Kuma's tag 2.14.3 and its main branch);
// without creation times it is the first in the input. Of those of several zones the oldest is
// another one in each zone, so that one for HTTP is taken: what may be is compared.
func (s services) find(version Version, dp *Dataplane, ref *BackendRef) (*MeshService, servicePort) {
	if ref.Kind != KindMeshService {
		return nil, servicePort{}
	}
	named := !ref.Labelled && ref.Labels.Get(DisplayNameLabel) != ""
	var oldest []*MeshService // of each zone
	for _, m := range s.with(dp.Mesh, ref.Labels) {
		if m.lacksLabel(version, ref) || named && !mayBeZone(m.Labels, dp.Zone()) {
			continue
		}
		port, ok := m.portOf(ref)
		if named && ok {
			return m, port
		}
		i := slices.IndexFunc(oldest, func(other *MeshService) bool { return other.Labels.Get(ZoneLabel) == m.Labels.Get(ZoneLabel) })
		switch {
		case i < 0:
			oldest = append(oldest, m)
		case !named && !m.Created.IsZero() && m.Created.Before(oldest[i].Created):
			oldest[i] = m
		}
	}
	if len(oldest) == 0 {
		return nil, servicePort{}
	}
	i := slices.IndexFunc(oldest, func(m *MeshService) bool {
		port, _ := m.portOf(ref)
		return port.isHTTP()
	})
	found := oldest[max(i, 0)]
	port, _ := found.portOf(ref)
	return found, port
}

// portOf returns the port of m that a reference is for.
func (m *MeshService) portOf(ref *BackendRef) (servicePort, bool) {
	i := slices.IndexFunc(m.ports, func(p servicePort) bool { return p.port == ref.Port })
	if i < 0 && ref.Port == 0 && len(m.ports) == 1 {
		i = 0
	}
	if i < 0 {
		return servicePort{}, false
	}
	return m.ports[i], true
}

// isUnlabelled reports whether a reference finds no MeshService only because the one of its
// name lacks the label.
func (s services) isUnlabelled(version Version, mesh string, ref *BackendRef) bool {
	return ref.Kind == KindMeshService &&
		slices.ContainsFunc(s.with(mesh, ref.Labels), func(m *MeshService) bool { return m.lacksLabel(version, ref) })
}

// lacksLabel reports whether m does not have the label kuma.io/display-name of a reference: on
// Universal up to 2.14 only a manifest sets it (Compute in pkg/core/resources/labels of Kuma's
// tag 2.14.3; seen there).
func (m *MeshService) lacksLabel(version Version, ref *BackendRef) bool {
	return ref.Labelled && m.Namespace == "" && !version.SelectsByDisplayName() && m.Labels.Get(DisplayNameLabel) == ""
}

func (p servicePort) isHTTP() bool { return isHTTP(strings.ToLower(p.protocol)) }

// outboundName returns the name of a MeshService's port as a destination: from 3.0 on that
// of its resource, kri_msvc_MESH_ZONE_NAMESPACE_NAME_PORT (recorded/meshtrace/dataplane-kind
// on 3.0), before MESH_NAME_NAMESPACE_ZONE_msvc_PORT (package destinationname in
// pkg/core/resources/apis/core of Kuma's tag 2.13.10). zone is the control plane's.
func (m *MeshService) outboundName(version Version, port servicePort, zone string) string {
	zone = cmp.Or(m.Labels.Get(ZoneLabel), zone)
	number := strconv.Itoa(int(port.port))
	if !version.NamesByResource() {
		return strings.Join([]string{m.Mesh, m.DisplayName(), m.Namespace, zone, "msvc", number}, "_")
	}
	return strings.Join([]string{"kri", "msvc", m.Mesh, zone, m.Namespace, m.DisplayName(), cmp.Or(port.name, number)}, "_")
}
