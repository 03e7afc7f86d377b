package meshtrace

import (
	"fmt"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
)

// Kind is the kind of a targetRef.
type Kind string

// The kinds, lowest precedence first.
const (
	Mesh              Kind = "Mesh"
	Dataplane         Kind = "Dataplane"
	MeshSubset        Kind = "MeshSubset"
	MeshGateway       Kind = "MeshGateway"
	MeshService       Kind = "MeshService"
	MeshServiceSubset Kind = "MeshServiceSubset"
)

// A kindRow has everything that the package knows about a kind.
type kindRow struct {
	kind       Kind
	precedence int             // the highest overrides the others
	since      cluster.Version // the first version with the kind; zero: as old as MeshTrace
	until      cluster.Version // the first version without it; zero: none
	replacedBy Kind            // from until on; empty: no kind
	selects    selection
	needs      fields // the required fields
	takes      fields // the other fields that have an effect
	written    bool   // Write writes the kind
	writes     fields // the fields of takes that every written policy has
}

// kinds has one row for each kind. A new kind is a row; a kind that selects in a
// new way is a case of Matcher.Matching as well.
var kinds = []kindRow{
	{
		kind: Mesh, precedence: 0, selects: everyProxy,
		takes: fieldProxyTypes, written: true,
	},
	{
		kind: Dataplane, precedence: 1, selects: byLabels, since: cluster.SinceDataplane,
		takes: fieldName | fieldNamespace | fieldLabels | fieldSectionName, written: true,
	},
	{
		kind: MeshSubset, precedence: 2, selects: byTags, until: cluster.SinceDataplaneOnly, replacedBy: Dataplane,
		takes: fieldTags | fieldProxyTypes, written: true, writes: fieldTags,
	},
	{
		kind: MeshGateway, precedence: 3, selects: byGateway, since: cluster.SinceMeshGateway, until: cluster.SinceDataplaneOnly,
		needs: fieldName,
	},
	{
		kind: MeshService, precedence: 4, selects: byService, until: cluster.SinceDataplaneOnly, replacedBy: Dataplane,
		needs: fieldName,
	},
	{
		kind: MeshServiceSubset, precedence: 5, selects: byService, until: cluster.SinceDataplaneOnly, replacedBy: Dataplane,
		needs: fieldName, takes: fieldTags,
	},
}

// row returns the row of k. A kind that does not exist has an empty row.
func (k Kind) row() *kindRow {
	for i := range kinds {
		if kinds[i].kind == k {
			return &kinds[i]
		}
	}
	return &kindRow{}
}

// removedIn reports whether version no longer has the kind.
func (row *kindRow) removedIn(version cluster.Version) bool {
	return row.until != (cluster.Version{}) && version.Compare(row.until) >= 0
}

// RemovedIn reports whether version no longer has the kind or a field of ref, and
// refuses the policy.
func (ref *TargetRef) RemovedIn(version cluster.Version) bool {
	return ref.Kind.row().removedIn(version) || ref.SectionName != "" && version.RefusesSectionName()
}

// MaySelectGateways reports whether ref selects builtin gateways that have what it selects by.
func (ref *TargetRef) MaySelectGateways() bool {
	return ref.Kind != Dataplane && (len(ref.ProxyTypes) == 0 || slices.Contains(ref.ProxyTypes, Gateway))
}

// kindNames lists the kinds, the oldest first.
func kindNames() string {
	sorted := slices.SortedStableFunc(slices.Values(kinds), func(a, b kindRow) int { return a.since.Compare(b.since) })
	return strings.Join(lists.Each(sorted, func(row kindRow) string { return string(row.kind) }), ", ")
}

// A selection is what a kind selects proxies by.
type selection int

const (
	noProxy    selection = iota // a kind that does not exist
	everyProxy                  // of the mesh
	byTags                      // one tag set of the proxy
	byService                   // one tag set, where the name is the tag kuma.io/service
	byLabels                    // labels, name and namespace of the Dataplane
	byGateway                   // the name of the proxy's MeshGateway
)

// fields is a set of a targetRef's fields other than its kind.
type fields uint

const (
	fieldName fields = 1 << iota
	fieldNamespace
	fieldTags
	fieldLabels
	fieldSectionName
	fieldProxyTypes
)

// targetRefFields lists the fields: the name in a manifest, the phrase in a
// sentence, the first version with the field, zero: as old as MeshTrace, and the first
// one that ignores it, zero: none.
var targetRefFields = []struct {
	field        fields
	name, phrase string
	since, until cluster.Version
	isSet        func(*TargetRef) bool
}{
	{
		field: fieldName, name: "name", phrase: "a name", until: cluster.SinceDataplaneOnly,
		isSet: func(ref *TargetRef) bool { return ref.Name != "" },
	},
	{
		field: fieldNamespace, name: "namespace", phrase: "a namespace", until: cluster.SinceDataplaneOnly,
		isSet: func(ref *TargetRef) bool { return ref.Namespace != "" },
	},
	{field: fieldTags, name: "tags", phrase: "tags", isSet: func(ref *TargetRef) bool { return len(ref.Tags) > 0 }},
	{field: fieldLabels, name: "labels", phrase: "labels", isSet: func(ref *TargetRef) bool { return len(ref.Labels) > 0 }},
	{
		field: fieldSectionName, name: "sectionName", phrase: "a sectionName",
		isSet: func(ref *TargetRef) bool { return ref.SectionName != "" },
	},
	{
		field: fieldProxyTypes, name: "proxyTypes", phrase: "proxyTypes", since: cluster.SinceProxyTypes, until: cluster.SinceDataplaneOnly,
		isSet: func(ref *TargetRef) bool { return len(ref.ProxyTypes) > 0 },
	},
}

