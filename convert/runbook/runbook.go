package runbook

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/convert"
	"tracemigrate/convert/report"
	"tracemigrate/meshtrace"
)

// Facts are what a directory is made of.
type Facts struct {
	Program, Version string // of this tool
	Report           *report.Report
	Plan             *convert.Plan
	Shadow           *convert.Plan // nil if the version computes no shadows
	Current          *convert.Current
	Options          convert.Options // of Plan
	Originals        []*cluster.Original
	Whole            bool // Originals have all fields, as those of a snapshot do not
	Inputs           []cluster.Digest
	State            []byte            // the snapshot
	Zones            map[string][]byte // snapshots of zones, by name
	Token            string            // the command that sets a token for verify.sh; may be empty
}

// File is a file of the directory. Its path has slashes.
type File struct {
	Path   string
	Text   []byte
	Script bool // may be executed
	Secret bool // may contain credentials, so that only its owner may read it
}

// The names of files that commands read again.
const (
	StateFile = "state.yaml"
	PlanFile  = "plan.json"
	zonesDir  = "zones/"
	addDir    = "2-add/"
	deleteDir = "2-delete/"
	shadowDir = "1-shadow/"
	removeDir = "3-remove/"
	backDir   = "rollback/"

	idleFile     = deleteDir + "before-add.yaml"
	replacedFile = deleteDir + "after-add.yaml"
	changedFile  = backDir + "changed-meshtraces.yaml"
)

// Entries are the names in a directory that belong to a plan.
var Entries = []string{
	"README.md", PlanFile, StateFile, "apply.sh", "verify.sh", "rollback.sh", "zones", "1-shadow", "2-add", "2-delete", "3-remove", "rollback",
}

