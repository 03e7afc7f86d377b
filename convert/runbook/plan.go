package runbook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/envoydiff"
)

// Step is a step of the migration, after which verify.sh compares.
type Step string

// The steps, in order. Rollback follows any of them.
const (
	Start    Step = "start"
	Shadow   Step = "shadow"
	Add      Step = "add"
	Remove   Step = "remove"
	Rollback Step = "rollback"
)

// Steps returns the steps of the directory.
func (b *builder) Steps() []Step {
	steps := []Step{Start}
	if b.HasShadow() {
		steps = append(steps, Shadow)
	}
	if len(b.Plan.Policies) > 0 || b.Deletions() > 0 {
		steps = append(steps, Add)
	}
	if b.HasRemove() {
		steps = append(steps, Remove)
	}
	return append(steps, Rollback)
}

// Plan is the content of plan.json.
type Plan struct {
	Tool        string           `json:"tool"`
	ToolVersion string           `json:"toolVersion"`
	KumaVersion string           `json:"kumaVersion"`
	Environment cluster.Format   `json:"environment"`
	Mode        cluster.Mode     `json:"mode,omitempty"`
	Source      string           `json:"source,omitempty"`
	Namespace   string           `json:"namespace,omitempty"` // of the control plane
	ZoneOrigin  bool             `json:"zoneOrigin,omitempty"`
	ByLabels    bool             `json:"byLabels,omitempty"` // the MeshTraces select by labels
	Accept      []envoydiff.Code `json:"accept,omitempty"`   // of differences that do not count
	Steps       []Step           `json:"steps"`
	Meshes      []Row            `json:"meshes"`
	Zones       []Row            `json:"zones,omitempty"`
	Ordered     []Names          `json:"ordered"` // MeshTraces that must keep their names
	// Rests are Universal Meshes of a control plane, which steps replace as a whole, with
	// digests of all fields except tracing.
	Rests []cluster.Digest `json:"rests,omitempty"`
	Input []cluster.Digest `json:"input"`
	Files []cluster.Digest `json:"files"`
}

// plan adds plan.json, after all other files.
func (b *builder) plan() {
	p := Plan{
		Tool: "tracemigrate", ToolVersion: b.Version, KumaVersion: b.Report.KumaVersion, Environment: cluster.Universal,
		Mode: b.Report.Origin.Mode, ZoneOrigin: b.Options.ZoneOrigin, ByLabels: b.Options.ByLabels, Accept: b.Options.Accept, Source: b.Report.Origin.Source, Steps: b.Steps(), Meshes: b.MeshRows(), Zones: b.ZoneRows(),
		Ordered: b.Ordered(), Input: b.Inputs,
		Files: lists.Each(b.files, func(f File) cluster.Digest { return cluster.DigestOf(f.Path, f.Text) }),
	}
	if b.Kubernetes {
		p.Environment, p.Namespace = cluster.Kubernetes, b.Current.Namespace
	}
	if p.Ordered == nil {
		p.Ordered = []Names{}
	}
	if len(p.Input) == 0 { // a control plane
		p.Input = []cluster.Digest{cluster.DigestOf(StateFile, b.State)}
	}
	if !b.Kubernetes && b.Current.Live() {
		for _, mesh := range b.Meshes {
			rest, err := mesh.RestDigest()
			b.fail(err)
			p.Rests = append(p.Rests, rest)
		}
	}
	text, err := manifest.EncodeJSON(p)
	b.fail(err)
	b.add(PlanFile, text)
}

// ReadPlan reads plan.json.
func ReadPlan(text []byte) (*Plan, error) {
	var p Plan
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		return nil, fmt.Errorf("%s: is not a plan: %w; write it again with `tracemigrate plan`", PlanFile, err)
	}
	if p.Tool != "tracemigrate" || len(p.Steps) == 0 {
		return nil, fmt.Errorf("%s: is not a plan; write it again with `tracemigrate plan`", PlanFile)
	}
	for _, f := range p.Files {
		if !isLocal(f.Name) {
			return nil, fmt.Errorf("%s: files: %q is not in the directory of the plan; write it again with `tracemigrate plan`", PlanFile, f.Name)
		}
	}
	return &p, nil
}

// isLocal reports whether a path stays in its directory, on every system.
func isLocal(name string) bool {
	return name != "." && path.Clean(name) == name && !path.IsAbs(name) && name != ".." && !strings.HasPrefix(name, "../") &&
		!strings.ContainsAny(name, `\:`)
}

// Origin adds to the origin of a snapshot, which may be nil, the mode and the versions of
// zones that flags of the plan set.
func (p *Plan) Origin(origin *cluster.Origin) *cluster.Origin {
	if p.Mode == "" && len(p.Zones) == 0 {
		return origin
	}
	var result cluster.Origin
	if origin != nil {
		result = *origin
	}
	result.Mode, result.Zones = p.Mode, nil
	for _, zone := range p.Zones {
		result.Zones = append(result.Zones, cluster.Zone{Name: zone.Name, Version: zone.Version})
	}
	return &result
}

// Snapshots returns the paths of the snapshots of before.
func (p *Plan) Snapshots() []string {
	return p.paths(func(name string) bool { return name == StateFile || strings.HasPrefix(name, zonesDir) })
}

// MeshTraces returns the paths of the MeshTraces that a step applies.
func (p *Plan) MeshTraces(step Step) []string {
	dir := addDir
	if step == Shadow {
		dir = shadowDir
	}
	return p.paths(func(path string) bool {
		return strings.HasPrefix(path, dir) && !strings.HasSuffix(path, "/kustomization.yaml")
	})
}

// Paths returns the paths of all files of the plan but plan.json.
func (p *Plan) Paths() []string { return p.paths(func(string) bool { return true }) }

func (p *Plan) paths(wanted func(name string) bool) []string {
	var paths []string
	for _, f := range p.Files {
		if wanted(f.Name) {
			paths = append(paths, f.Name)
		}
	}
	return paths
}

// Changed returns a sentence on each Mesh that has other fields than when the plan was
// written, which applying it as a whole would undo.
func (p *Plan) Changed(now []*cluster.Original) []string {
	var wrong []string
	for _, o := range now {
		if o.Kind != cluster.KindMesh {
			continue
		}
		i := slices.IndexFunc(p.Rests, func(rest cluster.Digest) bool { return rest.Name == o.Name })
		if i < 0 {
			continue
		}
		if rest, err := o.RestDigest(); err != nil || rest != p.Rests[i] {
			wrong = append(wrong, fmt.Sprintf("Mesh %q: fields other than tracing changed since the plan was written, and applying its file "+
				"would undo that; write a new plan", o.Name))
		}
	}
	return wrong
}

// CheckFile returns an error if a file is not the one of the plan.
func (p *Plan) CheckFile(name string, text []byte) error {
	for _, f := range p.Files {
		if f.Name == name && f != cluster.DigestOf(name, text) {
			return fmt.Errorf("%s: changed since the plan was written; write a new plan", name)
		}
	}
	return nil
}
