package convert

import (
	"fmt"

	"tracemigrate/cluster"
	"tracemigrate/legacy"
)

// maxPairs is how many pairs of selectors are looked at, one by one, for what
// only a hostile input has more of.
const maxPairs = 100_000

// remarkTies notes selectors of equal rank that can select one proxy and
// differ, where the input does not tell which was created last, and those that
// a known proxy satisfies both even where it does.
func (m *mesh) remarkTies() {
	type tie struct{ higher, lower int }
	onProxy := make(map[tie]*cluster.Dataplane)
	for _, dp := range m.dataplanes {
		m.found = m.Satisfied(m.found[:0], dp.TagSets()...)
		if len(m.found) < 2 {
			continue
		}
		first := m.Pairs[m.found[0]]
		for _, i := range m.found[1:] {
			if m.Pairs[i].CompareRank(first) != 0 {
				break
			}
			if key := (tie{int(m.found[0]), int(i)}); onProxy[key] == nil {
				onProxy[key] = dp
			}
		}
	}
	told := make(map[[2]*legacy.TrafficTrace]bool)
	remark := func(i, j int, dp *cluster.Dataplane) {
		higher, lower := m.Pairs[i], m.Pairs[j]
		if m.timesElsewhere || m.arrived {
			return // findZoneTies notes it, or what the global control plane made settles it
		}
		both := [2]*legacy.TrafficTrace{higher.TrafficTrace, lower.TrafficTrace}
		undecided := higher.Undecided(lower)
		if higher.TrafficTrace == lower.TrafficTrace || told[both] || dp == nil && !undecided && (!m.zoned || len(m.dataplanes) > 0) ||
			m.confOf(higher.TrafficTrace).key == m.confOf(lower.TrafficTrace).key ||
			m.Covering(j, lower.Tags) != nil {
			return
		}
		told[both] = true
		where := "a proxy can satisfy both"
		if dp != nil {
			where = fmt.Sprintf("%s satisfies both", dp)
		}
		message := fmt.Sprintf("selector %d (%s) ranks equal to that of %s (%s), and %s", lower.Number, lower.Tags, source(higher), higher.Tags, where)
		switch {
		case m.zoned && !undecided:
			since := "was created later here"
			if higher.Created.Equal(lower.Created) {
				since = "wins here by its smaller name, both having been created at the same time"
			}
			m.notes.warn(TieDependsOnZone, lower.Position(), lower.TrafficTrace, fmt.Sprintf("%s; %q %s%s", message, higher.Name, since, zoneTimes), otherZonesRemedy)
		case undecided && (dp != nil || len(m.dataplanes) == 0):
			m.notes.warn(TieByCreationTime, lower.Position(), lower.TrafficTrace,
				fmt.Sprintf("%s; the one created last wins, and the input does not tell which that is: %q is taken to win by its name", message, higher.Name), tieRemedy)
		case undecided:
			m.notes.inform(TieByCreationTime, lower.Position(), lower.TrafficTrace,
				fmt.Sprintf("%s, though no known one does; the one created last wins, and the input does not tell which that is: %q is taken to win by its name", message, higher.Name), tieRemedy)
		case higher.Created.Equal(lower.Created):
			m.notes.inform(TieByCreationTime, lower.Position(), lower.TrafficTrace,
				fmt.Sprintf("%s; both were created at the same time, so %q wins by its smaller name", message, higher.Name), "")
		default:
			m.notes.inform(TieByCreationTime, lower.Position(), lower.TrafficTrace,
				fmt.Sprintf("%s; %q wins, since it was created later", message, higher.Name), "")
		}
	}
	for i := range m.Pairs {
		for j := i + 1; j < len(m.Pairs) && len(onProxy) > 0 && m.Pairs[j].CompareRank(m.Pairs[i]) == 0; j++ {
			if dp := onProxy[tie{i, j}]; dp != nil {
				remark(i, j, dp)
			}
		}
	}
	looked := 0
	for from := 0; from < len(m.Pairs); {
		to := from
		var selectors []cluster.Tags
		for to < len(m.Pairs) && m.Pairs[to].CompareRank(m.Pairs[from]) == 0 {
			selectors = append(selectors, m.Pairs[to].Tags)
			to++
		}
		for i, j := range meeting(selectors) {
			if looked++; looked > maxPairs {
				m.notes.inform(TieByCreationTime, m.Place, m, fmt.Sprintf("has so many selectors that only the first %d pairs that could satisfy one proxy were looked at for ties", maxPairs), "add the Dataplanes, which show the ties that matter")
				return
			}
			remark(from+i, from+j, nil)
		}
		from = to
	}
}

