package convert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
)

// Code names a kind of note. Codes are stable; docs/notes.md explains each.
type Code string

// What cannot be carried over.
const (
	WildcardWithoutDataplanes Code = "wildcard-without-dataplanes"
	InvalidBackend            Code = Code(envoydiff.InvalidBackend)
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
	ServerRefused             Code = "server-refused"
	LabelsAlike               Code = "labels-alike"
	LabelsUnknown             Code = "labels-unknown"
	MeshTraceCopied           Code = "meshtrace-copied"
	EndpointUnsupported       Code = "endpoint-unsupported"
	DiffersByLabels           Code = "differs-by-labels"
	DiffersBeforeUpgrade      Code = "differs-before-upgrade"
)

// What the user should know.
const (
	UnreachableSelector  Code = "unreachable-selector"
	MergedSelector       Code = "merged-selector"
	WildcardEnumerated   Code = "wildcard-enumerated"
	WildcardUnmatched    Code = "wildcard-unmatched"
	SelectorUnmatched    Code = "selector-unmatched"
	TieByCreationTime    Code = Code(envoydiff.TieByCreationTime)
	NoBackend            Code = "no-backend"
	SamplingMadeExplicit Code = "sampling-made-explicit"
	SamplingRounded      Code = "sampling-rounded"
	Renamed              Code = "renamed"
	APIVersionHTTPJSONV1 Code = "apiversion-httpjsonv1"
	UnusedBackend        Code = "unused-backend"
	OutboundGainsTracing Code = Code(envoydiff.OutboundGainsTracing)
	DatadogServiceName   Code = Code(envoydiff.DatadogServiceName)
	GatewayExcluded      Code = "gateway-excluded"
	GatewaySplitSpans    Code = Code(envoydiff.GatewaySplitSpans)
	InboundIgnored       Code = Code(envoydiff.InboundIgnored)
	KumaTags             Code = Code(envoydiff.KumaTags)
	ExistingMeshTrace    Code = "existing-meshtrace"
	EarlierRun           Code = "earlier-run"
	NoTrafficTrace       Code = "no-traffictrace"
	NotVerified          Code = "not-verified"
	MeshSubsetDeprecated Code = "meshsubset-deprecated"
	FederatedZone        Code = "federated-zone"
	TieDependsOnZone     Code = Code(envoydiff.TieDependsOnZone)
	ZoneDiffers          Code = Code(envoydiff.ZoneDiffers)
	NarrowedByZone       Code = "narrowed-by-zone"
	ZoneUnread           Code = "zone-unread"
	LabelSelection       Code = "label-selection"
	CoverNotMinimal      Code = "cover-not-minimal"
	MeshTraceReplaced    Code = "meshtrace-replaced"
	BackendMade          Code = "opentelemetry-backend"
	ApplyAfterUpgrade    Code = "apply-after-upgrade"
	ChangedByUpgrade     Code = "changed-by-upgrade"
	BuiltinRemoved       Code = Code(envoydiff.BuiltinGatewayRemoved)
	MixedVersions        Code = "mixed-versions"
	MeshTraceWins        Code = "meshtrace-wins"
	ModeUnknown          Code = "mode-unknown"
	OtherVersion         Code = "other-version"
	PatchReleaseDecides  Code = "patch-release-decides"
	KindUnread           Code = "kind-unread"
	ProxyPatched         Code = Code(envoydiff.ProxyPatched)
	LabelsLeft           Code = "labels-left"
	URLPartUnused        Code = "url-part-unused"
)

// Note is something that a careful colleague would mention.
type Note struct {
	Code     Code
	Severity manifest.Severity
	Resource string // what it is about
	Source   manifest.Place
	// Actionable reports whether somebody must do what Remedy says.
	Actionable bool

	sentence *sentence
	facts    factList
}

// Message is what was decided or is wrong, as "FACT. CONSEQUENCE", without the last period.
func (n *Note) Message() string { return manifest.Redact(n.facts.fill(n.sentence.text)) }

// Remedy is what to do, which may be empty.
func (n *Note) Remedy() string { return manifest.Redact(n.facts.fill(n.sentence.remedy)) }

