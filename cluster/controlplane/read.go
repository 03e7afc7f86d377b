package controlplane

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/paging"
	"tracemigrate/cluster/retry"
)

// paths has the path of each kind's list.
var paths = map[string]string{
	cluster.KindMesh:         "meshes",
	cluster.KindTrafficTrace: "traffic-traces",
	cluster.KindMeshTrace:    "meshtraces",
	cluster.KindDataplane:    "dataplanes",
	cluster.KindMeshGateway:  "meshgateways",
	cluster.KindTrafficRoute: "traffic-routes",
	cluster.KindMeshService:  "meshservices",
	cluster.KindOTelBackend:  "meshopentelemetrybackends",

	cluster.KindExternalService: "external-services",
	cluster.KindMeshHTTPRoute:   "meshhttproutes",
	cluster.KindMeshTCPRoute:    "meshtcproutes",
	cluster.KindMeshProxyPatch:  "meshproxypatches",
	cluster.KindProxyTemplate:   "proxytemplates",
}

// Read implements cluster.Source.
func (cp *ControlPlane) Read(ctx context.Context, use func(manifest.Input)) (*cluster.Origin, error) {
	origin, err := cp.describe(ctx)
	if err != nil {
		return nil, err
	}
	origin.Meshes = cp.options.Meshes
	if err := cp.meshes(ctx, origin, use); err != nil {
		return nil, err
	}
	isMesh := func(kind string) bool { return kind == cluster.KindMesh }
	read := paging.ReadAhead(ctx, slices.DeleteFunc(cluster.LargestFirst(), isMesh), cp.lists)
	defer read.Stop()
	for _, kind := range slices.DeleteFunc(cluster.Kinds(), isMesh) {
		lists, err := read.Get(kind)
		if err != nil {
			return nil, cp.advise(err)
		}
		if err := cp.kind(lists, origin, kind, use); err != nil {
			return nil, err
		}
	}
	return origin, cp.others(ctx, origin)
}

// pass passes a list to use, in the form of the control plane's environment.
func pass(list *paging.List, origin *cluster.Origin, kind string, use func(manifest.Input)) error {
	return list.Drain(func(path string, raw []byte) {
		if origin.Environment == cluster.Kubernetes {
			raw = onKubernetes(kind, raw)
		}
		use(manifest.Object(path, raw))
	})
}

// others reads the names that MeshTraces of other meshes have or would get on
// Kubernetes, where all share a namespace.
func (cp *ControlPlane) others(ctx context.Context, origin *cluster.Origin) error {
	if len(cp.options.Meshes) == 0 || origin.Environment != cluster.Kubernetes {
		return nil
	}
	for _, kind := range []string{cluster.KindMeshTrace, cluster.KindTrafficTrace} {
		if slices.Contains(origin.Absent, kind) {
			continue
		}
		list, err := cp.list(ctx, "/"+paths[kind], kind, 0)
		if err != nil {
			return cp.advise(err)
		}
		err = list.Drain(func(_ string, raw []byte) {
			var head struct{ Mesh, Name string }
			if json.Unmarshal(raw, &head) == nil && slices.Contains(cp.options.Meshes, head.Mesh) {
				return
			}
			if kind == cluster.KindTrafficTrace {
				origin.OtherTrafficTraces = append(origin.OtherTrafficTraces, cluster.NewTraceName(head.Mesh, head.Name, raw))
				return
			}
			name, _ := splitName(head.Name)
			origin.OtherMeshTraces = append(origin.OtherMeshTraces, name)
		})
		if err != nil {
			return err
		}
	}
	origin.SortOthers()
	return nil
}

