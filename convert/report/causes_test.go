package report

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"tracemigrate/convert/envoydiff"
)

// Every code has words, and no other has.
func TestCauseWords(t *testing.T) {
	for code := range envoydiff.Codes {
		assert.NotEmpty(t, causeWords[code], code)
	}
	assert.Len(t, causeWords, len(envoydiff.Codes))
	assert.Equal(t, "another sampling; the tags kuma.mesh and, where known, kuma.zone and kuma.workload, too", CauseText([]envoydiff.Code{envoydiff.SamplingDiffers, envoydiff.KumaTags}))
}
