package convert

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// Options say what to convert for.
type Options struct {
	Version       cluster.Version
	Format        cluster.Format // of all policies; empty: of the TrafficTrace each comes from
	Namespace     string         // of Kubernetes policies; empty: kuma-system
	Labels        map[string]string
	CopyLabels    bool // take a TrafficTrace's own labels and annotations along
	ZoneOrigin    bool // label policies as created on a zone, which a federated zone demands
	Shadow        bool // label policies as to be computed only, not applied (2.7 and later)
	RoundSampling bool // on 2.0, accept the nearest whole percentage for a fraction

	// For the comparison of proxies: how many may stand for those of a mesh
	// without Dataplanes, which differences do not count, and whether Version is
	// supposed to be that of every zone.
	MadeUp   int
	Accept   []envoydiff.Code
	Supposed bool
}

// Check returns an error that says which options do not go together.
func (o *Options) Check() error {
	if o.Shadow && !o.Version.ComputesShadows() {
		return fmt.Errorf("shadow policies need Kuma 2.7: version %s ignores the label %s and applies the policy", o.Version, cluster.EffectLabel)
	}
	for _, reserved := range []string{cluster.MeshLabel, cluster.OriginLabel, cluster.EffectLabel, cluster.RoleLabel, cluster.DisplayNameLabel} {
		if _, ok := o.Labels[reserved]; ok {
			return fmt.Errorf("label %s has a meaning of its own and cannot be set freely", reserved)
		}
	}
	var wrong []error
	for _, key := range slices.Sorted(maps.Keys(o.Labels)) {
		wrong = append(wrong, meshtrace.CheckLabel(key, o.Labels[key]))
	}
	if o.Namespace != "" {
		wrong = append(wrong, meshtrace.CheckNamespace(o.Namespace))
	}
	return errors.Join(wrong...)
}

// Result is what a conversion gives.
type Result struct {
	Policies []*meshtrace.Policy // by mesh, highest precedence first
	Fates    []*Fate             // of every selector, by mesh and precedence
	Notes    []*Note             // errors first, then warnings, then the rest
	// Withheld are policies that would conflict with existing ones; they are not
	// among Policies.
	Withheld []*meshtrace.Policy
	// Comparisons say what becomes of each proxy once Policies are applied and
	// the TrafficTraces are gone, in one comparison for each version of zones.
	Comparisons []*envoydiff.Comparison
	// MadeUp is how many of the proxies stand for those of meshes without
	// Dataplanes, and Complete says that they stand for all of these.
	MadeUp   int
	Complete bool
	// What the result is of: the meshes, and the MeshTraces that exist, as they
	// compare to new ones.
	Meshes   []*legacy.Mesh
	Existing []*meshtrace.Policy

	version cluster.Version
	earlier map[meshtrace.Identity]bool                          // existing policies that an earlier run made
	stands  map[*meshtrace.Policy]bool                           // the new ones that are among them
	doubts  map[string]func(dp *cluster.Dataplane) string        // by mesh
	ties    map[string]func(dp *cluster.Dataplane) cluster.Doubt // by mesh
}

// Fate is what became of one selector.
type Fate struct {
	Mesh         string
	TrafficTrace string
	Selector     int          // number within the TrafficTrace, from 1; 0 when it has none
	Selectors    int          // how many the TrafficTrace has
	Tags         cluster.Tags // of the selector
	Policies     []*meshtrace.Policy
	Reason       string // why there is no policy
	manifest.Place
}

// Errors is how many notes say that something could not be carried over.
func (r *Result) Errors() int {
	n := 0
	for _, note := range r.Notes {
		if note.Severity == manifest.Error {
			n++
		}
	}
	return n
}

// Tracing is how many of the existing MeshTraces have a backend and are applied.
func (r *Result) Tracing() int {
	n := 0
	for _, p := range r.Existing {
		if len(p.Default.Backends) > 0 && !p.Shadow(r.version) {
			n++
		}
	}
	return n
}

// Refused says whether something could not be carried over.
func (r *Result) Refused() bool { return r.Errors() > 0 }

