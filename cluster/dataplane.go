package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tracemigrate/cluster/manifest"
)

// Dataplane is a data plane proxy, as far as tracing depends on it.
type Dataplane struct {
	Mesh      string
	Name      string
	Namespace string
	Labels    Tags
	Address   string
	Inbounds  []Inbound
	Outbounds []Outbound
	// Transparent is set for a transparent proxy: besides Outbounds, it has one for each
	// service of the mesh (resolveVIPOutbounds in pkg/xds/sync of Kuma's tags).
	Transparent bool
	limited     bool     // a transparent proxy has outbounds to some services alone, up to 2.14
	Gateway     *Gateway // nil for a sidecar
	// ZoneEgresses are the names of the listeners with which the proxy is a zone's egress.
	ZoneEgresses []string
	zoneProxy    bool // has listeners as a zone's ingress or egress
	manifest.Place
}

// Inbound is a port of the workload.
type Inbound struct {
	Name     string // empty: the port
	Address  string // empty: the Dataplane's
	Port     uint32
	Protocol string // as the field says; empty: the tag's
	Ignored  bool   // state Ignored
	NotReady bool   // state NotReady, or health that says so
	Tags     Tags
}

// section returns the name, or the port of an inbound without one.
func (in *Inbound) section() string { return cmp.Or(in.Name, strconv.Itoa(int(in.Port))) }

// readiness orders the states of an inbound: Ignored, NotReady, Ready.
func (in *Inbound) readiness() int {
	switch {
	case in.Ignored:
		return 0
	case in.NotReady:
		return 1
	}
	return 2
}

// Outbound is a destination that the proxy listens for, on Universal.
type Outbound struct {
	Address    string // empty: 127.0.0.1
	Port       uint32
	Tags       Tags
	BackendRef *BackendRef // instead of tags, from 2.10 on
}

// BackendRef is the destination of an outbound that is a resource of its own. The
// labels include the display name, where the reference has a name.
type BackendRef struct {
	Kind   string
	Labels Tags
	Port   uint32
	// Labelled is set if the display name is one of the labels, not the reference's name.
	Labelled bool
}

// String returns the content, so that references print equally if they are equal.
func (b *BackendRef) String() string { return fmt.Sprintf("%+v", *b) }

// Gateway makes a Dataplane a gateway.
type Gateway struct {
	Builtin bool // Envoy configured by a MeshGateway; otherwise delegated
	Tags    Tags
}

// FullName returns the name, on Kubernetes with the namespace as the control plane
// writes it: name.namespace.
func (dp *Dataplane) FullName() string { return FullName(dp.Name, dp.Namespace) }

// DisplayName returns the name before a control plane changed it, such as in a copy.
func (dp *Dataplane) DisplayName() string { return cmp.Or(dp.Labels.Get(DisplayNameLabel), dp.Name) }

// ZoneName returns the name that the control plane of dp's zone knows it by.
func (dp *Dataplane) ZoneName() string {
	if dp.OnUniversal() && dp.isCopy() {
		return dp.DisplayName()
	}
	return dp.FullName()
}

// isCopy reports whether dp was read from the copy that another control plane than its zone's has.
func (dp *Dataplane) isCopy() bool { return IsCopy(dp.Name, dp.DisplayName()) }

// String returns `proxy "mesh/name"`, with the full name.
func (dp *Dataplane) String() string { return "proxy \"" + dp.Mesh + "/" + dp.FullName() + "\"" }

// OnUniversal reports whether dp is of a Universal zone, also where it is read from the copy that
// a global control plane on Kubernetes has of it, in a namespace. The label kuma.io/env says so,
// unless a manifest sets it to something else; else that dp has no namespace in its zone, as a
// label or tag. A control plane on Kubernetes shows the namespace of a copy as the label.
func (dp *Dataplane) OnUniversal() bool {
	switch env := dp.Labels.Get(envLabel); {
	case env == envUniversal:
		return true
	case env == envKubernetes, dp.Namespace != "" && !dp.isCopy():
		return false
	}
	label := dp.Labels.Get(NamespaceLabel)
	return (label == "" || label == dp.Namespace) &&
		!slices.ContainsFunc(dp.TagSets(), func(set Tags) bool { return set.Get(NamespaceLabel) != "" })
}

