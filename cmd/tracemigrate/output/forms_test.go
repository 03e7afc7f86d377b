package output

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/meshtrace"
)

// A form that exists is found; the error names those that exist.
func TestForms(t *testing.T) {
	style, err := ConvertForms.Find("json")
	require.NoError(t, err)
	assert.Equal(t, meshtrace.Style{JSON: true}, style)
	_, err = ConvertForms.Find("text")
	require.EqualError(t, err, `--output: "text" is neither yaml nor json`)
	_, err = ReportForms.Find("junit")
	require.EqualError(t, err, `--output: "junit" is none of text, json, yaml, markdown, html`)
	assert.Equal(t, "`FORM` of the output: text, json, yaml, junit or markdown", DiffForms.Usage())
	assert.Equal(t, "`FORM` of the output: yaml or json", ConvertForms.Usage())
	assert.Equal(t, "text", DiffForms.Default())
}
