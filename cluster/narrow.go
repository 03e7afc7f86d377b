package cluster

import (
	"cmp"
	"maps"
	"slices"

	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
)

// Only returns s without the resources of meshes that are not named, and s itself when
// none is named. It returns an error when s has meshes and a named one is missing.
func (s *Snapshot) Only(meshes []string) (*Snapshot, error) {
	if len(meshes) == 0 {
		return s, nil
	}
	known := lists.Each(s.Meshes, func(mesh *Resource) string { return mesh.Name })
	if len(known) > 0 {
		if err := CheckMeshes("the input", meshes, known); err != nil {
			return nil, err
		}
	}
	wanted := lists.Set(meshes, func(name string) string { return name })
	rest := s.keeping(func(mesh string, _ manifest.Place) bool { return wanted[mesh] })
	rest.Problems = slices.DeleteFunc(slices.Clone(s.Problems), func(p *manifest.Problem) bool {
		mesh, ok := p.Of.InMesh()
		return ok && !wanted[mesh]
	})
	if namespace := s.SystemNamespace(); namespace != "" {
		rest.systemNamespaces = []string{namespace} // even if only other meshes name it
	}
	rest.others = slices.Clone(s.others)
	for _, r := range s.MeshTraces {
		if !wanted[r.Mesh] && r.Format == Kubernetes {
			rest.others = append(rest.others, r.Name)
		}
	}
	rest.otherTraces = slices.Clone(s.otherTraces)
	for _, r := range s.TrafficTraces {
		if !wanted[r.Mesh] {
			rest.otherTraces = append(rest.otherTraces, r.traceName())
		}
	}
	rest.TrafficRoutes = maps.Clone(s.TrafficRoutes)
	maps.DeleteFunc(rest.TrafficRoutes, func(mesh string, _ bool) bool { return !wanted[mesh] })
	return rest, nil
}

// keeping returns s with the resources that stay, by their mesh and place.
func (s *Snapshot) keeping(stays func(mesh string, place manifest.Place) bool) *Snapshot {
	resource := func(r *Resource) bool { return stays(cmp.Or(r.Mesh, r.Name), r.Place) } // a Mesh is its own
	rest := *s
	rest.Meshes, rest.TrafficTraces = lists.Keep(s.Meshes, resource), lists.Keep(s.TrafficTraces, resource)
	rest.MeshTraces, rest.OTelBackends = lists.Keep(s.MeshTraces, resource), lists.Keep(s.OTelBackends, resource)
	rest.ExternalServices, rest.Routes = lists.Keep(s.ExternalServices, resource), lists.Keep(s.Routes, resource)
	rest.ProxyPatches = lists.Keep(s.ProxyPatches, resource)
	rest.Dataplanes = lists.Keep(s.Dataplanes, func(dp *Dataplane) bool { return stays(dp.Mesh, dp.Place) })
	rest.MeshGateways = lists.Keep(s.MeshGateways, func(g *MeshGateway) bool { return resource(g.Resource) })
	rest.MeshServices = lists.Keep(s.MeshServices, func(m *MeshService) bool { return resource(m.Resource) })
	return &rest
}

// traceName returns what the names of a TrafficTrace's policies depend on.
func (r *Resource) traceName() TraceName {
	var problems []*manifest.Problem // are reported when its mesh is converted
	var matches []Tags
	for _, v := range r.Spec.Into(&problems).Field("selectors").Items() {
		matches = append(matches, TagsOf(v.Field("match")))
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
	isError := func(p *manifest.Problem) bool { return p.Severity == manifest.Error }
	failed := lists.Keep(slices.Concat(s.Problems, problems), isError)
	broken := lists.Set(failed, func(p *manifest.Problem) document { return document{p.File, p.Place.Document} })
	stays := func(p manifest.Place) bool { return !broken[document{p.File, p.Document}] }
	rest := s.keeping(func(_ string, place manifest.Place) bool { return stays(place) })
	rest.Problems = slices.DeleteFunc(slices.Clone(s.Problems), isError)
	rest.Skipped = slices.Concat(s.Skipped, failed)
	rest.unreadable, rest.unreadableGateways = s.unreadable.copied(), s.unreadableGateways.copied()
	known := make(map[document]bool)
	addIfBroken := func(to unreadable, r *Resource) {
		if !stays(r.Place) {
			known[document{r.File, r.Place.Document}] = true
			mesh, _ := r.Subject().InMesh()
			to.add(mesh, r.String())
		}
	}
	for _, r := range slices.Concat(s.Meshes, s.TrafficTraces, s.MeshTraces) {
		addIfBroken(rest.unreadable, r)
	}
	for _, g := range s.MeshGateways {
		addIfBroken(rest.unreadableGateways, g.Resource)
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
	return rest
}

// Decoded returns s without the text of the resources that package legacy decodes, so
// that it can be released.
func (s *Snapshot) Decoded() *Snapshot {
	decoded := *s
	decoded.Meshes, decoded.TrafficTraces = lists.Each(s.Meshes, (*Resource).WithoutSpec), lists.Each(s.TrafficTraces, (*Resource).WithoutSpec)
	return &decoded
}
