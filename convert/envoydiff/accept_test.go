package envoydiff

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Accepted differences hide neither unknown nor inherent ones, and are not called inherent.
func TestVerdictOf(t *testing.T) {
	for name, c := range map[string]struct {
		codes, accepted []Code
		want            Verdict
		alsoInherent    bool
	}{
		"none":                               {nil, nil, Same, false},
		"none, accepted":                     {nil, []Code{KumaTags}, Same, false},
		"inherent":                           {[]Code{KumaTags}, nil, Inherent, false},
		"different":                          {[]Code{KumaTags, AddressDiffers}, nil, Different, false},
		"unknown":                            {[]Code{KumaTags, Unverified}, nil, Unknown, false},
		"inherent, accepted":                 {[]Code{KumaTags}, []Code{KumaTags}, Accepted, false},
		"one of two inherent, accepted":      {[]Code{KumaTags, GatewaySplitSpans}, []Code{KumaTags}, Inherent, false},
		"different, accepted":                {[]Code{AddressDiffers}, []Code{AddressDiffers}, Accepted, false},
		"different, accepted, and inherent":  {[]Code{AddressDiffers, KumaTags}, []Code{AddressDiffers}, Accepted, true},
		"different, accepted, with inherent": {[]Code{AddressDiffers, KumaTags}, []Code{AddressDiffers, KumaTags}, Accepted, false},
		"different, accepted, and unknown":   {[]Code{AddressDiffers, Unverified}, []Code{AddressDiffers}, Unknown, false},
		"unknown, accepted, and different":   {[]Code{AddressDiffers, Unverified}, []Code{Unverified}, Different, false},
		"one of two different, accepted":     {[]Code{AddressDiffers, PortDiffers}, []Code{PortDiffers}, Different, false},
	} {
		t.Run(name, func(t *testing.T) {
			var p Proxy
			for _, code := range c.codes {
				p.Differences = append(p.Differences, &Difference{Code: code})
			}
			p.judge(c.accepted)
			assert.Equal(t, c.want, p.Verdict)
			assert.Equal(t, c.alsoInherent, p.alsoInherent)
		})
	}
}
