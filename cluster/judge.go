package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster/manifest"
)

// Doubt is the reason why a proxy's tracing is not known for certain. The zero value is
// no doubt.
type Doubt struct {
	Code   string // names the kind; empty: something could not be read
	Reason string
	others []Doubt // of other kinds
}

// And returns d with other, too. Reasons of one kind become one.
func (d Doubt) And(other Doubt) Doubt {
	if d.Reason == "" {
		return other
	}
	all := d.All()
	for _, o := range other.All() {
		i := slices.IndexFunc(all, func(known Doubt) bool { return known.Code == o.Code })
		switch {
		case i < 0:
			all = append(all, o)
		case all[i].Reason != o.Reason:
			all[i].Reason = join(all[i].Reason, o.Reason)
		}
	}
	return Doubt{all[0].Code, all[0].Reason, all[1:]}
}

// All returns the doubts, one for each kind.
func (d Doubt) All() []Doubt {
	if d.Reason == "" {
		return nil
	}
	return append([]Doubt{{Code: d.Code, Reason: d.Reason}}, d.others...)
}

// Reasons returns the reasons of all kinds in one text, which is empty without a doubt.
func (d Doubt) Reasons() string {
	reasons := d.Reason
	for _, other := range d.others {
		reasons = join(reasons, other.Reason)
	}
	return reasons
}

// join returns two reasons, either of which may be empty, as one.
func join(reason, other string) string {
	if reason == "" || other == "" {
		return reason + other
	}
	return reason + "; " + other
}

// Zone returns the zone of dp, empty when dp does not name it: from a label or, in older
// versions, a tag.
func (dp *Dataplane) Zone() string {
	if zone := dp.Labels.Get(ZoneLabel); zone != "" {
		return zone
	}
	if dp.Gateway != nil && dp.Gateway.Tags.Get(ZoneLabel) != "" {
		return dp.Gateway.Tags.Get(ZoneLabel)
	}
	for i := range dp.Inbounds {
		if zone := dp.Inbounds[i].Tags.Get(ZoneLabel); zone != "" {
			return zone
		}
	}
	return ""
}

// Versions returns the versions of Kuma that decide about proxies: own, the control
// plane's, and those of zones whose rules differ from the versions before them.
func (s *Snapshot) Versions(own Version) []Version {
	versions := []Version{own}
	for _, zone := range s.About().Zones {
		if version, err := ParseLegacyVersion(zone.Version); err == nil && likeOneOf(versions, version) == version && version != own {
			versions = append(versions, version)
		}
	}
	return versions
}

// likeOneOf returns the first of versions that has the same rules as v, else v.
func likeOneOf(versions []Version, v Version) Version {
	if i := slices.IndexFunc(versions, v.SameRules); i >= 0 {
		return versions[i]
	}
	return v
}

// Judge returns a function that returns the versions for which a Dataplane's tracing is
// compared. These are the version of its zone, or all versions if it does not name its
// zone; own is the control plane's. doubt is why the tracing is not certain, else empty.
func (s *Snapshot) Judge(own Version) func(dp *Dataplane) (versions []Version, doubt string) {
	just := []Version{own}
	if s.Origin == nil || s.Origin.Mode != ModeGlobal && len(s.Origin.Zones) == 0 {
		return func(dp *Dataplane) ([]Version, string) { return just, s.Doubt(dp) }
	}
	type zone struct {
		versions []Version
		doubt    string
	}
	anywhere, zones := zone{versions: s.Versions(own)}, make(map[string]zone, len(s.Origin.Zones))
	if u, lacks := s.Origin.Lacks(ZonesOfControlPlane); lacks {
		anywhere.doubt = fmt.Sprintf("the zones' versions could not be read (%s); pass them with --zone-version", u.Reason)
	}
	for _, z := range s.Origin.Zones {
		doubt := z.doubt()
		anywhere.doubt = cmp.Or(anywhere.doubt, doubt)
		zones[z.Name] = zone{just, doubt}
		if version, err := ParseLegacyVersion(z.Version); err == nil {
			zones[z.Name] = zone{[]Version{likeOneOf(anywhere.versions, version)}, ""}
		}
	}
	return func(dp *Dataplane) ([]Version, string) {
		doubt := s.Doubt(dp)
		name := dp.Zone()
		if name == "" || dp.File == "" { // a sample proxy represents the proxies of any zone
			return anywhere.versions, join(doubt, anywhere.doubt)
		}
		z, known := zones[name]
		if !known {
			return just, join(doubt, fmt.Sprintf("the version of its zone %q is unknown; pass it with --zone-version", name))
		}
		return z.versions, join(doubt, z.doubt)
	}
}

