package main

import (
	"fmt"
	"strings"

	"tracemigrate/convert/envoydiff"
)

// effects says what becomes of the proxies of a tally, what is worst first.
func effects(t *envoydiff.Tally) string {
	var parts []string
	say := func(n int, one, many string) {
		if n > 0 {
			parts = append(parts, plural(n, one, many))
		}
	}
	if t.Different > 0 {
		of := fmt.Sprintf("%s of %s would not keep %s tracing", htmlNumber(t.Different), plural(t.Proxies, "proxy", "proxies"),
			map[bool]string{true: "its", false: "their"}[t.Different == 1])
		var how []string
		if t.Lost > 0 {
			how = append(how, plural(t.Lost, "loses it", "lose it"))
		}
		if t.Gained > 0 {
			how = append(how, plural(t.Gained, "gains some", "gain some"))
		}
		if len(how) > 0 {
			of += " (" + strings.Join(how, ", ") + ")"
		}
		parts = append(parts, of)
	}
	if t.Unknown > 0 {
		parts = append(parts, fmt.Sprintf("it is not known whether %s of %s would keep %s tracing", htmlNumber(t.Unknown), plural(t.Proxies, "proxy", "proxies"),
			map[bool]string{true: "its", false: "their"}[t.Unknown == 1]))
	}
	say(t.Same-t.Untraced+t.Inherent, "proxy keeps collector and sampling", "proxies keep collector and sampling")
	for _, also := range inherentEffects {
		say(t.Codes[also.code], also.one, also.many)
	}
	say(t.Accepted, "differs only in what --accept names", "differ only in what --accept names")
	say(t.Untraced, "proxy is not traced, before or after", "proxies are not traced, before or after")
	return strings.Join(parts, "; ")
}

// inherentEffects say what any MeshTrace changes, of one proxy and of several.
var inherentEffects = []struct {
	code      envoydiff.Code
	one, many string
}{
	{envoydiff.OutboundGainsTracing, "also reports outbound spans", "also report outbound spans"},
	{envoydiff.GatewaySplitSpans, "gateway also reports a span for each side", "gateways also report a span for each side"},
	{envoydiff.GatewayDatadogSuffix, "gateway gets the suffix _INBOUND in Datadog", "gateways get the suffix _INBOUND in Datadog"},
	{envoydiff.DatadogServiceName, "gets another service name in Datadog", "get another service name in Datadog"},
	{envoydiff.KumaTags, "also sends the tags kuma.mesh and kuma.zone", "also send the tags kuma.mesh and kuma.zone"},
}

// capitalised is a sentence with a capital letter at its beginning.
func capitalised(sentence string) string {
	if sentence == "" {
		return ""
	}
	return strings.ToUpper(sentence[:1]) + sentence[1:]
}
