package manifest

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// smallPart is how many bytes are read at a time here, so that a list is long soon.
const smallPart = 64 << 10

// outcomeOf is what the reading of a text gives.
type outcomeOf struct {
	documents, problems []string
	seen                string // the parts that Seen got, joined
	between             string // those that end between documents
	streamed            bool   // it got one of a list
	again               bool   // the text was read twice
}

// outcomesOf reads a text as a whole, as a file, and as a pipe.
func outcomesOf(text string) (whole, file, pipe outcomeOf) {
	read := func(in Input, streams bool) (out outcomeOf) {
		in.part = smallPart
		r := &inputReader[string]{Input: in, wanted: func(_, kind string) bool { return kind != "Secret" }}
		r.use = func(d *Document, kept []string) []string {
			if d.Root.Kind != Mapping {
				return kept // of scalars that are parsed together a few are passed on
			}
			return append(kept, fmt.Sprint(d.Document, d.Line, d.ListKind, d.Root.textLen()))
		}
		var seen strings.Builder
		r.Seen = func(part string, whole bool) {
			seen.WriteString(part)
			if whole {
				out.between += part
			}
			out.streamed = out.streamed || !whole
		}
		if !r.read(streams) {
			out.again = true
			r.read(false)
		}
		out.documents, out.problems, out.seen = r.kept, texts(r.problems), seen.String()
		return out
	}
	pipe = read(Stream("f.yaml", io.MultiReader(strings.NewReader(text))), true)
	return read(Text("f.yaml", text), false), read(Text("f.yaml", text), true), pipe
}

