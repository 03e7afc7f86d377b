package envoydiff_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/fixtures"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// stateOf reads manifests and what of them decides on tracing.
func stateOf(t *testing.T, text string) (*cluster.Snapshot, envoydiff.State) {
	t.Helper()
	s := cluster.Read([]manifest.Input{manifest.Text("input.yaml", text)})
	require.Empty(t, s.Problems)
	meshes, problems := legacy.Read(s)
	require.Empty(t, problems)
	policies, problems := meshtrace.Read(s)
	require.Empty(t, problems)
	return s, envoydiff.State{Legacy: meshes, Policies: policies}
}

// TestUpgrade compares one state on two versions of the control plane.
func TestUpgrade(t *testing.T) {
	const (
		mesh      = "type: Mesh\nname: default\ntracing:\n  defaultBackend: z\n  backends:\n  - {name: z, type: zipkin, conf: {url: 'http://z:9411/api/v2/spans'}}\n"
		route     = "---\ntype: TrafficRoute\nmesh: default\nname: all\n"
		trace     = "---\ntype: TrafficTrace\nmesh: default\nname: all\nselectors:\n- match: {kuma.io/service: '*'}\n"
		web       = "---\ntype: Dataplane\nmesh: default\nname: web\nlabels: {app: web}\nnetworking:\n  address: 10.0.0.1\n"
		both      = "  inbound:\n  - {port: 80, protocol: http, tags: {kuma.io/service: web, kuma.io/protocol: http}}\n"
		tagged    = "  inbound:\n  - {port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}\n"
		field     = "  inbound:\n  - {port: 80, protocol: http, tags: {kuma.io/service: web}}\n"
		ignored   = "  inbound:\n  - {port: 80, protocol: http, state: Ignored, tags: {kuma.io/service: web, kuma.io/protocol: http}}\n"
		calls     = "  outbound:\n  - {port: 1000, tags: {kuma.io/service: web}}\n"
		refers    = "  outbound:\n  - {port: 1000, backendRef: {kind: MeshService, name: web, port: 80}}\n"
		service   = "---\ntype: MeshService\nmesh: default\nname: web\nspec:\n  ports:\n  - {port: 80, appProtocol: http}\n"
		generated = "---\ntype: MeshService\nmesh: default\nname: web\nlabels: {kuma.io/managed-by: meshservice-generator}\nspec:\n" +
			"  selector: {dataplaneTags: {kuma.io/service: web}}\n  ports:\n  - {port: 80, appProtocol: http}\n"
		workload    = "---\ntype: Dataplane\nmesh: default\nname: web\nlabels: {kuma.io/workload: web}\nnetworking:\n  address: 10.0.0.1\n"
		otel        = "---\ntype: MeshOpenTelemetryBackend\nmesh: default\nname: o\nspec: {endpoint: {address: o}}\n"
		db          = "---\ntype: ExternalService\nmesh: default\nname: db\ntags: {kuma.io/service: db, kuma.io/protocol: tcp}\nnetworking: {address: 'db:5432'}\n"
		everywhere  = "meshServices: {mode: Everywhere}\n"
		exclusive   = "meshServices: {mode: Exclusive}\n"
		external    = "---\ntype: ExternalService\nmesh: default\nname: e\ntags: {kuma.io/service: e, kuma.io/protocol: http}\n"
		transparent = "  transparentProxying: {redirectPortInbound: 15006, redirectPortOutbound: 15001}\n"
		kong        = "---\ntype: Dataplane\nmesh: default\nname: web\nnetworking:\n  address: 10.0.0.1\n  gateway: {tags: {kuma.io/service: web}}\n"
	)
	const kube = "---\napiVersion: kuma.io/v1alpha1\nkind: Dataplane\nmesh: default\nmetadata: {name: web, namespace: shop}\n" +
		"spec: {networking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web, kuma.io/protocol: http}}]}}\n"
	const vips = "---\napiVersion: kuma.io/v1alpha1\nkind: Dataplane\nmesh: default\nmetadata: {name: web, namespace: shop, labels: {kuma.io/workload: web_shop_svc_80}}\n" +
		"spec: {networking: {address: 10.0.0.1, inbound: [{port: 80, protocol: http, tags: {kuma.io/service: web_shop_svc_80, kuma.io/protocol: http}}], transparentProxying: {}}}\n"
	policy := func(name, ref, backend string) string {
		return "---\ntype: MeshTrace\nmesh: default\nname: " + name + "\nspec:\n  targetRef: " + ref + "\n  default:\n    backends: [" + backend + "]\n"
	}
	zipkin := func(host string) string {
		return "{type: Zipkin, zipkin: {url: 'http://" + host + ":9411/api/v2/spans'}}"
	}
	const datadog = "{type: Datadog, datadog: {url: 'http://dd:8126', splitService: true}}"
	all := policy("a", "{kind: Mesh}", zipkin("z"))
	for name, test := range map[string]struct {
		text     string
		from, to cluster.Version
		verdict  envoydiff.Verdict
		codes    []envoydiff.Code
	}{
		"nothing traced":                    {mesh + web + both, cluster.V(14), cluster.Newest, envoydiff.Same, nil},
		"the same version":                  {mesh + trace + web + both, cluster.V(13), cluster.V(13), envoydiff.Same, nil},
		"a TrafficTrace to 3.0":             {mesh + trace + route + web + both, cluster.V(13), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.TrafficTraceRemoved}},
		"a TrafficTrace to 2.14":            {mesh + trace + route + web + both, cluster.V(13), cluster.V(14), envoydiff.Same, nil},
		"kind Mesh to 3.0":                  {mesh + all + web + both, cluster.V(14), cluster.Newest, envoydiff.Same, nil},
		"kind Mesh from 2.13 to 3.0":        {mesh + all + web + both, cluster.V(13), cluster.Newest, envoydiff.Inherent, []envoydiff.Code{envoydiff.KumaTags}},
		"labels to 3.0":                     {mesh + policy("a", "{kind: Dataplane, labels: {app: web}}", zipkin("z")) + web + both, cluster.V(14), cluster.Newest, envoydiff.Same, nil},
		"display name to 3.0":               {mesh + policy("a", "{kind: Dataplane, labels: {kuma.io/display-name: web}}", zipkin("z")) + web + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.SelectionDiffers}},
		"proxy type to 3.0":                 {mesh + policy("a", "{kind: Dataplane, labels: {kuma.io/proxy-type: sidecar}}", zipkin("z")) + web + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.SelectionDiffers}},
		"computed labels to 3.0":            {mesh + policy("a", "{kind: Dataplane, labels: {kuma.io/mesh: default, kuma.io/env: universal, kuma.io/origin: zone}}", datadog) + web + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.WorkloadServiceName}},
		"no such label to 3.0":              {mesh + policy("a", "{kind: Dataplane, labels: {team: ''}}", datadog) + web + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.WorkloadServiceName}},
		"own display name to 3.0":           {mesh + policy("a", "{kind: Dataplane, labels: {kuma.io/display-name: x}}", zipkin("z")) + strings.Replace(web, "{app", "{kuma.io/display-name: x, app", 1) + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.SelectionDiffers}},
		"node's label to 3.0":               {mesh + policy("a", "{kind: Dataplane, labels: {kubernetes.io/hostname: n1}}", zipkin("z")) + strings.Replace(kube, "{kuma.io/service", "{kubernetes.io/hostname: n1, kuma.io/service", 1), cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.SelectionDiffers}},
		"a role on Universal to 3.0":        {mesh + trace + route + strings.Replace(all, "name: a", "name: a\nlabels: {kuma.io/policy-role: workload-owner}", 1) + web + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.TrafficTraceRemoved}},
		"a backend's label to 3.0":          {mesh + policy("a", "{kind: Mesh}", "{type: OpenTelemetry, openTelemetry: {backendRef: {kind: MeshOpenTelemetryBackend, labels: {kuma.io/display-name: o}}}}") + strings.Replace(otel, "name: o", "name: p\nlabels: {kuma.io/display-name: o}", 1) + workload + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.TracingLost}},
		"a backend's other label to 3.0":    {mesh + policy("a", "{kind: Mesh}", "{type: OpenTelemetry, openTelemetry: {backendRef: {kind: MeshOpenTelemetryBackend, labels: {kuma.io/display-name: o}}}}") + strings.Replace(otel, "name: o", "name: o\nlabels: {kuma.io/display-name: p}", 1) + workload + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.TracingGained}},
		"a backend's name to 3.0":           {mesh + policy("a", "{kind: Mesh}", "{type: OpenTelemetry, openTelemetry: {backendRef: {kind: MeshOpenTelemetryBackend, labels: {kuma.io/display-name: o}}}}") + otel + workload + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.TracingGained}},
		"empty labels to 3.0":               {mesh + policy("a", "{kind: Dataplane, labels: {}}", zipkin("other")) + policy("b", "{kind: Dataplane, name: web}", zipkin("z")) + web + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.FieldIgnored}},
		"inbounds of a name to 3.0":         {mesh + all + web + "  inbound:\n  - {port: 80, name: x, protocol: http, tags: {kuma.io/service: web}}\n  - {port: 81, name: x, protocol: tcp, tags: {kuma.io/service: web}}\n", cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.TracingLost}},
		"outbounds alike to 3.0":            {mesh + all + strings.Replace(service, "spec:\n", "spec:\n  selector: {dataplaneRef: {name: web}}\n", 1) + web + both + refers + "  - {port: 1001, backendRef: {kind: MeshService, name: web, port: 80}}\n", cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.TracingLost}},
		"a service's label to 3.0":          {mesh + all + service + web + both + strings.Replace(refers, "name: web", "labels: {kuma.io/display-name: web}", 1), cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.TracingGained}},
		"the oldest service to 3.0":         {mesh + all + strings.Replace(service, "name: web", "name: b\ncreationTime: 2026-01-02T00:00:00Z\nlabels: {s: s}", 1) + strings.Replace(strings.Replace(service, "name: web", "name: c\ncreationTime: 2026-01-01T00:00:00Z\nlabels: {s: s}", 1), "port: 80", "port: 81", 1) + route + web + both + strings.Replace(refers, "name: web", "labels: {s: s}", 1), cluster.V(14), cluster.Newest, envoydiff.Same, nil},
		"no more service to 3.0":            {mesh + all + generated + web + both + refers, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.OutboundNeedsService}},
		"a made service to 3.0":             {mesh + all + generated + workload + both + refers, cluster.V(14), cluster.Newest, envoydiff.Same, nil},
		"a made port to 3.0":                {mesh + all + strings.Replace(generated, "port: 80", "port: 81", 1) + workload + both + refers, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.TracingGained}},
		"a port of some to 3.0":             {mesh + all + strings.Replace(generated, "port: 80", "port: 81", 1) + strings.Replace(workload, "name: web", "name: x", 1) + strings.Replace(both, "80", "82", 1) + workload + both + refers, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.TracingGained}},
		"a service not made today to 3.0":   {mesh + all + workload + both + refers, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.TracingGained}},
		"a service made everywhere to 3.0":  {mesh + everywhere + all + workload + both + refers, cluster.V(14), cluster.Newest, envoydiff.Same, nil},
		"a service of a tag to 3.0":         {mesh + all + generated + workload + tagged + refers, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.ProtocolFromField, envoydiff.OutboundNeedsService}},
		"a hidden MeshTrace to 3.0":         {mesh + policy("a", "{kind: Mesh, proxyTypes: [Gateway]}", zipkin("z")) + policy("b", "{kind: Dataplane, name: x}", "{type: OpenTelemetry, openTelemetry: {endpoint: 'otel:4317'}}") + web + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.FieldIgnored}},
		"a lent sampling of Datadog to 3.0": {mesh + policy("a", "{kind: Dataplane, labels: {app: web}}", datadog) + policy("'0'", "{kind: Mesh}", "{type: OpenTelemetry, openTelemetry: {endpoint: 'otel:4317'}}") + "    sampling: {overall: 5}\n" + web + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.OTelEndpoint, envoydiff.WorkloadServiceName}},
		"a lent sampling to 3.0":            {mesh + policy("a", "{kind: Dataplane, labels: {app: web}}", zipkin("z")) + policy("'0'", "{kind: Mesh}", "{type: OpenTelemetry, openTelemetry: {endpoint: 'otel:4317'}}") + "    sampling: {overall: 5}\n" + web + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.OTelEndpoint}},
		"MeshSubset to 3.0":                 {mesh + policy("a", "{kind: MeshSubset, tags: {kuma.io/service: web}}", zipkin("z")) + web + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.MeshTraceRefused}},
		"MeshSubset over Mesh to 3.0":       {mesh + all + policy("b", "{kind: MeshSubset, tags: {kuma.io/service: web}}", zipkin("other")) + web + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.MeshTraceRefused}},
		"sectionName, never accepted":       {mesh + policy("a", "{kind: Dataplane, labels: {app: web}, sectionName: x}", zipkin("z")) + web + both, cluster.V(14), cluster.Newest, envoydiff.Same, nil},
		"a name to 3.0":                     {mesh + policy("a", "{kind: Dataplane, name: other}", zipkin("z")) + web + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.FieldIgnored}},
		"proxyTypes to 3.0":                 {mesh + policy("a", "{kind: Mesh, proxyTypes: [Gateway]}", zipkin("z")) + web + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.FieldIgnored}},
		"an endpoint to 3.0":                {mesh + policy("a", "{kind: Mesh}", "{type: OpenTelemetry, openTelemetry: {endpoint: 'otel:4317'}}") + web + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.OTelEndpoint}},
		"Datadog to 3.0":                    {mesh + policy("a", "{kind: Mesh}", datadog) + web + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.WorkloadServiceName}},
		"a protocol tag to 3.0":             {mesh + all + web + tagged, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.ProtocolFromField}},
		"a tag on Kubernetes to 3.0":        {mesh + all + kube, cluster.V(13), cluster.Newest, envoydiff.Inherent, []envoydiff.Code{envoydiff.KumaTags}},
		"outbounds by a field to 3.0":       {mesh + all + workload + transparent + field, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.OutboundProtocol}},
		"outbounds by a tag to 3.0":         {mesh + all + workload + transparent + both, cluster.V(14), cluster.Newest, envoydiff.Same, nil},
		"no outbounds by a field to 3.0":    {mesh + all + web + transparent + field, cluster.V(14), cluster.Newest, envoydiff.Same, nil},
		"MeshServices everywhere to 3.0":    {mesh + everywhere + all + workload + transparent + field, cluster.V(14), cluster.Newest, envoydiff.Same, nil},
		"MeshServices by a tag to 3.0":      {mesh + everywhere + all + workload + transparent + field, cluster.V(13), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.OutboundProtocol, envoydiff.ProtocolFromField, envoydiff.KumaTags}},
		"outbounds that end to 3.0":         {mesh + everywhere + all + web + transparent + field, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.OutboundNeedsService}},
		"an exclusive mesh to 3.0":          {mesh + exclusive + all + workload + transparent + both, cluster.V(14), cluster.Newest, envoydiff.Same, nil},
		"an exclusive mesh, routed":         {mesh + exclusive + all + route + workload + transparent + both, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.TracingGained}},
		"Services that are unread":          {mesh + all + vips, cluster.V(14), cluster.Newest, envoydiff.Unknown, []envoydiff.Code{envoydiff.ServicesUnread}},
		"Services of no proxy's policy":     {mesh + vips, cluster.V(14), cluster.Newest, envoydiff.Same, nil},
		"Services on one version":           {mesh + all + vips, cluster.V(13), cluster.V(13), envoydiff.Same, nil},
		"Services for TCP":                  {mesh + all + strings.ReplaceAll(vips, "http", "tcp"), cluster.V(14), cluster.Newest, envoydiff.Same, nil},
		"outbounds that end, and begin":     {mesh + policy("a", "{kind: Dataplane, name: x}", zipkin("z")) + external + vips, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.FieldIgnored}},
		"outbounds that end, and stay":      {mesh + all + external + strings.Replace(vips, "protocol: http", "protocol: tcp", 2), cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.OutboundNeedsService}},
		"Services of no tag":                {mesh + all + strings.Replace(vips, ", tags: {kuma.io/service: web_shop_svc_80, kuma.io/protocol: http}", "", 1), cluster.V(14), cluster.Newest, envoydiff.Unknown, []envoydiff.Code{envoydiff.ServicesUnread}},
		"Services that are exclusive":       {mesh + exclusive + all + vips, cluster.V(14), cluster.Newest, envoydiff.Same, nil},
		"a protocol field to 2.14":          {mesh + all + web + field, cluster.V(13), cluster.V(14), envoydiff.Different, []envoydiff.Code{envoydiff.ProtocolFromField, envoydiff.KumaTags}},
		"outbound tags to 3.0":              {mesh + all + web + both + calls, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.OutboundNeedsBackendRef}},
		"a TCP outbound to 3.0":             {mesh + all + web + both + strings.Replace(calls, "service: web", "service: db", 1) + db, cluster.V(14), cluster.Newest, envoydiff.Different, []envoydiff.Code{envoydiff.OutboundNeedsBackendRef}},
		"a backendRef to 3.0":               {mesh + all + service + web + both + refers, cluster.V(14), cluster.Newest, envoydiff.Same, nil},
		"names to 2.6":                      {mesh + all + policy("b", "{kind: Mesh}", zipkin("other")) + web + both, cluster.V(5), cluster.V(6), envoydiff.Different, []envoydiff.Code{envoydiff.NameOrder, envoydiff.Defaults}},
		"timeouts to 2.6":                   {mesh + all + web + both, cluster.V(5), cluster.V(6), envoydiff.Inherent, []envoydiff.Code{envoydiff.Defaults}},
		"no route to 2.6":                   {mesh + trace + web + both + calls, cluster.V(5), cluster.V(6), envoydiff.Different, []envoydiff.Code{envoydiff.OutboundNeedsRoute, envoydiff.Defaults}},
		"a delegated gateway to 2.6":        {mesh + all + kong, cluster.V(5), cluster.V(6), envoydiff.Different, []envoydiff.Code{envoydiff.DelegatedGateway}},
		"Ignored inbounds to 2.14":          {mesh + policy("a", "{kind: MeshSubset, tags: {kuma.io/service: web}}", zipkin("z")) + web + ignored, cluster.Version{Major: 2, Minor: 13, Patch: 4}, cluster.V(14), envoydiff.Different, []envoydiff.Code{envoydiff.IgnoredInbound}},
	} {
		t.Run(name, func(t *testing.T) {
			s, state := stateOf(t, test.text)
			got := envoydiff.Compare(s, state, state, envoydiff.Options{Version: test.from, To: test.to})
			require.Len(t, got.Proxies, strings.Count(test.text, "type: Dataplane\n")+strings.Count(test.text, "kind: Dataplane\n"))
			var codes []envoydiff.Code
			for _, d := range got.Proxies[0].Differences {
				if !slices.Contains(codes, d.Code) {
					codes = append(codes, d.Code)
				}
			}
			assert.Equal(t, test.verdict, got.Proxies[0].Verdict)
			assert.ElementsMatch(t, test.codes, codes)
		})
	}
}

