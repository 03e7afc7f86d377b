package convert_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// A zone has copies of what a global control plane has, and these select otherwise. Seen on 2.14.3.
func TestSelectedByGlobal(t *testing.T) {
	const (
		global  = "mode: global, product: Kuma, version: 2.14.3, zones: [{name: east, version: 2.14.3}]"
		labels  = "{kuma.io/zone: east, kuma.io/origin: zone, kuma.io/display-name: dp5, app: web}"
		web     = "{type: TrafficTrace, name: web, mesh: default, selectors: [{match: {kuma.io/service: web}}], conf: {backend: a}}"
		proxy   = "{type: Dataplane, mesh: default, name: %s, labels: %s, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}"
		byName  = "{kind: Dataplane, name: dp5}"
		byLabel = "{kind: Dataplane, labels: {kuma.io/display-name: dp5}}"
	)
	for name, row := range map[string]struct {
		origin, proxy, targetRef, labels string
		decides                          string // "": it is not known what
	}{
		"a name at the global":                         {origin(global), fmt.Sprintf(proxy, "dp5-wzz2xvw5b9fz4948", labels), byName, "", "web"},
		"a name at the global, labelled":               {origin(global), fmt.Sprintf(proxy, "dp5-wzz2xvw5b9fz4948", labels), byName, "kuma.io/origin: global", "web"},
		"the label of a copy":                          {origin(global), fmt.Sprintf(proxy, "dp5-wzz2xvw5b9fz4948", labels), byLabel, "", "web"},
		"the label of a copy from Kubernetes":          {origin(global), fmt.Sprintf(proxy, "dp5-wzz2xvw5b9fz4948", strings.Replace(labels, "{", "{k8s.kuma.io/namespace: shop, ", 1)), byLabel, "", "own"},
		"a name in a zone":                             {origin("mode: zone, zone: east, product: Kuma, version: 2.14.3"), fmt.Sprintf(proxy, "dp5", labels), byName, "kuma.io/origin: zone, kuma.io/zone: east", "own"},
		"a name, it is not known where":                {"", fmt.Sprintf(proxy, "dp5", labels), byName, "", ""},
		"a name beside a Dataplane as it was written":  {"", fmt.Sprintf(proxy, "dp5", "{app: web}"), byName, "", "own"},
		"a label of another, it is not known of which": {"", fmt.Sprintf(proxy, "dp5", labels), byLabel, "", "own"},
	} {
		t.Run(name, func(t *testing.T) {
			documents := []string{twoBackends, route, web, row.proxy, existingTrace("own", row.targetRef, "own", row.labels)}
			if row.origin != "" {
				documents = append(documents, row.origin)
			}
			for _, byLabels := range []bool{false, true} {
				plan := converted(t, convert.Options{Version: cluster.V(14), ByLabels: byLabels}, documents...)
				for _, p := range envoydiff.All(plan.Comparisons) {
					if row.decides == "" {
						assert.Equal(t, envoydiff.Unknown, p.Verdict)
						continue
					}
					assert.Equal(t, row.decides, map[bool]string{true: "own", false: "web"}[len(p.Before.Policies) > 0])
				}
			}
		})
	}
}

// Of two MeshGateways with equally ranking selectors, the time of creation decides in each zone by
// its own copies. Seen on 2.14.3.
func TestMeshGatewayTie(t *testing.T) {
	gateway := func(name, created, match, listenerTags string) string {
		if created != "" {
			created = "creationTime: '2026-03-" + created + "T00:00:00Z', "
		}
		return fmt.Sprintf("{type: MeshGateway, mesh: default, name: %s, %sselectors: [{match: {%s}}], conf: {listeners: [{port: 8080, protocol: HTTP, tags: {%s}}]}}",
			name, created, match, listenerTags)
	}
	const (
		global = "mode: global, product: Kuma, version: 2.14.3, zones: [{name: east, version: 2.14.3}]"
		zone   = "mode: zone, zone: east, product: Kuma, version: 2.14.3"
		edge   = "{type: Dataplane, mesh: default, name: edge-1, labels: {kuma.io/zone: east}, networking: {address: 10.0.0.1, gateway: {type: BUILTIN, tags: {kuma.io/service: edge, env: prod}}}}"
	)
	for name, row := range map[string]struct {
		origin, a, b string
		want         bool // whether it is known
	}{
		"at a global":                         {global, gateway("ga", "01", "kuma.io/service: edge", "port: p1"), gateway("gb", "02", "kuma.io/service: edge", ""), false},
		"in a zone":                           {zone, gateway("ga", "01", "kuma.io/service: edge", "port: p1"), gateway("gb", "02", "kuma.io/service: edge", ""), true},
		"at a global, one has more tags":      {global, gateway("ga", "01", "kuma.io/service: edge, env: prod", "port: p1"), gateway("gb", "02", "kuma.io/service: edge", ""), true},
		"at a global, one does not select it": {global, gateway("ga", "01", "kuma.io/service: other", "port: p1"), gateway("gb", "02", "kuma.io/service: edge", ""), true},
		"at a global, alike":                  {global, gateway("ga", "01", "kuma.io/service: edge", "port: p1"), gateway("gb", "02", "kuma.io/service: edge", "port: p1"), true},
		"at a global, alike but named":        {global, gateway("ga", "01", "kuma.io/service: edge", ""), gateway("gb", "02", "kuma.io/service: edge", "") + "\n---\n" + existingTrace("g", "{kind: MeshGateway, name: ga}", "b", ""), false},
		"files without times":                 {"", gateway("ga", "", "kuma.io/service: edge", "port: p1"), gateway("gb", "", "kuma.io/service: edge", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			documents := []string{twoBackends, route, traceOf("all", "{kuma.io/service: '*'}", "a", "01"), edge, row.a, row.b}
			if row.origin != "" {
				documents = append(documents, origin(row.origin))
			}
			for _, p := range envoydiff.All(converted(t, convert.Options{Version: cluster.V(14)}, documents...).Comparisons) {
				assert.Equal(t, row.want, p.Verdict != envoydiff.Unknown)
			}
		})
	}
}

