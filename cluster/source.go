package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
)

// Source is where resources come from: files, Kubernetes (cluster/kube), or a
// control plane's REST API (cluster/controlplane).
type Source interface {
	// Read passes each resource to use as one text, in an order that depends on the
	// content only. It returns what is known of the control plane, nil for files. It
	// returns an error when the resources are incomplete; ctx ends it early.
	Read(ctx context.Context, use func(manifest.Input)) (*Origin, error)
}

// Inspector returns the Envoy configuration that a control plane computes.
type Inspector interface {
	// Config returns the configuration of a proxy, by its full name, as JSON from the
	// control plane's API; with shadow, as if the shadow policies were applied. It
	// returns an error when the control plane has none.
	Config(ctx context.Context, mesh, proxy string, shadow bool) ([]byte, error)
	// Exists reports whether the control plane still has the proxy's Dataplane.
	Exists(ctx context.Context, mesh, proxy string) (bool, error)
}

// Trial is an API server's answer to the dry run of a policy.
type Trial struct {
	Accepted bool     `json:"accepted" yaml:"accepted"`
	Message  string   `json:"message,omitempty" yaml:"message,omitempty"` // why it was refused
	Warnings []string `json:"warnings,omitempty" yaml:"warnings,omitempty"`
}

// Kinds returns the kinds that a source reads, in this order.
func Kinds() []string { return slices.Clone(kinds) }

// LargestFirst returns Kinds with Dataplane in front: a source begins with the longest list,
// and reads the others meanwhile.
func LargestFirst() []string {
	return lists.Last(kinds, func(kind string) bool { return kind != KindDataplane })
}

// Optional reports whether a run can continue without a kind: then less is known about
// the proxies, but the policies are complete.
func Optional(kind string) bool {
	return kind == KindDataplane || kind == KindMeshGateway || Supplementary(kind)
}

// Supplementary reports whether not every version has a kind, and it decides only on the
// listeners of outbounds, on verdicts, or on the way to 3.0. A source that does not have it
// is complete.
func Supplementary(kind string) bool {
	switch kind {
	case KindMeshService, KindOTelBackend, KindExternalService, KindMeshHTTPRoute, KindMeshTCPRoute, KindMeshProxyPatch, KindProxyTemplate:
		return true
	}
	return false
}

// CheckMeshes returns an error when a source does not have all requested meshes. source
// is its name in the message.
func CheckMeshes(source string, wanted, known []string) error {
	for _, name := range wanted {
		if len(known) == 0 {
			return fmt.Errorf("%s has no mesh %q, and no other", source, name)
		}
		if !slices.Contains(known, name) {
			return fmt.Errorf("%s has no mesh %q; it has: %s", source, name, strings.Join(known, ", "))
		}
	}
	return nil
}

// Load reads a snapshot of a source. It returns an error when the source cannot be read;
// errors of single resources are in the snapshot's Problems.
func Load(ctx context.Context, source Source) (*Snapshot, error) {
	var origin *Origin
	var err error
	s := read(func(yield func(manifest.Input) bool) {
		origin, err = source.Read(ctx, func(input manifest.Input) { yield(input) })
	})
	if err != nil {
		return nil, err
	}
	if origin != nil {
		s.Origin, s.live = origin, true
		s.order()
	}
	return s, nil
}

// order sorts everything in the order of a control plane's lists, by mesh and full name;
// the Kubernetes API has another order.
func (s *Snapshot) order() {
	for _, list := range [][]*Resource{s.Meshes, s.TrafficTraces, s.MeshTraces} {
		slices.SortStableFunc(list, func(a, b *Resource) int { return a.identity().compare(b.identity()) })
	}
	slices.SortStableFunc(s.Dataplanes, func(a, b *Dataplane) int { return a.identity().compare(b.identity()) })
	slices.SortStableFunc(s.MeshGateways, func(a, b *MeshGateway) int { return a.identity().compare(b.identity()) })
}

// compare compares two resources of a kind by mesh and full name.
func (id identity) compare(other identity) int {
	return cmp.Or(cmp.Compare(id.mesh, other.mesh), cmp.Compare(FullName(id.name, id.namespace), FullName(other.name, other.namespace)))
}

// FullName returns the name that a control plane uses for an object: on Kubernetes
// name.namespace.
func FullName(name, namespace string) string {
	if namespace == "" {
		return name
	}
	return name + "." + namespace
}

// Files is the source that reads manifests.
type Files []manifest.Input

// Read implements Source.
func (f Files) Read(_ context.Context, use func(manifest.Input)) (*Origin, error) {
	for _, input := range f {
		use(input)
	}
	return nil, nil
}
