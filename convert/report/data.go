package report

import (
	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// Report is all that a dry run tells. Lists are never nil, and in an order that
// depends on the input alone.
type Report struct {
	Origin        cluster.Origin `json:"origin" yaml:"origin"`
	KumaVersion   string         `json:"kumaVersion" yaml:"kumaVersion"` // that the policies are for
	Summary       Summary        `json:"summary" yaml:"summary"`
	Meshes        []Mesh         `json:"meshes" yaml:"meshes"`
	TrafficTraces []TrafficTrace `json:"trafficTraces" yaml:"trafficTraces"`
	Existing      []Existing     `json:"existingMeshTraces" yaml:"existingMeshTraces"`
	Policies      []Policy       `json:"policies" yaml:"policies"`
	// Withheld would conflict with existing ones. They are not to be applied,
	// and what is said of proxies is without them.
	Withheld  []Policy        `json:"withheld" yaml:"withheld"`
	Notes     []*convert.Note `json:"notes" yaml:"notes"`
	Flows     []Flow          `json:"flows" yaml:"flows"`
	Proxies   []Proxy         `json:"proxies" yaml:"proxies"`
	HandWork  []string        `json:"handWork" yaml:"handWork"` // one sentence each
	NextSteps []Step          `json:"nextSteps" yaml:"nextSteps"`

	texts  *stepWriter
	repair []step // the next steps while something must be fixed first
}

// Summary counts. Holds says that the migration keeps every proxy's tracing:
// nothing is refused, no proxy differs, none is unknown because something could
// not be read, and no policy was refused by the server.
type Summary struct {
	Holds         bool `json:"holds" yaml:"holds"`
	Unverified    bool `json:"unverified" yaml:"unverified"`   // the Dataplanes could not be read
	Partial       bool `json:"partial" yaml:"partial"`         // some Dataplanes, or MeshGateways, could not be read
	ZonesUnread   int  `json:"zonesUnread" yaml:"zonesUnread"` // zones whose own control plane was not read
	Meshes        int  `json:"meshes" yaml:"meshes"`
	TrafficTraces int  `json:"trafficTraces" yaml:"trafficTraces"`
	Policies      int  `json:"policies" yaml:"policies"`                   // to create
	Tracing       int  `json:"tracingMeshTraces" yaml:"tracingMeshTraces"` // that exist, with a backend
	Earlier       int  `json:"earlierRun" yaml:"earlierRun"`               // that stand already, made by an earlier run
	// What becomes of proxies.
	envoydiff.Tally `yaml:",inline"`
	MadeUp          int `json:"madeUp" yaml:"madeUp"` // of the proxies, those that stand for unknown ones
	Errors          int `json:"errors" yaml:"errors"` // among the notes
	Warnings        int `json:"warnings" yaml:"warnings"`
	Refused         int `json:"refused" yaml:"refused"` // policies that the server's dry run refused
}

// Mesh is a mesh and its tracing backends.
type Mesh struct {
	Name           string    `json:"name" yaml:"name"`
	Proxies        int       `json:"proxies" yaml:"proxies"`
	DefaultBackend string    `json:"defaultBackend" yaml:"defaultBackend"`
	Backends       []Backend `json:"backends" yaml:"backends"`
	TrafficRoute   bool      `json:"trafficRoute" yaml:"trafficRoute"` // there is one
}

// Backend is a tracing backend and who uses it.
type Backend struct {
	Name          string   `json:"name" yaml:"name"`
	Type          string   `json:"type" yaml:"type"`
	Address       string   `json:"address" yaml:"address"`   // host:port; empty when it is unusable
	Sampling      *float64 `json:"sampling" yaml:"sampling"` // percent, 0 to 100; null: not set, so 100
	TrafficTraces []string `json:"trafficTraces" yaml:"trafficTraces"`
	Proxies       int      `json:"proxies" yaml:"proxies"` // whose traces it gets by a TrafficTrace
}

// TrafficTrace is a policy and the proxies that it really serves.
type TrafficTrace struct {
	Mesh      string         `json:"mesh" yaml:"mesh"`
	Name      string         `json:"name" yaml:"name"`
	Source    manifest.Place `json:"source" yaml:"source"`
	Backend   string         `json:"backend" yaml:"backend"` // empty: none that exists
	Selectors []Selector     `json:"selectors" yaml:"selectors"`
	Proxies   int            `json:"proxies" yaml:"proxies"`
}

// Selector is a selector, the proxies for which it decides, and what it becomes.
type Selector struct {
	Number   int      `json:"number" yaml:"number"` // within the TrafficTrace, from 1; 0 for none
	Tags     string   `json:"tags" yaml:"tags"`
	Proxies  int      `json:"proxies" yaml:"proxies"`
	Policies []string `json:"policies" yaml:"policies"`
	Reason   string   `json:"reason,omitempty" yaml:"reason,omitempty"` // why there is no policy
}

// Existing is a MeshTrace that is there already.
type Existing struct {
	Mesh      string `json:"mesh" yaml:"mesh"`
	Name      string `json:"name" yaml:"name"`
	Namespace string `json:"namespace,omitempty" yaml:"namespace,omitempty"`
	Shadow    bool   `json:"shadow" yaml:"shadow"`
	// Earlier says that a previous run made it, and this one would make it again.
	Earlier bool `json:"earlierRun" yaml:"earlierRun"`
	Proxies int  `json:"proxies" yaml:"proxies"` // that it selects
}

// Policy is a MeshTrace that would be created.
type Policy struct {
	Mesh      string       `json:"mesh" yaml:"mesh"`
	Name      string       `json:"name" yaml:"name"`
	Namespace string       `json:"namespace,omitempty" yaml:"namespace,omitempty"`
	Source    string       `json:"source" yaml:"source"`
	Manifest  string       `json:"manifest" yaml:"manifest"` // YAML
	Proxies   int          `json:"proxies" yaml:"proxies"`   // that it selects
	Server    *ServerTrial `json:"server,omitempty" yaml:"server,omitempty"`
}

// ServerTrial is what the API server said to a dry run of a policy.
type ServerTrial struct {
	Accepted bool     `json:"accepted" yaml:"accepted"`
	Message  string   `json:"message,omitempty" yaml:"message,omitempty"` // why it was refused
	Warnings []string `json:"warnings,omitempty" yaml:"warnings,omitempty"`
}

// Flow is how many proxies go from what decides for them today to what will.
type Flow struct {
	Mesh    string            `json:"mesh" yaml:"mesh"`
	Before  string            `json:"before" yaml:"before"` // `TrafficTrace "all"`; "nothing"
	After   string            `json:"after" yaml:"after"`
	Verdict envoydiff.Verdict `json:"verdict" yaml:"verdict"`
	Proxies int               `json:"proxies" yaml:"proxies"`
}

// Proxy is the verdict of one proxy.
type Proxy struct {
	Mesh        string                  `json:"mesh" yaml:"mesh"`
	Name        string                  `json:"name" yaml:"name"`
	Kind        string                  `json:"kind" yaml:"kind"` // sidecar, builtin gateway, delegated gateway
	Zone        string                  `json:"zone,omitempty" yaml:"zone,omitempty"`
	Version     string                  `json:"version" yaml:"version"` // that the verdict is for
	MadeUp      bool                    `json:"madeUp,omitempty" yaml:"madeUp,omitempty"`
	Verdict     envoydiff.Verdict       `json:"verdict" yaml:"verdict"`
	Before      string                  `json:"before" yaml:"before"` // what decides
	After       string                  `json:"after" yaml:"after"`
	Target      string                  `json:"target" yaml:"target"` // host:port of today's collector, or nowhere
	Differences []*envoydiff.Difference `json:"differences" yaml:"differences"`

	comparison *envoydiff.Comparison
	proxy      *envoydiff.Proxy
}

// Listeners renders the proxy's HTTP listeners, before and after; none in a report
// that is brief.
func (p *Proxy) Listeners() (before, after []envoydiff.Listener) {
	if p.comparison == nil {
		return nil, nil
	}
	return p.comparison.Listeners(p.proxy)
}

// Step is something to do next, and the command that does it.
type Step struct {
	Title   string `json:"title" yaml:"title"`
	Command string `json:"command" yaml:"command"`
}

// Options say what to report on.
type Options struct {
	Convert convert.Options
	// For the commands of the next steps: how this tool is called, the flags
	// that name the source, whether that is files, kubectl and kumactl with the
	// flags that name the same cluster, what makes kumactl speak to it, and what
	// comes ahead of all. Only Program is always there.
	Program       string
	Source        string
	Files         bool
	Kubectl       string
	Kumactl       string
	KumactlSwitch string
	First         []StepKind // GiveToken, SavePipe
	Brief         bool       // without manifests and listeners, which a form may not show
	Directory     string     // where the commands write, with a slash at its end; empty: the current one
}
