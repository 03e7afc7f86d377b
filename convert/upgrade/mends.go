package upgrade

import (
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/convert/envoydiff"
)

// mendKind names a kind of remedy; remedies has the text of each.
type mendKind int

// The kinds of remedies.
const (
	// convertForBoth writes policies for the version that runs, which hold on 3.0 too.
	convertForBoth mendKind = iota
	convertForNewer
	deleteReplaced
	correctMeshTrace
	setProtocol
	setProtocolToTCP
	setAppProtocol
	removeProtocol
	labelWorkload
	setWorkloadLabels
	followNames
	acceptNames
	referToService
	createTrafficRoute
	replaceGateway
	deleteGateway
	equalProtocols
	labelServices
	serveOnKubernetes
	replaceExternal
	tagProtocol
	labelMesh
	moveGlobal
	removeTracing
	removeTracingOnKubernetes
	renameMeshTraces
	narrowToSidecars
	selectReady
	setSharedSpanContext
	removeEffect
	movePolicy
	correctBackend
	repeatModification
	makeMeshServices
	explainProxy
	resolveUnknown
)

// mend is a remedy as data.
type mend struct {
	Kind    mendKind
	Version cluster.Version  // for which to convert
	Of      *Resource        // an example of what to change; nil if the remedy names none
	Proxy   *envoydiff.Proxy // an example of what to look at; nil if the remedy names none
	Keeps   *Rename          // the first service that can keep its name, if any
}

// mends returns the remedies of a cause, the first choice first.
func (b *builder) mends(c *cause) []mend {
	switch c.Code {
	case envoydiff.TrafficTraceRemoved:
		converting := mend{Kind: convertForNewer, Version: b.To}
		if b.oldest().Compare(cluster.SinceDataplane) >= 0 {
			converting = mend{Kind: convertForBoth, Version: b.From}
		}
		if c.Verdict == Info {
			return []mend{{Kind: deleteReplaced}, converting}
		}
		return []mend{converting}
	case envoydiff.MeshTraceRefused, envoydiff.OTelEndpoint, envoydiff.FieldIgnored:
		switch {
		case !b.To.DropsTrafficTrace():
			return []mend{{Kind: correctMeshTrace}}
		case c.Code == envoydiff.MeshTraceRefused && b.oldest().Compare(cluster.SinceDataplane) >= 0:
			return []mend{{Kind: convertForBoth, Version: b.From}}
		}
		return []mend{{Kind: convertForNewer, Version: b.To}}
	case envoydiff.ProtocolFromField:
		return b.protocolMends(c)
	case envoydiff.ProtocolRefused:
		return []mend{{Kind: setProtocolToTCP, Of: c.Resources[0]}}
	case envoydiff.WorkloadServiceName:
		return b.workloadMends(c)
	case envoydiff.OutboundNeedsService:
		if mends := serviceMends(c); len(mends) > 0 {
			return mends
		}
	case envoydiff.OutboundProtocol:
		if len(c.Resources) > 0 {
			return []mend{{Kind: tagProtocol, Of: c.Resources[0]}}
		}
	case MeshByLabel:
		return []mend{{Kind: labelMesh, Of: c.Resources[0]}}
	case MeshTracingIgnored:
		if first := c.Resources[0]; first.onKubernetes {
			return []mend{{Kind: removeTracingOnKubernetes, Of: first}}
		}
		return []mend{{Kind: removeTracing, Of: c.Resources[0]}}
	}
	if kind, ok := kinds[c.Code]; ok {
		return []mend{{Kind: kind}}
	}
	switch envoydiff.Codes[c.Code] {
	case envoydiff.Inherent:
		return nil
	case envoydiff.Unknown:
		return []mend{{Kind: resolveUnknown}}
	}
	if i := slices.IndexFunc(c.Proxies, func(p *envoydiff.Proxy) bool { return p.Dataplane.File != "" }); i >= 0 {
		return []mend{{Kind: explainProxy, Proxy: c.Proxies[i]}}
	}
	return nil
}