// meshes reads the requested meshes.
func (cp *ControlPlane) meshes(ctx context.Context, origin *cluster.Origin, use func(manifest.Input)) error {
	list, err := cp.list(ctx, "/"+paths[cluster.KindMesh], cluster.KindMesh, 0)
	switch {
	case err != nil:
		return cp.advise(err)
	case len(cp.options.Meshes) == 0:
		return pass(list, origin, cluster.KindMesh, use)
	}
	var known []string
	wanted := paging.New(cp.limits())
	var failed error
	err = list.Drain(func(path string, raw []byte) {
		var head struct{ Name string }
		_ = json.Unmarshal(raw, &head) // what is broken is reported when it is decoded
		known = append(known, head.Name)
		if slices.Contains(cp.options.Meshes, head.Name) {
			failed = errors.Join(failed, wanted.Add(path, raw))
		}
	})
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	if err := cluster.CheckMeshes(cp.String(), cp.options.Meshes, known); err != nil {
		return err
	}
	return pass(wanted, origin, cluster.KindMesh, use)
}

// listed is a list, or why the control plane does not return it.
type listed struct {
	list *paging.List
	err  error // 403 or 404
}

// lists reads all resources of one kind in the requested meshes.
func (cp *ControlPlane) lists(ctx context.Context, kind string) ([]listed, error) {
	if cp.options.Progress != nil {
		cp.options.Progress(kind, 0)
	}
	all := []string{"/" + paths[kind]}
	if len(cp.options.Meshes) > 0 {
		all = nil
		for _, mesh := range cp.options.Meshes {
			all = append(all, "/meshes/"+url.PathEscape(mesh)+"/"+paths[kind])
		}
	}
	lists := make([]listed, 0, len(all))
	before := 0
	for _, path := range all {
		list, err := cp.list(ctx, path, kind, before)
		lists = append(lists, listed{list, err})
		switch {
		case err == nil:
			before += list.Len()
		case !hasStatus(err, http.StatusNotFound, http.StatusForbidden):
			return nil, err
		}
	}
	return lists, nil
}

// kind passes the resources of one kind to use.
func (cp *ControlPlane) kind(lists []listed, origin *cluster.Origin, kind string, use func(manifest.Input)) error {
	var missing, refused error
	read := false
	for _, one := range lists {
		err := one.err
		switch {
		case hasStatus(err, http.StatusNotFound) && cluster.Supplementary(kind):
			return nil
		case hasStatus(err, http.StatusNotFound) && !origin.Expects(kind) && kind != cluster.KindDataplane:
			missing = err
		case hasStatus(err, http.StatusNotFound) && kind == cluster.KindMeshGateway && len(cp.options.Meshes) == 0:
			origin.Unread = append(origin.Unread, cluster.Unread{
				What: kind, Cause: cluster.NotFound, Reason: err.Error(),
				Remedy: "find out why the control plane does not return a kind that its version has",
			})
		case hasStatus(err, http.StatusForbidden) && cluster.Optional(kind):
			refused = err
		case err != nil:
			return cp.advise(err)
		default:
			read = true
			if err := pass(one.list, origin, kind, use); err != nil {
				return err
			}
		}
	}
	switch {
	case refused != nil:
		origin.Unread = append(origin.Unread, cluster.Unread{
			What: kind, Cause: cluster.Forbidden, Reason: refused.Error(), Remedy: "pass with --token one that may read it",
		})
	case missing != nil && read:
		return cp.advise(missing) // the kind exists, so a mesh was deleted
	case missing != nil:
		origin.Absent = append(origin.Absent, kind)
	}
	return nil
}

// advise adds a remedy to a refusal.
func (cp *ControlPlane) advise(err error) error {
	switch {
	case err == nil:
		return nil
	case hasStatus(err, http.StatusUnauthorized):
		return fmt.Errorf("%s rejects the credentials: %w; "+
			"pass a token with --token or --token-file, or a client certificate", cp, err)
	case hasStatus(err, http.StatusForbidden):
		return fmt.Errorf("%s denies a required permission: %w; pass a --token that may read meshes and policies", cp, err)
	case hasStatus(err, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusMovedPermanently):
		return fmt.Errorf("%s: %w", cp, err)
	case hasStatus(err, http.StatusNotFound):
		return fmt.Errorf("%s does not have a path that every control plane has: %w; is the URL that of a control plane's API?", cp, err)
	}
	if answer, ok := errors.AsType[*StatusError](err); ok {
		return fmt.Errorf("%s: %w; %s", cp, err, retry.Remedy(answer.Status))
	}
	return err
}
