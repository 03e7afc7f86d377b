package convert

import (
	"tracemigrate/cluster"
	"tracemigrate/convert/envoydiff"
)

// The sentences of all notes, by code. This is the only place with their words; a step of
// the conversion picks one and gives it facts.

// The versions that sentences name.
var (
	oldest = cluster.Oldest.String()
	newest = cluster.Newest.String()

	sinceFractions     = cluster.SinceFractions.MajorMinor()
	sinceEmptyBackends = cluster.SinceEmptyBackends.MajorMinor()
	sinceProxyTypes    = cluster.SinceProxyTypes.MajorMinor()
	sinceSmallestName  = cluster.SinceSmallestName.MajorMinor()
	sinceDelegated     = cluster.SinceDelegated.MajorMinor()
	sinceTrafficRoute  = cluster.SinceTrafficRoute.MajorMinor()
	sinceShadow        = cluster.SinceShadow.MajorMinor()
	sinceDataplane     = cluster.SinceDataplane.MajorMinor()
	sinceBackendRef    = cluster.SinceBackendRef.MajorMinor()
	sinceKumaTags      = cluster.SinceKumaTags.MajorMinor()
)

// What cannot be carried over.
var (
	wildcardWithoutDataplanes = refuse(WildcardWithoutDataplanes,
		"{selector} uses a wildcard, which MeshTrace does not support. It must be expanded to one policy per value, and mesh "+
			"{mesh} has no known Dataplane",
		"add the Dataplanes with another -f (kubectl get dataplanes -A -o yaml, or kumactl get dataplanes -o yaml)")
	wildcardUnlisted = refuse(WildcardWithoutDataplanes,
		"{selector} uses a wildcard, which MeshTrace does not support. It must be expanded to one policy per value, and the "+
			"Dataplanes of mesh {mesh} could not be listed",
		"allow the Dataplanes to be listed, see kind-unread")
	wildcardOfEmptyMesh = refuse(WildcardWithoutDataplanes,
		"{selector} uses a wildcard, which MeshTrace does not support. It must be expanded to one policy per value, and the "+
			"control plane knows no Dataplane of mesh {mesh}",
		"if the mesh has proxies, find out why the control plane does not know them").ifWanted()

	invalidBackend = refuse(InvalidBackend,
		"{problem}. {trace} uses this backend",
		"correct the Mesh, then convert again")
	invalidZipkinURL = refuse(InvalidBackend,
		"conf.url is refused by MeshTrace: {problem}. {trace} uses this backend",
		"give the collector a url that MeshTrace accepts, write it in the Mesh, then convert again")

	fractionUnsupported = refuse(FractionUnsupported,
		"has sampling {sampling}, and MeshTrace of Kuma "+oldest+" accepts whole percentages only",
		"upgrade to "+sinceFractions+" or later first, or accept the nearest whole percentage with --round-sampling")

	emptyBackendsUnsupported = refuse(EmptyBackendsUnsupported,
		"{selector} decides for its proxies, but {cause}, so they are not traced today. To keep that takes `backends: []`, on "+
			"which the control plane of Kuma "+oldest+" crashes",
		"upgrade to "+sinceEmptyBackends+" or later first, or name a backend that exists")

	gatewayConflict = refuse(GatewayConflict,
		"{selector} asks for a tag of {gateway} or of one of its listeners. TrafficTrace ignores that tag and MeshTrace does "+
			"not, so the gateway would gain tracing; {selected} is selected today and must stay selected",
		"give the Dataplanes of {gateway} and {selected} a tag that distinguishes them, and write the policy by hand")
	gatewaySelectedOtherwise = refuse(GatewayConflict,
		"{proxies} would not keep the present tracing. MeshTrace also selects a proxy, which may be a sidecar, by the tags of "+
			"the MeshGateway whose selector matches it, and of its listeners",
		"rename those tags of the MeshGateway, change its selector so that it matches gateways alone, or write a policy by hand")

	conflictWithheld = refuse(MeshTraceConflict,
		"MeshTrace {policy}, made from {selector}, and the existing {existing} would change the tracing of {proxies}. The two "+
			"apply together and merge by precedence; the new policy is withheld",
		"{remedy}")
	conflictOfNoProxy = warn(MeshTraceConflict,
		"MeshTrace {policy}, made from {selector}, and the existing {existing} would change the tracing of a proxy that both "+
			"select. No known proxy is concerned",
		"{remedy}")
	conflictOfAll = refuse(MeshTraceConflict,
		"{proxies} would not keep the present tracing. The existing {existing} and the new policies apply together and merge "+
			"by precedence",
		"{remedy}")
	conflictOfNone = warn(MeshTraceConflict,
		"{proxies} would not keep the present tracing. The existing {existing} and the new policies apply together and merge "+
			"by precedence; no known proxy is concerned",
		"{remedy}")

	serviceTagMissing = refuse(ServiceTagMissing,
		"{proxies} would not keep the present tracing. MeshTrace and TrafficTrace select differently where no tag set has "+
			"kuma.io/service",
		untaggedRemedy)
	untaggedGains = refuse(ServiceTagMissing,
		"{proxies} would gain tracing. No TrafficTrace selects a Dataplane that has kuma.io/service in no tag set, and a MeshTrace does",
		untaggedRemedy)

	delegatedGateway = refuse(DelegatedGateway,
		"{proxies} would not be traced any more. No MeshTrace selects a delegated gateway on Kuma {version}",
		"upgrade to "+sinceDelegated+" or later first, or accept the loss and convert with --keep-going")

	zoneTagMissing = refuse(ZoneTagMissing,
		"{proxies} would not keep the present tracing. Zones decide differently between TrafficTraces of equal rank, so the "+
			"policies select by the tag kuma.io/zone, which is missing here",
		"add the tag with the zone's name to every inbound of these Dataplanes")

	proxyDiffers = refuse(ProxyDiffers,
		"{proxies} would not keep the present tracing",
		"do not apply the policies, and report this as a bug of tracemigrate with the input")

	brokenResource = refuse(BrokenResource,
		"{problem}{more}. It was left out",
		"correct or delete it, then convert again; until then the proxies on which it may decide are unknown")
	brokenDataplane = warn(BrokenResource,
		"{problem}{more}. It was left out",
		"correct or delete it; until then its tracing is not compared, and no wildcard is expanded to its tags")
	brokenMeshGateway = warn(BrokenResource,
		"{problem}{more}. It was left out",
		"correct or delete it; until then the tracing of its proxies is not compared, nor which policies its tags would match")

	kindAbsent = refuse(KindAbsent,
		"does not exist here as a kind, so no policy can be applied",
		"install the CustomResourceDefinitions of the control plane's version, or upgrade it")

	meshTraceRefused = refuse(MeshTraceRefused,
		"is refused by Kuma {version}: {faults}. It gives no proxy its tracing, so the conversion ignores it",
		"correct it or remove it from the input, or pass the control plane's version with --kuma-version")

	zoneOriginOnGlobal = refuse(ZoneOriginOnGlobal,
		"is global, where every policy has origin global. It refuses the label kuma.io/origin: zone",
		"convert without --zone-origin")
)

