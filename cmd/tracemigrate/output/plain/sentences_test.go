package plain

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

func TestReportVerdict(t *testing.T) {
	for _, c := range []struct {
		sum  report.Summary
		want string
	}{
		{report.Summary{TrafficTraces: 1, Holds: true, Tally: envoydiff.Tally{Proxies: 2, Same: 2}}, "good: 2 proxies keep collector and sampling"},
		{report.Summary{TrafficTraces: 1, Holds: true, Tally: envoydiff.Tally{Proxies: 2, Same: 2}, MadeUp: 2}, "good: Every proxy that the policies distinguish keeps its tracing"},
		{report.Summary{TrafficTraces: 1, Holds: true, Tally: envoydiff.Tally{Proxies: 5000, Inherent: 5000, Codes: map[envoydiff.Code]int{envoydiff.OutboundGainsTracing: 5000}}}, "inherent: 5,000 proxies keep collector and sampling; 5,000 also report outbound spans"},
		{
			report.Summary{TrafficTraces: 1, Holds: true, Tally: envoydiff.Tally{Proxies: 5, Same: 1, Inherent: 4, Begun: 1, Codes: map[envoydiff.Code]int{envoydiff.OutboundGainsTracing: 3, envoydiff.KumaTags: 4}}},
			"inherent: 4 proxies keep collector and sampling; 1 proxy reports spans only afterwards, of outbound requests; " +
				"2 of 4 proxies also report outbound spans; 4 of 5 proxies also send the tags " + envoydiff.KumaTagNames,
		},
		{
			report.Summary{TrafficTraces: 1, Tally: envoydiff.Tally{Proxies: 5, Same: 1, Inherent: 3, Different: 1, Codes: map[envoydiff.Code]int{envoydiff.DatadogServiceName: 1, envoydiff.GatewayDatadogSuffix: 2}}},
			"bad: 1 of 5 proxies would not keep its tracing; 4 proxies keep collector and sampling; " +
				"2 of 4 proxies are gateways that get the suffix _INBOUND in Datadog, but lose no trace; 1 of 4 proxies gets another Datadog service name, but loses no trace",
		},
		{report.Summary{TrafficTraces: 1, Holds: true, Partial: true, Tally: envoydiff.Tally{Proxies: 3, Same: 3, Untraced: 1}}, "unknown: 2 proxies keep collector and sampling; 1 proxy is not traced, before or after; not every Dataplane or MeshGateway could be read"},
		{report.Summary{Holds: true, Tally: envoydiff.Tally{Proxies: 3, Same: 3, ByMeshTrace: 3}}, "good: There is no TrafficTrace, so there is nothing to migrate; 3 proxies are traced by MeshTraces"},
		{report.Summary{Holds: true, Partial: true, Tally: envoydiff.Tally{Proxies: 3, Same: 3, ByMeshTrace: 3}}, "unknown: There is no TrafficTrace, so there is nothing to migrate; 3 proxies are traced by MeshTraces; not every Dataplane or MeshGateway could be read"},
		{report.Summary{Holds: true, Policies: 2, Tally: envoydiff.Tally{Proxies: 3, Same: 3, ByMeshTrace: 3}}, "good: 3 proxies keep collector and sampling"},
		{report.Summary{TrafficTraces: 1, Holds: true}, "unknown: No proxy was compared"},
		{report.Summary{TrafficTraces: 1, Errors: 1}, "bad: No proxy was compared; 1 error"},
		{report.Summary{TrafficTraces: 1, Tally: envoydiff.Tally{Proxies: 1, Different: 1, Lost: 1}}, "bad: 1 of 1 proxy would not keep its tracing (1 loses it)"},
		{report.Summary{TrafficTraces: 1, Tally: envoydiff.Tally{Proxies: 1200, Same: 1197, Different: 3}, Errors: 1_000_002, Policies: 2_000_000, Refused: 1_000_000}, "bad: The API server refuses 1,000,000 of 2,000,000 policies; as planned, 3 of 1,200 proxies would not keep their tracing; 1,197 proxies keep collector and sampling; 2 errors"},
		{report.Summary{TrafficTraces: 1, Tally: envoydiff.Tally{Proxies: 2, Same: 2}, Policies: 1, Errors: 1, Refused: 1}, "bad: The API server refuses 1 of 1 policy; as planned, 2 proxies keep collector and sampling"},
	} {
		sentence, tone := ReportVerdict(&c.sum)
		assert.Equal(t, c.want, tone+": "+sentence)
	}
}

// A reader without Envoy's terms understands each inherent difference.
func TestEffectsOfInherentCodes(t *testing.T) {
	seen := make(map[string]bool)
	for code, verdict := range envoydiff.Codes {
		if verdict != envoydiff.Inherent {
			continue
		}
		sentence := Effects(&envoydiff.Tally{Proxies: 5000, Same: 4970, Inherent: 30, Codes: map[envoydiff.Code]int{code: 30}})
		assert.Contains(t, sentence, "; 30 of 5,000 proxies ", code)
		assert.Regexp(t, "also|lose no trace", sentence, code)
		assert.False(t, seen[sentence], code)
		seen[sentence] = true
	}
}
