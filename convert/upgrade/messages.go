package upgrade

import (
	"cmp"
	"fmt"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

// message is the text of a cause: what the newer version does, and what follows.
type message struct{ fact, consequence string }

// messages has the text of each code. Texts replaces the words in braces.
var messages = map[envoydiff.Code]message{
	envoydiff.TrafficTraceRemoved: {
		"Kuma {to} does not have TrafficTraces",
		"Their proxies lose their tracing",
	},
	envoydiff.MeshTraceRefused: {
		"Kuma {to} refuses these MeshTraces",
		"They can be neither applied nor synced, and give no proxy its tracing",
	},
	envoydiff.OTelEndpoint: {
		"Kuma {to} refuses openTelemetry.endpoint",
		"These MeshTraces send no traces until they refer to a MeshOpenTelemetryBackend",
	},
	envoydiff.FieldIgnored: {
		"Kuma {to} ignores proxyTypes, and the name and namespace of a targetRef",
		"These MeshTraces select more proxies than before",
	},
	envoydiff.ProtocolFromField: {
		"Kuma {to} uses an inbound's field protocol, and the tag kuma.io/protocol only without it",
		"An inbound whose field and tag differ is traced by another protocol, or not at all",
	},
	envoydiff.WorkloadServiceName: {
		"Kuma {to} names services in Datadog and OpenTelemetry by the label kuma.io/workload of the proxy",
		"Dashboards and monitors of the old names receive no spans",
	},
	envoydiff.OutboundNeedsBackendRef: {
		"Kuma {to} refuses a Dataplane with outbounds that have no backendRef",
		"Its proxy cannot connect, and these outbounds report no spans",
	},
	envoydiff.ProtocolRefused: {
		"Kuma {to} refuses a Dataplane with an inbound whose field protocol is kafka",
		"Its proxy cannot connect, and reports no spans",
	},
	envoydiff.OutboundNeedsRoute: {
		"Kuma {to} does not trace outbounds by a TrafficTrace in a mesh without a TrafficRoute",
		"Their spans disappear",
	},
	envoydiff.BuiltinGatewayRemoved: {
		"Kuma {to} does not have builtin gateways",
		"A gateway that it configures stops, with its traces",
	},
	envoydiff.MeshUnreadable: {
		"Kuma {to} cannot read the Dataplanes of a mesh, on Kubernetes of all meshes, while that of a builtin gateway is among them",
		"Their proxies get no configuration: those that run keep their last one, and new ones get none",
	},
	envoydiff.InboundsMerged: {
		"Kuma {to} makes one inbound for a port that several Services select, of the first by name; before, the last one counted",
		"Where the Services have different protocols, the port gains or loses tracing",
	},
	envoydiff.OutboundNeedsService: {
		"On Kuma {to}, outbounds lead to MeshServices alone, which on Universal it makes of the label kuma.io/workload and on Kubernetes of Services, no longer of tags",
		"Those to services without a MeshService end, and their spans with them",
	},
	envoydiff.OutboundProtocol: {
		"Kuma {to} takes an outbound's protocol from the field protocol of the inbounds it leads to; before, from their tag kuma.io/protocol",
		"Outbounds of transparent proxies to the Dataplanes below become HTTP, and their spans begin",
	},
	envoydiff.NameOrder: {
		"On Kuma {to}, the smallest name wins among MeshTraces of one kind; before, the largest",
		"Another MeshTrace decides on these proxies",
	},
	envoydiff.DelegatedGateway: {
		"On Kuma {to}, these MeshTraces select other delegated gateways than before",
		"The gateways gain or lose tracing",
	},
	envoydiff.IgnoredInbound: {
		"Kuma {to} has another rule on whether MeshTraces select a proxy by the tags of an inbound in state Ignored",
		"The proxies gain or lose tracing",
	},
	envoydiff.ShadowPolicy: {
		"Kuma {to} computes a MeshTrace with the label kuma.io/effect: shadow, but does not apply it",
		"Its proxies lose what it sets",
	},
	envoydiff.PolicyNamespace: {
		"Kuma {to} has another rule on a MeshTrace in an application's namespace: on " + cluster.SinceRole.MajorMinor() +
			" it selects every proxy, later only those there",
		"The proxies gain or lose what it sets",
	},
	envoydiff.SelectionDiffers: {
		"On Kuma {to}, these MeshTraces select other proxies than before",
		"The proxies gain or lose tracing",
	},
	envoydiff.SharedSpanDiffers: {
		"Kuma {to} reads a MeshTrace that an older version stored without zipkin.sharedSpanContext as false, until it is applied again; before, it was true",
		"A client span and its server span get different ids",
	},
	envoydiff.KumaTags: {
		"Kuma {to} adds the tags " + envoydiff.KumaTagNames + " to spans",
		"No trace is lost",
	},
	envoydiff.Defaults: {
		"Kuma {to} has other defaults for timeouts and span settings",
		"No trace is lost",
	},
	envoydiff.InvalidBackend: {
		"The tracing backend that the proxies use cannot work",
		"It is not known what they send, on either version",
	},
	envoydiff.Unverified: {
		"Something that decides on these proxies could not be read, or is being deleted",
		"It is not known whether they keep their tracing",
	},
	envoydiff.GatewayTagsMixed: {
		"The control plane mixes the tags of gateways of one MeshGateway",
		"The order in which it configures them decides which MeshTraces apply to these proxies, on either version",
	},
	envoydiff.OrderUndecided: {
		"MeshTraces of kind Dataplane with a name, with labels, and with neither precede each other in a circle",
		"The order in which the control plane reads them decides on these proxies",
	},
	envoydiff.ProxyPatched: {
		"A MeshProxyPatch or ProxyTemplate changes the tracing of these proxies, and has another effect on Kuma {to}",
		"It is not known whether they keep their tracing",
	},
	envoydiff.ServicesUnread: {
		"Kuma {to} makes the outbounds of transparent proxies on Kubernetes of MeshServices alone, by labels and appProtocol of Services, which are not read",
		"Outbounds may begin, end or become TCP, and so may inbounds for kafka: it is not known whether these proxies keep their spans",
	},
	GlobalOnKubernetes: {
		"A global control plane of Kuma {to} does not start on Kubernetes",
		"Its zones keep the policies that they have, and get no change any more",
	},
	MeshByLabel: {
		"Kuma {to} finds the mesh of a pod by the label kuma.io/mesh of the Pod or its Namespace, no longer by the annotation",
		"A pod that has only the annotation moves to the mesh of its Namespace, or else to the mesh default, and gets the tracing there",
	},
	MeshTracingIgnored: {
		"Kuma {to} accepts the field tracing of a Mesh, and ignores it",
		"It has no effect any more",
	},
}

// protocolAlone replaces the message of ProtocolFromField from 3.0 on.
var protocolAlone = message{
	"Kuma {to} uses an inbound's field protocol alone, and ignores the tag kuma.io/protocol",
	"An inbound without the field becomes TCP, which is not traced, and one whose field is for HTTP is traced, whatever its tag says",
}

// tracesUnneeded replaces the message of TrafficTraceRemoved where MeshTraces decide on all known
// proxies, or nothing does.
var tracesUnneeded = message{"Kuma {to} does not have TrafficTraces", "No known proxy has its tracing from these"}

// otherwise is the message of every code without its own.
var otherwise = message{"On Kuma {to}, the tracing of these proxies is another one ({code})", "They do not keep their tracing"}

// editDataplane is the command that changes a Dataplane on Universal.
const editDataplane = "{kumactl} get dataplane {name} --mesh {mesh} -o yaml > dataplane.yaml && " +
	"${EDITOR:-vi} dataplane.yaml && {kumactl} apply -f dataplane.yaml"

// remedies has the title and the command of each kind of remedy. Texts replaces the words
// in braces.
var remedies = map[mendKind]report.Step{
	convertForBoth: {
		Title:   "before the upgrade, convert to MeshTraces that {to} accepts as well, and apply them",
		Command: "{program} convert --kuma-version {version} --target-ref dataplane{source}",
	},
	deleteReplaced: {Title: "delete those that MeshTraces replace"},
	convertForNewer: {
		Title:   "convert for {version}, and apply the result with the upgrade; existing MeshTraces are converted too",
		Command: "{program} convert --kuma-version {version}{from}{source}",
	},
	correctMeshTrace: {Title: "change what the reasons name, and apply the MeshTraces before the upgrade"},
	setProtocol: {
		Title:   "set networking.inbound[].protocol of each Dataplane to the value of its tag kuma.io/protocol, or to tcp if it has none",
		Command: editDataplane,
	},
	setAppProtocol: {
		Title:   "set appProtocol of the ports of each Kubernetes Service, from which the control plane writes the protocol",
		Command: `{kubectl} patch service NAME -n NAMESPACE --type=json -p '[{"op":"add","path":"/spec/ports/0/appProtocol","value":"http"}]'`,
	},
	removeProtocol: {Title: "make the field protocol and the tag kuma.io/protocol of each inbound equal"},
	labelWorkload: {
		Title:   "before the upgrade, give each Dataplane the label kuma.io/workload with its old name, such as kuma.io/workload: {old}",
		Command: editDataplane,
	},
	setWorkloadLabels: {
		Title: "give the pods a label of your own with the old name ({old}) and name that label in the control plane's setting, or give them a " +
			"ServiceAccount with that name; a Pod may not have the label kuma.io/workload",
		Command: "{kubectl} set env deployment/kuma-control-plane -n NAMESPACE KUMA_RUNTIME_KUBERNETES_WORKLOAD_LABELS=LABEL",
	},
	followNames: {Title: "for names that cannot be kept, add the new names to dashboards and monitors before the upgrade"},
	acceptNames: {Title: "where the new names do not matter, accept them with --accept " + string(envoydiff.WorkloadServiceName)},
	referToService: {
		Title: "create a MeshService for each destination, and give each outbound a backendRef to it instead of tags",
	},
	setProtocolToTCP: {
		Title:   "set networking.inbound[].protocol of each of these inbounds to tcp",
		Command: editDataplane,
	},
	createTrafficRoute: {
		Title:   "create a TrafficRoute in the mesh, or convert to MeshTraces, which trace outbounds without one",
		Command: "{program} convert{runs}{source}",
	},
	replaceGateway: {Title: "replace each builtin gateway with a delegated gateway before the upgrade"},
	deleteGateway: {
		Title: "before the upgrade, delete the workloads of these builtin gateways, on Kubernetes a MeshGatewayInstance or a Deployment, " +
			"and see that their Dataplanes are gone",
	},
	labelServices: {
		Title: "before the upgrade, give the Dataplanes below the label kuma.io/workload and the field protocol, or create a MeshService for them; " +
			"clients then use the names of MeshServices",
		Command: editDataplane,
	},
	serveOnKubernetes: {
		Title: "before the upgrade, set appProtocol of the port in each Kubernetes Service of the Dataplanes below to http, http2 or grpc, and give the " +
			"Namespace the label kuma.io/sidecar-injection: enabled, or the Service the label kuma.io/mesh",
		Command: `{kubectl} patch service NAME -n NAMESPACE --type=json -p '[{"op":"add","path":"/spec/ports/0/appProtocol","value":"http"}]'`,
	},
	replaceExternal: {
		Title: "create a MeshExternalService in place of each ExternalService, whose outbounds have no spans, and accept the code",
	},
	moveGlobal: {Title: "before the upgrade, move the global control plane to one with environment universal and a store of its own, such as PostgreSQL"},
	tagProtocol: {
		Title: "to have these spans before the upgrade, give the Dataplanes below the tag kuma.io/protocol as well; " +
			"where it does not matter when they begin, accept them with --accept " + string(envoydiff.OutboundProtocol),
		Command: editDataplane,
	},
	labelMesh: {
		Title:   "see that each Namespace of these meshes has the label, or all its pods have it, and label those that do not, with kuma.io/mesh={name}",
		Command: "{kubectl} get namespaces --label-columns=kuma.io/mesh",
	},
	equalProtocols: {Title: "give the ports of these Services the same appProtocol, or let one Service alone select the port"},
	removeTracing: {
		Title:   "when no proxy needs it, remove the field tracing",
		Command: "{kumactl} get mesh {name} -o yaml > mesh.yaml && ${EDITOR:-vi} mesh.yaml && {kumactl} apply -f mesh.yaml",
	},
	removeTracingOnKubernetes: {
		Title:   "when no proxy needs it, remove the field tracing",
		Command: `{kubectl} patch mesh {name} --type=json -p '[{"op":"remove","path":"/spec/tracing"}]'`,
	},
	renameMeshTraces: {
		Title: "rename the MeshTraces with the upgrade, so that the one that wins today has the smallest name",
	},
	narrowToSidecars: {
		Title: "where gateways must not change, select them by a MeshTrace of their own, or exclude them with proxyTypes: [Sidecar]",
	},
	setSharedSpanContext: {
		Title: "before the upgrade, set zipkin.sharedSpanContext: true in these MeshTraces, and apply them",
	},
	selectReady:  {Title: "select these proxies by tags of an inbound that is not in state Ignored"},
	removeEffect: {Title: "remove the label kuma.io/effect before the upgrade if the MeshTrace must keep its effect"},
	movePolicy:   {Title: "move the MeshTrace to the control plane's namespace"},
	correctBackend: {
		Title:   "correct the backend in Mesh.tracing, then check again",
		Command: "{program} upgrade-check{from} --to {to}{source}",
	},
	explainProxy: {
		Title:   "see which policies decide",
		Command: "{program} explain {proxy}{runs}{source}",
	},
	repeatModification: {
		Title: "write the same modification for {to} as well: in a MeshProxyPatch that selects as {to} does, with match.origin mesh-trace in place of a cluster's name",
	},
	makeMeshServices: {
		Title: "before the upgrade, set meshServices.mode of these Meshes to ReachableBackends, where it is not set: the control plane makes the " +
			"MeshServices, and outbounds stay as they are. Remove reachableServices from Dataplanes. Then check again with the control plane's " +
			"MeshServices, or check the Services yourself and accept the code",
		Command: "{program} upgrade-check{from} --to {to}{source}",
	},
	resolveUnknown: {
		Title:   "resolve what the reasons name, then check again",
		Command: "{program} upgrade-check{from} --to {to}{source}",
	},
}

// editDashedDataplane replaces editDataplane for a name that begins with a dash, as options do.
const editDashedDataplane = "{kumactl} get dataplane --mesh {mesh} -o yaml -- {name} > dataplane.yaml && " +
	"${EDITOR:-vi} dataplane.yaml && {kumactl} apply -f dataplane.yaml"

// Text is a cause in words.
type Text struct {
	Fact, Consequence string
	Remedies          []report.Step // the first choice first; a command may be empty
}

// Words are the words of commands.
type Words struct {
	report.Words
	From string // the version that runs, if the user passed it
}

// Text returns a cause of r in words.
func (w *Words) Text(r *Result, c *Cause) Text {
	m, ok := messages[c.Code]
	switch {
	case !ok && envoydiff.Codes[c.Code] == envoydiff.Unknown:
		m = messages[envoydiff.Unverified]
	case !ok:
		m = otherwise
	case c.Code == envoydiff.ProtocolFromField && r.To.ProtocolFromFieldAlone():
		m = protocolAlone
	case c.Code == envoydiff.TrafficTraceRemoved && c.Verdict == Info:
		m = tracesUnneeded
	}
	words := strings.NewReplacer("{to}", r.To.String(), "{code}", string(c.Code))
	return Text{
		Fact: words.Replace(m.fact), Consequence: words.Replace(m.consequence),
		Remedies: lists.Each(c.mends, func(remedy mend) report.Step { return w.remedy(r.To, remedy) }),
	}
}

func (w *Words) remedy(to cluster.Version, m mend) report.Step {
	from, runs := "", "" // runs is for commands that are on one version
	if w.From != "" {
		from, runs = " --from "+w.From, " --kuma-version "+w.From
	}
	words := []string{
		"{program}", w.Program, "{source}", report.Spaced(w.Source), "{from}", from, "{runs}", runs,
		"{kubectl}", cmp.Or(w.Kubectl, "kubectl"),
		"{kumactl}", cmp.Or(w.Kumactl, "kumactl"), "{to}", to.String(), "{version}", m.Version.String(),
	}
	if m.Keeps != nil {
		words = append(words, "{old}", m.Keeps.Old)
	}
	var name, mesh string // of the example, if the remedy names one
	switch {
	case m.Proxy != nil:
		name, mesh = m.Proxy.Dataplane.ZoneName(), m.Proxy.Mesh
		words = append(words, "{proxy}", manifest.ShellQuote(mesh+"/"+m.Proxy.Name))
	case m.Of != nil:
		name, mesh = m.Of.name, m.Of.Of.Mesh
	}
	words = append(words, "{name}", manifest.ShellQuote(name), "{mesh}", manifest.ShellQuote(mesh))
	replacer, text := strings.NewReplacer(words...), remedies[m.Kind]
	if report.Dashed(name) && text.Command == editDataplane {
		text.Command = editDashedDataplane
	}
	return report.Step{Title: replacer.Replace(text.Title), Command: replacer.Replace(text.Command)}
}

// keeps has the text of each way to keep the name of a service.
var keeps = map[Keep]string{
	keepLabel:   "label kuma.io/workload of the Dataplane",
	keepSetting: "setting KUMA_RUNTIME_KUBERNETES_WORKLOAD_LABELS, or a ServiceAccount of that name",
	keepNothing: "nothing: the label accepts only a-z, 0-9 and -, at most 63 characters",
	keepOne:     "nothing: the proxy has several services, and will have one name",
}

// KeptBy returns in words what keeps the old name.
func (r *Rename) KeptBy() string { return keeps[r.Keep] }

// NewName returns the new name in words.
func (r *Rename) NewName() string { return cmp.Or(r.New, "its ServiceAccount") }

// String returns `Dataplane "web-1"`, and the mesh unless it is the default.
func (r *Resource) String() string {
	if len(r.Reasons) == 0 {
		return r.Of.String()
	}
	return fmt.Sprintf("%s: %s", r.Of, strings.Join(r.Reasons, "; "))
}