// ZoneNamespace returns the namespace of dp in its zone, empty on Universal.
func (dp *Dataplane) ZoneNamespace() string {
	if label := dp.Labels.Get(NamespaceLabel); label != "" || dp.OnUniversal() {
		return label
	}
	return dp.Namespace
}

// Builtin reports whether dp is a builtin gateway.
func (dp *Dataplane) Builtin() bool { return dp.Gateway != nil && dp.Gateway.Builtin }

// HasIgnoredInbound reports whether an inbound is in state Ignored.
func (dp *Dataplane) HasIgnoredInbound() bool {
	return slices.ContainsFunc(dp.Inbounds, func(i Inbound) bool { return i.Ignored })
}

// Delegated reports whether dp is a delegated gateway.
func (dp *Dataplane) Delegated() bool { return dp.Gateway != nil && !dp.Gateway.Builtin }

// TagSets returns the sets that selectors of the legacy policies match: the tags of each
// inbound, whatever its state, or the gateway's.
func (dp *Dataplane) TagSets() []Tags {
	sets := make([]Tags, 0, 8) // of a constant size, so that it needs no allocation where it is used at once
	if dp.Gateway != nil {
		sets = append(sets, dp.Gateway.Tags)
	}
	for i := range dp.Inbounds {
		sets = append(sets, dp.Inbounds[i].Tags)
	}
	return sets
}

// decodeDataplane reads a Dataplane. Strings that many Dataplanes share are
// taken from words, so that the input's text can be released.
func decodeDataplane(r *Resource, words *words) *Dataplane {
	dp := &Dataplane{
		Mesh: words.keep(r.Mesh), Name: strings.Clone(r.Name), Namespace: words.keep(r.Namespace),
		Labels: r.Labels, Place: r.Place,
	}
	r.Spec.Misspelt("networking")
	networking := r.Spec.Need("networking")
	networking.Misspelt("address", "inbound", "outbound", "transparentProxying", "gateway", "listeners")
	dp.Address = strings.Clone(networking.Field("address").Str())
	inbounds := networking.Field("inbound")
	if n := inbounds.Len(); n > 0 {
		dp.Inbounds = make([]Inbound, 0, n)
	}
	for _, v := range inbounds.Items() {
		v.Misspelt("name", "address", "port", "protocol", "state", "health", "tags")
		state := strings.ToLower(v.Field("state").Str())
		health := v.Field("health") // a control plane writes {} for one that is not ready
		dp.Inbounds = append(dp.Inbounds, Inbound{
			Name:     words.keep(v.Field("name").Str()),
			Address:  words.keep(v.Field("address").Str()),
			Port:     v.Field("port").Port(),
			Protocol: words.keep(v.Field("protocol").Str()),
			Ignored:  state == "ignored",
			NotReady: state == "notready" || health.Present() && !health.Field("ready").Bool(),
			Tags:     dataplaneTags(inboundTags(r, v), words),
		})
	}
	outbounds := networking.Field("outbound")
	if n := outbounds.Len(); n > 0 {
		dp.Outbounds = make([]Outbound, 0, n)
	}
	for _, v := range outbounds.Items() {
		dp.Outbounds = append(dp.Outbounds, decodeOutbound(v, words))
	}
	transparent := networking.Field("transparentProxying")
	dp.Transparent = transparent.Present()
	dp.limited = dp.Transparent && transparent.Field("reachableServices").Len() > 0
	if dp.Transparent && len(dp.Outbounds) > 0 && !dp.OnUniversal() {
		dp.Outbounds = nil // for VIPs; the API shows them after anybody asked for the proxy's configuration: seen on 2.14.3
	}
	if v := networking.Field("gateway"); v.Present() {
		v.Misspelt("type", "tags")
		tags := v.Field("tags")
		if r.Format != Kubernetes && r.Created.IsZero() { // like inboundTags
			tags = v.Need("tags")
		}
		dp.Gateway = &Gateway{Tags: dataplaneTags(tags, words)}
		switch kind := v.Field("type"); strings.ToUpper(kind.Str()) {
		case "BUILTIN":
			dp.Gateway.Builtin = true
		case "", "DELEGATED":
		default:
			kind.Fail("is neither BUILTIN nor DELEGATED")
		}
	}
	listeners := networking.Field("listeners")
	dp.ZoneEgresses, dp.zoneProxy = decodeZoneEgresses(listeners), listeners.Len() > 0
	if label := dp.Labels.Get(NamespaceLabel); label != "" && label == dp.Namespace && dp.OnUniversal() {
		dp.Labels = dp.Labels.Without(NamespaceLabel) // the original in its zone does not have it: seen on 2.13.10
	}
	return dp
}

