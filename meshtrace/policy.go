package meshtrace

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// Policy is a MeshTrace.
type Policy struct {
	manifest.Place
	Mesh      string
	Name      string
	Namespace string
	Labels    cluster.Tags
	// Annotations are written on Kubernetes, and not read.
	Annotations map[string]string
	Format      cluster.Format
	TargetRef   TargetRef
	Default     Conf
	// System is set if the policy belongs to the mesh operator and may select any proxy.
	// Others, in namespaces of applications, exist since 2.8 and select only proxies there
	// since 2.9 (https://kuma.io/docs/2.9.x/policies/introduction/).
	System bool
	// withoutRole is set if a control plane stored the policy in an application's namespace
	// without a label for its role, as where no webhook sees it: from 2.8 on it then belongs to
	// the mesh operator (PolicyRole in pkg/core/resources/model of Kuma's tags; seen on 2.13.10
	// and 2.14.3). The charts' webhooks see namespaces with the label kuma.io/sidecar-injection.
	withoutRole bool
	// unlabelled is set if no control plane stored the policy yet, and its zone's will give it the
	// label of the origin that other policies have already, see LabelsOrigin.
	unlabelled bool
	// untyped is set if a backend has no type, and wrapped if a sampling is {value:
	// number}: forms of old versions. unquoted is set if a sampling is a fraction and not a
	// string. All are read and never written.
	untyped, wrapped, unquoted bool
	// sampled is set if the policy has a sampling, which may be empty.
	sampled bool
	// ofGlobal is set if a global control plane made the policy, whose zones have copies.
	ofGlobal bool
	// Source is what this tool made the policy from. It is written as a comment and an
	// annotation, and read from the annotation.
	Source string
}

// TargetRef selects proxies, as in a manifest.
type TargetRef struct {
	Kind        Kind         `yaml:"kind" json:"kind"`
	Name        string       `yaml:"name,omitempty" json:"name,omitempty"`
	Namespace   string       `yaml:"namespace,omitempty" json:"namespace,omitempty"`
	Labels      cluster.Tags `yaml:"labels,omitempty" json:"labels,omitempty"`
	Tags        cluster.Tags `yaml:"tags,omitempty" json:"tags,omitempty"`
	SectionName string       `yaml:"sectionName,omitempty" json:"sectionName,omitempty"`
	ProxyTypes  []string     `yaml:"proxyTypes,omitempty" json:"proxyTypes,omitempty"` // Sidecar, Gateway; empty: both
}

// String describes which proxies ref selects: "MeshSubset team=web".
func (ref *TargetRef) String() string {
	text := string(ref.Kind)
	if ref.Name != "" {
		text += " " + ref.Name
	}
	if len(ref.Tags) > 0 {
		text += " " + ref.Tags.String()
	}
	if len(ref.Labels) > 0 {
		text += " " + ref.Labels.String()
	}
	if len(ref.ProxyTypes) > 0 {
		text += ", proxyTypes " + strings.Join(ref.ProxyTypes, ", ")
	}
	return text
}

// The proxy types of a targetRef.
const (
	Sidecar = "Sidecar"
	Gateway = "Gateway"
)

// Conf is what a policy sets. Nil fields are not set, and merging keeps the values of a
// less specific policy for them.
type Conf struct {
	// Backends replaces the whole list of a less specific policy. An empty list that is
	// not nil turns tracing off.
	Backends []Backend
	Sampling Sampling
	// Tags replaces the whole list too.
	Tags []Tag
}

// Backend is where traces are sent. The field that Type names is set.
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

// Zipkin is a collector with Zipkin's protocol, as in a manifest.
type Zipkin struct {
	URL               string `yaml:"url" json:"url"`
	APIVersion        string `yaml:"apiVersion" json:"apiVersion"`                                   // httpJson or httpProto; empty: httpJson
	SharedSpanContext *bool  `yaml:"sharedSpanContext,omitempty" json:"sharedSpanContext,omitempty"` // nil: true
	TraceID128Bit     bool   `yaml:"traceId128bit" json:"traceId128bit"`
	stored            bool   // by a version that does not fill in SharedSpanContext
}

// Datadog is a Datadog agent, as in a manifest.
type Datadog struct {
	URL          string `yaml:"url" json:"url"` // http://host:port
	SplitService bool   `yaml:"splitService" json:"splitService"`
}

// OpenTelemetry is an OTLP collector, by its address or by a backend resource (2.14).
type OpenTelemetry struct {
	Endpoint   string // host:port
	BackendRef cluster.Tags
	// Backend is the MeshOpenTelemetryBackend that BackendRef selects; nil if the input
	// does not contain it.
	Backend *OTelBackend
	// byName is set if only versions from 3.0 on find Backend, by its name, and byLabel if only
	// older ones do, by a label of its manifest.
	byName, byLabel bool
}

