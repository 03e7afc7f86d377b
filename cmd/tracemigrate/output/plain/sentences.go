package plain

import (
	"fmt"
	"strings"

	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

// Effects returns a sentence on what a migration changes for proxies, the worst first.
func Effects(t *envoydiff.Tally) string {
	var parts []string
	say := func(n int, one, many string) {
		if n > 0 {
			parts = append(parts, Plural(n, one, many))
		}
	}
	if t.Different > 0 {
		of := fmt.Sprintf("%s of %s would not keep %s tracing", Number(t.Different), Plural(t.Proxies, "proxy", "proxies"),
			map[bool]string{true: "its", false: "their"}[t.Different == 1])
		var how []string
		if t.Lost > 0 {
			how = append(how, Plural(t.Lost, "loses it", "lose it"))
		}
		if t.Gained > 0 {
			how = append(how, Plural(t.Gained, "gains some", "gain some"))
		}
		if len(how) > 0 {
			of += " (" + strings.Join(how, ", ") + ")"
		}
		parts = append(parts, of)
	}
	if t.Unknown > 0 {
		parts = append(parts, fmt.Sprintf("it is not known whether %s of %s would keep %s tracing", Number(t.Unknown), Plural(t.Proxies, "proxy", "proxies"),
			map[bool]string{true: "its", false: "their"}[t.Unknown == 1]))
	}
	say(t.Same-t.Untraced+t.Inherent, "proxy keeps collector and sampling", "proxies keep collector and sampling")
	for _, also := range inherentEffects {
		if n := t.Codes[also.code]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s of %s %s", Number(n), Plural(t.Proxies, "proxy", "proxies"), map[bool]string{true: also.one, false: also.many}[n == 1]))
		}
	}
	say(t.Accepted, "differs only in what --accept names", "differ only in what --accept names")
	say(t.Untraced, "proxy is not traced, before or after", "proxies are not traced, before or after")
	return strings.Join(parts, "; ")
}

// inherentEffects are what any MeshTrace changes, for one proxy and for several: one
// row for each inherent code.
var inherentEffects = []struct {
	code      envoydiff.Code
	one, many string
}{
	{envoydiff.OutboundGainsTracing, "also reports outbound spans", "also report outbound spans"},
	{envoydiff.GatewaySplitSpans, "is a gateway that also reports a span for each side", "are gateways that also report a span for each side"},
	{envoydiff.GatewayDatadogSuffix, "is a gateway that gets the suffix _INBOUND in Datadog, but loses no trace", "are gateways that get the suffix _INBOUND in Datadog, but lose no trace"},
	{envoydiff.DatadogServiceName, "gets another Datadog service name, but loses no trace", "get another Datadog service name, but lose no trace"},
	{envoydiff.KumaTags, "also sends the tags kuma.mesh and kuma.zone", "also send the tags kuma.mesh and kuma.zone"},
}

// ReportVerdict returns the outcome of a report in one sentence, and its tone: good,
// inherent, unknown or bad.
func ReportVerdict(sum *report.Summary) (sentence, tone string) {
	var parts []string
	tone = "good"
	switch {
	case sum.TrafficTraces == 0 && sum.Errors == 0:
		parts, tone = append(parts, "There is no TrafficTrace, so there is nothing to migrate"), "unknown"
		if sum.ByMeshTrace > 0 {
			parts = append(parts, Plural(sum.ByMeshTrace, "proxy is traced by MeshTraces", "proxies are traced by MeshTraces"))
		} else if sum.Tracing > 0 {
			parts = append(parts, Plural(sum.Tracing, "MeshTrace with a backend exists", "MeshTraces with a backend exist"))
		}
	case sum.Unverified:
		parts, tone = append(parts, "The Dataplanes could not be read, so it is not known what proxies would keep"), "unknown"
	case sum.Proxies == 0:
		parts, tone = append(parts, "No proxy was compared"), "unknown"
	case sum.MadeUp == sum.Proxies && sum.Same == sum.Proxies:
		parts = append(parts, "Every proxy that the policies can tell apart keeps its tracing")
	default:
		about := Effects(&sum.Tally)
		if sum.MadeUp == sum.Proxies {
			about = "of the proxies that the policies can tell apart, " + about
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
		parts = append(parts, "not every Dataplane or MeshGateway could be read")
	}
	if sum.ZonesUnread > 0 {
		parts = append(parts, fmt.Sprintf("the MeshTraces that %s made are known by copies only (--zone reads them)", Plural(sum.ZonesUnread, "zone", "zones")))
	}
	if others := sum.Errors - sum.Refused; others > 0 {
		parts = append(parts, Plural(others, "error", "errors"))
	}
	if sum.Refused > 0 {
		parts = append([]string{fmt.Sprintf("The API server refuses %s of %s", Number(sum.Refused), Plural(sum.Policies, "policy", "policies"))},
			append([]string{"as planned, " + strings.ToLower(parts[0][:1]) + parts[0][1:]}, parts[1:]...)...)
	}
	if !sum.Holds {
		tone = "bad"
	}
	return strings.Join(parts, "; "), tone
}
