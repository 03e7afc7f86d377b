package cluster

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
)

// Version is a version of Kuma, major.minor.patch. Kong Mesh counts the same way. Some
// rules changed in a patch release, so all three numbers matter.
type Version struct{ Major, Minor, Patch int }

// newestPatch is the patch of a version that is written as two numbers: the newest
// release of that minor.
const newestPatch = math.MaxInt32

// V returns the newest patch release of 2.minor.
func V(minor int) Version { return Version{2, minor, newestPatch} }

// The versions that this tool supports.
var (
	Oldest = V(0)                       // Oldest is the first that has a MeshTrace.
	Latest = V(14)                      // Latest is the last that has a TrafficTrace.
	Newest = Version{3, 0, newestPatch} // Newest has MeshTraces alone.
)

var versionPattern = regexp.MustCompile(`^v?(\d{1,3})\.(\d{1,3})(?:\.(\d{1,5}))?([-+].*)?$`)

// ParseVersion reads a version such as 2.7, 2.7.3 or v2.13.0. Two numbers mean the
// newest patch of that minor. It returns an error for a version without the MeshTrace
// that is written here.
func ParseVersion(s string) (Version, error) {
	m := versionPattern.FindStringSubmatch(s)
	if m == nil {
		if len(s) > 20 { // it may be a credential
			s = s[:4] + "..."
		}
		return Version{}, fmt.Errorf("%q is not a version; write it like 2.14 or 2.13.2", s)
	}
	major, _ := strconv.Atoi(m[1]) // three digits at most, so it cannot fail
	minor, _ := strconv.Atoi(m[2])
	v := Version{major, minor, newestPatch}
	if m[3] != "" {
		v.Patch, _ = strconv.Atoi(m[3]) // five digits at most
	}
	switch {
	case !v.HasMeshTrace():
		return v, fmt.Errorf("version %s does not have MeshTrace, which was added in 2.0", v)
	case v.Major == Latest.Major && v.Minor > Latest.Minor, v.Compare(Newest) > 0:
		return v, fmt.Errorf("version %s is unknown; the newest known ones are %s and %s", v, Latest, Newest)
	}
	return v, nil
}

// ParseLegacyVersion is ParseVersion for a version that must have TrafficTraces. It
// returns the version with the error of one that has none.
func ParseLegacyVersion(s string) (Version, error) {
	v, err := ParseVersion(s)
	if err == nil && v.DropsTrafficTrace() {
		err = fmt.Errorf("version %s does not have TrafficTraces, which a conversion starts from; "+
			"tracemigrate upgrade-check --to %[1]s reports what an upgrade to it changes", v)
	}
	return v, err
}

// Compare compares versions by their numbers.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor), cmp.Compare(v.Patch, w.Patch))
}

// HasPatch reports whether v has a patch number. Otherwise v means the newest patch.
func (v Version) HasPatch() bool { return v.Patch != newestPatch }

// SameMinor reports whether v and w differ at most in their patch.
func (v Version) SameMinor(w Version) bool { return v.Major == w.Major && v.Minor == w.Minor }

// String returns "major.minor.patch", without the patch if that is the newest.
func (v Version) String() string {
	if !v.HasPatch() {
		return v.MajorMinor()
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// MajorMinor returns "major.minor", without the patch.
func (v Version) MajorMinor() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// IsVersion reports whether s has the form of a version, known or not.
func IsVersion(s string) bool { return versionPattern.MatchString(s) }

// since reports whether v is 2.minor.patch or newer.
func (v Version) since(minor, patch int) bool { return v.Compare(Version{2, minor, patch}) >= 0 }

// patches reports whether v is a patch release of 2.minor, between from and to.
func (v Version) patches(minor, from, to int) bool {
	return v.since(minor, from) && v.Compare(Version{2, minor, to}) <= 0
}

// DecidesAlike reports whether v and w, of one minor, have the same rules for dp.
func (v Version) DecidesAlike(w Version, dp *Dataplane) bool {
	return !slices.ContainsFunc(patchRules, func(r rule) bool { return r.decides(v) != r.decides(w) && r.concerns(dp) })
}

// OlderPatches returns, newest first, one patch release of v's minor for each set of
// rules that differs from v's. It is empty if v has a patch number.
func (v Version) OlderPatches() []Version {
	if v.HasPatch() {
		return nil
	}
	var older []Version
	for _, r := range patchRules {
		for _, last := range r.last {
			if last.SameMinor(v) && !slices.Contains(older, last) {
				older = append(older, last)
			}
		}
	}
	slices.SortFunc(older, func(a, b Version) int { return b.Compare(a) })
	return older
}

// SameRules reports whether v and w have the same rules: they differ at most in a patch
// that changed none.
func (v Version) SameRules(w Version) bool {
	return v.SameMinor(w) && !slices.ContainsFunc(patchRules, func(r rule) bool { return r.decides(v) != r.decides(w) })
}
