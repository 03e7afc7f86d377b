package convert

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"tracemigrate/cluster"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// plan decides which policies there will be.
func (m *mesh) selectPolicies() {
	for _, trace := range m.TrafficTraces {
		if len(trace.Selectors) == 0 {
			m.fates = append(m.fates, &Fate{Mesh: m.Name, TrafficTrace: trace.Name, Place: trace.Place, Reason: "it has no selector"})
		}
	}
	if len(m.Pairs) == 0 {
		if len(m.TrafficTraces) == 0 {
			m.remarkNothing()
		}
		return
	}
	m.confs = make(map[string]*conf)
	m.expandZones()
	unselecting := m.fates
	m.fates = make([]*Fate, len(m.Pairs))
	m.refused = make([]bool, len(m.Pairs))
	wildcards := m.wildcardValues()
	for position, pair := range m.Pairs {
		m.fates[position] = &Fate{
			Mesh: m.Name, TrafficTrace: pair.Name, Selector: pair.Number, Selectors: len(pair.Selectors),
			Tags: pair.Tags, Place: pair.Position(),
		}
		m.consider(position, pair, wildcards[position])
	}
	m.fates = append(m.fates, unselecting...)
	m.findZoneTies()
	m.remarkTies()
	m.excludeGateways()
}

// remarkNothing notes that the mesh has no TrafficTrace, and what traces instead.
func (m *mesh) remarkNothing() {
	tracing := 0
	for _, p := range slices.Concat(m.existing, m.previous) {
		if len(p.Default.Backends) > 0 {
			tracing++
		}
	}
	const nothing = "; there is nothing to convert"
	backends, policies := plural(len(m.Backends), "tracing backend"), plural(tracing, "MeshTrace")
	switch {
	case len(m.Backends) > 0 && tracing > 0:
		m.notes.inform(NoTrafficTrace, m.Place, m, fmt.Sprintf("has %s but no TrafficTrace, so nothing uses the field tracing any more; %s with a backend exist%s%s", backends, policies, map[bool]string{true: "s"}[tracing == 1], nothing),
			"remove the field tracing from the Mesh, the last step of the migration")
	case len(m.Backends) > 0:
		m.notes.warn(NoTrafficTrace, m.Place, m, fmt.Sprintf("has %s but neither a TrafficTrace nor a MeshTrace with a backend, so nothing is traced%s", backends, nothing),
			"if TrafficTraces were deleted, nothing replaces them: convert an input that still has them; otherwise remove the field tracing from the Mesh")
	case tracing > 0:
		m.notes.inform(NoTrafficTrace, m.Place, m, fmt.Sprintf("has neither tracing backends nor a TrafficTrace; %s with a backend exist%s%s", policies, map[bool]string{true: "s"}[tracing == 1], nothing), "")
	default:
		m.notes.inform(NoTrafficTrace, m.Place, m, "has neither tracing backends nor a TrafficTrace"+nothing, "")
	}
}

