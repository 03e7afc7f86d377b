package report

import (
	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
)

// Report is the result of a dry run. Lists are never nil, and their order depends on
// the input alone.
type Report struct {
	Head          Head           `json:"head" yaml:"head"`
	Origin        cluster.Origin `json:"origin" yaml:"origin"`
	KumaVersion   string         `json:"kumaVersion" yaml:"kumaVersion"` // of the policies
	Summary       Summary        `json:"summary" yaml:"summary"`
	Meshes        []Mesh         `json:"meshes" yaml:"meshes"`
	TrafficTraces []TrafficTrace `json:"trafficTraces" yaml:"trafficTraces"`
	Existing      []Existing     `json:"existingMeshTraces" yaml:"existingMeshTraces"`
	Policies      []Policy       `json:"policies" yaml:"policies"`
	// Withheld policies conflict with existing ones. They must not be applied, and
	// the verdicts of proxies are without them.
	Withheld  []Policy           `json:"withheld" yaml:"withheld"`
	Notes     []convert.NoteText `json:"notes" yaml:"notes"`
	Flows     []Flow             `json:"flows" yaml:"flows"` // of all proxies, or empty
	Proxies   []Proxy            `json:"proxies" yaml:"proxies"`
	Causes    []Cause            `json:"causes" yaml:"causes"` // of the proxies that are not the same
	HandWork  []HandWork         `json:"handWork" yaml:"handWork"`
	NextSteps []Step             `json:"nextSteps" yaml:"nextSteps"`
	Way       []Stage            `json:"wayTo3" yaml:"wayTo3"` // to Kuma 3.0

	// Commands are for documents about the same control plane.
	Commands Commands `json:"-" yaml:"-"`

	// Unlisted is the number of proxies that are not the same and not among Proxies.
	Unlisted int `json:"-" yaml:"-"`

	texts  *stepWriter
	repair []step // the next steps if something must be fixed first
}

// Head is what a reader needs first. The command fills it in, because it depends on the
// clock and on the words of the outcome.
type Head struct {
	Date     string `json:"date,omitempty" yaml:"date,omitempty"` // RFC 3339, in UTC
	Tool     string `json:"tool" yaml:"tool"`                     // its version
	Cluster  string `json:"cluster" yaml:"cluster"`               // what was read
	Digest   string `json:"digest,omitempty" yaml:"digest,omitempty"`
	Sentence string `json:"sentence" yaml:"sentence"` // the outcome
}

// Cause is the proxies that have one verdict and differ in the same codes.
type Cause struct {
	Verdict       envoydiff.Verdict `json:"verdict" yaml:"verdict"`
	Codes         []envoydiff.Code  `json:"codes" yaml:"codes"` // worst first
	Text          string            `json:"text" yaml:"text"`   // what changes, in plain words
	Proxies       int               `json:"proxies" yaml:"proxies"`
	TrafficTraces int               `json:"trafficTraces" yaml:"trafficTraces"` // number of those that decide on the proxies
	Examples      []string          `json:"examples" yaml:"examples"`           // some of the proxies, as mesh/name
}

// HandWork is something to do by hand.
type HandWork struct {
	Code      convert.Code      `json:"code" yaml:"code"`
	Severity  manifest.Severity `json:"severity" yaml:"severity"`
	Resources []string          `json:"resources" yaml:"resources"`
	Remedy    string            `json:"remedy" yaml:"remedy"`

	Spans []string `json:"-" yaml:"-"` // the parts of Remedy that are code, see convert.NoteText
}

// Summary has counts. Holds reports that the migration keeps every proxy's tracing:
// there is no error, no proxy is different or unknown, but for accepted codes, and the server
// refused no policy.
type Summary struct {
	Holds         bool `json:"holds" yaml:"holds"`
	Unverified    bool `json:"unverified" yaml:"unverified"`   // the Dataplanes could not be read
	Partial       bool `json:"partial" yaml:"partial"`         // some Dataplanes, or MeshGateways, could not be read
	NotRead       int  `json:"notRead" yaml:"notRead"`         // documents that may decide on proxies, and are not read
	ZonesUnread   int  `json:"zonesUnread" yaml:"zonesUnread"` // zones whose own control plane was not read
	Meshes        int  `json:"meshes" yaml:"meshes"`
	TrafficTraces int  `json:"trafficTraces" yaml:"trafficTraces"`
	Policies      int  `json:"policies" yaml:"policies"`                   // to create
	Tracing       int  `json:"tracingMeshTraces" yaml:"tracingMeshTraces"` // existing, with a backend
	Earlier       int  `json:"earlierRun" yaml:"earlierRun"`               // existing, made by a previous run
	// The verdicts of proxies.
	envoydiff.Tally `yaml:",inline"`
	MadeUp          int `json:"madeUp" yaml:"madeUp"` // proxies that represent unknown ones
	Errors          int `json:"errors" yaml:"errors"` // among the notes
	Warnings        int `json:"warnings" yaml:"warnings"`
	Refused         int `json:"refused" yaml:"refused"` // policies that the API server refused
}

// Mesh is a mesh with its tracing backends.
type Mesh struct {
	Name           string    `json:"name" yaml:"name"`
	Proxies        int       `json:"proxies" yaml:"proxies"`
	DefaultBackend string    `json:"defaultBackend" yaml:"defaultBackend"`
	Backends       []Backend `json:"backends" yaml:"backends"`
	TrafficRoute   bool      `json:"trafficRoute" yaml:"trafficRoute"` // has one
}