// remark notes what changes with any MeshTrace, however it is written.
func (m *mesh) remark() {
	m.remarkBackends()
	m.remarkLabels()
	m.remarkUnmatched()
	m.remarkPrecedence()
}

// remarkBackends notes the backends that no TrafficTrace uses, and what MeshTrace changes
// for those in use.
func (m *mesh) remarkBackends() {
	used := make(map[string]bool)
	for _, t := range m.TrafficTraces {
		if b := m.BackendOf(t); b != nil {
			used[b.Name] = true
		}
	}
	for _, b := range m.Backends {
		if !used[b.Name] && len(m.TrafficTraces) > 0 {
			m.notes.inform(UnusedBackend, b.Place, backendOf{m, b}, "is used by no TrafficTrace, so it appears in no policy", "")
		}
	}
	for _, p := range m.existing {
		if len(m.candidates) > 0 && (setsClientOrRandom(p) || len(p.Default.Tags) > 0) {
			m.notes.inform(ExistingMeshTrace, p.Place, p, "sets tags, or client or random sampling, which would merge into the new policies; they set their own explicitly", "")
		}
	}
	var zipkin, datadog, subset *candidate
	for _, c := range m.candidates {
		if len(c.tags) > 0 && subset == nil {
			subset = c
		}
		if !c.conf.traces() {
			continue
		}
		switch b := c.conf.Backends[0]; {
		case b.Zipkin != nil && zipkin == nil:
			zipkin = c
		case b.Datadog != nil:
			if datadog == nil {
				datadog = c
			}
		}
	}
	at := func(c *candidate) *legacy.Pair { return c.pair }
	if (zipkin != nil || datadog != nil) && !m.routed && m.o.Version.LegacyOutboundsNeedTrafficRoute() {
		m.notes.warn(OutboundGainsTracing, m.Place, m,
			"has no TrafficRoute that is known; without one, Kuma 2.6 and later apply TrafficTrace to inbounds only, while MeshTrace traces outbounds as well, so they would gain tracing",
			"nothing, if client spans are welcome (or if there is a TrafficRoute that was not given); no MeshTrace can leave them out").Actionable = false
	}
	gateways := 0
	for _, dp := range m.dataplanes {
		if dp.Builtin() {
			gateways++
		}
	}
	hasGateways := gateways > 0 || len(m.gateways.Of(m.Name)) > 0
	if zipkin != nil && hasGateways && m.o.Version.SplitsGatewaySpans() {
		m.notes.inform(GatewaySplitSpans, at(zipkin).Position(), zipkin, "on builtin gateways, MeshTrace sets Zipkin's splitSpansForRequest, which TrafficTrace does not: a request gets a span of its own on each side", "nothing; no MeshTrace can leave it out")
	}
	if datadog != nil && m.o.Version.MayNameUnified() {
		m.notes.inform(DatadogServiceName, at(datadog).Position(), datadog,
			fmt.Sprintf("Kuma %s has unified resource naming, a feature of the proxy that no Dataplane shows; where it is on, Datadog's service name of an inbound is self_inbound_dp_PORT under TrafficTrace, and the proxy's service under MeshTrace", m.o.Version),
			"nothing, if the feature is off; otherwise check dashboards and monitors that name self_inbound_dp_PORT")
	}
	if (zipkin != nil || datadog != nil) && m.o.Version.AddsKumaTags() {
		m.notes.inform(KumaTags, m.Place, m, "spans get the tags kuma.mesh, kuma.zone and kuma.workload in addition, as with any MeshTrace on Kuma 2.14", "")
	}
	if subset != nil && m.o.Version.DeprecatesMeshSubset() {
		m.notes.inform(MeshSubsetDeprecated, at(subset).Position(), subset,
			fmt.Sprintf("targetRef kind MeshSubset is deprecated on Kuma %s: the control plane warns and applies it; the kind that replaces it, Dataplane, selects by labels, which are not the tags that selectors name", m.o.Version), "")
	}
}
