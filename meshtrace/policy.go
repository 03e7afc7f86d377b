package meshtrace

import (
	"math"
	"strconv"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// Policy is a MeshTrace.
type Policy struct {
	manifest.Place
	Mesh      string
	Name      string
	Namespace string
	Labels    map[string]string
	Format    cluster.Format
	TargetRef TargetRef
	Default   Conf
	// Source says what the policy was made from; it is written as a comment
	// and an annotation.
	Source string
}

// TargetRef selects proxies.
type TargetRef struct {
	Kind        Kind
	Name        string
	Namespace   string
	Tags        cluster.Tags
	Labels      map[string]string
	SectionName string
	ProxyTypes  []string // Sidecar, Gateway; empty: both
}

// Kind of a targetRef.
type Kind string

// The kinds, lowest precedence first.
const (
	Mesh              Kind = "Mesh"
	Dataplane         Kind = "Dataplane"
	MeshSubset        Kind = "MeshSubset"
	MeshGateway       Kind = "MeshGateway"
	MeshService       Kind = "MeshService"
	MeshServiceSubset Kind = "MeshServiceSubset"
)

var precedence = map[Kind]int{Mesh: 0, Dataplane: 1, MeshSubset: 2, MeshGateway: 3, MeshService: 4, MeshServiceSubset: 5}

// The proxy types of a targetRef.
const (
	Sidecar = "Sidecar"
	Gateway = "Gateway"
)

// Conf is what a policy sets. Nil fields are not set, and merging leaves what a
// less specific policy says.
type Conf struct {
	// Backends replaces the list of a less specific policy as a whole; a list
	// that is empty but not nil turns tracing off.
	Backends []Backend
	Sampling Sampling
	// Tags replaces the list as a whole too.
	Tags []Tag
}

// Backend is where traces go; the field that Type names is set.
type Backend struct {
	Type          string // Zipkin, Datadog, OpenTelemetry
	Zipkin        *Zipkin
	Datadog       *Datadog
	OpenTelemetry *OpenTelemetry
}

// The types of a backend.
const (
	TypeZipkin        = "Zipkin"
	TypeDatadog       = "Datadog"
	TypeOpenTelemetry = "OpenTelemetry"
)

// Zipkin is a collector that speaks Zipkin's protocol.
type Zipkin struct {
	URL               string
	APIVersion        string // httpJson or httpProto; empty: httpJson
	SharedSpanContext *bool  // nil: true
	TraceID128Bit     bool
}

// Datadog is a Datadog agent.
type Datadog struct {
	URL          string // http://host:port
	SplitService bool
}

// OpenTelemetry is an OTLP collector, by its address or by a backend resource (2.14).
type OpenTelemetry struct {
	Endpoint   string // host:port
	BackendRef map[string]string
}

// Sampling is how much is traced. Each field merges for itself.
type Sampling struct {
	Overall *Percent
	Client  *Percent
	Random  *Percent
}

// Percent is a percentage, 0 to 100.
type Percent float64

// PercentOf returns a new Percent.
func PercentOf(value float64) *Percent { return (*Percent)(&value) }

// Whole says whether p is a whole number.
func (p Percent) Whole() bool { return float64(p) == math.Trunc(float64(p)) }

// String is p in decimal, never with an exponent, which MeshTrace's schema refuses.
func (p Percent) String() string { return strconv.FormatFloat(float64(p), 'f', -1, 64) }

// Tag is a custom tag of the spans: a literal, or taken from a header.
type Tag struct {
	Name    string  `yaml:"name" json:"name"`
	Literal *string `yaml:"literal,omitempty" json:"literal,omitempty"`
	Header  *Header `yaml:"header,omitempty" json:"header,omitempty"`
}

// Header names the header that a tag's value is taken from.
type Header struct {
	Name    string `yaml:"name" json:"name"`
	Default string `yaml:"default,omitempty" json:"default,omitempty"`
}

// Shadow says whether the policy is computed only, not applied: label
// kuma.io/effect on 2.7 and later, which older versions do not know.
func (p *Policy) Shadow(version cluster.Version) bool {
	return p.Labels[cluster.EffectLabel] == "shadow" && version.AtLeast(cluster.V(7))
}

// DisplayName is the name that precedence looks at.
func (p *Policy) DisplayName() string {
	if name := p.Labels[cluster.DisplayNameLabel]; name != "" {
		return name
	}
	return p.Name
}

// String names the policy in a message.
func (p *Policy) String() string {
	if p.Mesh == "default" {
		return "MeshTrace " + strconv.Quote(p.Name)
	}
	return "MeshTrace " + strconv.Quote(p.Name) + " of mesh " + strconv.Quote(p.Mesh)
}
