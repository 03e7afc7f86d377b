package output

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// JSON escapes what could steer a terminal, and decodes to the same.
func TestEncodeJSON(t *testing.T) {
	text := "a\u009b1m\u007f\u202eb\U000e0001<&>\"é"
	var out strings.Builder
	require.NoError(t, encodeJSON(&out, map[string]string{"x": text}))
	assert.Equal(t, "{\n  \"x\": \"a\\u009b1m\\u007f\\u202eb\\udb40\\udc01<&>\\\"é\"\n}\n", out.String())
	var back map[string]string
	require.NoError(t, json.Unmarshal([]byte(out.String()), &back))
	assert.Equal(t, text, back["x"])
}
