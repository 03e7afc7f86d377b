package convert

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPlural(t *testing.T) {
	assert.Equal(t, "1 proxy", Plural(1, "proxy"))
	for one, want := range map[string]string{
		"proxy": "12,345 proxies", "builtin gateway": "12,345 builtin gateways", "mesh": "12,345 meshes", "TrafficTrace": "12,345 TrafficTraces",
	} {
		assert.Equal(t, want, Plural(12_345, one))
	}
	assert.Equal(t, "2 proxies keep it", Plural(2, "proxy keeps it", "proxies keep it"))
	assert.Equal(t, "0 errors", Plural(0, "error"))
}

func TestFirst(t *testing.T) {
	names := []string{"a", "b", "c"}
	assert.Equal(t, "a, b, c", First(names, 3))
	assert.Equal(t, "a and 2 more", First(names, 1))
	assert.Empty(t, First(nil, 3))
}
