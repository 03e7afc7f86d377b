package cluster

import (
	"cmp"

	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
)

// NotRead is the code of warnings about documents that look like Kuma's and are not
// read.
const NotRead = "not-read"

// NotRead returns the warnings about documents that look like Kuma's and are not read.
func (s *Snapshot) NotRead() []*manifest.Problem {
	return lists.Keep(s.Problems, func(p *manifest.Problem) bool { return p.Code == NotRead })
}

// KindOf returns the kind of the resource that a problem concerns: of a document that is
// not read, the one that it probably means.
func KindOf(p *manifest.Problem) string {
	if p.Code == NotRead {
		return guessKind("", p.Of.Kind)
	}
	return p.Of.Kind
}

// Doubting returns s with a doubt about the proxies that a document which is not read, or
// an object that is being deleted, may decide on, and about the gateways that more than one
// MeshGateway may configure.
func (s *Snapshot) Doubting() *Snapshot {
	doubting := *s
	if len(s.MeshGateways) > 1 {
		doubting.tiedGateways = tiesOfGateways(s)
	}
	doubting.unreadable, doubting.unreadableGateways = s.unreadable.copied(), s.unreadableGateways.copied()
	doubting.leaving, doubting.leavingGateways = make(unreadable), make(unreadable)
	for _, p := range s.Problems {
		policies, gateways := doubting.unreadable, doubting.unreadableGateways
		switch p.Code {
		case NotRead:
		case beingDeleted:
			policies, gateways = doubting.leaving, doubting.leavingGateways
		default:
			continue
		}
		of, name := p.Of, cmp.Or(p.Resource(), "a document")
		of.Kind = cmp.Or(KindOf(p), of.Kind)
		mesh, _ := of.InMesh() // none: any
		switch of.Kind {
		case KindDataplane: // decides on no other proxy
		case KindMeshGateway:
			gateways.add(mesh, name)
		default:
			policies.add(mesh, name)
		}
	}
	return &doubting
}
