package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
)

// AddZone adds the content of a zone's own control plane to the snapshot of its global
// control plane. The zone's version, Dataplanes, own MeshTraces and own MeshProxyPatches
// replace the global's copies; its copies of the TrafficTraces are added, whose creation times decide in the
// zone. It returns an error when zone does not belong to that zone, or s not to a global
// control plane.
func (s *Snapshot) AddZone(name string, zone *Snapshot) error {
	origin, from := s.About(), zone.About()
	switch {
	case origin.Mode != "" && origin.Mode != ModeGlobal:
		return fmt.Errorf("zone %q cannot be added to a control plane that is a %s, not a global one; read the global one",
			name, origin.Mode.words())
	case s.zones[name] != nil:
		return fmt.Errorf("zone %q is passed twice", name)
	case from.Mode == ModeGlobal:
		return fmt.Errorf("zone %q: its source is a global control plane; pass the zone's own", name)
	case from.Zone != "" && from.Zone != name:
		return fmt.Errorf("zone %q: its source belongs to zone %q", name, from.Zone)
	case from.Source == "": // such as kumactl export, which may leave kinds out
		return fmt.Errorf("zone %q: its source does not name its control plane, so what it does not contain may exist there; "+
			"save it with `tracemigrate snapshot`", name)
	}
	for _, kind := range []string{KindDataplane, KindMeshTrace, KindTrafficTrace, KindMesh} {
		if u, lacks := from.Lacks(kind); lacks {
			return fmt.Errorf("zone %q: its source does not contain %s, which could not be read: %s", name, kind, u.Reason)
		}
	}
	for _, mesh := range s.Meshes {
		if len(from.Meshes) > 0 && !slices.Contains(from.Meshes, mesh.Name) {
			return fmt.Errorf("zone %q: its source has only the meshes %s; read it without --mesh, or every source with the same --mesh",
				name, strings.Join(from.Meshes, ", "))
		}
	}
	dataplanes, err := zone.dataplanesOf(name)
	if err != nil {
		return err
	}
	origin.Mode = ModeGlobal
	origin.Unread = slices.DeleteFunc(slices.Clone(origin.Unread), func(u Unread) bool { return u.What == ModeOfControlPlane })
	for _, kind := range []string{KindMeshProxyPatch, KindProxyTemplate} {
		if u, lacks := from.Lacks(kind); lacks && !s.Lacks(kind) {
			origin.Unread = append(origin.Unread, u)
		}
	}
	origin.addZone(name, from.Version)
	s.Origin = &origin
	s.Dataplanes = slices.Concat(lists.Keep(s.Dataplanes, func(dp *Dataplane) bool { return dp.Zone() != name }), dataplanes)
	s.MeshTraces = withOwnPolicies(s.MeshTraces, zone.MeshTraces, name)
	s.ProxyPatches = withOwnPolicies(s.ProxyPatches, zone.ProxyPatches, name)
	s.Problems = append(slices.Clone(s.Problems), zone.Problems...)
	s.zones = maps.Clone(s.zones)
	if s.zones == nil {
		s.zones = make(map[string]*Snapshot)
	}
	s.zones[name] = zone
	return nil
}

// words returns the mode as a message shows it.
func (m Mode) words() string { return strings.ReplaceAll(string(m), "-", " ") }

// addZone records the version that a zone's own control plane reports.
func (o *Origin) addZone(name, version string) {
	o.Zones = slices.Clone(o.Zones)
	i := slices.IndexFunc(o.Zones, func(z Zone) bool { return z.Name == name })
	if i < 0 {
		o.Zones = append(o.Zones, Zone{Name: name})
		i = len(o.Zones) - 1
	}
	o.Zones[i].Version = cmp.Or(version, o.Zones[i].Version)
	slices.SortFunc(o.Zones, func(a, b Zone) int { return strings.Compare(a.Name, b.Name) })
}

// dataplanesOf returns the Dataplanes of a zone's own control plane, each with the label
// of the zone.
func (s *Snapshot) dataplanesOf(zone string) ([]*Dataplane, error) {
	list := make([]*Dataplane, 0, len(s.Dataplanes))
	for _, dp := range s.Dataplanes {
		switch dp.Zone() {
		case zone:
		case "":
			labelled := *dp
			labelled.Labels = dp.Labels.With(ZoneLabel, zone)
			dp = &labelled
		default:
			return nil, fmt.Errorf("zone %q: its source has %s, which is in zone %q", zone, dp, dp.Zone())
		}
		list = append(list, dp)
	}
	return list, nil
}

// ownedBy reports whether r is a copy of a policy that a zone made for itself.
func (r *Resource) ownedBy(zone string) bool {
	return r.Labels.Get(OriginLabel) == "zone" && r.Labels.Get(ZoneLabel) == zone
}

