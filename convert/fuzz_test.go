package convert_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/fixtures"
	"tracemigrate/meshtrace"
)

// FuzzConvert converts anything: without a panic, the same twice, to policies
// that keep the rules, and never to a proxy that differs without a reason.
func FuzzConvert(f *testing.F) {
	for _, text := range fixtures.Texts(f, "convert/*/input.yaml") {
		f.Add(text, uint8(14))
	}
	f.Fuzz(func(t *testing.T, text string, minor uint8) {
		options := convert.Options{Version: cluster.V(int(minor) % 15)}
		write := func() string {
			result, problems := convert.Convert(convert.Read(cluster.Read([]manifest.Input{manifest.Text("f", text)}), options.Namespace), options)
			if result == nil {
				require.NotEmpty(t, problems)
				return ""
			}
			names := make(map[string]bool)
			require.NoError(t, meshtrace.ValidateAll(result.Policies, options.Version))
			for _, p := range result.Policies {
				key := string(p.Format) + "/" + p.Name
				if p.Format == cluster.Universal {
					key += "/" + p.Mesh
				}
				assert.False(t, names[key], "two policies are named %s", key)
				names[key] = true
			}
			for _, note := range result.Notes {
				assert.NotEqual(t, convert.ProxyDiffers, note.Code, "%v", note)
				assert.NotEmpty(t, note.Message())
			}
			var b bytes.Buffer
			require.NoError(t, meshtrace.Write(&b, result.Policies, meshtrace.Style{Version: options.Version}))
			return b.String()
		}
		assert.Equal(t, write(), write())
	})
}
