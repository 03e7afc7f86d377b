package cluster

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"tracemigrate/cluster/manifest"
)

// AddZone adds what a zone's own control plane holds to the snapshot of its global
// control plane: the zone's version, its Dataplanes in place of the global's copies
// of them, its own MeshTraces likewise, and its copies of the TrafficTraces, whose
// creation times decide in the zone. It returns an error when zone is not of a
// zone of that name, or s not of a global control plane.
func (s *Snapshot) AddZone(name string, zone *Snapshot) error {
	var origin Origin
	if s.Origin != nil {
		origin = *s.Origin
	}
	switch {
	case origin.Mode != "" && origin.Mode != ModeGlobal:
		return fmt.Errorf("zone %q cannot be added to a control plane that is a %s, not a global one; read the global one",
			name, origin.Mode.words())
	case s.zones[name] != nil:
		return fmt.Errorf("zone %q is passed twice", name)
	case zone.Origin != nil && zone.Origin.Mode == ModeGlobal:
		return fmt.Errorf("zone %q: its source is a global control plane; pass the zone's own", name)
	case zone.Origin != nil && zone.Origin.Zone != "" && zone.Origin.Zone != name:
		return fmt.Errorf("zone %q: its source belongs to zone %q", name, zone.Origin.Zone)
	}
	if zone.Origin == nil || zone.Origin.Source == "" { // as of kumactl export, which may leave kinds out
		return fmt.Errorf("zone %q: its source does not name its control plane, so what it does not contain may exist there; "+
			"save it with `tracemigrate snapshot`", name)
	}
	for _, kind := range []string{KindDataplane, KindMeshTrace, KindTrafficTrace, KindMesh} {
		if u, lacks := zone.Origin.Lacks(kind); lacks {
			return fmt.Errorf("zone %q: its source does not contain %s, which could not be read: %s", name, kind, u.Reason)
		}
	}
	for _, mesh := range s.Meshes {
		if len(zone.Origin.Meshes) > 0 && !slices.Contains(zone.Origin.Meshes, mesh.Name) {
			return fmt.Errorf("zone %q: its source has only the meshes %s; read it without --mesh, or every source with the same --mesh",
				name, strings.Join(zone.Origin.Meshes, ", "))
		}
	}
	dataplanes, err := zone.dataplanesOf(name)
	if err != nil {
		return err
	}
	origin.Mode = ModeGlobal
	origin.Unread = slices.DeleteFunc(slices.Clone(origin.Unread), func(u Unread) bool { return u.What == ModeOfControlPlane })
	origin.addZone(name, zone.Origin)
	s.Origin = &origin
	own := zone.ownMeshTraces(name, s.MeshTraces)
	s.Dataplanes = slices.DeleteFunc(slices.Clone(s.Dataplanes), func(dp *Dataplane) bool { return dp.Zone() == name })
	s.Dataplanes = append(s.Dataplanes, dataplanes...)
	s.MeshTraces = slices.DeleteFunc(slices.Clone(s.MeshTraces), func(r *Resource) bool { return r.ownedBy(name) })
	s.MeshTraces = append(s.MeshTraces, own...)
	s.Problems = append(slices.Clone(s.Problems), zone.Problems...)
	s.zones = maps.Clone(s.zones)
	if s.zones == nil {
		s.zones = make(map[string]*Snapshot)
	}
	s.zones[name] = zone
	return nil
}

// words is the mode as a message has it.
func (m Mode) words() string { return strings.ReplaceAll(string(m), "-", " ") }

// addZone takes the version that a zone's own control plane reports.
func (o *Origin) addZone(name string, zone *Origin) {
	o.Zones = slices.Clone(o.Zones)
	i := slices.IndexFunc(o.Zones, func(z Zone) bool { return z.Name == name })
	if i < 0 {
		o.Zones = append(o.Zones, Zone{Name: name})
		i = len(o.Zones) - 1
	}
	if zone != nil && zone.Version != "" {
		o.Zones[i].Version = zone.Version
	}
	slices.SortFunc(o.Zones, func(a, b Zone) int { return strings.Compare(a.Name, b.Name) })
}

