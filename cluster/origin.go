package cluster

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"tracemigrate/cluster/manifest"
)

// Mode is the role of a control plane in a deployment,
// https://kuma.io/docs/2.13.x/introduction/deployments/
type Mode string

// The modes. A federated zone is one that a global control plane leads.
const (
	ModeZone          Mode = "zone"
	ModeFederatedZone Mode = "federated-zone"
	ModeGlobal        Mode = "global"
)

// Modes are all modes.
var Modes = []Mode{ModeZone, ModeFederatedZone, ModeGlobal}

// Origin describes where a snapshot was taken, and what the control plane there reports
// about itself. An empty field is unknown.
type Origin struct {
	Source      string   `json:"source" yaml:"source"` // as a message names it
	Endpoint    Endpoint `json:"endpoint,omitzero" yaml:"endpoint,omitempty"`
	Product     string   `json:"product,omitempty" yaml:"product,omitempty"` // Kuma, Kong Mesh, with its own version if that is another
	Version     string   `json:"version,omitempty" yaml:"version,omitempty"` // of Kuma, as the control plane writes it
	Mode        Mode     `json:"mode,omitempty" yaml:"mode,omitempty"`
	Environment Format   `json:"environment,omitempty" yaml:"environment,omitempty"`
	Namespace   string   `json:"namespace,omitempty" yaml:"namespace,omitempty"` // the control plane's, on Kubernetes
	Zone        string   `json:"zone,omitempty" yaml:"zone,omitempty"`           // of a zone control plane
	Zones       []Zone   `json:"zones,omitempty" yaml:"zones,omitempty"`         // of a global one, by name
	Meshes      []string `json:"meshes,omitempty" yaml:"meshes,omitempty"`       // those asked for; empty: all
	// Absent has the kinds that do not exist in the source, which is not an error.
	Absent []string `json:"absent,omitempty" yaml:"absent,omitempty"`
	// Unread has what exists or may exist and could not be read.
	Unread []Unread `json:"unread,omitempty" yaml:"unread,omitempty"`
	// OtherMeshTraces are the names of MeshTraces in meshes that were not asked
	// for: on Kubernetes all have one namespace, so these are taken.
	OtherMeshTraces []string `json:"otherMeshTraces,omitempty" yaml:"otherMeshTraces,omitempty"`
	// OtherTrafficTraces are the TrafficTraces of these meshes, whose policies
	// need names there as well.
	OtherTrafficTraces []TraceName `json:"otherTrafficTraces,omitempty" yaml:"otherTrafficTraces,omitempty"`
	// LeftOut has the resources that are not in a snapshot because they could
	// not be written.
	LeftOut []LeftOut `json:"leftOut,omitempty" yaml:"leftOut,omitempty"`
}

// Endpoint is the address of the source, for commands that connect again: a Kubernetes
// API with the kubeconfig's context, or a control plane's API with its name in kumactl's
// configuration. It does not have credentials.
type Endpoint struct {
	Kubernetes   string `json:"kubernetes,omitempty" yaml:"kubernetes,omitempty"`
	Context      string `json:"context,omitempty" yaml:"context,omitempty"` // empty in a cluster's own pod
	ControlPlane string `json:"controlPlane,omitempty" yaml:"controlPlane,omitempty"`
	Name         string `json:"name,omitempty" yaml:"name,omitempty"` // empty if the address was passed
}

// TraceName is what the names of a TrafficTrace's policies depend on.
type TraceName struct {
	Mesh string `json:"mesh" yaml:"mesh"`
	Name string `json:"name" yaml:"name"` // in a zone that of the original
	// Several is set if it can become more than one policy.
	Several bool `json:"several,omitempty" yaml:"several,omitempty"`
	// Format is that of the resource, empty for a control plane's.
	Format Format `json:"-" yaml:"-"`
}

// SortOthers sorts what is known of other meshes, so that every source returns the same.
func (o *Origin) SortOthers() {
	slices.Sort(o.OtherMeshTraces)
	slices.SortFunc(o.OtherTrafficTraces, func(a, b TraceName) int {
		return cmp.Or(cmp.Compare(a.Mesh, b.Mesh), cmp.Compare(a.Name, b.Name))
	})
}