// What a dry run found.
var refusedByServer = refuse(ServerRefused,
	"is refused by the API server: {message}",
	"find out what refuses it, the schema, a webhook or an admission policy, and whether that is right")

// What was decided.
var (
	noSuchTag = warn(UnreachableSelector,
		"selector {number} can never match. No Dataplane can have the tag {key} with the value {value}",
		"delete it; it selects no proxy today").ifWanted()
	neverDecides = inform(UnreachableSelector,
		"{selector} never decides. {higher} selects all its proxies and {precedence}", "")

	mergedSelector = inform(MergedSelector,
		"{selector} needs no policy of its own: {cover}, with the same tracing", "")

	wildcardExpanded = warn(WildcardEnumerated,
		"{selector} uses a wildcard, which MeshTrace does not support. It is expanded to {policies}, one per known value that "+
			"no higher-ranking selector covers",
		"add a policy when a Dataplane with another value appears")
	wildcardByLabels = warn(WildcardEnumerated,
		"{selector} uses a wildcard, which MeshTrace does not support. It becomes {policies}, by the labels of the known proxies",
		"add a policy when a Dataplane with another value appears that these labels do not select")
	wildcardPartlyExpanded = warn(WildcardEnumerated,
		"{selector} uses a wildcard, which MeshTrace does not support. It is expanded to {policies}, one per known value that "+
			"no higher-ranking selector and no MeshTrace covers",
		"add a policy when a Dataplane with another value appears")
	wildcardCovered = warn(WildcardEnumerated,
		"{selector} uses a wildcard, which MeshTrace does not support. It is expanded to no policy, since higher-ranking "+
			"selectors cover every known value",
		"add a policy when a Dataplane with another value appears")

	wildcardUnmatched = warn(WildcardUnmatched,
		"{selector} uses a wildcard that no known Dataplane matches, so there is no value to write a policy for",
		"write a policy for each value when such Dataplanes appear")

	tagMisspelt = warn(SelectorUnmatched,
		"{selector} matches no known Dataplane. None has the tag {key}, which differs from {known} by one letter",
		"correct the tag if {known} is meant, which changes what is traced")
	selectorUnmatched = inform(SelectorUnmatched,
		"selector {selectors} matches no known Dataplane",
		"delete the selector, unless such Dataplanes are yet to come")
	selectorsUnmatched = inform(SelectorUnmatched,
		"selectors {selectors} match no known Dataplane",
		"delete the selectors, unless such Dataplanes are yet to come")

	laterUnknown = warn(SelectorUnmatched,
		"{selector} decides for no known proxy, so it is not known by which labels to select those that may come, and no policy is written",
		"delete the selector, or convert again when such proxies exist, before the TrafficTrace is deleted")

	tieUndecided = warn(TieByCreationTime,
		"{tie}. The one created last wins, and the input does not have the creation times; the policies assume that {winner} "+
			"wins, by its name",
		tieRemedy)
	tieUndecidedOfNone = inform(TieByCreationTime,
		"{tie}, though no known one does. The one created last wins, and the input does not have the creation times; the "+
			"policies assume that {winner} wins, by its name",
		tieRemedy)
	tieOfInbounds = inform(TieByCreationTime,
		"has TrafficTraces ({traces}) with selectors of equal rank for different tags, and a proxy with several inbounds can satisfy two of "+
			"them. The one created last wins, and the input does not have the creation times; the policies assume the order of the names",
		tieRemedy)
	tieSameTime = inform(TieByCreationTime,
		"{tie}. Both were created at the same time, so {winner} wins by its smaller name", "")
	tieDecided = inform(TieByCreationTime,
		"{tie}. {winner} wins, since it was created later", "")
	neverDecidesByName = warn(TieByCreationTime,
		"{selector} never decides. {higher} selects all its proxies and {precedence}; but the one created last wins, and the "+
			"input does not have the creation times",
		tieRemedy)
	tiesNotSearched = inform(TieByCreationTime,
		"has so many selectors that only the first {pairs} pairs that could select one proxy were searched for ties",
		"add the Dataplanes, which show the ties that matter")

	noBackend = warn(NoBackend,
		"{selector} decides for its proxies, but {cause}, so they are not traced today. The policy keeps that with `backends: []`",
		"name a backend that exists, if they must be traced").ifWanted()
	noBackendNoPolicy = warn(NoBackend,
		"{selector} decides for its proxies, but {cause}, so they are not traced today. Nothing else would trace them, so "+
			"there is no policy",
		"name a backend that exists, if they must be traced").ifWanted()

	samplingMadeExplicit = inform(SamplingMadeExplicit,
		"sets no sampling, which means 100 percent. The policies set `overall: 100`, so that they inherit none from a less specific policy", "")
	samplingRounded = warn(SamplingRounded,
		"has sampling {sampling}, which is rounded to {rounded}. MeshTrace of Kuma "+oldest+" accepts whole percentages only", "")

	renamedInvalid = inform(Renamed,
		"becomes {policies}. A Kubernetes name has lower-case letters, digits, dashes and dots only, 253 at most", "")
	renamedTaken = inform(Renamed,
		"becomes {policies}. Another MeshTrace has or may get its name", "")
	renamedForOrder = inform(Renamed,
		"has policies whose names are in another order than their precedence. MeshTraces of one kind take precedence by "+
			"the {order} name on Kuma {version}, so {policies} get their rank in front of the name",
		"keep the prefixes when you edit the policies")

	httpJSONV1 = inform(APIVersionHTTPJSONV1,
		"has apiVersion httpJsonV1, which MeshTrace does not have. It becomes httpJson, for which Envoy gets the same (HTTP_JSON)", "")
	urlPartUnused = inform(URLPartUnused,
		"has a url with a user, a password or a query, which Envoy never gets, by TrafficTrace or by MeshTrace. The policies omit it", "")
	unusedBackend = inform(UnusedBackend, "is used by no TrafficTrace, so it appears in no policy", "")

	labelsLeft = inform(LabelsLeft,
		"has {count} ({traces}) with labels or annotations that the policies do not get: {keys}",
		"convert with --copy-labels if something depends on them, such as a GitOps tool, or set others with --label")
	labelsImpossible = inform(LabelsLeft,
		"has {count} ({traces}) with labels or annotations that the policies cannot have: {keys}", "")

	gatewayUnlabelled = warn(GatewayConflict,
		"has {proxies} that the selector of a MeshGateway matches. On Kuma {version} targetRef kind Dataplane selects none of these",
		"change the selector so that it matches gateways alone")
	gatewayExcluded = warn(GatewayExcluded,
		"{selector} asks for a tag of {gateway} or of one of its listeners. TrafficTrace ignores that tag and MeshTrace does "+
			"not, so the gateway would gain tracing; the policy is narrowed to `proxyTypes: [Sidecar]`",
		"add a separate policy for each delegated gateway with this tag")
	gatewayNotExcluded = refuse(GatewayExcluded,
		"{selector} asks for a tag of {gateway} or of one of its listeners. TrafficTrace ignores that tag and MeshTrace does "+
			"not, so the gateway would gain tracing; proxyTypes, which prevents that, exists from "+sinceProxyTypes+" on",
		"upgrade to "+sinceProxyTypes+" or later first, or rename the tag of the MeshGateway")

	servedAlready = inform(ExistingMeshTrace,
		"{selector} becomes no policy. {existing} selects all its proxies, which keep their tracing from MeshTraces", "")
	servedInPart = inform(ExistingMeshTrace,
		"{selector} becomes no policy for {count} of its wildcard. MeshTraces, such as {existing}, select those proxies, which keep their tracing from them", "")
	setsMore = inform(ExistingMeshTrace,
		"sets tags, or client or random sampling, which would merge into the new policies. They set their own explicitly", "")
	meshTraceWins = inform(MeshTraceWins,
		"has precedence over the new policies of kind {kind} ({policies}) on proxies that both select, whatever the names: {precedence}", "")

	previousChanged = warn(EarlierRun,
		"was made by an earlier run, from {source}, and is not made again. It, the TrafficTraces or another MeshTrace changed "+
			"since",
		"delete what earlier runs made and convert again, if its proxies must have the tracing of the TrafficTraces; delete "+
			"its TrafficTrace first, if they must keep what they have")
	previousByLabels = warn(EarlierRun,
		"{policies} that an earlier run made of its TrafficTraces select by labels. The policies of this run select by tags, and "+
			"would be created beside them",
		"run this with --target-ref dataplane, which goes on with them, or delete them first")
	previousByTags = inform(EarlierRun,
		"{policies} that an earlier run made of its TrafficTraces select by tags. The policies of this run select by labels, and "+
			"replace them", "")
	previousRenamed = warn(EarlierRun,
		"has the content of {made} that this run makes, as if an earlier run had made it for other Dataplanes, TrafficTraces "+
			"or MeshTraces, or for another version",
		"delete it once the new ones are applied")
	previousComplete = inform(EarlierRun,
		"{exist} with the same content. Each proxy is compared with the tracing of its TrafficTraces", "")
	previousPartSame = inform(EarlierRun,
		"{part}. Every known proxy has the tracing of its TrafficTraces today", "")
	previousPart = warn(EarlierRun,
		"{part}. {consequence}", previousPartRemedy)
	previousPartUnclear = refuse(EarlierRun,
		"{part}. {consequence}; whether they must keep it is not known",
		"apply all that the earlier run wrote, or what --keep-going writes, if that run was not applied completely; delete "+
			"the TrafficTraces that differ and convert again, if the proxies must keep what they have")
	arrivedInPart = refuse(EarlierRun,
		"{count} came from the global control plane. These are missing: {missing}",
		"apply all of them at the global control plane, wait until they arrive, then run this again")
	arrivedUnchecked = warn(EarlierRun,
		"{count} came from the global control plane. Whether they are complete is not known, since no Dataplane is known",
		"compare them with the MeshTraces of the global control plane")
	arrivedComplete = inform(EarlierRun,
		"{count} came from the global control plane. Every known proxy gets the tracing of its TrafficTraces from them; only the deletion of the TrafficTraces is left, at the global control plane", "")
	madeInZones = inform(EarlierRun,
		"every zone has {count} of its own (kuma.io/origin: zone) for the TrafficTraces", "")
	madeInZonesComplete = inform(EarlierRun,
		"every zone has {count} of its own (kuma.io/origin: zone) for the TrafficTraces. Only the deletion of the TrafficTraces is left", "")

	backendsWithPolicies = inform(NoTrafficTrace,
		"has {backends} but no TrafficTrace, so nothing uses the field tracing any more; {policies}. There is nothing to convert",
		"remove the field tracing from the Mesh, the last step of the migration")
	backendsAlone = warn(NoTrafficTrace,
		"has {backends} but neither a TrafficTrace nor a MeshTrace with a backend, so nothing is traced. There is nothing to "+
			"convert",
		"convert an input that still has the TrafficTraces, if they were deleted, since nothing replaces them; otherwise "+
			"remove the field tracing from the Mesh")
	policiesAlone = inform(NoTrafficTrace,
		"has neither tracing backends nor a TrafficTrace; {policies}. There is nothing to convert", "")
	nothingTraced = inform(NoTrafficTrace,
		"has neither tracing backends nor a TrafficTrace. There is nothing to convert", "")

	notVerified = inform(NotVerified,
		"has no known Dataplane. The policies follow from the rules alone; the tracing of real proxies was not compared",
		"add the Dataplanes with another -f to compare each proxy's tracing before and after")
	notVerifiedUnlisted = inform(NotVerified,
		"has no known Dataplane. The policies follow from the rules alone; the tracing of real proxies was not compared",
		"allow the Dataplanes to be listed, see kind-unread")
	notVerifiedEmptyMesh = inform(NotVerified,
		"has no known Dataplane. The policies follow from the rules alone; the tracing of real proxies was not compared",
		"if the mesh has proxies, find out why the control plane does not know them")
	notAllMeetingsVerified = inform(NotVerified,
		"has so many MeshTraces and selectors that only the first {count} of their combinations were compared", "")

	patchReleaseDecides = warn(PatchReleaseDecides,
		"was compared for the newest patch release of Kuma {version}. Up to {patch}, {proxies} would have other tracing",
		"pass the control plane's own version, such as --kuma-version {patch}")
	zonePatchDecides = warn(PatchReleaseDecides,
		"was compared for the newest patch release of Kuma {version}, which a zone runs. Up to {patch}, {proxies} would have other tracing",
		"pass the zone's own version, such as --zone-version {zone}")
)

