package output

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"tracemigrate/convert/envoydiff"
)

// The numbers of proxies that keep their tracing and of those that do not add up to all.
func TestKept(t *testing.T) {
	for want, tally := range map[string]envoydiff.Tally{
		"1 proxy keeps its tracing":               {Proxies: 1, Same: 1},
		"1 proxy differs only in accepted codes":  {Proxies: 1, Accepted: 1},
		"2 proxies differ only in accepted codes": {Proxies: 2, Accepted: 2},
		"all 3 proxies keep their tracing; they differ only in inherent codes, which lose no trace":      {Proxies: 3, Inherent: 3},
		"all 4 proxies keep their tracing; 3 of them differ only in inherent codes, which lose no trace": {Proxies: 4, Same: 1, Inherent: 3},
		"3 of 4 proxies keep their tracing; the other differs only in accepted codes":                    {Proxies: 4, Same: 3, Accepted: 1},
		"all 2 proxies keep their tracing (1 of them has none)":                                          {Proxies: 2, Same: 2, Untraced: 1},
		"2 proxies are not traced, before or after":                                                      {Proxies: 2, Same: 2, Untraced: 2},
		"8 of 12 proxies keep their tracing (1 of them has none); 3 of them differ only in inherent codes, " +
			"which lose no trace; the other 4 differ only in accepted codes": {Proxies: 12, Same: 5, Untraced: 1, Inherent: 3, Accepted: 4},
	} {
		assert.Equal(t, want, kept(&tally))
	}
}
