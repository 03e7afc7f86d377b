package manifest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

func everything(string, string) bool { return true }

// read returns what a text holds, one line a document, and its problems.
func read(t testing.TB, text string) (documents, problems []string) {
	t.Helper()
	got, wrong := Read(slices.Values([]Input{Text("f.yaml", text)}), everything, func(d *Document, kept []string) []string {
		return append(kept, fmt.Sprintf("%d/%d %s", d.Document, d.Line, show(d.Root)))
	})
	return got, texts(wrong)
}

func texts(problems []*Problem) (texts []string) {
	for _, p := range problems {
		texts = append(texts, p.Error())
	}
	return texts
}

// problemsOf returns the problems of a text alone.
func problemsOf(text string) []string {
	_, problems := Read(slices.Values([]Input{Text("f.yaml", text)}), everything, func(_ *Document, kept []bool) []bool { return kept })
	return texts(problems)
}

func show(n *Node) string {
	if n == nil {
		return "absent"
	}
	var b strings.Builder
	switch n.Kind {
	case Mapping:
		b.WriteString("{")
		for key, value := range n.Pairs() {
			fmt.Fprintf(&b, "%s:%s ", key.Text, show(value))
		}
		return strings.TrimSuffix(b.String(), " ") + "}"
	case Sequence:
		b.WriteString("[")
		for i := range n.Items() {
			b.WriteString(show(&n.Items()[i]) + " ")
		}
		return strings.TrimSuffix(b.String(), " ") + "]"
	case String:
		return fmt.Sprintf("%q", n.Text)
	case Null:
		return "null"
	}
	return n.Text
}

