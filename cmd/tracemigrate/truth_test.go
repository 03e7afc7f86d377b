package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// A MeshTrace that the version refuses is neither existing nor an earlier run's, in
// no command.
func TestMeshTraceRefused(t *testing.T) {
	const input = " -f ../../fixtures/cases/files/old-meshtrace-that-the-version-refuses.yaml --kuma-version "
	for _, command := range []string{"convert --keep-going", "report", "diff"} {
		code, text, words := tool(t, command+input+"2.13")
		assert.Equal(t, 1, code, command)
		assert.Contains(t, text+words, "1 proxy keeps collector and sampling; 1 also reports outbound spans", command)
		assert.Contains(t, text+words, "is refused by Kuma 2.13: a backend has no type", command)
		assert.NotContains(t, text, "MeshTraces that exist", command)
	}
	code, text, words := tool(t, "report"+input+"2.0")
	assert.Equal(t, 0, code, words)
	assert.Contains(t, text, "MeshTraces that exist", "2.0 accepts it")
}