// TestUpgradeRecorded compares, for every input recorded on two versions, the verdict of
// each proxy with what the two control planes generated. It is the same where all that
// they generated is equal but for names.
func TestUpgradeRecorded(t *testing.T) {
	withoutRace.Skip(t)
	byName := make(map[string][]fixtures.Case)
	for _, group := range []string{"traffictrace", "meshtrace"} {
		for _, c := range fixtures.Recorded(t, group) {
			name, _, _ := strings.Cut(c.Name, " on ")
			byName[group+"/"+name] = append(byName[group+"/"+name], c)
		}
	}
	compared := 0
	for name, cases := range byName {
		slices.SortFunc(cases, func(a, b fixtures.Case) int { return a.Version.Compare(b.Version) })
		for i, from := range cases {
			for _, to := range cases[i+1:] {
				state := envoydiff.State{}
				state.Legacy, _ = legacy.Read(from.Snapshot)
				state.Policies, _ = meshtrace.Read(from.Snapshot)
				got := envoydiff.Compare(from.Snapshot, state, state, envoydiff.Options{Version: from.Version, To: to.Version})
				for j := range got.Proxies {
					p := &got.Proxies[j]
					before, after := from.Proxies[p.Mesh+"/"+p.Name], to.Proxies[p.Mesh+"/"+p.Name]
					if len(p.Dataplane.Outbounds) == 0 && before.Traced() == 0 && after.Traced() == 0 {
						continue // what is not listed may differ
					}
					compared++
					if p.Verdict == envoydiff.Same || p.Verdict == envoydiff.Inherent {
						assert.Equal(t, before.Traced(), after.Traced(), "%s: %s from %s to %s", name, p.Name, from.Version, to.Version)
					}
					if before.Traced() != after.Traced() {
						assert.Equal(t, envoydiff.Different, p.Verdict, "%s: %s from %s to %s", name, p.Name, from.Version, to.Version)
					}
				}
			}
		}
	}
	assert.Greater(t, compared, 5_000)
}
