package runbook

import (
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

// rollback adds the legacy resources as they are today, and the script that restores them.
func (b *builder) rollback() {
	if b.Removes() {
		b.meshRollback()
		b.roots(backDir+"traffictraces.yaml", b.Untied)
		for i, wave := range b.Tied {
			b.roots(tiedFile(i), wave)
		}
	}
	b.roots(backDir+"meshtraces.yaml", b.Restored())
	b.roots(backDir+"idle-meshtraces.yaml", b.Idle)
	if b.Kubernetes {
		b.roots(changedFile, b.Changed())
	}
	if b.Kubernetes && len(b.Made) > 0 {
		b.add(backDir+"delete-meshtraces.yaml", b.encode(lists.Each(b.Made, func(p *meshtrace.Policy) any {
			return head{"kuma.io/v1alpha1", cluster.KindMeshTrace, "", metadata{p.Name, p.Namespace}}
		})))
	}
	b.script("rollback.sh")
}

// Restored returns the existing MeshTraces that rollback.sh restores before it deletes new ones,
// so that their proxies have tracing at any time. Idle ones would change new ones.
func (b *builder) Restored() []*cluster.Original {
	restored := slices.Clone(b.Deleted)
	slices.Reverse(restored)
	return append(restored, b.Replaced...)
}

// meshRollback adds, on Kubernetes, a patch for each Mesh, which keeps other changes of it.
// kumactl has no patch, so on Universal the Meshes are whole.
func (b *builder) meshRollback() {
	if !b.Kubernetes {
		b.roots(backDir+"meshes.yaml", b.Meshes)
		return
	}
	type operation struct {
		Op    string     `yaml:"op"`
		Path  string     `yaml:"path"`
		Value *yaml.Node `yaml:"value"`
	}
	for _, o := range b.Meshes {
		b.secret(meshPatch(o), b.encode([]any{[]operation{{"add", "/spec/tracing", o.Tracing()}}}))
	}
}

// meshPatch returns the path of the patch that restores the tracing of a Mesh.
func meshPatch(o *cluster.Original) string { return backDir + "mesh_" + fileSafe(o.Name) + ".yaml" }

// roots adds resources as they are today.
func (b *builder) roots(path string, resources []*cluster.Original) {
	if len(resources) > 0 {
		b.secret(path, b.encode(lists.Each(resources, func(o *cluster.Original) any { return o.Root })))
	}
}

func tiedFile(wave int) string { return fmt.Sprintf("%stied-%d.yaml", backDir, wave+1) }

// waves returns the TrafficTraces whose creation times decide, in the order in which they
// must be created again: the later one wins, and among equal times the smaller name.
func (b *builder) waves() [][]*cluster.Original {
	tied := make(map[string][]*legacy.TrafficTrace)
	seen := make(map[*legacy.TrafficTrace]bool)
	for _, group := range convert.Contested(b.Current, b.Options) {
		for _, pair := range group {
			if !seen[pair.TrafficTrace] {
				seen[pair.TrafficTrace] = true
				tied[pair.Mesh] = append(tied[pair.Mesh], pair.TrafficTrace)
			}
		}
	}
	originals := lists.By(b.Traces, func(o *cluster.Original) traceName { return traceName{o.Mesh, o.Name} })
	var waves [][]*cluster.Original
	for _, mesh := range b.Current.Meshes {
		wave := -1
		var before *legacy.Backend
		for i, trace := range byPrecedence(tied[mesh.Name]) {
			if backend := mesh.BackendOf(trace); i == 0 || backend != before {
				wave, before = wave+1, backend
			}
			if wave == len(waves) {
				waves = append(waves, nil)
			}
			if o := originals[nameOf(trace)]; o != nil {
				waves[wave] = append(waves[wave], o)
			}
		}
	}
	return waves
}

// encode returns YAML documents.
func (b *builder) encode(documents []any) []byte {
	text, err := manifest.EncodeYAML(documents...)
	b.fail(err)
	return text
}

// Wait returns the seconds between two waves: creation times have whole seconds, and zones
// get what one sync brings in random order.
func (b *builder) Wait() int {
	if b.Global() {
		return 10
	}
	return 2
}
