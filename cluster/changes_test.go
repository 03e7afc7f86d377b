package cluster

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster/manifest"
)

// What decides on the listeners of a proxy beside the policies, and differs between two
// states, makes the comparison of the proxy unknown.
func TestChanges(t *testing.T) {
	const web = "type: Dataplane\nname: web\nnetworking: {address: 10.0.0.1, inbound: [{port: 80, tags: {kuma.io/service: web}}], outbound: ["
	const api = "---\ntype: Dataplane\nname: api\nnetworking: {address: 10.0.0.2, inbound: [{port: 80, tags: {kuma.io/service: api, kuma.io/protocol: http}}]}\n"
	const service = "---\ntype: MeshService\nname: api\nspec: {ports: [{port: 80, appProtocol: http}]}\n"
	const gateway = "---\ntype: MeshGateway\nname: g\nselectors: [{match: {kuma.io/service: web}}]\nconf: {listeners: [{port: 1, protocol: HTTP, tags: {edge: a}}]}\n"
	const route = "---\ntype: MeshTCPRoute\nname: r\nspec: {to: [{targetRef: {kind: MeshService, name: api}, rules: []}]}\n"
	const toTags, toService = "{port: 1, tags: {kuma.io/service: api}}", "{port: 1, backendRef: {kind: MeshService, name: api, port: 80}}"
	for name, test := range map[string]struct{ outbound, before, after, want string }{
		"nothing":                {toService, api + service + gateway + route, api + service + gateway + route, ""},
		"protocol":               {toTags, api, strings.Replace(api, "http", "tcp", 1), "the protocol of a destination"},
		"another HTTP":           {toTags, api, strings.Replace(api, "http", "grpc", 1), ""},
		"another destination":    {"{port: 1, tags: {kuma.io/service: db}}", api, strings.Replace(api, "http", "tcp", 1), ""},
		"new destination":        {toTags, "", api, ""},
		"MeshService":            {toService, service, strings.Replace(service, "http", "tcp", 1), "the protocol of a destination"},
		"new MeshService":        {toService, "", service, "the protocol of a destination"},
		"MeshService not needed": {toTags, service, strings.Replace(service, "http", "tcp", 1), ""},
		"MeshGateway":            {toTags, gateway, strings.Replace(gateway, "edge: a", "edge: b", 1), "the MeshGateways of its mesh"},
		"MeshGateway of others":  {toTags, strings.Replace(gateway, "service: web", "service: x", 1), "", ""},
		"MeshTCPRoute":           {toTags, "", route, "the MeshHTTPRoutes, MeshTCPRoutes"},
	} {
		t.Run(name, func(t *testing.T) {
			state := func(more string) *Snapshot {
				return Read([]manifest.Input{manifest.Text("f.yaml", web+test.outbound+"]}\n"+more)})
			}
			before, after := state(test.before), state(test.after)
			require.Empty(t, append(before.Problems, after.Problems...))
			why := Changes(before, after)(before.Dataplanes[0])
			assert.Equal(t, test.want == "", why == "", why)
			assert.Contains(t, why, test.want)
		})
	}
}
