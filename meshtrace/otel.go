package meshtrace

import (
	"cmp"
	"net"
	"path"
	"slices"
	"strconv"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
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
	// original is set for what a global control plane made, where it is read there and not in a zone.
	original bool
}

// DefaultOTelPort is the port of a collector that names none.
const DefaultOTelPort = 4317

func decodeOTelBackend(r *cluster.Resource, problems *[]*manifest.Problem) *OTelBackend {
	spec := r.Spec.Into(problems)
	endpoint := spec.Field("endpoint")
	b := &OTelBackend{Resource: r, Name: r.DisplayName(), Host: endpoint.Field("address").Str(), Port: DefaultOTelPort}
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

// Identity returns the backend's identity, as [Policy.Identity] does.
func (b *OTelBackend) Identity() Identity {
	return IdentityOf(b.Format, b.Mesh, b.Namespace, b.Resource.Name)
}

// tracesURL returns where the tracer sends its requests. Port 443 means https.
func (b *OTelBackend) tracesURL() string {
	scheme := "http"
	if b.Port == 443 {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))) + path.Join("/", b.Path, "v1/traces")
}

// Backends decodes the MeshOpenTelemetryBackends of a snapshot. [Read] reports their
// problems.
func Backends(s *cluster.Snapshot) []*OTelBackend {
	var problems []*manifest.Problem
	return decodeOTelBackends(s, &problems)
}

func decodeOTelBackends(s *cluster.Snapshot, problems *[]*manifest.Problem) []*OTelBackend {
	return lists.Each(s.OTelBackends, func(r *cluster.Resource) *OTelBackend {
		b := decodeOTelBackend(r, problems)
		b.original = s.About().Mode == cluster.ModeGlobal && r.Labels.Get(cluster.OriginLabel) != "zone"
		return b
	})
}

// Resolve sets the backend that each policy refers to, of those in its mesh. Of several
// that have the labels the oldest counts; one without a creation time is the newest.
func Resolve(policies []*Policy, backends []*OTelBackend) {
	for _, p := range policies {
		for _, b := range p.Default.Backends {
			if !b.refers() {
				continue
			}
			var found [2]*OTelBackend // up to 2.14, and later
			for _, to := range backends {
				for later := range found {
					if to.Mesh == p.Mesh && to.has(b.OpenTelemetry.BackendRef, later == 1) && (found[later] == nil || to.isOlder(found[later])) {
						found[later] = to
					}
				}
			}
			b.OpenTelemetry.Backend = cmp.Or(found[0], found[1])
			b.OpenTelemetry.byName, b.OpenTelemetry.byLabel = found[0] == nil && found[1] != nil, found[0] != nil && found[0] != found[1]
		}
	}
}

// has reports whether b has the labels of a reference, on versions up to 2.14 or on later ones.
func (b *OTelBackend) has(ref cluster.Tags, later bool) bool {
	own := b.Labels
	name := b.DisplayName()
	switch written := own.Get(cluster.DisplayNameLabel); {
	case b.Format != cluster.Universal || b.original: // the copies in zones, which count, have the label: seen on 2.14.3
	case !later:
		name = written
	case !cluster.IsCopy(b.Resource.Name, written):
		name = b.Resource.Name
	}
	return len(ref) > 0 && !slices.ContainsFunc(ref, func(label cluster.Tag) bool {
		if label.Key == cluster.DisplayNameLabel {
			return label.Value != name
		}
		return label.Value != own.Get(label.Key)
	})
}

func (b *OTelBackend) isOlder(other *OTelBackend) bool {
	return !b.Created.IsZero() && (other.Created.IsZero() || b.Created.Before(other.Created))
}

// The manifest of a backend.
type (
	backendObject struct {
		head `yaml:",inline"`
		Spec backendSpec `yaml:"spec" json:"spec"`
	}
	backendSpec struct {
		Endpoint endpoint `yaml:"endpoint" json:"endpoint"`
		Protocol string   `yaml:"protocol" json:"protocol"`
	}
	endpoint struct {
		Address string `yaml:"address" json:"address"`
		Port    uint32 `yaml:"port" json:"port"`
	}
)

// manifest returns a backend that was made here, which speaks gRPC.
func (b *OTelBackend) manifest() backendObject {
	return backendObject{
		head: newHead(cluster.KindOTelBackend, b.Format, b.Mesh, b.Name, b.Namespace, b.Labels),
		Spec: backendSpec{Endpoint: endpoint{b.Host, b.Port}, Protocol: "grpc"},
	}
}

// File returns the backend as a file, and the file's name, as [Policy.File] does.
func (b *OTelBackend) File(style Style) (name string, text []byte, err error) {
	name = fileName(b.Mesh, "backend_"+b.Name)
	if style.JSON {
		text, err = manifest.EncodeJSON(b.manifest())
		return name + ".json", text, err
	}
	text, err = manifest.EncodeYAML(b.manifest())
	return name + ".yaml", text, err
}