// Convert makes MeshTraces of all legacy tracing. When the input itself is wrong it returns the problems, errors among them, and no result.
// When something cannot be carried over, the result holds the rest and says so
// in notes that are errors.
func Convert(c *Current, o Options) (*Result, []*manifest.Problem) {
	if c.Failed() {
		return nil, c.Found
	}
	in := &input{Snapshot: c.Snapshot, o: &o, meshes: c.Meshes}
	in.existing = in.accepted(c.Existing)
	in.standing = Standing(in.existing, c.Origin, &o)
	for _, problem := range manifest.SortProblems(c.Found) {
		in.notes = append(in.notes, fromProblem(problem))
	}
	remarkSkipped(c.Snapshot, &in.notes)
	result, meshes := in.resume()
	in.compare(result)
	in.refuseDelegated(result)
	in.remarkNames(result, meshes)
	return result, c.Found
}

// accepted returns those of the existing policies that a control plane of the
// version has. Another, which stands in a manifest, it would refuse, so that one
// gives no proxy its tracing.
func (in *input) accepted(existing []*meshtrace.Policy) []*meshtrace.Policy {
	return slices.DeleteFunc(slices.Clone(existing), func(p *meshtrace.Policy) bool {
		refused := p.RefusedBy(in.o.Version)
		if len(refused) == 0 || in.holds() {
			return false
		}
		in.notes.refuse(MeshTraceRefused, p.Place, p, fmt.Sprintf("is refused by Kuma %s: %s; so it gives no proxy its tracing, and is left out", in.o.Version, strings.Join(refused, "; ")),
			"correct it, or take it out of the input; or name the control plane's version with --kuma-version")
		return true
	})
}

// holds reports whether the existing policies are from a control plane of the
// version, which has them, however they came there.
func (in *input) holds() bool {
	if !in.FromCluster() || in.Origin == nil {
		return false
	}
	own, err := cluster.ParseVersion(in.Origin.Version)
	return err != nil || own.SameMinor(in.o.Version)
}

// input is what there is to convert.
type input struct {
	*cluster.Snapshot
	o        *Options
	meshes   []*legacy.Mesh
	existing []*meshtrace.Policy
	standing []*meshtrace.Policy        // the existing ones, as they compare to new ones
	arrived  map[*meshtrace.Policy]bool // see arrivedPolicies
	notes    notes
}

// convert converts as though those of the standing policies that an earlier run
// made were not there.
func (in *input) convert(earlier map[*meshtrace.Policy]bool) (result *Result, meshes []*mesh) {
	s, o := in.Snapshot, in.o
	result = &Result{earlier: make(map[meshtrace.Identity]bool), stands: make(map[*meshtrace.Policy]bool), doubts: make(map[string]func(*cluster.Dataplane) string), ties: make(map[string]func(*cluster.Dataplane) cluster.Doubt)}
	all := slices.Clone(in.notes)
	gateways := cluster.NewGateways(s.MeshGateways)
	meshes = make([]*mesh, 0, len(in.meshes))
	byName := make(map[string]*mesh, len(in.meshes))
	for _, from := range in.meshes {
		m := &mesh{Mesh: from, real: from, o: o, gateways: gateways, notes: &all, routed: s.TrafficRoutes[from.Name], unlisted: unlisted(s.Origin), live: s.FromCluster(), zoned: dependsOnZone(s.Origin, o), timesElsewhere: s.MayBeGlobal() && !o.ZoneOrigin, zoneNames: zoneNames(s), judge: s.Judge(o.Version)}
		m.undated = slices.ContainsFunc(m.TrafficTraces, func(t *legacy.TrafficTrace) bool { return t.Created.IsZero() })
		meshes = append(meshes, m)
		byName[m.Name] = m
	}
	for _, dp := range s.Dataplanes {
		if m := byName[dp.Mesh]; m != nil {
			m.dataplanes = append(m.dataplanes, dp)
		}
	}
	free := make(map[*meshtrace.Policy]bool, len(earlier)) // those whose names are
	for i, p := range in.standing {
		switch m := byName[p.Mesh]; {
		case m == nil || p.Shadow(o.Version):
		case earlier[p]:
			m.earlier = append(m.earlier, p)
			result.earlier[p.Identity()] = true
			free[in.existing[i]] = true
		case ofOneZone(p, s.Origin, o):
			m.ofZones = append(m.ofZones, p)
		default:
			m.existing = append(m.existing, p)
		}
	}
	for _, m := range meshes {
		m.arrived = slices.ContainsFunc(m.earlier, func(p *meshtrace.Policy) bool { return in.arrived[p] })
		m.plan()
		if m.timesElsewhere || m.undated {
			result.ties[m.Name] = m.tieDoubt
		}
		if m.arrived {
			m.settleArrived(result)
		}
		m.existing = append(m.existing, m.ofZones...)
	}
	maps.Copy(free, rehearsed(meshes, in.existing, o.Version))
	nameAll(meshes, in.existing, free, s, dependsOnZone(s.Origin, o))
	remarkOrigin(s, o, meshes, &all)
	for _, m := range meshes {
		m.build()
		if !m.arrived {
			m.verify()
			m.remarkEarlier(result)
		}
		m.remark()
		m.remarkLabels()
		m.remarkUnmatched()
		m.remarkPrecedence()
		for _, c := range m.candidates {
			if o.Shadow && result.stands[c.policy] {
				continue // by its name, the shadow would take the place of what stands
			}
			result.Policies = append(result.Policies, c.policy)
		}
		result.Fates = append(result.Fates, m.fates...)
		result.Withheld = append(result.Withheld, m.withheld...)
	}
	in.remarkPatches(result, meshes, &all)
	result.Notes = all.sorted()
	return result, meshes
}

