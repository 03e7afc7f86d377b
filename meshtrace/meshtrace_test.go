package meshtrace_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	tracev3 "github.com/envoyproxy/go-control-plane/envoy/config/trace/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/fixtures"
	"tracemigrate/meshtrace"
)

func policy(name string, kind meshtrace.Kind, labels map[string]string) *meshtrace.Policy {
	return &meshtrace.Policy{Name: name, Mesh: "default", System: true, Labels: cluster.NewTags(labels), TargetRef: meshtrace.TargetRef{Kind: kind}}
}

func application(name string, kind meshtrace.Kind) *meshtrace.Policy {
	p := policy(name, kind, map[string]string{cluster.RoleLabel: "workload-owner"})
	p.System = false
	return p
}

// dataplane returns a policy of kind Dataplane that selects by a name, or without one by
// labels.
func dataplane(name, selected, origin string) *meshtrace.Policy {
	p := policy(name, meshtrace.Dataplane, map[string]string{cluster.OriginLabel: origin})
	if p.TargetRef.Name = selected; selected == "" {
		p.TargetRef.Labels = cluster.NewTags(map[string]string{"app": "web"})
	}
	return p
}

func inSystem(name string) *meshtrace.Policy {
	p := policy(name, meshtrace.Mesh, nil)
	p.Namespace = "kuma-system"
	return p
}

// Precedence by kind, origin, role and name, by version.
func TestCompare(t *testing.T) {
	label := func(key, value string) map[string]string { return map[string]string{key: value} }
	const mesh, subset = meshtrace.Mesh, meshtrace.MeshSubset
	tests := map[string]struct {
		version   cluster.Version
		low, high *meshtrace.Policy
	}{
		"kind":                     {cluster.V(14), policy("a", mesh, nil), policy("z", subset, nil)},
		"Dataplane below subset":   {cluster.V(14), policy("a", meshtrace.Dataplane, nil), policy("z", subset, nil)},
		"subset below service":     {cluster.V(0), policy("z", subset, nil), policy("a", meshtrace.MeshService, nil)},
		"smaller name from 2.6":    {cluster.V(6), policy("b", subset, nil), policy("a", subset, nil)},
		"larger name up to 2.5":    {cluster.V(5), policy("a", subset, nil), policy("b", subset, nil)},
		"global below none":        {cluster.V(6), policy("a", mesh, label(cluster.OriginLabel, "global")), policy("b", mesh, nil)},
		"none below zone":          {cluster.V(6), policy("a", mesh, nil), policy("b", mesh, label(cluster.OriginLabel, "zone"))},
		"no origin before 2.6":     {cluster.V(5), policy("a", mesh, label(cluster.OriginLabel, "zone")), policy("b", mesh, nil)},
		"system role after 2.7":    {cluster.V(8), policy("a", mesh, nil), application("b", mesh)},
		"no role on 2.7":           {cluster.V(7), application("b", mesh), policy("a", mesh, nil)},
		"no role is the system's":  {cluster.V(8), policy("b", mesh, nil), policy("a", mesh, label(cluster.RoleLabel, "system"))},
		"full name up to 2.5":      {cluster.V(5), inSystem("pay-audit"), inSystem("pay")},
		"name alone from 2.6":      {cluster.V(6), inSystem("pay-audit"), inSystem("pay")},
		"Universal up to 2.5":      {cluster.V(5), policy("pay", mesh, nil), policy("pay-audit", mesh, nil)},
		"no display name, 2.5":     {cluster.V(5), policy("a", mesh, label(cluster.DisplayNameLabel, "z")), policy("b", mesh, nil)},
		"labels below name":        {cluster.V(10), dataplane("a", "", "zone"), dataplane("z", "web", "global")},
		"no selection, by name":    {cluster.V(14), policy("b", meshtrace.Dataplane, nil), dataplane("a", "web", "")},
		"labels alone from 3.0":    {cluster.SinceDataplaneOnly, dataplane("z", "web", ""), dataplane("a", "", "")},
		"display name before name": {cluster.V(14), policy("a", mesh, label(cluster.DisplayNameLabel, "z")), policy("b", mesh, nil)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Negative(t, meshtrace.Compare(test.version, test.low, test.high))
			assert.Positive(t, meshtrace.Compare(test.version, test.high, test.low))
			assert.Zero(t, meshtrace.Compare(test.version, test.high, test.high))
		})
	}
}

// A zone from 2.6.1 on labels what is applied with its origin. So a manifest without the label
// ranks as one that has it, unless a control plane stored it so.
func TestOriginOfManifests(t *testing.T) {
	const policies = "{type: MeshTrace, mesh: default, name: a%s, spec: {targetRef: {kind: Mesh}, default: {}}}\n---\n" +
		"{type: MeshTrace, mesh: default, name: z, labels: {kuma.io/origin: zone}, spec: {targetRef: {kind: Mesh}, default: {}}}\n"
	const stored, copied = ", creationTime: '2026-01-02T03:04:05Z'", "---\n{type: Dataplane, mesh: default, name: web, labels: {kuma.io/origin: zone}}\n"
	tests := map[string]struct {
		version  string
		mode     cluster.Mode
		more     string
		document string
		highest  string
	}{
		"mode by the label":   {version: "2.14", highest: "a"},
		"zone":                {version: "2.14", mode: cluster.ModeZone, highest: "a"},
		"2.6.1":               {version: "2.6.1", highest: "a"},
		"2.6.0":               {version: "2.6.0", highest: "z"},
		"global":              {version: "2.14", mode: cluster.ModeGlobal, highest: "z"},
		"federated":           {version: "2.14", mode: cluster.ModeFederatedZone, highest: "z"},
		"stored":              {version: "2.14", mode: cluster.ModeZone, more: stored, highest: "z"},
		"maybe from a global": {version: "2.14", document: copied, highest: "z"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			version, err := cluster.ParseVersion(test.version)
			require.NoError(t, err)
			s := cluster.Read([]manifest.Input{manifest.Text("f", fmt.Sprintf(policies, test.more)+test.document)})
			s.Origin = &cluster.Origin{Mode: test.mode}
			all, problems := meshtrace.Read(s)
			require.Empty(t, problems)
			highest := func(policies []*meshtrace.Policy) string {
				meshtrace.Sort(version, policies)
				return policies[len(policies)-1].Name
			}
			assert.Equal(t, test.highest, highest(all))
			assert.Equal(t, test.highest, highest(lists.Each(all, func(p *meshtrace.Policy) *meshtrace.Policy { return p.AsStored(version) })))
		})
	}
}

