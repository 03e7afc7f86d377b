package report

import (
	"cmp"
	"fmt"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// Build returns the report on current, and the plan of the conversion, which has no
// comparisons if the report is brief. For invalid input it returns the problems and no
// report.
func Build(current *convert.Current, o Options) (*Report, *convert.Plan, []*manifest.Problem) {
	result, problems := convert.Convert(current, o.Convert)
	s := current.Snapshot
	if result == nil {
		return nil, nil, problems
	}
	b := &builder{
		Report: &Report{
			Origin: s.About(), KumaVersion: o.Convert.Version.String(), Meshes: []Mesh{}, TrafficTraces: []TrafficTrace{}, Existing: []Existing{},
			Notes: convert.Texts(result.Notes), Flows: []Flow{}, HandWork: []HandWork{}, Way: []Stage{},
		},
		options: o, snapshot: s, result: result,
		selected: make(map[identity]int), selectedToday: make(map[identity]int),
		decided: make(map[pairName]int), traced: make(map[*legacy.Backend]int),
	}
	b.compare()
	b.Causes = lists.Each(envoydiff.Causes(result.Comparisons...), CauseOf)
	b.Summary.Tally, b.Summary.MadeUp = envoydiff.Count(result.Comparisons), result.MadeUp
	if o.Brief {
		result.Comparisons = nil // half of the memory
	}
	b.legacy(result.Meshes)
	b.policies(result.Existing)
	b.count()
	b.handWork()
	b.texts, b.Commands = b.stepWriter(), b.commands()
	b.NextSteps = b.texts.write(b.steps(result.Meshes))
	return b.Report, result, problems
}

// pairName names a selector of a TrafficTrace.
type pairName struct {
	mesh, trace string
	number      int
}

type builder struct {
	*Report
	options  Options
	snapshot *cluster.Snapshot
	result   *convert.Plan
	// Numbers of known proxies.
	selected, selectedToday map[identity]int // proxies that each policy selects afterwards, and today
	decided                 map[pairName]int
	traced                  map[*legacy.Backend]int
}

// identity is equal for copies of a policy.
type identity struct{ mesh, namespace, name string }

func identityOf(p *meshtrace.Policy) identity { return identity{p.Mesh, p.Namespace, p.Name} }

// legacy fills in Meshes and TrafficTraces.
func (b *builder) legacy(meshes []*legacy.Mesh) {
	proxies := lists.Count(b.snapshot.Dataplanes, func(dp *cluster.Dataplane) string { return dp.Mesh })
	// A selector has several where zones have policies of their own.
	fates := lists.Group(b.result.Fates, func(fate *convert.Fate) pairName { return pairName{fate.Mesh, fate.TrafficTrace, fate.Selector} })
	for _, mesh := range meshes {
		m := Mesh{
			Name: mesh.Name, Proxies: proxies[mesh.Name], DefaultBackend: manifest.Redact(mesh.DefaultBackend),
			Backends: []Backend{}, TrafficRoute: b.snapshot.TrafficRoutes[mesh.Name],
		}
		users := make(map[*legacy.Backend][]string)
		for _, trace := range mesh.TrafficTraces {
			t := TrafficTrace{Mesh: mesh.Name, Name: trace.Name, Source: trace.Place, Selectors: []Selector{}}
			if backend := mesh.BackendOf(trace); backend != nil {
				t.Backend = manifest.Redact(backend.Name)
				users[backend] = append(users[backend], trace.Name)
			}
			for i, selector := range trace.Selectors {
				name := pairName{mesh.Name, trace.Name, i + 1}
				s := b.selector(name, selector.Tags, fates[name])
				t.Proxies += s.Proxies
				t.Selectors = append(t.Selectors, s)
			}
			b.TrafficTraces = append(b.TrafficTraces, t)
		}
		for _, backend := range mesh.Backends {
			m.Backends = append(m.Backends, b.backend(backend, users[backend]))
		}
		b.Meshes = append(b.Meshes, m)
	}
}

// selector returns a selector with its fates.
func (b *builder) selector(name pairName, tags cluster.Tags, fates []*convert.Fate) Selector {
	s := Selector{Number: name.number, Tags: tags.String(), Proxies: b.decided[name], Policies: []string{}}
	for _, fate := range fates {
		s.Reason = cmp.Or(s.Reason, fate.Reason)
		for _, policy := range fate.Policies {
			s.Policies = append(s.Policies, policy.Name)
		}
	}
	if len(s.Policies) > 0 {
		s.Reason = "" // of another zone
	}
	return s
}

// backend returns a backend with the TrafficTraces that use it.
func (b *builder) backend(backend *legacy.Backend, users []string) Backend {
	out := Backend{
		Name: manifest.Redact(backend.Name), Type: backend.Type, Sampling: backend.Sampling,
		TrafficTraces: users, Proxies: b.traced[backend],
	}
	if len(backend.Problems) == 0 {
		out.Address = backend.Collector().Address()
	}
	if out.TrafficTraces == nil {
		out.TrafficTraces = []string{}
	}
	return out
}

// policies fills in Policies and Existing.
func (b *builder) policies(existing []*meshtrace.Policy) {
	style := meshtrace.Style{Version: b.options.Convert.Version}
	written := func(policies []*meshtrace.Policy) []Policy {
		all := lists.Each(policies, func(p *meshtrace.Policy) Policy {
			return Policy{Mesh: p.Mesh, Name: p.Name, Namespace: p.Namespace, Source: p.Source, Proxies: b.selected[identityOf(p)]}
		})
		if b.options.Brief {
			return all
		}
		texts, err := meshtrace.Manifests(policies, style)
		if err != nil {
			b.HandWork = append(b.HandWork, HandWork{
				Severity: manifest.Error, Resources: []string{}, Remedy: fmt.Sprintf("policies could not be written: %v", err),
			})
			return all
		}
		for i := range all {
			all[i].Manifest = manifest.Redact(texts[i])
			all[i].Redacted = all[i].Manifest != texts[i]
		}
		return all
	}
	b.Policies, b.Withheld = written(b.result.New()), written(b.result.Withheld)
	for _, p := range existing {
		previous, selected := b.result.IsPrevious(p), b.selectedToday
		if previous {
			b.Summary.Earlier++
			selected = b.selected
		}
		b.Existing = append(b.Existing, Existing{
			Mesh: p.Mesh, Name: p.Name, Namespace: p.Namespace,
			Shadow: p.Shadow(b.options.Convert.Version), Earlier: previous, Proxies: selected[identityOf(p)],
		})
	}
}

func (b *builder) count() {
	sum := &b.Summary
	sum.Meshes, sum.TrafficTraces, sum.Policies = len(b.Meshes), len(b.TrafficTraces), len(b.Policies)
	sum.Tracing = b.result.Tracing()
	for _, note := range b.result.Notes {
		switch note.Severity {
		case manifest.Error:
			sum.Errors++
		case manifest.Warning:
			sum.Warnings++
		}
	}
	_, sum.Unverified = b.Origin.Lacks(cluster.KindDataplane)
	if sum.TrafficTraces > 0 {
		sum.ZonesUnread = len(convert.ZonesUnread(b.snapshot))
	}
	sum.Partial = convert.Partial(b.snapshot)
	sum.NotRead = len(convert.NotRead(b.snapshot))
	sum.Holds = sum.Errors == 0 && sum.NotRead == 0 && sum.Different == 0 && sum.Unknown == 0 && (!sum.Unverified || sum.TrafficTraces == 0)
}

// handWork fills in the remedies of errors and warnings, each once, with its resources.
func (b *builder) handWork() {
	type work struct {
		code   convert.Code
		remedy string
	}
	type named struct {
		work
		resource string
	}
	position := make(map[work]int)
	seen := make(map[named]bool)
	for _, note := range b.result.Notes {
		if !note.Actionable {
			continue
		}
		w := work{note.Code, note.Remedy()}
		at, ok := position[w]
		if !ok {
			at = len(b.HandWork)
			position[w] = at
			b.HandWork = append(b.HandWork, HandWork{
				Code: w.code, Severity: note.Severity, Resources: []string{}, Remedy: w.remedy, Spans: note.Text().Spans,
			})
		}
		if name := (named{w, note.Resource}); !seen[name] {
			seen[name] = true
			b.HandWork[at].Resources = append(b.HandWork[at].Resources, note.Resource)
		}
	}
}

// String returns the work as a sentence that names up to five resources.
func (w HandWork) String() string {
	text := w.Remedy
	if len(w.Resources) > 0 {
		text = convert.First(w.Resources, 5) + ": " + text
	}
	if w.Code != "" {
		text += fmt.Sprintf(" (%s)", w.Code)
	}
	return text
}

// Judge records the API server's answer to the dry run of each policy, in the order of
// Policies. A refused policy is an error, and the next steps end there.
func (r *Report) Judge(trials []cluster.Trial) {
	var refused []convert.NoteText
	for i, trial := range trials {
		p := &r.Policies[i]
		if p.Server = &trial; !trial.Accepted {
			refused = append(refused, convert.RefusedByServer(manifest.Place{File: r.Origin.Source}, p.Name, trial.Message).Text())
		}
	}
	if len(refused) == 0 {
		return
	}
	r.Notes = append(refused, r.Notes...)
	r.Summary.Refused += len(refused)
	r.Summary.Errors += len(refused)
	r.Summary.Holds = false
	steps := slices.Clone(r.repair)
	last := &steps[len(steps)-1]
	last.kind, last.flags = fixErrors, append(slices.Clone(last.flags), "--server-dry-run")
	r.NextSteps = r.texts.write(steps)
}
