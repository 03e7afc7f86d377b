package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tracemigrate/cluster/lists"
)

// serviceNameLabel is the label of a MeshService that a control plane makes of a Kubernetes
// Service: the name of the Service (manageMeshService in pkg/plugins/runtime/k8s/controllers of
// Kuma's tag 2.14.3).
const serviceNameLabel = "k8s.kuma.io/service-name"

// kubeService names a Kubernetes Service.
type kubeService struct{ mesh, namespace, name string }

// kubeServices are the MeshServices that control planes make of Services, more than one where
// several zones have it, or where each pod gets its own.
type kubeServices map[kubeService][]*MeshService

func kubeServicesOf(all []*MeshService) kubeServices {
	services := make(kubeServices)
	for _, m := range all {
		if name := m.Labels.Get(serviceNameLabel); name != "" {
			of := kubeService{m.Mesh, cmp.Or(m.Labels.Get(NamespaceLabel), m.Namespace), name}
			services[of] = append(services[of], m)
		}
	}
	return services
}

// have reports whether a MeshService has the port for HTTP of each Service with which proxies
// reach an inbound of dp for HTTP today, by its tags.
func (services kubeServices) have(dp *Dataplane) bool {
	lacks := func(in Inbound) bool {
		service, port, ok := serviceOfTag(in.Tags.Get(ServiceTag))
		if !ok || port == 0 || in.Ignored || !isHTTP(taggedProtocol(in.Tags)) {
			return false
		}
		service.mesh = dp.Mesh
		return !slices.ContainsFunc(services[service], func(m *MeshService) bool {
			isPort := func(p servicePort) bool { return p.port == port && p.isHTTP() }
			return mayBeZone(m.Labels, dp.Zone()) && slices.ContainsFunc(m.ports, isPort)
		})
	}
	return !slices.ContainsFunc(dp.Inbounds, lacks)
}

// unserved returns, by mesh, the Dataplanes on Kubernetes that proxies reach for HTTP today and
// that no MeshService for HTTP has, where control planes make MeshServices besides.
func (services kubeServices) unserved(s *Snapshot) map[string][]*Dataplane {
	lacking := lists.Keep(s.Dataplanes, func(dp *Dataplane) bool {
		mode := s.serviceModes[dp.Mesh]
		return !dp.OnUniversal() && mode != "" && mode != exclusive && !services.have(dp)
	})
	return lists.Group(lacking, func(dp *Dataplane) string { return dp.Mesh })
}

// isUntagged reports whether an inbound for HTTP has no tags, so that only a MeshService leads to it.
func (dp *Dataplane) isUntagged() bool {
	return slices.ContainsFunc(dp.Inbounds, func(in Inbound) bool {
		return in.Tags.Get(ServiceTag) == "" && isHTTP(strings.ToLower(in.Protocol))
	})
}

// serviceOfTag returns the Service, without its mesh, and the port of a value of kuma.io/service:
// NAME_NAMESPACE_svc_PORT, or without a port NAME_NAMESPACE_svc.
func serviceOfTag(value string) (service kubeService, port uint32, ok bool) {
	parts := strings.Split(value, "_")
	if len(parts) < 3 || len(parts) > 4 || parts[2] != "svc" {
		return kubeService{}, 0, false
	}
	service = kubeService{namespace: parts[1], name: parts[0]}
	if len(parts) == 3 {
		return service, 0, true
	}
	n, err := strconv.ParseUint(parts[3], 10, 16)
	return service, uint32(n), err == nil
}

// uncertainOutbounds returns why it is not known of which Services on Kubernetes a control plane
// from 3.0 on makes MeshServices, and with which protocols, by mesh. Labels of Services and their
// Namespaces decide, and appProtocol of their ports, no longer annotations
// (MeshServiceReconciler in pkg/plugins/runtime/k8s/controllers of Kuma's main branch; seen on
// 3.0). A control plane that makes MeshServices before has the same rules.
func (l *Listeners) uncertainOutbounds() map[string]string {
	s, services := l.snapshot, l.ofKubernetes()
	const lacksServices = "%s MeshServices, of which Kuma %s makes the outbounds: some may begin, end or become TCP"
	reasons := make(map[string]string)
	for _, dp := range s.Dataplanes {
		if reasons[dp.Mesh] != "" || dp.OnUniversal() {
			continue
		}
		mode, known := s.serviceModes[dp.Mesh]
		switch {
		case mode == exclusive || services.have(dp) && (mode != "" || !dp.isUntagged()):
		case known && mode == "":
			reasons[dp.Mesh] = fmt.Sprintf(lacksServices, "the mesh has no", l.version)
		case !l.resolved:
			reasons[dp.Mesh] = fmt.Sprintf(lacksServices, "the input lacks", l.version)
		}
	}
	return reasons
}