// mesh is one mesh on its way.
type mesh struct {
	*legacy.Mesh                                          // with selectors narrowed to zones, see expandZones
	real           *legacy.Mesh                           // as it was read
	positions      map[selectorOf]int                     // in Pairs
	zoneNames      []string                               // of the global control plane, where they are known
	timesElsewhere bool                                   // creation times of zones' own copies decide
	orderedZones   []string                               // zones whose own order is known
	arrived        bool                                   // earlier are those that came from the global control plane
	serving        map[cluster.Version]*meshtrace.Matcher // see alwaysServed
	undated        bool                                   // the input does not tell when a TrafficTrace was created
	judge          func(*cluster.Dataplane) ([]cluster.Version, string)
	keys           []string // see keyAt
	o              *Options
	gateways       cluster.Gateways
	dataplanes     []*cluster.Dataplane
	existing       []*meshtrace.Policy // live ones
	ofZones        []*meshtrace.Policy // those of single zones, which serve no proxy elsewhere
	earlier        []*meshtrace.Policy // those that an earlier run made, in part or whole
	routed         bool                // has a TrafficRoute
	zoned          bool                // creation times may be others in each zone
	unlisted       bool                // there may be Dataplanes, which could not be read
	live           bool                // all was read from a cluster, or its snapshot
	notes          *notes

	confs      map[string]*conf                 // by name of the backend
	fates      []*Fate                          // by position of the pair
	refused    []bool                           // by position: not carried over
	candidates []*candidate                     // highest precedence first
	again      map[*meshtrace.Policy]*candidate // those of earlier that are made again
	withheld   []*meshtrace.Policy
	// conflicting has the existing policies that new ones conflict with.
	conflicting map[*meshtrace.Policy]bool
	found       []int32 // scratch space

	tieDoubts map[*cluster.Dataplane]cluster.Doubt // see tieDoubt
}

// conf is what a TrafficTrace's backend amounts to. None stands for no tracing.
type conf struct {
	meshtrace.Conf
	key     string // equal for equal confs
	refused bool   // a note says why it cannot be expressed
}

var none = &conf{Conf: meshtrace.Conf{Backends: []meshtrace.Backend{}}, key: "none"}

func (c *conf) traces() bool { return len(c.Backends) > 0 }

// candidate is a policy in the making.
type candidate struct {
	pair         *legacy.Pair
	position     int // of the pair
	tags         cluster.Tags
	conf         *conf
	sidecarsOnly bool
	name         string
	policy       *meshtrace.Policy
}

// String names the TrafficTrace and selector that the candidate comes from.
func (c *candidate) String() string { return source(c.pair) }

func source(p *legacy.Pair) string {
	if len(p.TrafficTrace.Selectors) == 1 {
		return p.TrafficTrace.String()
	}
	return fmt.Sprintf("%s, selector %d", p.TrafficTrace, p.Number)
}

// annotated is what a policy says of where it came from.
func annotated(p *legacy.Pair) string {
	text := fmt.Sprintf("%s, selector %d", p.TrafficTrace, p.Number)
	if p.Zone != "" {
		text += fmt.Sprintf(", in zone %q", p.Zone)
	}
	return text
}

