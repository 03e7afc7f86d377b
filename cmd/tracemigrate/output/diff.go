package output

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster/lists"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

// Diff is what diff found, and how to print it.
type Diff struct {
	Head        report.Head // without a version of the tool: none is printed
	Comparisons []*envoydiff.Comparison
	Strict      bool
	StrictBy    string // what asks for Strict, if it is not --strict
	Full        bool
	Command     string   // that makes it, without its form
	Unread      []string // what could not be read, so no comparison covers it
	Partial     bool     // not every proxy is known
	ZonesUnread int      // zones whose own control plane was not read
	Refused     int      // number of things that cannot be carried over
	Misspelt    int      // number of fields that are probably misspelt
	PerVersion  bool     // each comparison is of all proxies, for one version of --kuma-version, or one overlay
	meshes      []meshTransition
}

// meshTransition is what two states change in a mesh of an overlay.
type meshTransition struct {
	Overlay                string `json:"overlay,omitempty" yaml:"overlay,omitempty"`
	convert.MeshTransition `yaml:",inline"`
}

// AddTransition adds what changes between two states of an overlay; it is empty without one.
func (diff *Diff) AddTransition(overlay string, t *convert.Transition) {
	for _, comparison := range t.Comparisons {
		comparison.Overlay = overlay
	}
	diff.Comparisons = append(diff.Comparisons, t.Comparisons...)
	diff.Refused += len(t.Refused)
	for _, m := range t.Meshes {
		diff.meshes = append(diff.meshes, meshTransition{overlay, m})
	}
}

// transitions returns a sentence on each mesh that loses tracing, or that still has the
// field tracing.
func (diff *Diff) transitions() []string {
	var sentences []string
	for _, m := range diff.meshes {
		mesh := fmt.Sprintf("Mesh %q", m.Mesh)
		if m.Overlay != "" {
			mesh += " of " + m.Overlay
		}
		if m.Lost > 0 {
			lose := convert.Plural(m.Lost, "proxy loses its tracing", "proxies lose their tracing")
			how := mesh + ": " + lose
			if m.Bare {
				how = mesh + ": the TrafficTraces are gone, and nothing replaces them: " + lose
			}
			sentences = append(sentences, how)
		}
		if m.Gone {
			sentences = append(sentences, fmt.Sprintf("%s is gone, and has %s", mesh, convert.Plural(m.Proxies, "proxy")))
		}
		if m.StillTracing {
			sentences = append(sentences, mesh+": the TrafficTraces are gone, and the Mesh still has the field tracing")
		}
	}
	return sentences
}

// meshDiffers reports whether a Mesh is gone, or still has the field tracing.
func (diff *Diff) meshDiffers() bool {
	return slices.ContainsFunc(diff.meshes, func(m meshTransition) bool { return m.StillTracing || m.Gone })
}

// Holds reports whether the exit code is 0: no proxy is different or unknown, everything
// was read, and everything can be carried over.
func (diff *Diff) Holds() bool {
	t := envoydiff.Count(diff.Comparisons)
	return t.Different == 0 && t.Unknown == 0 && (!diff.Strict || t.Inherent+t.AlsoInherent+diff.Misspelt == 0) && len(diff.Unread) == 0 && diff.Refused == 0 &&
		!diff.meshDiffers()
}

func (diff *Diff) strictBy() string { return cmp.Or(diff.StrictBy, strictFlag) }

// Verdict returns the reasons for exit code 1.
func (diff *Diff) Verdict() string {
	t, begin := envoydiff.Count(diff.Comparisons), among(diff.Comparisons)
	var counts, reasons []string
	if t.Different > 0 {
		counts = append(counts, fmt.Sprintf("%d different", t.Different))
	}
	if t.Unknown > 0 {
		counts = append(counts, fmt.Sprintf("%d unknown", t.Unknown))
	}
	if diff.Strict && t.Inherent+t.AlsoInherent+diff.Misspelt > 0 {
		if len(counts) > 0 {
			counts[len(counts)-1] += ", and " + strictly(diff.strictBy(), t.Inherent+t.AlsoInherent, diff.Misspelt)
		} else {
			counts = append(counts, strictly(diff.strictBy(), t.Inherent+t.AlsoInherent, diff.Misspelt))
		}
	}
	if len(counts) > 0 {
		reasons = append(reasons, begin+strings.Join(counts, ", "))
	}
	if len(diff.Unread) > 0 {
		reasons = append(reasons, diff.unknown())
	}
	if diff.meshDiffers() {
		reasons = append(reasons, "a Mesh is gone, or still has the field tracing")
	}
	if diff.Refused > 0 {
		reasons = append(reasons, "not everything can be carried over; see the errors above")
	}
	return strings.Join(reasons, "; ")
}