func TestRead(t *testing.T) {
	tests := map[string]struct {
		text     string
		want     []string
		problems []string
	}{
		"documents": {
			text: "a: 1\n---\n# nothing\n---\nb: x\n...\n---\nc: [z]\n",
			want: []string{"1/1 {a:1}", `2/5 {b:"x"}`, `3/8 {c:["z"]}`},
		},
		"byte order mark, CRLF, directive": {
			text: "\uFEFF%YAML 1.1\r\n---\r\na: 'x'\r\nb:\r\n- c\r\n",
			want: []string{`1/3 {a:"x" b:["c"]}`},
		},
		"marker within a block scalar ends it": {
			text: "a: |\n  x\n---\nb: z",
			want: []string{`1/1 {a:"x\n"}`, `2/4 {b:"z"}`},
		},
		"JSON": {
			text: `{"a": [1, 2.5, true, null, "x\n\u00e9"], "b": {}}`,
			want: []string{`1/1 {a:[1 2.5 true null "x\né"] b:{}}`},
		},
		"JSON stream": {text: "{\"a\":1}\n{\"b\":2}", want: []string{"1/1 {a:1}", "1/2 {b:2}"}},
		"Kubernetes list": {
			text: "apiVersion: v1\nitems:\n- a: 1\n- b: 2\nkind: List\n",
			want: []string{"1/3 {a:1}", "1/4 {b:2}"},
		},
		"REST list":      {text: `{"total": 1, "items": [{"a": 1}], "next": null}`, want: []string{"1/1 {a:1}"}},
		"empty list":     {text: "items: []\nkind: List\n"},
		"an item's list": {text: "kind: ConfigMap\nitems: [1]\n", want: []string{`1/1 {kind:"ConfigMap" items:[1]}`}},
		"anchors and merge keys": {
			text: "x: &x {a: 1, b: 2}\nw: {<<: *x, b: 3}\nz: {<<: [*x, {c: 4}]}\n",
			want: []string{"1/1 {x:{a:1 b:2} w:{b:3 a:1} z:{a:1 b:2 c:4}}"},
		},
		"others are read after an error": {
			text:     "a: 1\n---\nb: [\n---\nc: 1",
			want:     []string{"1/1 {a:1}", "3/5 {c:1}"},
			problems: []string{"f.yaml:3: not valid YAML: did not find expected node content"},
		},
		"duplicate key": {text: "a: 1\nb: 2\na: 3\n", problems: []string{`f.yaml:3: an object contains key "a" twice; keep one`}},
		"documents without ---": {
			text:     "type: Mesh\nname: a\ntype: Mesh\nname: b\n",
			problems: []string{`f.yaml:3: an object contains key "type" twice; keep one, or separate two documents by a line with --- alone`},
		},
		"kind twice deep within": {
			text:     "spec:\n  kind: a\n  kind: b\n",
			problems: []string{`f.yaml:3: an object contains key "kind" twice; keep one`},
		},
		"duplicate key in JSON": {text: "{\"a\": 1,\n\"a\": 3}", problems: []string{`f.yaml:2: an object contains key "a" twice; keep one`}},
		"documents behind line breaks of YAML 1.1": {
			text: "a: 1\r---\rb: 2\n---\nc: 3\u0085---\u0085d: 4\n---\ne: 5\u2028---\u2028f: 6\n---\ng: 7\n",
			want: []string{"4/7 {g:7}"},
			problems: []string{
				"f.yaml:1: another document begins after a line break that is not a line feed (CR, U+0085, U+2028 or U+2029); save the file with LF or CRLF line breaks",
				"f.yaml:3: another document begins after a line break that is not a line feed (CR, U+0085, U+2028 or U+2029); save the file with LF or CRLF line breaks",
				"f.yaml:5: another document begins after a line break that is not a line feed (CR, U+0085, U+2028 or U+2029); save the file with LF or CRLF line breaks",
			},
		},
		"one document with carriage returns": {text: "a: 1\rb: 2\r", want: []string{"1/1 {a:1 b:2}"}},
		"text after a document":              {text: "{a: 1,\n b: 2} c\n", problems: []string{"f.yaml:2: not valid YAML: did not find expected <document start>"}},
		"merge key after another": {
			text:     "x: &x {a: 1}\nz:\n  a: 2\n  <<: *x\n",
			problems: []string{`f.yaml:4: the merge key (<<) follows "a" and contains it too, and control planes and YAML differ on which of the two applies; write << first`},
		},
		"merge key after the same": {text: "x: &x {a: 1}\nz: {a: 1, <<: *x}\n", want: []string{"1/1 {x:{a:1} z:{a:1}}"}},
		"two merge keys":           {text: "x: {<<: {a: 1},\n <<: {a: 2}}\n", problems: []string{`f.yaml:2: an object contains key "<<" twice; keep one`}},
		"integers, booleans and keys": {
			text: "a: [017, 0x1F, 1_000, 08, yes, Off, ~, '017']\n0o10: b\nOn: c\n1.50: d\n",
			want: []string{`1/1 {a:[15 31 1000 08 true false null "017"] 8:"b" true:"c" 1.5:"d"}`},
		},
		"a key that is nothing":      {text: "a: 1\nNULL: 2\n", problems: []string{"f.yaml:2: a key must be a string"}},
		"tab":                        {text: "a:\n\tb: 1\n", problems: []string{"f.yaml:2: a tab in the indentation; YAML accepts spaces only"}},
		"template":                   {text: "a: 1\nb: {{ .Values.b }}\n", problems: []string{"f.yaml:2: " + templateMessage}},
		"template block":             {text: "a: 1\n{{- if .Values.b }}\nb: 1\n{{- end }}\n", problems: []string{"f.yaml:2: " + templateMessage}},
		"YAML that begins like JSON": {text: "{\"a\":\n1,}", want: []string{"1/1 {a:1}"}},
		"UTF-16":                     {text: "\xFF\xFEa\x00", problems: []string{"f.yaml:1: the text is UTF-16; save it as UTF-8"}},
		"NUL":                        {text: "a: \x00\n", problems: []string{"f.yaml:1: a control character (U+0000); is this a text file?"}},
		"JSON is nested deep":        {text: strings.Repeat("[", 200), problems: []string{"f.yaml:1: not valid JSON: values are nested more than 100 deep"}},
		"YAML is nested deep":        {text: "a: " + strings.Repeat("[", 200) + strings.Repeat("]", 200), problems: []string{"f.yaml:1: values are nested more than 100 deep"}},
		"JSON's line in problem":     {text: "{\n\"a\": 1\n\"b\": 2}", problems: []string{"f.yaml:3: not valid JSON: invalid character '\"' after object value (expecting ',' or '}')"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			documents, problems := read(t, test.text)
			assert.Equal(t, test.want, documents)
			assert.Equal(t, test.problems, problems)
		})
	}
}

