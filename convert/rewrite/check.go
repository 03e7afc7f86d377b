package rewrite

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/meshtrace"
)

// CheckRendered returns, as errors, the planned policies that an overlay renders so that
// they select other proxies, or have another precedence.
func (r *Repo) CheckRendered(overlay string, planned, rendered []*meshtrace.Policy) []*manifest.Problem {
	c := &checker{Repo: r, overlay: r.byDir[overlay], found: make(map[*meshtrace.Policy]*meshtrace.Policy)}
	byContent := lists.Group(rendered, contentOf)
	for _, p := range planned {
		if rendered := likest(p, byContent[contentOf(p)]); rendered != nil {
			c.compare(p, rendered)
			continue
		}
		c.refuse(p, "patches", "is not rendered as it is written", "so it may select other proxies, or send other traces")
	}
	c.compareOrder(planned)
	return manifest.SortProblems(c.problems)
}

// likest returns the candidate of the same name, else one of the same mesh, else any.
func likest(p *meshtrace.Policy, candidates []*meshtrace.Policy) *meshtrace.Policy {
	var found *meshtrace.Policy
	for _, q := range candidates {
		switch {
		case q.Name == p.Name:
			return q
		case found == nil || found.Mesh != p.Mesh && q.Mesh == p.Mesh:
			found = q
		}
	}
	return found
}

// contentOf returns a text that is equal for policies that select the same proxies of any
// mesh with the same tracing, whatever their names.
func contentOf(p *meshtrace.Policy) string {
	return fmt.Sprintf("%s\x00%v\x00%s", p.TargetRef.String(), p.TargetRef.ProxyTypes, p.Default.Key())
}

type checker struct {
	*Repo
	overlay  *kustomization
	found    map[*meshtrace.Policy]*meshtrace.Policy // rendered, by planned
	problems []*manifest.Problem
}

// decisiveLabels decide on what a policy of a mesh selects, or on its precedence.
var decisiveLabels = []string{cluster.OriginLabel, cluster.EffectLabel, cluster.RoleLabel}

// compare compares a planned policy with what an overlay renders it to.
func (c *checker) compare(p, rendered *meshtrace.Policy) {
	c.found[p] = rendered
	if rendered.Namespace != p.Namespace {
		c.refuse(p, "namespace", fmt.Sprintf("is moved from namespace %s to %s", p.Namespace, rendered.Namespace),
			"where it selects only the proxies of that namespace, unless the control plane is there (then pass -n "+rendered.Namespace+")")
	}
	if rendered.Mesh != p.Mesh {
		c.refuse(p, "labels", fmt.Sprintf("is moved from mesh %q to %q", p.Mesh, rendered.Mesh), "so it selects other proxies")
	}
	for _, key := range decisiveLabels {
		if was, is := p.Labels.Get(key), rendered.Labels.Get(key); was != is {
			c.refuse(p, "labels", fmt.Sprintf("gets the label %s: %q instead of %q", key, is, was), "which decides on its precedence or effect")
		}
	}
}

// compareOrder compares the order of names, which is the order of precedence.
func (c *checker) compareOrder(planned []*meshtrace.Policy) {
	type group struct {
		mesh string
		kind meshtrace.Kind
	}
	found := lists.Keep(planned, func(p *meshtrace.Policy) bool { return c.found[p] != nil })
	for _, policies := range lists.Group(found, func(p *meshtrace.Policy) group { return group{p.Mesh, p.TargetRef.Kind} }) {
		slices.SortFunc(policies, func(a, b *meshtrace.Policy) int { return strings.Compare(a.Name, b.Name) })
		for i, p := range policies[1:] {
			before := policies[i]
			if was, is := c.found[before].Name, c.found[p].Name; was > is {
				c.refuse(p, "namePrefix", fmt.Sprintf("is rendered as %q, and MeshTrace %q as %q", is, before.Name, was),
					"so their precedence is reversed: the order of names decides")
				return
			}
		}
	}
}

// fieldsOf are the fields of a kustomization that change what a checked field is.
var fieldsOf = map[string][]string{
	"namespace":  {"namespace"},
	"labels":     {"labels", "commonLabels"},
	"namePrefix": {"namePrefix", "nameSuffix"},
	"patches":    {"patches", "patchesStrategicMerge", "patchesJson6902", "transformers"},
}

// refuse records that a kustomization changes a policy through a field.
func (c *checker) refuse(p *meshtrace.Policy, field, fault, why string) {
	place, named := c.cause(field)
	c.problems = append(c.problems, &manifest.Problem{
		Place: place, Severity: manifest.Error, Of: manifest.Subject{Kind: cluster.KindMeshTrace, Name: p.Name, Mesh: p.Mesh},
		Fault:  fmt.Sprintf("%s by %s, %s", fault, cmp.Or(named, "a transformer or a patch of the overlay"), why),
		Remedy: "take the MeshTraces out of what this changes, such as with a kustomization of their own",
	})
}

// cause returns the place and name of the first field of the overlay, or of a kustomization
// that it includes, that may be the cause.
func (c *checker) cause(field string) (place manifest.Place, named string) {
	files := make(map[string]bool)
	if c.overlay == nil {
		return manifest.Place{}, ""
	}
	c.included(c.overlay, files)
	for _, k := range append([]*kustomization{c.overlay}, c.kustomizations...) {
		for _, name := range fieldsOf[field] {
			if n := manifest.ValueOf(k.doc.Root, name); n != nil && files[k.path] {
				return k.place(n), name
			}
		}
	}
	return c.overlay.place(nil), ""
}