func decodeZoneEgresses(listeners manifest.Value) (names []string) {
	for _, v := range listeners.Items() {
		v.Misspelt("type", "name", "port")
		if v.Field("type").Str() == "ZoneEgress" {
			names = append(names, cmp.Or(v.Field("name").Str(), strconv.Itoa(int(v.Field("port").Port()))))
		}
	}
	return names
}

// inboundTags returns the tags of an inbound. Up to 2.13 they are required. On Kubernetes
// 2.14 may leave them out, and 3.0 does; on Universal such an inbound has a protocol or a
// name (KUMA_EXPERIMENTAL_INBOUND_TAGS_DISABLED in pkg/config/app/kuma-cp of Kuma's tag 2.14.3),
// or neither, if a control plane accepted it and so gave it a creation time (validateNetworking
// in pkg/core/resources/apis/mesh of that tag).
func inboundTags(r *Resource, inbound manifest.Value) manifest.Value {
	if r.Format == Kubernetes || !r.Created.IsZero() || inbound.Field("protocol").Present() || inbound.Field("name").Present() {
		return inbound.Field("tags")
	}
	return inbound.Need("tags")
}

func decodeOutbound(v manifest.Value, words *words) Outbound {
	v.Misspelt("address", "port", "tags", "service", "backendRef")
	out := Outbound{
		Address: words.keep(v.Field("address").Str()),
		Port:    v.Field("port").Port(),
		Tags:    words.tags(v.Field("tags")),
	}
	if service := v.Field("service"); service.Present() {
		out.Tags = Tags{{ServiceTag, words.keep(service.Str())}}
	}
	if ref := v.Field("backendRef"); ref.Present() {
		out.BackendRef = decodeBackendRef(ref, words)
	}
	return out
}

func decodeBackendRef(v manifest.Value, words *words) *BackendRef {
	ref := &BackendRef{Kind: words.keep(v.Field("kind").Str()), Port: v.Field("port").Port(), Labels: words.tags(v.Field("labels"))}
	ref.Labelled = ref.Labels.Get(DisplayNameLabel) != ""
	if name := v.Field("name").Str(); name != "" {
		ref.Labels = ref.Labels.With(DisplayNameLabel, words.keep(name))
	}
	return ref
}

// dataplaneTags reads the tags of a Dataplane.
func dataplaneTags(v manifest.Value, words *words) Tags {
	read := words.set(v)
	if read.valid {
		return read.tags
	}
	for _, tag := range read.tags {
		if IsTag(tag.Key, tag.Value) {
			continue
		}
		if field := v.Field(tag.Key); field.Node().Kind == manifest.String {
			field.Refuse("no control plane accepts the Dataplane", "cannot be a tag, which has letters, digits and .-_: only")
		}
	}
	return read.tags
}

// equal reports whether two Dataplanes are the same for tracing.
func (dp *Dataplane) equal(other *Dataplane) bool {
	return dp.fingerprint() == other.fingerprint()
}
