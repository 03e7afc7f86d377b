package cluster

import (
	"cmp"
	"slices"

	"tracemigrate/cluster/manifest"
)

// Only returns s without the resources of meshes that are not named, and s itself when
// none is named. It returns an error when s has meshes and a named one is missing.
func (s *Snapshot) Only(meshes []string) (*Snapshot, error) {
	if len(meshes) == 0 {
		return s, nil
	}
	known := make([]string, 0, len(s.Meshes))
	for _, mesh := range s.Meshes {
		known = append(known, mesh.Name)
	}
	if len(known) > 0 {
		if err := CheckMeshes("the input", meshes, known); err != nil {
			return nil, err
		}
	}
	wanted := make(map[string]bool, len(meshes))
	for _, name := range meshes {
		wanted[name] = true
	}
	of := func(r *Resource) bool { return wanted[r.Mesh] }
	rest := *s
	rest.Problems = slices.DeleteFunc(slices.Clone(s.Problems), func(p *manifest.Problem) bool {
		mesh, ok := p.Of.InMesh()
		return ok && !wanted[mesh]
	})
	if namespace := s.SystemNamespace(); namespace != "" {
		rest.systemNamespaces = []string{namespace} // even if only other meshes name it
	}
	rest.others = slices.Clone(s.others)
	for _, r := range s.MeshTraces {
		if !of(r) && r.Format == Kubernetes {
			rest.others = append(rest.others, r.Name)
		}
	}
	rest.otherTraces = slices.Clone(s.otherTraces)
	for _, r := range s.TrafficTraces {
		if !of(r) {
			rest.otherTraces = append(rest.otherTraces, r.traceName())
		}
	}
	rest.Meshes = keep(s.Meshes, func(r *Resource) bool { return wanted[r.Name] })
	rest.TrafficTraces, rest.MeshTraces = keep(s.TrafficTraces, of), keep(s.MeshTraces, of)
	rest.Dataplanes = keep(s.Dataplanes, func(dp *Dataplane) bool { return wanted[dp.Mesh] })
	rest.MeshGateways = keep(s.MeshGateways, func(g *MeshGateway) bool { return wanted[g.Mesh] })
	rest.MeshServices = keep(s.MeshServices, func(m *MeshService) bool { return wanted[m.Mesh] })
	rest.OTelBackends = keep(s.OTelBackends, of)
	rest.ExternalServices, rest.MeshHTTPRoutes = keep(s.ExternalServices, of), keep(s.MeshHTTPRoutes, of)
	rest.TrafficRoutes = make(map[string]bool)
	for mesh, routed := range s.TrafficRoutes {
		if wanted[mesh] {
			rest.TrafficRoutes[mesh] = routed
		}
	}
	return &rest, nil
}

// traceName returns what the names of a TrafficTrace's policies depend on.
func (r *Resource) traceName() TraceName {
	var problems []*manifest.Problem // are reported when its mesh is converted
	var matches []map[string]string
	for _, v := range r.Spec.Into(&problems).Field("selectors").Items() {
		matches = append(matches, v.Field("match").Map())
	}
	return TraceName{Mesh: r.Mesh, Name: r.DisplayName(), Several: SeveralPolicies(matches), Format: r.Format}
}

// OtherTrafficTraces returns the TrafficTraces of meshes that were left out.
func (s *Snapshot) OtherTrafficTraces() []TraceName {
	return slices.Concat(s.otherTraces, s.About().OtherTrafficTraces)
}

// OtherMeshTraces returns the names of MeshTraces of meshes that were left out. On
// Kubernetes all MeshTraces share one namespace.
func (s *Snapshot) OtherMeshTraces() []string {
	return slices.Concat(s.others, s.About().OtherMeshTraces)
}

// Live reports whether s was read from a cluster, not from files.
func (s *Snapshot) Live() bool { return s.live }

// FromCluster reports whether s was read from a cluster, directly or through a snapshot.
func (s *Snapshot) FromCluster() bool { return s.live || len(s.originFiles) > 0 }