// Build returns the files of a directory. It returns an error if the migration
// cannot be written as one.
func Build(f *Facts) ([]File, error) {
	b := &builder{
		Facts: f, Commands: f.Report.Commands, style: meshtrace.Style{Version: f.Options.Version},
		names: make(map[*meshtrace.Policy]string),
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	b.sort()
	b.secret(StateFile, b.State)
	for _, zone := range slices.Sorted(maps.Keys(b.Zones)) {
		b.secret(zonesDir+fileSafe(zone)+".yaml", b.Zones[zone])
	}
	if b.Shadow != nil {
		b.policies(shadowDir, b.Shadow.Policies)
	}
	b.policies(addDir, b.Plan.Policies)
	b.deletions(idleFile, b.Idle)
	b.deletions(replacedFile, b.Deleted)
	if b.Removes() {
		b.removals()
	}
	b.rollback()
	b.script("apply.sh")
	b.script("verify.sh")
	b.add("README.md", b.execute("README.md"))
	slices.SortFunc(b.files, func(a, c File) int { return cmp.Compare(a.Path, c.Path) })
	b.plan() // which has the digests of all others
	return b.files, b.failed
}

// builder collects the files. It is the data of the templates.
type builder struct {
	*Facts
	report.Commands
	style meshtrace.Style

	Meshes   []*cluster.Original   // with tracing
	Traces   []*cluster.Original   // by mesh and name
	Replaced []*cluster.Original   // MeshTraces with the name of a new one
	Same     []*cluster.Original   // those of Replaced that have the new one's content, from a previous run
	Idle     []*cluster.Original   // MeshTraces to delete before the new ones are applied
	Deleted  []*cluster.Original   // MeshTraces to delete after that
	Made     []*meshtrace.Policy   // new ones that replace none
	Tied     [][]*cluster.Original // TrafficTraces to create one wave after the other
	Untied   []*cluster.Original   // all others

	files  []File
	names  map[*meshtrace.Policy]string // of the files of MeshTraces, on Kubernetes
	failed error
}

// check returns an error if the resources are not all of one format, or incomplete.
func (b *builder) check() error {
	format := cluster.Universal
	if b.Kubernetes {
		format = cluster.Kubernetes
	}
	for _, o := range b.Originals {
		if o.Format != format {
			return fmt.Errorf("%s %q is in the %s format, but the control plane is on %s; plan for the resources of one control plane",
				o.Kind, o.Name, o.Format, format)
		}
	}
	if !b.Kubernetes && !b.Whole {
		return errors.New("a snapshot contains only the tracing of a Mesh, which kumactl replaces as a whole; " +
			"plan with --control-plane, or with -f and the output of kumactl get meshes -o yaml")
	}
	return nil
}

// sort finds what each step deletes, and what it replaces.
func (b *builder) sort() {
	var existing []*cluster.Original
	for _, o := range b.Originals {
		switch o.Kind {
		case cluster.KindMesh:
			if o.Tracing() != nil {
				b.Meshes = append(b.Meshes, o)
			}
		case cluster.KindTrafficTrace:
			b.Traces = append(b.Traces, o)
		case cluster.KindMeshTrace:
			existing = append(existing, o)
		}
	}
	for _, list := range [][]*cluster.Original{b.Meshes, b.Traces} {
		slices.SortStableFunc(list, func(a, c *cluster.Original) int {
			return cmp.Or(cmp.Compare(a.Mesh, c.Mesh), cmp.Compare(a.Name, c.Name))
		})
	}
	b.sortExisting(existing)
	b.Tied = b.waves()
	tied := b.TiedTraces()
	b.Untied = slices.DeleteFunc(slices.Clone(b.Traces), func(o *cluster.Original) bool { return slices.Contains(tied, o) })
	// Those without a backend prevent tracing as long as others exist.
	prevents := make(map[traceName]bool)
	for _, mesh := range b.Current.Meshes {
		for _, trace := range mesh.TrafficTraces {
			prevents[nameOf(trace)] = mesh.BackendOf(trace) == nil
		}
	}
	preventing := func(o *cluster.Original) bool { return prevents[traceName{o.Mesh, o.Name}] }
	b.Traces = lists.Last(b.Traces, preventing)
	b.Untied = lists.Last(b.Untied, func(o *cluster.Original) bool { return !preventing(o) })
}

// sortExisting finds the existing MeshTraces that the new ones replace, and those to delete, in the
// order of the plan. What is restored or deleted to go back has the opposite order.
func (b *builder) sortExisting(existing []*cluster.Original) {
	known := lists.By(existing, func(o *cluster.Original) meshtrace.Identity {
		return meshtrace.IdentityOf(o.Format, o.Mesh, o.Namespace, o.Name)
	})
	for _, p := range slices.Backward(b.Plan.Policies) {
		if o := known[p.Identity()]; o != nil {
			b.Replaced = append(b.Replaced, o)
			if b.Plan.Exists(p) {
				b.Same = append(b.Same, o)
			}
		} else {
			b.Made = append(b.Made, p)
		}
	}
	idle := lists.Set(b.Plan.Idle, (*meshtrace.Policy).Identity)
	for _, p := range b.Plan.Obsolete {
		switch o := known[p.Identity()]; {
		case o == nil:
			b.fail(fmt.Errorf("%s is to be deleted, and the input does not have it as a resource of its own", p))
		case idle[p.Identity()]:
			b.Idle = append(b.Idle, o)
		default:
			b.Deleted = append(b.Deleted, o)
		}
	}
}

// Removes reports whether the control plane may delete the TrafficTraces. A federated zone
// has copies of those of the global control plane.
func (b *builder) Removes() bool { return b.Report.Origin.Mode != cluster.ModeFederatedZone }

// Global reports whether zones have copies of the policies.
func (b *builder) Global() bool { return b.Report.Origin.Mode == cluster.ModeGlobal }

// policies adds MeshTraces: on Kubernetes a file for each and a kustomization, on Universal
// one file.
func (b *builder) policies(dir string, policies []*meshtrace.Policy) {
	if len(policies) == 0 {
		return
	}
	if !b.Kubernetes {
		var text strings.Builder
		b.fail(meshtrace.Write(&text, policies, b.style))
		b.secret(dir+"meshtraces.yaml", []byte(text.String()))
		return
	}
	kustomization := "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n"
	for _, p := range policies {
		name, text, err := p.File(b.style)
		b.fail(err)
		b.secret(dir+name, text)
		b.names[p] = name
		kustomization += "- " + name + "\n"
	}
	b.add(dir+"kustomization.yaml", []byte(kustomization))
}

// removals adds what deletes the legacy resources.
func (b *builder) removals() {
	b.deletions(removeDir+"traffictraces.yaml", b.Traces)
	switch {
	case len(b.Meshes) == 0:
	case b.Kubernetes:
		b.add(removeDir+"mesh-patch.yaml", []byte("spec:\n  tracing: null\n"))
	default:
		without := lists.Each(b.Meshes, func(o *cluster.Original) any { return o.WithoutTracing() })
		b.secret(removeDir+"meshes.yaml", b.encode(without))
	}
}

// deletions adds the resources that kubectl deletes. kumactl takes them one by one.
func (b *builder) deletions(path string, existing []*cluster.Original) {
	if b.Kubernetes && len(existing) > 0 {
		b.add(path, b.encode(heads(existing)))
	}
}

// heads returns what kubectl needs to delete resources.
func heads(resources []*cluster.Original) []any {
	return lists.Each(resources, func(o *cluster.Original) any {
		mesh := o.Mesh
		if o.Kind == cluster.KindMeshTrace { // has a label for it
			mesh = ""
		}
		return head{"kuma.io/v1alpha1", o.Kind, mesh, metadata{o.Name, o.Namespace}}
	})
}

type (
	head struct {
		APIVersion string   `yaml:"apiVersion"`
		Kind       string   `yaml:"kind"`
		Mesh       string   `yaml:"mesh,omitempty"`
		Metadata   metadata `yaml:"metadata"`
	}
	metadata struct {
		Name      string `yaml:"name"`
		Namespace string `yaml:"namespace,omitempty"`
	}
)

func (b *builder) add(path string, text []byte) {
	b.files = append(b.files, File{Path: path, Text: text})
}

// secret adds a file that may contain credentials: a whole resource in fields that are not
// read here, and a policy or a snapshot in the path of a url.
func (b *builder) secret(path string, text []byte) {
	b.files = append(b.files, File{Path: path, Text: text, Secret: true})
}

func (b *builder) fail(err error) { b.failed = errors.Join(b.failed, err) }

// fileSafe replaces every byte except lower-case letters, digits and dashes by its
// hexadecimal code, so that a name is a file's and different names stay different.
func fileSafe(name string) string {
	var safe strings.Builder
	for _, c := range []byte(name) {
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' {
			safe.WriteByte(c)
		} else {
			fmt.Fprintf(&safe, "%%%02x", c)
		}
	}
	return safe.String()
}
