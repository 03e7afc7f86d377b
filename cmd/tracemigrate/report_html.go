package main

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

//go:embed html
var htmlFiles embed.FS

// writeHTML writes a report as one page that asks nobody for anything: style,
// script, picture and data are in it. The same report gives the same bytes.
func writeHTML(w io.Writer, r *report.Report) error {
	page, err := newHTMLPage(r)
	if err != nil {
		return err
	}
	layout, err := template.New("report.html").Funcs(htmlFuncs).ParseFS(htmlFiles, "html/report.html")
	if err != nil {
		return fmt.Errorf("reading the page's template: %w", err)
	}
	if err := layout.Execute(w, page); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// htmlPage is what the template shows. Every text of the report in it is
// cleaned; html/template escapes it.
type htmlPage struct {
	*report.Report
	Security template.HTMLAttr // http-equiv and content of the content security policy
	Style    template.CSS
	Script   template.JS
	Data     template.JS // the proxies, as JSON
	Verdict  string
	Tone     string // good, inherent, bad or unknown
	Errors   htmlList[*htmlNotes]
	Warnings htmlList[*htmlNotes]
	Infos    htmlList[*htmlNotes]
	InfoN    int // notes in Infos
	Work     htmlList[string]
	Traces   htmlList[htmlSelector]
	Pictures []*htmlPicture
	// MorePictures is how many meshes have no picture, since there are too many.
	MorePictures int
	Manifests    []htmlManifest
}

// htmlList is what a page shows at once of a long list, and what it folds away.
type htmlList[T any] struct{ Shown, Folded []T }

func newHTMLList[T any](all []T, shown int) htmlList[T] {
	if len(all) <= shown+shown/4 { // folding a few away helps nobody
		return htmlList[T]{Shown: all}
	}
	return htmlList[T]{all[:shown], all[shown:]}
}

// Len is how many there are.
func (l htmlList[T]) Len() int { return len(l.Shown) + len(l.Folded) }

// htmlNotes are notes that say the same of several resources.
type htmlNotes struct {
	*convert.Note // the first
	Notes         htmlList[*convert.Note]
}

// newHTMLNotes puts notes together that have a code and a remedy in common.
func newHTMLNotes(notes []*convert.Note, severity manifest.Severity) htmlList[*htmlNotes] {
	type kind struct {
		code   convert.Code
		remedy string
	}
	byKind := make(map[kind]*htmlNotes)
	var all []*htmlNotes
	for _, note := range notes {
		if note.Severity != severity {
			continue
		}
		k := kind{note.Code, note.Remedy}
		if byKind[k] == nil {
			byKind[k] = &htmlNotes{Note: note}
			all = append(all, byKind[k])
		}
		byKind[k].Notes.Shown = append(byKind[k].Notes.Shown, note)
	}
	for _, group := range all {
		group.Notes = newHTMLList(group.Notes.Shown, 4)
	}
	return newHTMLList(all, 20)
}

// htmlSelector is a row of the table of TrafficTraces.
type htmlSelector struct {
	report.Selector
	Trace *report.TrafficTrace
	First bool // of its TrafficTrace
}

// htmlManifest is a policy and how to show it.
type htmlManifest struct {
	report.Policy
	// Altered says that the manifest shown is not the one that is written:
	// credentials or unprintable characters are left out.
	Altered bool
	Open    bool
}

func newHTMLPage(r *report.Report) (*htmlPage, error) {
	style, err := htmlFile("report.css")
	if err != nil {
		return nil, err
	}
	script, err := htmlFile("report.js")
	if err != nil {
		return nil, err
	}
	data, err := newHTMLData(r)
	if err != nil {
		return nil, err
	}
	// Proxies are in the data, cleaned there; here they would only be copied.
	shown := *r
	shown.Proxies = nil
	shown = htmlClean(reflect.ValueOf(shown)).Interface().(report.Report)
	page := &htmlPage{
		Report: &shown, Security: htmlSecurity(style, script),
		// These are files of this program, and JSON in which <, > and & are
		// escaped.
		Style: template.CSS(style), Script: template.JS(script), Data: template.JS(data),
	}
	page.Verdict, page.Tone = plain.ReportVerdict(&shown.Summary)
	page.Errors = newHTMLNotes(shown.Notes, manifest.Error)
	page.Warnings = newHTMLNotes(shown.Notes, manifest.Warning)
	page.Infos = newHTMLNotes(shown.Notes, manifest.Info)
	page.InfoN = len(shown.Notes) - shown.Summary.Errors - shown.Summary.Warnings
	page.Work = newHTMLList(shown.HandWork, 8)
	var selectors []htmlSelector
	for i := range shown.TrafficTraces {
		trace := &shown.TrafficTraces[i]
		if len(trace.Selectors) == 0 {
			selectors = append(selectors, htmlSelector{Trace: trace, First: true, Selector: report.Selector{Reason: "it has no selector"}})
		}
		for j, selector := range trace.Selectors {
			selectors = append(selectors, htmlSelector{Trace: trace, First: j == 0, Selector: selector})
		}
	}
	page.Traces = newHTMLList(selectors, 200)
	const open = 3 // manifests
	for i, policy := range shown.Policies {
		page.Manifests = append(page.Manifests, htmlManifest{
			Policy: policy, Altered: policy.Manifest != r.Policies[i].Manifest,
			Open: len(shown.Policies) <= open || policy.Server != nil && !policy.Server.Accepted,
		})
	}
	page.Pictures, page.MorePictures = newHTMLPictures(shown.Flows)
	return page, nil
}

// htmlFile is a file of the page. A checkout on Windows may have given it other
// line ends, and the hashes in the page are of what a browser makes of them.
func htmlFile(name string) (string, error) {
	text, err := htmlFiles.ReadFile("html/" + name)
	if err != nil {
		return "", fmt.Errorf("reading a file of the page: %w", err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n"), nil
}

// htmlSecurity allows the page its own script and style, and nothing else: no
// request, no other script, no attribute that runs, no text made into markup.
func htmlSecurity(style, script string) template.HTMLAttr {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	policy := "default-src 'none'; script-src " + hash(script) + "; style-src " + hash(style) +
		"; img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
	return template.HTMLAttr(`http-equiv="Content-Security-Policy" content="` + policy + `"`)
}

// htmlClean copies a value with every text in it made safe to show: see
// htmlText. It keeps no field that is not exported.
func htmlClean(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		out.SetString(htmlText(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(htmlClean(v.Elem()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(htmlClean(v.Index(i)))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(htmlClean(v.Field(i)))
			}
		}
	default:
		out.Set(v)
	}
	return out
}

// htmlText is a text without credentials, and without characters that are not
// seen or turn the direction of what follows.
func htmlText(s string) string { return plain.Printable(manifest.Redact(s)) }

var htmlFuncs = template.FuncMap{
	"number": plain.Number,
	"plural": plain.Plural,
	"percent": func(sampling *float64) string {
		if sampling == nil {
			return "100 % (not set)"
		}
		return strconv.FormatFloat(*sampling, 'f', -1, 64) + " %"
	},
	"join": func(list []string) string {
		const most = 12
		if len(list) > most {
			list = append(slices.Clone(list[:most]), fmt.Sprintf("and %s more", plain.Number(len(list)-most)))
		}
		return strings.Join(list, ", ")
	},
	"zones": func(zones []cluster.Zone) string {
		list := make([]string, 0, len(zones))
		for _, zone := range zones {
			if zone.Version == "" {
				zone.Version = "version unknown"
			}
			list = append(list, fmt.Sprintf("%s (%s)", zone.Name, zone.Version))
		}
		return strings.Join(list, ", ")
	},
	"list": func(values ...any) []any { return values },
	"inc":  func(n int) int { return n + 1 },
}

// htmlData is what the page's script shows: proxies by column, with texts that
// recur by their number in Words.
type htmlData struct {
	Words []string `json:"words"`
	Name  []string `json:"name"`
	// Columns of numbers in Words.
	Mesh    []int `json:"mesh"`
	Kind    []int `json:"kind"`
	Zone    []int `json:"zone"`
	Version []int `json:"version"`
	Verdict []int `json:"verdict"`
	Before  []int `json:"before"`
	After   []int `json:"after"`
	Target  []int `json:"target"`
	MadeUp  []int `json:"madeUp"` // the proxies that are
	// Differences is a column of numbers in Sets, whose rows are code, path,
	// before, after in Words.
	Differences []int      `json:"differences"`
	Sets        [][][4]int `json:"sets"`
	// Envoy has for each proxy that is not the same how its listeners differ.
	Envoy  map[int]*htmlEnvoy `json:"envoy"`
	Bodies []string           `json:"bodies"` // unified diffs

	words map[string]int
}

// htmlEnvoy is how the Envoy configuration of a proxy differs.
type htmlEnvoy struct {
	Diffs []htmlDiff `json:"diffs,omitempty"`
	More  int        `json:"more,omitempty"` // listeners that are not looked at, since there are so many
	Equal int        `json:"equal,omitempty"`
	// Omitted says that the diffs are left out to keep the page small.
	Omitted bool `json:"omitted,omitempty"`
}

// htmlDiff is a unified diff, and whose it is.
type htmlDiff struct {
	Body      int      `json:"body"`
	Listeners []string `json:"listeners"`
	More      int      `json:"more,omitempty"` // listeners of which it is the diff, too

	body *htmlBody
}

// newHTMLData returns the proxies of a report as JSON, those that matter most
// first.
func newHTMLData(r *report.Report) (string, error) {
	d := &htmlData{Words: []string{}, Name: []string{}, MadeUp: []int{}, Sets: [][][4]int{}, Envoy: make(map[int]*htmlEnvoy), Bodies: []string{}, words: make(map[string]int)}
	for _, column := range []*[]int{&d.Mesh, &d.Kind, &d.Zone, &d.Version, &d.Verdict, &d.Before, &d.After, &d.Target, &d.Differences} {
		*column = make([]int, 0, len(r.Proxies))
	}
	proxies := make([]*report.Proxy, 0, len(r.Proxies))
	for i := range r.Proxies {
		proxies = append(proxies, &r.Proxies[i])
	}
	slices.SortStableFunc(proxies, func(a, b *report.Proxy) int { return cmp.Compare(htmlRank[a.Verdict], htmlRank[b.Verdict]) })
	sets := make(map[*envoydiff.Difference]int) // lists of differences are shared
	d.Sets = append(d.Sets, [][4]int{})
	for i, p := range proxies {
		d.Name = append(d.Name, htmlText(p.Name))
		d.Mesh, d.Kind, d.Zone = append(d.Mesh, d.word(p.Mesh)), append(d.Kind, d.word(p.Kind)), append(d.Zone, d.word(p.Zone))
		d.Version, d.Verdict = append(d.Version, d.word(p.Version)), append(d.Verdict, d.word(string(p.Verdict)))
		d.Before, d.After, d.Target = append(d.Before, d.word(p.Before)), append(d.After, d.word(p.After)), append(d.Target, d.word(p.Target))
		if p.MadeUp {
			d.MadeUp = append(d.MadeUp, i)
		}
		set := 0
		if len(p.Differences) > 0 {
			known, ok := sets[p.Differences[0]]
			if !ok {
				known = len(d.Sets)
				sets[p.Differences[0]] = known
				rows := make([][4]int, 0, len(p.Differences))
				for _, difference := range p.Differences {
					rows = append(rows, [4]int{d.word(string(difference.Code)), d.word(difference.Path), d.word(difference.Before), d.word(difference.After)})
				}
				d.Sets = append(d.Sets, rows)
			}
			set = known
		}
		d.Differences = append(d.Differences, set)
	}
	if err := d.envoy(proxies); err != nil {
		return "", err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("writing the proxies: %w", err)
	}
	return string(text), nil
}

// htmlRank orders verdicts, what needs a look first.
var htmlRank = map[envoydiff.Verdict]int{envoydiff.Different: 0, envoydiff.Unknown: 1, envoydiff.Inherent: 2, envoydiff.Same: 3}

func (d *htmlData) word(s string) int {
	n, ok := d.words[s]
	if !ok {
		n = len(d.Words)
		d.words[s] = n
		d.Words = append(d.Words, htmlText(s))
	}
	return n
}

// What is shown of Envoy's configuration is bounded, since a proxy may have a
// thousand outbounds, and a page must open on a phone.
const (
	htmlMaxListeners = 200_000 // rendered in all
	htmlMaxBodies    = 10_000  // diffs that are all different
	htmlMaxOfProxy   = 4       // of them for each direction of a proxy
	htmlMaxNames     = 3       // listeners named of those with one diff
)

// htmlBody is the diff of a listener, whose it is aside.
type htmlBody struct {
	before, after *envoydiff.Listener
	text          string
	number        int // in Bodies; -1: there is no difference
}

// envoy fills in Envoy and Bodies. Rendering a listener is cheap, and printing
// one is not: what is equal to one before is not printed again.
func (d *htmlData) envoy(proxies []*report.Proxy) error {
	var bodies []*htmlBody
	rendered := 0
	known := make(map[string]*htmlBody)
	for i, p := range proxies {
		if p.Verdict == envoydiff.Same {
			break // and so are all others
		}
		if code := p.Differences[0].Code; code == envoydiff.InvalidBackend || code == envoydiff.Unverified {
			continue // what is rendered would be no proxy's
		}
		e := &htmlEnvoy{}
		d.Envoy[i] = e
		if rendered > htmlMaxListeners {
			e.Omitted = true
			continue
		}
		before, after := p.Listeners()
		rendered += len(before)
		bodies = append(bodies, e.add(before, after, known)...)
	}
	if err := htmlUnified(bodies); err != nil {
		return err
	}
	numbers := map[string]int{"": -1}
	for _, body := range bodies {
		number, ok := numbers[body.text]
		if !ok {
			number = len(d.Bodies)
			numbers[body.text] = number
			d.Bodies = append(d.Bodies, body.text)
		}
		body.number = number
	}
	for _, e := range d.Envoy {
		e.settle()
	}
	return nil
}

// add puts listeners with the same diff together, and returns the diffs that
// are not known yet.
func (e *htmlEnvoy) add(before, after []envoydiff.Listener, known map[string]*htmlBody) (fresh []*htmlBody) {
	at := make(map[*htmlBody]int) // in e.Diffs
	of := make(map[cluster.Direction]int)
	var encode htmlEncoder
	for i := range min(len(before), len(after)) {
		key := encode.key(&before[i], &after[i])
		body := known[key]
		position, ok := at[body]
		if !ok {
			if of[before[i].Direction] == htmlMaxOfProxy {
				e.More++
				continue
			}
			if body == nil && len(known) >= htmlMaxBodies {
				e.More++
				continue
			}
			of[before[i].Direction]++
			if body == nil {
				body = &htmlBody{before: &before[i], after: &after[i]}
				known[key] = body
				fresh = append(fresh, body)
			}
			position = len(e.Diffs)
			at[body] = position
			e.Diffs = append(e.Diffs, htmlDiff{body: body})
		}
		e.Diffs[position].add([]string{htmlText(before[i].Name())}, 0)
	}
	return fresh
}

// settle numbers the diffs, once they are known, and counts listeners that have none.
func (e *htmlEnvoy) settle() {
	var kept []htmlDiff
	for _, diff := range e.Diffs {
		diff.Body = diff.body.number
		same := slices.IndexFunc(kept, func(k htmlDiff) bool { return k.Body == diff.Body })
		switch {
		case diff.Body < 0:
			e.Equal += len(diff.Listeners) + diff.More
		case same >= 0:
			kept[same].add(diff.Listeners, diff.More)
		default:
			kept = append(kept, diff)
		}
	}
	e.Diffs = kept
}

func (d *htmlDiff) add(listeners []string, more int) {
	d.More += more
	for _, name := range listeners {
		if len(d.Listeners) == htmlMaxNames {
			d.More++
			continue
		}
		d.Listeners = append(d.Listeners, name)
	}
}

// htmlEncoder makes keys of listeners. The listeners of a proxy share their
// collector, so that is encoded once.
type htmlEncoder struct {
	collectors [2]proto.Message
	encoded    [2][]byte
}

// key is equal for pairs of listeners with the same diff.
func (e *htmlEncoder) key(before, after *envoydiff.Listener) string {
	var key []byte
	put := func(b []byte) { key = append(strconv.AppendInt(key, int64(len(b)), 10), b...) }
	encode := func(m proto.Message) []byte {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			return []byte(err.Error()) // the same text, if it can be printed at all
		}
		return b
	}
	for i, l := range []*envoydiff.Listener{before, after} {
		put(encode(l.Tracing)) // nothing, where there is no tracing
		if l.Collector == nil {
			continue
		}
		if e.collectors[i] != l.Collector {
			e.collectors[i], e.encoded[i] = l.Collector, encode(l.Collector)
		}
		put(e.encoded[i])
	}
	return string(key)
}

// htmlUnified makes the diffs, each processor some.
func htmlUnified(bodies []*htmlBody) error {
	var workers errgroup.Group
	workers.SetLimit(runtime.GOMAXPROCS(0))
	const part = 64
	for some := range slices.Chunk(bodies, part) {
		workers.Go(func() error {
			for _, body := range some {
				lines, err := plain.ListenerDiff(body.before, body.after)
				if err != nil {
					return err
				}
				body.text = htmlText(strings.Join(lines, "\n"))
				body.before, body.after = nil, nil
			}
			return nil
		})
	}
	return workers.Wait()
}

// htmlPicture shows for a mesh how many proxies go from what decides today to
// what will. It is drawn twice, for a wide and for a narrow page, since a
// picture that shrinks takes its words with it.
type htmlPicture struct {
	Mesh    string
	Proxies int
	Label   string
	Wide    htmlDrawing
	Narrow  htmlDrawing
	Flows   []htmlFlow
}

// htmlFlow is a row of the table that says what the picture shows.
type htmlFlow struct {
	report.Flow
	Rest int // how many flows it sums up; 0: it is one
}

// htmlDrawing is a picture's geometry.
type htmlDrawing struct {
	Width, Height int
	Nodes         []htmlNode
	Ribbons       []htmlRibbon
}

// htmlNode is a bar and the words beside it.
type htmlNode struct {
	X, Y, Width, Height string
	Class               string // nothing, policy
	Title               string
	Lines               []htmlLine
}

// htmlLine is a line of words.
type htmlLine struct {
	X, Y          string
	Class, Anchor string
	Text          string
}

// htmlRibbon joins two bars.
type htmlRibbon struct {
	Path    string
	Verdict envoydiff.Verdict
	Title   string
}

const (
	htmlMaxFlows    = 30 // of a mesh
	htmlMaxPictures = 12
)

// newHTMLPictures draws the flows of each mesh, and returns how many meshes
// have no picture since there are too many: those where all stays the same go first.
func newHTMLPictures(flows []report.Flow) (pictures []*htmlPicture, more int) {
	byMesh := make(map[string]*htmlPicture)
	worst := make(map[*htmlPicture]int)
	for _, flow := range flows {
		p := byMesh[flow.Mesh]
		if p == nil {
			p = &htmlPicture{Mesh: flow.Mesh}
			byMesh[flow.Mesh] = p
			pictures = append(pictures, p)
			worst[p] = htmlRank[flow.Verdict]
		}
		worst[p] = min(worst[p], htmlRank[flow.Verdict])
		p.Proxies += flow.Proxies
		p.Flows = append(p.Flows, htmlFlow{Flow: flow})
	}
	slices.SortStableFunc(pictures, func(a, b *htmlPicture) int {
		return cmp.Or(cmp.Compare(worst[a], worst[b]), cmp.Compare(b.Proxies, a.Proxies), cmp.Compare(a.Mesh, b.Mesh))
	})
	if len(pictures) > htmlMaxPictures {
		pictures, more = pictures[:htmlMaxPictures], len(pictures)-htmlMaxPictures
	}
	for _, p := range pictures {
		p.Flows = htmlSumUp(p.Flows)
		p.Label = fmt.Sprintf("Mesh %s: what decides on the tracing of %s today, and after the migration. The table below the picture says the same.", p.Mesh, plain.Plural(p.Proxies, "proxy", "proxies"))
		p.Wide = htmlDraw(p.Flows, htmlLayout{width: 960, label: 300, bar: 12, beside: true})
		p.Narrow = htmlDraw(p.Flows, htmlLayout{width: 340, label: 166, bar: 10})
	}
	return pictures, more
}

// htmlSumUp keeps the flows that matter most, and sums up the rest by verdict.
func htmlSumUp(flows []htmlFlow) []htmlFlow {
	slices.SortStableFunc(flows, func(a, b htmlFlow) int {
		return cmp.Or(cmp.Compare(htmlRank[a.Verdict], htmlRank[b.Verdict]), cmp.Compare(b.Proxies, a.Proxies))
	})
	if len(flows) <= htmlMaxFlows {
		return flows
	}
	kept := slices.Clone(flows[:htmlMaxFlows])
	for _, flow := range flows[htmlMaxFlows:] {
		last := &kept[len(kept)-1]
		if last.Rest == 0 || last.Verdict != flow.Verdict {
			kept = append(kept, htmlFlow{Flow: report.Flow{Mesh: flow.Mesh, Verdict: flow.Verdict}})
			last = &kept[len(kept)-1]
		}
		last.Rest++
		last.Proxies += flow.Proxies
	}
	for i := range kept {
		if kept[i].Rest > 0 {
			kept[i].Before = fmt.Sprintf("%s more", plain.Number(kept[i].Rest))
			kept[i].After = kept[i].Before
		}
	}
	return kept
}

// htmlLayout is the measure of a drawing, in CSS pixels at its natural width.
type htmlLayout struct {
	width, label, bar int
	beside            bool // words stand beside the bars, else above them
}

// htmlBar is a node while it is laid out.
type htmlBar struct {
	name    string
	proxies map[envoydiff.Verdict]int
	total   int
	height  float64 // of the bar
	y       float64
	pull    float64 // where its ribbons come from, for the order
	rest    int     // 1: it stands for many, and comes last
	used    float64 // height that has ribbons already
	lines   []string
}

const (
	htmlNameSize = 13.5 // font sizes, as in the style
	htmlMetaSize = 12.0
	htmlLeading  = 17.0
)

// htmlDraw lays flows out.
func htmlDraw(flows []htmlFlow, layout htmlLayout) htmlDrawing {
	total := 0
	for _, flow := range flows {
		total += flow.Proxies
	}
	const least = 3.0                           // a hair that is seen
	full := 70 + 25*float64(min(len(flows), 6)) // of all proxies together
	thickness := func(flow *htmlFlow) float64 {
		return max(least, full*float64(flow.Proxies)/float64(max(total, 1)))
	}
	left, right := make(map[string]*htmlBar), make(map[string]*htmlBar)
	var lefts, rights []*htmlBar
	add := func(side map[string]*htmlBar, all *[]*htmlBar, name string, flow *htmlFlow) {
		b := side[name]
		if b == nil {
			b = &htmlBar{name: name, proxies: make(map[envoydiff.Verdict]int)}
			side[name] = b
			*all = append(*all, b)
		}
		b.total += flow.Proxies
		b.rest = min(flow.Rest, 1)
		b.proxies[flow.Verdict] += flow.Proxies
		b.height += thickness(flow)
	}
	for i := range flows {
		add(left, &lefts, flows[i].Before, &flows[i])
		add(right, &rights, flows[i].After, &flows[i])
	}
	order := func(bars []*htmlBar) {
		slices.SortFunc(bars, func(a, b *htmlBar) int {
			return cmp.Or(cmp.Compare(a.rest, b.rest), cmp.Compare(a.pull, b.pull), cmp.Compare(b.total, a.total), cmp.Compare(a.name, b.name))
		})
	}
	height := 0.0
	place := func(bars []*htmlBar) {
		const gap = 16.0
		y := 0.0
		for _, b := range bars {
			b.lines = htmlWrap(b.name, int(float64(layout.label)/(htmlNameSize*0.64)))
			words := htmlLeading * float64(len(b.lines)+1)
			if layout.beside {
				slot := max(b.height, words)
				b.y = y + (slot-b.height)/2
				y += slot + gap
				continue
			}
			b.y = y + words + 5
			y = b.y + b.height + gap
		}
		height = max(height, y-gap)
	}
	order(lefts)
	place(lefts)
	// A bar on the right stands where most of its ribbons come from.
	for i := range flows {
		from, to := left[flows[i].Before], right[flows[i].After]
		to.pull += (from.y + from.height/2) * float64(flows[i].Proxies) / float64(max(to.total, 1))
	}
	order(rights)
	place(rights)

	d := htmlDrawing{Width: layout.width, Height: int(height) + 10}
	edge := 0 // of the bar on the left
	if layout.beside {
		edge = layout.label
	}
	leftX, rightX := float64(edge+layout.bar), float64(layout.width-edge-layout.bar)
	d.Ribbons = htmlRibbons(flows, left, right, thickness, leftX, rightX)
	for _, b := range lefts {
		d.Nodes = append(d.Nodes, b.node(layout, false))
	}
	for _, b := range rights {
		d.Nodes = append(d.Nodes, b.node(layout, true))
	}
	return d
}

// htmlRibbons joins the bars, so that ribbons of a bar do not cross.
func htmlRibbons(flows []htmlFlow, left, right map[string]*htmlBar, thickness func(*htmlFlow) float64, leftX, rightX float64) []htmlRibbon {
	byRight, byLeft := make([]*htmlFlow, 0, len(flows)), make([]*htmlFlow, 0, len(flows))
	for i := range flows {
		byRight, byLeft = append(byRight, &flows[i]), append(byLeft, &flows[i])
	}
	slices.SortStableFunc(byRight, func(a, b *htmlFlow) int { return cmp.Compare(right[a.After].y, right[b.After].y) })
	slices.SortStableFunc(byLeft, func(a, b *htmlFlow) int { return cmp.Compare(left[a.Before].y, left[b.Before].y) })
	fromY, toY := make(map[*htmlFlow]float64), make(map[*htmlFlow]float64)
	for _, flow := range byRight {
		b := left[flow.Before]
		fromY[flow] = b.y + b.used
		b.used += thickness(flow)
	}
	for _, flow := range byLeft {
		b := right[flow.After]
		toY[flow] = b.y + b.used
		b.used += thickness(flow)
	}
	ribbons := make([]htmlRibbon, 0, len(flows))
	for i := range flows {
		flow := &flows[i]
		from, to, thick := fromY[flow], toY[flow], thickness(flow)
		middle := (leftX + rightX) / 2
		ribbons = append(ribbons, htmlRibbon{
			Path: fmt.Sprintf("M%s %sC%s %s %s %s %s %sV%sC%s %s %s %s %s %sZ", px(leftX), px(from), px(middle), px(from), px(middle), px(to), px(rightX), px(to),
				px(to+thick), px(middle), px(to+thick), px(middle), px(from+thick), px(leftX), px(from+thick)),
			Verdict: flow.Verdict,
			Title:   fmt.Sprintf("%s, %s: from %s to %s", plain.Plural(flow.Proxies, "proxy", "proxies"), flow.Verdict, flow.Before, flow.After),
		})
	}
	slices.Reverse(ribbons) // what matters most is drawn last, so on top
	return ribbons
}

// px is a length with one digit, which is finer than a pixel.
func px(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// meta is what stands below the name: how many, and what is not the same.
func (b *htmlBar) meta() string {
	text := plain.Plural(b.total, "proxy", "proxies")
	for _, verdict := range []envoydiff.Verdict{envoydiff.Different, envoydiff.Unknown, envoydiff.Inherent} {
		switch n := b.proxies[verdict]; {
		case n == 0:
		case b.total == 1:
			text += ", " + string(verdict)
		case n == b.total:
			text += ", all " + string(verdict)
		default:
			text += fmt.Sprintf(", %s %s", plain.Number(n), verdict)
		}
	}
	return text
}

func (b *htmlBar) node(layout htmlLayout, onRight bool) htmlNode {
	n := htmlNode{Y: px(b.y), Width: strconv.Itoa(layout.bar), Height: px(b.height), Class: "decider", Title: b.name + ": " + b.meta()}
	if b.name == "nothing" {
		n.Class = "nothing"
	}
	const gap = 10
	anchor, x, textX := "start", 0, 0
	switch {
	case layout.beside && onRight:
		x = layout.width - layout.label - layout.bar
		textX = x + layout.bar + gap
	case layout.beside:
		anchor, x, textX = "end", layout.label, layout.label-gap
	case onRight:
		anchor, x, textX = "end", layout.width-layout.bar, layout.width
	}
	n.X = strconv.Itoa(x)
	lines := append(slices.Clone(b.lines), b.meta())
	y := b.y - htmlLeading*float64(len(lines)) + htmlNameSize - 3
	if layout.beside {
		y = b.y + b.height/2 - htmlLeading*float64(len(lines))/2 + htmlNameSize - 1
	}
	for i, line := range lines {
		class := "name"
		if i == len(lines)-1 {
			class = "meta"
		}
		n.Lines = append(n.Lines, htmlLine{X: strconv.Itoa(textX), Y: px(y), Class: class, Anchor: anchor, Text: line})
		y += htmlLeading
	}
	return n
}

// htmlWrap breaks a text into at most three lines of at most columns.
func htmlWrap(s string, columns int) []string {
	const most = 3
	var lines []string
	line, used := "", 0
	flush := func() {
		lines = append(lines, line)
		line, used = "", 0
	}
	for _, word := range strings.SplitAfter(s, " ") {
		if used > 0 && used+plain.Width(strings.TrimSuffix(word, " ")) > columns {
			flush()
		}
		for _, r := range word {
			w := plain.Width(string(r))
			if used+w > columns && r != ' ' {
				flush()
			}
			line, used = line+string(r), used+w
		}
	}
	if line != "" || len(lines) == 0 {
		flush()
	}
	if len(lines) > most {
		lines = lines[:most]
		last := []rune(strings.TrimRight(lines[most-1], " "))
		lines[most-1] = string(last[:max(len(last)-1, 0)]) + "\u2026"
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}
