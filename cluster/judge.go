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
}

// Or returns d, or other when d is zero.
func (d Doubt) Or(other Doubt) Doubt { return cmp.Or(d, other) }

// Zone returns the zone of dp, empty when dp does not name it: from a label or, in older
// versions, a tag.
func (dp *Dataplane) Zone() string {
	if zone := dp.Labels[ZoneLabel]; zone != "" {
		return zone
	}
	for _, set := range dp.TagSets() {
		if zone := set[ZoneLabel]; zone != "" {
			return zone
		}
	}
	return ""
}

// Versions returns the versions of Kuma that decide about proxies: own, the control
// plane's, and those of zones whose rules differ from the versions before them.
func (s *Snapshot) Versions(own Version) []Version {
	versions := []Version{own}
	if s.Origin == nil {
		return versions
	}
	for _, zone := range s.Origin.Zones {
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
			return anywhere.versions, cmp.Or(doubt, anywhere.doubt)
		}
		z, known := zones[name]
		if !known {
			return just, cmp.Or(doubt, fmt.Sprintf("the version of its zone %q is unknown; pass it with --zone-version", name))
		}
		return z.versions, cmp.Or(doubt, z.doubt)
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
	if what := cmp.Or(s.unreadable[dp.Mesh], s.unreadable[""]); what != "" {
		return what + " could not be read"
	}
	if !dp.Builtin() {
		return ""
	}
	if what := cmp.Or(s.unreadableGateways[dp.Mesh], s.unreadableGateways[""]); what != "" {
		return what + " could not be read, and a MeshTrace selects gateways by its tags"
	}
	if s.Origin != nil {
		if _, lacks := s.Origin.Lacks(KindMeshGateway); lacks {
			return "the MeshGateways could not be read, and a MeshTrace selects gateways by their tags"
		}
	}
	return ""
}

// addUnreadable records what could not be read of a mesh. It keeps the first of several.
func addUnreadable(in map[string]string, mesh, what string) { in[mesh] = cmp.Or(in[mesh], what) }

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
