package edit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

type op struct {
	document int
	remove   []any // nil with insert == nil: the document
	insert   []any
	value    string
	inner    []op // of the file embedded at remove
	keep     []any
}

func remove(path ...any) op { return op{remove: path} }

func insert(value string, path ...any) op { return op{insert: path, value: value} }

func keep(path ...any) op { return op{keep: path} }

func within(o op, path ...any) op { return op{remove: path, inner: []op{o}} }

func (o op) in(document int) op { o.document = document; return o }

func (o op) do(f *File) error {
	if o.document >= len(f.Documents()) {
		return nil
	}
	d := f.Documents()[o.document]
	switch {
	case o.keep != nil:
		return d.Keep(o.keep...)
	case o.inner != nil:
		f, err := d.Embedded(o.remove...)
		if err != nil {
			return err
		}
		return o.inner[0].do(f)
	case o.insert != nil:
		return d.Insert(o.value, o.insert...)
	case o.remove == nil:
		d.Remove()
		return nil
	}
	return d.RemoveAt(o.remove...)
}

func edited(text string, ops []op) (string, error) {
	f, err := Parse("f.yaml", []byte(text))
	if err != nil {
		return "", err
	}
	for _, o := range ops {
		if err := o.do(f); err != nil {
			return "", err
		}
	}
	out, err := f.Bytes()
	return string(out), err
}

