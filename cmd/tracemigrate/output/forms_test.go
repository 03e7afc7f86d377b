package output

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"tracemigrate/meshtrace"
)

// A form that exists is found.
func TestForms(t *testing.T) {
	style, exists := ConvertForms.Find("json")
	assert.True(t, exists)
	assert.Equal(t, meshtrace.Style{JSON: true}, style)
	_, exists = ConvertForms.Find("text")
	assert.False(t, exists)
	assert.Equal(t, "`FORM` of the output: text, json, yaml, junit or markdown", DiffForms.Usage())
	assert.Equal(t, "`FORM` of the output: yaml or json", ConvertForms.Usage())
	assert.Equal(t, "text", DiffForms.Default())
}

// What is strict without --strict does not name the flag.
func TestStrictBy(t *testing.T) {
	strict := Diff{Strict: true, Misspelt: 1}
	assert.Contains(t, strict.Verdict(), "1 misspelt field, and --strict counts these")
	strict.StrictBy = "step start"
	assert.Contains(t, strict.Verdict(), "1 misspelt field, and step start counts these")
}
