package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster/manifest"
)

// Code names a kind of note. Codes are stable; docs/notes.md explains each.
type Code string

// What cannot be carried over.
const (
	WildcardWithoutDataplanes Code = "wildcard-without-dataplanes"
	InvalidBackend            Code = "invalid-backend"
	FractionUnsupported       Code = "fraction-unsupported"
	EmptyBackendsUnsupported  Code = "empty-backends-unsupported"
	GatewayConflict           Code = "gateway-conflict"
	MeshTraceConflict         Code = "meshtrace-conflict"
	ServiceTagMissing         Code = "service-tag-missing"
	DelegatedGateway          Code = "delegated-gateway"
	ZoneTagMissing            Code = "zone-tag-missing"
	ProxyDiffers              Code = "proxy-differs"
	BrokenResource            Code = "broken-resource"
	KindAbsent                Code = "kind-absent"
	MeshTraceRefused          Code = "meshtrace-refused"
	ZoneOriginOnGlobal        Code = "zone-origin-on-global"
)

// What the user should know.
const (
	UnreachableSelector  Code = "unreachable-selector"
	MergedSelector       Code = "merged-selector"
	WildcardEnumerated   Code = "wildcard-enumerated"
	WildcardUnmatched    Code = "wildcard-unmatched"
	SelectorUnmatched    Code = "selector-unmatched"
	TieByCreationTime    Code = "tie-by-creation-time"
	NoBackend            Code = "no-backend"
	SamplingMadeExplicit Code = "sampling-made-explicit"
	SamplingRounded      Code = "sampling-rounded"
	Renamed              Code = "renamed"
	APIVersionHTTPJSONV1 Code = "apiversion-httpjsonv1"
	UnusedBackend        Code = "unused-backend"
	OutboundGainsTracing Code = "outbound-gains-tracing"
	DatadogServiceName   Code = "datadog-service-name"
	GatewayExcluded      Code = "gateway-excluded"
	GatewaySplitSpans    Code = "gateway-split-spans"
	InboundIgnored       Code = "inbound-ignored"
	KumaTags             Code = "kuma-tags"
	ExistingMeshTrace    Code = "existing-meshtrace"
	EarlierRun           Code = "earlier-run"
	NoTrafficTrace       Code = "no-traffictrace"
	NotVerified          Code = "not-verified"
	MeshSubsetDeprecated Code = "meshsubset-deprecated"
	FederatedZone        Code = "federated-zone"
	TieDependsOnZone     Code = "tie-depends-on-zone"
	ZoneDiffers          Code = "zone-differs"
	NarrowedByZone       Code = "narrowed-by-zone"
	ZoneUnread           Code = "zone-unread"
	MixedVersions        Code = "mixed-versions"
	MeshTraceWins        Code = "meshtrace-wins"
	ModeUnknown          Code = "mode-unknown"
	OtherVersion         Code = "other-version"
	PatchReleaseDecides  Code = "patch-release-decides"
	KindUnread           Code = "kind-unread"
	LabelsLeft           Code = "labels-left"
	URLPartUnused        Code = "url-part-unused"
)

// Note is something that a careful colleague would mention.
type Note struct {
	Code     Code              `json:"code"`
	Severity manifest.Severity `json:"severity"`
	Resource string            `json:"resource"`
	Source   manifest.Place    `json:"source"`
	Message  string            `json:"message"` // one sentence: what was decided, or is wrong
	Remedy   string            `json:"remedy"`  // what to do; may be empty
	// Actionable says that something must be done, not just may be.
	Actionable bool `json:"-" yaml:"-"`
}

// notes collects.
type notes []*Note

func (n *notes) add(code Code, severity manifest.Severity, at manifest.Place, resource fmt.Stringer, message, remedy string) *Note {
	note := &Note{
		Code: code, Severity: severity, Resource: manifest.Redact(resource.String()), Source: at, Message: manifest.Redact(message),
		Remedy: manifest.Redact(remedy), Actionable: remedy != "" && severity != manifest.Info,
	}
	*n = append(*n, note)
	return note
}

func (n *notes) inform(code Code, at manifest.Place, resource fmt.Stringer, message, remedy string) {
	n.add(code, manifest.Info, at, resource, message, remedy)
}

func (n *notes) warn(code Code, at manifest.Place, resource fmt.Stringer, message, remedy string) *Note {
	return n.add(code, manifest.Warning, at, resource, message, remedy)
}

func (n *notes) refuse(code Code, at manifest.Place, resource fmt.Stringer, message, remedy string) *Note {
	return n.add(code, manifest.Error, at, resource, message, remedy)
}

var weight = map[manifest.Severity]int{manifest.Error: 0, manifest.Warning: 1, manifest.Info: 2}

// sorted returns the notes, worst first, then in the order of the source.
func (n notes) sorted() []*Note {
	slices.SortStableFunc(n, func(a, b *Note) int {
		return cmp.Or(cmp.Compare(weight[a.Severity], weight[b.Severity]), a.Source.Compare(b.Source), strings.Compare(string(a.Code), string(b.Code)))
	})
	return n
}

// fromProblem makes a note of a problem of the input that is no error.
func fromProblem(p *manifest.Problem) *Note {
	return &Note{Code: Code(p.Code), Severity: p.Severity, Resource: p.Resource(), Source: p.Place, Message: p.Message()}
}

// plural is "1 word" or "n words".
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	if strings.HasSuffix(word, "y") {
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(word, "y"))
	}
	return fmt.Sprintf("%d %ss", n, word)
}