// SeveralPolicies reports whether selectors can become more than one policy: if there
// are several, or one selects any value of a tag.
func SeveralPolicies(selectors []Tags) bool {
	for _, match := range selectors {
		for _, tag := range match {
			if tag.Value == Any && tag.Key != ServiceTag {
				return true
			}
		}
	}
	return len(selectors) > 1
}

// NewTraceName returns what the names of a TrafficTrace's policies depend on. raw is
// its JSON, of Kubernetes or of a control plane's API.
func NewTraceName(mesh, name string, raw []byte) TraceName {
	type selectors []struct{ Match map[string]string }
	var trace struct {
		Labels    map[string]string
		Selectors selectors
		Metadata  struct{ Labels, Annotations map[string]string }
		Spec      struct{ Selectors selectors }
	}
	several := true // if it cannot be read
	if json.Unmarshal(raw, &trace) == nil {
		var matches []Tags
		for _, s := range append(trace.Selectors, trace.Spec.Selectors...) {
			matches = append(matches, NewTags(s.Match))
		}
		several = SeveralPolicies(matches)
	}
	original := cmp.Or(trace.Labels[DisplayNameLabel],
		trace.Metadata.Labels[DisplayNameLabel], trace.Metadata.Annotations[DisplayNameLabel])
	return TraceName{Mesh: mesh, Name: cmp.Or(original, name), Several: several}
}

// LeftOut is a resource that a snapshot had to leave out.
type LeftOut struct {
	Resource string `json:"resource" yaml:"resource"` // as a message names it, or its place in the source
	Reason   string `json:"reason" yaml:"reason"`
	// What it is, where that is known.
	Kind string `json:"kind,omitempty" yaml:"kind,omitempty"`
	Name string `json:"name,omitempty" yaml:"name,omitempty"`
	Mesh string `json:"mesh,omitempty" yaml:"mesh,omitempty"`
}

// Zone is a zone of a global control plane.
type Zone struct {
	Name    string `json:"name" yaml:"name"`
	Version string `json:"version,omitempty" yaml:"version,omitempty"` // of its control plane; empty: unknown
}

// The kinds of the first and last document of a snapshot. Without the last, a snapshot
// is cut off.
const (
	originKind       = "SnapshotOrigin"
	endKind          = "SnapshotEnd"
	originAPIVersion = "tracemigrate/v1"
)

// theOrigin is the subject of problems of a snapshot's origin.
var theOrigin = manifest.Subject{Other: originKind}

