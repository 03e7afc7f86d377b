package paging

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadJSON(t *testing.T) {
	refused := errors.New("no")
	for name, tt := range map[string]struct {
		answer string
		item   error
		err    error
	}{
		"well":                   {answer: "{\"items\": [1, {}]}\n"},
		"cut off":                {answer: `{"items":[1,`, err: ErrEndsEarly},
		"nothing":                {err: ErrEndsEarly},
		"two values":             {answer: `{} {}`, err: FormError("a second value follows")},
		"a list":                 {answer: `[]`, err: FormError("an object is expected")},
		"an object for a string": {answer: `{"name":{"sesame":1}}`, err: FormError("a string is expected")},
		"no text of the server":  {answer: `{"sesame":{"sesame":x}}`, err: FormError("invalid character 'x' at start of value")},
		"an error of its reader": {answer: `{"items":[1]}`, item: refused, err: refused},
	} {
		t.Run(name, func(t *testing.T) {
			size, err := ReadJSON(strings.NewReader(tt.answer), func(d *jsontext.Decoder) error {
				return EachField(d, func(key string) error {
					switch key {
					case "items":
						return EachItem(d, func([]byte) error { return tt.item })
					case "name":
						return ReadString(d, new(string))
					}
					return d.SkipValue()
				})
			})
			if tt.err != nil {
				require.Equal(t, tt.err, err)
				return
			}
			require.NoError(t, err)
			assert.EqualValues(t, len(tt.answer), size)
		})
	}
}
