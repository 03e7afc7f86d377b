package upgrade

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/convert/envoydiff"
)

// Keep is how a service keeps its name.
type Keep string

// The ways to keep the name of a service. keepLabel is the Dataplane's own label on
// Universal. keepSetting is the control plane's setting on Kubernetes, where a Pod may not
// have the label. A name that is not a DNS label cannot be kept, nor can the names of a
// proxy whose inbounds have different ones.
const (
	keepLabel   Keep = "label"
	keepSetting Keep = "setting"
	keepNothing Keep = "invalid-name"
	keepOne     Keep = "several-services"
)

// Rename is a service whose spans have another name after the upgrade.
type Rename struct {
	Old string
	New string // empty: the name of the ServiceAccount, which the input does not contain
	// Keep is how the old name can be kept.
	Keep    Keep
	Proxies []*envoydiff.Proxy
}

// dnsLabel matches the names that a control plane accepts as the label kuma.io/workload of
// a Dataplane, DNS-1035 labels (pkg/core/managers/apis/dataplane and
// pkg/api-server/resource_endpoints.go of Kuma's main branch).
var dnsLabel = regexp.MustCompile(`^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$`)

// services returns the services that get another name in Datadog or OpenTelemetry, and adds
// their proxies to the cause, including those that a TrafficTrace traces today: these get
// it with their MeshTrace.
func (b *builder) services() []*Rename {
	if !b.To.NamesServicesByWorkload() {
		return nil
	}
	type key struct {
		old, new string
		keep     Keep
	}
	byKey := make(map[key]*Rename)
	var all []*Rename
	for c, p := range envoydiff.All(b.Comparisons) {
		if c.Version.NamesServicesByWorkload() || p.Before.NamesService() == "" || p.Dataplane.File == "" || p.Dataplane.Builtin() {
			continue
		}
		for _, old := range oldServices(p) {
			k := key{old: old, new: newService(p.Dataplane)}
			if k.old == k.new {
				continue
			}
			k.keep = keepOf(p, old)
			if byKey[k] == nil {
				byKey[k] = &Rename{Old: k.old, New: k.new, Keep: k.keep}
				all = append(all, byKey[k])
			}
			byKey[k].Proxies = append(byKey[k].Proxies, p)
			b.of(envoydiff.WorkloadServiceName).addProxy(p.Dataplane)
		}
	}
	slices.SortFunc(all, func(x, y *Rename) int {
		return cmp.Or(strings.Compare(x.Old, y.Old), strings.Compare(x.New, y.New), cmp.Compare(x.Keep, y.Keep))
	})
	return all
}

// oldServices returns the names of the proxy's services in spans: with a MeshTrace the
// first one, with a TrafficTrace each inbound's own.
func oldServices(p *envoydiff.Proxy) []string {
	if len(p.Before.Conf.Backends) > 0 {
		return []string{p.Dataplane.SpanService(cluster.Latest)}
	}
	var names []string
	for _, set := range p.Dataplane.TagSets() {
		if name := set.Get(cluster.ServiceTag); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// newService returns the name after the upgrade, empty for one that the control plane will
// take from a ServiceAccount.
func newService(dp *cluster.Dataplane) string {
	if !dp.OnUniversal() {
		return dp.Workload()
	}
	return dp.SpanService(cluster.Newest)
}

func keepOf(p *envoydiff.Proxy, old string) Keep {
	switch {
	case len(oldServices(p)) > 1:
		return keepOne
	case !dnsLabel.MatchString(old):
		return keepNothing
	case !p.Dataplane.OnUniversal():
		return keepSetting
	}
	return keepLabel
}