// plan decides which policies there will be.
func (m *mesh) plan() {
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
	m.merge()
	m.dropEmpty()
	m.dropMadeInZones()
}

// remarkNothing notes that the mesh has no TrafficTrace, and what traces instead.
func (m *mesh) remarkNothing() {
	tracing := 0
	for _, p := range slices.Concat(m.existing, m.earlier) {
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

// String names the mesh in notes.
func (m *mesh) String() string { return m.Resource.String() }

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

// tied says whether two selectors of equal rank differ in what they give.
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

func pluralPolicies(n int) string {
	if n == 0 {
		return "no policy"
	}
	return plural(n, "policy")
}

// merge drops every candidate that a less specific one of the same
// TrafficTrace stands in for: it selects all its proxies, and nothing that
// differs stands between them.
func (m *mesh) merge() {
	dropped := make(map[*candidate]bool)
	for from := 0; from < len(m.candidates); {
		to := from + 1
		for to < len(m.candidates) && m.candidates[to].conf.key == m.candidates[from].conf.key {
			to++
		}
		byTrace := make(map[*legacy.TrafficTrace][]*candidate)
		for _, c := range m.candidates[from:to] {
			byTrace[c.pair.TrafficTrace] = append(byTrace[c.pair.TrafficTrace], c)
		}
		for _, group := range byTrace {
			if len(group) == 1 {
				continue
			}
			selectors := make([]cluster.Tags, len(group))
			for i, c := range group {
				selectors[i] = c.tags
			}
			index := cluster.NewIndex(selectors)
			for i, c := range group {
				for _, j := range slices.Backward(index.Matching(nil, c.tags)) {
					if by := group[j]; int(j) > i && !by.sidecarsOnly {
						dropped[c] = true
						m.fates[c.position].Reason = fmt.Sprintf("selector %d of the same TrafficTrace covers it", by.pair.Number)
						if by.position == c.position {
							m.fates[c.position].Reason = ""
						}
						break
					}
				}
			}
		}
		from = to
	}
	for _, c := range m.candidates {
		if reason := m.fates[c.position].Reason; dropped[c] && reason != "" {
			m.notes.inform(MergedSelector, c.pair.Position(), c.pair.TrafficTrace,
				fmt.Sprintf("selector %d (%s) needs no policy of its own: %s, with the same tracing", c.pair.Number, c.pair.Tags, reason), "")
		}
	}
	m.candidates = slices.DeleteFunc(m.candidates, func(c *candidate) bool { return dropped[c] })
}

// dropEmpty keeps a candidate without a backend only where something less
// specific would otherwise trace its proxies.
func (m *mesh) dropEmpty() {
	needed := make(map[*candidate]bool)
	selectors := make([]cluster.Tags, 0, len(m.candidates))
	empty := 0
	for _, c := range m.candidates {
		selectors = append(selectors, c.tags)
		if !c.conf.traces() {
			empty++
		}
	}
	if empty == 0 {
		return
	}
	for i, c := range m.candidates {
		if c.conf.traces() {
			continue
		}
		for _, lower := range slices.Backward(m.candidates[i+1:]) {
			// Several inbounds can satisfy any two selectors.
			if lower.conf.traces() && (len(m.dataplanes) == 0 || c.tags.Meets(lower.tags)) {
				needed[c] = true
				break
			}
		}
	}
	if len(needed) < empty {
		index := cluster.NewIndex(selectors)
		for _, dp := range m.dataplanes {
			m.found = index.Matching(m.found[:0], dp.TagSets()...)
			traced := false
			for _, i := range slices.Backward(m.found) {
				c := m.candidates[i]
				if traced && !c.conf.traces() {
					needed[c] = true
				}
				traced = traced || c.conf.traces()
			}
		}
	}
	m.candidates = slices.DeleteFunc(m.candidates, func(c *candidate) bool {
		if c.conf.traces() {
			return false
		}
		about := fmt.Sprintf("selector %d (%s) decides for its proxies but %s, so they are not traced today", c.pair.Number, c.pair.Tags, m.whyNone(c.pair.TrafficTrace))
		switch {
		case !needed[c]:
			m.fates[c.position].Reason = "its proxies are not traced today, and no other policy would trace them"
			m.notes.warn(NoBackend, c.pair.Position(), c.pair.TrafficTrace, about+"; nothing else would trace them, so there is no policy", "nothing, if that is intended").Actionable = false
			return true
		case !m.o.Version.TakesEmptyBackends():
			m.refused[c.position] = true
			m.fates[c.position].Reason = "2.0 cannot switch tracing off"
			m.notes.refuse(EmptyBackendsUnsupported, c.pair.Position(), c.pair.TrafficTrace,
				about+"; keeping that takes `backends: []`, on which the 2.0 control plane crashes", "upgrade to 2.1 or later first, or name a backend that exists")
			return true
		}
		m.notes.warn(NoBackend, c.pair.Position(), c.pair.TrafficTrace, about+"; the policy says so with `backends: []`", "nothing, if that is intended").Actionable = false
		return false
	})
}

func (m *mesh) whyNone(t *legacy.TrafficTrace) string {
	switch {
	case t.Backend != "":
		return fmt.Sprintf("mesh %q has no tracing backend %.253q", m.Name, t.Backend)
	case m.DefaultBackend != "":
		return fmt.Sprintf("the default backend %.253q of mesh %q does not exist", m.DefaultBackend, m.Name)
	}
	return fmt.Sprintf("names no backend, and mesh %q has no default one", m.Name)
}

// targetRef selects the proxies that the candidate is for.
func (c *candidate) targetRef() meshtrace.TargetRef {
	ref := meshtrace.TargetRef{Kind: meshtrace.Mesh}
	if len(c.tags) > 0 {
		ref = meshtrace.TargetRef{Kind: meshtrace.MeshSubset, Tags: c.tags}
	}
	if c.sidecarsOnly {
		ref.ProxyTypes = []string{meshtrace.Sidecar}
	}
	return ref
}

// build turns candidates into policies.
func (m *mesh) build() {
	byTarget := make(map[string][]*candidate)
	for _, c := range m.candidates {
		p := &meshtrace.Policy{
			Place: c.pair.Position(), Mesh: m.Name, Name: c.name, Format: m.format(c), Default: c.conf.Conf,
			Labels: m.labels(c), TargetRef: c.targetRef(), Source: annotated(c.pair), System: true,
		}
		if m.o.ZoneOrigin {
			p.Labels[cluster.OriginLabel] = "zone"
		}
		if m.o.Shadow {
			p.Labels[cluster.EffectLabel] = "shadow"
		}
		if p.Format == cluster.Kubernetes {
			p.Namespace = m.o.Namespace
			if p.Namespace == "" {
				p.Namespace = "kuma-system"
			}
			if m.o.CopyLabels {
				p.Annotations = c.pair.Annotations
			}
		}
		if c.conf.traces() {
			m.shield(p)
		}
		c.policy = p
		if len(m.earlier) > 0 {
			target := p.TargetRef.String()
			byTarget[target] = append(byTarget[target], c)
		}
		m.fates[c.position].Policies = append(m.fates[c.position].Policies, p)
		m.fates[c.position].Reason = ""
	}
	m.again = make(map[*meshtrace.Policy]*candidate, len(m.earlier))
	for _, p := range m.earlier {
		for _, c := range byTarget[p.TargetRef.String()] {
			if m.madeAgain(p, c) {
				m.again[p] = c
				break
			}
		}
	}
}

func (m *mesh) format(c *candidate) cluster.Format {
	if m.o.Format != "" {
		return m.o.Format
	}
	return c.pair.Format
}

// shield sets what p must set so that defaults and other policies do not leak
// into it.
func (m *mesh) shield(p *meshtrace.Policy) {
	// Up to 2.8, Kubernetes puts the string "100%" in the place of a missing
	// client or random sampling, and then refuses it.
	explicit := p.Format == cluster.Kubernetes && m.o.Version.DefaultsSamplingTo100Percent()
	for _, other := range m.existing {
		explicit = explicit || setsClientOrRandom(other)
		if len(other.Default.Tags) > 0 {
			p.Default.Tags = []meshtrace.Tag{}
		}
	}
	if explicit {
		p.Default.Sampling.Client, p.Default.Sampling.Random = meshtrace.PercentOf(100), meshtrace.PercentOf(100)
	}
}

func setsClientOrRandom(p *meshtrace.Policy) bool {
	return p.Default.Sampling.Client != nil || p.Default.Sampling.Random != nil
}

// list joins up to three names and counts the rest.
func list(names []string) string {
	const shown = 3
	if len(names) > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
	}
	return strings.Join(names, ", ")
}