// What any MeshTrace changes.
var (
	outboundGainsTracing = warn(OutboundGainsTracing,
		"has no known TrafficRoute. Without one, Kuma "+sinceTrafficRoute+" and later apply TrafficTrace to inbounds only, "+
			"while MeshTrace also traces outbounds, so they would gain tracing",
		"add the TrafficRoute to the input, if there is one; no MeshTrace can leave out client spans").ifWanted()
	routedOutboundGainsTracing = warn(OutboundGainsTracing,
		"has MeshHTTPRoutes, which take over all outbounds for HTTP of the proxies that they select. There Kuma applies "+
			"TrafficTrace to inbounds only, while MeshTrace also traces outbounds, so they would gain tracing",
		"no MeshTrace can leave out client spans; explain shows them for a proxy").ifWanted()
	datadogNames = warn(DatadogServiceName,
		"sends to Datadog, whose service name of an inbound is that inbound's own service under TrafficTrace, and the "+
			"alphabetically first service of the proxy under MeshTrace. It changes for inbounds of other services, on "+
			"{proxies}",
		"check dashboards and monitors that name such a service")
	datadogNamesOfUnknown = warn(DatadogServiceName,
		"sends to Datadog, whose service name of an inbound is that inbound's own service under TrafficTrace, and the "+
			"alphabetically first service of the proxy under MeshTrace. It changes for inbounds of other services, on proxies "+
			"with several services",
		"check dashboards and monitors that name such a service")
	datadogGatewayNames = warn(DatadogServiceName,
		"sends to Datadog with splitService, where the service name of a builtin gateway gets the suffix _INBOUND under "+
			"MeshTrace, not under TrafficTrace. It changes on {gateways}",
		"check dashboards and monitors that name the gateway's service")
	datadogUnifiedNames = inform(DatadogServiceName,
		"sends to Datadog, and Kuma {version} has unified resource naming, a feature of the proxy that no Dataplane shows. "+
			"Where it is on, the service name of an inbound is self_inbound_dp_PORT under TrafficTrace, and the proxy's "+
			"service under MeshTrace",
		"check dashboards and monitors that name self_inbound_dp_PORT, if the feature is on")
	gatewaySplitSpans = inform(GatewaySplitSpans,
		"sends to Zipkin. On builtin gateways MeshTrace sets splitSpansForRequest, which TrafficTrace does not: a request gets a span of its own on each side. No MeshTrace can leave it out", "")
	inboundIgnored = refuse(InboundIgnored,
		"{proxies} would not keep the present tracing while an inbound is in state Ignored. MeshTrace skips such inbounds on "+
			"Kuma {version}",
		"upgrade first to {upgrade}, which counts them, or accept the change and convert with --keep-going")
	proxyPatched = warn(ProxyPatched,
		"{reason}. It is not known whether {proxies} would keep the present tracing",
		"repeat each modification of the cluster with match.origin mesh-trace, in a policy for the proxies of that backend alone, and "+
			"convert again; set the backend's sampling where one changes a sampling; use value in place of jsonPatches; where a value "+
			"names the cluster, write the new name when the policies are applied; for the rest, `diff`, `report` and `plan` take `--accept "+
			string(envoydiff.ProxyPatched)+"`")
	kumaTags = inform(KumaTags,
		"gets the tags "+envoydiff.KumaTagNames+" on its spans in addition, as with any MeshTrace on Kuma "+sinceKumaTags, "")
	meshSubsetsDeprecated = inform(MeshSubsetDeprecated,
		"{policies} have targetRef kind MeshSubset, which is deprecated on Kuma {version}. The control plane warns and applies it; "+
			"the kind that replaces it, Dataplane, selects by labels, which are not the tags of selectors", "")
	meshSubsetDeprecated = inform(MeshSubsetDeprecated,
		"becomes a policy with targetRef kind MeshSubset, which is deprecated on Kuma {version}. The control plane warns and applies it; the kind that replaces it, Dataplane, selects by labels, which are not the tags of selectors", "")
)

