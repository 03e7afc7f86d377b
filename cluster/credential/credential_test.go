package credential

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestScrub(t *testing.T) {
	tests := map[string]struct {
		header string
		text   string
		want   string
	}{
		"token":                 {"Bearer t0ken/+=", "no t0ken/+= here", "no REDACTED here"},
		"in a url":              {"Bearer t0ken/+=", "GET /?token=t0ken%2F%2B%3D", "GET /?token=REDACTED"},
		"in base64":             {"Bearer t0ken/+=", "dDBrZW4vKz0=", "REDACTED="},
		"another scheme":        {"Negotiate c2VzYW1l", "got c2VzYW1l", "got REDACTED"},
		"no scheme":             {"sesame", "got sesame", "got REDACTED"},
		"basic, as sent":        {"Basic YW5uOmh1bnRlcjI=", "header Basic YW5uOmh1bnRlcjI=", "header Basic REDACTED"},
		"basic, decoded":        {"Basic YW5uOmh1bnRlcjI=", "user ann:hunter2 is unknown", "user REDACTED is unknown"},
		"basic, password alone": {"basic YW5uOmh1bnRlcjI=", "password hunter2 of ann", "password REDACTED of ann"},
		"no credential":         {"", "all of it", "all of it"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var s Set
			s.AddAuthorization(tt.header)
			assert.Equal(t, tt.want, s.Scrub(tt.text))
		})
	}
}
