package meshtrace

import (
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
)

// Read decodes the MeshTraces of a snapshot, in its order. system has further namespaces
// of control planes, and the defaults count if the snapshot does not name its own: a
// Kubernetes policy in another namespace, without a label for its role, belongs to an
// application.
func Read(s *cluster.Snapshot, system ...string) ([]*Policy, []*manifest.Problem) {
	var problems []*manifest.Problem
	policies := lists.Each(s.MeshTraces, func(r *cluster.Resource) *Policy {
		p := newPolicy(s, r, system)
		p.decode(r.Spec.Recount(&problems))
		return p
	})
	Resolve(policies, decodeOTelBackends(s, &problems))
	if ofZone(s, policies) {
		for i, p := range policies {
			p.unlabelled = s.MeshTraces[i].Created.IsZero() && p.Labels.Get(cluster.OriginLabel) == ""
		}
	}
	return policies, problems
}

// ofZone reports whether the policies are those of one zone, as the label of one of them says.
func ofZone(s *cluster.Snapshot, policies []*Policy) bool {
	if mode := s.About().Mode; mode != cluster.ModeZone && (mode != "" || s.MayBeGlobal()) {
		return false
	}
	return slices.ContainsFunc(policies, func(p *Policy) bool { return p.Labels.Get(cluster.OriginLabel) == "zone" })
}

// newPolicy returns a resource as a policy that selects and sets nothing.
func newPolicy(s *cluster.Snapshot, r *cluster.Resource, system []string) *Policy {
	p := &Policy{
		Place: r.Place, Mesh: r.Mesh, Name: r.Name, Namespace: r.Namespace, Labels: r.Labels, Format: r.Format, Source: r.Source,
	}
	p.System = p.isOfOperator(s, system)
	if !p.System && p.Labels.Get(cluster.RoleLabel) == "" && !r.Created.IsZero() {
		p.System, p.withoutRole = true, true
	}
	origin := p.Labels.Get(cluster.OriginLabel)
	// On Universal, a global control plane leaves out the label of the origin.
	p.ofGlobal = origin == "global" || origin == "" && s.About().Mode == cluster.ModeGlobal
	return p
}

// isOfOperator reports whether a policy belongs to the mesh operator; see Read.
func (p *Policy) isOfOperator(s *cluster.Snapshot, system []string) bool {
	if role := p.Labels.Get(cluster.RoleLabel); role != "" {
		return role == "system"
	}
	return p.Namespace == "" || slices.Contains(system, p.Namespace) ||
		!s.NamesNamespace() && slices.Contains(cluster.SystemNamespaces, p.Namespace)
}

func (p *Policy) decode(spec manifest.Value) {
	spec.Known("targetRef", "default")
	p.TargetRef = decodeTargetRef(spec.Field("targetRef"))
	conf := spec.Field("default")
	conf.Known("backends", "sampling", "tags")
	if backends := conf.Field("backends"); backends.Present() {
		p.Default.Backends = []Backend{}
		for _, v := range backends.Items() {
			p.Default.Backends = append(p.Default.Backends, decodeBackend(v))
			p.untyped = p.untyped || !v.Field("type").Present()
		}
	}
	sampling := conf.Field("sampling")
	p.sampled = sampling.Present()
	sampling.Known("overall", "client", "random")
	percentOf := func(name string) *Percent {
		value := sampling.Field(name)
		percent := (*Percent)(value.Percent())
		p.wrapped = p.wrapped || value.Wrapped()
		p.unquoted = p.unquoted || percent != nil && !percent.isWhole() && value.Node().Kind == manifest.Float
		return percent
	}
	p.Default.Sampling = Sampling{percentOf("overall"), percentOf("client"), percentOf("random")}
	if tags := conf.Field("tags"); tags.Present() {
		p.Default.Tags = []Tag{}
		for _, v := range tags.Items() {
			p.Default.Tags = append(p.Default.Tags, decodeTag(v))
		}
	}
}

