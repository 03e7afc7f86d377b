package cluster_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
)

// The digest of one file is what sha256sum prints; that of several is the same in any
// order, and under any name.
func TestInputDigest(t *testing.T) {
	const one, two = "\uFEFFtype: Mesh\nname: a\n", "# a comment\n---\ntype: Mesh\nname: b\n"
	long := two + strings.Repeat("---\n# nothing\n", 1_000_000)
	digest := func(inputs ...manifest.Input) string {
		var d cluster.InputDigest
		_, err := cluster.Load(context.Background(), d.Of(cluster.Files(inputs)))
		require.NoError(t, err)
		return d.String()
	}
	assert.Equal(t, "", digest())
	assert.Equal(t, "sha256:"+cluster.DigestOf("", []byte(one)).SHA256, digest(manifest.Text("a.yaml", one)))
	assert.Equal(t, "sha256:"+cluster.DigestOf("", []byte(long)).SHA256, digest(manifest.Stream("stdin", strings.NewReader(long))))
	object := `{"type": "Mesh", "name": "c"}`
	assert.Equal(t, "sha256:"+cluster.DigestOf("", []byte(object)).SHA256, digest(manifest.Object("c", []byte(object))))
	both := digest(manifest.Text("a.yaml", one), manifest.Text("b.yaml", two))
	assert.Regexp(t, "^sha256:[0-9a-f]{64}$", both)
	assert.Equal(t, both, digest(manifest.Text("x.yaml", two), manifest.Text("y.yaml", one)))
	assert.NotEqual(t, both, digest(manifest.Text("a.yaml", one), manifest.Text("b.yaml", two+"\n")))
	assert.NotEqual(t, both, digest(manifest.Text("a.yaml", one)))
}