// decodeOrigin reads the document that Record puts first.
func decodeOrigin(doc *manifest.Document, problems *[]*manifest.Problem) *Origin {
	root := doc.Value(theOrigin, problems)
	strs := func(v manifest.Value) []string {
		var list []string
		for _, item := range v.Items() {
			list = append(list, strings.Clone(item.Str()))
		}
		return list
	}
	str := func(v manifest.Value, field string) string { return strings.Clone(v.Field(field).Str()) }
	// A snapshot that this tool wrote has no credentials, but its file may have been edited.
	text := func(v manifest.Value, field string) string { return manifest.Redact(str(v, field)) }
	address := func(v manifest.Value, field string) string { return manifest.Redact(manifest.RedactURL(str(v, field))) }
	o := &Origin{
		Source: text(root, "source"), Product: text(root, "product"), Version: text(root, "version"),
		Mode: Mode(str(root, "mode")), Environment: Format(str(root, "environment")), Namespace: str(root, "namespace"),
		Zone: str(root, "zone"), Meshes: strs(root.Field("meshes")), Absent: strs(root.Field("absent")),
		OtherMeshTraces: strs(root.Field("otherMeshTraces")),
	}
	if o.Mode != "" && !slices.Contains(Modes, o.Mode) {
		root.Field("mode").Fail("is not one of %v", Modes)
	}
	at := root.Field("endpoint")
	o.Endpoint = Endpoint{
		Kubernetes: address(at, "kubernetes"), Context: text(at, "context"),
		ControlPlane: address(at, "controlPlane"), Name: text(at, "name"),
	}
	for _, v := range root.Field("zones").Items() {
		o.Zones = append(o.Zones, Zone{str(v, "name"), str(v, "version")})
	}
	for _, v := range root.Field("otherTrafficTraces").Items() {
		o.OtherTrafficTraces = append(o.OtherTrafficTraces, TraceName{
			Mesh: str(v, "mesh"), Name: str(v, "name"), Several: v.Field("several").Bool(),
		})
	}
	for _, v := range root.Field("leftOut").Items() {
		left := LeftOut{text(v, "resource"), text(v, "reason"), str(v, "kind"), str(v, "name"), str(v, "mesh")}
		o.LeftOut = append(o.LeftOut, left)
		*problems = append(*problems, &manifest.Problem{
			Place: doc.Place, Severity: manifest.Error, Fault: left.Reason,
			Of: manifest.Subject{Kind: left.Kind, Name: left.Name, Mesh: left.Mesh, Other: left.Resource},
		})
	}
	for _, v := range root.Field("unread").Items() {
		if what := str(v, "what"); slices.Contains(kinds, what) && !Optional(what) {
			v.Field("what").Fail("is %s, which decides on tracing; record a source from which it can be read", what)
		}
		o.Unread = append(o.Unread, Unread{
			What: text(v, "what"), Cause: Cause(str(v, "cause")), Reason: text(v, "reason"), Remedy: text(v, "remedy"),
		})
	}
	return o
}

// String describes the origin in one line: the source, and its control plane.
func (o *Origin) String() string {
	parts := []string{cmp.Or(o.Product, "Kuma") + " " + cmp.Or(o.Version, "of unknown version")}
	parts = append(parts, cmp.Or(o.Mode.words(), "mode unknown"))
	if o.Environment != "" {
		parts = append(parts, map[Format]string{Kubernetes: "on Kubernetes", Universal: "Universal"}[o.Environment])
	}
	return o.Source + ": " + strings.Join(parts, ", ")
}

// NothingLegacy reports whether s has no TrafficTrace and its control plane no longer
// has that kind.
func (s *Snapshot) NothingLegacy() bool {
	return s.Origin != nil && s.Origin.NothingLegacy() && len(s.TrafficTraces) == 0
}

// SetMode sets the mode from a control plane's configuration, and the address of the
// global control plane that leads it, if any. Up to 2.7 a zone that none leads was
// called standalone, and long ago a zone was called remote.
func (o *Origin) SetMode(mode, global string) {
	switch strings.ToLower(mode) {
	case "global":
		o.Mode = ModeGlobal
	case "zone", "remote", "standalone":
		o.Mode = ModeZone
		if global != "" {
			o.Mode = ModeFederatedZone
		}
	}
}

// ZoneInsight is what a global control plane reports about a zone's control plane:
// kuma.system.v1alpha1.ZoneInsight in JSON.
type ZoneInsight struct {
	Subscriptions []struct {
		Version struct {
			KumaCp struct{ Version string }
		}
	}
}

// Version returns the version of the latest subscription that has one, else "".
func (z *ZoneInsight) Version() string {
	for _, s := range slices.Backward(z.Subscriptions) {
		if version := s.Version.KumaCp.Version; version != "" {
			return version
		}
	}
	return ""
}

// NothingLegacy reports whether the control plane no longer has TrafficTrace. If its
// version is unknown, the kinds decide.
func (o *Origin) NothingLegacy() bool {
	if !IsVersion(o.Version) {
		return slices.Contains(o.Absent, KindTrafficTrace)
	}
	version, _ := ParseVersion(o.Version) // the error is for what is not supported
	return version.DropsTrafficTrace()
}

// Expects reports whether the control plane's version is known and has a kind. A source
// without that kind is incomplete.
func (o *Origin) Expects(kind string) bool {
	version, _ := ParseVersion(o.Version) // the error is for what is not supported
	return version.hasKind(kind)
}
