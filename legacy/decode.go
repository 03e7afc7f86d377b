package legacy

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// exampleURL is a collector's url, for messages.
const exampleURL = "http://zipkin:9411/api/v2/spans"

func decodeMesh(r *cluster.Resource, problems *[]*manifest.Problem) *Mesh {
	mesh := &Mesh{Resource: r.WithoutSpec(), backends: make(map[string]*Backend)}
	spec := r.Spec.Recount(problems)
	spec.Misspelt("tracing")
	tracing := spec.Field("tracing")
	tracing.Known("backends", "defaultBackend")
	mesh.DefaultBackend = tracing.Field("defaultBackend").Str()
	nodes := make(map[string]manifest.Value)
	for _, v := range tracing.Field("backends").Items() {
		name := v.Need("name").Str()
		if name == "" {
			decodeBackend(name, v) // for its other problems
			continue
		}
		v = v.Labelled("tracing backend %.253q", name)
		if first, ok := nodes[name]; ok {
			if first.Node().Equal(v.Node()) {
				v.WarnTo("read once", cluster.ReadOnce, "is already defined at %s, with the same content", first.Place())
			} else {
				v.Refuse("keep the one that is meant", "is already defined at %s, with other content", first.Place())
			}
			continue
		}
		nodes[name] = v
		backend := decodeBackend(name, v)
		mesh.Backends = append(mesh.Backends, backend)
		mesh.backends[name] = backend
	}
	return mesh
}

// decodeBackend reads one backend. A value of the wrong type is a problem of the input;
// a value that no control plane can use is a problem of the backend.
func decodeBackend(name string, v manifest.Value) *Backend {
	b := &Backend{Place: v.Place(), Name: name, Type: v.Field("type").Str()}
	v.Known("name", "type", "sampling", "conf")
	b.Sampling = v.Field("sampling").Percent()
	conf := v.Field("conf")
	unusable := v.Into(&b.Problems)
	if name != "" { // else b is not kept, and the paths of many take time
		unusable = v.Recount(&b.Problems)
	}
	switch strings.ToLower(b.Type) {
	case "zipkin":
		conf.Known("url", "traceId128bit", "apiVersion", "sharedSpanContext")
		b.Zipkin = &Zipkin{
			URL:           conf.Field("url").Str(),
			TraceID128Bit: conf.Field("traceId128bit").Bool(),
			APIVersion:    conf.Field("apiVersion").Str(),
		}
		if shared := conf.Field("sharedSpanContext"); shared.Present() {
			b.Zipkin.SharedSpanContext = new(shared.Bool())
		}
		checkZipkin(b.Zipkin, unusable.Field("conf"))
	case "datadog":
		conf.Known("address", "port", "splitService")
		b.Datadog = &Datadog{
			Address:      conf.Field("address").Str(),
			Port:         conf.Field("port").Port(),
			SplitService: conf.Field("splitService").Bool(),
		}
		checkDatadog(b.Datadog, unusable.Field("conf"))
	case "":
		unusable.Refuse("write zipkin or datadog", "has no type")
	default:
		unusable.Field("type").Refuse("MeshTrace can express no other", "is neither zipkin nor datadog")
	}
	return b
}

// checkZipkin records why no proxy can send to z. The port is required, because the
// control plane makes the cluster's endpoint from the url's host and port. The url
// itself is never repeated, because it may contain a password.
func checkZipkin(z *Zipkin, conf manifest.Value) {
	field := conf.Need("url")
	if z.URL == "" {
		if field.Present() && field.Node().Kind == manifest.String {
			field.Refuse("write the collector's url, like "+exampleURL, "is empty")
		}
		return
	}
	u, err := url.ParseRequestURI(z.URL)
	switch {
	case err != nil || strings.ContainsAny(z.URL, " \t\r\n"):
		field.Refuse("write it like "+exampleURL, "is not a valid url")
	case u.Scheme != "http" && u.Scheme != "https":
		field.Refuse("write it like "+exampleURL, "has no scheme http or https")
	case strings.Contains(u.Hostname(), "%"):
		field.Refuse("write the address without it, or a host name", "has a zone id (%%) in its host, which Envoy does not resolve")
	case u.Hostname() == "":
		field.Refuse("write it like "+exampleURL, "has no host")
	case u.Port() == "":
		field.Refuse(fmt.Sprintf("write it, like %s://%s/api/v2/spans", u.Scheme, net.JoinHostPort(u.Hostname(), "9411")),
			"has no port, which the control plane needs")
	default:
		if port, err := strconv.ParseUint(u.Port(), 10, 16); err != nil || port == 0 {
			field.Fail("has the port %.20s, out of range 1 to 65535", u.Port())
		}
	}
	switch z.APIVersion {
	case "", "httpJson", "httpJsonV1", "httpProto":
	default:
		conf.Field("apiVersion").Fail("%.40q is not one of httpJson, httpJsonV1, httpProto", z.APIVersion)
	}
}