// A list that is taken apart must read as one that is not.
func TestReadLongList(t *testing.T) {
	item := func(i int) string {
		return fmt.Sprintf("  - kind: Dataplane\n    name: dp-%d\n    note: |\n      - x\n\n      y\n    list:\n    - 1\n", i)
	}
	var yaml, json strings.Builder
	json.WriteString("{\"kind\": \"List\",\n\"items\": [")
	count := 0
	for ; yaml.Len() < 3*taskSize; count++ {
		yaml.WriteString(item(count))
		if count > 0 {
			json.WriteString(",\n")
		}
		fmt.Fprintf(&json, `{"kind": "Dataplane", "name": "dp-%d", "note": "- ]},{[x\n\ny\n", "list": [1]}`, count)
	}
	tests := map[string]string{
		"YAML":           "apiVersion: v1\nitems:\n" + yaml.String() + "kind: List\n",
		"YAML, kind up":  "kind: DataplaneList\nitems:\n" + yaml.String() + "metadata:\n  resourceVersion: ''\n",
		"JSON":           json.String() + "]}",
		"JSON, kind low": strings.Replace(json.String(), `"kind": "List",`, "", 1) + `], "total": 3}`,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			taken := 0
			for doc := range (&splitter{line: 1}).documents(text) {
				var items []chunk
				_, ok := doc.splitList(nil, func(c chunk) { items = append(items, c) })
				require.True(t, ok)
				taken = len(items)
			}
			assert.Greater(t, taken, 50)
			assert.Less(t, taken, count, "small items stay together")
			got, problems := read(t, text)
			require.Empty(t, problems)
			require.Len(t, got, count)
			assert.Contains(t, got[count-1], fmt.Sprintf(`{kind:"Dataplane" name:"dp-%d" note:"- `, count-1))
		})
	}

	t.Run("an anchor in another item", func(t *testing.T) {
		got, problems := read(t, "kind: List\nitems:\n  - &first\n    a: 1\n"+yaml.String()+"  - <<: *first\n    b: 2\n")
		require.Empty(t, problems)
		require.Len(t, got, count+2)
		assert.Contains(t, got[count+1], "{b:2 a:1}")
	})
	t.Run("an error in one item", func(t *testing.T) {
		_, problems := read(t, "kind: List\nitems:\n"+yaml.String()+"  - a: [\n"+yaml.String())
		require.Len(t, problems, 1)
		assert.Regexp(t, `^f.yaml:\d+: not valid YAML`, problems[0])
	})

	// Such a list cannot be parsed at once.
	large := strings.Repeat("  - a: 1\n", maxDocument/9)
	problems := problemsOf("kind: List\nitems:\n  - a: [\n  - a: 1\n" + large + "  - {a: 1, a: 2}\n")
	assert.Equal(t, []string{
		"f.yaml:3: not valid YAML: did not find expected node content",
		fmt.Sprintf("f.yaml:%d: an object contains key \"a\" twice; keep one", maxDocument/9+5),
	}, problems, "errors in items of a list longer than a document")
	large = strings.Repeat("{\"a\": 1},\n", maxDocument/10)
	problems = problemsOf("[\n" + large + `{"a": 1, "a": 2}]`)
	assert.Equal(t, []string{fmt.Sprintf("f.yaml:%d: an object contains key \"a\" twice; keep one", maxDocument/10+2)}, problems)
}

// A list that is one page of several is told, whatever its form and length.
func TestReadPages(t *testing.T) {
	filler := func(item string) string { return strings.Repeat(item, taskSize/len(item)+1) }
	const hint = "; get all pages, "
	tests := map[string]struct{ text, problem string }{
		"REST":              {text: `{"total": 1, "items": [{"type": "Mesh"}], "next": "http://secret"}`, problem: "f.yaml:1: the list is incomplete: next names a further page" + hint},
		"REST, the last":    {text: "{\"total\": 2,\n\"items\": [{\"type\": \"Mesh\"}], \"next\": null}", problem: "f.yaml:1: the list is incomplete: total is more than the number of items, 1" + hint},
		"REST, in YAML":     {text: "items:\n- type: Mesh\nnext: http://x\n", problem: "f.yaml:3: the list is incomplete: next names a further page" + hint},
		"Kubernetes":        {text: "kind: List\nmetadata:\n  continue: abc\nitems:\n- kind: Mesh\n", problem: "f.yaml:3: the list is incomplete: metadata.continue names a further page" + hint},
		"Kubernetes, count": {text: "kind: MeshList\nmetadata: {remainingItemCount: 3}\nitems:\n- {}\n", problem: "f.yaml:2: the list is incomplete: metadata.remainingItemCount counts missing items" + hint},
		"of other kinds":    {text: `{"total": 1, "items": [{"type": "Secret"}], "next": "http://x"}`},
		"whole":             {text: `{"total": 1, "items": [{"type": "Mesh"}], "next": null}`},
		"whole, Kubernetes": {text: "kind: List\nmetadata: {continue: \"\", resourceVersion: \"\"}\nitems:\n- kind: Mesh\n"},
		"long, JSON":        {text: "{\"items\": [" + filler(`{"type": "Mesh"},`) + "{\"type\": \"Mesh\"}],\n\"next\": \"http://x\"}", problem: "f.yaml:2: the list is incomplete: next"},
		"long, YAML":        {text: "metadata:\n  continue: abc\nitems:\n" + filler("- kind: Mesh\n") + "kind: List\n", problem: "f.yaml:2: the list is incomplete: metadata.continue"},
		"long, YAML, below": {text: "kind: List\nitems:\n" + filler("- kind: Mesh\n") + "metadata:\n  continue: abc\n", problem: fmt.Sprintf("f.yaml:%d: the list is incomplete: metadata.continue", taskSize/len("- kind: Mesh\n")+5)},
		"long, whole":       {text: "kind: List\nitems:\n" + filler("- kind: Mesh\n") + "metadata:\n  continue: \"\"\n"},
		"long, of others":   {text: "kind: List\nitems:\n" + filler("- kind: Secret\n") + "metadata:\n  continue: abc\n"},
	}
	wanted := func(_, kind string) bool { return kind == "Mesh" }
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, problems := Read(slices.Values([]Input{Text("f.yaml", test.text)}), wanted, func(d *Document, kept []bool) []bool {
				if !d.isWanted(wanted) {
					return kept
				}
				return append(kept, true)
			})
			if test.problem == "" {
				assert.Empty(t, problems)
				return
			}
			require.Len(t, problems, 1)
			assert.Contains(t, problems[0].Error(), test.problem)
			assert.NotContains(t, problems[0].Error(), "secret")
		})
	}
}