// RefersInVain reports whether c refers to a MeshOpenTelemetryBackend that version does not
// find. Proxies then get a tracing without a tracer, even if a TrafficTrace selects them. Up
// to 2.14 a resource of Universal has the label kuma.io/display-name only if its manifest has
// it; from 3.0 on the label is the name (resolveBackendResourceByLabels in
// pkg/plugins/policies/core/xds, and Compute in pkg/core/resources/labels, of Kuma's tag
// 2.14.3 and its main branch; seen on both).
func (c *Conf) RefersInVain(version cluster.Version) bool {
	if len(c.Backends) == 0 || !c.Backends[0].refers() {
		return false
	}
	to := c.Backends[0].OpenTelemetry
	return version.SelectsByDisplayName() && to.byLabel || !version.SelectsByDisplayName() && to.byName
}

// HasOTelEndpoint reports whether c sends to an OpenTelemetry collector by its address,
// which 3.0 does not accept.
func (c *Conf) HasOTelEndpoint() bool {
	return len(c.Backends) > 0 && c.Backends[0].OpenTelemetry != nil && !c.Backends[0].refers()
}

// refers reports whether b refers to a MeshOpenTelemetryBackend.
func (b *Backend) refers() bool { return b.OpenTelemetry != nil && b.OpenTelemetry.BackendRef != nil }

// Sampling is how much is traced. Each field is merged by itself.
type Sampling struct {
	Overall *Percent
	Client  *Percent
	Random  *Percent
}

// Percent is a percentage, 0 to 100.
type Percent float64

// PercentOf returns a new Percent.
func PercentOf(value float64) *Percent { return (*Percent)(&value) }

// isWhole reports whether p is a whole number.
func (p Percent) isWhole() bool { return float64(p) == math.Trunc(float64(p)) }

// String returns p in decimal, never with an exponent, which MeshTrace's schema refuses.
func (p Percent) String() string { return strconv.FormatFloat(float64(p), 'f', -1, 64) }

// Tag is a custom tag of the spans: a literal, or the value of a header.
type Tag struct {
	Name    string  `yaml:"name" json:"name"`
	Literal *string `yaml:"literal,omitempty" json:"literal,omitempty"`
	Header  *Header `yaml:"header,omitempty" json:"header,omitempty"`
}

// literal returns the literal, empty if there is none.
func (t *Tag) literal() string { return *cmp.Or(t.Literal, new(string)) }

// Header names the header that a tag's value is taken from.
type Header struct {
	Name    string `yaml:"name" json:"name"`
	Default string `yaml:"default,omitempty" json:"default,omitempty"`
}

// InCurrentForm returns a copy of p in the form in which policies are written: its
// backends have a type, and its samplings are numbers.
func (p *Policy) InCurrentForm() *Policy {
	current := *p
	current.untyped, current.wrapped, current.unquoted = false, false, false
	return &current
}

// AsStored returns p as a control plane of version stores it after it was applied.
// Kubernetes may fill in a sampling, a zone adds its origin, and a later version may read what
// Universal stored otherwise than what is applied to it. What comes from a cluster is so already.
func (p *Policy) AsStored(version cluster.Version) *Policy {
	labels := p.unlabelled && version.LabelsOrigin()
	fills := p.Format == cluster.Kubernetes && p.sampled && version.FillsSampling()
	keepsUnset := p.Format == cluster.Universal && !version.FillsZipkinDefaults() && p.Default.LeavesOutSharedSpanContext()
	if !labels && !fills && !keepsUnset {
		return p
	}
	stored := *p
	if labels {
		stored.Labels, stored.unlabelled = p.Labels.With(cluster.OriginLabel, "zone"), false
	}
	if fills {
		for _, percent := range []**Percent{&stored.Default.Sampling.Overall, &stored.Default.Sampling.Client, &stored.Default.Sampling.Random} {
			*percent = cmp.Or(*percent, PercentOf(100))
		}
	}
	if keepsUnset {
		stored.Default.Backends = slices.Clone(p.Default.Backends)
		for i, b := range stored.Default.Backends {
			if b.Zipkin != nil {
				zipkin := *b.Zipkin
				zipkin.stored = true
				stored.Default.Backends[i].Zipkin = &zipkin
			}
		}
	}
	return &stored
}

// LeavesOutSharedSpanContext reports whether a Zipkin backend of c has no
// sharedSpanContext.
func (c *Conf) LeavesOutSharedSpanContext() bool {
	return slices.ContainsFunc(c.Backends, func(b Backend) bool { return b.Zipkin != nil && b.Zipkin.SharedSpanContext == nil })
}

