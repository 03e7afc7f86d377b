package convert

import (
	"regexp"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// maxRepeats is how often the set of what a previous run made is narrowed down. Twice is
// enough, unless policies were changed since.
const maxRepeats = 8

// resume converts, and continues a migration that was begun: an existing
// policy that is made here as well, for the same proxies and with the same tracing,
// is what a previous run made, and not what existed before it. Otherwise,
// after a partial apply, our own policies would be mistaken for tracing to preserve.
func (in *input) resume() []*conversion {
	return resume(in.mayBePrevious(), in.convert, func(m *conversion, p *meshtrace.Policy) (c *made, arrived bool) {
		return m.again[p], in.arrived[p]
	}, func(m *conversion) *mesh { return m.mesh })
}

// resume converts without those of the existing policies that a previous run may have made,
// until it makes each of these again. again returns the new policy for an existing one, nil without
// one; anyway is true if the existing one counts without it.
func resume[C any](
	previous map[*meshtrace.Policy]bool, convert func(previous map[*meshtrace.Policy]bool) []C,
	again func(of C, p *meshtrace.Policy) (c *made, anyway bool), meshOf func(C) *mesh,
) []C {
	// New policies set what other policies set as well. In the first round the others
	// are not known, so only the selected proxies are compared.
	for round := range maxRepeats {
		all := convert(previous)
		repeated := make(map[*meshtrace.Policy]bool)
		for _, of := range all {
			for _, p := range meshOf(of).previous {
				if c, anyway := again(of, p); anyway || c != nil && (round == 0 || givesSame(c.policy, p)) {
					repeated[p] = true
				}
			}
		}
		if len(previous) == 0 || round > 0 && len(repeated) == len(previous) {
			return all
		}
		previous = repeated
	}
	return convert(nil)
}

// mayBePrevious returns the existing policies that a previous run may have made.
func (in *input) mayBePrevious() map[*meshtrace.Policy]bool {
	previous := make(map[*meshtrace.Policy]bool)
	for _, p := range in.compared {
		annotated := p.Source != "" || p.Format == cluster.Universal // which keeps no annotation
		if in.arrived[p] || annotated && in.mayBeOurs(p) {
			previous[p] = true
		}
	}
	return previous
}

// mayBeOurs reports whether an existing policy is where this run would make it.
func (in *input) mayBeOurs(p *meshtrace.Policy) bool {
	return p.System && !p.Shadow(in.o.Version) && !ofOneZone(p, in.Origin, in.o) &&
		(p.Labels.Get(cluster.OriginLabel) == "zone") == in.o.ZoneOrigin
}

// origins finds the TrafficTraces of a mesh that existing policies were made from, whether they
// select by tags or by labels.
type origins struct {
	*mesh
	sources map[string]bool                   // of annotations
	byName  map[string][]*legacy.TrafficTrace // by the names of their policies, without ranks and numbers
}

func originsOf(m *mesh, ranked *legacy.Mesh) *origins {
	of := &origins{m, lists.Set(ranked.Pairs, annotation), make(map[string][]*legacy.TrafficTrace)}
	for _, trace := range m.TrafficTraces {
		name := validName(trace.DisplayName())
		of.byName[name] = append(of.byName[name], trace)
		if plain := rankInFront.ReplaceAllString(name, ""); plain != name { // replaced by a rank
			of.byName[plain] = append(of.byName[plain], trace)
		}
	}
	return of
}

// number matches what numbered and withHash put at the end of a name.
var number = regexp.MustCompile(`-([0-9]+|[0-9a-f]{8})$`)

// has reports whether a policy was made from a TrafficTrace of the mesh: its annotation says so
// or, on Universal, where none is kept, its name and its content.
func (of *origins) has(p *meshtrace.Policy) bool {
	if p.Format != cluster.Universal {
		return of.sources[p.Source]
	}
	from := func(trace *legacy.TrafficTrace) bool { return of.confOf(trace).Key() == p.Default.Key() }
	for _, name := range withoutRank(p.DisplayName()) {
		for before := ""; before != name; name = number.ReplaceAllString(name, "") {
			if slices.ContainsFunc(of.byName[name], from) {
				return true
			}
			before = name
		}
	}
	return false
}

// findAgain returns the policy that this run makes for each one of a previous run, if it does.
func findAgain(previous []*meshtrace.Policy, policies []*made) map[*meshtrace.Policy]*made {
	if len(previous) == 0 {
		return nil
	}
	byTarget := lists.Group(policies, func(c *made) string { return c.policy.TargetRef.String() })
	again := make(map[*meshtrace.Policy]*made, len(previous))
	for _, p := range previous {
		same := byTarget[p.TargetRef.String()]
		if i := slices.IndexFunc(same, func(c *made) bool { return isFrom(p, c) }); i >= 0 {
			again[p] = same[i]
		}
	}
	return again
}

// isFrom reports whether c is for the same proxies as p, and p may have its name
// from c's TrafficTrace.
func isFrom(p *meshtrace.Policy, c *made) bool {
	ref, trace := &c.policy.TargetRef, c.pair.TrafficTrace
	return p.TargetRef.Kind == ref.Kind && slices.Equal(ref.Tags, p.TargetRef.Tags) && slices.Equal(ref.Labels, p.TargetRef.Labels) &&
		slices.Equal(ref.ProxyTypes, p.TargetRef.ProxyTypes) &&
		(c.policy.Format != p.Format || c.policy.Namespace == p.Namespace) &&
		(p.Source != "" || mayBeNamed(p.Name, p.Mesh, trace) || mayBeNamed(p.DisplayName(), p.Mesh, trace))
}

var (
	rankInFront = regexp.MustCompile(`^[0-9]+-`)
	rank        = regexp.MustCompile(`\b[0-9]+-`) // also after the name of another policy
	numberAtEnd = regexp.MustCompile(`^(-[0-9]+)*$`)
)

// withoutRank returns a name, and what follows each rank in it.
func withoutRank(name string) []string {
	plain := []string{name}
	for _, at := range rank.FindAllStringIndex(name, -1) {
		plain = append(plain, name[at[1]:])
	}
	return plain
}

// mayBeNamed reports whether a policy of a mesh's TrafficTrace can get a name, whatever
// the others are: nameByTrace and rankNames give it.
func mayBeNamed(name, mesh string, trace *legacy.TrafficTrace) bool {
	base := validName(trace.DisplayName())
	begins := []string{base, withHash(base, mesh, trace.Name)}
	begins = append(begins, rankInFront.ReplaceAllString(begins[0], ""), rankInFront.ReplaceAllString(begins[1], "")) // replaced by a rank
	for _, without := range withoutRank(name) {
		for _, begin := range begins {
			if rest, ok := strings.CutPrefix(without, begin); ok && numberAtEnd.MatchString(rest) {
				return true
			}
		}
	}
	return false
}

// hasSameName reports whether existing policy p already has the name of new policy c. A
// copy in a zone has the original's name as its display name.
func hasSameName(p *meshtrace.Policy, c *made) bool {
	return p.Name == c.policy.Name || p.DisplayName() == c.policy.Name
}

// outdated returns the policies of a previous run that are made under another name
// now: they still exist when all is applied.
func outdated(m *mesh, policies []*made, again map[*meshtrace.Policy]*made) []*meshtrace.Policy {
	if len(m.previous) == 0 {
		return nil
	}
	replaced := lists.Set(policies, func(c *made) meshtrace.Identity { return c.policy.Identity() })
	var left []*meshtrace.Policy
	for _, p := range m.previous {
		if c := again[p]; !replaced[p.Identity()] && (c == nil || !hasSameName(p, c)) {
			left = append(left, p)
		}
	}
	return left
}

// givesSame reports whether p gives what made gives wherever it is merged: it sets
// what made sets, and to the same.
func givesSame(made, p *meshtrace.Policy) bool {
	a, b := &made.Default, &p.Default
	return a.Key() == b.Key() &&
		(a.Backends == nil) == (b.Backends == nil) &&
		(a.Sampling.Overall == nil) == (b.Sampling.Overall == nil) &&
		(a.Sampling.Client == nil || b.Sampling.Client != nil) &&
		(a.Sampling.Random == nil || b.Sampling.Random != nil) &&
		(a.Tags == nil || b.Tags != nil)
}

// previousRun is how far what a previous run made was applied.
type previousRun struct {
	existing map[*meshtrace.Policy]bool      // the new policies that exist already
	doubt    func(*cluster.Dataplane) string // why it is not known what is right for a proxy; may be nil
	notes    notes
}

// findPrevious finds the policies that a previous run made, and says how far that run was
// applied, and what of it differs by now.
func findPrevious(v *verification) previousRun {
	run := previousRun{existing: make(map[*meshtrace.Policy]bool)}
	if v.arrived {
		return run // dropArrived has judged them
	}
	changed, why, notes := changedSinceRun(v)
	run.notes = notes
	certain := len(changed) == 0
	for _, p := range v.mesh.previous {
		certain = certain && p.Source != ""
		if c := v.again[p]; c != nil && hasSameName(p, c) {
			run.existing[c.policy] = true
		}
	}
	for _, p := range outdated(v.mesh, v.policies, v.again) {
		var content any = sameContent
		if c := v.again[p]; c != nil {
			content = sameContentAs.of(facts{"policy": quoted(c.policy.Name)})
		}
		run.notes = append(run.notes, previousRenamed.note(p.Place, p, facts{"made": content}))
	}
	if len(v.mesh.previous) == 0 && certain {
		return run
	}
	complete := len(run.existing) == len(v.policies)
	certain = certain || complete && len(changed) == 0
	if complete && len(v.policies) > 0 {
		var exist any = oneExists
		if len(v.policies) > 1 {
			exist = allExist.of(facts{"count": len(v.policies)})
		}
		run.notes = append(run.notes, previousComplete.note(v.Place, v.mesh, facts{"exist": exist}))
		if certain {
			return run
		}
	}
	partly, doubt := remarkPart(v, changed, why, len(run.existing), certain)
	run.notes, run.doubt = append(run.notes, partly), doubt
	return run
}

// changedSinceRun returns the existing policies that a previous run made from a selector
// that gives something else by now, also because that run selected in another way, and why.
func changedSinceRun(v *verification) (changed []*meshtrace.Policy, why phrase, found notes) {
	existing := v.allExisting()
	if len(existing) == 0 {
		return nil, "", nil
	}
	of := originsOf(v.mesh, v.ranked)
	var otherwise []*meshtrace.Policy
	for _, p := range existing {
		byTags, byLabels := p.TargetRef.Kind == meshtrace.MeshSubset, len(p.TargetRef.Labels) > 0
		switch {
		case !of.has(p):
		case byTags && v.o.SelectsByLabels() || byLabels && !v.o.SelectsByLabels():
			otherwise = append(otherwise, p)
		case p.Format != cluster.Universal:
			changed = append(changed, p)
			found = append(found, previousChanged.note(p.Place, p, facts{"source": p.Source}))
		}
	}
	if len(otherwise) == 0 {
		return changed, changedSince, found
	}
	about, why := previousByTags, madeByTags
	if !v.o.SelectsByLabels() {
		about, why = previousByLabels, madeByLabels
	}
	policies := counted(lists.Each(otherwise, (*meshtrace.Policy).String), "MeshTrace")
	found = append(found, about.note(otherwise[0].Place, v.mesh, facts{"policies": policies}))
	return append(changed, otherwise...), why, found
}

// remarkPart reports that only some of a previous run's policies exist. The function that
// it returns says so of a proxy, where it is not certain that they are a previous run's.
func remarkPart(
	v *verification, changed []*meshtrace.Policy, why phrase, existing int, certain bool,
) (*Note, func(*cluster.Dataplane) string) {
	today := v.matcher(slices.Concat(v.allExisting(), v.mesh.previous)...)
	isChanged := lists.Set(changed, func(p *meshtrace.Policy) *meshtrace.Policy { return p })
	before := v.matcher(slices.DeleteFunc(v.allExisting(), func(p *meshtrace.Policy) bool { return isChanged[p] })...)
	differs := func(dp *cluster.Dataplane) bool { return v.tracing(today, dp) != v.tracing(before, dp) }
	proxies := names(lists.Each(lists.Keep(v.dataplanes, differs), (*cluster.Dataplane).String))
	var part any = why
	switch {
	case len(v.mesh.previous) == 0:
	case existing == 1:
		part = someExistOne.of(facts{"all": Plural(len(v.policies), "MeshTrace")})
	default:
		part = someExist.of(facts{"some": existing, "all": Plural(len(v.policies), "MeshTrace")})
	}
	f := facts{"part": part}
	var doubt func(*cluster.Dataplane) string
	if !certain {
		doubt = func(dp *cluster.Dataplane) string {
			if differs(dp) {
				return string(differsFromTrace)
			}
			return ""
		}
	}
	if len(v.dataplanes) > 0 && len(proxies) == 0 {
		return previousPartSame.note(v.Place, v.mesh, f), doubt
	}
	f["consequence"] = tracingCanDiffer
	if len(proxies) > 0 {
		f["consequence"] = tracingDiffersOf.of(facts{"proxies": proxies})
	}
	if certain {
		return previousPart.note(v.Place, v.mesh, f), doubt
	}
	return previousPartUnclear.note(v.Place, v.mesh, f), doubt
}

// arrivedPolicies returns the existing policies of a federated zone that a
// migration made at its global control plane: they come from there, and have the
// name and the tracing of a TrafficTrace. A zone keeps no annotation of them.
func (in *input) arrivedPolicies() map[*meshtrace.Policy]bool {
	arrived := make(map[*meshtrace.Policy]bool)
	if in.About().Mode != cluster.ModeFederatedZone || in.o.ZoneOrigin {
		return arrived
	}
	byName := legacy.ByName(in.Meshes)
	for i, p := range in.compared {
		m := byName[p.Mesh]
		fromGlobal := in.existing[i].Labels.Get(cluster.OriginLabel) == "global"
		if m == nil || !fromGlobal || p.Shadow(in.o.Version) || !p.System || !selectsByTags(p) {
			continue
		}
		arrived[p] = slices.ContainsFunc(m.TrafficTraces, func(t *legacy.TrafficTrace) bool {
			return mayBeNamed(p.DisplayName(), m.Name, t) && in.confs.keyOf(m, t) == p.Default.Key() && selectsLike(p.TargetRef.Tags, t)
		})
	}
	return arrived
}

// selectsLike reports whether a policy with tags can be made from a selector of t:
// a wildcard has a value, and the tag kuma.io/zone may have been added.
func selectsLike(tags cluster.Tags, t *legacy.TrafficTrace) bool {
	return slices.ContainsFunc(t.Selectors, func(s legacy.Selector) bool {
		left := len(tags)
		for _, want := range s.Tags {
			value, ok := tags.Lookup(want.Key)
			switch {
			case !ok && want.Key == cluster.ServiceTag && want.Value == cluster.Any:
				continue
			case !ok || want.Value != cluster.Any && want.Value != value:
				return false
			}
			left--
		}
		_, asked := s.Tags.Lookup(cluster.ZoneLabel)
		_, narrowed := tags.Lookup(cluster.ZoneLabel)
		return left == 0 || left == 1 && narrowed && !asked
	})
}