func decodeTargetRef(v manifest.Value) TargetRef {
	if !v.Present() {
		return TargetRef{Kind: Mesh} // 2.9 and later
	}
	v.Known("kind", "name", "namespace", "tags", "labels", "sectionName", "proxyTypes", "mesh")
	ref := TargetRef{
		Kind: Kind(v.Need("kind").Str()), Name: v.Field("name").Str(), Namespace: v.Field("namespace").Str(),
		Tags: cluster.TagsOf(v.Field("tags")), Labels: cluster.TagsOf(v.Field("labels")), SectionName: v.Field("sectionName").Str(),
	}
	if ref.Labels == nil && v.Field("labels").Present() {
		ref.Labels = cluster.Tags{} // a targetRef with a name has precedence over it
	}
	row := ref.Kind.row()
	if row.selects == noProxy && ref.Kind != "" {
		v.Field("kind").Fail("%.40q is not one of %s", string(ref.Kind), kindNames())
	}
	for _, field := range targetRefFields {
		if row.needs.has(field.field) {
			v.Need(field.name)
		}
	}
	proxyTypes := v.Field("proxyTypes")
	if proxyTypes.Present() {
		ref.ProxyTypes = []string{}
	}
	for _, item := range proxyTypes.Items() {
		proxyType := item.Str()
		if proxyType != Sidecar && proxyType != Gateway && proxyType != "" {
			item.Fail("%.40q is neither Sidecar nor Gateway", proxyType)
		}
		ref.ProxyTypes = append(ref.ProxyTypes, proxyType)
	}
	return ref
}

// decodeBackend reads a backend with its type, or without one as up to 2.2.
func decodeBackend(v manifest.Value) Backend {
	v.Known("type", "zipkin", "datadog", "openTelemetry")
	b := Backend{Type: v.Field("type").Str()}
	if zipkin := v.Field("zipkin"); zipkin.Present() {
		zipkin.Known("url", "apiVersion", "sharedSpanContext", "traceId128bit")
		b.Zipkin = &Zipkin{
			URL: zipkin.Need("url").Str(), APIVersion: zipkin.Field("apiVersion").Str(),
			TraceID128Bit: zipkin.Field("traceId128bit").Bool(),
		}
		switch b.Zipkin.APIVersion {
		case "", "httpJson", "httpJsonV1", "httpProto":
		default:
			zipkin.Field("apiVersion").Fail("is neither httpJson nor httpProto")
		}
		if shared := zipkin.Field("sharedSpanContext"); shared.Present() {
			b.Zipkin.SharedSpanContext = new(shared.Bool())
		}
	}
	if datadog := v.Field("datadog"); datadog.Present() {
		datadog.Known("url", "splitService")
		b.Datadog = &Datadog{URL: datadog.Need("url").Str(), SplitService: datadog.Field("splitService").Bool()}
	}
	if otel := v.Field("openTelemetry"); otel.Present() {
		otel.Known("endpoint", "backendRef")
		b.OpenTelemetry = &OpenTelemetry{Endpoint: otel.Field("endpoint").Str()}
		if ref := otel.Field("backendRef"); ref.Present() {
			ref.Known("kind", "name", "labels")
			b.OpenTelemetry.BackendRef = cluster.TagsOf(ref.Field("labels"))
			if b.OpenTelemetry.BackendRef == nil {
				b.OpenTelemetry.BackendRef = cluster.Tags{}
			}
			if name := ref.Field("name").Str(); name != "" {
				b.OpenTelemetry.BackendRef = b.OpenTelemetry.BackendRef.With(cluster.DisplayNameLabel, name)
			}
		}
	}
	set := map[string]bool{TypeZipkin: b.Zipkin != nil, TypeDatadog: b.Datadog != nil, TypeOpenTelemetry: b.OpenTelemetry != nil}
	if b.Type == "" {
		for _, name := range []string{TypeZipkin, TypeDatadog, TypeOpenTelemetry} {
			if set[name] {
				b.Type = name
			}
		}
	}
	switch isSet, known := set[b.Type]; {
	case b.Type == "":
		v.Fail("has neither a type nor one of zipkin, datadog, openTelemetry")
	case !known:
		v.Field("type").Fail("is not one of Zipkin, Datadog, OpenTelemetry")
	case !isSet:
		v.Fail("is of type %s, but that field is missing", b.Type)
	}
	return b
}

func decodeTag(v manifest.Value) Tag {
	v.Known("name", "literal", "header")
	tag := Tag{Name: v.Need("name").Str()}
	if literal := v.Field("literal"); literal.Present() {
		tag.Literal = new(literal.Str())
	}
	if header := v.Field("header"); header.Present() {
		header.Known("name", "default")
		tag.Header = &Header{Name: header.Need("name").Str(), Default: header.Field("default").Str()}
	}
	return tag
}
