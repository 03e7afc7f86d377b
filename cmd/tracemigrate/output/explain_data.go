package output

import (
	"cmp"
	"slices"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// The JSON and YAML of explain, which docs/output.md describes.
type (
	explainData struct {
		Proxy         explainProxy   `json:"proxy" yaml:"proxy"`
		KumaVersion   string         `json:"kumaVersion" yaml:"kumaVersion"`
		TrafficTraces []explainTrace `json:"trafficTraces" yaml:"trafficTraces"`
		MeshTraces    []explainMesh  `json:"meshTraces" yaml:"meshTraces"`
		Today         explainToday   `json:"today" yaml:"today"`
		After         *explainAfter  `json:"after,omitempty" yaml:"after,omitempty"`
	}
	explainProxy struct {
		Mesh    string          `json:"mesh" yaml:"mesh"`
		Name    string          `json:"name" yaml:"name"`
		Zone    string          `json:"zone,omitempty" yaml:"zone,omitempty"`
		Kind    string          `json:"kind" yaml:"kind"`
		Place   string          `json:"place" yaml:"place"`
		TagSets []explainTagSet `json:"tagSets" yaml:"tagSets"`
	}
	explainTagSet struct {
		Tags    cluster.Tags `json:"tags" yaml:"tags"`
		Ignored bool         `json:"ignored" yaml:"ignored"`
	}
	// explainTrace is a selector. TagSet counts from 1; 0: none matches.
	explainTrace struct {
		TrafficTrace string       `json:"trafficTrace" yaml:"trafficTrace"`
		Selector     int          `json:"selector" yaml:"selector"`
		Tags         cluster.Tags `json:"tags" yaml:"tags"`
		Rank         explainRank  `json:"rank" yaml:"rank"`
		TagSet       int          `json:"tagSet" yaml:"tagSet"`
		Wins         bool         `json:"wins" yaml:"wins"`
		Backend      string       `json:"backend" yaml:"backend"`
		Undecided    bool         `json:"undecided" yaml:"undecided"`
	}
	explainRank struct {
		Tags  int `json:"tags" yaml:"tags"`
		Exact int `json:"exact" yaml:"exact"`
	}
	explainMesh struct {
		MeshTrace string         `json:"meshTrace" yaml:"meshTrace"`
		TargetRef string         `json:"targetRef" yaml:"targetRef"`
		Applies   bool           `json:"applies" yaml:"applies"`
		Shadow    bool           `json:"shadow" yaml:"shadow"`
		Sets      []string       `json:"sets,omitempty" yaml:"sets,omitempty"`
		Merged    *explainMerged `json:"merged,omitempty" yaml:"merged,omitempty"`
	}
	// explainMerged is a merged conf; a percentage that no policy sets is nil.
	explainMerged struct {
		Backend  string             `json:"backend" yaml:"backend"`
		Address  string             `json:"address" yaml:"address"`
		Overall  *meshtrace.Percent `json:"overall" yaml:"overall"`
		Client   *meshtrace.Percent `json:"client" yaml:"client"`
		Random   *meshtrace.Percent `json:"random" yaml:"random"`
		TagNames []string           `json:"tags,omitempty" yaml:"tags,omitempty"`
	}
	explainToday struct {
		Traced    bool              `json:"traced" yaml:"traced"`
		Source    string            `json:"source" yaml:"source"`
		Target    string            `json:"target" yaml:"target"`
		Unusable  bool              `json:"unusable" yaml:"unusable"`
		Unknown   *explainDoubt     `json:"unknown,omitempty" yaml:"unknown,omitempty"`
		Listeners []explainListener `json:"listeners" yaml:"listeners"`
	}
	explainDoubt struct {
		Code   string `json:"code" yaml:"code"`
		Reason string `json:"reason" yaml:"reason"`
	}
	explainListener struct {
		Name   string `json:"name" yaml:"name"`
		Traced bool   `json:"traced" yaml:"traced"`
		May    bool   `json:"mayBeTraced,omitempty" yaml:"mayBeTraced,omitempty"`
	}
	explainAfter struct {
		Verdict     envoydiff.Verdict `json:"verdict" yaml:"verdict"`
		Traced      bool              `json:"traced" yaml:"traced"`
		Source      string            `json:"source" yaml:"source"`
		Target      string            `json:"target" yaml:"target"`
		Differences []envoydiff.Form  `json:"differences" yaml:"differences"`
	}
)

// data returns what the JSON and YAML contain.
func (about *Explanation) data() explainData {
	data := explainData{
		Proxy: about.proxyData(), KumaVersion: about.Version.String(),
		TrafficTraces: []explainTrace{}, MeshTraces: about.meshTraceData(), Today: about.todayData(),
	}
	if mesh := legacy.ByName(about.State.Legacy)[about.Dataplane.Mesh]; mesh != nil {
		data.TrafficTraces = append(data.TrafficTraces, about.trafficTraceData(mesh)...)
	}
	if after := about.After; after != nil {
		data.After = &explainAfter{
			Verdict: after.Verdict, Traced: after.After.Traces() && !sendsNone(after), Source: after.After.Source(),
			Differences: lists.Each(after.Differences, (*envoydiff.Difference).Form),
		}
		if after.After.Traces() {
			data.After.Target = after.After.Address()
		}
	}
	return data
}

func (about *Explanation) proxyData() explainProxy {
	dp := about.Dataplane
	data := explainProxy{Mesh: dp.Mesh, Name: dp.FullName(), Zone: dp.Zone(), Kind: report.KindOf(dp), Place: dp.Place.String()}
	data.TagSets = []explainTagSet{}
	for i, set := range dp.TagSets() {
		data.TagSets = append(data.TagSets, explainTagSet{Tags: set, Ignored: isIgnored(dp, i)})
	}
	return data
}

// trafficTraceData returns every selector of the proxy's mesh in its zone, highest precedence first.
func (about *Explanation) trafficTraceData(mesh *legacy.Mesh) []explainTrace {
	mesh = mesh.In(about.Dataplane.Zone())
	var traces []explainTrace
	won := false
	sets := about.Dataplane.TagSets()
	for i, pair := range mesh.Pairs {
		tags, exact := pair.Tags.Rank()
		trace := explainTrace{
			TrafficTrace: pair.Name, Selector: pair.Number, Tags: pair.Tags, Rank: explainRank{tags, exact},
			TagSet: slices.IndexFunc(sets, pair.Tags.Match) + 1,
		}
		if backend := mesh.BackendOf(pair.TrafficTrace); backend != nil {
			trace.Backend = backend.Name
		}
		if trace.TagSet > 0 && !won {
			won, trace.Wins = true, true
			trace.Undecided = slices.ContainsFunc(mesh.Pairs[i+1:], func(other *legacy.Pair) bool {
				return pair.Undecided(other) && slices.ContainsFunc(sets, other.Tags.Match)
			})
		}
		traces = append(traces, trace)
	}
	return traces
}

// meshTraceData returns the MeshTraces that apply to the proxy, lowest precedence first, then
// the others of its mesh.
func (about *Explanation) meshTraceData() []explainMesh {
	traces := []explainMesh{}
	matcher := meshtrace.NewMatcher(about.Version, about.State.Policies, cluster.NewGateways(about.Snapshot.MeshGateways))
	matching := matcher.Matching(nil, about.Dataplane)
	for i, p := range matching {
		conf := meshtrace.Merge(matching[:i+1])
		traces = append(traces, explainMesh{
			MeshTrace: p.Name, TargetRef: target(p), Applies: true, Sets: fieldsOf(&p.Default), Merged: mergedData(conf),
		})
	}
	for _, p := range about.State.Policies {
		if p.Mesh == about.Dataplane.Mesh && !slices.Contains(matching, p) {
			traces = append(traces, explainMesh{MeshTrace: p.Name, TargetRef: target(p), Shadow: p.Shadow(about.Version)})
		}
	}
	return traces
}

// mergedData returns a merged conf, or nil if it has no backend.
func mergedData(c *meshtrace.Conf) *explainMerged {
	if len(c.Backends) == 0 {
		return nil
	}
	return &explainMerged{
		Backend: c.Backends[0].Type, Address: c.Collector().Address(),
		Overall: c.Sampling.Overall, Client: c.Sampling.Client, Random: c.Sampling.Random,
		TagNames: lists.Each(c.Tags, func(tag meshtrace.Tag) string { return tag.Name }),
	}
}

func (about *Explanation) todayData() explainToday {
	decision := about.Decision
	data := explainToday{Source: decision.Source(), Unusable: decision.Unusable() != nil, Listeners: []explainListener{}}
	if decision.Traces() && !data.Unusable {
		data.Target = decision.Address()
	}
	if about.Doubt.Reason != "" {
		data.Unknown = &explainDoubt{cmp.Or(about.Doubt.Code, string(envoydiff.Unverified)), about.Doubt.Reasons()}
	}
	for i := range about.Listeners {
		l := &about.Listeners[i]
		data.Listeners = append(data.Listeners, explainListener{l.Name(), l.Tracing != nil, l.MayTrace})
		data.Traced = data.Traced || l.Tracing != nil
	}
	return data
}