// What the lines of a document do not say beyond doubt is read as YAML reads it.
func TestReadDoubtfulHeads(t *testing.T) {
	for name, text := range map[string]string{
		"in a quoted scalar":          "kind: Mesh\nb: \"x\nkind: Secret\ny\"\n",
		"in a scalar before the kind": "b: 'x\nkind: Secret\n '\n\"kind\": Mesh\n",
		"in a flow mapping":           "{kind: Mesh, b: \"\nkind: Secret\n \"}\n",
		"quoted":                      "b: 'x\nkind: Secret\n '\n'kind': Mesh\n",
		"of two lines":                "b: 'x\nkind: Secret\n '\n? kind\n: Mesh\n",
		"by an anchor":                "b: 'x\nkind: Secret\n '\n&a kind: Mesh\n",
		"by a carriage return":        "# x\rkind: Mesh\nb: 'x\nkind: Secret\n '\n",
		"by a merge key":              "b: 'x\nkind: Secret\n '\n<<: {kind: Mesh}\n",
		"in an item":                  "kind: List\nitems:\n" + strings.Repeat("- kind: Secret\n  b: "+strings.Repeat("b", runSize)+"\n", taskSize/runSize+1) + "- kind: Mesh\n  b: \"" + strings.Repeat("b", runSize) + "\n  kind: Secret\n  \"\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := Read(slices.Values([]Input{Text("f.yaml", text)}), func(_, kind string) bool { return kind == "Mesh" },
				func(d *Document, kept []string) []string {
					if kind := d.Root.Get("kind"); kind == nil || kind.Text != "Secret" {
						return append(kept, show(kind))
					}
					return kept
				})
			require.Empty(t, problems)
			assert.Equal(t, []string{`"Mesh"`}, got)
		})
	}
	_, problems := Read(slices.Values([]Input{Text("f.yaml", "kind: Mesh\nkind: Secret\n")}), func(_, kind string) bool { return kind == "Mesh" }, func(_ *Document, kept []int) []int { return kept })
	require.Len(t, problems, 1)
	assert.Contains(t, problems[0].Error(), `f.yaml:2: an object contains key "kind" twice`)
	_, problems = Read(slices.Values([]Input{Text("f.yaml", "{{- if .x }}\nkind: Secret\nb: [\n{{- end }}\n")}), func(_, kind string) bool { return kind == "Mesh" }, func(_ *Document, kept []int) []int { return kept })
	assert.Empty(t, problems)
}

func TestReadSkipsUnwanted(t *testing.T) {
	text := "kind: Secret\ndata: {{ broken\n---\nkind: Mesh\napiVersion: appmesh.k8s.aws/v1beta2\n---\ntype: Mesh\nname: a\n"
	got, problems := Read(slices.Values([]Input{Text("f", text)}),
		func(_, kind string) bool { return kind != "Secret" },
		func(d *Document, kept []string) []string { return append(kept, show(d.Root)) })
	assert.Empty(t, problems)
	assert.Equal(t, []string{`{kind:"Mesh" apiVersion:"appmesh.k8s.aws/v1beta2"}`, `{type:"Mesh" name:"a"}`}, got)
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(path string) {
		path = filepath.Join(dir, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte("a: 1"), 0o644))
	}
	for _, path := range []string{"b.yaml", "a/c.yml", "a/d.json", "a/e.txt", ".git/f.yaml"} {
		write(path)
	}
	require.NoError(t, os.Symlink("..", filepath.Join(dir, "a", "loop")))
	require.NoError(t, os.Symlink("missing", filepath.Join(dir, "a", "dangling.yaml")))
	require.NoError(t, os.Symlink("self.yaml", filepath.Join(dir, "a", "self.yaml")))

	inputs, err := Files(dir)
	require.NoError(t, err)
	names := make([]string, 0, len(inputs))
	for _, input := range inputs {
		name, err := filepath.Rel(dir, input.Name)
		require.NoError(t, err)
		names = append(names, name)
	}
	assert.Equal(t, []string{"a/c.yml", "a/d.json", "b.yaml"}, names)

	_, err = Files(filepath.Join(dir, "missing"))
	assert.EqualError(t, err, "no such file or directory")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "empty"), 0o755))
	_, err = Files(filepath.Join(dir, "empty"))
	assert.EqualError(t, err, "the directory does not contain a .yaml, .yml or .json file")
}