// consider makes candidates of one selector, or says why it becomes none.
// values holds, for a selector with wildcards, the tags to put in their place.
func (m *mesh) consider(position int, pair *legacy.Pair, values []cluster.Tags) {
	fate := m.fates[position]
	for _, key := range pair.Tags.Keys() {
		value := pair.Tags[key]
		if cluster.IsTag(key, value) || value == cluster.Any && cluster.IsTag(key, "any") {
			continue
		}
		fate.Reason = fmt.Sprintf("no Dataplane can carry its tag %s", key)
		m.notes.warn(UnreachableSelector, pair.Position(), pair.TrafficTrace,
			fmt.Sprintf("selector %d can never match: no Dataplane can carry the tag %.80q with the value %.80q", pair.Number, key, value),
			"nothing, it selects no proxy today; delete it").Actionable = false
		return
	}
	if higher := m.Covering(position, pair.Tags); higher != nil {
		m.unreachable(pair, higher, fate)
		return
	}
	c := m.confOf(pair.TrafficTrace)
	if c.refused {
		m.refused[position] = true
		fate.Reason = "its backend cannot be carried over"
		return
	}
	tags := pair.Tags // which nobody changes
	if tags[cluster.ServiceTag] == cluster.Any {
		tags = maps.Clone(tags)
		delete(tags, cluster.ServiceTag)
	}
	targets := []cluster.Tags{tags}
	if hasWildcard(tags) {
		targets = m.enumerate(position, pair, values)
	}
	open, by := m.unserved(targets)
	switch {
	case by == nil:
	case len(open) == 0:
		fate.Reason = fmt.Sprintf("its proxies have MeshTraces already (%s selects them all)", by)
		m.notes.inform(ExistingMeshTrace, pair.Position(), pair.TrafficTrace,
			fmt.Sprintf("selector %d (%s) becomes no policy: %s selects all its proxies, which keep what MeshTraces give them", pair.Number, pair.Tags, by), "")
	default:
		m.notes.inform(ExistingMeshTrace, pair.Position(), pair.TrafficTrace,
			fmt.Sprintf("selector %d (%s) becomes no policy for %s of its wildcard: MeshTraces, such as %s, select those proxies, which keep what these give them", pair.Number, pair.Tags, plural(len(targets)-len(open), "value"), by), "")
	}
	if hasWildcard(tags) && len(targets) > 0 {
		besides := ""
		if by != nil {
			besides = " and no MeshTrace"
		}
		m.notes.warn(WildcardEnumerated, pair.Position(), pair.TrafficTrace,
			fmt.Sprintf("selector %d (%s) has a wildcard, which MeshTrace has not; it becomes %s, one for each known value that no higher selector%s decides", pair.Number, pair.Tags, pluralPolicies(len(open)), besides),
			"when a Dataplane with another value appears, add a policy for it")
	}
	for _, target := range open {
		m.candidates = append(m.candidates, &candidate{pair: pair, position: position, tags: target, conf: c})
	}
}

// unserved returns the targets that no existing policy serves, and one that
// serves another, if any.
func (m *mesh) unserved(targets []cluster.Tags) (open []cluster.Tags, by *meshtrace.Policy) {
	for _, target := range targets {
		if p := m.served(target); p != nil {
			by = p
			continue
		}
		open = append(open, target)
	}
	return open, by
}

// unreachable says why pair never decides.
func (m *mesh) unreachable(pair, higher *legacy.Pair, fate *Fate) {
	because := "which is more specific"
	if pair.CompareRank(higher) == 0 {
		because = "which ranks equal"
		if pair.Tags.Compare(higher.Tags) == 0 {
			because = "which has the same tags"
		}
		switch {
		case pair.TrafficTrace == higher.TrafficTrace:
		case pair.Undecided(higher):
			because += " and the smaller name"
		case !pair.Created.Equal(higher.Created):
			because += " and was created later"
		default:
			because += ", the same creation time and the smaller name"
		}
	}
	fate.Reason = fmt.Sprintf("%s decides for all its proxies", source(higher))
	message := fmt.Sprintf("selector %d (%s) never decides: all its proxies are decided by %s (%s), %s",
		pair.Number, pair.Tags, source(higher), higher.Tags, because)
	if m.timesElsewhere && m.tied(pair, higher) {
		fate.Reason += " here"
		return // findZoneTies notes it
	}
	if pair.Undecided(higher) && m.confOf(pair.TrafficTrace).key != m.confOf(higher.TrafficTrace).key {
		m.notes.warn(TieByCreationTime, pair.Position(), pair.TrafficTrace, message+"; the one created last wins, and the input does not tell which that is", tieRemedy)
		return
	}
	if m.zoned && m.tied(pair, higher) {
		m.notes.warn(TieDependsOnZone, pair.Position(), pair.TrafficTrace, message+zoneTimes, otherZonesRemedy)
		return
	}
	m.notes.inform(UnreachableSelector, pair.Position(), pair.TrafficTrace, message, "")
}

// What to say of creation times where there are several zones.
const (
	zoneTimes        = "; a zone goes by the times at which its own copies were made, so there the other one may win"
	otherZonesRemedy = "convert at the global control plane, with --zone NAME=SOURCE for each zone; or for each zone with --zone-origin"
)

