package controlplane

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"tracemigrate/cluster/retry"
)

// Config implements cluster.Inspector by the control plane's _config, which exists from
// 2.7 on.
func (cp *ControlPlane) Config(ctx context.Context, mesh, proxy string, shadow bool) ([]byte, error) {
	query := url.Values{}
	if shadow {
		query.Set("shadow", "true")
	}
	body, err := cp.get(retry.Own(ctx), "/meshes/"+url.PathEscape(mesh)+"/dataplanes/"+url.PathEscape(proxy)+"/_config", query)
	switch {
	case hasStatus(err, http.StatusMethodNotAllowed):
		return nil, fmt.Errorf("%s is a global control plane, which does not compute the configuration of proxies; "+
			"ask the zone's control plane", cp)
	case err != nil:
		return nil, cp.advise(err)
	}
	return body, nil
}

// Exists implements cluster.Inspector.
func (cp *ControlPlane) Exists(ctx context.Context, mesh, proxy string) (bool, error) {
	_, err := cp.get(ctx, "/meshes/"+url.PathEscape(mesh)+"/dataplanes/"+url.PathEscape(proxy), nil)
	if hasStatus(err, http.StatusNotFound) {
		return false, nil
	}
	return err == nil, cp.advise(err)
}