// has reports whether f contains field.
func (f fields) has(field fields) bool { return f&field != 0 }

// Selector returns the tags that ref selects by. It is empty for the kinds that do not
// select by tags.
func (ref *TargetRef) Selector() cluster.Tags {
	switch row := ref.Kind.row(); row.selects {
	case byTags:
		return ref.Tags
	case byService:
		tags := cluster.Tags{{Key: cluster.ServiceTag, Value: ref.Name}}
		if row.takes.has(fieldTags) {
			tags = tags.And(ref.Tags) // a service among these overrides the name
		}
		return tags
	}
	return cluster.Tags{}
}

// SelectsEvery reports whether ref selects every proxy that has a tag set with these
// tags. It ignores proxyTypes.
func (ref *TargetRef) SelectsEvery(tags cluster.Tags) bool {
	switch ref.Kind.row().selects {
	case everyProxy:
		return true
	case byTags, byService:
		return ref.Selector().Match(tags)
	}
	return false
}

// refusedBy lists what of ref's kind and fields version refuses and another version
// accepts.
func (ref *TargetRef) refusedBy(version cluster.Version) []string {
	var wrong []string
	for _, field := range targetRefFields {
		if field.isSet(ref) {
			wrong = append(wrong, addedLater(version, field.since, "targetRef.", field.name)...)
		}
	}
	row := ref.Kind.row()
	wrong = append(wrong, addedLater(version, row.since, "targetRef kind ", string(ref.Kind))...)
	if last := row.until; row.removedIn(version) {
		remedy := "; delete the policy"
		if row.replacedBy != "" {
			remedy = "; use kind " + string(row.replacedBy)
		}
		wrong = append(wrong, fmt.Sprintf("targetRef kind %s was removed in %s, so %s does not accept it%s",
			ref.Kind, last.MajorMinor(), version, remedy))
	}
	return wrong
}

// ignoredBy lists the fields of ref that version accepts and ignores, so that the policy
// selects other proxies.
func (ref *TargetRef) ignoredBy(version cluster.Version) []string {
	var wrong []string
	for _, field := range targetRefFields {
		if field.isSet(ref) && field.until != (cluster.Version{}) && version.Compare(field.until) >= 0 {
			wrong = append(wrong, fmt.Sprintf("targetRef.%s was removed in %s, so %s ignores it", field.name, field.until.MajorMinor(), version))
		}
	}
	return wrong
}

// IsIn reports whether version selects by all that ref says.
func (ref *TargetRef) IsIn(version cluster.Version) bool {
	return len(ref.refusedBy(version)) == 0 && len(ref.ignoredBy(version)) == 0 && !ref.RemovedIn(version)
}

// addedLater returns a sentence if version is older than since, the version that added
// what, in words.
func addedLater(version, since cluster.Version, what ...string) []string {
	if version.Compare(since) >= 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s was added in %s, so %s does not accept it", strings.Join(what, ""), since.MajorMinor(), version)}
}

// unwritable lists why Write does not write ref.
func (ref *TargetRef) unwritable() []string {
	row := ref.Kind.row()
	switch {
	case row.selects == noProxy:
		return []string{fmt.Sprintf("targetRef kind %q is unknown", string(ref.Kind))}
	case !row.written:
		return []string{fmt.Sprintf("targetRef kind %s is never written here", ref.Kind)}
	}
	wrong := ref.misplaced()
	for _, field := range targetRefFields {
		if !field.isSet(ref) && (row.needs | row.writes).has(field.field) {
			wrong = append(wrong, fmt.Sprintf("targetRef %s has no %s", ref.Kind, field.name))
		}
	}
	return wrong
}

// misplaced lists the fields of ref that do not belong to its kind. Every version refuses
// them (ValidateTargetRef in pkg/core/resources/apis/mesh, and before 2.5 in
// pkg/plugins/policies, of Kuma's tags).
func (ref *TargetRef) misplaced() []string {
	row := ref.Kind.row()
	if row.selects == noProxy {
		return nil
	}
	var wrong []string
	for _, field := range targetRefFields {
		// A MeshService may be named by namespace and labels as well.
		other := row.selects == byService && (field.field == fieldNamespace || field.field == fieldLabels)
		if field.isSet(ref) && !(row.needs | row.takes).has(field.field) && !other {
			wrong = append(wrong, fmt.Sprintf("targetRef %s has %s", ref.Kind, field.phrase))
		}
	}
	return wrong
}