// Backend is a tracing backend with its users.
type Backend struct {
	Name          string   `json:"name" yaml:"name"`
	Type          string   `json:"type" yaml:"type"`
	Address       string   `json:"address" yaml:"address"`   // host:port; empty if unusable
	Sampling      *float64 `json:"sampling" yaml:"sampling"` // percent; null if not set, which is 100
	TrafficTraces []string `json:"trafficTraces" yaml:"trafficTraces"`
	Proxies       int      `json:"proxies" yaml:"proxies"` // that a TrafficTrace makes send traces to it
}

// TrafficTrace is a policy with the proxies for which it decides.
type TrafficTrace struct {
	Mesh      string         `json:"mesh" yaml:"mesh"`
	Name      string         `json:"name" yaml:"name"`
	Source    manifest.Place `json:"source" yaml:"source"`
	Backend   string         `json:"backend" yaml:"backend"` // empty if it does not exist
	Selectors []Selector     `json:"selectors" yaml:"selectors"`
	Proxies   int            `json:"proxies" yaml:"proxies"`
}

// Selector is a selector with the proxies for which it decides and its new policies.
type Selector struct {
	Number   int      `json:"number" yaml:"number"` // within the TrafficTrace, from 1
	Tags     string   `json:"tags" yaml:"tags"`
	Proxies  int      `json:"proxies" yaml:"proxies"`
	Policies []string `json:"policies" yaml:"policies"`
	Reason   string   `json:"reason,omitempty" yaml:"reason,omitempty"` // why there is no policy
}

// Existing is an existing MeshTrace.
type Existing struct {
	Mesh      string `json:"mesh" yaml:"mesh"`
	Name      string `json:"name" yaml:"name"`
	Namespace string `json:"namespace,omitempty" yaml:"namespace,omitempty"`
	Shadow    bool   `json:"shadow" yaml:"shadow"`
	// Earlier reports that a previous run made it, and that this run makes it again.
	Earlier bool `json:"earlierRun" yaml:"earlierRun"`
	Proxies int  `json:"proxies" yaml:"proxies"` // that it selects
}

// Policy is a new MeshTrace.
type Policy struct {
	Mesh      string         `json:"mesh" yaml:"mesh"`
	Name      string         `json:"name" yaml:"name"`
	Namespace string         `json:"namespace,omitempty" yaml:"namespace,omitempty"`
	Source    string         `json:"source" yaml:"source"`
	Manifest  string         `json:"manifest" yaml:"manifest"` // YAML, without credentials
	Redacted  bool           `json:"-" yaml:"-"`               // the written manifest has credentials
	Proxies   int            `json:"proxies" yaml:"proxies"`   // that it selects
	Server    *cluster.Trial `json:"server,omitempty" yaml:"server,omitempty"`
}

// Flow is the number of proxies that move from one deciding policy to another.
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
	Version     string                  `json:"version" yaml:"version"` // of the zone, which the verdict is for
	MadeUp      bool                    `json:"madeUp,omitempty" yaml:"madeUp,omitempty"`
	Verdict     envoydiff.Verdict       `json:"verdict" yaml:"verdict"`
	Before      string                  `json:"before" yaml:"before"` // deciding policies
	After       string                  `json:"after" yaml:"after"`
	Target      string                  `json:"target" yaml:"target"` // today's collector as host:port, or nowhere
	TargetAfter string                  `json:"targetAfter" yaml:"targetAfter"`
	Differences []*envoydiff.Difference `json:"differences" yaml:"differences"`

	comparison *envoydiff.Comparison
	proxy      *envoydiff.Proxy
}

// Listeners renders the proxy's HTTP listeners, before and after. A brief report has
// none.
func (p *Proxy) Listeners() (before, after []envoydiff.Listener) {
	if p.comparison == nil {
		return nil, nil
	}
	return p.comparison.Listeners(p.proxy)
}

// Stage is one of the stages to Kuma 3.0.
type Stage struct {
	Name    string   `json:"name" yaml:"name"`
	Ready   bool     `json:"ready" yaml:"ready"`
	Unknown bool     `json:"unknown" yaml:"unknown"` // something that decides was not read
	Summary string   `json:"summary" yaml:"summary"`
	Blocks  []string `json:"blocks" yaml:"blocks"`   // what prevents it, one sentence each
	Command string   `json:"command" yaml:"command"` // empty if nothing is left
}

// State returns ready, blocked, not known or open.
func (s *Stage) State() string {
	switch {
	case s.Ready:
		return "ready"
	case len(s.Blocks) > 0:
		return "blocked"
	case s.Unknown:
		return "not known"
	}
	return "open"
}

// Step is the text of a next step, and its command.
type Step struct {
	Title   string `json:"title" yaml:"title"`
	Command string `json:"command" yaml:"command"`
}

// Options configure a report.
type Options struct {
	Convert convert.Options
	Brief   bool // without manifests and listeners, for forms that do not show them
	// Proxies is the largest number of proxies in the report, for forms that show no more.
	// It has those that are not the same, worst first, and no Flows. 0: all proxies.
	Proxies int

	// For the commands of the next steps; only Program is required.
	Words
	Files         bool       // whether the source is files
	KumactlSwitch string     // the command that selects the same control plane
	First         []StepKind // GiveToken, SavePipe
	Directory     string     // for files, with a slash at its end; the current one if empty
}

// Words are the words of commands that read the same source.
type Words struct {
	Program string // the name of this tool
	Source  string // the flags that select the source
	Kubectl string // with the flags that select the same cluster
	Kumactl string // with the flags that select its configuration
}