// Wordings yields the Wording of every sentence that notes can have, with its code.
func Wordings(yield func(Code, string) bool) {
	for code, sentences := range messages {
		for _, s := range sentences {
			if !yield(code, s.wording()) {
				return
			}
		}
	}
}

// Wording is Message and Remedy before facts replace their names, the same for all notes
// with one sentence.
func (n *Note) Wording() string { return n.sentence.wording() }

// Facts are what Message and Remedy are made of, without their words: each as
// "name=value", in order.
func (n *Note) Facts() []string {
	var all []string
	n.facts.each(func(name string, value any) { all = append(all, name+"="+manifest.Redact(fmt.Sprint(value))) })
	slices.Sort(all)
	return all
}

// NoteText is a note with its sentences, as reports and --notes-output have it.
type NoteText struct {
	Code     Code              `json:"code" yaml:"code"`
	Severity manifest.Severity `json:"severity" yaml:"severity"`
	Resource string            `json:"resource" yaml:"resource"`
	Source   manifest.Place    `json:"source" yaml:"source"`
	Message  string            `json:"message" yaml:"message"`
	Remedy   string            `json:"remedy" yaml:"remedy"`

	// Spans are the parts of both sentences that are code, such as commands. The sentences
	// have them between backticks; other backticks are text of the input.
	Spans []string `json:"-" yaml:"-"`
}

// Text returns the note with its sentences.
func (n *Note) Text() NoteText {
	return NoteText{n.Code, n.Severity, n.Resource, n.Source, n.Message(), n.Remedy(), n.spans()}
}

// spans returns the parts of Message and Remedy that are code.
func (n *Note) spans() []string {
	var spans []string
	marked := n.facts.marked()
	for _, text := range []string{n.sentence.text, n.sentence.remedy} {
		parts := strings.Split(marked.fill(text), "`")
		for i := 1; i+1 < len(parts); i += 2 {
			spans = append(spans, manifest.Redact(strings.ReplaceAll(parts[i], markedBacktick, "`")))
		}
	}
	return spans
}

// Texts returns notes with their sentences, which is never nil.
func Texts(notes []*Note) []NoteText { return lists.Each(notes, (*Note).Text) }

// notes are what steps of a conversion return beside their results.
type notes []*Note

var weight = map[manifest.Severity]int{manifest.Error: 0, manifest.Warning: 1, manifest.Info: 2}

// sorted returns the notes, worst first, then in the order of the source.
func (n notes) sorted() []*Note {
	return slices.SortedStableFunc(slices.Values(n), func(a, b *Note) int {
		bySeverity := cmp.Compare(weight[a.Severity], weight[b.Severity])
		return cmp.Or(bySeverity, a.Source.Compare(b.Source), cmp.Compare(a.Code, b.Code))
	})
}

// fromProblem makes a note of a problem of the input that is no error.
func fromProblem(p *manifest.Problem) *Note {
	s := &sentence{code: Code(p.Code), severity: p.Severity, text: "{problem}", optional: p.Severity == manifest.Info}
	if p.Remedy != "" {
		s.remedy = "{remedy}" // as a fact, since text of the input can have braces
	}
	fault := *p
	fault.Remedy = ""
	return s.note(p.Place, subject(p.Resource()), facts{"problem": fault.Message(), "remedy": phrase(p.Remedy)})
}

// RefusedByServer notes a policy that the API server refused in a dry run, with the
// server's message.
func RefusedByServer(at manifest.Place, policy, message string) *Note {
	return refusedByServer.note(at, subject(fmt.Sprintf("MeshTrace %q", policy)), facts{"message": message})
}

// sentence is one of those that notes of a code consist of. Facts replace the names in
// braces.
type sentence struct {
	code     Code
	severity manifest.Severity
	text     string
	remedy   string
	optional bool // nobody need do what remedy says
}

func (s *sentence) wording() string { return s.text + "\n" + s.remedy }

// messages has the sentences of every code, each in the order of this package.
var messages = make(map[Code][]*sentence)

func say(s *sentence) *sentence {
	messages[s.code] = append(messages[s.code], s)
	return s
}

