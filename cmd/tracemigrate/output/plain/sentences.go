package plain

import (
	"fmt"
	"strings"

	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

// Effects returns a sentence on the effects of a migration on proxies, the worst first.
func Effects(t *envoydiff.Tally) string {
	var parts []string
	add := func(n int, one, many string) {
		if n > 0 {
			parts = append(parts, convert.Plural(n, one, many))
		}
	}
	if t.Different > 0 {
		different := fmt.Sprintf("%s would not keep %s tracing", nOf(t.Different, t.Proxies), its(t.Different))
		var how []string
		if t.Lost > 0 {
			how = append(how, convert.Plural(t.Lost, "loses it", "lose it"))
		}
		if t.Gained > 0 {
			how = append(how, convert.Plural(t.Gained, "gains tracing", "gain tracing"))
		}
		if len(how) > 0 {
			different += " (" + strings.Join(how, ", ") + ")"
		}
		parts = append(parts, different)
	}
	if t.Unknown > 0 {
		parts = append(parts, fmt.Sprintf("it is not known whether %s would keep %s tracing", nOf(t.Unknown, t.Proxies), its(t.Unknown)))
	}
	reporting := t.Same - t.Untraced + t.Inherent
	kept := reporting - t.Begun
	add(kept, "proxy keeps collector and sampling", "proxies keep collector and sampling")
	add(t.Begun, "proxy reports spans only afterwards, of outbound requests", "proxies report spans only afterwards, of outbound requests")
	for _, also := range inherentEffects {
		n, of := t.Codes[also.code], reporting
		if also.code == envoydiff.OutboundGainsTracing {
			n, of = n-t.Begun, kept
		}
		switch n {
		case 0:
		case of:
			parts = append(parts, convert.Plural(n, also.one, also.many))
		default:
			parts = append(parts, nOf(n, max(n, of))+" "+convert.Word(n, also.one, also.many))
		}
	}
	add(t.Accepted, "differs only in accepted codes (--accept)", "differ only in accepted codes (--accept)")
	add(t.Untraced, "proxy is not traced, before or after", "proxies are not traced, before or after")
	return strings.Join(parts, "; ")
}

// AmongDistinguished begins a sentence on proxies that are all made up.
const AmongDistinguished = "of the proxies that the policies distinguish, "

// NotEveryProxy ends a sentence on all known proxies if others are not known.
const NotEveryProxy = "not every Dataplane or MeshGateway could be read"

// FromCopies ends a sentence on all known proxies if n zones may have MeshTraces that are not known.
func FromCopies(n int) string {
	return fmt.Sprintf("the MeshTraces of %s are known only from copies (--zone reads the originals)", convert.Plural(n, "zone"))
}

// nOf returns "3 of 4 proxies".
func nOf(n, all int) string {
	return fmt.Sprintf("%s of %s", convert.Number(n), convert.Plural(all, "proxy"))
}

func its(n int) string { return convert.Word(n, "its", "their") }

// inherentEffects are the effects of any MeshTrace, for one proxy and for several: one
// row for each inherent code.
var inherentEffects = []struct {
	code      envoydiff.Code
	one, many string
}{
	{envoydiff.OutboundGainsTracing, "also reports outbound spans", "also report outbound spans"},
	{envoydiff.GatewaySplitSpans, "is a gateway that also reports a span for each side", "are gateways that also report a span for each side"},
	{envoydiff.GatewayDatadogSuffix, "is a gateway that gets the suffix _INBOUND in Datadog, but loses no trace", "are gateways that get the suffix _INBOUND in Datadog, but lose no trace"},
	{envoydiff.DatadogServiceName, "gets another Datadog service name, but loses no trace", "get another Datadog service name, but lose no trace"},
	{envoydiff.DatadogUnifiedNaming, "may get another Datadog service name, but loses no trace", "may get another Datadog service name, but lose no trace"},
	{envoydiff.KumaTags, "also sends the tags " + envoydiff.KumaTagNames, "also send the tags " + envoydiff.KumaTagNames},
	{envoydiff.Defaults, "gets other settings of the control plane, but loses no trace", "get other settings of the control plane, but lose no trace"},
}

// ReportVerdict returns a sentence on the outcome of a report, and its tone: good,
// inherent, unknown or bad.
func ReportVerdict(sum *report.Summary) (sentence, tone string) {
	var parts []string
	tone = "good"
	switch {
	case sum.TrafficTraces == 0 && sum.Policies == 0 && sum.Errors == 0:
		parts, tone = append(parts, "There is no TrafficTrace, so there is nothing to migrate"), "unknown"
		if sum.NotRead > 0 {
			parts[0] = "No TrafficTrace was read"
		}
		if sum.ByMeshTrace > 0 {
			parts = append(parts, convert.Plural(sum.ByMeshTrace, "proxy is traced by MeshTraces", "proxies are traced by MeshTraces"))
			if sum.NotRead == 0 && !sum.Partial && sum.Same == sum.Proxies {
				tone = "good" // the migration is finished
			}
		} else if sum.Tracing > 0 {
			parts = append(parts, convert.Plural(sum.Tracing, "MeshTrace with a backend exists", "MeshTraces with a backend exist"))
		}
	case sum.Unverified:
		parts = append(parts, "The Dataplanes could not be read, so it is not known whether proxies would keep their tracing")
		tone = "unknown"
	case sum.Proxies == 0:
		parts, tone = append(parts, "No proxy was compared"), "unknown"
	case sum.MadeUp == sum.Proxies && sum.Same == sum.Proxies:
		parts = append(parts, "Every proxy that the policies distinguish keeps its tracing")
	default:
		about := Effects(&sum.Tally)
		if sum.MadeUp == sum.Proxies {
			about = AmongDistinguished + about
		}
		parts = append(parts, Capitalise(about))
		switch {
		case sum.Unknown > 0, sum.Partial, sum.ZonesUnread > 0:
			tone = "unknown"
		case sum.Inherent > 0:
			tone = "inherent"
		}
	}
	if sum.Partial && sum.Proxies > 0 {
		parts = append(parts, NotEveryProxy)
	}
	if sum.NotRead > 0 {
		parts = append(parts, convert.Plural(sum.NotRead, "document was not read", "documents were not read"))
	}
	if sum.ZonesUnread > 0 {
		parts = append(parts, FromCopies(sum.ZonesUnread))
	}
	if others := sum.Errors - sum.Refused; others > 0 {
		parts = append(parts, convert.Plural(others, "error"))
	}
	if sum.Refused > 0 {
		refused := fmt.Sprintf("The API server refuses %s of %s", convert.Number(sum.Refused), convert.Plural(sum.Policies, "policy"))
		parts[0] = "as planned, " + strings.ToLower(parts[0][:1]) + parts[0][1:]
		parts = append([]string{refused}, parts...)
	}
	if !sum.Holds {
		tone = "bad"
	}
	return strings.Join(parts, "; "), tone
}
