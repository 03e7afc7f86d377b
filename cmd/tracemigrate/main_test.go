package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHanging(t *testing.T) {
	for line, want := range map[string]string{
		"   --qps NUMBER  NUMBER of requests a second": "   --qps NUMBER  NUMBER of requests\n                 a second",
		"   --a-long-flag NUMBER  NUMBER of requests":  "   --a-long-flag NUMBER\n          NUMBER of requests",
		"   short  line": "   short  line",
		"one column that is longer than what there is": "one column that is longer than what there is",
	} {
		assert.Equal(t, want, hanging(line, 36))
	}
}

// What could steer a terminal stands in JSON as an escape, and means the same.
func TestEncodeJSON(t *testing.T) {
	text := "a\u009b1m\u007f\u202eb\U000e0001<&>\"é"
	var out strings.Builder
	require.NoError(t, encodeJSON(&out, map[string]string{"x": text}))
	assert.Equal(t, "{\n  \"x\": \"a\\u009b1m\\u007f\\u202eb\\udb40\\udc01<&>\\\"é\"\n}\n", out.String())
	var back map[string]string
	require.NoError(t, json.Unmarshal([]byte(out.String()), &back))
	assert.Equal(t, text, back["x"])
}
