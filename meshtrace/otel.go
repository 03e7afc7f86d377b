package meshtrace

import (
	"net"
	"path"
	"strconv"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// OTelBackend is a MeshOpenTelemetryBackend, the collector that an OpenTelemetry backend
// refers to (2.14 and later). Its defaults are those of
// pkg/core/resources/apis/meshopentelemetrybackend of Kuma's main branch.
type OTelBackend struct {
	*cluster.Resource
	Name string // its display name
	Host string // empty: the proxy's own node
	Port uint32 // 1 to 65535
	HTTP bool   // OTLP over HTTP; otherwise over gRPC
	Path string // before /v1/traces
}

const defaultOTelPort = 4317

func decodeOTelBackend(r *cluster.Resource, problems *[]*manifest.Problem) *OTelBackend {
	spec := r.Spec.Into(problems)
	endpoint := spec.Field("endpoint")
	b := &OTelBackend{Resource: r, Name: r.DisplayName(), Host: endpoint.Field("address").Str(), Port: defaultOTelPort}
	if port := endpoint.Field("port"); port.Present() {
		b.Port = port.Port()
	}
	b.Path = endpoint.Field("path").Str()
	switch protocol := spec.Field("protocol"); protocol.Str() {
	case "", "grpc":
	case "http":
		b.HTTP = true
	default:
		protocol.Fail("is neither grpc nor http")
	}
	return b
}

// tracesURL returns where the tracer sends its requests. Port 443 means https.
func (b *OTelBackend) tracesURL() string {
	scheme := "http"
	if b.Port == 443 {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))) + path.Join("/", b.Path, "v1/traces")
}

// resolve sets the backends that the policies refer to. Of several that have the labels
// the oldest counts.
func resolve(policies []*Policy, backends []*OTelBackend) {
	for _, p := range policies {
		for _, b := range p.Default.Backends {
			if b.OpenTelemetry == nil || b.OpenTelemetry.BackendRef == nil {
				continue
			}
			for _, to := range backends {
				if to.Mesh != p.Mesh || !to.Has(b.OpenTelemetry.BackendRef) {
					continue
				}
				if found := b.OpenTelemetry.Backend; found == nil || to.Created.Before(found.Created) {
					b.OpenTelemetry.Backend = to
				}
			}
		}
	}
}