// withOwnPolicies returns the policies of a global control plane, without its copies of those
// that a zone made for itself, and then these, each with the label of the zone. Of the zone's
// policies, those from the global control plane have another origin label. Up to 2.6.0 there
// is no such label, and a policy that the global one has too belongs to it.
func withOwnPolicies(global, policies []*Resource, zone string) []*Resource {
	type key struct{ kind, mesh, name string }
	keyOf := func(r *Resource) key { return key{r.kind, r.Mesh, r.DisplayName()} }
	all := lists.Keep(global, func(r *Resource) bool { return !r.ownedBy(zone) })
	known := lists.Set(all, keyOf)
	for _, r := range policies {
		if origin := r.Labels.Get(OriginLabel); origin != "zone" && (origin != "" || known[keyOf(r)]) {
			continue
		}
		labelled := *r
		labelled.Labels = r.Labels.With(OriginLabel, "zone").With(ZoneLabel, zone)
		all = append(all, &labelled)
	}
	return all
}

// Zones returns the added snapshots of zones' own control planes, by name.
func (s *Snapshot) Zones() map[string]*Snapshot { return s.zones }

// manyZones reports whether the Dataplanes belong to several zones, as only those of a
// global control plane do.
func (s *Snapshot) manyZones() bool {
	first := ""
	for _, dp := range s.Dataplanes {
		zone := dp.Zone()
		if first == "" {
			first = zone
		}
		if zone != "" && zone != first {
			return true
		}
	}
	return false
}

// MayBeGlobal reports whether s may come from a global control plane, whose creation
// times are not those of the zones' copies. Without a known mode, it may if its
// Dataplanes belong to several zones, or if they have an origin label and its
// TrafficTraces are not copies in a zone.
func (s *Snapshot) MayBeGlobal() bool {
	if mode := s.About().Mode; mode != "" {
		return mode == ModeGlobal
	}
	copied := slices.ContainsFunc(s.TrafficTraces, func(r *Resource) bool { return r.Labels.Get(OriginLabel) == "global" })
	return s.manyZones() || !copied && slices.ContainsFunc(s.Dataplanes, func(dp *Dataplane) bool { return dp.Labels.Get(OriginLabel) != "" })
}

// IsInZone reports whether a zone has the policy or MeshGateway with these labels: what
// another zone made for itself, a global control plane has as a copy (dppSelectedByZone and
// filterGatewaysByZone in pkg/plugins/policies/core/matchers of Kuma's tags 2.9 to 2.14;
// older zones have their own alone). Without a zone, or a label of it, it is unknown: true.
func IsInZone(labels Tags, zone string) bool {
	return labels.Get(OriginLabel) != "zone" || mayBeZone(labels, zone)
}

// mayBeZone reports whether labels are those of a zone's resource: without a zone, or a label of
// it, that is unknown.
func mayBeZone(labels Tags, zone string) bool {
	of := labels.Get(ZoneLabel)
	return of == "" || zone == "" || of == zone
}

// DisplayName returns the name that r has where it was made: for a copy in a zone, the
// name of the original.
func (r *Resource) DisplayName() string {
	return cmp.Or(r.Labels.Get(DisplayNameLabel), r.Name)
}

// zoneFiles returns the zone of each file that is a zone's snapshot, if the input also
// has the snapshot of a global control plane.
func zoneFiles(entries []entry) map[string]string {
	zones := make(map[string]string)
	global, several := 0, false
	var first *Origin
	for _, e := range entries {
		o := e.origin
		switch {
		case o == nil:
			continue
		case o.Mode == ModeGlobal:
			global++
		case o.Zone != "":
			zones[e.Place.File] = o.Zone
		}
		several = several || first != nil && !reflect.DeepEqual(first, o)
		first = o
	}
	if global == 0 || !several {
		return nil
	}
	return zones
}

// addZoneFile calls AddZone for a zone's snapshot that is read from a file. An error
// becomes a problem of the file.
func (s *Snapshot) addZoneFile(name string, zone *Snapshot) {
	for file := range zone.originFiles {
		s.originFiles[file] = true
	}
	if err := s.AddZone(name, zone); err != nil {
		files := slices.Sorted(maps.Keys(zone.originFiles))
		s.Problems = append(s.Problems, &manifest.Problem{
			Place: manifest.Place{File: files[0]}, Severity: manifest.Error, Of: theOrigin, Fault: err.Error(),
		})
	}
}

// SplitZone splits NAME=SOURCE into name and source.
func SplitZone(text string) (name, source string, err error) {
	name, source, ok := strings.Cut(text, "=")
	if !ok || name == "" || source == "" {
		return "", "", errors.New("write NAME=SOURCE: a URL, a name in kumactl's configuration, context:NAME, or a snapshot file")
	}
	return name, source, nil
}