// dataplanesOf returns the Dataplanes of a zone's own control plane, each labelled
// with the zone.
func (s *Snapshot) dataplanesOf(zone string) ([]*Dataplane, error) {
	list := make([]*Dataplane, 0, len(s.Dataplanes))
	for _, dp := range s.Dataplanes {
		switch dp.Zone() {
		case zone:
		case "":
			labelled := *dp
			labelled.Labels = maps.Clone(dp.Labels)
			if labelled.Labels == nil {
				labelled.Labels = make(map[string]string)
			}
			labelled.Labels[ZoneLabel] = zone
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
	return r.Labels[OriginLabel] == "zone" && r.Labels[ZoneLabel] == zone
}

// ownMeshTraces returns the MeshTraces that a zone made for itself, each labelled
// with the zone. What comes from the global control plane carries another origin;
// up to 2.6.0 nothing carries one, and what the global one has is its own.
func (s *Snapshot) ownMeshTraces(zone string, global []*Resource) []*Resource {
	type key struct{ mesh, name string }
	known := make(map[key]bool, len(global))
	for _, r := range global {
		if !r.ownedBy(zone) {
			known[key{r.Mesh, r.DisplayName()}] = true
		}
	}
	var own []*Resource
	for _, r := range s.MeshTraces {
		if origin := r.Labels[OriginLabel]; origin != "zone" && (origin != "" || known[key{r.Mesh, r.DisplayName()}]) {
			continue
		}
		labelled := *r
		labelled.Labels = maps.Clone(r.Labels)
		if labelled.Labels == nil {
			labelled.Labels = make(map[string]string)
		}
		labelled.Labels[OriginLabel] = "zone"
		labelled.Labels[ZoneLabel] = zone
		own = append(own, &labelled)
	}
	return own
}

// Zones returns, by name, the snapshots of zones' own control planes that were
// added.
func (s *Snapshot) Zones() map[string]*Snapshot { return s.zones }

// manyZones reports whether the Dataplanes are of several zones, as only a global
// control plane holds them.
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

// MayBeGlobal reports whether s may be of a global control plane, whose creation
// times are not those of the zones' copies: it is, or its files do not tell and
// have Dataplanes of several zones, or Dataplanes that say where they come from
// beside TrafficTraces that are no copies in a zone.
func (s *Snapshot) MayBeGlobal() bool {
	if s.Origin != nil && s.Origin.Mode != "" {
		return s.Origin.Mode == ModeGlobal
	}
	copied := slices.ContainsFunc(s.TrafficTraces, func(r *Resource) bool { return r.Labels[OriginLabel] == "global" })
	return s.manyZones() || !copied && slices.ContainsFunc(s.Dataplanes, func(dp *Dataplane) bool { return dp.Labels[OriginLabel] != "" })
}

// DisplayName is the name that r has where it was made: that of the original for a
// copy in a zone.
func (r *Resource) DisplayName() string {
	if name := r.Labels[DisplayNameLabel]; name != "" {
		return name
	}
	return r.Name
}

// zoneFiles returns the zone of each file that is a zone's snapshot, where it
// is beside that of a global control plane.
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

// addZoneFile is AddZone for a zone's snapshot that is read from a file; what does
// not fit is a problem of the file.
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

var errNoZone = errors.New("write NAME=SOURCE: a URL, a name in kumactl's configuration, context:NAME, or a snapshot file")

// SplitZone splits NAME=SOURCE.
func SplitZone(text string) (name, source string, err error) {
	name, source, ok := strings.Cut(text, "=")
	if !ok || name == "" || source == "" {
		return "", "", errNoZone
	}
	return name, source, nil
}