// Skippable reports whether a problem concerns a resource that was read from a cluster,
// directly or through a snapshot, and not a manifest.
func (s *Snapshot) Skippable(p *manifest.Problem) bool {
	return s.live || s.originFiles[p.File] && p.Of != theOrigin
}

// Skipping returns s without the resources that have an error in the problems of s or in
// problems. Those errors become Skipped.
func (s *Snapshot) Skipping(problems []*manifest.Problem) *Snapshot {
	type document struct {
		file   string
		number int
	}
	broken := make(map[document]bool)
	rest := *s
	rest.Problems = nil
	for i, p := range slices.Concat(s.Problems, problems) {
		switch {
		case p.Severity == manifest.Error:
			broken[document{p.File, p.Place.Document}] = true
			rest.Skipped = append(rest.Skipped, p)
		case i < len(s.Problems):
			rest.Problems = append(rest.Problems, p)
		}
	}
	stays := func(p manifest.Place) bool { return !broken[document{p.File, p.Document}] }
	rest.unreadable, rest.unreadableGateways = s.unreadable.copied(), s.unreadableGateways.copied()
	known := make(map[document]bool)
	for _, list := range [][]*Resource{s.Meshes, s.TrafficTraces, s.MeshTraces} {
		for _, r := range list {
			if !stays(r.Place) {
				known[document{r.File, r.Place.Document}] = true
				mesh, _ := r.Subject().InMesh()
				rest.unreadable.add(mesh, r.String())
			}
		}
	}
	for _, g := range s.MeshGateways {
		if !stays(g.Place) {
			known[document{g.File, g.Place.Document}] = true
			rest.unreadableGateways.add(g.Mesh, g.String())
		}
	}
	for _, p := range rest.Skipped {
		switch {
		case known[document{p.File, p.Place.Document}], s.isOf(KindDataplane, p):
		case s.isOf(KindMeshGateway, p):
			rest.unreadableGateways.add("", cmp.Or(p.Resource(), p.File))
		default:
			mesh, _ := p.Of.InMesh() // none: any
			rest.unreadable.add(mesh, cmp.Or(p.Resource(), "a document"))
		}
	}
	rest.Meshes = keep(s.Meshes, func(r *Resource) bool { return stays(r.Place) })
	rest.TrafficTraces = keep(s.TrafficTraces, func(r *Resource) bool { return stays(r.Place) })
	rest.MeshTraces = keep(s.MeshTraces, func(r *Resource) bool { return stays(r.Place) })
	rest.Dataplanes = keep(s.Dataplanes, func(dp *Dataplane) bool { return stays(dp.Place) })
	rest.MeshGateways = keep(s.MeshGateways, func(g *MeshGateway) bool { return stays(g.Place) })
	rest.MeshServices = keep(s.MeshServices, func(m *MeshService) bool { return stays(m.Place) })
	rest.OTelBackends = keep(s.OTelBackends, func(r *Resource) bool { return stays(r.Place) })
	rest.ExternalServices = keep(s.ExternalServices, func(r *Resource) bool { return stays(r.Place) })
	rest.MeshHTTPRoutes = keep(s.MeshHTTPRoutes, func(r *Resource) bool { return stays(r.Place) })
	return &rest
}

// Decoded returns s without the text of the resources that package legacy decodes, so
// that it can be released.
func (s *Snapshot) Decoded() *Snapshot {
	decoded := *s
	decoded.Meshes, decoded.TrafficTraces = withoutSpecs(s.Meshes), withoutSpecs(s.TrafficTraces)
	return &decoded
}

func withoutSpecs(resources []*Resource) []*Resource {
	var all []*Resource
	for _, r := range resources {
		all = append(all, r.WithoutSpec())
	}
	return all
}

func keep[T any](list []T, stays func(T) bool) []T {
	var kept []T
	for _, item := range list {
		if stays(item) {
			kept = append(kept, item)
		}
	}
	return kept
}