// What follows from the control plane and its zones.
var (
	federatedZone        = inform(FederatedZone, fromGlobal, "")
	federatedZoneRefuses = warn(FederatedZone,
		fromGlobal+"; it accepts no policy without the label kuma.io/origin: zone",
		"convert at the global control plane and apply there, which serves all zones; or convert for this zone alone with "+
			"--zone-origin")
	federatedZoneAlone = warn(FederatedZone,
		fromGlobal+"; the policies have the label kuma.io/origin: zone, so they apply in this zone alone",
		"convert for every other zone too before the TrafficTraces are deleted, or convert once at the global control plane")
	standaloneZoneOrigin = inform(FederatedZone,
		"is a zone without a global control plane. It accepts the label kuma.io/origin: zone and does not need it", "")

	tieOfZones = refuse(TieDependsOnZone,
		"TrafficTraces {traces} rank equally for {count} ({zones}). The creation times of each zone's own copies decide which "+
			"one wins there, and they are not known{doubts}",
		zoneTieRemedy)
	tieOfUnknownZones = refuse(TieDependsOnZone,
		"TrafficTraces {traces} rank equally, and a proxy can satisfy both. The creation times of each zone's own copies "+
			"decide which one wins there, and they are not known",
		zoneTieRemedy)
	tieOtherInZones = warn(TieDependsOnZone,
		"{tie}; {winner} {cause}. In other zones the creation times of their own copies decide, so the other one may win",
		otherZonesRemedy)
	neverDecidesHere = warn(TieDependsOnZone,
		"{selector} never decides here. {higher} selects all its proxies and {precedence}. In other zones the creation times "+
			"of their own copies decide, so the other one may win",
		otherZonesRemedy)
	zoneDiffers = refuse(ZoneDiffers,
		"it is not known what {proxies} would keep: {cause}",
		"see that the zone receives what the global control plane has, then read both again")
	narrowedByZone = inform(NarrowedByZone,
		"{traces} rank equally, and zones decide differently between them. Policies for {zones} are narrowed by the tag kuma.io/zone", "")
	zoneUnread = warn(ZoneUnread,
		"knows the zones' own MeshTraces only by copies, which can be missing: {zones}",
		"read the zones' control planes as well, with --zone NAME=SOURCE for each")

	zonesApplyShadows = refuse(MixedVersions,
		"passes the policies on to zones older than "+sinceShadow+", which ignore the label of shadow policies and would apply them: "+
			"{zones}",
		"upgrade those zones first, or test at a zone of "+sinceShadow+" or later with --zone-origin")
	zoneVersionsUnknown = warn(MixedVersions,
		"does not report the version of {count}: {zones}", zoneVersionRemedy)
	zoneVersionsUnknownToShadows = warn(MixedVersions,
		"does not report the version of {count}: {zones}. One older than "+sinceShadow+" would apply shadow policies", zoneVersionRemedy)
	zoneVersionsDiffer = warn(MixedVersions,
		"gets policies for Kuma {version}, and zones run other versions: {zones}. Each proxy must be compared for the version "+
			"of its zone",
		"use the verdicts of `report` and `diff`, which compare for each version; better, upgrade all zones to one version first")
	zoneVersionsReverse = warn(MixedVersions,
		"gets policies for Kuma {version}, and zones run other versions: {zones}. Before "+sinceSmallestName+" the largest name "+
			"has precedence and from then on the smallest, so no names give one order in both",
		"upgrade all zones to "+sinceSmallestName+" or later first")

	modeUnknown = warn(ModeUnknown,
		"does not report whether it is a zone, a federated zone or global ({cause}), so the multi-zone checks were skipped",
		"{remedy}")
	otherVersion = warn(OtherVersion,
		"runs version {version}, and --kuma-version asks for policies for {target}. They are right only once it runs that version",
		"omit --kuma-version, unless the control plane is upgraded before the policies are applied")
	kindUnread = warn(KindUnread,
		"could not be read ({cause}), so {consequence}",
		"{remedy}")
)

