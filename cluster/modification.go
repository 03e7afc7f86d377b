package cluster

import (
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
)

// Modification is one change that a MeshProxyPatch or ProxyTemplate makes to what the control
// plane has written for Envoy. Both come after all other policies, MeshTraces among them, and
// ProxyTemplates last (pkg/plugins/policies and GenerateSnapshot in pkg/xds/server/v3 of Kuma's
// tags 2.0 to 2.14; the order of plugins in its main branch; seen on 2.7.19 and 2.12.3).
type Modification struct {
	manifest.Place
	Of        string // what it changes: a key of modified, resources, or imports
	Operation string // in lower case; empty: add
	// Name and Origin are those that a cluster must have; empty: any.
	Name, Origin string
	Match        string // the whole match, in one text
	// ByListener is set if the match has what another version may write otherwise: names and
	// tags of listeners.
	ByListener bool
	JSON       bool // the value is a list of JSON patches
	Value      Summary
}

// The clusters of Envoy, and the raw resources of a ProxyTemplate, as Modification.Of.
const (
	ModifiedCluster  = "cluster"
	AddedResources   = "resources"
	withoutProfile   = "imports"
	listenerItself   = "listener"
	filterOfListener = "networkFilter"
	OperationAdd     = "add"
	OperationPatch   = "patch"
	operationRemove  = "remove"
	jsonPatchesField = "jsonPatches"
)

// modified has what a modification can change, and the operations on it.
var modified = []struct {
	of         string
	operations []string
}{
	{ModifiedCluster, resourceOperations},
	{listenerItself, resourceOperations},
	{filterOfListener, filterOperations},
	{"httpFilter", filterOperations},
	{"virtualHost", resourceOperations},
}

var (
	resourceOperations = []string{OperationAdd, operationRemove, OperationPatch}
	filterOperations   = []string{"addFirst", "addLast", "addBefore", "addAfter", operationRemove, OperationPatch}
)

// matchFields are the fields of a match. Each kind of modification has some of them.
var matchFields = []string{"origin", "name", "tags", "listenerName", "listenerTags", "routeConfigurationName"}

// ModificationsOf returns the modifications of a MeshProxyPatch or ProxyTemplate, in the order
// in which they apply.
func ModificationsOf(r *Resource, problems *[]*manifest.Problem) []Modification {
	spec := r.Spec.Recount(problems)
	var found []Modification
	list := spec.Field("default").Field("appendModifications")
	if r.kind == KindProxyTemplate {
		conf := spec.Field("conf")
		list = conf.Field("modifications")
		add := func(at manifest.Value, of string, value Summary) {
			found = append(found, Modification{Place: at.Place(), Of: of, Operation: OperationAdd, Value: value})
		}
		if imports := conf.Field("imports"); !importsProfile(imports) {
			add(imports, withoutProfile, Summary{Tracing: true})
		}
		if raw := conf.Field("resources"); raw.Present() {
			add(raw, AddedResources, summaryOf(raw, manifest.Sequence, false))
		}
	}
	for _, v := range list.Items() {
		var names []string
		before := len(found)
		for _, kind := range modified {
			names = append(names, kind.of)
			of := v.Field(kind.of)
			if of.Present() {
				found = append(found, decodeModification(r, of, kind.of, kind.operations))
			}
			if v.Present() && v.Node().Kind != manifest.Mapping {
				break // Field reports it
			}
		}
		if len(names) == len(modified) && len(found) == before {
			v.Fail("has none of %s", strings.Join(names, ", "))
		}
	}
	return found
}

// importsProfile reports whether a ProxyTemplate imports the profile of sidecars and delegated
// gateways. Without it, they have no listener, traced or not, until 3.0, which ignores the
// ProxyTemplate; the profile gateway-proxy makes those of MeshGateways only (NewDefaultProxyProfile
// in pkg/xds/generator and NewProxyProfile in pkg/plugins/runtime/gateway of Kuma's tag v2.14.3).
func importsProfile(imports manifest.Value) bool {
	imports.List()
	return slices.ContainsFunc(imports.Node().Items(), func(item manifest.Node) bool { return item.Text == "default-proxy" })
}

