package convert

import (
	"cmp"
	"maps"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/meshtrace"
)

// originalKey identifies the MeshTraces that a copy can have been made of.
type originalKey struct{ namespace, name, conf, source string }

// copiesOf finds the existing policies by labels that an earlier run may have made of other
// MeshTraces, with one of these each, without a rank if there is one: a copy has a rank in front of
// its original's name or a number at the end, the same content, and an annotation if it can have one.
func copiesOf(policies []*meshtrace.Policy) map[*meshtrace.Policy]*meshtrace.Policy {
	originals := make(map[originalKey][]*meshtrace.Policy) // two, because one may be the copy itself
	for _, from := range policies {
		key := originalKey{from.Namespace, rankInFront.ReplaceAllString(validName(from.Name), ""), from.Default.Key(), ""}
		if from.Format != cluster.Universal {
			key.source = cmp.Or(from.Source, from.String())
		}
		known := originals[key]
		switch {
		case !rankInFront.MatchString(from.Name):
			originals[key] = append([]*meshtrace.Policy{from}, known[:min(len(known), 1)]...)
		case len(known) < 2:
			originals[key] = append(known, from)
		}
	}
	copies := make(map[*meshtrace.Policy]*meshtrace.Policy)
	for _, p := range policies {
		if !selectsByLabels(p) {
			continue
		}
		plain := rankInFront.ReplaceAllString(p.Name, "")
		for _, name := range []string{number.ReplaceAllString(plain, ""), plain} {
			key := originalKey{p.Namespace, name, p.Default.Key(), ""}
			if p.Format != cluster.Universal {
				key.source = p.Source
			}
			i := slices.IndexFunc(originals[key], func(from *meshtrace.Policy) bool { return from != p })
			if name != p.Name && i >= 0 {
				copies[p] = originals[key][i]
			}
		}
	}
	return copies
}

// mayBeCopies returns the existing policies that an earlier run by labels may have made of
// MeshTraces that still exist.
func (in *input) mayBeCopies() map[*meshtrace.Policy]bool {
	copies := make(map[*meshtrace.Policy]bool)
	if !slices.ContainsFunc(in.compared, selectsByLabels) {
		return copies // mostly
	}
	for _, m := range in.meshesWithout(nil) {
		for p := range in.copiesIn(m) {
			copies[p] = true
		}
	}
	return copies
}

// copiesIn returns those of a mesh, with one of their originals each.
func (in *input) copiesIn(m *mesh) map[*meshtrace.Policy]*meshtrace.Policy {
	copies := copiesOf(m.existing)
	if len(copies) == 0 {
		return nil // mostly
	}
	of := originsOf(m, m.Mesh)
	maps.DeleteFunc(copies, func(p, _ *meshtrace.Policy) bool { return !in.mayBeOurs(p) || of.has(p) })
	return copies
}

// copies returns the policies that are made of other MeshTraces.
func (r *relabelling) copies() []*made {
	var copies []*made
	for _, p := range r.policies {
		if p.existing != nil && !p.kept {
			copies = append(copies, &made{&candidate{position: p.position}, p.policy})
		}
	}
	return copies
}

// findRepeated returns the policy that this run makes for each one of an earlier run, if it
// does: of another MeshTrace, it is recognised by the same name, proxies and content.
func (r *relabelling) findRepeated() map[*meshtrace.Policy]*made {
	again := findAgain(r.mesh.previous, r.made)
	if len(again) == len(r.mesh.previous) {
		return again
	}
	byName := lists.By(r.copies(), func(c *made) string { return c.policy.Name })
	for _, p := range r.mesh.previous {
		c := byName[p.Name]
		from := p.Format == cluster.Universal || c != nil && p.Source == c.policy.Source
		if again[p] == nil && c != nil && from && c.policy.TargetRef.String() == p.TargetRef.String() && givesSame(c.policy, p) {
			again[p] = c
		}
	}
	return again
}

// resumeByLabels continues an earlier run. Policies that may be its copies of MeshTraces count as
// that as long as this run makes each of them, too.
func (in *input) resumeByLabels(relabel func(previous map[*meshtrace.Policy]bool) []*relabelling) []*relabelling {
	traces := in.mayBePreviousByLabels()
	again := func(r *relabelling, p *meshtrace.Policy) (*made, bool) { return r.repeated[p], false }
	for copies := in.mayBeCopies(); ; {
		previous := maps.Clone(traces)
		maps.Copy(previous, copies)
		all := resume(previous, relabel, again, func(r *relabelling) *mesh { return r.mesh })
		repeated := make(map[*meshtrace.Policy]bool)
		for _, r := range all {
			for _, p := range lists.Keep(r.mesh.previous, func(p *meshtrace.Policy) bool { return copies[p] }) {
				repeated[p] = true
			}
		}
		if len(repeated) == len(copies) {
			return all
		}
		copies = repeated
	}
}
