package meshtrace

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// fullRef returns a targetRef of a kind with some of the fields.
func fullRef(kind Kind, some fields) TargetRef {
	ref := TargetRef{Kind: kind}
	for field, set := range map[fields]func(){
		fieldName:        func() { ref.Name = "web" },
		fieldNamespace:   func() { ref.Namespace = "shop" },
		fieldTags:        func() { ref.Tags = cluster.NewTags(map[string]string{"team": "core", "on": "yes"}) },
		fieldLabels:      func() { ref.Labels = cluster.NewTags(map[string]string{"app": "web", "tier": "1"}) },
		fieldSectionName: func() { ref.SectionName = "http" },
		fieldProxyTypes:  func() { ref.ProxyTypes = []string{Sidecar} },
	} {
		if some.has(field) {
			set()
		}
	}
	return ref
}

// Every kind must have one row, with a precedence of its own, and each row must
// be consistent in itself.
func TestKinds(t *testing.T) {
	seen := make(map[Kind]bool)
	for i, row := range kinds {
		assert.False(t, seen[row.kind], "%s has two rows", row.kind)
		seen[row.kind] = true
		assert.Equal(t, i, row.precedence, "the rows are in the order of precedence: %s", row.kind)
		assert.NotEqual(t, noProxy, row.selects, row.kind)
		assert.Zero(t, row.needs&row.takes, "%s needs a field, so it takes it", row.kind)
		assert.Zero(t, row.writes&^row.takes, "%s writes only what it takes", row.kind)
		assert.True(t, row.written || row.writes == 0, row.kind)
		if row.replacedBy != "" {
			assert.Zero(t, row.replacedBy.row().until, "the kind that replaces %s stays", row.kind)
			assert.NotZero(t, row.until, row.kind)
		}
	}
	assert.Len(t, kinds, 6)
	assert.Equal(t, "Mesh, MeshSubset, MeshService, MeshServiceSubset, MeshGateway, Dataplane", kindNames())
}

// What a kind selects by, and which version has it.
func TestKind(t *testing.T) {
	core := cluster.NewTags(map[string]string{"team": "core", "kuma.io/service": "web", "on": "yes"})
	tests := map[Kind]struct {
		from, last   cluster.Version // the versions that accept it
		refused      string          // by 3.0
		selector     cluster.Tags
		selectsEvery bool // with the tags core
		written      bool
	}{
		Mesh: {
			from: cluster.V(0), last: cluster.SinceDataplaneOnly,
			selector: cluster.Tags{}, selectsEvery: true, written: true,
		},
		Dataplane: {
			from: cluster.V(10), last: cluster.SinceDataplaneOnly,
			selector: cluster.Tags{}, written: true,
		},
		MeshSubset: {
			from: cluster.V(0), last: cluster.Latest, refused: "targetRef kind MeshSubset was removed in 3.0, so 3.0.0 does not accept it; use kind Dataplane",
			selector: cluster.NewTags(map[string]string{"team": "core", "on": "yes"}), selectsEvery: true, written: true,
		},
		MeshGateway: {
			from: cluster.V(6), last: cluster.Latest, refused: "targetRef kind MeshGateway was removed in 3.0, so 3.0.0 does not accept it; delete the policy",
			selector: cluster.Tags{},
		},
		MeshService: {
			from: cluster.V(0), last: cluster.Latest, refused: "targetRef kind MeshService was removed in 3.0, so 3.0.0 does not accept it; use kind Dataplane",
			selector: cluster.NewTags(map[string]string{"kuma.io/service": "web"}), selectsEvery: true,
		},
		MeshServiceSubset: {
			from: cluster.V(0), last: cluster.Latest, refused: "targetRef kind MeshServiceSubset was removed in 3.0, so 3.0.0 does not accept it; use kind Dataplane",
			selector: cluster.NewTags(map[string]string{"team": "core", "on": "yes", "kuma.io/service": "web"}), selectsEvery: true,
		},
		"Everything": {
			from: cluster.V(0), last: cluster.SinceDataplaneOnly, // there is another message for it
			selector: cluster.Tags{},
		},
	}
	for _, row := range kinds {
		assert.Contains(t, tests, row.kind)
	}
	for kind, test := range tests {
		t.Run(string(kind), func(t *testing.T) {
			row := kind.row()
			ref := fullRef(kind, (row.needs|row.takes)&^fieldProxyTypes)
			for _, version := range []cluster.Version{cluster.V(0), cluster.V(5), cluster.V(6), cluster.V(9), cluster.V(10), cluster.Latest, cluster.SinceDataplaneOnly} {
				accepted := version.Compare(test.from) >= 0 && version.Compare(test.last) <= 0
				assert.Equal(t, accepted, len(ref.refusedBy(version)) == 0, "%s: %s", version, ref.refusedBy(version))
			}
			if test.refused != "" {
				assert.Equal(t, []string{test.refused}, ref.refusedBy(cluster.SinceDataplaneOnly))
			}
			assert.Equal(t, test.selector, ref.Selector())
			assert.Equal(t, test.selectsEvery, ref.SelectsEvery(core))
			assert.Equal(t, kind == Mesh, ref.SelectsEvery(cluster.NewTags(map[string]string{"team": "shop"})))
			assert.Equal(t, test.written, row.written)
		})
	}
}

// writeEach writes p in each form that there is.
func writeEach(p *Policy, version cluster.Version) map[string]error {
	errs := make(map[string]error)
	for name, json := range map[string]bool{"yaml": false, "json": true} {
		style := Style{Version: version, JSON: json}
		var text bytes.Buffer
		errs["Write "+name] = Write(&text, []*Policy{p}, style)
		if text.Len() > 0 && errs["Write "+name] != nil {
			panic("Write wrote in spite of an error: " + text.String())
		}
		_, _, errs["File "+name] = p.File(style)
	}
	_, errs["Manifests"] = Manifests([]*Policy{p}, Style{Version: version})
	return errs
}