// tied reports whether two selectors of equal rank differ in what they give.
func (m *mesh) tied(a, b *legacy.Pair) bool {
	return a.TrafficTrace != b.TrafficTrace && a.CompareRank(b) == 0 && m.confOf(a.TrafficTrace).key != m.confOf(b.TrafficTrace).key
}

const tieRemedy = "export both with their creation times (kubectl get traffictraces -o yaml, or kumactl get traffic-traces -o yaml) and convert again"

func hasWildcard(tags cluster.Tags) bool {
	for _, value := range tags {
		if value == cluster.Any {
			return true
		}
	}
	return false
}

// wildcardValues returns, for every pair with a wildcard other than
// kuma.io/service, its tags with the values of each known tag set that
// satisfies it, by position.
func (m *mesh) wildcardValues() map[int][]cluster.Tags {
	var wild []int               // positions
	var selectors []cluster.Tags // their tags
	var keys [][]string          // their keys with a wildcard
	for position, pair := range m.Pairs {
		var wildcards []string
		for key, value := range pair.Tags {
			if value == cluster.Any && key != cluster.ServiceTag {
				wildcards = append(wildcards, key)
			}
		}
		if len(wildcards) > 0 && m.Covering(position, pair.Tags) == nil {
			slices.Sort(wildcards)
			wild, selectors, keys = append(wild, position), append(selectors, pair.Tags), append(keys, wildcards)
		}
	}
	if len(wild) == 0 {
		return nil
	}
	index := cluster.NewIndex(selectors)
	values := make(map[int][]cluster.Tags, len(wild))
	seen := make(map[string]bool)
	var known []byte // what was seen, in one form
	var found []int32
	for _, dp := range m.dataplanes {
		for _, set := range dp.TagSets() {
			found = index.Matching(found[:0], set)
			for _, i := range found {
				known = strconv.AppendInt(known[:0], int64(i), 10)
				for _, key := range keys[i] {
					known = append(append(known, 0), set[key]...)
				}
				if seen[string(known)] {
					continue
				}
				seen[string(known)] = true
				tags := maps.Clone(selectors[i])
				if tags[cluster.ServiceTag] == cluster.Any {
					delete(tags, cluster.ServiceTag)
				}
				for _, key := range keys[i] {
					tags[key] = set[key]
				}
				values[wild[i]] = append(values[wild[i]], tags)
			}
		}
	}
	for _, list := range values {
		slices.SortFunc(list, cluster.Tags.Compare)
	}
	return values
}

// enumerate puts known values in the place of wildcards, which MeshSubset does
// not know, leaving out those that a higher selector decides for.
func (m *mesh) enumerate(position int, pair *legacy.Pair, values []cluster.Tags) []cluster.Tags {
	fate := m.fates[position]
	if len(m.dataplanes) == 0 {
		m.refused[position] = true
		fate.Reason = "its wildcard cannot be enumerated without Dataplanes"
		m.notes.refuse(WildcardWithoutDataplanes, pair.Position(), pair.TrafficTrace,
			fmt.Sprintf("selector %d (%s) has a wildcard, which MeshTrace has not; it must be enumerated, and no Dataplane of mesh %q is known", pair.Number, pair.Tags, m.Name),
			m.addDataplanes("add the Dataplanes with another -f (kubectl get dataplanes -A -o yaml, or kumactl get dataplanes -o yaml)")).Actionable = m.unlisted || !m.live
		return nil
	}
	if len(values) == 0 {
		fate.Reason = "no known Dataplane carries its wildcard's tag"
		m.notes.warn(WildcardUnmatched, pair.Position(), pair.TrafficTrace,
			fmt.Sprintf("selector %d (%s) has a wildcard that no known Dataplane matches, so there is no value to make a policy for", pair.Number, pair.Tags),
			"if such Dataplanes are to come, write a policy for each value of the tag then")
		return nil
	}
	var targets []cluster.Tags
	for _, tags := range values {
		if m.Covering(position, tags) == nil {
			targets = append(targets, tags)
		}
	}
	if len(targets) == 0 {
		fate.Reason = "more specific selectors decide for every known value of its wildcard"
		m.notes.warn(WildcardEnumerated, pair.Position(), pair.TrafficTrace,
			fmt.Sprintf("selector %d (%s) has a wildcard, which MeshTrace has not; it becomes no policy, since higher selectors decide for every known value", pair.Number, pair.Tags),
			"when a Dataplane with another value appears, add a policy for it")
	}
	return targets
}

