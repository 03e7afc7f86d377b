package rewrite_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/convert/rewrite"
	"tracemigrate/fixtures"
)

var repositories = flag.Int("repositories", 30, "how many random repositories to try")

// TestRandomRepositories migrates random repositories in both stages. Every other byte
// stays, a second run changes nothing, each proxy keeps its tracing in each overlay, and
// nothing legacy is left.
func TestRandomRepositories(t *testing.T) {
	seed := fixtures.Seed(t)
	count := make(map[string]int)
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for i := range withoutRace.Sample(t, *repositories) {
		r := &random{
			Rand: rand.New(rand.NewPCG(seed, uint64(i))), count: count, //nolint:gosec // not for secrets
			files: make(map[string]*text), dirs: make(map[string]*directory),
			comments: make(map[string]bool), labels: make(map[string]bool),
		}
		texts := r.repository()
		dir := filepath.Join(root, fmt.Sprint(i))
		require.NoError(t, os.Mkdir(dir, 0o777))
		t.Chdir(dir)
		m := &migration{tree: newTree(t, dir, texts), random: r, original: maps.Clone(texts)}
		m.state = dataplanes
		if m.byLabels = r.IntN(3) == 0; m.byLabels {
			count["repositories by labels"]++
		}
		if failure := m.migrate(); failure != "" {
			t.Errorf("repository %d of seed %d: %s\n%s", i, seed, failure, m.dump())
			if !testing.Verbose() {
				t.FailNow()
			}
		}
		require.NoError(t, os.RemoveAll(dir))
	}
	for _, what := range slices.Sorted(maps.Keys(count)) {
		t.Logf("%6d %s", count[what], what)
	}
}

// dataplanes are proxies of each mesh.
var dataplanes = func() (all []string) {
	for _, mesh := range []string{"default", "other", "plain"} {
		text := ""
		for i, tags := range []string{"web, version: v1", "web, version: v2", "api", "db, version: v1", "rest"} {
			labels := []string{"web", "one", "web", "two", "api", "one", "db", "one", "rest", "one"}[2*i:]
			text += fmt.Sprintf("apiVersion: kuma.io/v1alpha1\nkind: Dataplane\nmesh: %s\nmetadata: {name: %s-%d, namespace: shop, labels: {app: %s, kind: %s}}\n"+
				"spec: {networking: {address: 10.0.0.%d, inbound: [{port: 80, tags: {kuma.io/service: %s, kuma.io/protocol: http}}],"+
				" outbound: [{port: 81, tags: {kuma.io/service: api}}]}}\n---\n", mesh, mesh, i, labels[0], labels[1], i+1, tags)
		}
		all = append(all, text)
	}
	return all
}()

// migration is a random repository that is migrated.
type migration struct {
	*tree
	*random
	original map[string][]byte
}

func (m *migration) dump() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.original)) {
		fmt.Fprintf(&b, "-- %s --\n%s", name, m.original[name])
	}
	return b.String()
}

// render returns the units of the tree as it is.
func (m *migration) render() ([]*unit, string) {
	units, err := m.units(rewrite.NewRepo(maps.Clone(m.texts)), nil)
	if err != nil {
		return nil, err.Error()
	}
	return units, ""
}

// migrate runs both stages, each twice, and returns what is wrong.
func (m *migration) migrate() string {
	before, failure := m.render()
	if failure != "" {
		return "the repository is wrong: " + failure
	}
	for _, stage := range []string{add, remove} {
		old := maps.Clone(m.texts)
		changes, problems := m.run(stage, nil)
		if len(problems) > 0 {
			if stage == add && strings.Contains(problems[0], "the conversion is refused") {
				m.count["refused conversions"]++
				return ""
			}
			return stage + ": " + strings.Join(problems, "\n")
		}
		if fault := m.checkMoved(changes); stage == add && fault != "" {
			return fault
		}
		for name, text := range changes {
			if fault := m.checkFile(stage, name, old[name], text); fault != "" {
				return fmt.Sprintf("%s: %s: %s\n%s", stage, name, fault, text)
			}
		}
		after, failure := m.render()
		if failure != "" {
			return stage + ": after the change: " + failure
		}
		if fault := m.checkUnits(stage, before, after); fault != "" {
			return stage + ": " + fault
		}
		again, problems := m.run(stage, nil)
		if len(problems)+len(again) > 0 {
			return fmt.Sprintf("%s again: %s %s", stage, problems, slices.Sorted(maps.Keys(again)))
		}
	}
	return ""
}

// checkUnits compares the rendered overlays with those before the migration.
func (m *migration) checkUnits(stage string, before, after []*unit) string {
	is := make(map[string]*unit)
	for _, u := range after {
		is[u.overlay] = u
	}
	for _, was := range before {
		now := is[was.overlay]
		if now == nil {
			now = m.read(was.overlay, nil)
		}
		if a, b := was.others(), now.others(); !slices.Equal(a, b) {
			return fmt.Sprintf("%s: other resources differ:\n%s\n%s", was.overlay, a, b)
		}
		if different := compare(was, now); len(different) > 0 {
			return strings.Join(different, "\n")
		}
		m.count["proxies compared"] += len(now.current.Snapshot.Dataplanes)
		switch {
		case stage == add && len(now.own.TrafficTraces) != len(was.own.TrafficTraces):
			return was.overlay + ": TrafficTraces are lost"
		case stage == remove && len(now.own.TrafficTraces) > 0:
			return was.overlay + ": TrafficTraces are left"
		case stage == remove && slices.ContainsFunc(now.own.Meshes, func(r *cluster.Resource) bool { return r.Spec.Field("tracing").Present() }):
			return was.overlay + ": tracing is left"
		}
	}
	return ""
}

