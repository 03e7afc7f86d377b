package cluster

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"

	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
)

// serviceGenerator is the manager of a MeshService that a control plane makes of Dataplanes.
const serviceGenerator = "meshservice-generator"

// serviceMode is the mode of a mesh's MeshServices, empty for one without.
type serviceMode string

// In a mesh with one of these modes, control planes make MeshServices of tags, and each proxy has
// outbounds to all. Only that of one with the mode Exclusive may have unified resource naming.
const (
	everywhere serviceMode = "Everywhere"
	exclusive  serviceMode = "Exclusive"
)

// serviceModeOf returns the mode of a Mesh, which may be a name or a number of the enum
// Mesh.MeshServices.Mode (api/mesh/v1alpha1/mesh.proto of Kuma's tag 2.14.3).
func serviceModeOf(mesh *manifest.Node) serviceMode {
	mode := mesh.Get("meshServices").Get("mode")
	if mode == nil {
		return ""
	}
	switch mode.Text {
	case "Disabled", "0":
		return ""
	case "1":
		return everywhere
	case "3":
		return exclusive
	}
	return serviceMode(strings.Clone(mode.Text))
}

// makers are the Dataplanes that a control plane of Universal makes MeshServices of, so that
// the number of MeshServices does not multiply that of Dataplanes.
type makers struct {
	byWorkload map[destination]*workload
	byService  map[destination][]*Dataplane
}

// workload is the Dataplanes with one value of the label kuma.io/workload.
type workload struct {
	count int
	http  map[uint32]int // by port, how many have it for HTTP
}

// newMakers finds them for a control plane of version.
func newMakers(version Version, dataplanes []*Dataplane) *makers {
	m := &makers{make(map[destination]*workload), make(map[destination][]*Dataplane)}
	for _, dp := range dataplanes {
		if len(dp.Inbounds) == 0 || !dp.OnUniversal() {
			continue
		}
		if name := dp.Labels.Get(WorkloadLabel); isServiceName(name) {
			m.workload(destination{dp.Mesh, name}).add(dp, version)
		}
		for i := range dp.Inbounds {
			service := destination{dp.Mesh, dp.Inbounds[i].Tags.Get(ServiceTag)}
			if of := m.byService[service]; len(of) == 0 || of[len(of)-1] != dp {
				m.byService[service] = append(of, dp)
			}
		}
	}
	return m
}

// isServiceName reports whether a MeshService is made of a label with this value: a DNS label that
// begins with a letter (generator.go in pkg/core/resources/apis/meshservice of Kuma's main branch).
func isServiceName(label string) bool {
	return len(content.IsDNS1123Label(label)) == 0 && label[0] > '9'
}

// unserved returns, by mesh, the Dataplanes on Universal with an inbound for HTTP today that no
// MeshService for HTTP has where a control plane makes these of workloads. On Kubernetes each Service
// becomes one.
func (m *makers) unserved(s *Snapshot) map[string][]*Dataplane {
	byHand := manualOf(s.MeshServices)
	return s.onUniversal(func(dp *Dataplane) bool {
		mode, known := s.serviceModes[dp.Mesh]
		without := func(in Inbound) bool {
			made, _ := m.isHTTP(destination{dp.Mesh, dp.Labels.Get(WorkloadLabel)}, in.Port, true)
			byField := (!known || mode != "") && isHTTP(strings.ToLower(in.Protocol))
			return !made && (byField || isHTTP(taggedProtocol(in.Tags)))
		}
		return slices.ContainsFunc(dp.Inbounds, without) && !byHand.have(dp)
	})
}

// onUniversal returns, by mesh, the Dataplanes on Universal that a function selects.
func (s *Snapshot) onUniversal(selects func(*Dataplane) bool) map[string][]*Dataplane {
	found := lists.Keep(s.Dataplanes, func(dp *Dataplane) bool { return dp.OnUniversal() && selects(dp) })
	return lists.Group(found, func(dp *Dataplane) string { return dp.Mesh })
}