// Remedies that several sentences share.
const (
	untaggedRemedy = "give each Dataplane an inbound or a gateway with that tag, as the control plane demands, or remove it from " +
		"the input"
	tieRemedy = "export the TrafficTraces with their creation times (kubectl get traffictraces -o yaml, or kumactl get traffic-traces -o " +
		"yaml) and convert again"
	// zoneTieRemedy is for times that only zones know.
	zoneTieRemedy = "read the zones' control planes as well, with --zone NAME=SOURCE for each; or make the TrafficTraces " +
		"differ in rank"
	otherZonesRemedy = "convert at the global control plane, with --zone NAME=SOURCE for each zone; or convert in each zone " +
		"with --zone-origin"
	zoneVersionRemedy  = "pass each with --zone-version ZONE=VERSION"
	previousPartRemedy = "apply all of them; delete the TrafficTraces that differ first and convert again, if proxies must " +
		"keep what they have today"
	fromGlobal = "is a federated zone. Its TrafficTraces ({traces}) come from the global control plane and can be deleted " +
		"only there"
)

// What traces without a TrafficTrace.
const (
	oneTraces     phrase = "1 MeshTrace with a backend exists"
	severalTraces phrase = "{count} MeshTraces with a backend exist"
)

// Why proxies of a selector have no tracing.
const (
	backendMissing        phrase = "mesh {mesh} has no tracing backend {backend}"
	defaultBackendMissing phrase = "the default backend {backend} of mesh {mesh} does not exist"
	noDefaultBackend      phrase = "it names no backend, and mesh {mesh} has no default one"
)

