package convert

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/meshtrace"
)

// backendLabel is the label by which a policy refers to a MeshOpenTelemetryBackend that
// is made here.
const backendLabel = "tracemigrate/backend"

// maxLabelValue is the length of a label's value, which a backend's name is.
const maxLabelValue = 63

// backends are the MeshOpenTelemetryBackends that exist, and those that are made.
type backends struct {
	namespace   string // the control plane's: no other may have them
	known, made []*meshtrace.OTelBackend
}

func newBackends(in *input) *backends {
	return &backends{namespace: in.o.namespace(), known: meshtrace.Backends(in.Snapshot)}
}

// replace replaces the endpoint of a policy's OpenTelemetry backend, which 3.0 refuses,
// by a MeshOpenTelemetryBackend with the same address.
func (b *backends) replace(p *meshtrace.Policy) notes {
	endpoint := p.Default.Backends[0].OpenTelemetry.Endpoint
	host, port, _ := splitEndpoint(endpoint) // relabel refused what is wrong
	to, found := b.find(p, host, port), notes(nil)
	if to == nil {
		to = b.add(p, host, port)
		found = notes{backendMade.note(p.Place, p, facts{"backend": quoted(to.Name), "endpoint": manifest.RedactURL(endpoint)})}
	}
	ref := cluster.Tags{{Key: backendLabel, Value: to.Labels.Get(backendLabel)}}
	p.Default.Backends[0].OpenTelemetry = &meshtrace.OpenTelemetry{BackendRef: ref}
	return found
}

// find returns a backend of an earlier policy or of a previous run with an address.
func (b *backends) find(p *meshtrace.Policy, host string, port uint32) *meshtrace.OTelBackend {
	for _, to := range slices.Concat(b.made, b.known) {
		if to.Mesh == p.Mesh && to.Format == p.Format && to.Labels.Get(backendLabel) == to.Name &&
			to.Host == host && to.Port == port && !to.HTTP && to.Path == "" {
			return to
		}
	}
	return nil
}

// add makes a backend whose name and label no other has.
func (b *backends) add(p *meshtrace.Policy, host string, port uint32) *meshtrace.OTelBackend {
	base := fmt.Sprintf("otel-%s-%d", host, port)
	if p.Format == cluster.Kubernetes && p.Mesh != "default" {
		base += "-" + p.Mesh // all meshes share the namespace
	}
	if base = validName(base); len(base) > maxLabelValue-3 {
		base = withHash(strings.TrimRight(base[:maxLabelValue-12], "-."), p.Mesh, base)
	}
	to := &meshtrace.OTelBackend{
		Resource: &cluster.Resource{Mesh: p.Mesh, Format: p.Format}, Host: host, Port: port,
	}
	if p.Format == cluster.Kubernetes {
		to.Namespace = b.namespace
	}
	for n := 1; ; n++ {
		to.Name = base
		if n > 1 {
			to.Name = fmt.Sprintf("%s-%d", base, n)
		}
		to.Resource.Name, to.Labels = to.Name, cluster.Tags{{Key: backendLabel, Value: to.Name}}
		if origin := p.Labels.Get(cluster.OriginLabel); origin == "zone" { // a federated zone requires it of both
			to.Labels = to.Labels.With(cluster.OriginLabel, origin)
		}
		if !slices.ContainsFunc(slices.Concat(b.made, b.known), func(other *meshtrace.OTelBackend) bool {
			return other.Identity() == to.Identity() || other.Labels.Get(backendLabel) == to.Name
		}) {
			break
		}
	}
	b.made = append(b.made, to)
	return to
}

// splitEndpoint splits an endpoint into host and port. It returns an error for what cannot
// be the address and port of a MeshOpenTelemetryBackend.
func splitEndpoint(endpoint string) (host string, port uint32, err error) {
	host, port = endpoint, meshtrace.DefaultOTelPort
	if h, text, err := net.SplitHostPort(endpoint); err == nil {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			return "", 0, errors.New("its port is not a number from 1 to 65535")
		}
		host, port = h, uint32(n)
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return host, port, nil
	}
	if len(content.IsDNS1123Subdomain(strings.ToLower(host))) > 0 {
		return "", 0, errors.New("its host is neither a name nor an IP address")
	}
	return host, port, nil
}
