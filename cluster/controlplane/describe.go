package controlplane

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tracemigrate/cluster"
)

// describe reads version, mode and zones from the control plane. It returns an error
// when the server is not a control plane; what it does not report is Unread.
func (cp *ControlPlane) describe(ctx context.Context) (*cluster.Origin, error) {
	origin := &cluster.Origin{Source: cp.String(), Endpoint: cluster.Endpoint{ControlPlane: cp.base.String(), Name: cp.options.Name}}
	body, err := cp.get(ctx, "/", nil)
	switch {
	case hasStatus(err, http.StatusForbidden, http.StatusUnauthorized):
		origin.AddUnread(cluster.VersionOfControlPlane, cluster.Forbidden, err.Error())
	case err != nil:
		return nil, cp.advise(err)
	default:
		var index struct{ Tagline, Product, Version, BasedOnKuma string }
		if err := json.Unmarshal(body, &index); err != nil || index.Version == "" {
			hint := ""
			if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
				hint = webPage
			}
			return nil, fmt.Errorf("the server at %s is not a control plane: GET / does not return a version%s", cp.base, hint)
		}
		origin.Product, origin.Version = cmp.Or(index.Product, index.Tagline), index.Version
		// A product based on Kuma may count its versions differently.
		if cluster.IsVersion(index.BasedOnKuma) && !strings.HasPrefix(index.BasedOnKuma, "0.") {
			origin.Product += " " + index.Version + " of Kuma"
			origin.Version = index.BasedOnKuma
		}
	}
	if err := cp.configuration(ctx, origin); err != nil {
		return nil, err
	}
	if origin.Mode == cluster.ModeGlobal {
		return origin, cp.zones(ctx, origin)
	}
	return origin, nil
}

// configuration reads mode and environment from the control plane's own configuration,
// which it may refuse to show.
func (cp *ControlPlane) configuration(ctx context.Context, origin *cluster.Origin) error {
	body, err := cp.get(ctx, "/config", nil)
	if hasStatus(err, http.StatusForbidden, http.StatusUnauthorized, http.StatusNotFound) {
		origin.AddUnread(cluster.ModeOfControlPlane, causeOf(err), err.Error())
		return nil
	}
	if err != nil {
		return cp.advise(err)
	}
	var config struct {
		Mode        string
		Environment string
		Store       struct {
			Kubernetes struct{ SystemNamespace string }
		}
		Multizone struct {
			Zone struct{ Name, GlobalAddress string }
		}
	}
	if err := json.Unmarshal(body, &config); err != nil {
		origin.AddUnread(cluster.ModeOfControlPlane, cluster.Unclear, "the answer of GET /config is not a control plane's configuration")
		return nil //nolint:nilerr // the error is recorded as unread
	}
	origin.SetMode(config.Mode, config.Multizone.Zone.GlobalAddress)
	if origin.Mode == "" {
		reason := fmt.Sprintf("the control plane reports the unknown mode %.40q", config.Mode)
		origin.AddUnread(cluster.ModeOfControlPlane, cluster.Unclear, cp.scrub(reason))
	}
	switch strings.ToLower(config.Environment) {
	case string(cluster.Kubernetes):
		origin.Environment, origin.Namespace = cluster.Kubernetes, config.Store.Kubernetes.SystemNamespace
	case string(cluster.Universal):
		origin.Environment = cluster.Universal
	}
	if origin.Mode != cluster.ModeGlobal {
		origin.Zone = config.Multizone.Zone.Name
	}
	return nil
}

// causeOf returns the cause of an answer that is not a success.
func causeOf(err error) cluster.Cause {
	if hasStatus(err, http.StatusNotFound) {
		return cluster.NotFound
	}
	return cluster.Forbidden
}

// zones reads the zones of a global control plane with their versions.
func (cp *ControlPlane) zones(ctx context.Context, origin *cluster.Origin) error {
	list, err := cp.list(ctx, "/zones/_overview", "Zone", 0)
	if hasStatus(err, http.StatusNotFound) {
		list, err = cp.list(ctx, "/zones+insights", "Zone", 0)
	}
	switch {
	case hasStatus(err, http.StatusForbidden, http.StatusUnauthorized, http.StatusNotFound):
		origin.AddUnread(cluster.ZonesOfControlPlane, causeOf(err), err.Error())
		return nil
	case err != nil:
		return cp.advise(err)
	}
	err = list.Drain(func(_ string, raw []byte) {
		var overview struct {
			Name        string
			ZoneInsight cluster.ZoneInsight
		}
		if err := json.Unmarshal(raw, &overview); err == nil && overview.Name != "" { // anything but a zone has no version
			origin.Zones = append(origin.Zones, cluster.Zone{Name: overview.Name, Version: overview.ZoneInsight.Version()})
		}
	})
	slices.SortFunc(origin.Zones, func(a, b cluster.Zone) int { return strings.Compare(a.Name, b.Name) })
	return err
}