// Shadow reports whether the policy is only computed, not applied: label kuma.io/effect
// on 2.7 and later, which older versions ignore.
func (p *Policy) Shadow(version cluster.Version) bool {
	return p.Labels.Get(cluster.EffectLabel) == "shadow" && version.ComputesShadows()
}

// producer is the role of a policy for the clients of a service, which can be in every namespace
// and zone.
const producer = "producer"

// applies reports whether the policy can match dp at all.
func (p *Policy) applies(version cluster.Version, dp *cluster.Dataplane) bool {
	return version.SelectsByNamespace() && p.Labels.Get(cluster.RoleLabel) == producer ||
		p.appliesInNamespace(version, dp) && cluster.IsInZone(p.Labels, dp.Zone())
}

// appliesInNamespace reports whether the namespace of dp is one in which p applies. The label of
// the policy role decides on Universal as well, where a user can set it: without a label for the
// namespace, such a policy selects no proxy (dppSelectedByNamespace in
// pkg/plugins/policies/core/matchers of Kuma's tags 2.9 to 2.14; seen on 2.12.3).
func (p *Policy) appliesInNamespace(version cluster.Version, dp *cluster.Dataplane) bool {
	switch {
	case p.System && (!p.withoutRole || version.RoleDecides()):
		return true
	case !version.RoleDecides():
		return p.Namespace == ""
	case !version.SelectsByNamespace():
		return true
	}
	own := cmp.Or(p.Labels.Get(cluster.NamespaceLabel), p.Namespace)
	return own != "" && own == dp.ZoneNamespace()
}

// Identity identifies a policy. A policy replaces another one with the same identity
// when it is applied.
type Identity struct {
	format                cluster.Format
	mesh, namespace, name string
}

// Identity returns the policy's identity: on Kubernetes its namespace and name, on
// Universal its mesh and name.
func (p *Policy) Identity() Identity { return IdentityOf(p.Format, p.Mesh, p.Namespace, p.Name) }

// IdentityOf returns the identity of the policy with this name.
func IdentityOf(format cluster.Format, mesh, namespace, name string) Identity {
	if format == cluster.Kubernetes {
		return Identity{format: format, namespace: namespace, name: name}
	}
	return Identity{format: format, mesh: mesh, name: name}
}

// DisplayName returns the name that decides on precedence.
func (p *Policy) DisplayName() string { return cmp.Or(p.Labels.Get(cluster.DisplayNameLabel), p.Name) }

// String names the policy in a message.
func (p *Policy) String() string {
	if p.Mesh == "default" {
		return "MeshTrace " + strconv.Quote(p.Name)
	}
	return "MeshTrace " + strconv.Quote(p.Name) + " of mesh " + strconv.Quote(p.Mesh)
}

// Parts are the parts of a merged conf, as pointers. They are a fast way to see that two
// confs are equal, because the policies of a mesh share few parts.
type Parts struct {
	backend                 *Backend
	overall, client, random *Percent
	tags                    *Tag
}

// Parts returns the parts of c. Confs with equal parts have equal keys.
func (c *Conf) Parts() Parts {
	parts := Parts{overall: c.Sampling.Overall, client: c.Sampling.Client, random: c.Sampling.Random}
	if len(c.Backends) > 0 {
		parts.backend = &c.Backends[0]
	}
	if len(c.Tags) > 0 {
		parts.tags = &c.Tags[0]
	}
	return parts
}

// Key returns a text that is equal for merged confs with the same tracing, defaults
// included.
func (c *Conf) Key() string {
	if len(c.Backends) == 0 {
		return "none"
	}
	b := c.Backends[0]
	var to string
	switch {
	case b.Zipkin != nil:
		z := b.Zipkin
		shared := z.SharedSpanContext == nil || *z.SharedSpanContext
		to = fmt.Sprintf("zipkin %q %v %v %v", z.URL, z.APIVersion == "httpProto", shared, z.TraceID128Bit)
		if z.SharedSpanContext == nil && z.stored {
			to += " unset" // so a later version has another default
		}
	case b.Datadog != nil:
		to = fmt.Sprintf("datadog %q %v", b.Datadog.URL, b.Datadog.SplitService)
	case b.OpenTelemetry != nil:
		to = fmt.Sprintf("opentelemetry %q %v", b.OpenTelemetry.Endpoint, b.OpenTelemetry.BackendRef)
	}
	// Envoy uses 100 for a sampling that is not set.
	percent := func(p *Percent) string {
		if p == nil {
			return "100"
		}
		return p.String()
	}
	to += " " + percent(c.Sampling.Overall) + " " + percent(c.Sampling.Client) + " " + percent(c.Sampling.Random)
	for _, tag := range c.Tags {
		to += fmt.Sprintf(" %q=%q", tag.Name, tag.literal())
		if tag.Header != nil {
			to += fmt.Sprintf("%q", *tag.Header)
		}
	}
	return to
}