func decodeModification(r *Resource, v manifest.Value, of string, operations []string) Modification {
	v.Misspelt("match", "operation", "value", jsonPatchesField)
	m := Modification{Place: v.Place(), Of: of, Operation: v.Need("operation").Str()}
	if r.kind == KindMeshProxyPatch {
		operations = lists.Each(operations, func(name string) string { return strings.ToUpper(name[:1]) + name[1:] })
	}
	if m.Operation != "" && !slices.Contains(operations, m.Operation) {
		v.Field("operation").Fail("%.40q is not one of %s", m.Operation, strings.Join(operations, ", "))
	}
	m.Operation = strings.ToLower(m.Operation)
	match := v.Field("match")
	match.Misspelt(matchFields...)
	m.Name, m.Origin = match.Field("name").Str(), match.Field("origin").Str()
	for _, field := range matchFields {
		text := match.Field(field)
		selects := field != "origin" && (field != "name" || of == listenerItself)
		m.ByListener = m.ByListener || selects && text.Present()
		switch {
		case strings.HasSuffix(strings.ToLower(field), "tags"):
			m.Match += fmt.Sprintf("%q ", TagsOf(text))
		default:
			m.Match += fmt.Sprintf("%q ", text.Str())
		}
	}
	if patches := v.Field(jsonPatchesField); patches.Present() {
		m.JSON, m.Value = true, summaryOf(patches, manifest.Sequence, of == ModifiedCluster)
	} else {
		m.Value = summaryOf(v.Field("value"), manifest.String, of == ModifiedCluster)
	}
	return m
}

// ConcernsTracing reports whether a modification can have to do with tracing.
func (m *Modification) ConcernsTracing() bool {
	if len(m.Value.Names) > 0 || m.RemovesTraced() {
		return true
	}
	if m.Of != ModifiedCluster {
		return m.Value.Tracing
	}
	named := m.Name == "" || collectorNames.MatchString(m.Name)
	return m.Operation != OperationAdd && named && (m.Origin == "" || m.Origin == LegacyOrigin || m.Origin == MeshTraceOrigin)
}

// RemovesTraced reports whether a modification removes or replaces listeners, or their filter that
// traces: on another version perhaps others.
func (m *Modification) RemovesTraced() bool {
	switch {
	case m.Of == AddedResources, m.Of == listenerItself && m.Operation == OperationAdd, m.JSON && m.ofListener():
		return m.Value.Replaces
	case m.Operation == operationRemove:
		return m.Of == listenerItself || m.Of == filterOfListener && (m.Name == "" || strings.HasSuffix(m.Name, "http_connection_manager"))
	}
	return false
}

func (m *Modification) ofListener() bool { return m.Of == listenerItself || m.Of == filterOfListener }

// ByName reports whether a modification depends on the names or tags of listeners, which another
// version may write otherwise.
func (m *Modification) ByName() bool { return m.ByListener || m.Value.Replaces && !m.JSON }

// Traces reports whether a modification gives HTTP listeners a tracer of its own, so that they
// are traced without any other policy.
func (m *Modification) Traces() bool {
	return m.Value.Tracing && m.Value.Provider && m.Operation != operationRemove &&
		(m.ofListener() || m.Of == AddedResources)
}

// The origins of the collector's cluster, by which modifications select it (OriginTracing in
// pkg/xds/generator and OriginMeshTrace in the plugin meshtrace of Kuma's tags 2.0 to 2.14).
const (
	LegacyOrigin    = "tracing"
	MeshTraceOrigin = "mesh-trace"
)

// Selects reports whether a modification of clusters changes one with a name and an origin.
func (m *Modification) Selects(name, origin string) bool {
	return m.Of == ModifiedCluster && m.Operation != OperationAdd &&
		(m.Name == "" || m.Name == name) && (m.Origin == "" || m.Origin == origin)
}

// modificationShape has the fields of the modifications of a MeshProxyPatch or ProxyTemplate.
var modificationShape = func() shape {
	match, all := make(shape), make(shape)
	for _, field := range matchFields {
		match[field] = nil
	}
	for _, kind := range modified {
		value, patches := summarised(manifest.String), summarised(manifest.Sequence)
		if kind.of == ModifiedCluster {
			value[ofClusters], patches[ofClusters] = nil, nil
		}
		all[kind.of] = shape{"match": match, "operation": plain, "value": value, jsonPatchesField: patches}
	}
	return all
}()