// A text takes twice its size at most while it is read, however it comes.
func TestInputMemory(t *testing.T) {
	const size = 32 << 20
	path := filepath.Join(t.TempDir(), "a.yaml")
	require.NoError(t, os.WriteFile(path, make([]byte, size), 0o600))
	stdin, err := os.Open(path)
	require.NoError(t, err)
	defer func() { _ = stdin.Close() }()
	tests := map[string]struct {
		input Input
		times float64
	}{
		"file":              {input: file(path), times: 1},
		"redirected file":   {input: Stream("stdin", stdin), times: 1},
		"pipe":              {input: Stream("stdin", io.LimitReader(endless{}, size)), times: 2},
		"pipe without end":  {input: Stream("stdin", endless{}), times: 1},
		"file of too much":  {input: file(path), times: 0},
		"pipe at the limit": {input: Stream("stdin", io.LimitReader(endless{}, size)), times: 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.input.Limit = size
			if test.times == 0 {
				test.input.Limit--
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			length := 0
			p, err := test.input.parts()
			if err == nil {
				for part, wrong := range p.each() {
					if err = wrong; err == nil && !part.whole {
						part.text, err = p.toEnd(part.text)
					}
					length += len(part.text)
				}
			}
			runtime.ReadMemStats(&after)
			if name == "pipe without end" || test.times == 0 {
				assert.ErrorContains(t, err, "raise the limit with --max-input-size")
			} else {
				require.NoError(t, err)
				assert.Equal(t, size, length)
			}
			assert.LessOrEqual(t, float64(after.TotalAlloc-before.TotalAlloc), test.times*size+4<<20)
		})
	}
}

// A long text comes in parts that end between documents, and its lines are counted
// through all of them.
func TestParts(t *testing.T) {
	document := func(n int) string {
		return fmt.Sprintf("%s\nn: %d\nx: %s\n", []string{"---", "--- # ---", "---\r"}[n%3], n, strings.Repeat("---", n%1000))
	}
	var b strings.Builder
	var lines []int
	for n := range 1_000 {
		lines = append(lines, strings.Count(b.String(), "\n")+2)
		b.WriteString(document(n))
	}
	text := b.String()
	var joined strings.Builder
	parts := 0
	in := Stream("stdin", strings.NewReader(text))
	in.part = 64 << 10
	p, err := in.parts()
	require.NoError(t, err)
	for part, err := range p.each() {
		require.NoError(t, err)
		assert.True(t, part.whole)
		assert.True(t, isMarker(textOf(part.text)))
		joined.Write(part.text)
		parts++
	}
	assert.Greater(t, parts, 3)
	assert.Equal(t, text, joined.String())
	in = Text("a", text)
	in.part = 64 << 10
	got, problems := Read(slices.Values([]Input{in}), func(string, string) bool { return true }, func(d *Document, kept []int) []int { return append(kept, d.Line) })
	assert.Empty(t, problems)
	assert.Equal(t, lines, got)
}

// endless is a text without end.
type endless struct{}

// Read implements io.Reader.
func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestTooLong(t *testing.T) {
	for limit, want := range map[int64]string{1: "1 bytes", 1000: "1000 bytes", 1 << 30: "1 GiB", 1536: "1536 bytes", 500 << 20: "500 MiB", 3 << 40: "3 TiB"} {
		assert.EqualError(t, tooLong(limit), "it has more than "+want+"; split it, or raise the limit with --max-input-size")
	}
}