func TestShadow(t *testing.T) {
	p := policy("a", meshtrace.Mesh, map[string]string{cluster.EffectLabel: "shadow"})
	dp := &cluster.Dataplane{Mesh: "default", Inbounds: []cluster.Inbound{{Tags: cluster.NewTags(map[string]string{cluster.ServiceTag: "web"})}}}
	matching := func(version cluster.Version) int {
		return len(meshtrace.NewMatcher(version, []*meshtrace.Policy{p}, cluster.Gateways{}).Matching(nil, dp))
	}
	assert.Equal(t, 1, matching(cluster.V(6)), "2.6 does not know the label, so the policy is live")
	assert.Equal(t, 0, matching(cluster.V(7)))
}

// Where Ignored inbounds do not count, no kind selects a proxy that has no others.
func TestIgnoredInbounds(t *testing.T) {
	tags := cluster.NewTags(map[string]string{cluster.ServiceTag: "web"})
	one := &cluster.Dataplane{Mesh: "default", Inbounds: []cluster.Inbound{{Tags: tags, Ignored: true}}}
	both := &cluster.Dataplane{Mesh: "default", Inbounds: []cluster.Inbound{{Tags: tags}, {Tags: tags, Ignored: true}}}
	subset := policy("subset", meshtrace.MeshSubset, nil)
	subset.TargetRef.Tags = tags
	policies := []*meshtrace.Policy{policy("mesh", meshtrace.Mesh, nil), policy("dataplane", meshtrace.Dataplane, nil), subset}
	matching := func(version cluster.Version, dp *cluster.Dataplane) int {
		return len(meshtrace.NewMatcher(version, policies, cluster.Gateways{}).Matching(nil, dp))
	}
	for _, version := range []cluster.Version{{Major: 2, Minor: 10, Patch: 8}, {Major: 2, Minor: 12, Patch: 9}, {Major: 2, Minor: 13, Patch: 4}} {
		assert.Equal(t, 0, matching(version, one), version)
		assert.Equal(t, 3, matching(version, both), version)
	}
	for _, version := range []cluster.Version{{Major: 2, Minor: 12, Patch: 10}, {Major: 2, Minor: 13, Patch: 5}, cluster.V(14)} {
		assert.Equal(t, 3, matching(version, one), version)
	}
	assert.Equal(t, 0, matching(cluster.V(5), one))
	assert.Equal(t, 2, matching(cluster.Version{Major: 2, Minor: 5}, one), "2.5.0 counts them, and does not have kind Dataplane")
}

// A policy in an application's namespace selects proxies there only, on 2.8 all, and
// before 2.8 none; one without a role is the application's unless it is where a
// control plane does.
func TestNamespaces(t *testing.T) {
	const policy = "kind: MeshTrace\napiVersion: kuma.io/v1alpha1\nmetadata: {name: all, namespace: %s, labels: {%s}}\nspec: {targetRef: {kind: Mesh}, default: {sampling: {overall: 5}}}\n"
	selects := func(version cluster.Version, namespace, labels string) bool {
		s := cluster.Read([]manifest.Input{manifest.Text("f", fmt.Sprintf(policy, namespace, labels))})
		policies, problems := meshtrace.Read(s, "my-control-plane")
		require.Empty(t, problems)
		dp := &cluster.Dataplane{Mesh: "default", Namespace: "shop", Inbounds: []cluster.Inbound{{Tags: cluster.NewTags(map[string]string{cluster.ServiceTag: "web"})}}}
		return len(meshtrace.NewMatcher(version, policies, cluster.Gateways{}).Matching(nil, dp)) == 1
	}
	assert.True(t, selects(cluster.V(13), "kuma-system", ""))
	assert.True(t, selects(cluster.V(13), "kong-mesh-system", ""))
	assert.True(t, selects(cluster.V(13), "my-control-plane", ""))
	assert.True(t, selects(cluster.V(13), "shop", ""))
	assert.True(t, selects(cluster.V(13), "shop", "kuma.io/policy-role: workload-owner"))
	assert.True(t, selects(cluster.V(13), "elsewhere", "kuma.io/policy-role: system"))
	assert.False(t, selects(cluster.V(13), "elsewhere", ""))
	assert.False(t, selects(cluster.V(13), "elsewhere", "kuma.io/policy-role: workload-owner"))
	assert.True(t, selects(cluster.V(8), "elsewhere", "kuma.io/policy-role: workload-owner"), "2.8 applies it to every proxy")
	assert.False(t, selects(cluster.V(9), "elsewhere", "kuma.io/policy-role: workload-owner"))
	assert.False(t, selects(cluster.V(7), "shop", ""))
}

