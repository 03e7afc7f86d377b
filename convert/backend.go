package convert

import (
	"math"
	"net"
	"net/url"
	"strconv"

	"tracemigrate/cluster/manifest"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// conf is a tracing backend as the conf of a MeshTrace. None is no tracing.
type conf struct {
	meshtrace.Conf
	key      string // equal for equal confs
	problems []*manifest.Problem
	wrong    error // why MeshTrace refuses the backend's url
	notes    notes // on what changed in the backend's own terms
	refused  bool  // it cannot be expressed
}

var none = &conf{Conf: meshtrace.Conf{Backends: []meshtrace.Backend{}}, key: "none"}

func (c *conf) traces() bool { return len(c.Backends) > 0 }

// confs has every tracing backend as the conf of a MeshTrace.
type confs map[*legacy.Backend]*conf

func newConfs(meshes []*legacy.Mesh, o *Options) confs {
	all := make(confs)
	for _, m := range meshes {
		for _, b := range m.Backends {
			all[b] = convertBackend(m, b, o)
		}
	}
	return all
}

// of returns the conf of the backend that a TrafficTrace of m sends traces to.
func (c confs) of(m *legacy.Mesh, t *legacy.TrafficTrace) *conf {
	if b := m.BackendOf(t); b != nil {
		return c[b]
	}
	return none
}

// keyOf is equal for TrafficTraces of m that give the same tracing.
func (c confs) keyOf(m *legacy.Mesh, t *legacy.TrafficTrace) string {
	conf := c.of(m, t)
	if conf.refused {
		return "refused " + m.BackendOf(t).Name
	}
	return conf.key
}

// backendOf names a backend in notes.
type backendOf struct {
	mesh *legacy.Mesh
	b    *legacy.Backend
}

// String is `Mesh "default", tracing backend "dd"`.
func (b backendOf) String() string {
	return backendAndMesh.with(facts{"mesh": b.mesh.Resource, "backend": quoted(b.b.Name)})
}

// convertBackend expresses a backend of m as the conf of a MeshTrace. Everything that has
// a default is set explicitly, since a field that is left out would be filled in from a
// less specific policy, or by another default.
func convertBackend(m *legacy.Mesh, b *legacy.Backend, o *Options) *conf {
	c := &conf{problems: b.Problems, refused: len(b.Problems) > 0}
	name := backendOf{m, b}
	sampling := 100.0
	if b.Sampling == nil {
		c.notes = append(c.notes, samplingMadeExplicit.note(b.Place, name, nil))
	} else {
		sampling = *b.Sampling
	}
	if whole := math.Round(sampling); whole != sampling && !o.Version.TakesFractions() {
		exact := meshtrace.Percent(sampling).String()
		if o.RoundSampling {
			c.notes = append(c.notes, samplingRounded.note(b.Place, name, facts{"sampling": exact, "rounded": whole}))
			sampling = whole
		} else {
			c.refused = true
			c.notes = append(c.notes, fractionUnsupported.note(b.Place, name, facts{"sampling": exact}))
		}
	}
	if c.refused {
		return c
	}
	c.Sampling.Overall = meshtrace.PercentOf(sampling)
	switch {
	case b.Zipkin != nil:
		zipkin, changed := convertZipkin(b, name)
		c.notes = append(c.notes, changed...)
		// The TrafficTrace works, so a url that MeshTrace refuses is no problem of the backend itself.
		if c.wrong = meshtrace.CheckZipkinURL(zipkin.URL); c.wrong != nil {
			return &conf{wrong: c.wrong, notes: c.notes, refused: true}
		}
		c.Backends = []meshtrace.Backend{{Type: meshtrace.TypeZipkin, Zipkin: zipkin}}
	case b.Datadog != nil:
		c.Backends = []meshtrace.Backend{{Type: meshtrace.TypeDatadog, Datadog: &meshtrace.Datadog{
			URL:          "http://" + net.JoinHostPort(b.Datadog.Address, strconv.Itoa(int(b.Datadog.Port))),
			SplitService: b.Datadog.SplitService,
		}}}
	}
	c.key = c.Key()
	return c
}

func convertZipkin(b *legacy.Backend, name backendOf) (*meshtrace.Zipkin, notes) {
	z := b.Zipkin
	shared := z.SharedSpanContext == nil || *z.SharedSpanContext
	to := &meshtrace.Zipkin{URL: z.URL, APIVersion: "httpJson", SharedSpanContext: &shared, TraceID128Bit: z.TraceID128Bit}
	var changed notes
	if u, err := url.ParseRequestURI(z.URL); err == nil && (u.User != nil || u.RawQuery != "" || u.ForceQuery) {
		// Envoy gets host, port and path only, by either policy: see Tracing of
		// packages legacy and meshtrace. What follows a # is part of path or query.
		u.User, u.RawQuery, u.ForceQuery = nil, "", false
		to.URL = u.String()
		changed = append(changed, urlPartUnused.note(b.Place, name, nil))
	}
	switch z.APIVersion {
	case "httpProto":
		to.APIVersion = "httpProto"
	case "httpJsonV1":
		// Kuma gives both to Envoy as HTTP_JSON, which is Zipkin's v2 API:
		// envoy.config.trace.v3.ZipkinConfig.CollectorEndpointVersion has no v1 any more.
		changed = append(changed, httpJSONV1.note(b.Place, name, nil))
	}
	return to, changed
}

// remarkUse notes what is wrong with a backend, or changes in it, where t is the first
// TrafficTrace that uses it.
func remarkUse(m *mesh, b *legacy.Backend, t *legacy.TrafficTrace) notes {
	c, name := m.confs[b], backendOf{m.Mesh, b}
	var found notes
	for _, problem := range c.problems {
		found = append(found, invalidBackend.note(problem.Place, name, facts{"trace": t, "problem": complaint(problem)}))
	}
	found = append(found, c.notes...)
	if c.wrong != nil {
		found = append(found, invalidZipkinURL.note(b.Place, name, facts{"trace": t, "problem": c.wrong}))
	}
	return found
}

// complaint is what is wrong with a backend, and what to do.
func complaint(p *manifest.Problem) string {
	if p.Remedy == "" {
		return p.Complaint()
	}
	return p.Complaint() + "; " + p.Remedy
}
