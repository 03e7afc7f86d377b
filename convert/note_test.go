package convert

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"tracemigrate/cluster/manifest"
)

// Text of the input can have braces, of which nothing may be lost or replaced.
func TestBracesInFacts(t *testing.T) {
	for name, text := range map[string]string{
		"a template":      `render "{{" first`,
		"an open brace":   "write { before it",
		"a fact's name":   "write {problem}",
		"no fact's name":  "write {x}",
		"no brace at all": "write it",
	} {
		t.Run(name, func(t *testing.T) {
			note := fromProblem(&manifest.Problem{Severity: manifest.Warning, Fault: text, Remedy: text})
			assert.Equal(t, text, note.Message())
			assert.Equal(t, text, note.Remedy())
			assert.Equal(t, text, factList{}.fill(text))
		})
	}
}
