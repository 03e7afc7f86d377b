package output

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/fixtures"
)

// docs/output.md has every field of explain's JSON.
func TestExplainDocument(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(fixtures.Dir()), "docs", "output.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "## explain as JSON and YAML")
	require.True(t, found)
	for _, name := range fieldNames(reflect.TypeFor[explainData]()) {
		assert.Contains(t, section, "`"+name+"`")
	}
}

// fieldNames returns the names of a type's fields in JSON, also of the types in it.
func fieldNames(of reflect.Type) []string {
	writesItself := func(t reflect.Type) bool { return t.Implements(reflect.TypeFor[json.Marshaler]()) }
	for !writesItself(of) && (of.Kind() == reflect.Slice || of.Kind() == reflect.Pointer) {
		of = of.Elem()
	}
	var names []string
	if of.Kind() != reflect.Struct || writesItself(of) {
		return nil
	}
	for i := range of.NumField() {
		field := of.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		yaml, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name != yaml {
			names = append(names, name+" differs from "+yaml)
		}
		names = append(names, name)
		names = append(names, fieldNames(field.Type)...)
	}
	return names
}
