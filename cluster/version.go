package cluster

import (
	"fmt"
	"regexp"
	"strconv"
)

// Version is a Kuma version, as far as it matters here: 2.7 for 2.7.3.
// Kong Mesh counts alike.
type Version struct{ Major, Minor int }

// V is the version 2.minor.
func V(minor int) Version { return Version{2, minor} }

// Latest is the newest version whose MeshTrace this tool knows.
var Latest = V(14)

var versionPattern = regexp.MustCompile(`^v?(\d{1,3})\.(\d{1,3})(\.\d+)?([-+].*)?$`)

// ParseVersion reads a version such as 2.7, 2.7.3 or v2.13.0.
// It returns an error for one that has no MeshTrace of the kind written here.
func ParseVersion(s string) (Version, error) {
	m := versionPattern.FindStringSubmatch(s)
	if m == nil {
		return Version{}, fmt.Errorf("%.40q is not a version; write it like 2.14", s)
	}
	major, _ := strconv.Atoi(m[1]) // three digits at most, so it cannot fail
	minor, _ := strconv.Atoi(m[2])
	v := Version{major, minor}
	switch {
	case v.Major >= 3:
		return v, fmt.Errorf("version %s is not supported yet: it knows MeshTraces of kinds Mesh and Dataplane only; convert for %s, before TrafficTrace is gone", v, Latest)
	case v.Less(V(0)):
		return v, fmt.Errorf("version %s has no MeshTrace; it came with 2.0", v)
	case Latest.Less(v):
		return v, fmt.Errorf("version %s is not known; the newest is %s", v, Latest)
	}
	return v, nil
}

// Less says whether v is older than w.
func (v Version) Less(w Version) bool {
	return v.Major < w.Major || v.Major == w.Major && v.Minor < w.Minor
}

// AtLeast says whether v is w or newer.
func (v Version) AtLeast(w Version) bool { return !v.Less(w) }

// String is "major.minor".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// IsVersion says whether s has the form of a version, known or not.
func IsVersion(s string) bool { return versionPattern.MatchString(s) }

// HasKind reports whether every control plane of v has a kind. MeshTrace came
// with 2.0; TrafficTrace, TrafficRoute and MeshGateway are gone in 3.0: the
// CustomResourceDefinitions in deployments/charts/kuma/crds of Kuma's tags.
func (v Version) HasKind(kind string) bool {
	switch kind {
	case KindTrafficTrace, KindTrafficRoute:
		return v.Major == 1 || v.Major == 2
	case KindMeshGateway:
		return v.Major == 2
	case KindMeshTrace:
		return v.Major >= 2
	}
	return v.Major >= 1
}
