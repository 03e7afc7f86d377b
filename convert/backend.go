package convert

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"strconv"

	"tracemigrate/cluster/manifest"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// confOf returns what the backend of a TrafficTrace amounts to, and notes once
// for each backend what there is to say of it.
func (m *mesh) confOf(t *legacy.TrafficTrace) *conf {
	b := m.BackendOf(t)
	if b == nil {
		return none
	}
	c, ok := m.confs[b.Name]
	if !ok {
		c = m.convertBackend(b, t)
		m.confs[b.Name] = c
	}
	return c
}

// backendOf names a backend in notes.
type backendOf struct {
	m *mesh
	b *legacy.Backend
}

// String is `Mesh "default", tracing backend "dd"`.
func (b backendOf) String() string { return fmt.Sprintf("%s, tracing backend %.253q", b.m, b.b.Name) }

// convertBackend expresses b as the conf of a MeshTrace. Everything that has a
// default is set explicitly, since a field that is left out would be filled in
// from a less specific policy, or by another default. t uses b.
func (m *mesh) convertBackend(b *legacy.Backend, t *legacy.TrafficTrace) *conf {
	c := &conf{}
	name := backendOf{m, b}
	for _, problem := range b.Problems {
		c.refused = true
		m.notes.refuse(InvalidBackend, problem.Place, name,
			fmt.Sprintf("%s uses it, and %s", t, complaint(problem)), "correct the Mesh, then convert again")
	}
	sampling := 100.0
	if b.Sampling == nil {
		m.notes.inform(SamplingMadeExplicit, b.Place, name, "sets no sampling, which means 100 percent; the policies say `overall: 100`, so that they inherit none from a less specific policy", "")
	} else {
		sampling = *b.Sampling
	}
	if whole := math.Round(sampling); whole != sampling && !m.o.Version.TakesFractions() {
		exact := meshtrace.Percent(sampling).String()
		if !m.o.RoundSampling {
			c.refused = true
			m.notes.refuse(FractionUnsupported, b.Place, name, fmt.Sprintf("has sampling %s, and MeshTrace of 2.0 takes whole percentages only", exact),
				"upgrade to 2.1 or later first, or accept the nearest with --round-sampling")
		} else {
			m.notes.warn(SamplingRounded, b.Place, name, fmt.Sprintf("has sampling %s, which is rounded to %g, since MeshTrace of 2.0 takes whole percentages only", exact, whole), "")
			sampling = whole
		}
	}
	if c.refused {
		return c
	}
	c.Sampling.Overall = meshtrace.PercentOf(sampling)
	switch {
	case b.Zipkin != nil:
		zipkin := m.zipkin(b.Zipkin, b, name)
		if err := meshtrace.CheckZipkinURL(zipkin.URL); err != nil {
			// The TrafficTrace works, so this is no problem of the backend itself.
			m.notes.refuse(InvalidBackend, b.Place, name, fmt.Sprintf("%s uses its conf.url, and %v", t, err),
				"give the collector a url that MeshTrace accepts, write it in the Mesh, then convert again")
			return &conf{refused: true}
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

func (m *mesh) zipkin(z *legacy.Zipkin, b *legacy.Backend, name backendOf) *meshtrace.Zipkin {
	shared := z.SharedSpanContext == nil || *z.SharedSpanContext
	to := &meshtrace.Zipkin{URL: z.URL, APIVersion: "httpJson", SharedSpanContext: &shared, TraceID128Bit: z.TraceID128Bit}
	if u, err := url.Parse(z.URL); err == nil && (u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "") {
		// Envoy gets host, port and path only, by either policy: see Tracing of
		// packages legacy and meshtrace.
		u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
		to.URL = u.String()
		m.notes.inform(URLPartUnused, b.Place, name, "has a url with a user, a password, a query or a fragment, of which Envoy gets nothing, neither by TrafficTrace nor by MeshTrace; the policies leave it out", "")
	}
	switch z.APIVersion {
	case "httpProto":
		to.APIVersion = "httpProto"
	case "httpJsonV1":
		// Kuma gives both to Envoy as HTTP_JSON, which is Zipkin's v2 API:
		// envoy.config.trace.v3.ZipkinConfig.CollectorEndpointVersion has no v1 any more.
		m.notes.inform(APIVersionHTTPJSONV1, b.Place, name, "has apiVersion httpJsonV1, which MeshTrace has not; it becomes httpJson, which gives Envoy the same (HTTP_JSON)", "")
	}
	return to
}

// complaint is what is wrong with a backend, as the end of a sentence.
func complaint(p *manifest.Problem) string {
	text := p.Complaint()
	if p.Field == "" {
		text = "it " + text
	}
	if p.Remedy != "" {
		text += "; " + p.Remedy
	}
	return text
}