func TestEdit(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
		ops        []op
	}{
		"nothing": {text: "a:   1 # x\r\n\n\n--- # y", want: "a:   1 # x\r\n\n\n--- # y"},
		"middle entry with comment above, line comment, nested comments": {
			text: "a: 1\n# about t\nt: # line\n  x: 1\n  # end of t\n# about b\nb: 2\n",
			want: "a: 1\n# about b\nb: 2\n", ops: []op{remove("t")},
		},
		"comment after a blank line stays": {
			text: "a: 1\n# general\n\nt: 1\nb: 2\n", want: "a: 1\n# general\n\nb: 2\n", ops: []op{remove("t")},
		},
		"comment above at another indentation stays": {
			text: "s:\n# odd\n  t: 1\n  b: 2\n", want: "s:\n# odd\n  b: 2\n", ops: []op{remove("s", "t")},
		},
		"blank lines on both sides":  {text: "a: 1\n\nt:\n  x: 1\n\nb: 2\n", want: "a: 1\n\nb: 2\n", ops: []op{remove("t")}},
		"blank line above the last":  {text: "s:\n  a: 1\n\n  t: 1\nb: 2\n", want: "s:\n  a: 1\nb: 2\n", ops: []op{remove("s", "t")}},
		"blank line below the first": {text: "s:\n  t: 1\n\n  a: 1\nb: 2\n", want: "s:\n  a: 1\nb: 2\n", ops: []op{remove("s", "t")}},
		"parents become empty":       {text: "a: 1\ns:\n  m:\n    # c\n    t: 1\nb: 2\n", want: "a: 1\nb: 2\n", ops: []op{remove("s", "m", "t")}},
		"mapping that stays":         {text: "a: 1\ns: # of s\n  # of t\n  t:\n    x: 1\n\n# of b\nb: 2\n", want: "a: 1\ns: {} # of s\n\n# of b\nb: 2\n", ops: []op{keep("s"), remove("s", "t")}},
		"mapping that stays, flow":   {text: "s: { t: {x: 1} }\n", want: "s: {}\n", ops: []op{keep("s"), remove("s", "t")}},
		"mapping that stays, last":   {text: "s:\r\n  t: 1", want: "s: {}\r\n", ops: []op{keep("s"), remove("s", "t")}},
		"mapping that stays anyway":  {text: "s:\n  t: 1\n  u: 1\n", want: "s:\n  u: 1\n", ops: []op{keep("s"), remove("s", "t")}},
		"siblings together":          {text: "s:\n  t: 1\n  u: 2\nb: 2\n", want: "b: 2\n", ops: []op{remove("s", "t"), remove("s", "u")}},
		"first key after a dash": {
			text: "l:\n- t:\n    x: 1\n  n: a\n- n: b\n", want: "l:\n- n: a\n- n: b\n", ops: []op{remove("l", 0, "t")},
		},
		"first key after a dash, comment follows": {
			text: "l:\n- t: 1 # x\n  # about n\n  n: a\n", want: "l:\n- # about n\n  n: a\n", ops: []op{remove("l", 0, "t")},
		},
		"dash alone on its line": {text: "l:\n-\n  t: 1\n  n: a\n", want: "l:\n-\n  n: a\n", ops: []op{remove("l", 0, "t")}},
		"items":                  {text: "l:\n- a\n# about b\n- b # x\n- c\n", want: "l:\n- a\n- c\n", ops: []op{remove("l", 1)}},
		"nested sequences":       {text: "l:\n- - a\n  - b\n- - c\n", want: "l:\n- - b\n- - c\n", ops: []op{remove("l", 0, 0)}},
		"literal":                {text: "t: |\n  # not a comment\n\n  x\n\nb: 1\n", want: "b: 1\n", ops: []op{remove("t")}},
		"literal that keeps":     {text: "a: |+\n  x\n\nt: 1\nb: 1\n", want: "a: |+\n  x\n\nb: 1\n", ops: []op{remove("t")}},
		"literal with indicator": {text: "t: |2\n    x\n  y\nb: 1\n", want: "b: 1\n", ops: []op{remove("t")}},
		"folded":                 {text: "l:\n  - >-\n   x\n   y\n  - b\n", want: "l:\n  - b\n", ops: []op{remove("l", 0)}},
		"plain over lines":       {text: "t: x\n  y\n\n  z\nb: 1\n", want: "b: 1\n", ops: []op{remove("t")}},
		"quoted over lines":      {text: "t: \"x\n# y\n  \\\" z\"\nb: 1\n", want: "b: 1\n", ops: []op{remove("t")}},
		"single quoted":          {text: "t: 'it''s\n  # y' # z\nb: 1\n", want: "b: 1\n", ops: []op{remove("t")}},
		"no final line break":    {text: "a: 1\nt: 1", want: "a: 1\n", ops: []op{remove("t")}},
		"CRLF":                   {text: "a: 1\r\n# t\r\nt:\r\n  x: |\r\n    y\r\nb: 2\r\n", want: "a: 1\r\nb: 2\r\n", ops: []op{remove("t")}},
		"not ASCII":              {text: "ä: {ö: 1, t: 2, ü: 3}\n", want: "ä: {ö: 1, ü: 3}\n", ops: []op{remove("ä", "t")}},
		"byte order mark":        {text: "\ufefft: 1\nb: 2\n", want: "\ufeffb: 2\n", ops: []op{remove("t")}},
		"tag and anchor":         {text: "t: &x !!map\n  y: 1\nb: !!str 1\n", want: "b: !!str 1\n", ops: []op{remove("t")}},
		"absent value":           {text: "t:\nb:\n", want: "b:\n", ops: []op{remove("t")}},
		"explicit key":           {text: "? t\n: 1\n? b\n: 2\n", want: "? b\n: 2\n", ops: []op{remove("t")}},

		"flow, middle":              {text: "s: {a: 1, t: {x: [1, 2]}, b: 2}\n", want: "s: {a: 1, b: 2}\n", ops: []op{remove("s", "t")}},
		"flow, first":               {text: "s: { t: 1, b: 2 }\n", want: "s: { b: 2 }\n", ops: []op{remove("s", "t")}},
		"flow, last":                {text: "s: { a: 1, t: 2 }\n", want: "s: { a: 1 }\n", ops: []op{remove("s", "t")}},
		"flow, several":             {text: "[a, b, c, d]\n", want: "[b]\n", ops: []op{remove(0), remove(2), remove(3)}},
		"flow, all":                 {text: "a: 1\ns: [a, b]\n", want: "a: 1\n", ops: []op{remove("s", 0), remove("s", 1)}},
		"flow, comma at the end":    {text: "[a, b,]\n", want: "[a,]\n", ops: []op{remove(1)}},
		"flow, pair":                {text: "[a: 1, b: 2, c]\n", want: "[a: 1, c]\n", ops: []op{remove(1)}},
		"flow, quoted":              {text: "{a: ']', 't, }': \"}\", b: 1}\n", want: "{a: ']', b: 1}\n", ops: []op{remove("t, }")}},
		"flow, end of line":         {text: "[a, b,\n c]\n", want: "[a,\n c]\n", ops: []op{remove(1)}},
		"flow, comments":            {text: "[\n  a, # a\n  # about b\n  b, # b\n  c # c\n]\n", want: "[\n  a, # a\n  c # c\n]\n", ops: []op{remove(1)}},
		"flow, comments, last":      {text: "[\n  a, # a\n  b, # b\n  c # c\n]\n", want: "[\n  a, # a\n  b # b\n]\n", ops: []op{remove(2)}},
		"JSON, middle":              {text: "{\n  \"a\": 1,\n  \"t\": {\n    \"x\": [1]\n  },\n  \"b\": 2\n}\n", want: "{\n  \"a\": 1,\n  \"b\": 2\n}\n", ops: []op{remove("t")}},
		"JSON, last":                {text: "{\n  \"a\": 1,\n  \"t\": {\n    \"x\": [1]\n  }\n}\n", want: "{\n  \"a\": 1\n}\n", ops: []op{remove("t")}},
		"JSON, first":               {text: "{\n\t\"t\": 1,\n\t\"a\": 1\n}\n", want: "{\n\t\"a\": 1\n}\n", ops: []op{remove("t")}},
		"JSON, item between braces": {text: "[{\n  \"a\": 1\n}, {\n  \"b\": 1\n}, {\n  \"c\": 1\n}]\n", want: "[{\n  \"a\": 1\n}, {\n  \"c\": 1\n}]\n", ops: []op{remove(1)}},

		"document, first":                         {text: "t: 1\n---\na: 1\n", want: "a: 1\n", ops: []op{remove()}},
		"document, first, marked":                 {text: "---\nt: 1\n---\na: 1\n", want: "---\na: 1\n", ops: []op{remove()}},
		"document, middle":                        {text: "a: 1\n---\n# about t\nt: 1\n---\nb: 1\n", want: "a: 1\n---\nb: 1\n", ops: []op{remove().in(1)}},
		"document, last":                          {text: "a: 1\n---\nt: 1", want: "a: 1\n", ops: []op{remove().in(1)}},
		"document, blank lines":                   {text: "a: 1\n\n---\n\nt: 1\n\n---\n\nb: 1\n", want: "a: 1\n\n---\n\nb: 1\n", ops: []op{remove().in(1)}},
		"document, last, blank":                   {text: "a: 1\n\n---\nt: 1\n", want: "a: 1\n", ops: []op{remove().in(1)}},
		"document, last two":                      {text: "a: 1\n\n---\nt: 1\n\n---\nu: 1\n\n", want: "a: 1\n", ops: []op{remove().in(1), remove().in(2)}},
		"document, first two":                     {text: "t: 1\n---\nu: 1\n---\nb: 1\n", want: "b: 1\n", ops: []op{remove(), remove().in(1)}},
		"document, licence":                       {text: "# Licence\n\n# about t\nt: 1\n---\nb: 1\n", want: "# Licence\n\nb: 1\n", ops: []op{remove()}},
		"document, licence, marked":               {text: "---\n# Licence\n\n# about t\nt: 1\n---\nb: 1\n", want: "# Licence\n\n---\nb: 1\n", ops: []op{remove()}},
		"document, marker comment":                {text: "a: 1\n--- # t\nt: 1\n--- # b\nb: 1\n", want: "a: 1\n--- # b\nb: 1\n", ops: []op{remove().in(1)}},
		"document, first, marker comment follows": {text: "t: 1\n--- # b\nb: 1\n", want: "--- # b\nb: 1\n", ops: []op{remove()}},
		"document, on marker line":                {text: "--- {a: b}\n--- {t: 1}\n--- {c: d}\n", want: "--- {a: b}\n--- {c: d}\n", ops: []op{remove().in(1)}},
		"document, end marker":                    {text: "a: 1\n---\nt: 1\n...\n---\nb: 1\n...\n", want: "a: 1\n---\nb: 1\n...\n", ops: []op{remove().in(1)}},
		"document, first, end marker":             {text: "t: 1\n...\n---\nb: 1\n", want: "---\nb: 1\n", ops: []op{remove()}},
		"document, directives":                    {text: "%YAML 1.1\n---\na: 1\n...\n%YAML 1.1\n---\nt: 1\n...\n%YAML 1.1\n---\nb: 1\n", want: "%YAML 1.1\n---\na: 1\n...\n%YAML 1.1\n---\nb: 1\n", ops: []op{remove().in(1)}},
		"document, directive needs the end":       {text: "a: 1\n---\nt: 1\n...\n%YAML 1.1\n---\nb: 1\n", want: "a: 1\n...\n%YAML 1.1\n---\nb: 1\n", ops: []op{remove().in(1)}},
		"document, first with directive":          {text: "%YAML 1.1\n---\nt: 1\n...\n%YAML 1.1\n---\nb: 1\n", want: "%YAML 1.1\n---\nb: 1\n", ops: []op{remove()}},
		"document, empty ones":                    {text: "---\n---\nt: 1\n---\n# c\n---\nb: 1\n", want: "---\n---\n# c\n---\nb: 1\n", ops: []op{remove()}},
		"document, CRLF":                          {text: "a: 1\r\n---\r\nt: 1\r\n---\r\nb: 1\r\n", want: "a: 1\r\n---\r\nb: 1\r\n", ops: []op{remove().in(1)}},
		"document, byte order mark":               {text: "\ufefft: 1\n---\na: 1\n", want: "\ufeffa: 1\n", ops: []op{remove()}},
		"document, literal before":                {text: "a: |+\n  x\n\n---\nt: 1\n", want: "a: |+\n  x\n\n", ops: []op{remove().in(1)}},
		"document becomes empty":                  {text: "a: 1\n---\ns:\n  t: 1\n---\nb: 1\n", want: "a: 1\n---\nb: 1\n", ops: []op{remove("s", "t").in(1)}},
		"document, comment of the next stays":     {text: "a: 1\n---\nt: 1\n# next\n---\nb: 1\n", want: "a: 1\n# next\n---\nb: 1\n", ops: []op{remove().in(1)}},

		"insert, append":                {text: "l:\n  - a\n  - b # x\nc: 1\n", want: "l:\n  - a\n  - b # x\n  - c.yaml\nc: 1\n", ops: []op{insert("c.yaml", "l", 2)}},
		"insert, before":                {text: "l:\n# a\n- a\n", want: "l:\n- b\n# a\n- a\n", ops: []op{insert("b", "l", 0)}},
		"insert, no final line break":   {text: "l:\n- a", want: "l:\n- a\n- b", ops: []op{insert("b", "l", 1)}},
		"insert, CRLF":                  {text: "l:\r\n- a\r\n", want: "l:\r\n- a\r\n- b\r\n", ops: []op{insert("b", "l", 1)}},
		"insert, gap":                   {text: "l:\n-   a\n", want: "l:\n-   a\n-   b\n", ops: []op{insert("b", "l", 1)}},
		"insert, quotes":                {text: "l:\n- a\n", want: "l:\n- a\n- \"on\"\n- \"1\"\n- 'a: b'\n- '- x'\n", ops: []op{insert("on", "l", 1), insert("1", "l", 1), insert("a: b", "l", 1), insert("- x", "l", 1)}},
		"insert, all removed":           {text: "l:\n- a\nb: 1\n", want: "l:\n- c\nb: 1\n", ops: []op{remove("l", 0), insert("c", "l", 1)}},
		"insert, last removed":          {text: "l:\n- a\n- b", want: "l:\n- a\n- c\n", ops: []op{remove("l", 1), insert("c", "l", 2)}},
		"insert, flow":                  {text: "l: [a]\n", want: "l: [a, b, 'c,d']\n", ops: []op{insert("b", "l", 1), insert("c,d", "l", 1)}},
		"insert, flow, all replaced":    {text: "l: [a, b]\n", want: "l: [x, z]\n", ops: []op{remove("l", 0), remove("l", 1), insert("z", "l", 2), insert("x", "l", 0)}},
		"insert, flow, some replaced":   {text: "l: [a, b, c]\n", want: "l: [a, x, z]\n", ops: []op{remove("l", 1), remove("l", 2), insert("z", "l", 3), insert("x", "l", 1)}},
		"insert, flow, any order":       {text: "l: [a, b]\n", want: "l: [x, a, y2, b, z]\n", ops: []op{insert("z", "l", 2), insert("y2", "l", 1), insert("x", "l", 0)}},
		"insert, flow, first":           {text: "l: [a]\n", want: "l: [b, a]\n", ops: []op{insert("b", "l", 0)}},
		"insert, flow, removed":         {text: "l: [a, b]\n", want: "l: [a, c]\n", ops: []op{remove("l", 1), insert("c", "l", 2)}},
		"insert, flow, all removed":     {text: "l: [a, b]\n", want: "l: [c]\n", ops: []op{remove("l", 0), remove("l", 1), insert("c", "l", 2)}},
		"insert, flow, empty":           {text: "l: []\n", want: "l: [a]\n", ops: []op{insert("a", "l", 0)}},
		"insert, JSON":                  {text: "{\n  \"l\": [\n    \"a\"\n  ]\n}\n", want: "{\n  \"l\": [\n    \"a\",\n    \"b\"\n  ]\n}\n", ops: []op{insert("b", "l", 1)}},
		"insert, JSON, key":             {text: "{\n  \"a\": 1\n}\n", want: "{\n  \"a\": 1,\n  \"l\": [\"b\", \"c\"]\n}\n", ops: []op{insert("b", "l", 0), insert("c", "l", 0)}},
		"insert, absent":                {text: "l: # c\nb: 1\n", want: "l: # c\n- a\nb: 1\n", ops: []op{insert("a", "l", 0)}},
		"insert, null":                  {text: "l: ~ # c\n", want: "l: [a] # c\n", ops: []op{insert("a", "l", 0)}},
		"insert, key":                   {text: "p:\n  - x: 1\n", want: "p:\n  - x: 1\nresources:\n  - a\n  - b\n", ops: []op{insert("a", "resources", 0), insert("b", "resources", 0)}},
		"insert, key, only one remains": {text: "p:\n- x: 1\n\n---\nb: 1\n", want: "resources:\n- a\n\n---\nb: 1\n", ops: []op{remove("p"), insert("a", "resources", 0)}},

		"embedded, remove": {
			text: "p:\n- patch: |-\n    a: 1\n\n    # about t\n    t:\n      x: 1\n    b: 2\n  target: {}\n",
			want: "p:\n- patch: |-\n    a: 1\n\n    b: 2\n  target: {}\n", ops: []op{within(remove("t"), "p", 0, "patch")},
		},
		"embedded, last line": {
			text: "p: |-\n    a: 1\n    t: 1\nb: 1\n", want: "p: |-\n    a: 1\nb: 1\n", ops: []op{within(remove("t"), "p")},
		},
		"embedded, at the end": {text: "p: |\n  a: 1\n  t: 1", want: "p: |\n  a: 1\n", ops: []op{within(remove("t"), "p")}},
		"embedded, CRLF": {
			text: "p: |\r\n  a: 1\r\n  t: 1\r\n  l:\r\n  - x\r\nq: 1\r\n", want: "p: |\r\n  a: 1\r\n  l:\r\n  - x\r\n  - z\r\nq: 1\r\n",
			ops: []op{within(remove("t"), "p"), within(insert("z", "l", 1), "p")},
		},
		"embedded, document": {
			text: "p: |\n  a: 1\n  ---\n  t: 1\nq: 1\n", want: "p: |\n  a: 1\nq: 1\n", ops: []op{within(remove().in(1), "p")},
		},
		"embedded, flow":                      {text: "p: |\n  {a: 1, t: 2,\n   b: 3}\n", want: "p: |\n  {a: 1,\n   b: 3}\n", ops: []op{within(remove("t"), "p")}},
		"embedded, insert without line break": {text: "p: |-\n  l:\n  - x\nq: 1\n", want: "p: |-\n  l:\n  - x\n  - z\nq: 1\n", ops: []op{within(insert("z", "l", 1), "p")}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := edited(c.text, c.ops)
			require.NoError(t, err)
			require.Equal(t, strings.ReplaceAll(c.want, "\r", "<CR>"), strings.ReplaceAll(got, "\r", "<CR>"))
		})
	}
}

