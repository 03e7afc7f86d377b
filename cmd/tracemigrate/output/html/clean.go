package html

import (
	"reflect"

	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output/plain"
)

// cleaned returns a copy of a value with cleanText applied to every string. The copy has
// no unexported fields.
func cleaned(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		out.SetString(cleanText(v.String()))
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(cleaned(v.Elem()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(cleaned(v.Index(i)))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(cleaned(v.Field(i)))
			}
		}
	default:
		out.Set(v)
	}
	return out
}

// cleanText returns s without credentials, and without characters that are invisible
// or change the direction of text.
func cleanText(s string) string { return plain.Printable(manifest.Redact(s)) }