var newItem = regexp.MustCompile(`^\s*(- \S*mesh-?_?traces?(-\d+)?\.yaml|resources:)\r?\n?$`)

// emptied is the spec of a Mesh that a JSON patch needs.
var emptied = []byte("spec: {}")

// checkFile compares a changed file with the one before, byte by byte.
func (m *migration) checkFile(stage, name string, before, after []byte) string {
	isKustomization := strings.HasPrefix(strings.ToLower(path.Base(name)), "kustomization")
	f := m.files[name]
	if stage == remove && bytes.Contains(after, emptied) && !bytes.Contains(before, emptied) {
		m.count["specs that stay"]++
		after = bytes.ReplaceAll(after, emptied, emptied[:len("spec:")])
	}
	switch {
	case stage == add && after == nil:
		return "it is deleted"
	case stage == add && !isKustomization:
		if !bytes.HasPrefix(after, bytes.TrimRight(before, "\r\n")) {
			return "the text before is not there"
		}
		return ""
	case f == nil:
		return "a new file is changed"
	case after == nil:
		return f.checkDeleted(isKustomization)
	case !isSubsequence(before, after) && stage == remove:
		return "it has other bytes"
	}
	return f.check(stage, after)
}

var from = regexp.MustCompile(`# from TrafficTrace "(?:p-)?(trace-\d+)(?:-s)?"`)

// checkMoved returns what new MeshTraces lack of their TrafficTraces.
func (m *migration) checkMoved(changes rewrite.Changes) string {
	for name, text := range changes {
		for _, document := range strings.Split(string(text), "\n---") {
			found := from.FindStringSubmatch(document)
			switch {
			case found == nil:
			case m.byLabels && strings.Contains(document, "kind: MeshSubset"):
				return name + " has a MeshTrace that selects by tags"
			case m.comments[found[1]] && !strings.Contains(string(text), "# traces of "+found[1]):
				return name + " lacks the comment of " + found[1]
			case m.labels[found[1]] && (!strings.Contains(document, "team: a") || !strings.Contains(document, "app.kubernetes.io/part-of: x")):
				return name + " lacks the labels of " + found[1]
			default:
				m.count["new MeshTraces"]++
			}
		}
	}
	return ""
}

var headOfKustomization = regexp.MustCompile(`^(apiVersion|kind|namePrefix|nameSuffix): `)

// checkDeleted returns a line of a deleted file that should stay.
func (f *text) checkDeleted(isKustomization bool) string {
	for _, l := range f.lines {
		bare := strings.TrimSpace(l.text)
		if l.fate == kept && !isSpacing(bare) && bare[0] != '#' && (!isKustomization || !headOfKustomization.MatchString(bare)) {
			return "it is deleted with the line " + l.text
		}
	}
	return ""
}

// check compares the lines of a file with those that it must have. Blank lines and
// separators of documents may be removed; isSubsequence checks that none is added.
func (f *text) check(stage string, after []byte) string {
	want := slices.DeleteFunc(slices.Clone(f.lines), func(l line) bool { return isSpacing(l.text) })
	lines := slices.DeleteFunc(slices.Collect(strings.Lines(string(after))), isSpacing)
	furthest := 0
	failed := make(map[[2]int]bool)
	var match func(i, j int) bool
	match = func(i, j int) bool {
		furthest = max(furthest, j)
		if i == len(want) && j == len(lines) {
			return true
		}
		if failed[[2]int{i, j}] {
			return false
		}
		isLast := j == len(lines)-1
		if j < len(lines) && (i < len(want) && f.isSame(stage, want[i], lines[j], isLast) && match(i+1, j+1) || f.isItem(lines[j], isLast) && match(i, j+1)) ||
			i < len(want) && want[i].mayGo(stage) && match(i+1, j) {
			return true
		}
		failed[[2]int{i, j}] = true
		return false
	}
	switch {
	case match(0, 0):
		return ""
	case furthest == len(lines):
		return "its end is lost"
	}
	return fmt.Sprintf("the line %q is wrong, or the lines above it", lines[furthest])
}

// isItem reports whether a line is one that lists MeshTraces.
func (f *text) isItem(text string, isLast bool) bool {
	return newItem.MatchString(text) && (strings.HasSuffix(text, f.eol) || isLast)
}

// isSame reports whether a line is the one that it must be.
func (f *text) isSame(stage string, want line, text string, isLast bool) bool {
	switch {
	case want.fate == mixed && stage == add:
		return isSubsequence([]byte(text), []byte(want.text))
	case want.fate == mixed:
		return isSubsequence([]byte(want.text), []byte(meshTraceItem.ReplaceAllString(strings.TrimRight(text, "\r\n"), "")))
	case want.fate == gone && stage == remove:
		return false
	}
	return text == want.text+f.eol || (isLast || f.unended) && strings.TrimRight(text, "\r\n") == want.text
}

// mayGo reports whether a line may be removed in a stage.
func (l line) mayGo(stage string) bool { return stage == remove && l.fate != kept }

// meshTraceItem matches the item of a list in flow style.
var meshTraceItem = regexp.MustCompile(`(, )?[^ ,]*mesh-?traces?(-\d+)?\.yaml`)

func isSpacing(text string) bool { return strings.TrimSpace(text) == "" || isSeparator(text) }

func isSeparator(text string) bool { return strings.HasPrefix(strings.TrimSpace(text), "---") }

// isSubsequence reports whether a text has all bytes of another in their order.
func isSubsequence(text, of []byte) bool {
	i := 0
	for _, c := range text {
		if i < len(of) && of[i] == c {
			i++
		}
	}
	return i == len(of)
}