// BenchmarkEdit removes a key from each of 10,000 documents, 10 MB, and one from a JSON
// text in a single line.
func BenchmarkEdit(b *testing.B) {
	document := "---\nkind: Mesh\nspec:\n  tracing:\n    backend: x\n  other:\n" + strings.Repeat("    - name: value # comment\n      text: \"quoted\"\n", 20)
	many := []byte(strings.Repeat(document, 10_000))
	line := []byte("[" + strings.Repeat(`{"ä": 1, "tracing": {"backend": "x"}, "b": [1, 2, 3]}, `, 20_000) + "{}]")
	parse := func(b *testing.B, text []byte) *File {
		f, err := Parse("f", text)
		require.NoError(b, err)
		return f
	}
	for name, text := range map[string][]byte{"documents": many, "line": line} {
		b.Run(name+"/parse", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				parse(b, text)
			}
		})
		for _, share := range []int{1, 100} {
			b.Run(fmt.Sprintf("%s/parse and edit %d%%", name, share), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					f := parse(b, text)
					for i, d := range f.Documents() {
						if i%(100/share) == 0 && d.Root.Kind == yaml.MappingNode {
							require.NoError(b, d.RemoveAt("spec", "tracing"))
						}
						for j := 0; d.Root.Kind == yaml.SequenceNode && j < len(d.Root.Content)-1; j += 100 / share {
							require.NoError(b, d.RemoveAt(j, "tracing"))
						}
					}
					_, err := f.Bytes()
					require.NoError(b, err)
				}
			})
		}
	}
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
		ops        []op
	}{
		"syntax":             {text: "a: 1\n---\nb: [\n", want: `f.yaml:`},
		"undefined tag":      {text: "a: 1\n---\nb: 1\nc: !x!d e\n", want: `f.yaml:4: `},
		"anchor elsewhere":   {text: "a: &x 1\n---\nb: 1\nc: *x\n", want: "f.yaml:4: is not valid YAML: the alias *x has no anchor before it; correct it"},
		"not UTF-8":          {text: "a: \xff\n", want: "f.yaml: is not UTF-8; save it as UTF-8 text"},
		"missing key":        {text: "a: {b: 1}\n", want: "f.yaml:1: a.c does not exist; correct the path", ops: []op{remove("a", "c")}},
		"missing item":       {text: "a: [1]\n", want: "f.yaml:1: a[1] does not exist; correct the path", ops: []op{remove("a", 1)}},
		"duplicate key":      {text: "a: 1\nb: 2\na: 3\n", want: "f.yaml:3: a exists twice, and first in line 1; edit it by hand", ops: []op{remove("a")}},
		"alias on the path":  {text: "a: &x {t: 1}\nb: *x\n", want: "f.yaml:2: b.t is in the alias *x, which shares its value with other places; edit it by hand", ops: []op{remove("b", "t")}},
		"merge key":          {text: "x: &x {t: 1}\nb:\n  <<: *x\n  c: 1\n", want: "f.yaml:3: b.t is in a mapping with a merge key (<<), whose value may be elsewhere; edit it by hand", ops: []op{remove("b", "t")}},
		"anchor is removed":  {text: "a: &x {t: 1}\nb: *x\n", want: "f.yaml:1: the anchor &x, which the alias in line 2 uses, would be removed; replace the alias by the value, or edit by hand: remove a", ops: []op{remove("a")}},
		"anchor is changed":  {text: "a: &x {t: 1, u: 2}\nb: *x\n", want: "f.yaml:1: the anchor &x, which the alias in line 2 uses, would be changed; replace the alias by the value, or edit by hand: remove a.t", ops: []op{remove("a", "t")}},
		"not a list":         {text: "a: {b: 1}\n", want: "f.yaml:1: a is not a list; make it a list by hand", ops: []op{insert("x", "a", 0)}},
		"not an index":       {text: "a: [b]\n", want: "f.yaml:1: a[2] is not the index of an item; correct the path", ops: []op{insert("x", "a", 2)}},
		"two missing keys":   {text: "a: 1\n", want: "f.yaml:1: b.c is not a list; make it a list by hand", ops: []op{insert("x", "b", "c", 0)}},
		"inserted, removed":  {text: "a: [b]\nc: 1\n", want: "f.yaml:1: a list that is removed has an insertion; correct the changes: insert \"x\" at a[0], remove a", ops: []op{insert("x", "a", 0), remove("a")}},
		"odd line break":     {text: "a: 'x\u2028y'\nb: 1\n", want: "f.yaml:1: has a line break that is not a line feed (CR, U+0085, U+2028 or U+2029); save the file with LF or CRLF line breaks, or edit it by hand: remove b", ops: []op{remove("b")}},
		"not literal":        {text: "p: >\n  a: 1\n", want: "f.yaml:1: p is not a literal block scalar (|); edit it by hand", ops: []op{within(remove("a"), "p")}},
		"syntax within":      {text: "a: 1\np: |\n  b: 1\n  c: [\n", want: "f.yaml:4: ", ops: []op{within(remove("a"), "p")}},
		"error within":       {text: "a: 1\np: |\n  b: &x 1\n  c: *x\n", want: "f.yaml:3: the anchor &x, which the alias in line 4 uses, would be removed", ops: []op{within(remove("b"), "p")}},
		"compact, all goes":  {text: "- - a\n  - b\n", want: "f.yaml:1: cannot be edited without touching other text; edit it by hand: remove [0][0]", ops: []op{remove(0, 0), remove(0, 1), insert("c", 0, 2)}},
		"a value would grow": {text: "l: |\n  x", want: "f.yaml:1: cannot be edited without touching other text; edit it by hand: insert \"a\" at resources[0]", ops: []op{insert("a", "resources", 0)}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := edited(c.text, c.ops)
			require.ErrorContains(t, err, c.want)
			require.Empty(t, got)
		})
	}
}