// serviceMends are the remedies of Dataplanes of which no MeshService is made.
func serviceMends(c *cause) []mend {
	var mends []mend
	isProxy := func(r *Resource) bool { return r.Of.Kind == cluster.KindDataplane }
	if i := slices.IndexFunc(c.Resources, func(r *Resource) bool { return isProxy(r) && !r.onKubernetes }); i >= 0 {
		mends = append(mends, mend{Kind: labelServices, Of: c.Resources[i]})
	}
	if slices.ContainsFunc(c.Resources, func(r *Resource) bool { return isProxy(r) && r.onKubernetes }) {
		mends = append(mends, mend{Kind: serveOnKubernetes})
	}
	if slices.ContainsFunc(c.Resources, func(r *Resource) bool { return !isProxy(r) }) {
		mends = append(mends, mend{Kind: replaceExternal})
	}
	return mends
}

// oldest returns the oldest version that runs: the control plane's or that of a zone.
func (b *builder) oldest() cluster.Version {
	oldest := b.From
	for _, c := range b.Comparisons {
		if c.Version.Compare(oldest) < 0 {
			oldest = c.Version
		}
	}
	return oldest
}

// kinds has the remedy of each code that always has the same.
var kinds = map[envoydiff.Code]mendKind{
	envoydiff.OutboundNeedsBackendRef: referToService,
	envoydiff.OutboundNeedsRoute:      createTrafficRoute,
	envoydiff.BuiltinGatewayRemoved:   replaceGateway,
	envoydiff.MeshUnreadable:          deleteGateway,
	envoydiff.InboundsMerged:          equalProtocols,
	envoydiff.NameOrder:               renameMeshTraces,
	envoydiff.DelegatedGateway:        narrowToSidecars,
	envoydiff.IgnoredInbound:          selectReady,
	envoydiff.SharedSpanDiffers:       setSharedSpanContext,
	envoydiff.ShadowPolicy:            removeEffect,
	envoydiff.PolicyNamespace:         movePolicy,
	envoydiff.InvalidBackend:          correctBackend,
	envoydiff.ProxyPatched:            repeatModification,
	GlobalOnKubernetes:                moveGlobal,
	envoydiff.ServicesUnread:          makeMeshServices,
}

// protocolMends are the remedies of inbounds whose protocol is another one.
func (b *builder) protocolMends(c *cause) []mend {
	if !b.To.ProtocolFromFieldAlone() {
		return []mend{{Kind: removeProtocol}}
	}
	var mends []mend
	if i := slices.IndexFunc(c.Resources, func(r *Resource) bool { return !r.onKubernetes }); i >= 0 {
		mends = append(mends, mend{Kind: setProtocol, Of: c.Resources[i]})
	}
	if slices.ContainsFunc(c.Resources, func(r *Resource) bool { return r.onKubernetes }) {
		mends = append(mends, mend{Kind: setAppProtocol})
	}
	return mends
}

// workloadMends are the remedies that keep the names of services, and the way for those who need not.
func (b *builder) workloadMends(c *cause) []mend {
	var mends []mend
	for _, way := range []struct {
		kind mendKind
		keep Keep
	}{{labelWorkload, keepLabel}, {setWorkloadLabels, keepSetting}} {
		if i := slices.IndexFunc(b.Renames, func(r *Rename) bool { return r.Keep == way.keep }); i >= 0 {
			mends = append(mends, mend{Kind: way.kind, Keeps: b.Renames[i], Proxy: b.Renames[i].Proxies[0]})
		}
	}
	if slices.ContainsFunc(b.Renames, func(r *Rename) bool { return r.Keep == keepNothing || r.Keep == keepOne }) {
		mends = append(mends, mend{Kind: followNames})
	}
	if c.Fails() {
		mends = append(mends, mend{Kind: acceptNames})
	}
	return mends
}
