package envoydiff

import "slices"

// Tally counts proxies by the effect of the migration on their tracing.
type Tally struct {
	Proxies   int `json:"proxies" yaml:"proxies"`
	Same      int `json:"same" yaml:"same"`
	Inherent  int `json:"inherent" yaml:"inherent"`
	Unknown   int `json:"unknown" yaml:"unknown"`
	Different int `json:"different" yaml:"different"`
	Accepted  int `json:"accepted" yaml:"accepted"`
	// Untraced counts same proxies that are traced neither before nor after.
	Untraced int `json:"untraced" yaml:"untraced"`
	// Begun counts inherent proxies with no listener that is traced before the migration: delegated
	// gateways, and others without inbounds for HTTP.
	Begun int `json:"begun" yaml:"begun"`
	// Lost counts different proxies with a listener that is no longer traced. Gained
	// counts the others with a listener that is traced only afterwards.
	Lost   int `json:"lost" yaml:"lost"`
	Gained int `json:"gained" yaml:"gained"`
	// ByMeshTrace counts proxies that a MeshTrace traces before the migration.
	ByMeshTrace int `json:"byMeshTrace" yaml:"byMeshTrace"`
	// AlsoInherent counts accepted proxies that also have an inherent difference that is not accepted.
	AlsoInherent int `json:"-" yaml:"-"`
	// Codes counts inherent proxies by the codes of their differences.
	Codes map[Code]int `json:"codes" yaml:"codes"`
}

// Count returns the tally of comparisons.
func Count(comparisons []*Comparison) Tally {
	t := Tally{Codes: make(map[Code]int)}
	inherent := make(map[**Difference]int) // proxies, by the start of the list that they share
	var lists [][]*Difference
	for _, p := range All(comparisons) {
		t.add(p)
		if p.Verdict != Inherent {
			continue
		}
		list := &p.Differences[0]
		if inherent[list] == 0 {
			lists = append(lists, p.Differences)
		}
		inherent[list]++
	}
	for _, list := range lists {
		t.addCodes(list, inherent[&list[0]])
	}
	return t
}

// addCodes counts proxies with a list of differences, once for each code.
func (t *Tally) addCodes(list []*Difference, proxies int) {
	for i, d := range list {
		counted := slices.ContainsFunc(list[:i], func(earlier *Difference) bool { return earlier.Code == d.Code })
		if Codes[d.Code] == Inherent && !counted {
			t.Codes[d.Code] += proxies
		}
	}
}

func (t *Tally) add(p *Proxy) {
	t.Proxies++
	if p.Before.fromMeshTrace() {
		t.ByMeshTrace++
	}
	switch p.Verdict {
	case Same:
		t.Same++
		if p.untraced {
			t.Untraced++
		}
	case Accepted:
		t.Accepted++
		if p.alsoInherent {
			t.AlsoInherent++
		}
	case Inherent:
		t.Inherent++
		if p.begins {
			t.Begun++
		}
	case Unknown:
		t.Unknown++
	case Different:
		t.Different++
		ignored := p.Has(InboundIgnored) // replaces the codes of all differences
		switch {
		case p.Has(TracingLost), ignored && p.Before.Traces() && !p.After.Traces():
			t.Lost++
		case p.Has(TracingGained), ignored && !p.Before.Traces() && p.After.Traces():
			t.Gained++
		}
	}
}