func TestDocuments(t *testing.T) {
	f, err := Parse("f.yaml", []byte("# Licence\r\n\r\n# about a\r\n#  more\r\na: 1\r\n--- # no\r\nb: 1\r\n---\r\n# c\r\n---\r\n  # indented\r\n  d: |\r\n    # about e\r\n    e: 1\r\n"))
	require.NoError(t, err)
	require.Len(t, f.Documents(), 3)
	var lines []int
	var comments []string
	for _, d := range f.Documents() {
		lines, comments = append(lines, d.Line()), append(comments, d.Comment())
	}
	require.Equal(t, []int{5, 7, 12}, lines)
	require.Equal(t, []string{"# about a\n#  more", "", "  # indented"}, comments)
	inner, err := f.Documents()[2].Embedded("d")
	require.NoError(t, err)
	require.Equal(t, 14, inner.Documents()[0].Line())
	require.Equal(t, "# about e", inner.Documents()[0].Comment())
	again, err := f.Documents()[2].Embedded("d")
	require.NoError(t, err)
	require.Same(t, inner, again)

	require.False(t, f.Empty())
	inner.Documents()[0].Remove()
	require.True(t, inner.Empty())
	for _, d := range f.Documents() {
		require.False(t, f.Empty())
		d.Remove()
	}
	require.True(t, f.Empty())
}