// Outcome returns the outcome in one sentence, without a capital letter.
func (diff *Diff) Outcome() string {
	t := envoydiff.Count(diff.Comparisons)
	switch {
	case !diff.Holds():
		return diff.Verdict()
	case t.Proxies == 0:
		return "no proxy was compared"
	}
	text, begin := kept(&t), among(diff.Comparisons)
	if begin != "" && t.Same == t.Proxies && t.Untraced == 0 {
		text, begin = "every proxy that the policies distinguish keeps its tracing", ""
	}
	if len(diff.Comparisons) > 1 {
		text = fmt.Sprintf("in %d comparisons, %s", len(diff.Comparisons), text)
	}
	return begin + text + partly(diff.Partial, diff.ZonesUnread)
}

// partly returns what a sentence on all known proxies has to add if others are not known, or
// MeshTraces of zones.
func partly(partial bool, zones int) string {
	text := ""
	if partial {
		text = "; " + plain.NotEveryProxy
	}
	if zones > 0 {
		text += "; " + plain.FromCopies(zones)
	}
	return text
}

// sentence returns the outcome in one sentence, for the head.
func (diff *Diff) sentence() string {
	text := diff.Outcome()
	if t := envoydiff.Count(diff.Comparisons); t.Different+t.Unknown > 0 {
		text = effects(diff.Comparisons)
	}
	return plain.Capitalise(text) + "."
}

// unknown returns a sentence that names what could not be read.
func (diff *Diff) unknown() string {
	return convert.First(diff.Unread, 3) + " could not be read, so it is not known whether every proxy would keep its tracing"
}

// headline returns a sentence on what could not be read, if anything, and one on what
// changes for the proxies, for each version where all proxies are compared for each.
func (diff *Diff) headline() []string {
	sentences := diff.transitions()
	if len(diff.Unread) > 0 {
		sentences = append(sentences, plain.Capitalise(diff.unknown()))
	}
	if !diff.PerVersion {
		if t := envoydiff.Count(diff.Comparisons); t.Proxies > 0 {
			sentences = append(sentences, plain.Capitalise(effects(diff.Comparisons)))
		}
		return sentences
	}
	for _, c := range diff.Comparisons {
		if len(c.Proxies) > 0 {
			sentences = append(sentences, fmt.Sprintf("On Kuma %s, %s", versionsOf(c), effects([]*envoydiff.Comparison{c})))
		}
	}
	return sentences
}

// versionsOf returns the version of a comparison, and the one after an upgrade.
func versionsOf(c *envoydiff.Comparison) string {
	text := c.Version.String()
	if c.To.IsRelease() {
		text += " to " + c.To.String()
	}
	if c.Overlay != "" {
		text += " (" + c.Overlay + ")"
	}
	return text
}

// names returns the names of three proxies, or of all.
func names(proxies []*envoydiff.Proxy, full bool) string {
	shown, _ := firstOf(proxies, 3, full)
	return convert.List(lists.Each(shown, report.ProxyName), len(proxies))
}

// causeOf is a cause in one of several comparisons.
type causeOf struct {
	*envoydiff.Cause
	comparison *envoydiff.Comparison
}

// causes returns the causes of all comparisons, worst verdict first, then by the number of
// proxies.
func (diff *Diff) causes() []causeOf {
	var all []causeOf
	for _, c := range diff.Comparisons {
		for _, cause := range envoydiff.Causes(c) {
			all = append(all, causeOf{cause, c})
		}
	}
	slices.SortStableFunc(all, func(a, b causeOf) int { return a.Compare(b.Cause) })
	return all
}

// title returns a cause in one line, without its verdict.
func (diff *Diff) title(cause *causeOf) string {
	text := causeTitle(len(cause.Proxies), cause.TrafficTraces, report.CauseText(cause.Codes))
	if len(diff.Comparisons) > 1 {
		text = "Kuma " + versionsOf(cause.comparison) + ": " + text
	}
	return text
}

// causeTitle returns what changes for a number of proxies, in one line.
func causeTitle(proxies, traces int, text string) string {
	title := convert.Plural(proxies, "proxy")
	if traces > 0 {
		title += " of " + convert.Plural(traces, "TrafficTrace")
	}
	return title + ": " + text
}

// What a cause lists without --full: policies that decide, and values of a field.
const (
	mostSources = 1
	mostValues  = 3
)

// otherSources returns how many policies a list leaves out.
func otherSources(n int) string {
	return "and " + convert.Plural(n, "other source")
}

// effects returns the effects of a conversion on proxies in one sentence, without a capital
// letter. It is empty if no proxy was compared.
func effects(comparisons []*envoydiff.Comparison) string {
	t := envoydiff.Count(comparisons)
	return among(comparisons) + plain.Effects(&t)
}

// among returns what a sentence on proxies begins with if all of them are made up: nobody
// knows how many there are.
func among(comparisons []*envoydiff.Comparison) string {
	if made := madeUp(comparisons); made == 0 || made < envoydiff.Count(comparisons).Proxies {
		return ""
	}
	return plain.AmongDistinguished
}

// madeUp returns the number of made-up proxies: those without a file.
func madeUp(comparisons []*envoydiff.Comparison) int {
	n := 0
	for _, p := range envoydiff.All(comparisons) {
		if p.Dataplane != nil && p.Dataplane.File == "" {
			n++
		}
	}
	return n
}
