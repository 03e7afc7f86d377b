package output

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

func itself(v any) any { return v }

// JSON escapes what could steer a terminal, and decodes to the same.
func TestEncodeJSON(t *testing.T) {
	text := "a\u009b1m\u007f\u202eb\U000e0001<&>\"é"
	var out strings.Builder
	require.NoError(t, inJSON(itself)(&Printer{w: &out}, map[string]string{"x": text}))
	assert.Equal(t, "{\n  \"x\": \"a\\u009b1m\\u007f\\u202eb\\udb40\\udc01<&>\\\"é\"\n}\n", out.String())
	var back map[string]string
	require.NoError(t, json.Unmarshal([]byte(out.String()), &back))
	assert.Equal(t, text, back["x"])
}

// YAML escapes the same, and is what yaml.v3 writes where there is nothing to escape.
func TestEncodeYAML(t *testing.T) {
	for name, test := range map[string]struct {
		value any
		want  string
	}{
		"plain":   {map[string]any{"a": "é: b", "b": []string{"c\nd\n"}, "t": "x\ty"}, "a: 'é: b'\nb:\n  - |\n    c\n    d\nt: \"x\\ty\"\n"},
		"value":   {map[string]any{"x": "a\u202eb\u3164\"é"}, "x: \"a\\u202Eb\\u3164\\\"é\"\n"},
		"key":     {map[string]any{"a\u2066": 1}, "\"a\\u2066\": 1\n"},
		"control": {map[string]any{"x": "a\u009b1m\u007f\x1b\ufeff\u2028"}, "x: \"a\\x9B1m\\x7F\\e\\uFEFF\\L\"\n"},
		"astral":  {[]string{"\U000e0001", "b"}, "- \"\\U000E0001\"\n- b\n"},
		"lines":   {map[string]any{"x": "a: \u202e\nb\n"}, "x: \"a: \\u202E\\nb\\n\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			require.NoError(t, inYAML(itself)(&Printer{w: &out}, test.value))
			assert.Equal(t, test.want, out.String())
			back, want := any(nil), any(nil)
			require.NoError(t, yaml.Unmarshal([]byte(out.String()), &back))
			text, err := yaml.Marshal(test.value)
			require.NoError(t, err)
			require.NoError(t, yaml.Unmarshal(text, &want))
			assert.Equal(t, want, back)
		})
	}
}