// What a control plane stored without a role, because no webhook saw it, belongs to the mesh
// operator.
func TestStoredWithoutRole(t *testing.T) {
	const policy = "{kind: MeshTrace, apiVersion: kuma.io/v1alpha1, metadata: {name: all, namespace: elsewhere%s}, spec: {targetRef: {kind: Mesh}, default: {}}}\n"
	dp := &cluster.Dataplane{Mesh: "default", Namespace: "shop", Inbounds: []cluster.Inbound{{Tags: cluster.NewTags(map[string]string{cluster.ServiceTag: "web"})}}}
	for metadata, stored := range map[string]bool{"": false, ", creationTimestamp: '2026-01-02T03:04:05Z'": true} {
		s := cluster.Read([]manifest.Input{manifest.Text("f", fmt.Sprintf(policy, metadata))})
		policies, problems := meshtrace.Read(s)
		require.Empty(t, problems)
		for version, selects := range map[cluster.Version]bool{cluster.V(7): false, cluster.V(8): true, cluster.V(9): stored, cluster.V(14): stored} {
			assert.Equal(t, selects, len(meshtrace.NewMatcher(version, policies, cluster.Gateways{}).Matching(nil, dp)) == 1, "%s%s", version, metadata)
		}
	}
}

// A Universal zone's policy for the proxies of a namespace selects none there, whose copies at a
// global control plane on Kubernetes are in its namespace.
func TestNamespaceOfCopies(t *testing.T) {
	const policy = "{kind: MeshTrace, apiVersion: kuma.io/v1alpha1, metadata: {name: all-bcdfghjklmnpqrst, namespace: kuma-system, " +
		"labels: {kuma.io/policy-role: workload-owner, kuma.io/origin: zone, kuma.io/zone: %s}}, spec: {targetRef: {kind: Mesh}, default: {}}}\n"
	for env, selects := range map[string]bool{"universal": false, "kubernetes": true} {
		policies, _ := meshtrace.Read(cluster.Read([]manifest.Input{manifest.Text("f", fmt.Sprintf(policy, env))}))
		dp := &cluster.Dataplane{
			Mesh: "default", Name: "web-bcdfghjklmnpqrst", Namespace: "kuma-system",
			Labels:   cluster.NewTags(map[string]string{"kuma.io/env": env, cluster.ZoneLabel: env}),
			Inbounds: []cluster.Inbound{{Tags: cluster.NewTags(map[string]string{cluster.ServiceTag: "web"})}},
		}
		assert.Equal(t, selects, len(meshtrace.NewMatcher(cluster.V(14), policies, cluster.Gateways{}).Matching(nil, dp)) == 1, env)
	}
}

// A name selects in the policy's own namespace, unless it has another one, and in the
// policy's own zone.
func TestDataplaneByName(t *testing.T) {
	type labels = map[string]string
	tests := map[string]struct {
		want   bool
		ref    meshtrace.TargetRef
		labels labels            // of the policy, which is in kuma-system
		dp     cluster.Dataplane // in shop, if it has no namespace
	}{
		"namespace":                 {true, meshtrace.TargetRef{Name: "web", Namespace: "shop"}, nil, cluster.Dataplane{Name: "web"}},
		"no namespace":              {false, meshtrace.TargetRef{Name: "web"}, nil, cluster.Dataplane{Name: "web"}},
		"own namespace":             {true, meshtrace.TargetRef{Name: "web"}, nil, cluster.Dataplane{Name: "web", Namespace: "kuma-system"}},
		"namespace of the original": {true, meshtrace.TargetRef{Name: "web"}, labels{cluster.NamespaceLabel: "shop"}, cluster.Dataplane{Name: "web"}},
		"other name":                {false, meshtrace.TargetRef{Name: "api", Namespace: "shop"}, nil, cluster.Dataplane{Name: "web"}},
		"display name":              {true, meshtrace.TargetRef{Name: "web", Namespace: "shop"}, nil, cluster.Dataplane{Name: "web-x5d8", Labels: cluster.NewTags(labels{cluster.DisplayNameLabel: "web"})}},
		"namespace alone":           {false, meshtrace.TargetRef{Namespace: "shop"}, nil, cluster.Dataplane{Name: "web"}},
		"same zone":                 {true, meshtrace.TargetRef{Name: "web", Namespace: "shop"}, labels{cluster.ZoneLabel: "east"}, cluster.Dataplane{Name: "web", Labels: cluster.NewTags(labels{cluster.ZoneLabel: "east"})}},
		"other zone":                {false, meshtrace.TargetRef{Name: "web", Namespace: "shop"}, labels{cluster.ZoneLabel: "west"}, cluster.Dataplane{Name: "web", Labels: cluster.NewTags(labels{cluster.ZoneLabel: "east"})}},
		"of the global":             {false, meshtrace.TargetRef{Name: "web", Namespace: "shop"}, labels{cluster.OriginLabel: "global"}, cluster.Dataplane{Name: "web", Labels: cluster.NewTags(labels{cluster.ZoneLabel: "east"})}},
		"not applied yet":           {true, meshtrace.TargetRef{Name: "web", Namespace: "shop"}, nil, cluster.Dataplane{Name: "web", Labels: cluster.NewTags(labels{cluster.ZoneLabel: "east"})}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := policy("own", meshtrace.Dataplane, test.labels)
			p.Namespace, p.TargetRef.Name, p.TargetRef.Namespace = "kuma-system", test.ref.Name, test.ref.Namespace
			dp := test.dp
			dp.Mesh, dp.Namespace = "default", cmp.Or(dp.Namespace, "shop")
			dp.Inbounds = []cluster.Inbound{{Tags: cluster.NewTags(map[string]string{cluster.ServiceTag: "web"})}}
			for minor := range 5 {
				version := cluster.V(10 + minor)
				assert.Equal(t, test.want, len(meshtrace.NewMatcher(version, []*meshtrace.Policy{p}, cluster.Gateways{}).Matching(nil, &dp)) == 1, version)
			}
		})
	}
}