// Why one selector has precedence over another.
const (
	moreSpecific    phrase = "is more specific"
	sameRank        phrase = "ranks equally"
	sameTags        phrase = "has the same tags"
	smallerName     phrase = "{rank} and, by its name, goes first"
	createdLater    phrase = "{rank} and was created later"
	sameTimeAndName phrase = "{rank}, was created at the same time and has the smaller name"
	tieOnProxy      phrase = "{selector} ranks equally with {higher}, and {proxy} satisfies both"
	tieOnAny        phrase = "{selector} ranks equally with {higher}, and a proxy can satisfy both"
	laterHere       phrase = "was created later here"
	smallerNameHere phrase = "wins here by its smaller name, since both were created at the same time"
	zoneOutranks    phrase = "it has origin zone (kuma.io/origin), and they do not"
	ownerOutranks   phrase = "it is the workload owner's (kuma.io/policy-role, which its namespace decides), and they are the " +
		"mesh operator's"
)

// Why a selector has no policy.
const (
	withoutSelector     phrase = "it has no selector"
	impossibleTag       phrase = "no Dataplane can have its tag {key}"
	decidedByHigher     phrase = "{higher} decides for all its proxies"
	decidedByHigherHere phrase = "{higher} decides for all its proxies here"
	backendRefused      phrase = "its backend cannot be carried over"
	noDataplanes        phrase = "its wildcard cannot be expanded without Dataplanes"
	noValue             phrase = "no known Dataplane has the tag of its wildcard"
	everyValueCovered   phrase = "higher-ranking selectors cover every known value of its wildcard"
	allServed           phrase = "its proxies have MeshTraces already ({existing} selects them all)"
	coveredBySelector   phrase = "selector {number} of the same TrafficTrace covers it"
	untracedAnyway      phrase = "its proxies are not traced today, and no other policy would trace them"
	emptyUnsupported    phrase = "Kuma {version} cannot switch tracing off"
	everyZoneHasIt      phrase = "every zone already has a policy of its own for it (kuma.io/origin: zone)"
	notCarriedOver      phrase = "it cannot be carried over: {code}"
	sameFromGlobal      phrase = "the global control plane's MeshTraces give its proxies the same"
	notArrived          phrase = "its MeshTrace has not arrived from the global control plane yet"
)

// What a previous run made, as parts of sentences.
const (
	sameContent   phrase = "a policy"
	sameContentAs phrase = "{policy}"
	oneExists     phrase = "the MeshTrace that this run makes already exists"
	allExist      phrase = "all {count} MeshTraces that this run makes already exist"
	someExist     phrase = "{some} of the {all} that this run makes already exist with the same content, as after an " +
		"incomplete apply"
	someExistOne phrase = "1 of the {all} that this run makes already exists with the same content, as after an " +
		"incomplete apply"
	changedSince     phrase = "MeshTraces of an earlier run changed since"
	mayBeOfGoneTrace phrase = "MeshTrace {policy}, without a backend, may be an earlier run's, of a TrafficTrace that is gone: then its proxies had no tracing. Delete it if it is not"
	mayBeEarlierCopy phrase = "MeshTrace {policy} has the content of {original} and may be an earlier run's, applied in part: then the tracing " +
		"before it is not known. Delete it if it is, or rename it if it is not"
	madeByLabels     phrase = "MeshTraces of an earlier run select by labels"
	madeByTags       phrase = "MeshTraces of an earlier run select by tags"
	tracingCanDiffer phrase = "Proxies can have other tracing today than their TrafficTraces give"
	tracingDiffersOf phrase = "Their TrafficTraces give these proxies other tracing than they have today: {proxies}"
	differsFromTrace phrase = "it has other tracing today than its TrafficTrace gives, from what may be an earlier run's " +
		"MeshTraces; see the note earlier-run"
	missingForProxies phrase = "{source} for {proxies}"
)

// Why it is not known which TrafficTrace wins for a proxy.
const (
	zoneTimesUnknown phrase = "TrafficTraces {traces} rank equally, and the creation times of its zone's own copies decide, " +
		"which are not known"
	timesUnknown phrase = "TrafficTraces {traces} rank equally, and the one created last wins, but the input does not have " +
		"the creation times"
)

