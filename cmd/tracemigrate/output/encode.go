package output

import (
	"io"

	"tracemigrate/cluster/manifest"
)

// encodeJSON writes v as JSON, and escapes characters that could control a terminal.
func encodeJSON(w io.Writer, v any) error {
	text, err := manifest.EncodeJSON(v)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// encodeYAML writes v as YAML, and escapes the same characters.
func encodeYAML(w io.Writer, v any) error {
	text, err := manifest.EncodeYAML(v)
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}
