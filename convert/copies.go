package convert

import (
	"cmp"
	"maps"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/meshtrace"
)

// copiesOf finds the existing policies by labels that an earlier run may have made of other
// MeshTraces, and these others: it puts a rank in front of their names or a number at the end.
func copiesOf(policies []*meshtrace.Policy) map[*meshtrace.Policy][]*meshtrace.Policy {
	type key struct{ namespace, name string }
	byName := make(map[key][]*meshtrace.Policy)
	for _, p := range policies {
		plain := key{p.Namespace, rankInFront.ReplaceAllString(validName(p.Name), "")}
		byName[plain] = append(byName[plain], p)
	}
	copies := make(map[*meshtrace.Policy][]*meshtrace.Policy)
	for _, p := range policies {
		if !selectsByLabels(p) {
			continue
		}
		plain := rankInFront.ReplaceAllString(p.Name, "")
		for _, name := range slices.Compact([]string{plain, number.ReplaceAllString(plain, "")}) {
			if name == p.Name {
				continue
			}
			copies[p] = append(copies[p], lists.Keep(byName[key{p.Namespace, name}], func(from *meshtrace.Policy) bool {
				return from != p && from.Default.Key() == p.Default.Key()
			})...)
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
		of := originsOf(m, m.Mesh)
		for p, originals := range copiesOf(m.existing) {
			if in.mayBeOurs(p) && !of.has(p) && slices.ContainsFunc(originals, func(from *meshtrace.Policy) bool { return mayBeCopy(p, from) }) {
				copies[p] = true
			}
		}
	}
	return copies
}

// mayBeCopy reports whether p can have been made of from, by its annotation if it can have one.
func mayBeCopy(p, from *meshtrace.Policy) bool {
	return p.Format == cluster.Universal || p.Source == cmp.Or(from.Source, from.String())
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
		if again[p] == nil && c != nil && c.policy.TargetRef.String() == p.TargetRef.String() && mayBeCopy(p, c.policy) && givesSame(c.policy, p) {
			again[p] = c
		}
	}
	return again
}

// resumeByLabels continues an earlier run. What may be its copies of MeshTraces are taken for
// such as long as each is made again.
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
