package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster/manifest"
)

// Doubt is why it cannot be said what a proxy gets; the zero value is none.
type Doubt struct {
	Code   string // names the kind; empty: something could not be read
	Reason string
}

// Or returns d, or other where d is none.
func (d Doubt) Or(other Doubt) Doubt {
	if d == (Doubt{}) {
		return other
	}
	return d
}

// Zone is the zone that dp is in, empty when it does not tell: a label, or as
// older versions have it a tag.
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

// Versions are the versions of Kuma that decide on proxies somewhere: own, which
// is the control plane's, first, and those of zones that can be judged and decide
// otherwise than each before.
func (s *Snapshot) Versions(own Version) []Version {
	versions := []Version{own}
	if s.Origin == nil {
		return versions
	}
	for _, zone := range s.Origin.Zones {
		if version, err := ParseVersion(zone.Version); err == nil && likeOneOf(versions, version) == version && version != own {
			versions = append(versions, version)
		}
	}
	return versions
}

// likeOneOf returns the first of versions that decides like v, else v.
func likeOneOf(versions []Version, v Version) Version {
	if i := slices.IndexFunc(versions, v.SameRules); i >= 0 {
		return versions[i]
	}
	return v
}

// Judge returns a function of a Dataplane. It returns the versions for which the
// Dataplane's tracing is to be judged, own being the control plane's: that of its
// zone, or all where it does not tell its zone. doubt says why it cannot be judged
// for certain; empty when it can.
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
		if version, err := ParseVersion(z.Version); err == nil {
			zones[z.Name] = zone{[]Version{likeOneOf(anywhere.versions, version)}, ""}
		}
	}
	return func(dp *Dataplane) ([]Version, string) {
		doubt := s.Doubt(dp)
		name := dp.Zone()
		if name == "" || dp.File == "" { // a made-up one represents those of any zone
			return anywhere.versions, cmp.Or(doubt, anywhere.doubt)
		}
		z, known := zones[name]
		if !known {
			return just, cmp.Or(doubt, fmt.Sprintf("the version of its zone %q is unknown; pass it with --zone-version", name))
		}
		return z.versions, cmp.Or(doubt, z.doubt)
	}
}

// doubt says why nothing can be said of the zone's proxies.
func (z Zone) doubt() string {
	version, err := ParseVersion(z.Version)
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

// Doubt says what could not be read that may decide on dp; empty when nothing.
func (s *Snapshot) Doubt(dp *Dataplane) string {
	if what := cmp.Or(s.lost[dp.Mesh], s.lost[""]); what != "" {
		return what + " could not be read"
	}
	if !dp.Builtin() {
		return ""
	}
	if what := cmp.Or(s.lostGateways[dp.Mesh], s.lostGateways[""]); what != "" {
		return what + " could not be read, and a MeshTrace selects gateways by its tags"
	}
	if s.Origin != nil {
		if _, lacks := s.Origin.Lacks(KindMeshGateway); lacks {
			return "the MeshGateways could not be read, and a MeshTrace selects gateways by their tags"
		}
	}
	return ""
}

// lose remembers what could not be read of a mesh, the first of several.
func lose(in map[string]string, mesh, what string) { in[mesh] = cmp.Or(in[mesh], what) }

// isOf reports whether a problem is of a resource of a kind, by its name or by that
// which the source has for it.
func (s *Snapshot) isOf(kind string, p *manifest.Problem) bool {
	if p.Of.Kind != "" {
		return p.Of.Kind == kind
	}
	name, plural := p.Of.Other, strings.ToLower(kind)+"s/"
	if s.live && name == "" {
		name = p.File // a path of files says nothing
	}
	return strings.HasPrefix(name, plural) || strings.HasPrefix(name, "/") && strings.Contains(name, "/"+plural)
}