// The copy of a MeshGateway in a zone has a suffix, and a targetRef the display name.
func TestCopiedMeshGateway(t *testing.T) {
	const text = "type: MeshGateway\nname: edge-4c7d\nmesh: default\nlabels: {kuma.io/display-name: edge}\n" +
		"selectors: [{match: {kuma.io/service: edge}}]\nconf: {listeners: [{port: 80, protocol: HTTP}]}\n"
	s := cluster.Read([]manifest.Input{manifest.Text("f", text)})
	dp := &cluster.Dataplane{Mesh: "default", Gateway: &cluster.Gateway{Builtin: true, Tags: cluster.NewTags(map[string]string{cluster.ServiceTag: "edge"})}}
	for name, want := range map[string]int{"edge": 1, "edge-4c7d": 0, "other": 0} {
		p := policy("gw", meshtrace.MeshGateway, nil)
		p.TargetRef.Name = name
		assert.Len(t, meshtrace.NewMatcher(cluster.V(13), []*meshtrace.Policy{p}, cluster.NewGateways(s.MeshGateways)).Matching(nil, dp), want, name)
	}
}

// From 2.5 to 2.14 a MeshGateway counts for every proxy that its selector matches: its
// listeners' tags select the proxy, and kind Dataplane does not.
func TestSidecarOfAMeshGateway(t *testing.T) {
	const text = "type: MeshGateway\nname: edge\nmesh: default\nselectors: [{match: {kuma.io/service: '*'}}]\n" +
		"tags: {tier: edge}\nconf: {listeners: [{port: 80, protocol: HTTP, tags: {port: http}}]}\n"
	gateways := cluster.NewGateways(cluster.Read([]manifest.Input{manifest.Text("f", text)}).MeshGateways)
	listener, service := policy("listener", meshtrace.MeshSubset, nil), policy("service", meshtrace.MeshSubset, nil)
	listener.TargetRef.Tags = cluster.NewTags(map[string]string{"port": "http", "tier": "edge"})
	service.TargetRef.Tags = cluster.NewTags(map[string]string{cluster.ServiceTag: "web"})
	own := policy("gateway", meshtrace.MeshGateway, nil)
	own.TargetRef.Name = "edge"
	labels := policy("labels", meshtrace.Dataplane, nil)
	labels.TargetRef.Labels = cluster.NewTags(map[string]string{"app": "web"})
	policies := []*meshtrace.Policy{policy("mesh", meshtrace.Mesh, nil), policy("any", meshtrace.Dataplane, nil), labels, listener, service, own}
	tags := cluster.NewTags(map[string]string{cluster.ServiceTag: "web"})
	sidecar := cluster.Dataplane{Mesh: "default", Labels: cluster.NewTags(map[string]string{"app": "web"}), Inbounds: []cluster.Inbound{{Tags: tags}}}
	delegated := cluster.Dataplane{Mesh: "default", Labels: cluster.NewTags(map[string]string{"app": "web"}), Gateway: &cluster.Gateway{Tags: tags}}
	ignored := cluster.Dataplane{Mesh: "default", Labels: cluster.NewTags(map[string]string{"app": "web"}), Inbounds: []cluster.Inbound{{Tags: tags, Ignored: true}}}
	for _, test := range []struct {
		version cluster.Version
		dp      *cluster.Dataplane
		want    []string
	}{
		{cluster.V(4), &sidecar, []string{"mesh", "service"}},
		{cluster.Version{Major: 2, Minor: 5}, &sidecar, []string{"mesh", "listener", "service"}},
		{cluster.V(5), &ignored, []string{"mesh", "listener"}},
		{cluster.V(4), &delegated, nil},
		{cluster.V(5), &delegated, []string{"mesh", "listener", "service"}},
		{cluster.V(9), &sidecar, []string{"mesh", "listener", "service"}},
		{cluster.V(10), &sidecar, []string{"mesh", "listener", "service"}},
		{cluster.V(14), &sidecar, []string{"mesh", "listener", "service"}},
		{cluster.V(14), &delegated, []string{"mesh", "listener", "service"}},
		{cluster.Newest, &sidecar, []string{"any", "labels", "mesh"}},
	} {
		var names []string
		for _, p := range meshtrace.NewMatcher(test.version, policies, gateways).Matching(nil, test.dp) {
			names = append(names, p.Name)
		}
		assert.ElementsMatch(t, test.want, names, "%s %v", test.version, test.dp.Gateway)
	}
}