// A long list is read while its text is, with the same result.
func TestStream(t *testing.T) {
	item := func(i int) string {
		note := ""
		if i%20 == 0 {
			note = "  note: |\n    - x\n\n    y\n"
		}
		return fmt.Sprintf("- kind: Dataplane\n  name: dp-%d\n%s  list:\n  - %s\n", i, note, strings.Repeat("x", i*7%2_000))
	}
	items := func(bytes int) string {
		var b strings.Builder
		for i := 0; b.Len() < bytes; i++ {
			b.WriteString(item(i))
		}
		return b.String()
	}
	const long = 9 * smallPart / 4
	counted := items(long)
	count := strings.Count(counted, "- kind")
	// of 64 bytes each, so that each part ends between carriage return and line feed
	returns := "# " + strings.Repeat("-", 53) + "\r\nitems:\r\n" + strings.Repeat("- kind: Dataplane "+strings.Repeat(" ", 44)+"\r\n", long/64)
	require.Equal(t, byte('\r'), returns[smallPart-1])
	dashes := "# " + strings.Repeat("-", 53) + "\nitems:\n" + strings.Repeat("- kind: Dataplane "+strings.Repeat(" ", 45)+"\n", long/64)
	require.Equal(t, "\n-", dashes[smallPart-2:smallPart])
	const mesh = "kind: Mesh\nname: m\n"
	tests := map[string]struct {
		text     string
		streamed bool
		again    bool // it is read as a whole after all
		cut      bool // the rest is not read
	}{
		"kubectl":                               {text: "apiVersion: v1\nitems:\n" + items(long) + "kind: List\nmetadata:\n  resourceVersion: \"\"\n", streamed: true},
		"kind above":                            {text: "kind: DataplaneList\nitems:\n" + items(long), streamed: true},
		"kind below":                            {text: "items:\n" + items(long) + "kind: DataplaneList\n", streamed: true, again: true},
		"indented":                              {text: "items:\n  " + strings.ReplaceAll(items(long), "\n", "\n  ") + "\nkind: List\n", streamed: true},
		"no line feed at the end":               {text: "items:\n" + items(long) + "kind: List", streamed: true},
		"nothing after the items":               {text: "items:\n" + strings.TrimSuffix(items(long), "\n"), streamed: true},
		"carriage returns":                      {text: strings.ReplaceAll("items:\n"+items(long)+"kind: List\n", "\n", "\r\n"), streamed: true},
		"documents before":                      {text: mesh + "---\n" + mesh + "--- # the list\n# of all\n\nitems:\n" + items(long), streamed: true},
		"documents after":                       {text: "items:\n" + items(long) + "kind: List\n---\n" + mesh + "---\n" + mesh, streamed: true},
		"a document after a tail that is wrong": {text: "items:\n" + items(long) + "a: [\n---\n" + mesh + "after: list\n", streamed: true, again: true},
		"a document after a short list":         {text: "items:\n" + items(3*smallPart/2) + "---\n" + mesh + "after: list\n" + strings.Repeat("---\n"+mesh, smallPart/20), streamed: true, again: true},
		"empty items":                           {text: "items:\n- a: [\n- \n- kind: Mesh\n" + items(long), streamed: true},
		"a document after an item too long":     {text: "items:\n" + items(long) + "- a: \"" + strings.Repeat("x", 2*smallPart) + "\"\n---\n" + mesh + "after: list\n", streamed: true, again: true},
		"broken items of others":                {text: "kind: List\nitems:\n" + strings.Repeat("- kind: Secret\n  a: ["+strings.Repeat("x", 3_000)+"\n", long/3_000), streamed: true},
		"an empty item alone":                   {text: "items:\n- \n" + strings.Repeat("- kind: Mesh\n  a: "+strings.Repeat("x", 5_000)+"\n", long/5_000), streamed: true},
		"a byte order mark above a document":    {text: "\uFEFFkind: Secret\na: [\n...\nitems:\n" + items(long)},
		"UTF-16":                                {text: "\xFF\xFE\n...\nitems:\n" + items(long)},
		"many broken documents before":          {text: strings.Repeat("[\n...\n", batchSize+500) + "items:\n" + items(4*long), cut: true},
		"a directive after":                     {text: "items:\n" + items(long) + "kind: List\n...\n%YAML 1.1\n---\n" + mesh, streamed: true},
		"lists":                                 {text: "items:\n" + items(long) + "---\nitems:\n" + items(long) + "---\nkind: List\nitems:\n" + items(long), streamed: true},
		"short lists":                           {text: "items:\n" + items(3*smallPart/2) + "---\nitems:\n" + items(3*smallPart/2), streamed: true, again: true},
		"all of them":                           {text: "items:\n" + counted + fmt.Sprintf("total: %d\n", count), streamed: true},
		"fewer than all":                        {text: "items:\n" + counted + fmt.Sprintf("total: %d\n", count+1), streamed: true},
		"a part ends with a dash":               {text: dashes, streamed: true},
		"a part ends with a return":             {text: returns, streamed: true},
		"a page":                                {text: "items:\n" + items(long) + "metadata:\n  continue: abc\n", streamed: true},
		"of others":                             {text: "kind: SecretList\nitems:\n" + strings.ReplaceAll(items(long), "kind: Dataplane", "kind: Secret   ") + "metadata:\n  continue: abc\n", streamed: true},
		"a broken item":                         {text: "items:\n" + items(long) + "- a: [\n" + items(long), streamed: true},
		"many broken items":                     {text: "items:\n" + strings.Repeat("- a: [\n"+item(0), 4_000) + "---\n" + mesh + "---\na: [\n", streamed: true},
		"an anchor":                             {text: "items:\n- &a\n  kind: Mesh\n" + items(long) + "- *a\n", streamed: true},
		"a marker within an item":               {text: "items:\n" + items(long) + "- note: |\n---\n" + mesh, streamed: true},
		"a repeated key":                        {text: "items:\n" + items(long) + "items: []\n", streamed: true, again: true},
		"wrong below":                           {text: "items:\n" + items(long) + "a: [\n", streamed: true, again: true},
		"much below":                            {text: "items:\n" + items(long) + strings.Repeat("a: b\n", taskSize/5+10), streamed: true, again: true},
		"one item too long":                     {text: "items:\n" + items(long) + "- a: \"" + strings.Repeat("x", 2*smallPart) + "\"\n" + items(long), streamed: true, again: true},
		"the first item too long":               {text: "items:\n- a: \"" + strings.Repeat("x", 2*smallPart) + "\"\n" + items(long), again: true},
		"a line break of YAML 1.1":              {text: "items:\n" + items(long) + "- a: \"\u2028\"\n" + items(long), streamed: true, again: true},
		"a single carriage return":              {text: "items:\n" + items(long) + "- a: b\r- c: d\n" + items(long), streamed: true, again: true},
		"comments between the items":            {text: "items:\n" + items(long) + "# two\n\n" + items(long) + "  # three\n", streamed: true},
		"a byte order mark":                     {text: "\uFEFFitems:\n" + items(long) + "kind: List\n"},
		"no list":                               {text: "a:\n" + items(long)},
		"short":                                 {text: "items:\n" + items(smallPart)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			whole, file, pipe := outcomesOf(test.text)
			_, after, _ := strings.Cut(test.text, "---\n"+mesh+"after: ")
			assert.True(t, strings.HasSuffix(file.between, after) && strings.HasSuffix(pipe.between, after), "what follows a list ends between documents")
			assert.True(t, test.text == whole.seen)
			for from, got := range map[string]outcomeOf{"file": file, "pipe": pipe} {
				require.True(t, slices.Equal(whole.documents, got.documents), "%s: %d documents, and %d", from, len(whole.documents), len(got.documents))
				assert.Equal(t, whole.problems, got.problems, from)
				assert.True(t, whole.seen == got.seen || test.cut && strings.HasPrefix(whole.seen, got.seen), from)
			}
			assert.Equal(t, test.streamed, file.streamed)
			assert.Equal(t, test.again, file.again)
		})
	}
}

