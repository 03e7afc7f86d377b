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