func TestValue(t *testing.T) {
	const text = `
backends:
- name: dd
  conf: {port: 70000, address: 5, extra: 1}
- conf: {port: "81", address: agent, sampling: {value: 80}}
- conf: []
tags: {a/b: 1}
`
	var problems []*Problem
	_, wrong := Read(slices.Values([]Input{Text("mesh.yaml", text)}), everything, func(d *Document, _ []int) []int {
		v := d.Value(Subject{Kind: "Mesh", Name: "default"}, &problems)
		for i, backend := range v.Field("backends").Items() {
			if i == 0 {
				backend = backend.Labelled("tracing backend %q", backend.Field("name").Str())
			}
			conf := backend.Field("conf")
			conf.Field("port").Port()
			conf.Field("address").Str()
			conf.Known("port", "address", "sampling")
			if percent := conf.Field("sampling").Percent(); i == 1 {
				assert.Equal(t, 80.0, *percent)
				assert.Equal(t, uint32(81), conf.Field("port").Port())
			}
		}
		for range v.Field("tags").StringPairs() { // which records problems
			continue
		}
		v.Need("name")
		return nil
	})
	require.Empty(t, wrong)
	got := make([]string, 0, len(problems))
	for _, p := range problems {
		got = append(got, string(p.Severity)+" "+p.Error())
	}
	assert.Equal(t, []string{
		`error mesh.yaml:4: Mesh "default": tracing backend "dd": conf.port 70000 is out of range 1 to 65535`,
		`error mesh.yaml:4: Mesh "default": tracing backend "dd": conf.address is a number, not a string; put it in quotes`,
		`warning mesh.yaml:4: Mesh "default": tracing backend "dd": unknown field conf.extra has no effect; known fields: port, address, sampling`,
		`error mesh.yaml:6: Mesh "default": backends[2].conf is a list, not an object`,
		`error mesh.yaml:6: Mesh "default": backends[2].conf is a list, not an object`,
		`error mesh.yaml:6: Mesh "default": backends[2].conf is a list, not an object`,
		`error mesh.yaml:7: Mesh "default": tags["a/b"] is a number, not a string; put it in quotes`,
		`error mesh.yaml:2: Mesh "default": name is missing`,
	}, got)
}

// FuzzPlain holds the quick parser against yaml.v3: where it answers, both must agree.
func FuzzPlain(f *testing.F) {
	for _, seed := range []string{
		"a: b\nc:\n- d: 1\n  e: 1.5\n- f\ng: {}\n", "a:\n  - b: 'x'\n    c:\n      d: \"y\"\n  -\n", "- - a\n  - b\n- c: d\n",
		"a: http://b:9411/c\nb: 10.0.0.1\nc: v1\nd: true\ne: null\nf: 0x1f\ng: 2020-01-01\n", "a: b # c\n\n# d\ne:\nf: g\n",
		"a:\n- b\nc: d", "a: 1_000\nb: 1e3\nc: 08\nd: .5\ne: 5.\nf: 1.2.3\n", "a: b: c", "a: x\n  y\n", "x: y:z\n", "<<: {a: b}\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "---") || strings.Contains(text, "...") {
			return // never reach a parser, see documents
		}
		quick := parsePlain(text, 1, new(stack))
		if quick == nil {
			return
		}
		slow, err := parseYAML(text, 1)
		if err != nil {
			t.Fatalf("yaml.v3 refuses %q: %v", text, err.message)
		}
		if show(quick) != show(slow) || !quick.Equal(slow) {
			t.Fatalf("%q reads %s, with yaml.v3 %s", text, show(quick), show(slow))
		}
	})
}

// jsonValue is n as encoding/json would decode it.
func jsonValue(n *Node) any {
	switch n.Kind {
	case Mapping:
		m := make(map[string]any)
		for key, value := range n.Pairs() {
			m[key.Text] = jsonValue(value)
		}
		return m
	case Sequence:
		list := make([]any, len(n.Items()))
		for i := range n.Items() {
			list[i] = jsonValue(&n.Items()[i])
		}
		return list
	case Null:
		return nil
	case Bool:
		return n.Text == "true"
	case Int, Float:
		f, err := strconv.ParseFloat(n.Text, 64)
		if err != nil {
			return err
		}
		return f
	}
	return n.Text
}

// FuzzScalar holds scalars and keys against sigs.k8s.io/yaml, by which control
// planes read YAML.
func FuzzScalar(f *testing.F) {
	for _, seed := range []string{
		"017", "0o17", "0x10", "0b11", "1_000", "08", "0_8", "+5", "-017", "-0x1F", "1e3", ".5", "5.", "+.5", "1:30", "2001-01-01", "0.10", "1.10", "-0", "-0.0",
		"y", "N", "yes", "No", "ON", "off", "True", "nul", "~", "null", "", ".inf", "-.INF", ".nan", "inf", "0x1p4", "9223372036854775808", "18446744073709551616", "1e400",
		"'017'", "\"yes\"", "a b", "0777777777777777777777777", "1__0", "_1", "+", "-", ".", "1.5_0", "._5", ".5_5", "0o8", "=", "<<", "2001-01-01T00:00:00Z", "5 # five",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, scalar string) {
		// yaml.v3 does not tell the tag "!"; and what is bad in base 2 is a number to yaml.v2 alone.
		if strings.ContainsAny(scalar, "\n\r\u0085\u2028\u2029\t!") || strings.Contains(scalar, "0b") && strings.ContainsAny(scalar, "+-") {
			return
		}
		for _, text := range []string{"a: " + scalar + "\n", scalar + ": a\n", "- " + scalar + "\n", "- {a: " + scalar + "}\n"} {
			root := parsePlain(text, 1, new(stack))
			if root == nil {
				var err *syntaxError
				if root, err = parseYAML(text, 1); err != nil {
					continue // nothing is read
				}
			}
			want, err := yaml.YAMLToJSON([]byte(text))
			if err != nil {
				continue // no control plane has it
			}
			var value any
			require.NoError(t, json.Unmarshal(want, &value))
			require.Equal(t, value, jsonValue(root), "%q", text)
		}
	})
}