func refuse(code Code, text, remedy string) *sentence {
	return say(&sentence{code: code, severity: manifest.Error, text: text, remedy: remedy})
}

func warn(code Code, text, remedy string) *sentence {
	return say(&sentence{code: code, severity: manifest.Warning, text: text, remedy: remedy})
}

func inform(code Code, text, remedy string) *sentence {
	return say(&sentence{code: code, severity: manifest.Info, text: text, remedy: remedy, optional: true})
}

// ifWanted marks the remedy as one that nobody need follow.
func (s *sentence) ifWanted() *sentence {
	s.optional = true
	return s
}

// note says the sentence of a resource.
func (s *sentence) note(at manifest.Place, resource fmt.Stringer, f facts) *Note {
	return &Note{
		Code: s.code, Severity: s.severity, Resource: manifest.Redact(resource.String()), Source: at,
		Actionable: s.remedy != "" && !s.optional, sentence: s, facts: f.list(),
	}
}

// noteOn says the sentence of a selector.
func (s *sentence) noteOn(p *legacy.Pair, f facts) *Note {
	return s.note(p.Position(), p.TrafficTrace, f)
}

// facts are the values that a sentence names in braces: strings, numbers, names, what has
// a String method, phrases and clauses.
type facts map[string]any

// factList is facts as a note keeps them. There may be a note on every selector, and a map
// takes four times the memory.
type factList []fact

type fact struct {
	name  string
	value any
}

func (f facts) list() factList {
	list := make(factList, 0, len(f))
	for name, value := range f {
		list = append(list, fact{name, value})
	}
	return list
}

// names are what a sentence names up to three of.
type names []string

// String joins up to three names and counts the rest.
func (n names) String() string { return First(n, shownNames) }

// shownNames is how many names a sentence has at most; nobody needs to make the others.
const shownNames = 3

// fill puts facts in the place of their names. A name without a fact stays.
func (f factList) fill(sentence string) string {
	var b strings.Builder
	for {
		before, rest, _ := strings.Cut(sentence, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			b.WriteString(sentence)
			return b.String()
		}
		b.WriteString(before)
		if i := slices.IndexFunc(f, func(of fact) bool { return of.name == name }); i >= 0 {
			fmt.Fprint(&b, f[i].value)
		} else {
			b.WriteString("{" + name + "}")
		}
		sentence = after
	}
}

// each yields the facts, and those of clauses, but no words.
func (f factList) each(yield func(name string, value any)) {
	for _, of := range f {
		switch value := of.value.(type) {
		case phrase:
		case clause:
			value.facts.each(yield)
		default:
			yield(of.name, value)
		}
	}
}

// markedBacktick replaces the backticks of facts, which do not begin or end code.
const markedBacktick = "\x00"

// marked returns the facts with their backticks marked.
func (f factList) marked() factList {
	return lists.Each(f, func(of fact) fact {
		switch value := of.value.(type) {
		case phrase:
		case clause:
			of.value = clause{value.phrase, value.facts.marked()}
		default:
			of.value = strings.ReplaceAll(fmt.Sprint(value), "`", markedBacktick)
		}
		return of
	})
}

// phrase is words of a sentence, or of what a report says of a selector or a proxy.
type phrase string

// with returns the phrase with facts in the place of their names.
func (p phrase) with(f facts) string { return f.list().fill(string(p)) }

// of returns the phrase with its facts, for a sentence.
func (p phrase) of(f facts) clause { return clause{p, f.list()} }

// clause is a phrase with its facts.
type clause struct {
	phrase
	facts factList
}

// String is the phrase with facts in the place of their names.
func (c clause) String() string { return c.facts.fill(string(c.phrase)) }

// quoted is a name in double quotes, cut where it is longer than any name can be.
func quoted(name string) string { return fmt.Sprintf("%.253q", name) }

// counted is how many of a word there are, with up to three of their names.
func counted(of []string, word string) string {
	return fmt.Sprintf("%s (%s)", Plural(len(of), word), names(of))
}

// clipped is text in double quotes, cut after 80 bytes.
func clipped(text string) string { return fmt.Sprintf("%.80q", text) }