// joining returns, by mesh, the Dataplanes on Universal with an inbound that a MeshService for HTTP
// has where a control plane makes these of workloads, and that proxies reach for TCP on the version
// before: as a service, by the tag kuma.io/protocol alone; as a MeshService, like its own listener
// (generator.go in pkg/core/resources/apis/meshservice of Kuma's tags 2.9 to 2.14; seen on 2.14.3
// and 3.0).
func (m *makers) joining(s *Snapshot, before *Listeners) map[string][]*Dataplane {
	return s.onUniversal(func(dp *Dataplane) bool {
		mode := s.serviceModes[dp.Mesh]
		joins := func(in Inbound) bool {
			made, _ := m.isHTTP(destination{dp.Mesh, dp.Labels.Get(WorkloadLabel)}, in.Port, false)
			switch {
			case !made, (mode == everywhere || mode == exclusive) && isHTTP(dp.protocol(&in, before.version)):
				return false
			case in.NotReady, in.Ignored: // it does not count yet
				return !isHTTP(taggedProtocol(in.Tags))
			}
			return !before.protocols().isHTTP(destination{dp.Mesh, in.Tags.Get(ServiceTag)}, dp.Zone())
		}
		return slices.ContainsFunc(dp.Inbounds, joins)
	})
}

// manual are the MeshServices for HTTP that no control plane makes of Dataplanes, by the first of
// the tags or labels that they select, or by the name of a Dataplane, without a key.
type manual map[serviceLabel][]*MeshService

func manualOf(all []*MeshService) manual {
	of := make(manual)
	for _, m := range all {
		if m.Labels.Get(managedByLabel) == serviceGenerator || !slices.ContainsFunc(m.ports, servicePort.isHTTP) {
			continue
		}
		by := serviceLabel{m.Mesh, Tag{Value: m.dataplane}}
		if len(m.Selector) > 0 {
			by.Tag = m.Selector[0]
		}
		of[by] = append(of[by], m)
	}
	return of
}

// have reports whether dp is behind one of them.
func (of manual) have(dp *Dataplane) bool {
	if of[serviceLabel{dp.Mesh, Tag{Value: dp.DisplayName()}}] != nil {
		return true
	}
	return slices.ContainsFunc(append(dp.TagSets(), dp.Labels), func(set Tags) bool {
		return slices.ContainsFunc(set, func(tag Tag) bool {
			return slices.ContainsFunc(of[serviceLabel{dp.Mesh, tag}], func(m *MeshService) bool { return m.Selector.Match(set) })
		})
	})
}

func (m *makers) workload(name destination) *workload {
	if m.byWorkload[name] == nil {
		m.byWorkload[name] = &workload{http: make(map[uint32]int)}
	}
	return m.byWorkload[name]
}

// add counts the ports of dp, each once.
func (w *workload) add(dp *Dataplane, version Version) {
	w.count++
	counted := make(map[uint32]bool)
	for i := range dp.Inbounds {
		if in := &dp.Inbounds[i]; !counted[in.Port] && isHTTP(dp.protocol(in, version)) {
			counted[in.Port] = true
			w.http[in.Port]++
		}
	}
}

// isHTTP reports whether a port of a MeshService that is made from 3.0 on is for HTTP, and
// whether it is made: of the Dataplanes of its mesh with its name as their label
// kuma.io/workload (generator.go in pkg/core/resources/apis/meshservice of Kuma's main branch).
// Of Dataplanes that differ the one counts that connects first, so the port is taken for
// another one than today.
func (m *makers) isHTTP(name destination, port uint32, today bool) (isHTTP, made bool) {
	of := m.byWorkload[name]
	if of == nil {
		return false, false
	}
	with := of.http[port]
	return with > 0 && (with == of.count || !today), true
}

// areBehind reports whether a Dataplane is behind a generated MeshService today, which selects
// by kuma.io/service, or from 3.0 on by kuma.io/workload.
func (m *makers) areBehind(of *MeshService) bool {
	if m.byWorkload[destination{of.Mesh, of.Selector.Get(WorkloadLabel)}] != nil {
		return true
	}
	selected := func(dp *Dataplane) bool { return slices.ContainsFunc(dp.TagSets(), of.Selector.Match) }
	return len(of.Selector) > 0 && slices.ContainsFunc(m.byService[destination{of.Mesh, of.Selector.Get(ServiceTag)}], selected)
}

// isGenerated reports whether a control plane makes m of the Dataplanes of its own zone, on
// Universal.
func (m *MeshService) isGenerated() bool {
	return m.Namespace == "" && m.Labels.Get(managedByLabel) == serviceGenerator && m.Labels.Get(OriginLabel) != "global"
}