// checkDatadog records why no proxy can send to d. The address is only a host; Envoy
// treats anything else as a name that never resolves.
func checkDatadog(d *Datadog, conf manifest.Value) {
	conf.Need("port")
	field := conf.Need("address")
	if !field.Present() {
		return
	}
	host, port, splitErr := net.SplitHostPort(d.Address)
	_, ipErr := netip.ParseAddr(d.Address)
	switch {
	case field.Node().Kind != manifest.String:
	case strings.Contains(d.Address, "@"):
		field.Refuse("write the host alone, without user and password", "has an @")
	case strings.Contains(d.Address, "://"):
		hint := "the host alone"
		if u, err := url.Parse(d.Address); err == nil && u.Hostname() != "" {
			hint = strconv.Quote(u.Hostname())
		}
		field.Refuse(fmt.Sprintf("write %s, and the port in conf.port", hint), "has a scheme")
	case len(strings.Fields(d.Address)) > 1:
		field.Refuse("remove it", "contains white space")
	case strings.TrimSpace(d.Address) != d.Address:
		field.Refuse(fmt.Sprintf("write %.253q", strings.TrimSpace(d.Address)), "contains white space")
	case strings.HasPrefix(d.Address, "[") && splitErr != nil:
		field.Refuse(fmt.Sprintf("write %.253q", strings.Trim(d.Address, "[]")), "is in brackets")
	case strings.Contains(d.Address, "%"):
		field.Refuse("write the address without it, or a host name", "has a zone id (%%), which a url cannot pass to Envoy")
	case ipErr == nil:
	case splitErr == nil && host != "":
		field.Refuse(fmt.Sprintf("write %.253q, and %.20s in conf.port", host, port), "has a port in it")
	case !isHost(d.Address):
		field.Fail("%.253q is neither a host name nor an IP address", manifest.RedactURL(d.Address))
	}
}

// isHost reports whether s can be a host name (RFC 1123, and the underscore that DNS and
// Docker allow).
func isHost(s string) bool {
	if len(s) > 253 {
		return false
	}
	for _, label := range strings.Split(strings.TrimSuffix(s, "."), ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label {
			return false
		}
		for _, r := range []byte(label) {
			if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
				return false
			}
		}
	}
	return true
}

func decodeTrafficTrace(r *cluster.Resource, problems *[]*manifest.Problem) *TrafficTrace {
	t := &TrafficTrace{Resource: r.WithoutSpec()}
	spec := r.Spec.Recount(problems)
	if r.Format == cluster.Kubernetes {
		spec.Known("selectors", "conf")
	} else {
		spec.Known("type", "mesh", "name", "labels", "creationTime", "modificationTime", "kri", "selectors", "conf")
	}
	conf := spec.Field("conf")
	conf.Known("backend")
	t.Backend = conf.Field("backend").Str()
	t.Selectors = decodeSelectors(spec)
	if s := spec.Field("selectors"); s.Present() && s.Len() == 0 {
		s.Warn("no-selectors", "has no entry, so the TrafficTrace selects no proxy")
	}
	return t
}

func decodeSelectors(spec manifest.Value) []Selector {
	var selectors []Selector
	for _, v := range spec.Need("selectors").Items() {
		v.Known("match")
		match := v.Need("match")
		selectors = append(selectors, Selector{Place: v.Place(), Tags: cluster.TagsOf(match)})
	}
	return selectors
}