// Write must refuse what the table of kinds does not allow, and a backend that has
// no form here, in each form.
func TestWriteRefuses(t *testing.T) {
	backend := []Backend{{Type: TypeOpenTelemetry, OpenTelemetry: &OpenTelemetry{Endpoint: "otel:4317"}}}
	tests := map[string]struct {
		version  cluster.Version
		ref      TargetRef
		backends []Backend
		want     string // empty: it is written
	}{
		"Mesh":                               {version: cluster.V(0), ref: fullRef(Mesh, 0)},
		"Mesh with proxyTypes":               {version: cluster.V(6), ref: fullRef(Mesh, fieldProxyTypes)},
		"Mesh with proxyTypes, 2.5":          {version: cluster.V(5), ref: fullRef(Mesh, fieldProxyTypes), want: "targetRef.proxyTypes was added in 2.6"},
		"Mesh with tags":                     {version: cluster.Latest, ref: fullRef(Mesh, fieldTags), want: "targetRef Mesh has tags"},
		"Mesh with a name":                   {version: cluster.Latest, ref: fullRef(Mesh, fieldName), want: "targetRef Mesh has a name"},
		"Mesh with labels and a sectionName": {version: cluster.Latest, ref: fullRef(Mesh, fieldLabels|fieldSectionName), want: "targetRef Mesh has labels; targetRef Mesh has a sectionName"},
		"MeshSubset":                         {version: cluster.V(0), ref: fullRef(MeshSubset, fieldTags)},
		"MeshSubset with proxyTypes":         {version: cluster.Latest, ref: fullRef(MeshSubset, fieldTags|fieldProxyTypes)},
		"MeshSubset without tags":            {version: cluster.Latest, ref: fullRef(MeshSubset, fieldProxyTypes), want: "targetRef MeshSubset has no tags"},
		"MeshSubset with a namespace":        {version: cluster.Latest, ref: fullRef(MeshSubset, fieldTags|fieldNamespace), want: "targetRef MeshSubset has a namespace"},
		"MeshSubset, 3.0":                    {version: cluster.SinceDataplaneOnly, ref: fullRef(MeshSubset, fieldTags), want: "targetRef kind MeshSubset was removed in 3.0"},
		"Dataplane":                          {version: cluster.Latest, ref: fullRef(Dataplane, fieldLabels)},
		"Dataplane without labels":           {version: cluster.Newest, ref: fullRef(Dataplane, 0)},
		"Dataplane with a name":              {version: cluster.Latest, ref: fullRef(Dataplane, fieldName)},
		"Dataplane with a name, 3.0":         {version: cluster.Newest, ref: fullRef(Dataplane, fieldName), want: "targetRef.name was removed in 3.0, so 3.0 ignores it"},
		"Mesh with proxyTypes, 3.0":          {version: cluster.Newest, ref: fullRef(Mesh, fieldProxyTypes), want: "targetRef.proxyTypes was removed in 3.0, so 3.0 ignores it"},
		"Dataplane, 2.9":                     {version: cluster.V(9), ref: fullRef(Dataplane, fieldLabels), want: "targetRef kind Dataplane was added in 2.10"},
		"MeshGateway":                        {version: cluster.Latest, ref: fullRef(MeshGateway, fieldName), want: "targetRef kind MeshGateway is never written here"},
		"MeshService":                        {version: cluster.Latest, ref: fullRef(MeshService, fieldName), want: "targetRef kind MeshService is never written here"},
		"MeshServiceSubset":                  {version: cluster.Latest, ref: fullRef(MeshServiceSubset, fieldName|fieldTags), want: "targetRef kind MeshServiceSubset is never written here"},
		"unknown kind":                       {version: cluster.Latest, ref: fullRef("Everything", 0), want: `targetRef kind "Everything" is unknown`},
		"no kind":                            {version: cluster.Latest, want: `targetRef kind "" is unknown`},
		"OpenTelemetry":                      {version: cluster.Latest, ref: fullRef(Mesh, 0), backends: backend},
		"a backend without its field":        {version: cluster.Latest, ref: fullRef(Mesh, 0), backends: []Backend{{Type: TypeZipkin}}, want: `a backend of type "Zipkin" does not have its field`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := &Policy{Mesh: "default", Name: "all", Format: cluster.Universal, TargetRef: test.ref, Default: Conf{Backends: test.backends}}
			for form, err := range writeEach(p, test.version) {
				if test.want == "" {
					assert.NoError(t, err, form)
				} else {
					assert.ErrorContains(t, err, `writing MeshTrace "all": `+test.want, form)
				}
			}
		})
	}
}

// A kind whose row says that it is written must be written with all that it takes,
// so that read again it is the same, in each form.
func TestWriteTakesEveryField(t *testing.T) {
	for i := range kinds {
		row := &kinds[i]
		t.Run(string(row.kind), func(t *testing.T) {
			before := row.written
			row.written = true
			defer func() { row.written = before }()
			p := &Policy{Mesh: "default", Name: "all", Format: cluster.Universal, TargetRef: fullRef(row.kind, row.needs|row.takes)}
			for _, json := range []bool{false, true} {
				_, text, err := p.File(Style{Version: cluster.Latest, JSON: json})
				require.NoError(t, err)
				policies, problems := Read(cluster.Read([]manifest.Input{manifest.Text("f", string(text))}))
				require.Empty(t, problems)
				require.Len(t, policies, 1)
				assert.Equal(t, p.TargetRef, policies[0].TargetRef, string(text))
			}
		})
	}
}