// A long list whose reading fails, or that is longer than the limit, is one error, and no item
// of it is kept.
func TestStreamFails(t *testing.T) {
	text := "items:\n" + strings.Repeat("- kind: Mesh\n", 5*smallPart/13)
	failing := func(after int) io.Reader {
		return io.MultiReader(strings.NewReader(text[:after]), iotest.ErrReader(errors.New("the cable is cut")))
	}
	tests := map[string]struct {
		input Input
		want  string
	}{
		"pipe, in the second part": {Stream("f.yaml", failing(3*smallPart/2)), "f.yaml: reading it: the cable is cut"},
		"pipe, in the third part":  {Stream("f.yaml", failing(5*smallPart/2)), "f.yaml: reading it: the cable is cut"},
		"pipe, limit":              {Stream("f.yaml", strings.NewReader(text)), "f.yaml: it has more than 256 KiB; split it, or raise the limit with --max-input-size"},
		"file, limit":              {Text("f.yaml", text), "f.yaml: it has more than 256 KiB; split it, or raise the limit with --max-input-size"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.input.Limit, test.input.part = 4*smallPart, smallPart
			kept, problems := Read(slices.Values([]Input{test.input}), everything, func(d *Document, kept []int) []int { return append(kept, d.Line) })
			assert.Empty(t, kept)
			assert.Equal(t, []string{test.want}, texts(problems))
		})
	}
}

// TestStreamAtRandom makes lists whose parts end anywhere.
func TestStreamAtRandom(t *testing.T) {
	const seed = 1
	random := rand.New(rand.NewPCG(seed, 0))
	lines := []string{"- kind: Mesh", "- kind: Dataplane", "  a: b", "  a:", "  - b", "  - c: d", "    e: f", "", "# c", "- a: [", "  b: \"x", "- |", "  ---", "  f: 'é\u2028'"}
	rare := []string{"---", "...", "kind: List", "items:", "- a: 1\r", "a: \"", "metadata: {continue: x}"}
	for i := range 30 {
		var b strings.Builder
		b.WriteString("items:\n- kind: Mesh\n")
		ending := []string{"\n", "\r\n"}[random.IntN(2)]
		usual := lines[:4+random.IntN(len(lines)-3)]
		for b.Len() < 9*smallPart/4 {
			for range 50 {
				b.WriteString(usual[random.IntN(len(usual))] + strings.Repeat(" ", random.IntN(150)) + ending)
			}
			if random.IntN(20) == 0 {
				b.WriteString(rare[random.IntN(len(rare))] + ending)
			}
		}
		whole, file, pipe := outcomesOf(b.String())
		for _, got := range []outcomeOf{file, pipe} {
			require.True(t, slices.Equal(whole.documents, got.documents), "list %d", i)
			require.Equal(t, whole.problems, got.problems, "list %d", i)
			require.True(t, whole.seen == got.seen, "list %d", i)
		}
	}
}

