package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBadLarge reads large inputs, which are made here.
func TestBadLarge(t *testing.T) {
	withoutRace.Skip(t)
	const mesh = "type: Mesh\nname: default\n"
	const trace = "type: TrafficTrace\nname: all\nmesh: default\n"
	const traced = mesh + "tracing:\n  defaultBackend: z\n  backends:\n  - {name: z, type: zipkin, conf: {url: 'http://z:9411/'}}\n---\n"
	const tooLarge = `:1: the document has more than 2 MiB; `
	tests := map[string]struct {
		extension string // .yaml when empty
		text      func() string
		code      int
		stderr    string // a regexp, for the first line
	}{
		"64 MB in the name of a TrafficTrace": {
			text: func() string { return "type: TrafficTrace\nname: " + strings.Repeat("n", 64<<20) + "\nmesh: default\n" },
			code: exitError, stderr: tooLarge,
		},
		"64 MB in the name of a TrafficTrace in a list": {
			text: func() string {
				return "kind: List\nitems:\n- type: TrafficTrace\n  mesh: default\n  name: " + strings.Repeat("n", 64<<20) + "\n"
			},
			code: exitError, stderr: strings.Replace(tooLarge, "1", "3", 1),
		},
		"64 MB on one line of a Mesh": {
			text: func() string {
				return mesh + "tracing: {backends: [" + strings.Repeat("{name: a}, ", 64<<20/11) + "]}\n"
			},
			code: exitError, stderr: tooLarge,
		},
		"64 MB on one line": {text: repeat("a", 64<<20), code: exitError, stderr: tooLarge},
		"64 MB of line ends": {
			text: func() string { return strings.Repeat("\n", 64<<20) + mesh + "tracing: 5\n" },
			code: exitError, stderr: `: Mesh "default": tracing is a number|` + tooLarge,
		},
		"64 MB that are not wanted": {
			text: func() string {
				return "kind: ConfigMap\ndata: " + strings.Repeat("d", 64<<20) + "\n---\n" + mesh + "tracing: 5\n"
			},
			code: exitError, stderr: `:6: Mesh "default": tracing is a number`,
		},
		"a document of almost 2 MiB": {
			text: func() string { return trace + "selectors: \"" + strings.Repeat("x", 2<<20-100) + "\"\n" },
			code: exitError, stderr: `:1: .*mesh "default" is not in the input`,
		},
		"a name of almost 2 MiB": {
			text: func() string { return "type: TrafficTrace\nname: " + strings.Repeat("n", 2<<20-100) + "\n" },
			code: exitError, stderr: `:1: TrafficTrace "n{253}" ?.*mesh "default" is not in the input`,
		},
		"2 MB of sequences in sequences":  {text: nested(mesh+"tracing:\n  ", "- ", 2_000_000), code: exitError, stderr: `:4: .*nested|` + tooLarge + `|:\d+: .*depth`},
		"2 MB of lists in lists":          {text: nested(mesh+"tracing: ", "[", 2_000_000), code: exitError, stderr: `:3: .*(nested|depth)`},
		"2 MB of objects in objects":      {text: nested(mesh+"tracing: ", "{a: ", 500_000), code: exitError, stderr: `:3: .*(nested|depth)`},
		"2 MB of complex keys":            {text: nested(mesh+"tracing:\n  ", "? ", 1_000_000), code: exitError, stderr: `:\d+: .*(nested|depth)`},
		"objects in objects by indenting": {text: indented(mesh+"tracing:\n", 1_900), code: exitError, stderr: `:104: values are nested more than 100 deep`},
		"3 MB of commas":                  {text: nested(mesh+"tracing: [", ",", 3_000_000), code: exitError, stderr: tooLarge},
		"2 MB of commas":                  {text: nested(mesh+"tracing: [", ",", 2_000_000), code: exitError, stderr: `:3: not valid YAML`},
		"2 MB of items":                   {text: nested(mesh+"tracing: [", "a,", 1_000_000), code: exitError, stderr: `:3: not valid YAML`},
		"2 MB of a string that is open":   {text: nested(mesh+"tracing: \"", "a ", 1_000_000), code: exitError, stderr: `:3: not valid YAML`},
		"2 MB of comments in a sequence": {
			text: func() string {
				return mesh + "tracing:\n  backends:\n" + strings.Repeat("  # c\n  - &a a\n", 2<<20/20) + "  - [\n"
			},
			code: exitError, stderr: `: not valid YAML`,
		},
		"2 MB of comments between items": {
			text: func() string {
				return mesh + "tracing:\n  backends:\n" + strings.Repeat("  # c\n  - {name: a}\n", 100_000)
			},
			stderr: `.`,
		},
		"2 MB of comments before an item": {
			text: func() string {
				return mesh + "tracing:\n  backends:\n  - &a a\n" + strings.Repeat("  # c\n", 300_000) + "  - b\n"
			},
			code: exitError, stderr: `:5: Mesh "default": tracing`,
		},
		"2 MB of anchors": {
			text: func() string { return mesh + "tracing:\n  backends:\n" + numbered("  - &a%d a\n", 130_000) },
			code: exitError, stderr: `:5: Mesh "default": tracing`,
		},
		"2 MB of aliases": {
			text: func() string { return mesh + "tracing:\n  backends:\n  - &a a\n" + strings.Repeat("  - *a\n", 280_000) },
			code: exitError, stderr: `:5: Mesh "default": tracing`,
		},
		"2 MB of an alias that is unknown": {text: func() string { return mesh + "tracing: *" + strings.Repeat("a", 2_000_000) + "\n" }, code: exitError, stderr: `:3: not valid YAML`},
		"2 MB of a tag that is unknown":    {text: func() string { return mesh + "tracing: !" + strings.Repeat("a", 2_000_000) + "!b c\n" }, code: exitError, stderr: `:3: not valid YAML`},
		"2 MB of a number": {
			text: func() string {
				return mesh + "tracing: {backends: [{name: a, type: datadog, conf: {port: " + strings.Repeat("9", 2_000_000) + "}}]}\n"
			},
			code: exitError, stderr: `:3: Mesh "default": tracing backend "a": conf.port is`,
		},
		"2 MB of merge keys": {
			text: func() string {
				return traced + trace + "m: &m {a: b}\nselectors:\n" + strings.Repeat("- <<: *m\n", 220_000)
			},
			code: exitError, stderr: `:13: TrafficTrace "all": selectors\[0\].match is missing`,
		},
		"a merge key that brings 150,000 keys": {
			text: func() string {
				return trace + "m: &m\n" + numbered("  k%d: x\n", 150_000) + "selectors:\n- match:\n    <<: *m\n"
			},
			code: exitError, stderr: `mesh "default" is not in the input`,
		},
		"the same merge key 1,000 times": {
			text: func() string {
				return trace + "m: &m\n" + numbered("  k%d: x\n", 1_000) + "selectors:\n- match:\n    <<: [" + strings.Repeat("*m, ", 1_000) + "]\n"
			},
			code: exitError, stderr: `aliases \(\*\) multiply the document|mesh "default" is not in the input`,
		},
		"an alias bomb": {text: func() string { return bomb(mesh, 9) }, code: exitError, stderr: `: aliases \(\*\) multiply the document`},
		"1,000 alias bombs": {
			text: func() string { return strings.Repeat(bomb(mesh, 9)+"---\n", 1_000) },
			code: exitError, stderr: `: aliases \(\*\) multiply the document`,
		},
		"an alias bomb in a large document": {
			text: func() string { return bomb(mesh, 9) + strings.Repeat("# comment\n", 200_000) },
			code: exitError, stderr: `: aliases \(\*\) multiply the document`,
		},
		"an alias bomb of long strings": {
			text: func() string {
				return mesh + "s: &s \"" + strings.Repeat("s", 1_000_000) + "\"\ntracing:\n  backends: [" + strings.Repeat("*s, ", 200_000) + "]\n"
			},
			code: exitError, stderr: `:[35]: aliases \(\*\) multiply the document`,
		},
		"100,000 times the same key":         {text: func() string { return mesh + strings.Repeat("tracing: {}\n", 100_000) }, code: exitError, stderr: `:4: an object contains key "tracing" twice`},
		"100,000 times the same key in JSON": {extension: ".json", text: func() string { return `{"type": "Mesh"` + strings.Repeat(",\n\"name\": \"a\"", 100_000) + "}" }, code: exitError, stderr: `:3: an object contains key "name" twice`},
		"a key of 1 MB, twice": {
			text: func() string { return mesh + strings.Repeat(strings.Repeat("k", 1_000_000)+": x\n", 2) },
			code: exitError, stderr: `:4: an object contains key "k+.* twice|:[34]: not valid YAML`,
		},
		"a tag key of 1 MB": {
			text: func() string { return trace + "selectors:\n- match:\n    " + strings.Repeat("k", 1_000_000) + ": 5\n" },
			code: exitError, stderr: `:6: not valid YAML`,
		},
		"a field of 1 MB": {
			text: func() string { return mesh + "tracing:\n  " + strings.Repeat("k", 1_000_000) + ": 5\n  backends: 5\n" },
			code: exitError, stderr: `:4: not valid YAML`,
		},
		"a tag value of 1 MB that cannot be": {
			text: func() string {
				return mesh + "tracing: {defaultBackend: a, backends: [{name: a, type: lightstep}]}\n---\n" + trace + "selectors:\n- match:\n    version: " + strings.Repeat("v", 1_000_000) + "\n- match: {kuma.io/service: '*'}\n"
			},
			code: exitNo, stderr: `.`,
		},
		"150,000 tags of the wrong type": {
			text: func() string { return traced + trace + "selectors:\n- match:\n" + numbered("    k%d: 5\n", 130_000) },
			code: exitError, stderr: `:13: TrafficTrace "all": selectors\[0\].match.k0 is a number, not a string`,
		},
		"500,000 tags of the wrong type in JSON": {
			extension: ".json",
			text: func() string {
				return `{"type": "TrafficTrace", "name": "all", "selectors": [{"match": {` + numbered("\"k%d\": 5,\n", 500_000) + `"k": 5}}]}`
			},
			code: exitError, stderr: `:1: the document has more than 2 MiB`,
		},
		"100,000 unknown fields": {
			text: func() string { return mesh + "tracing:\n  backends: 5\n" + numbered("  k%d: 5\n", 100_000) },
			code: exitError, stderr: `:4: Mesh "default": tracing.backends is a number`,
		},
		"two Meshes of 100,000 fields": {
			text: func() string {
				return mesh + "tracing:\n" + numbered("  k%d: 5\n", 100_000) + "---\n" + mesh + "tracing:\n  x: 5\n" + numbered("  k%d: 5\n", 100_000)
			},
			code: exitError, stderr: `: Mesh "default": is already defined at .*:1, with other content`,
		},
		"two Meshes of 100,000 fields, the last of which differs": {
			text: func() string {
				return mesh + "tracing:\n" + numbered("  k%d: 5\n", 100_000) + "  z: 1\n---\n" + mesh + "tracing:\n" + numbered("  k%d: 5\n", 100_000) + "  z: 2\n"
			},
			code: exitError, stderr: `: Mesh "default": is already defined at .*:1, with other content`,
		},
		"50,000 backends of one name": {
			text: func() string {
				return mesh + "tracing:\n  backends:\n" + numbered("  - {name: a, type: t%d}\n", 50_000)
			},
			code: exitError, stderr: `:6: Mesh "default": tracing backend "a": is already defined at .*:5, with other content`,
		},
		"15,000 TrafficTraces, each with a backend that cannot be": {
			text: func() string {
				return mesh + "tracing:\n  backends:\n" + numbered("  - {name: b%d, type: lightstep}\n", 15_000) +
					numbered("---\ntype: TrafficTrace\nname: t%[1]d\nmesh: default\nselectors:\n- match: {kuma.io/service: s%[1]d}\nconf: {backend: b%[1]d}\n", 15_000)
			},
			code: exitNo, stderr: `.`,
		},
		"20,000 selectors with different wildcards": {
			text: func() string {
				return mesh + "tracing:\n  defaultBackend: a\n  backends:\n  - {name: a, type: lightstep}\n---\n" + trace + "selectors:\n" + numbered("- match: {'k%d': '*'}\n", 20_000)
			},
			code: exitNo, stderr: `.`,
		},
		"20,000 selectors with different tags": {
			text:   func() string { return traced + trace + "selectors:\n" + numbered("- match: {k%d: x}\n", 20_000) },
			stderr: `.`,
		},
		"5,000 selectors of 30 tags": {
			text: func() string {
				return traced + trace + "selectors:\n" + numbered("- match: {a%[1]d: x, "+strings.TrimSuffix(numbered("k%d: x, ", 30), ", ")+"}\n", 5_000)
			},
			stderr: `.`,
		},
		"20,000 TrafficTraces that select every proxy": {
			text: func() string {
				return traced + numbered("---\ntype: TrafficTrace\nname: t%d\nmesh: default\nselectors:\n- match: {kuma.io/service: '*'}\n", 20_000)
			},
			stderr: `.`,
		},
		"2,000 selectors and 2,000 MeshTraces": {
			text: func() string {
				return traced + trace + "selectors:\n" + numbered("- match: {kuma.io/service: s%d}\n", 2_000) +
					numbered("---\ntype: MeshTrace\nname: m%[1]d\nmesh: default\nspec:\n  targetRef: {kind: MeshSubset, tags: {kuma.io/service: s%[1]d}}\n  default: {backends: [], sampling: {overall: 5}}\n", 2_000)
			},
			stderr: `.`,
		},
		"3,000 gateways and 3,000 MeshGateways": {
			text: func() string {
				return traced + trace + "selectors:\n- match: {kuma.io/service: a}\n" +
					numbered("---\ntype: MeshGateway\nname: g%[1]d\nmesh: default\nselectors: [{match: {kuma.io/service: '*'}}]\nconf: {listeners: [{port: 80}]}\n---\ntype: Dataplane\nname: d%[1]d\nmesh: default\nnetworking: {gateway: {type: BUILTIN, tags: {kuma.io/service: a}}}\n", 3_000)
			},
			stderr: `.`,
		},
		"200,000 broken documents": {
			text: repeat("type: Mesh\nname: [\n---\n", 200_000),
			code: exitError, stderr: `:[23]: not valid YAML`,
		},
		"200,000 documents of the wrong type": {
			text: repeat("type: Mesh\nname: 5\n---\n", 200_000),
			code: exitError, stderr: `:2: Mesh "": name is a number`,
		},
		"2,000,000 empty documents": {
			text: func() string { return strings.Repeat("---\n", 2_000_000) + mesh + "tracing: 5\n" },
			code: exitError, stderr: `:2000003: Mesh "default": tracing is a number`,
		},
		"20 MB of scalars": {text: func() string {
			return "kind: List\nitems:\n" + strings.Repeat("- 5\n", 5_000_000) + "- {type: Mesh, name: 5}\n"
		}, code: exitError, stderr: `.`},
		"1 MB of brackets in JSON":   {extension: ".json", text: repeat("[", 1_000_000), code: exitError, stderr: `:1: not valid JSON: values are nested more than 100 deep`},
		"1 MB of objects in JSON":    {extension: ".json", text: repeat(`{"a":`, 200_000), code: exitError, stderr: `:1: not valid JSON: values are nested more than 100 deep`},
		"a list of 1 MB of brackets": {extension: ".json", text: func() string { return `{"kind": "List", "items": [` + strings.Repeat("[", 1_000_000) }, code: exitError, stderr: `:1: not valid JSON: values are nested`},
		"30 MB of commas in JSON":    {extension: ".json", text: func() string { return "[" + strings.Repeat(",", 30_000_000) }, code: exitError, stderr: `:1: `},
		"30 MB of a string in JSON":  {extension: ".json", text: func() string { return `{"type": "Mesh", "name": 5, "x": "` + strings.Repeat("x", 30_000_000) + `"}` }, code: exitError, stderr: `:1: `},
		"30 MB of escapes in JSON": {extension: ".json", text: func() string {
			return `{"type": "Mesh", "name": 5, "x": "` + strings.Repeat(`\u0041`, 5_000_000) + `"}`
		}, code: exitError, stderr: `:1: `},
		"30 MB of an open string in JSON":  {extension: ".json", text: func() string { return `{"type": "Mesh", "name": "` + strings.Repeat("x", 30_000_000) }, code: exitError, stderr: `:1: not valid JSON: it ends within a value`},
		"30 MB of digits in JSON":          {extension: ".json", text: func() string { return `{"type": "Mesh", "name": ` + strings.Repeat("9", 30_000_000) + "}" }, code: exitError, stderr: `:1: `},
		"30 MB of values in JSON":          {extension: ".json", text: func() string { return `{"type": "Mesh", "name": 5, "x": [` + strings.Repeat("1,", 15_000_000) + "1]}" }, code: exitError, stderr: `:1: `},
		"20 MB of values after each other": {extension: ".json", text: func() string { return "{}" + strings.Repeat("{}\n", 6_000_000) + "}" }, code: exitError, stderr: `:\d+: `},
		"30 MB of zero bytes":              {text: repeat("\x00", 30_000_000), code: exitError, stderr: `:1: `},
		"30 MB of open templates":          {text: repeat("{{", 15_000_000), code: exitError, stderr: `:1: `},
	}
	if testing.Short() {
		t.Skip("makes files of many megabytes")
	}
	dir := t.TempDir()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			file := "large" + test.extension
			if test.extension == "" {
				file += ".yaml"
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(test.text()), 0o600))
			got := timed(t, dir, "convert", "-f", file)
			t.Logf("%.2f s, %d MB, %d bytes on stderr", got.took.Seconds(), got.memory>>20, len(got.stderr))
			got.check(t)
			assert.Equal(t, test.code, got.code)
			first, _, _ := strings.Cut(got.stderr, "\n")
			if !regexp.MustCompile(test.stderr).MatchString(first) {
				assert.Fail(t, "another message is expected", "%s\nnot %.500s", test.stderr, first)
			}
		})
	}
}

func repeat(text string, times int) func() string {
	return func() string { return strings.Repeat(text, times) }
}

// nested is head, then unit many times.
func nested(head, unit string, times int) func() string {
	return func() string { return head + strings.Repeat(unit, times) }
}

// numbered is format many times, with the numbers from 0.
func numbered(format string, times int) string {
	var b strings.Builder
	for i := range times {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// indented is head, then objects in each other, each on a line of its own.
func indented(head string, depth int) func() string {
	return func() string {
		var b strings.Builder
		b.WriteString(head)
		for i := range depth {
			b.WriteString(strings.Repeat(" ", i+1) + "a:\n")
		}
		return b.String()
	}
}

// bomb is head with a list of lists of lists: ten to the power of levels values.
func bomb(head string, levels int) string {
	var b strings.Builder
	b.WriteString(head + "l0: &l0 x\n")
	for i := range levels {
		fmt.Fprintf(&b, "l%d: &l%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*l%d, ", i), 10), ", "))
	}
	return b.String()
}
