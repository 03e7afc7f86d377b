package convert_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/fixtures"
	"tracemigrate/meshtrace"
)

// schema is the part of a CRD's structural schema that MeshTrace's uses.
type schema struct {
	Type        string
	Properties  map[string]*schema
	Additional  *schema `yaml:"additionalProperties"`
	Items       *schema
	Required    []string
	Enum        []any
	MaxItems    *int `yaml:"maxItems"`
	MinLength   *int `yaml:"minLength"`
	IntOrString bool `yaml:"x-kubernetes-int-or-string"`
}

// check lists what of v the schema refuses, as the API server would: a field
// that is not in it would be dropped in silence.
func (s *schema) check(path string, v any) []string {
	var wrong []string
	switch v := v.(type) {
	case map[string]any:
		if s.Type != "object" {
			return []string{path + " is an object"}
		}
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				wrong = append(wrong, path+"."+name+" is required")
			}
		}
		for name, value := range v {
			to := s.Properties[name]
			if to == nil {
				to = s.Additional
			}
			if to == nil {
				wrong = append(wrong, path+"."+name+" is not in the schema")
				continue
			}
			wrong = append(wrong, to.check(path+"."+name, value)...)
		}
	case []any:
		if s.Type != "array" {
			return []string{path + " is a list"}
		}
		if s.MaxItems != nil && len(v) > *s.MaxItems {
			wrong = append(wrong, path+" has too many items")
		}
		for i, item := range v {
			wrong = append(wrong, s.Items.check(fmt.Sprintf("%s[%d]", path, i), item)...)
		}
	case string:
		if s.Type != "string" && !s.IntOrString || s.Enum != nil && !slices.Contains(s.Enum, any(v)) || s.MinLength != nil && len(v) < *s.MinLength {
			return []string{path + " is the string " + v}
		}
	case int:
		if s.Type != "integer" && !s.IntOrString {
			return []string{fmt.Sprintf("%s is the integer %d", path, v)}
		}
	case bool:
		if s.Type != "boolean" {
			return []string{path + " is a boolean"}
		}
	default:
		return []string{fmt.Sprintf("%s is %T", path, v)}
	}
	return wrong
}

// What is written for a version must fit that version's own CRD. Kuma's CRDs are
// no part of this project: where they are not at hand, the test is skipped.
func TestSchemas(t *testing.T) {
	withoutRace.Skip(t)
	crds, err := filepath.Glob(filepath.Join(fixtures.Dir(), "..", "..", "shared", "crds", "*meshtraces-*.yaml"))
	require.NoError(t, err)
	if len(crds) == 0 {
		t.Skip("Kuma's CRDs are not beside the project (../shared/crds)")
	}
	inputs, err := filepath.Glob(filepath.Join(fixtures.Dir(), "convert", "*", "input.yaml"))
	require.NoError(t, err)
	for _, path := range crds {
		version, err := cluster.ParseVersion(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "meshtraces-"), ".yaml"))
		require.NoError(t, err)
		options := convert.Options{Version: version, Format: cluster.Kubernetes, RoundSampling: true}
		least := 30
		if version.DropsTrafficTrace() {
			options.Version, options.To, options.DisplayNames, least = cluster.Latest, version, true, 20
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			var crd struct {
				Spec struct {
					Versions []struct {
						Schema struct {
							OpenAPI schema `yaml:"openAPIV3Schema"`
						}
					}
				}
			}
			require.NoError(t, yaml.Unmarshal(text, &crd))
			spec := crd.Spec.Versions[0].Schema.OpenAPI.Properties["spec"]
			checked := 0
			for _, input := range inputs {
				text, err := os.ReadFile(input)
				require.NoError(t, err)
				result, _ := convert.Convert(convert.Read(cluster.Read([]manifest.Input{manifest.Text(input, string(text))}), options.Namespace), options)
				require.NotNil(t, result)
				var written bytes.Buffer
				require.NoError(t, meshtrace.Write(&written, result.Policies, meshtrace.Style{Version: version}))
				decoder := yaml.NewDecoder(&written)
				for {
					var object map[string]any
					if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						t.Fatal(err)
					}
					checked++
					assert.Empty(t, spec.check("spec", object["spec"]), "%s", input)
				}
			}
			assert.Greater(t, checked, least)
		})
	}
}
