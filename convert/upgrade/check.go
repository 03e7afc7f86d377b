package upgrade

import (
	"cmp"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// Options are the versions to compare and what to ignore.
type Options struct {
	From, To cluster.Version
	Accept   []envoydiff.Code
	MadeUp   int // maximum number of made-up proxies of a mesh without Dataplanes
}

// Info is the verdict of a cause that changes the tracing of no known proxy.
const Info envoydiff.Verdict = "info"

// MeshTracingIgnored is the code of a Mesh's field tracing, which 3.0 accepts and ignores.
// No proxy differs in it.
const MeshTracingIgnored envoydiff.Code = "mesh-tracing-ignored"

// MeshByLabel is the code of a mesh with Dataplanes on Kubernetes, which 3.0 finds by the label
// kuma.io/mesh alone (MeshOfByLabel in pkg/plugins/runtime/k8s/util of Kuma's main branch; seen on
// 3.0). A Dataplane does not show whether its Pod or Namespace has the label or the annotation.
const MeshByLabel envoydiff.Code = "mesh-by-label"

// GlobalOnKubernetes is the code of a global control plane that does not start on the newer version.
// No proxy differs in it, as long as its zones keep what they have.
const GlobalOnKubernetes envoydiff.Code = "global-on-kubernetes"

// Result is what an upgrade of the control plane changes.
type Result struct {
	From, To    cluster.Version
	Comparisons []*envoydiff.Comparison // one for each version of zones
	Causes      []*Cause                // worst first, then by number of proxies
	Renames     []*Rename               // of services in Datadog and OpenTelemetry
	// MadeUp is the number of proxies that represent those of meshes without Dataplanes.
	// Complete reports whether they represent all of these.
	MadeUp   int
	Complete bool
	// Refused are MeshTraces of manifests that From refuses, so they do not exist there.
	Refused []*meshtrace.Policy
	// MeshTraces is the number of all others.
	MeshTraces int
}

// Cause is why tracing changes: one rule of the newer version.
type Cause struct {
	Code      envoydiff.Code
	Verdict   envoydiff.Verdict  // inherent, accepted, unknown, different or Info
	Proxies   []*envoydiff.Proxy // whose tracing it changes, by mesh and name
	Resources []*Resource        // what to change, by place
	mends     []mend
}

// Resource is a resource that a rule of the newer version affects.
type Resource struct {
	Of      manifest.Subject
	Place   manifest.Place
	Reasons []string // why the newer version refuses it, or why a proxy is unknown
	// onKubernetes is set for an object of Kubernetes, or for a proxy of a zone there.
	onKubernetes bool
	// name is that in commands for the control plane of a proxy's zone.
	name string
}

// Fails reports whether the cause is a reason for exit code 1.
func (c *Cause) Fails() bool {
	return c.Verdict == envoydiff.Different || c.Verdict == envoydiff.Unknown
}

// Fails reports whether tracing changes in what is neither inherent nor accepted.
func (r *Result) Fails() bool { return slices.ContainsFunc(r.Causes, (*Cause).Fails) }

// Has reports whether a cause has the verdict.
func (r *Result) Has(v envoydiff.Verdict) bool {
	return slices.ContainsFunc(r.Causes, func(c *Cause) bool { return c.Verdict == v })
}

// Check compares the tracing of what exists on two versions of the control plane. Proxies
// of zones are compared from the version of their zone.
func Check(c *convert.Current, o Options) *Result {
	b := &builder{
		Result: &Result{From: o.From, To: o.To}, o: o, current: c, meshes: legacy.ByName(c.Meshes),
		causes: make(map[envoydiff.Code]*cause), inhabited: lists.Set(c.Dataplanes, func(dp *cluster.Dataplane) string { return dp.Mesh }),
	}
	b.accept()
	b.compare()
	b.undated()
	for comparison, p := range envoydiff.All(b.Comparisons) {
		b.proxy(comparison.Version, p)
	}
	b.meshTraces()
	if about := c.About(); about.Mode == cluster.ModeGlobal && about.Environment == cluster.Kubernetes &&
		o.From.RunsGlobalOnKubernetes() && !o.To.RunsGlobalOnKubernetes() {
		b.of(GlobalOnKubernetes).fails = true
	}
	if o.To.DropsTrafficTrace() && !o.From.DropsTrafficTrace() {
		b.trafficTraces()
		b.gateways()
		b.dataplanes()
	}
	b.Renames = b.services()
	b.finish()
	return b.Result
}

type builder struct {
	*Result
	o         Options
	current   *convert.Current
	meshes    map[string]*legacy.Mesh
	causes    map[envoydiff.Code]*cause
	inhabited map[string]bool // meshes with Dataplanes
	policies  []*meshtrace.Policy
}

// cause is a Cause in the making.
type cause struct {
	Cause
	fails     bool // even without a proxy
	resources map[any]*Resource
}

// of returns the cause with a code.
func (b *builder) of(code envoydiff.Code) *cause {
	if b.causes[code] == nil {
		b.causes[code] = &cause{Cause: Cause{Code: code}, resources: make(map[any]*Resource)}
	}
	return b.causes[code]
}

// add adds a resource, once for each identity.
func (c *cause) add(identity any, r Resource) {
	if c.resources[identity] == nil {
		c.resources[identity] = &r
		c.Resources = append(c.Resources, &r)
	}
}

// addResource adds a resource of the input.
func (c *cause) addResource(r *cluster.Resource, reasons ...string) {
	c.add(r.Subject(), Resource{r.Subject(), r.Place, reasons, r.Format == cluster.Kubernetes, r.Name})
}

// accept finds the MeshTraces that exist on From: all of a cluster, and of manifests those
// that From does not refuse.
func (b *builder) accept() {
	for _, p := range b.current.Existing {
		if !b.current.FromCluster() && len(p.RefusedBy(b.From)) > 0 {
			b.Refused = append(b.Refused, p)
			continue
		}
		b.policies = append(b.policies, p.AsStored(b.From))
	}
	b.MeshTraces = len(b.policies)
}

// compare compares all proxies, and made-up ones of meshes without Dataplanes.
func (b *builder) compare() {
	state := b.current.StateOf(b.current.Meshes, b.policies)
	selectors := slices.Concat(b.policies, state.Patches.Selectors())
	made, complete := envoydiff.MadeUp(state.Legacy, selectors, b.current.Dataplanes, b.o.MadeUp)
	b.MadeUp, b.Complete = len(made), complete
	s := *b.current.Snapshot
	s.Dataplanes = slices.Concat(s.Dataplanes, made)
	b.Comparisons = envoydiff.CompareZones(&s, state, state, envoydiff.Options{Version: b.From, To: b.To, Accept: b.o.Accept})
}

// finish fills in verdicts and remedies, and sorts.
func (b *builder) finish() {
	for _, c := range b.causes {
		c.Verdict = b.verdict(c)
		slices.SortFunc(c.Proxies, func(x, y *envoydiff.Proxy) int {
			return cmp.Or(strings.Compare(x.Mesh, y.Mesh), strings.Compare(x.Name, y.Name))
		})
		slices.SortStableFunc(c.Resources, func(x, y *Resource) int {
			return cmp.Or(x.Place.Compare(y.Place), strings.Compare(x.Of.Mesh, y.Of.Mesh), strings.Compare(x.Of.Name, y.Of.Name))
		})
		c.mends = b.mends(c)
		b.Causes = append(b.Causes, &c.Cause)
	}
	slices.SortFunc(b.Causes, func(x, y *Cause) int {
		return cmp.Or(y.Verdict.Compare(x.Verdict), cmp.Compare(len(y.Proxies), len(x.Proxies)), cmp.Compare(x.Code, y.Code))
	})
}

func (b *builder) verdict(c *cause) envoydiff.Verdict {
	switch {
	case len(c.Proxies) == 0 && !c.fails:
		return Info
	case slices.Contains(b.o.Accept, c.Code):
		return envoydiff.Accepted
	}
	return cmp.Or(envoydiff.Codes[c.Code], envoydiff.Different)
}