// FuzzStream repeats an item until the list is long.
func FuzzStream(f *testing.F) {
	filler := "  c: " + strings.Repeat("d", 500) + "\n"
	for _, item := range []string{"- kind: Mesh\n", "- a: |\n   b\r\n", "- a: [\n# c\n", "- a\u2028b\n...\n"} {
		f.Add("kind: List\nitems:\n", item+filler, "metadata:\n  continue: a\n---\nkind: Mesh\n")
	}
	f.Fuzz(func(t *testing.T, head, item, tail string) {
		if item == "" || len(item) > smallPart || strings.ContainsAny(item, "&*") {
			return // an alias is known as far as its anchor is parsed with it
		}
		text := head + strings.Repeat(item, 3*smallPart/len(item)) + tail
		whole, file, pipe := outcomesOf(text)
		for _, got := range []outcomeOf{file, pipe} {
			require.True(t, slices.Equal(whole.documents, got.documents))
			require.Equal(t, whole.problems, got.problems)
			require.True(t, whole.seen == got.seen)
		}
	})
}

// A file that grows while it is read is not cut where its size was.
func TestStreamGrows(t *testing.T) {
	text := "items:\n" + strings.Repeat("- kind: Mesh\n", 3*smallPart/13)
	in := Text("f.yaml", text+"kind: List\nmetadata:\n  a: b\n---\nkind: Mesh\n")
	in.part = smallPart
	open := in.open
	in.open = func() (io.ReadCloser, error) {
		f, err := open()
		return grown{f, int64(len(text) + 20)}, err
	}
	got, problems := Read(slices.Values([]Input{in}), everything, func(d *Document, kept []int) []int { return append(kept, d.Document) })
	assert.Empty(t, problems)
	assert.Equal(t, strings.Count(text, "kind")+1, len(got))
	assert.Equal(t, 2, got[len(got)-1])
}

// grown is a file that has more bytes than its size said.
type grown struct {
	io.ReadCloser
	size int64
}

// Stat implements fs.File.
func (g grown) Stat() (os.FileInfo, error) { return sized(g.size), nil }

// sized is what is known of a regular file.
type sized int64

func (sized) Name() string       { return "f.yaml" }
func (s sized) Size() int64      { return int64(s) }
func (sized) Mode() os.FileMode  { return 0 }
func (sized) ModTime() time.Time { return time.Time{} }
func (sized) IsDir() bool        { return false }
func (sized) Sys() any           { return nil }

// After a list, a pipe's text is not kept any longer.
func TestStreamKeepsNothing(t *testing.T) {
	text := "items:\n" + strings.Repeat("- kind: Mesh\n", 3*smallPart/13) + strings.Repeat("---\nkind: Mesh\n", 3*smallPart/15)
	in := Stream("f.yaml", strings.NewReader(text))
	in.part = smallPart
	p, err := in.parts()
	require.NoError(t, err)
	r := &inputReader[int]{Input: in, wanted: everything, use: func(_ *Document, kept []int) []int { return kept }}
	r.batch = newBatch(r.Name, 2*smallPart, r.parse)
	first, err := p.next()
	require.NoError(t, err)
	streamed, err := r.stream(p, &splitter{line: 1}, first.text)
	require.NoError(t, err)
	require.True(t, streamed)
	assert.False(t, p.keeps)
	assert.Empty(t, p.kept)
	r.batch.run()
}
