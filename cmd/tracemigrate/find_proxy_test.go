package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// The name of a Deployment, or a misspelt one, suggests a proxy.
func TestFindProxySuggests(t *testing.T) {
	for name, want := range map[string]string{
		"web":                          `has no Dataplane "web"; did you mean default/web-5d9c7b-x2x9k.shop?`,
		"default/web":                  `did you mean default/web-5d9c7b-x2x9k.shop?`,
		"web-5d9c7b-x2x9":              `did you mean default/web-5d9c7b-x2x9k.shop?`,
		"default/web-5d9c7-x2x9k.shop": `did you mean default/web-5d9c7b-x2x9k.shop?`,
		"we":                           "has no Dataplane \"we\"\n",
		"nosuch":                       "has no Dataplane \"nosuch\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			code, out, words := tool(t, "explain "+name+" --kuma-version 2.13 -f ../../fixtures/tutorial")
			assert.Equal(t, exitError, code)
			assert.Empty(t, out)
			assert.Contains(t, words, want)
		})
	}
}
