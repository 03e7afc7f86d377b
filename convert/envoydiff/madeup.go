package envoydiff

import (
	"slices"
	"strconv"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// MadeUp returns proxies to compare in meshes with TrafficTraces and without a known
// Dataplane: one for each combination of selectors, old and new, that one tag set can
// satisfy, and one with two inbounds for each two selectors that none can. complete is
// false when a mesh needs more than limit proxies: it gets that many, and at least one for
// each selector.
func MadeUp(
	meshes []*legacy.Mesh, policies []*meshtrace.Policy, known []*cluster.Dataplane, limit int,
) (proxies []*cluster.Dataplane, complete bool) {
	complete = true
	inhabited := lists.Set(known, func(dp *cluster.Dataplane) string { return dp.Mesh })
	for _, mesh := range meshes {
		if inhabited[mesh.Name] || len(mesh.Pairs) == 0 {
			continue
		}
		m := &maker{mesh: mesh.Name, limit: limit, seen: make(map[string]bool, len(mesh.Pairs))}
		for _, pair := range mesh.Pairs {
			m.selector(pair.Tags)
		}
		for _, p := range policies {
			if p.Mesh == mesh.Name {
				m.selector(p.TargetRef.Selector())
			}
		}
		for i, dp := range m.proxies() {
			dp.Name = "made-up-" + strconv.Itoa(i+1) + " (" + dp.Name + ")"
			proxies = append(proxies, dp)
		}
		complete = complete && !m.full
	}
	return proxies, complete
}

type maker struct {
	mesh      string
	limit     int
	full      bool
	seen      map[string]bool
	selectors []cluster.Tags // all different
}

// selector adds a selector, unless no Dataplane can have its tags.
func (m *maker) selector(tags cluster.Tags) {
	for _, tag := range tags {
		if tag.Value != cluster.Any && !cluster.IsTag(tag.Key, tag.Value) {
			return
		}
	}
	if key := tags.String(); !m.seen[key] {
		m.seen[key] = true
		m.selectors = append(m.selectors, tags)
	}
}

// proxies returns the proxies of the mesh, each named by its tags.
func (m *maker) proxies() []*cluster.Dataplane {
	sets := newTagSets(cluster.DividingKey(m.selectors), len(m.selectors)+1)
	for _, selector := range m.selectors {
		if m.full {
			sets.add(selector)
			continue
		}
		for _, set := range sets.meeting(selector) {
			both := set
			for _, tag := range selector {
				if current, ok := both.Lookup(tag.Key); !ok || current == cluster.Any {
					both = both.With(tag.Key, tag.Value)
				}
			}
			sets.add(both)
			if m.full = len(sets.all) >= m.limit; m.full {
				break
			}
		}
	}
	proxies := make([]*cluster.Dataplane, 0, len(sets.all))
	made := make(map[string]bool, len(sets.all))
	add := func(sets ...cluster.Tags) {
		dp := m.proxy(sets...)
		if !made[dp.Name] { // an empty set and a wildcard give the same proxy
			made[dp.Name] = true
			proxies = append(proxies, dp)
		}
	}
	for _, set := range sets.all {
		add(set)
	}
	if m.full {
		return proxies
	}
	for i, a := range m.selectors {
		for _, b := range m.selectors[:i] {
			if a.Meets(b) {
				continue
			}
			if m.full = len(proxies) >= m.limit; m.full {
				return proxies
			}
			add(b, a)
		}
	}
	return proxies
}

// tagSets are different tag sets, of which the first is empty.
type tagSets struct {
	all     []cluster.Tags
	seen    map[string]bool
	key     string           // see cluster.DividingKey
	byValue map[string][]int // indexes, by the value of key or cluster.Any
}

// newTagSets returns the empty set, with room for a number of sets.
func newTagSets(key string, room int) *tagSets {
	s := &tagSets{all: make([]cluster.Tags, 0, room), seen: make(map[string]bool, room), key: key, byValue: make(map[string][]int)}
	s.add(cluster.Tags{})
	return s
}

func (s *tagSets) add(set cluster.Tags) {
	key := set.String()
	if s.seen[key] {
		return
	}
	s.seen[key] = true
	value := s.valueOrAny(set)
	s.byValue[value] = append(s.byValue[value], len(s.all))
	s.all = append(s.all, set)
}

// meeting returns the sets that one Dataplane can have together with selector. Most
// selectors have a value of the key, which few sets have.
func (s *tagSets) meeting(selector cluster.Tags) []cluster.Tags {
	candidates := s.all
	if value := s.valueOrAny(selector); value != cluster.Any {
		indexes := slices.Concat(s.byValue[cluster.Any], s.byValue[value])
		slices.Sort(indexes)
		candidates = lists.Each(indexes, func(i int) cluster.Tags { return s.all[i] })
	}
	return lists.Keep(candidates, selector.Meets)
}

func (s *tagSets) valueOrAny(tags cluster.Tags) string {
	if value, ok := tags.Lookup(s.key); ok {
		return value
	}
	return cluster.Any
}

// proxy returns a proxy that is named by its tags. It has an HTTP inbound for each set,
// with the value any in place of Any.
func (m *maker) proxy(sets ...cluster.Tags) *cluster.Dataplane {
	dp := &cluster.Dataplane{Mesh: m.mesh, Address: "192.0.2.1"}
	for i, tags := range sets {
		protocol := tags.Get(cluster.ProtocolTag)
		for _, tag := range tags {
			if tag.Value == cluster.Any {
				tags = tags.With(tag.Key, "any")
			}
		}
		if tags.Get(cluster.ServiceTag) == "" {
			tags = tags.With(cluster.ServiceTag, "any")
		}
		if i > 0 {
			dp.Name += " and "
		}
		dp.Name += tags.String()
		if protocol == "" || protocol == cluster.Any {
			tags = tags.With(cluster.ProtocolTag, "http")
		}
		dp.Inbounds = append(dp.Inbounds, cluster.Inbound{Port: uint32(8080 + i), Protocol: "http", Tags: tags})
	}
	return dp
}