// FuzzRead must end, without a panic, with problems that stand within the text.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"a: 1\n---\nb: 2", `{"a": [1, {"b": "c"}]}`, "kind: List\nitems:\n- a: 1\n", "a: &a [*a]", "a: &a\n  <<: *a\n", "? {}\n", "\t", "%YAML 1.1\n---\n", "- |\n x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, problems := read(t, text)
		for _, p := range problems {
			assert.NotEmpty(t, p)
		}
		_, wrong := Read(slices.Values([]Input{Text("f", text)}), everything, func(_ *Document, kept []int) []int { return kept })
		for _, p := range wrong {
			assert.GreaterOrEqual(t, p.Line, 1)
			assert.LessOrEqual(t, p.Line, strings.Count(text, "\n")+2)
		}
	})
}

// FuzzJSON compares the reader with encoding/json: both must accept the same
// texts, but for streams, and what is refused here on purpose.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-2.5e3,true,false,null,"x"],"b":{}}`, `[[],{"":""}]`, `{"a":1}{"b":2}`, `"\ud83d"`, `{"a":01}`, `[1,]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		root, err := parseJSON(text, 1, true, new(stack))
		var values []Node
		if err == nil {
			values = root.Items()
		}
		switch valid := json.Valid([]byte(text)); {
		case err == nil && len(values) == 1 && !valid:
			t.Fatalf("%q is not JSON, but reads as %s", text, show(&values[0]))
		case err != nil && valid:
			for _, reason := range []string{"twice", "not UTF-8", "nested", "Helm"} {
				if strings.Contains(err.message, reason) {
					return
				}
			}
			t.Fatalf("%q is JSON, but: %s", text, err.message)
		}
		for i := range values {
			if !utf8.ValidString(show(&values[i])) {
				t.Fatalf("%q reads as text that is not UTF-8", text)
			}
		}
	})
}

