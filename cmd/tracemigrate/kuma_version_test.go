package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"tracemigrate/cluster"
	"tracemigrate/cluster/kube"
)

// The role is printed where only a permission is missing, whatever the words of
// the API server.
func TestVersionRole(t *testing.T) {
	inCluster := cluster.Endpoint{Kubernetes: "https://10.0.0.1:6443"}
	for name, tt := range map[string]struct {
		endpoint cluster.Endpoint
		cause    cluster.Cause
		want     bool
	}{
		"forbidden in a cluster":         {inCluster, cluster.Forbidden, true},
		"not found in a cluster":         {inCluster, cluster.NotFound, false},
		"no cause":                       {inCluster, "", false},
		"forbidden by the control plane": {cluster.Endpoint{ControlPlane: "http://cp"}, cluster.Forbidden, false},
	} {
		t.Run(name, func(t *testing.T) {
			origin := &cluster.Origin{Endpoint: tt.endpoint}
			origin.AddUnread(cluster.VersionOfControlPlane, tt.cause, `User "me" cannot list resource "deployments"`)
			want := ""
			if tt.want {
				want = ", or allow it to be read:\n" + kube.ClusterRole
			}
			assert.Equal(t, want, versionRole(origin))
		})
	}
}

// MeshTraces depend on the version of a control plane that has no TrafficTraces any more.
func TestVersionWithoutTrafficTraces(t *testing.T) {
	for reported, want := range map[string]cluster.Version{"3.0.0": {Major: 3}, "2.13.4": {Major: 2, Minor: 13, Patch: 4}, "": cluster.Latest} {
		version, err := kumaVersion("", &cluster.Snapshot{Origin: &cluster.Origin{Version: reported}})
		assert.NoError(t, err, reported)
		assert.Equal(t, want, version, reported)
	}
}