// Kubernetes fills in a sampling from 2.6 to 2.9. What Universal stored without
// sharedSpanContext before 2.10 is false from then on; what is applied to 2.10 is true.
func TestAsStored(t *testing.T) {
	const spec = "{targetRef: {kind: Mesh}, default: {sampling: {%s}, backends: [{type: Zipkin, zipkin: {url: 'http://z:9411/'}}]}}"
	onKubernetes := "{apiVersion: kuma.io/v1alpha1, kind: MeshTrace, metadata: {name: a, namespace: kuma-system}, spec: " + spec + "}"
	onUniversal := "{type: MeshTrace, mesh: default, name: a, spec: " + spec + "}"
	read := func(text, sampling string) *meshtrace.Policy {
		policies, problems := meshtrace.Read(cluster.Read([]manifest.Input{manifest.Text("f", fmt.Sprintf(text, sampling))}))
		require.Empty(t, problems)
		return policies[0]
	}
	oldest := cluster.Version{Major: 2, Minor: 7, Patch: 7}
	assert.Len(t, read(onKubernetes, "client: 50").RefusedBy(oldest), 1, "100% is filled in")
	assert.Empty(t, read(onUniversal, "client: 50").RefusedBy(oldest))
	assert.Empty(t, read(onKubernetes, "client: 50, overall: 1, random: 1").RefusedBy(oldest))
	hundred := meshtrace.PercentOf(100)
	full := meshtrace.Sampling{Overall: hundred, Client: meshtrace.PercentOf(50), Random: hundred}
	for version, want := range map[cluster.Version]meshtrace.Sampling{
		cluster.V(5): {Client: full.Client}, cluster.V(6): full, cluster.V(9): full, cluster.V(10): {Client: full.Client},
	} {
		assert.Equal(t, want, read(onKubernetes, "client: 50").AsStored(version).Default.Sampling, version)
		assert.Equal(t, meshtrace.Sampling{Client: full.Client}, read(onUniversal, "client: 50").AsStored(version).Default.Sampling, version)
	}
	for _, test := range []struct {
		text     string
		from, to cluster.Version
		want     bool
	}{
		{onUniversal, cluster.V(9), cluster.V(10), false},
		{onUniversal, cluster.V(10), cluster.V(10), true},
		{onUniversal, cluster.V(9), cluster.Newest, false},
		{onKubernetes, cluster.V(9), cluster.V(10), true},
	} {
		conf := read(test.text, "").AsStored(test.from).Default
		tracing := conf.Tracing(test.to, "default", "", "", cluster.HTTPListener{}, "web")
		var config tracev3.ZipkinConfig
		require.NoError(t, tracing.Provider.GetTypedConfig().UnmarshalTo(&config))
		assert.Equal(t, test.want, config.SharedSpanContext.GetValue(), "%s from %s to %s", test.text, test.from, test.to)
	}
}

// The control plane requires backends, and its schema of sampling is an integer or a string.
func TestUnsupported(t *testing.T) {
	without := policy("sampling", meshtrace.Mesh, nil)
	without.Default.Sampling.Overall = meshtrace.PercentOf(50)
	assert.ErrorContains(t, errors.Join(without.Unsupported(cluster.V(13))...), "default.backends is missing")
	for text, want := range map[string]bool{"33.3": true, "'33.3'": false, "33.0": false, "33": false, "3.33e1": true, "1e1": false} {
		policies, problems := meshtrace.Read(cluster.Read([]manifest.Input{manifest.Text("f", "{type: MeshTrace, mesh: default, name: a, spec: {targetRef: {kind: Mesh}, "+
			"default: {sampling: {client: "+text+"}, backends: [{type: Zipkin, zipkin: {url: 'http://z:9411/'}}]}}}")}))
		require.Empty(t, problems)
		assert.Equal(t, want, len(policies[0].RefusedBy(cluster.V(13))) == 1, "%s: %s", text, policies[0].RefusedBy(cluster.V(13)))
		assert.Empty(t, policies[0].InCurrentForm().RefusedBy(cluster.V(13)), text)
	}
}

// On Universal the policy role is a label that a user sets. Seen on 2.12.3.
func TestRoleOnUniversal(t *testing.T) {
	for role, want := range map[string][2]bool{"": {true, true}, "system": {true, true}, "producer": {true, true}, "consumer": {false, true}, "workload-owner": {false, true}} {
		policies, problems := meshtrace.Read(cluster.Read([]manifest.Input{manifest.Text("f",
			"{type: MeshTrace, mesh: default, name: a, labels: {kuma.io/policy-role: '"+role+"'}, spec: {targetRef: {kind: Mesh}, default: {backends: []}}}")}))
		require.Empty(t, problems)
		dp := &cluster.Dataplane{Mesh: "default", Name: "a", Inbounds: []cluster.Inbound{{Port: 80}}}
		for i, version := range []cluster.Version{cluster.V(12), cluster.V(7)} {
			found := meshtrace.NewMatcher(version, policies, cluster.NewGateways(nil)).Matching(nil, dp)
			assert.Equal(t, want[i], len(found) == 1, "%s on %s", role, version)
		}
	}
}

// An empty list of proxyTypes is no list, and from 2.10 on not accepted. Seen on 2.12.3.
func TestEmptyProxyTypes(t *testing.T) {
	for types, refused := range map[string]bool{"": false, ", proxyTypes: []": true, ", proxyTypes: [Sidecar]": false} {
		policies, problems := meshtrace.Read(cluster.Read([]manifest.Input{manifest.Text("f",
			"{type: MeshTrace, mesh: default, name: a, spec: {targetRef: {kind: Mesh"+types+"}, default: {backends: []}}}")}))
		require.Empty(t, problems)
		assert.Equal(t, refused, len(policies[0].Unsupported(cluster.V(10))) == 1, types)
		assert.Empty(t, policies[0].Unsupported(cluster.V(9)), types)
		assert.Empty(t, policies[0].RefusedBy(cluster.V(10)), "one that exists")
	}
}

