package cluster

// What a source reads of a control plane besides resources.
const (
	VersionOfControlPlane = "version"
	ModeOfControlPlane    = "mode"
	ZonesOfControlPlane   = "zones"
)

// Cause is why something could not be read.
type Cause string

// The causes. Snapshots of earlier releases have none.
const (
	Forbidden Cause = "forbidden" // the credentials do not permit it
	NotFound  Cause = "not-found" // the source does not have it
	Unclear   Cause = "unclear"   // the source's answer does not contain it, or contradicts itself
)

// Unread is something that could not be read. The run continues without it.
type Unread struct {
	What   string `json:"what" yaml:"what"` // a kind, or VersionOfControlPlane and so on
	Cause  Cause  `json:"cause,omitempty" yaml:"cause,omitempty"`
	Reason string `json:"reason" yaml:"reason"` // the source's own text; code compares Cause
	Remedy string `json:"remedy,omitempty" yaml:"remedy,omitempty"`
}

// remedies has what to do when a control plane does not report a part of its own data.
var remedies = map[string]string{
	VersionOfControlPlane: "pass the version with --kuma-version",
	ModeOfControlPlane:    "pass with --mode whether the control plane is a zone, a federated-zone or global",
	ZonesOfControlPlane:   "pass the versions of their control planes with --zone-version",
}

// AddUnread records that a part of the control plane's own data could not be read.
func (o *Origin) AddUnread(what string, cause Cause, reason string) {
	o.Unread = append(o.Unread, Unread{What: what, Cause: cause, Reason: reason, Remedy: remedies[what]})
}

// About returns what is known of the control plane: nothing for files that do not name it.
func (s *Snapshot) About() Origin {
	if s.Origin == nil {
		return Origin{}
	}
	return *s.Origin
}

// Lacks reports whether the resources of a kind could not be listed.
func (s *Snapshot) Lacks(kind string) bool {
	_, lacks := s.Origin.Lacks(kind)
	return lacks
}

// Lacks reports whether something could not be read, and why. Of a nil origin nothing is known
// to be.
func (o *Origin) Lacks(what string) (Unread, bool) {
	if o == nil {
		return Unread{}, false
	}
	for _, u := range o.Unread {
		if u.What == what {
			return u, true
		}
	}
	return Unread{}, false
}