// FuzzSplitJSON checks that a list which is taken apart has the same items, on the same
// lines, as one that is not, and that none is taken apart where the whole is not JSON.
func FuzzSplitJSON(f *testing.F) {
	for _, seed := range []string{
		`[]`, `[1, "a]", {"b": [2]}]`, "[\n1\n,\n2]\n", `[1,]`, `[1 2]`, `[}`, `[{"a": ]}, 1]`, `["a`, `["\\"]`, `[1]]`, `[{"a": 1}{"b": 2}]`,
		"{\"kind\": \"MeshList\",\n\"items\": [{},\n{}],\n\"total\": 3}", `{"items": []}`, `{"items": [1]`, `{"items": [1], "items": [2]}`,
		`{"items": 1}`, `{"a": 1}`, `{"items": [1]} {}`, `{"kind": "Mesh", "items": [1]}`, `[{"a": 1, "a": 2}]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !beginsJSON(text) {
			return // the splitter says what is JSON
		}
		root, err := parseJSON(text, 1, false, new(stack))
		var items []chunk
		around, ok := chunk{text: text, line: 1, doc: 1, json: true}.splitJSON(nil, func(c chunk) { items = append(items, c) })
		if ok && around.kind != around.splitAs { // as batch.addList does
			items = nil
			around, ok = chunk{text: text, line: 1, doc: 1, json: true}.splitJSON(&around.kind, func(c chunk) { items = append(items, c) })
		}
		var got []Node
		for _, c := range items {
			n, err := parseJSON(c.text, c.line, c.item, new(stack))
			ok = ok && err == nil
			if ok {
				got = append(got, n.Items()...)
			}
		}
		var want *list
		if err == nil && json.Valid([]byte(text)) { // not a stream
			want = asList(root)
		}
		require.Equal(t, want != nil, ok, "%q", text)
		if want == nil {
			return
		}
		require.Equal(t, want.kind, around.kind, "%q", text)
		require.Equal(t, len(want.items), around.count, "%q", text)
		require.Equal(t, show(&Node{Kind: Sequence, content: want.items}), show(&Node{Kind: Sequence, content: got}), "%q", text)
		for i := range got {
			require.Equal(t, want.items[i].line, got[i].line, "%q", text)
		}
		for _, key := range []string{"total", "next", "kind"} {
			require.Equal(t, show(root.Get(key)), show(around.root.Get(key)), "%q", text)
		}
	})
}

// FuzzRedactURL checks that a url without credentials sends to the same host, and that
// another text does not become a url.
func FuzzRedactURL(f *testing.F) {
	for _, text := range []string{"A:@%0", "http://ann:hunter2@zip:9411/api?a=b#c", "http://http://:REDACTED {]@?", "http://a/?b c", "//a@b//c@d"} {
		f.Add(text)
	}
	target := func(text string) string {
		if u, err := url.Parse(text); err == nil && (u.Scheme == "http" || u.Scheme == "https") && !strings.ContainsAny(text, " \t\r\n") {
			return u.Host
		}
		return ""
	}
	f.Fuzz(func(t *testing.T, text string) {
		clean := RedactURL(text)
		assert.Equal(t, target(text), target(clean), clean)
		assert.Equal(t, clean, RedactURL(clean))
		if strings.Contains(text, "sesame") {
			return
		}
		assert.NotContains(t, RedactURL("http://ann:sesame@"+text), "sesame")
		assert.NotContains(t, RedactURL(text+"?sesame"), "sesame")
	})
}

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"http://zipkin:9411/api":                    "http://zipkin:9411/api",
		"http://zipkin:9411/p@th":                   "http://zipkin:9411/p@th",
		"http://user:hunter2@zipkin:9411/api":       "http://REDACTED@zipkin:9411/api",
		"http://user:hun/ter2@zipkin:9411/api":      "http://%REDACTED@zipkin:9411/api",
		"http://zipkin:9411/api?token=hunter2":      "http://zipkin:9411/api?REDACTED",
		"http://zipkin:9411/api#hunter2":            "http://zipkin:9411/api#REDACTED",
		"zip:9411/api?token=hunter2":                "zip:9411/api?REDACTED",
		"user:hunter2@zip:9411/api?token=hunter2":   "REDACTED@zip:9411/api?REDACTED",
		"//user:hunter2@zip:9411/api":               "//REDACTED@zip:9411/api",
		"http:///user:hunter2@zip":                  "http:///REDACTED@zip",
		"http://zip kin:9411/api?token=hunter2":     "http://zip kin:9411/api?REDACTED",
		"http://a<script>b:9411/x?token=hunter2":    "http://a<script>b:9411/x?REDACTED",
		"http://zip/?a=http://user:hunter2@x&b=<c>": "http://zip/?REDACTED",
		"collector:4317":                            "collector:4317",
		"2001:db8::1":                               "2001:db8::1",
		"":                                          "",
		"http://x/?":                                "http://x/?",
		"A:@%0":                                     "REDACTED@%0",
		"http://http://ann:hunter2@zip":             "http://http://REDACTED@zip",
		"http://zipkin:9411//p@th":                  "http://zipkin:9411//REDACTED@th",
		"http://zipkin:9411/?pass word":             "http://zipkin:9411/#REDACTED%",
	} {
		assert.Equal(t, want, RedactURL(text), text)
		assert.Equal(t, want, RedactURL(want), "redacted twice: %s", text)
	}
	for text, want := range map[string]string{
		"asking (https://bob:hunter2@api:6443/x?token=hunter2) failed": "asking (https://REDACTED@api:6443/x?REDACTED) failed",
		"see https://api/x?token=hunter2, then https://api/y?a.":       "see https://api/x?REDACTED, then https://api/y?REDACTED.",
		"run `delete 'https://api/x?a'`":                               "run `delete 'https://api/x?REDACTED'`",
		"http://c:1/path;token=hunter2":                                "http://c:1/path;token=REDACTED",
		"http://c/a;v=1;X-Api-Key=hunter2;b=c/d;session_id=x/e?f":      "http://c/a;v=1;X-Api-Key=REDACTED;b=c/d;session_id=REDACTED/e?REDACTED",
		"collectorEndpoint is '/a;password=hunter2', no":               "collectorEndpoint is '/a;password=REDACTED', no",
		"run `delete 'http://c/;token=a'\\''b'`; v=1":                  "run `delete 'http://c/;token=REDACTED'`; v=1",
		"wrong; the key=value is":                                      "wrong; the key=value is",
		"what is https://api/x? It is \"https://api/?token=hunter2\".": "what is https://api/x? It is \"https://api/?REDACTED\".",
	} {
		assert.Equal(t, want, Redact(text))
		assert.Equal(t, want, Redact(want), "redacted twice: %s", text)
	}
}

// FuzzRedact checks that a text is redacted once, and that no credential in a url remains.
func FuzzRedact(f *testing.F) {
	for _, text := range []string{"http://a@b/;token=c?d", "Bearer aaaaaaaaaaaa://", "';key='\\'';", "://?;secret=", ";token=@://"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		clean := Redact(text)
		assert.Equal(t, clean, Redact(clean))
		if strings.Contains(text, "sesame") {
			return
		}
		for _, url := range []string{"http://ann:sesame@h/", "http://h/a?sesame", "http://h/a;token=sesame", "http://h/a;v=1;api_key=sesame/b"} {
			assert.NotContains(t, Redact(text+url), "sesame")
			assert.NotContains(t, Redact(url+text), "sesame")
		}
	})
}