// A targetRef has the fields of its kind alone.
func TestMisplacedFields(t *testing.T) {
	for ref, want := range map[string]string{
		"{kind: Mesh, tags: {a: b}}":                              "targetRef Mesh has tags",
		"{kind: Mesh, name: a}":                                   "targetRef Mesh has a name",
		"{kind: MeshSubset, name: a, tags: {a: b}}":               "targetRef MeshSubset has a name",
		"{kind: Dataplane, proxyTypes: [Sidecar]}":                "targetRef Dataplane has proxyTypes",
		"{kind: Dataplane, labels: {a: b}, name: c}":              "targetRef Dataplane has labels beside a name or a namespace",
		"{kind: MeshService, name: a, tags: {a: b}}":              "targetRef MeshService has tags",
		"{kind: MeshService, name: a, labels: {a: b}}":            "",
		"{kind: MeshServiceSubset, name: a, tags: {a: b}}":        "",
		"{kind: MeshSubset, tags: {a: b}, proxyTypes: [Gateway]}": "",
	} {
		policies, problems := meshtrace.Read(cluster.Read([]manifest.Input{manifest.Text("f", "{type: MeshTrace, mesh: default, name: a, spec: {targetRef: "+ref+", default: {backends: []}}}")}))
		require.Empty(t, problems)
		assert.Equal(t, want, strings.Join(policies[0].RefusedBy(cluster.V(13)), "; "), ref)
	}
}

// A policy's own tag stays where 2.14 would add one of the same name.
func TestOwnKumaTag(t *testing.T) {
	own := "mine"
	conf := meshtrace.Conf{
		Backends: []meshtrace.Backend{{Type: meshtrace.TypeZipkin, Zipkin: &meshtrace.Zipkin{URL: "http://z:9411/"}}},
		Tags:     []meshtrace.Tag{{Name: "kuma.zone", Literal: &own}},
	}
	var tags []string
	for _, tag := range conf.Tracing(cluster.V(14), "default", "east", "", cluster.HTTPListener{}, "web").CustomTags {
		tags = append(tags, tag.Tag+"="+tag.GetLiteral().GetValue())
	}
	assert.Equal(t, []string{"kuma.zone=mine", "kuma.mesh=default"}, tags)
}

// Up to 2.13 an OpenTelemetry endpoint ends at its second colon; 2.14 parses it.
func TestOTelEndpoint(t *testing.T) {
	for endpoint, want := range map[string][2]string{
		"otel":               {"otel:4317", "otel:4317"},
		"otel:4318":          {"otel:4318", "otel:4318"},
		"[2001:db8::1]:4318": {"[[2001]:0", "[2001:db8::1]:4318"},
		"2001:db8::1":        {"2001:0", "[2001:db8::1]:4317"},
		"http://otel:4318":   {"http:0", "[http://otel:4318]:4317"},
		"otel:4318/v1":       {"otel:0", "otel:4318"},
		"otel:none":          {"otel:0", "[otel:none]:4317"},
		"otel:":              {"otel:0", "otel:4317"},
	} {
		conf := meshtrace.Conf{Backends: []meshtrace.Backend{{OpenTelemetry: &meshtrace.OpenTelemetry{Endpoint: endpoint}}}}
		for i, version := range []cluster.Version{cluster.V(13), cluster.V(14)} {
			to := conf.Collector().Build(version).LoadAssignment.Endpoints[0].LbEndpoints[0].GetEndpoint().Address.GetSocketAddress()
			got := to.Address
			if strings.Contains(got, ":") || strings.Contains(got, "[") {
				got = "[" + got + "]"
			}
			assert.Equal(t, want[i], fmt.Sprintf("%s:%d", got, to.GetPortValue()), "%s on %s", endpoint, version)
		}
	}
}