// doubt returns why the tracing of the zone's proxies is not known, else "".
func (z Zone) doubt() string {
	version, err := ParseLegacyVersion(z.Version)
	switch {
	case err == nil:
		return ""
	case z.Version == "":
		return fmt.Sprintf("the version of its zone %q is unknown; pass it with --zone-version", z.Name)
	case version == Version{}:
		return fmt.Sprintf("its zone %q runs %s, which is not a release; pass the closest one with --zone-version", z.Name, z.Version)
	}
	return fmt.Sprintf("its zone %q runs %s: %v", z.Name, z.Version, err)
}

// Doubt returns what could not be read and may decide about dp, else "".
func (s *Snapshot) Doubt(dp *Dataplane) string {
	doubt := ""
	if what := s.unreadable.of(dp.Mesh); what != "" {
		doubt = what + " could not be read"
	}
	if what := s.leaving.of(dp.Mesh); what != "" {
		doubt = join(doubt, what+" is being deleted")
	}
	doubt = join(join(doubt, s.zoneUnknown(dp)), s.namedByUnknown(dp))
	if !dp.Builtin() {
		return doubt
	}
	if s.tiedGateways != nil {
		doubt = join(doubt, s.tiedGateways(dp))
	}
	if what := s.leavingGateways.of(dp.Mesh); what != "" {
		doubt = join(doubt, what+" is being deleted")
	}
	if what := s.unreadableGateways.of(dp.Mesh); what != "" {
		return join(doubt, what+" could not be read, and a MeshTrace selects gateways by its tags")
	}
	if s.Lacks(KindMeshGateway) {
		return join(doubt, "the MeshGateways could not be read, and a MeshTrace selects gateways by their tags")
	}
	return doubt
}

// unreadable is what could not be read, or is being deleted, by mesh; "" for what may belong to any mesh.
type unreadable map[string][]string

// of returns what could not be read of a mesh: the first name, and the number of the others.
func (u unreadable) of(mesh string) string {
	own, unplaced := u[mesh], u[""]
	all := len(own) + len(unplaced)
	if all == 0 {
		return ""
	}
	list := own
	if len(own) == 0 {
		list = unplaced
	}
	if all == 1 {
		return list[0]
	}
	return fmt.Sprintf("%s and %d more", list[0], all-1)
}

// add records what could not be read of a mesh. Several problems of one resource follow
// each other.
func (u unreadable) add(mesh, what string) {
	if list := u[mesh]; len(list) == 0 || list[len(list)-1] != what {
		u[mesh] = append(list, what)
	}
}

// copied returns a copy that can be changed.
func (u unreadable) copied() unreadable {
	all := make(unreadable, len(u))
	for mesh, list := range u {
		all[mesh] = slices.Clip(list)
	}
	return all
}

// isOf reports whether a problem concerns a resource of a kind. If the problem does not
// name its kind, the name that the source uses decides.
func (s *Snapshot) isOf(kind string, p *manifest.Problem) bool {
	if p.Of.Kind != "" {
		return p.Of.Kind == kind
	}
	name, plural := p.Of.Other, strings.ToLower(kind)+"s/"
	if s.live && name == "" {
		name = p.File // a path in the file system does not name a kind
	}
	return strings.HasPrefix(name, plural) || strings.HasPrefix(name, "/") && strings.Contains(name, "/"+plural)
}
