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
	for _, p := range All(comparisons) {
		t.add(p)
	}
	return t
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
		for i, d := range p.Differences {
			counted := slices.ContainsFunc(p.Differences[:i], func(earlier *Difference) bool { return earlier.Code == d.Code })
			if Codes[d.Code] == Inherent && !counted {
				t.Codes[d.Code]++
			}
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