// A zone that was read decides itself between MeshGateways that tie: if it does so as the global
// control plane would, nothing is unknown.
func TestMeshGatewayTieInZone(t *testing.T) {
	gateways := func(head string, dayOfA, dayOfB int) string {
		const gateway = "{type: MeshGateway, mesh: default, name: g%[1]s, %[2]screationTime: '2026-03-%02[3]dT00:00:00Z', " +
			"selectors: [{match: {kuma.io/service: edge}}], conf: {listeners: [{port: 8080, protocol: HTTP, tags: {port: %[1]s}}]}}\n"
		return fmt.Sprintf(gateway, "a", strings.ReplaceAll(head, "NAME", "ga"), dayOfA) + "---\n" + fmt.Sprintf(gateway, "b", strings.ReplaceAll(head, "NAME", "gb"), dayOfB)
	}
	const (
		copied = "labels: {kuma.io/display-name: NAME, kuma.io/origin: global}, "
		edge   = "{type: Dataplane, mesh: default, name: e1, labels: {kuma.io/zone: west}, networking: {address: 127.0.0.1, gateway: {type: BUILTIN, tags: {kuma.io/service: edge, kuma.io/zone: west}}}}\n"
		global = "mode: global\nsource: g\nversion: 2.13.10\nzones: [{name: west, version: 2.13.10}]"
		west   = "mode: federated-zone\nzone: west\nsource: w\nversion: 2.13.10"
	)
	all := traceOf("all", "{kuma.io/service: '*'}", "a", "01") + "\n"
	copyOfAll := strings.Replace(all, "name: all,", "name: all-x, "+strings.ReplaceAll(copied, "NAME", "all"), 1)
	for name, row := range map[string]struct {
		zone string // empty: not read
		want bool   // whether it is known
	}{
		"not read":          {"", false},
		"decides alike":     {gateways(copied, 1, 3), true},
		"decides otherwise": {gateways(copied, 3, 1), false},
		"has another rank":  {strings.Replace(gateways(copied, 1, 3), "kuma.io/service: edge", "kuma.io/service: edge, kuma.io/zone: west", 1), false},
		"has none":          {edge, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := cluster.Read([]manifest.Input{manifest.Text("g", snapshotOf(global, twoBackends+"\n", all, gateways("", 1, 2), edge))})
			if row.zone != "" {
				zone := cluster.Read([]manifest.Input{manifest.Text("w", snapshotOf(west, twoBackends+"\n", copyOfAll, row.zone, strings.Replace(edge, "e1", "e2", 1)))})
				require.NoError(t, s.AddZone("west", zone))
			}
			require.Empty(t, s.Problems)
			plan, problems := convert.Convert(convert.Read(s, ""), convert.Options{Version: cluster.V(13)})
			require.NotNil(t, plan, problems)
			for _, p := range envoydiff.All(plan.Comparisons) {
				assert.Equal(t, row.want, p.Verdict != envoydiff.Unknown, p.Differences)
			}
		})
	}
}

// A MeshHTTPRoute that names a proxy at a global control plane selects none, so that TrafficTraces
// trace the proxy's outbounds already, and these gain nothing.
func TestRouteOfGlobal(t *testing.T) {
	const (
		web   = "{type: Dataplane, mesh: default, name: web-1, labels: {kuma.io/zone: east, kuma.io/display-name: web-1}, networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: tcp}}], outbound: [{port: 81, tags: {kuma.io/service: far}}]}}"
		named = "{type: MeshHTTPRoute, mesh: default, name: r, spec: {targetRef: {kind: Dataplane, name: web-1}, to: [{targetRef: {kind: MeshService, name: far}, rules: []}]}}"
	)
	for mode, taken := range map[string]bool{"global, zones: [{name: east, version: 2.13.10}]": false, "zone, zone: east": true} {
		plan := converted(t, convert.Options{Version: cluster.V(13)}, twoBackends, route, traceOf("all", "{kuma.io/service: '*'}", "a", "01"), web, named,
			origin("product: Kuma, version: 2.13.10, mode: "+mode))
		for _, p := range envoydiff.All(plan.Comparisons) {
			assert.Equal(t, taken, p.Has(envoydiff.OutboundGainsTracing), mode)
		}
	}
}
