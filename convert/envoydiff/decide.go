package envoydiff

import (
	"encoding/binary"
	"fmt"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// comparer compares proxies one by one, and keeps results that others share.
type comparer struct {
	accept                 []Code
	migrated               bool // see Options
	before, after, lenient *Renderer
	refusing               *Renderer // see Renderer.refusing; may be nil
	known                  map[pairing]*part
	names                  map[naming]*part
	workloads              map[workloadTag]*part
	lists                  map[string][]*Difference // by the ids of the parts
	lastPart               uint64                   // id
	sets                   map[string][]*Difference // by content
	ids                    map[any]int32            // of a decision's tracing
	contents               map[string]int32         // the same, by content
	decisions              map[decisionStep]*decisionNode
	atBefore, atAfter      *decisionNode // where the decisions of a version begin
	parts                  []*part       // of the current proxy
	key                    []byte        // their ids
	policies, withheld     []*meshtrace.Policy
	listeners, later       []cluster.HTTPListener // of the current proxy, before and after
	traced, tracedBefore   bool                   // whether a listener of the current proxy is, before or after, and before
	named                  *cluster.Dataplane
	first, firstLater      string // the name of named's service in spans, before and after
}

func newComparer(before, after, lenient *Renderer, accept []Code) *comparer {
	c := &comparer{
		accept: accept, before: before, after: after, lenient: lenient,
		known: make(map[pairing]*part),
		names: make(map[naming]*part),

		workloads: make(map[workloadTag]*part),
		lists:     make(map[string][]*Difference),
		sets:      make(map[string][]*Difference),
		ids:       make(map[any]int32),
		contents:  make(map[string]int32),
		decisions: make(map[decisionStep]*decisionNode),
		atBefore:  &decisionNode{}, atAfter: &decisionNode{},
	}
	if before.version == after.version {
		c.atAfter = c.atBefore
	}
	return c
}

// part is the differences of a listener in its Datadog service name, or in all else.
type part struct {
	id          uint64
	differences []*Difference
}

// pairing has everything that the other differences of a listener depend on.
type pairing struct {
	before, after int32 // 0: not traced
	gains         bool  // see comparer.listener
	direction     cluster.Direction
	ofSidecar     bool
	mesh          string
	zone          string // empty before 2.14, which adds it as a tag
	cause         Code   // of a difference between two versions
	beside        bool   // of a listener that the version after does not have
}

// workloadTag has everything that a difference in the tag kuma.workload depends on. It
// is compared by itself, because workloads are many.
type workloadTag struct {
	before, after string
	direction     cluster.Direction
}

// compare fills in the result of a proxy.
func (c *comparer) compare(p *Proxy) {
	dp := p.Dataplane
	p.Before, p.After = c.decide(c.before, c.atBefore, dp), c.decide(c.after, c.atAfter, dp)
	p.Differences = c.differences(dp, p.Before, p.After)
	p.setTraced(c.tracedBefore, c.traced)
	if c.lenient != nil && dp.HasIgnoredInbound() && verdictOf(p.Differences, c.accept) == Different &&
		verdictOf(c.differences(dp, p.Before, c.decide(c.lenient, c.atAfter, dp)), c.accept) != Different {
		p.Differences = c.share(lists.Each(p.Differences, func(d *Difference) *Difference {
			ignored := *d
			ignored.Code = InboundIgnored
			return &ignored
		}))
	}
	p.judge(c.accept)
	c.withoutRefused(p)
}

// withoutRefused adds what differs where the MeshTraces with an endpoint do not exist any more:
// they may have hidden others, or lent them their sampling.
func (c *comparer) withoutRefused(p *Proxy) {
	if c.refusing == nil || !slices.ContainsFunc(slices.Concat(p.Before.Policies, p.After.Policies), hasEndpoint) {
		return
	}
	after := c.decide(c.refusing, c.atAfter, p.Dataplane)
	added := slices.DeleteFunc(slices.Clone(c.differences(p.Dataplane, p.Before, after)), func(d *Difference) bool { return p.Has(d.Code) })
	if len(added) == 0 {
		return
	}
	p.Differences = c.share(sorted(append(added, p.Differences...)))
	was := p.Verdict
	if p.judge(c.accept); p.Verdict != was {
		p.After, p.untraced, p.begins = after, p.untraced && !c.traced, p.begins || c.traced && !c.tracedBefore
	}
}

func hasEndpoint(p *meshtrace.Policy) bool { return p.Default.HasOTelEndpoint() }

// decisionNode is a decision that proxies share, or a part of others.
type decisionNode struct{ decision *Decision }

// decisionStep leads from a part of decisions to those with one more policy of each list.
type decisionStep struct {
	from       *decisionNode
	pair       *legacy.Pair
	backend    *legacy.Backend
	routedAnew bool
	routed     bool

	policy, withheld, forTCP *meshtrace.Policy // nil at the end of a list
}

// maxShared bounds what is kept to be shared: where every proxy has a decision of its own, it
// would only take memory.
const maxShared = 10_000

// decide returns the decision on dp. Proxies share decisions, which are found from a node: a
// large mesh has far fewer decisions than proxies.
func (c *comparer) decide(r *Renderer, from *decisionNode, dp *cluster.Dataplane) *Decision {
	d := r.decide(dp, c.policies[:0], c.withheld[:0])
	if d.Policies != nil {
		c.policies = d.Policies
	}
	if d.Withheld != nil {
		c.withheld = d.Withheld
	}
	if len(c.decisions) > maxShared {
		clear(c.decisions)
	}
	node := from
	for i := range max(1, len(d.Policies), len(d.Withheld), len(d.forTCP)) {
		step := decisionStep{
			from: node, pair: d.Pair, backend: d.Backend, routedAnew: d.routedAnew, routed: d.routed,
			policy: at(d.Policies, i), withheld: at(d.Withheld, i), forTCP: at(d.forTCP, i),
		}
		if node = c.decisions[step]; node == nil {
			node = &decisionNode{}
			c.decisions[step] = node
		}
	}
	if node.decision == nil {
		kept := d
		kept.Policies, kept.Withheld = slices.Clone(d.Policies), slices.Clone(d.Withheld)
		if kept.Traces() {
			kept.id = c.id(&kept)
		}
		node.decision = &kept
	}
	return node.decision
}

// at returns the policy at a position, nil after the last.
func at(policies []*meshtrace.Policy, i int) *meshtrace.Policy {
	if i < len(policies) {
		return policies[i]
	}
	return nil
}

// differences returns the differences of dp, and sets c.traced and c.tracedBefore.
func (c *comparer) differences(dp *cluster.Dataplane, before, after *Decision) []*Difference {
	c.traced, c.tracedBefore = false, false
	if unusable := before.Unusable(); unusable != nil {
		why := fmt.Sprintf("%.253q: %s", before.Backend.Name, unusable[0].Complaint())
		return c.share([]*Difference{{Code: InvalidBackend, Field: "backend", Before: manifest.Redact(why), After: "unknown"}})
	}
	if !before.Traces() && !after.Traces() {
		return nil
	}
	c.parts, c.key = c.parts[:0], c.key[:0]
	c.listeners = c.before.listeners.Of(c.listeners[:0], dp)
	if c.before.version == c.after.version {
		for i := range c.listeners {
			c.listener(dp, before, after, &c.listeners[i], &c.listeners[i])
		}
	} else {
		c.bothVersions(dp, before, after)
	}
	var refused []Code
	if c.traced {
		refused = refusals(c.before, c.after, dp)
	}
	for _, code := range refused {
		c.key = append(binary.AppendUvarint(c.key, 0), code...) // 0 is the id of no part
	}
	if shared, ok := c.lists[string(c.key)]; ok {
		return shared
	}
	var all []*Difference
	for _, p := range c.parts {
		all = append(all, p.differences...)
	}
	for _, code := range refused {
		if !slices.ContainsFunc(all, func(d *Difference) bool { return d.Code == code }) {
			all = append(all, &Difference{Code: code, Field: refusedFields[code], Before: "accepted", After: "refused"})
		}
	}
	shared := c.share(sorted(all))
	c.lists[string(c.key)] = shared
	return shared
}

// addOnce records a part of the current proxy, which is compared once for all with its key.
func addOnce[K comparable](c *comparer, known map[K]*part, key K, compare func() []*Difference) {
	p, ok := known[key]
	if !ok {
		c.lastPart++
		p = &part{c.lastPart, compare()}
		known[key] = p
	}
	if len(p.differences) > 0 {
		c.parts, c.key = append(c.parts, p), binary.AppendUvarint(c.key, p.id)
	}
}

// mayTrace reports whether a listener that a MeshHTTPRoute should make may be that of a
// TrafficRoute, with the tracing of d's TrafficTrace. l may be nil.
func (d *Decision) mayTrace(l *cluster.HTTPListener) bool {
	return l != nil && l.MayStay && d.Traces() && !d.fromMeshTrace()
}

// listener records the differences of one listener. was or is is nil where it is not
// for HTTP.
func (c *comparer) listener(dp *cluster.Dataplane, before, after *Decision, was, is *cluster.HTTPListener) {
	tracedBefore := was != nil && c.before.traced(dp.Mesh, before, was)
	tracedAfter := is != nil && c.after.traced(dp.Mesh, after, is)
	if !tracedBefore && !tracedAfter {
		tracedBefore, tracedAfter = before.mayTrace(was), after.mayTrace(is)
	}
	if !tracedBefore && !tracedAfter {
		return
	}
	c.traced, c.tracedBefore = true, c.tracedBefore || tracedBefore
	l := was
	if l == nil {
		l = is
	}
	// An outbound without tracing because of how it is routed is compared with the tracing
	// that a TrafficRoute alone would give it.
	gains := was != nil && !tracedBefore && tracedAfter && before.Traces() &&
		(!before.fromMeshTrace() || !c.before.exists(dp.Mesh, before, was))
	key := pairing{direction: l.Direction, ofSidecar: l.OfSidecar, mesh: dp.Mesh, cause: c.cause(dp, before, after, was, is), gains: gains}
	if tracedBefore || gains {
		key.before = before.id
	}
	if tracedAfter {
		key.after = after.id
	}
	var tag workloadTag
	key.zone, tag.after = c.after.spanTags(dp)
	addOnce(c, c.known, key, func() []*Difference {
		found := compare(c.flat(c.before, dp, before, l, key.before != 0), c.flat(c.after, dp, after, l, key.after != 0), l.Direction)
		if c.before.version != c.after.version {
			found = c.attributed(found, key)
		}
		if gains {
			found = append(found, gainedOutbound("traced"))
		}
		return found
	})
	if tracedBefore && is == nil && c.before.version != c.after.version {
		c.beside(dp, before, after, was, key)
	}
	if key.before != 0 && key.after != 0 {
		tag.direction = l.Direction
		switch {
		case !before.fromMeshTrace():
		case c.before.version == c.after.version:
			tag.before = tag.after
		default:
			_, tag.before = c.before.spanTags(dp)
		}
		if !after.fromMeshTrace() {
			tag.after = ""
		}
		c.workload(tag)
		if !gains || !l.OfZoneEgress { // no TrafficTrace would name it
			c.service(dp, before, after, was, is)
		}
	}
}

// workload compares the values of the tag kuma.workload on a listener that is traced
// before and after.
func (c *comparer) workload(tag workloadTag) {
	if tag.before == tag.after {
		return
	}
	addOnce(c, c.workloads, tag, func() []*Difference {
		d := &Difference{
			Code: TagsDiffer, Direction: tag.direction, Field: "tracing.customTags[kuma.workload].literal.value",
			Before: orUnset(tag.before, tag.before != ""), After: orUnset(tag.after, tag.after != ""),
		}
		if tag.before == "" {
			d.Code = KumaTags
		}
		return []*Difference{d}
	})
}

// gainedOutbound returns the difference of an outbound that is not traced before the
// migration, because its mesh has no TrafficRoute or a MeshHTTPRoute routes it.
func gainedOutbound(after string) *Difference {
	return &Difference{Code: OutboundGainsTracing, Direction: cluster.DirectionOutbound, Field: "tracing", Before: "none", After: after}
}

func (c *comparer) flat(r *Renderer, dp *cluster.Dataplane, d *Decision, l *cluster.HTTPListener, traced bool) flat {
	if !traced {
		return nil
	}
	return flatten(r.tracing(dp, d, *l, "", false), d.collector().Build(r.version))
}

// id returns a number for a decision that traces, never 0. Equal numbers mean equal
// tracing.
func (c *comparer) id(d *Decision) int32 {
	var key any = d.Backend
	if d.fromMeshTrace() {
		key = d.Conf.Parts()
	}
	id, ok := c.ids[key]
	if ok {
		return id
	}
	// Policies of equal content share a number.
	content := d.content()
	if id, ok = c.contents[content]; !ok {
		id = int32(len(c.contents) + 1)
		c.contents[content] = id
	}
	if len(c.ids) > maxShared {
		clear(c.ids)
	}
	c.ids[key] = id
	return id
}

// content returns equal text for decisions with equal tracing.
func (d *Decision) content() string {
	if d.fromMeshTrace() {
		return "meshtrace " + d.Conf.Key()
	}
	return "legacy " + d.Backend.Key()
}

// share returns one list for all proxies with equal differences.
func (c *comparer) share(differences []*Difference) []*Difference {
	if len(differences) == 0 {
		return nil
	}
	key := contentOf(differences)
	if shared, ok := c.sets[key]; ok {
		return shared
	}
	shared := slices.Clone(differences)
	c.sets[key] = shared
	return shared
}