// How to end a conflict with existing policies, where each can be changed.
const (
	changeExisting phrase = "let {existing} " + setInFull
	changeInZone   phrase = "change {existing}, not the copy here, which the zone restores: let it " + setInFull
	copyToZone     phrase = "apply a copy of {existing} with the label kuma.io/origin: zone to this zone, under another name, " +
		"since the global control plane's own cannot be changed here"
	setInFull = "set all that is in effect today (sampling.overall, client, random, tags), and narrow, rename or delete it " +
		"where the new policy would take precedence by its kind or name"
	existingOfZone phrase = "MeshTrace {policy} of zone {zone}"
	existingAtZone phrase = "{policy} at the control plane of zone {zone}"
	existingAt     phrase = "{existing} ({place})"
)

// What follows from a kind that could not be read.
const (
	withoutDataplanes   phrase = "wildcards cannot be expanded, and no proxy's tracing was compared"
	withoutMeshGateways phrase = "it is not known which policies would select builtin gateways that no TrafficTrace selects"
	withoutZones        phrase = "it is not known whether zones run other versions than the global control plane"
	withoutPatches      phrase = "it is not known whether one changes the cluster of a collector, and proxies are unknown"
	withoutKind         phrase = "what depends on it is not known"
)

// Selectors that match no known Dataplane.
const (
	absentSelector phrase = "{number} ({tags})"
	absentTag      phrase = "{number} ({tags}; none has the tag {key})"
)

// What zones run that is no version known here.
const (
	zoneVersion         phrase = "{zone} ({version})"
	zoneNoRelease       phrase = "{zone} ({version}, which is not a release)"
	zoneNoMeshTrace     phrase = "{zone} ({version}, which does not have MeshTrace)"
	zoneNoTrafficTrace  phrase = "{zone} ({version}, which does not have TrafficTrace)"
	zoneVersionNotKnown phrase = "{zone} ({version}, which tracemigrate does not know)"
	anyProxy            phrase = "a proxy that both select"
	noZoneKnown         phrase = "no zone known"
	backendAndMesh      phrase = "{mesh}, tracing backend {backend}"
)

// What selects by labels of Dataplanes.
var (
	labelsAlike = refuse(LabelsAlike,
		"{selector} decides for {served}, whose labels do not distinguish them from {others}. No policy can select the former "+
			"by labels without the latter",
		"{remedy}, then convert again")
	labelsMissing = refuse(LabelsAlike,
		"{selector} decides for {served} without a label that a policy can select by",
		"{remedy}, then convert again")
	labelsUnknown = refuse(LabelsUnknown,
		"{selector} needs labels, and mesh {mesh} has no known Dataplane to find those of {tags} from",
		"add the Dataplanes with another -f (kubectl get dataplanes -A -o yaml, or kumactl get dataplanes -o yaml)")
	differsByLabels = refuse(DiffersByLabels,
		"{proxies} would have other tracing on Kuma {version}: {codes}. {reasons}",
		"{remedies}, then convert again")
	differsBeforeUpgrade = refuse(DiffersBeforeUpgrade,
		"{proxies} would have other tracing between applying the policies on Kuma {version} and the upgrade: {codes}",
		"apply the policies right after the upgrade, or give the Dataplanes labels that both versions have")

	dataplaneUnsupported = warn(ApplyAfterUpgrade,
		"Kuma {version} does not have targetRef kind Dataplane, which was added in "+sinceDataplane+". The policies cannot be "+
			"applied before the upgrade to {target}",
		"upgrade to "+sinceDataplane+" or later first, convert again with --target-ref dataplane and apply, then upgrade to {target}")
	backendRefUnsupported = warn(ApplyAfterUpgrade,
		"Kuma {version} does not have MeshOpenTelemetryBackend, which was added in "+sinceBackendRef+". The policies cannot "+
			"be applied before the upgrade to {target}",
		"upgrade to "+sinceBackendRef+" first, apply the policies, then upgrade to {target}")
	existingReplaced = warn(MeshTraceReplaced,
		"is replaced by policies of other names. As long as it exists, it can override them",
		"delete it together with applying the others: {command}")
	undatedProxies = warn(TieByCreationTime,
		"has {proxies} whose tracing is not known: {reason}",
		"export the TrafficTraces with their creation times (kubectl get -o yaml, or the control plane's API), then convert again")
	existingIdle = warn(MeshTraceReplaced,
		"has no backend, so it has no effect on the proxies of TrafficTraces. It would have one without them",
		"delete it before the others are applied: {command}")
	existingMasks = warn(MeshTraceReplaced,
		"has no backend, so TrafficTraces trace its proxies, and not other MeshTraces. As long as it exists, it can override the new policies",
		"delete it together with applying the others: {command}")
	existingSelectsMore = warn(MeshTraceReplaced,
		"selects no known proxy, and Kuma {target} ignores proxyTypes, name and namespace of a targetRef, so it would select others",
		"delete it before the others are applied: {command}")
	copyRefused = refuse(MeshTraceCopied,
		"is a copy of another control plane's MeshTrace, and Kuma {target} refuses it. A copy can be neither changed nor deleted here",
		"convert at the control plane that has the original")
	meshUnknown = refuse(LabelsUnknown,
		"needs labels, and mesh {mesh} is not in the input",
		"add the Mesh and its Dataplanes with another -f")
	endpointUnsupported = refuse(EndpointUnsupported,
		"sends to OpenTelemetry at {endpoint}, which cannot be the address and port of a MeshOpenTelemetryBackend: {problem}",
		"write openTelemetry.endpoint as host:port, then convert again")
	existingServesNobody = inform(MeshTraceReplaced,
		"selects no known proxy, so no labels say what it selects. It has no policy for Kuma {target}",
		"delete it, or write its targetRef by hand")
	existingServesBuiltin = inform(MeshTraceReplaced,
		"decides for builtin gateways alone, which no labels select. It has no policy for Kuma {target}",
		"keep it as long as there are builtin gateways")
	existingWithoutEffect = inform(MeshTraceReplaced,
		"has no effect on its proxies today, so no labels are looked for. It may keep the new policies from them, and has no policy for Kuma {target}",
		"keep it, and write its targetRef by hand before the upgrade to {target}")
	changedByUpgrade = warn(ChangedByUpgrade,
		"On Kuma {version}, whatever the policies say, {change} ({code}): {proxies}",
		"see `tracemigrate upgrade-check --to {version}`")
	builtinRemoved = warn(BuiltinRemoved,
		"has {gateways}, and Kuma {version} does not have builtin gateways. Labels select none of them either, so their "+
			"TrafficTraces have to stay until the upgrade",
		"replace them by delegated gateways or the Gateway API before the upgrade")
	backendMade = inform(BackendMade,
		"sends to OpenTelemetry at {endpoint}, and Kuma "+newest+" refuses openTelemetry.endpoint. It refers to "+
			"MeshOpenTelemetryBackend {backend}, which is written as well",
		"")
	laterByLabels = inform(LabelSelection,
		"{selector} becomes {policies}. Later Dataplanes are selected by these labels, whatever their tags; one that has the tags "+
			"and not the labels is not selected",
		"")
	laterEverybody = inform(LabelSelection,
		"{selector} becomes {policies}. Every later Dataplane is selected that no policy of higher precedence takes",
		"")
	coverNotMinimal = inform(CoverNotMinimal,
		"{selector} becomes {count} policies, and the search ended before it was certain that fewer do not suffice",
		"give the Dataplanes a label that only those of this selector have")
)