// excludeGateways finds the selectors that would select a builtin gateway only
// as a MeshTrace: those of a tag that its MeshGateway or a listener carries,
// which TrafficTraces do not look at. They are narrowed to sidecars.
func (m *mesh) excludeGateways() {
	gateways := m.gateways.Of(m.Name)
	if len(gateways) == 0 {
		return
	}
	var selectors []cluster.Tags
	for _, c := range m.candidates {
		selectors = append(selectors, c.tags)
	}
	index := cluster.NewIndex(selectors)
	selected := make(map[*candidate]*cluster.Dataplane) // gateway Dataplanes they select today
	gaining := make(map[*candidate]*cluster.Dataplane)  // and those they would gain
	for _, dp := range m.dataplanes {
		if dp.Gateway == nil {
			continue
		}
		today := make(map[int32]bool)
		for _, i := range index.Matching(nil, dp.TagSets()...) {
			today[i] = true
			selected[m.candidates[i]] = dp
		}
		if gateway := m.gateways.Configures(dp); gateway != nil {
			for _, i := range index.Matching(nil, gateway.TagSets(dp.Gateway.Tags)...) {
				if !today[i] {
					gaining[m.candidates[i]] = dp
				}
			}
		}
	}
	kept := m.candidates[:0]
	for _, c := range m.candidates {
		gateway := carries(gateways, c.tags)
		if gateway == nil && gaining[c] == nil || selected[c] != nil && gaining[c] == nil {
			kept = append(kept, c)
			continue
		}
		name := "a MeshGateway"
		if gateway != nil {
			name = gateway.String()
		}
		about := fmt.Sprintf("selector %d (%s) asks for a tag that %s or one of its listeners carries; TrafficTrace does not look at that tag, MeshTrace does, so the gateway would gain tracing", c.pair.Number, c.tags, name)
		switch {
		case selected[c] != nil:
			m.refuse(c, GatewayConflict, fmt.Sprintf("%s, while %s is rightly selected", about, selected[c]), "give the two gateways' Dataplanes a tag that tells them apart, and write the policy by hand")
		case !m.o.Version.HonoursProxyTypes():
			m.refuse(c, GatewayExcluded, about+"; what prevents that, proxyTypes, came with 2.6", "upgrade to 2.6 or later first, or rename the tag of the MeshGateway")
		default:
			c.sidecarsOnly = true
			kept = append(kept, c)
			m.notes.warn(GatewayExcluded, c.pair.Position(), c.pair.TrafficTrace, about+"; the policy is narrowed to `proxyTypes: [Sidecar]`", "delegated gateways that carry the tag, if any are to come, need a policy of their own")
		}
	}
	m.candidates = kept
}

// carries returns a MeshGateway that has one of tags, itself or on a listener,
// and contradicts none; nil when there is none.
func carries(gateways []*cluster.MeshGateway, tags cluster.Tags) *cluster.MeshGateway {
	for _, gateway := range gateways {
		selectors := gateway.Selectors
		if len(selectors) == 0 {
			selectors = []cluster.Tags{nil}
		}
		for _, own := range gateway.TagSets(nil) {
			shared := false
			for key, value := range tags {
				shared = shared || own[key] == value
			}
			if !shared || !tags.Meets(own) {
				continue
			}
			for _, selector := range selectors {
				rest := make(cluster.Tags, len(selector))
				for key, value := range selector {
					if _, ok := own[key]; !ok {
						rest[key] = value
					}
				}
				if tags.Meets(rest) {
					return gateway
				}
			}
		}
	}
	return nil
}