// TestMismatch checks the comparison of the result itself: no text other than the
// expected one passes.
func TestMismatch(t *testing.T) {
	f, err := Parse("f.yaml", []byte("a: 1\nt: 1\nl: [x]\n---\nb: 1 # c\n"))
	require.NoError(t, err)
	require.NoError(t, f.Documents()[0].RemoveAt("t"))
	require.NoError(t, f.Documents()[0].Insert("y", "l", 1))
	plans, _, err := f.changes()
	require.NoError(t, err)
	require.NoError(t, f.check(plans, []byte("a: 1\nl: [x, y]\n---\nb: 1 # c\n")))
	for name, text := range map[string]string{
		"value": "a: 2\nl: [x, y]\n---\nb: 1 # c\n", "type": "a: '1'\nl: [x, y]\n---\nb: 1 # c\n", "anchor": "a: &x 1\nl: [x, y]\n---\nb: 1 # c\n",
		"comment": "a: 1\nl: [x, y]\n---\nb: 1\n", "not removed": "a: 1\nt: 1\nl: [x, y]\n---\nb: 1 # c\n", "lost": "l: [x, y]\n---\nb: 1 # c\n",
		"inserted elsewhere": "a: 1\nl: [y, x]\n---\nb: 1 # c\n", "not inserted": "a: 1\nl: [x]\n---\nb: 1 # c\n", "document lost": "a: 1\nl: [x, y]\n",
		"document more": "a: 1\nl: [x, y]\n---\nb: 1 # c\n---\nd: 1\n", "syntax": "a: [\n---\nb: 1 # c\n", "documents joined": "a: 1\nl: [x, y]\nb: 1 # c\n",
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, f.check(plans, []byte(text)), "f.yaml:1: cannot be edited")
		})
	}
}

// TestDeep checks that nesting and length of a line cost no more than they must.
func TestDeep(t *testing.T) {
	text := strings.Repeat("[", 5000) + "a, b" + strings.Repeat("]", 5000)
	path := make([]any, 5000)
	for i := range path {
		path[i] = 0
	}
	got, err := edited(text, []op{remove(path...)})
	require.NoError(t, err)
	require.Equal(t, strings.Replace(text, "a, ", "", 1), got)
}