func TestValidate(t *testing.T) {
	yes := true
	good := func() *meshtrace.Policy {
		return &meshtrace.Policy{
			Mesh: "default", Name: "all", Namespace: "kuma-system", Format: cluster.Kubernetes,
			TargetRef: meshtrace.TargetRef{Kind: meshtrace.MeshSubset, Tags: cluster.NewTags(map[string]string{"team": "core"})},
			Default: meshtrace.Conf{
				Sampling: meshtrace.Sampling{Overall: meshtrace.PercentOf(50)},
				Backends: []meshtrace.Backend{{Type: meshtrace.TypeZipkin, Zipkin: &meshtrace.Zipkin{URL: "http://a:1/", APIVersion: "httpJson", SharedSpanContext: &yes}}},
			},
		}
	}
	validate := func(p *meshtrace.Policy, version cluster.Version) error {
		return meshtrace.ValidateAll([]*meshtrace.Policy{p}, version)
	}
	require.NoError(t, validate(good(), cluster.V(0)))
	tests := map[string]struct {
		version cluster.Version
		spoil   func(*meshtrace.Policy)
		want    string
	}{
		"name":      {cluster.V(14), func(p *meshtrace.Policy) { p.Name = "All" }, "RFC 1123"},
		"namespace": {cluster.V(14), func(p *meshtrace.Policy) { p.Namespace = "a.b" }, "namespace"},
		"role":      {cluster.V(14), func(p *meshtrace.Policy) { p.Labels = cluster.NewTags(map[string]string{cluster.RoleLabel: "system"}) }, "control plane's to set"},
		"shadow before 2.7": {cluster.V(6), func(p *meshtrace.Policy) {
			p.Labels = cluster.NewTags(map[string]string{cluster.EffectLabel: "shadow"})
		}, "ignores"},
		"kind":                 {cluster.V(14), func(p *meshtrace.Policy) { p.TargetRef.Kind = meshtrace.MeshService }, "never written"},
		"wildcard":             {cluster.V(14), func(p *meshtrace.Policy) { p.TargetRef.Tags = cluster.NewTags(map[string]string{"team": "*"}) }, "characters"},
		"wildcard, existing":   {cluster.V(14), func(p *meshtrace.Policy) { p.TargetRef.Tags = cluster.NewTags(map[string]string{"team": "*"}) }, "not a wildcard there and is not accepted"},
		"no tags":              {cluster.V(14), func(p *meshtrace.Policy) { p.TargetRef.Tags = nil }, "has no tags"},
		"proxyTypes":           {cluster.V(5), func(p *meshtrace.Policy) { p.TargetRef.ProxyTypes = []string{"Sidecar"} }, "was added in 2.6"},
		"nothing set":          {cluster.V(14), func(p *meshtrace.Policy) { p.Default = meshtrace.Conf{} }, "sets nothing"},
		"empty list on 2.0":    {cluster.V(0), func(p *meshtrace.Policy) { p.Default.Backends = []meshtrace.Backend{} }, "crashes"},
		"two backends":         {cluster.V(14), func(p *meshtrace.Policy) { p.Default.Backends = append(p.Default.Backends, p.Default.Backends...) }, "2 backends"},
		"zipkin without host":  {cluster.V(14), func(p *meshtrace.Policy) { p.Default.Backends[0].Zipkin.URL = "http:///" }, "zipkin.url"},
		"httpJsonV1":           {cluster.V(14), func(p *meshtrace.Policy) { p.Default.Backends[0].Zipkin.APIVersion = "httpJsonV1" }, "apiVersion"},
		"percent":              {cluster.V(14), func(p *meshtrace.Policy) { p.Default.Sampling.Overall = meshtrace.PercentOf(100.5) }, "out of range"},
		"fraction on 2.0":      {cluster.V(0), func(p *meshtrace.Policy) { p.Default.Sampling.Overall = meshtrace.PercentOf(0.5) }, "fraction"},
		"datadog url's path":   {cluster.V(14), func(p *meshtrace.Policy) { p.Default.Backends[0] = datadog("http://agent:8126/") }, "datadog.url"},
		"datadog url's scheme": {cluster.V(14), func(p *meshtrace.Policy) { p.Default.Backends[0] = datadog("https://agent:8126") }, "datadog.url"},
		"datadog bare IPv6":    {cluster.V(14), func(p *meshtrace.Policy) { p.Default.Backends[0] = datadog("http://::1:8126") }, "datadog.url"},
		"label":                {cluster.V(14), func(p *meshtrace.Policy) { p.Labels = cluster.NewTags(map[string]string{"a b": "c"}) }, "label's name"},
		"label's prefix":       {cluster.V(14), func(p *meshtrace.Policy) { p.Labels = cluster.NewTags(map[string]string{"a..b/c": "1"}) }, "label's name"},
		"name's dots":          {cluster.V(14), func(p *meshtrace.Policy) { p.Name = "a..b" }, "the name is not valid"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := good()
			test.spoil(p)
			assert.ErrorContains(t, validate(p, test.version), test.want)
		})
	}
	// A control plane accepts it, so that a policy which exists may have it.
	p := good()
	p.Default.Backends[0].Zipkin.URL = "http://a/"
	assert.NoError(t, validate(p, cluster.V(14)))
}

func datadog(url string) meshtrace.Backend {
	return meshtrace.Backend{Type: meshtrace.TypeDatadog, Datadog: &meshtrace.Datadog{URL: url}}
}

// Every version's quirks of the form.
func TestWriteVersions(t *testing.T) {
	p := &meshtrace.Policy{
		Mesh: "default", Name: "all", Format: cluster.Universal, TargetRef: meshtrace.TargetRef{Kind: meshtrace.Mesh},
		Default: meshtrace.Conf{Sampling: meshtrace.Sampling{Overall: meshtrace.PercentOf(0.00005)}, Backends: []meshtrace.Backend{datadog("http://agent:8126")}},
	}
	write := func(version cluster.Version) string {
		var b bytes.Buffer
		require.NoError(t, meshtrace.Write(&b, []*meshtrace.Policy{p}, meshtrace.Style{Version: version}))
		return b.String()
	}
	assert.NotContains(t, write(cluster.V(2)), "type: Datadog")
	assert.Contains(t, write(cluster.V(3)), "- type: Datadog")
	assert.Contains(t, write(cluster.V(14)), `overall: "0.00005"`)
}

func TestFileNames(t *testing.T) {
	names := make(map[string]string)
	long := string(bytes.Repeat([]byte("a"), 253))
	for _, p := range []*meshtrace.Policy{
		{Mesh: "default", Name: "all"},
		{Mesh: "..", Name: "all"},
		{Mesh: "a/b", Name: "all"},
		{Mesh: "a%2fb", Name: "all"},
		{Mesh: "a_b", Name: "c"},
		{Mesh: "A", Name: "c"},
		{Mesh: "a", Name: "c"},
		{Mesh: "", Name: "c"},
		{Mesh: "\x00", Name: "c"},
		{Mesh: long, Name: long},
		{Mesh: long, Name: long[1:] + "b"},
	} {
		p.TargetRef.Kind = meshtrace.Mesh
		name, _, err := p.File(meshtrace.Style{Version: cluster.Latest})
		require.NoError(t, err)
		assert.Equal(t, filepath.Base(name), name, "no way out of the directory")
		assert.NotRegexp(t, `^\.`, name)
		assert.LessOrEqual(t, len(name), 255)
		assert.Empty(t, names[name], "%q and %q share a file", names[name], p.Mesh)
		names[name] = p.Mesh
	}
}