// How to give a Dataplane a label, how to delete a policy, and what an upgrade changes.
const (
	addLabelUniversal phrase = "give the Dataplanes a label of their own: `kumactl get dataplane {proxy} -o yaml`, add " +
		"`labels:` with it, and `kumactl apply -f` the result"
	addLabelDashed phrase = "give the Dataplanes a label of their own: `kumactl get dataplane -o yaml -- {proxy}`, add " +
		"`labels:` with it, and `kumactl apply -f` the result"
	addLabelKubernetes phrase = "give their pods a label of their own: `kubectl patch deployment NAME --namespace {namespace} " +
		"--patch {patch}`"
	deleteKubectl       phrase = "`kubectl delete meshtrace {name} --namespace {namespace}`"
	deleteKumactl       phrase = "`kumactl delete meshtrace {name} --mesh {mesh}`"
	deleteDashedKubectl phrase = "`kubectl delete meshtrace --namespace {namespace} -- {name}`"
	deleteDashedKumactl phrase = "`kumactl delete meshtrace --mesh {mesh} -- {name}`"
	// why proxies differ by labels, and what to do
	gatewayUnselected       phrase = "Policies by labels select no delegated gateway on the version that runs"
	gatewayUnselectedRemedy phrase = "upgrade to a version on which targetRef kind Dataplane selects delegated gateways first, or select by tags"
	zoneWithoutKind         phrase = "The version of a zone does not have targetRef kind Dataplane"
	zoneWithoutKindRemedy   phrase = "upgrade the zones to {since} or later first"
	nameUnselected          phrase = "Policies by kuma.io/display-name select no Dataplane without this label"
	nameUnselectedRemedy    phrase = "give the Dataplanes the label (at a global control plane, --zone reads whether they have it), or omit --allow-display-name"
	otherReason             phrase = "See the other notes for the reason"
	otherRemedy             phrase = "follow the other notes"
	builtinUnselected       phrase = "Labels select no builtin gateway"
	builtinUnselectedRemedy phrase = "select by tags as long as there are builtin gateways, with --target-ref meshsubset"
	servesBuiltin           phrase = "it decides for builtin gateways alone, which no labels select"
	servesNobody            phrase = "it decides for no known proxy"
	decidedByMeshTraces     phrase = "MeshTraces decide for its proxies"
	existsAlready           phrase = "a MeshTrace with the same content exists"
)

// unavoidableChanges says what each of the codes unavoidable is.
var unavoidableChanges = map[envoydiff.Code]phrase{
	envoydiff.ProtocolFromField:       "an inbound whose Dataplane has its protocol in a tag alone becomes TCP and is no longer traced",
	envoydiff.WorkloadServiceName:     "the service name in spans is the label kuma.io/workload, or else unknown",
	envoydiff.OutboundNeedsBackendRef: "Dataplanes with outbounds that have tags are refused",
	envoydiff.ProtocolRefused:         "Dataplanes with an inbound of protocol kafka are refused",
	envoydiff.MeshUnreadable:          "no proxy of a mesh, on Kubernetes of any mesh, gets a configuration while the Dataplane of a builtin gateway exists there",
	envoydiff.OutboundProtocol:        "an outbound of a transparent proxy takes its protocol from the field of an inbound, no longer from the tag",
	envoydiff.OutboundNeedsService:    "transparent proxies have no outbound to a service without a MeshService",
	envoydiff.ServicesUnread:          "outbounds of transparent proxies on Kubernetes follow from Services, which are not read, so they may begin or end",
	envoydiff.InboundsMerged:          "of the Services that select one port of a pod, one with another protocol counts",
}