// FuzzRead must not panic, and what it reads must match and merge.
func FuzzRead(f *testing.F) {
	for _, text := range fixtures.Texts(f, "recorded/meshtrace/*.yaml") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		snapshot := cluster.Read([]manifest.Input{manifest.Text("f", text)})
		policies, problems := meshtrace.Read(snapshot)
		for _, p := range problems {
			assert.Positive(t, p.Line)
			assert.NotEmpty(t, p.Message())
		}
		for _, version := range []cluster.Version{cluster.V(0), cluster.V(9), cluster.Latest} {
			matcher := meshtrace.NewMatcher(version, policies, cluster.NewGateways(snapshot.MeshGateways))
			for _, dp := range snapshot.Dataplanes {
				matching := matcher.Matching(nil, dp)
				meshtrace.Merge(matching)
				assert.LessOrEqual(t, len(matching), len(policies))
			}
		}
	})
}

// What is written must be what yaml.v3 reads, and for plain names write, of the
// same manifest.
func TestYAML(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	words := []string{
		"web", "y", "No", "on", "null", "1-web", "00-pre", "12", "1.5", "0x1f", "1e3", "2024-01-01", "a b", "a: b", "a #b", "a:b", "-a", "*", "", " a", "a ", "ä", "\u202e", "true", "~", "a\"b", "TrafficTrace \"x\", selector 1",
		"http://h:1/a?b=c", "8080", "1-", "1-2", "a\tb", "a,b", "{a}", "[a]", "&a", "!a", "%a", "@a", "`a", "'a'", "a\nb", "x-", "_x", ".x", "1_000", "0o17", "017", "12e-3", "1-e3", "NaN", ".nan", "Infinity", "=",
	}
	one := func() string { return words[r.IntN(len(words))] }
	some := func() map[string]string {
		m := map[string]string{}
		for range r.IntN(3) {
			m[one()] = one()
		}
		return m
	}
	for range 3000 {
		p := &meshtrace.Policy{
			Mesh: "m" + one(), Name: "n" + one(), Namespace: one(), Labels: cluster.NewTags(some()), Annotations: some(), Format: cluster.Universal, Source: one(),
			TargetRef: meshtrace.TargetRef{Kind: meshtrace.MeshSubset, Tags: cluster.NewTags(some())},
			Default:   meshtrace.Conf{Backends: []meshtrace.Backend{}, Sampling: meshtrace.Sampling{Overall: meshtrace.PercentOf(33.3)}},
		}
		if len(p.TargetRef.Tags) == 0 {
			p.TargetRef.Kind = meshtrace.Mesh
		}
		if r.IntN(2) == 0 {
			p.Format = cluster.Kubernetes
		}
		if r.IntN(2) == 0 {
			p.TargetRef.ProxyTypes = []string{meshtrace.Sidecar}
		}
		if r.IntN(2) == 0 {
			yes := true
			p.Default.Backends = []meshtrace.Backend{{Type: meshtrace.TypeZipkin, Zipkin: &meshtrace.Zipkin{URL: one(), APIVersion: "httpJson", SharedSpanContext: &yes}}}
			p.Default.Tags = []meshtrace.Tag{}
		}
		p.Source = strings.ReplaceAll(p.Source, "\n", " ")
		var text, list bytes.Buffer
		require.NoError(t, meshtrace.Write(&text, []*meshtrace.Policy{p}, meshtrace.Style{Version: cluster.V(9)}))
		require.NoError(t, meshtrace.Write(&list, []*meshtrace.Policy{p}, meshtrace.Style{Version: cluster.V(9), JSON: true}))
		var want struct{ Items []any }
		require.NoError(t, json.Unmarshal(list.Bytes(), &want))
		var got any
		require.NoError(t, yaml.Unmarshal(text.Bytes(), &got), text.String())
		again, err := json.Marshal(got)
		require.NoError(t, err)
		expected, err := json.Marshal(want.Items[0])
		require.NoError(t, err)
		require.JSONEq(t, string(expected), string(again), text.String())
	}
}

// A reference by the label kuma.io/display-name finds a backend on Universal up to 2.14 only with
// the label: the copies in zones of what a global control plane has do have it.
func TestBackendByDisplayName(t *testing.T) {
	const input = "{type: MeshOpenTelemetryBackend, mesh: default, name: o%s, spec: {endpoint: {address: otel}}}\n---\n" +
		"{type: MeshTrace, mesh: default, name: m, spec: {targetRef: {kind: Mesh}, default: {backends: [{type: OpenTelemetry, " +
		"openTelemetry: {backendRef: {kind: MeshOpenTelemetryBackend, labels: {kuma.io/display-name: o}}}}]}}}\n"
	for name, tc := range map[string]struct {
		mode   cluster.Mode
		labels string
		found  bool
	}{
		"zone":              {cluster.ModeZone, "", false},
		"zone, label":       {cluster.ModeZone, ", labels: {kuma.io/display-name: o}", true},
		"global":            {cluster.ModeGlobal, "", true},
		"global, of a zone": {cluster.ModeGlobal, ", labels: {kuma.io/origin: zone}", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := cluster.Read([]manifest.Input{manifest.Text("f", fmt.Sprintf(input, tc.labels))})
			s.Origin = &cluster.Origin{Mode: tc.mode}
			policies, problems := meshtrace.Read(s)
			require.Empty(t, problems)
			assert.Equal(t, tc.found, !meshtrace.Merge(policies).RefersInVain(cluster.V(14)))
		})
	}
}
