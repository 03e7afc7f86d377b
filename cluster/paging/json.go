package paging

import (
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrEndsEarly is the error of an answer that is cut off.
var ErrEndsEarly = errors.New("the answer ends early")

// FormError is the error of an answer that is not JSON, or not of the expected form.
type FormError string

// Error says what is wrong.
func (e FormError) Error() string { return string(e) }

// ReadJSON reads an answer once and from front to back, so that it is never in memory as
// values or as a copy. use reads its only value. size is that of the answer in bytes.
func ReadJSON(answer io.Reader, use func(*jsontext.Decoder) error) (size int64, err error) {
	counted := &counter{of: answer}
	d := jsontext.NewDecoder(counted, jsontext.AllowDuplicateNames(true))
	if err = use(d); err == nil {
		switch _, err = d.ReadToken(); {
		case errors.Is(err, io.EOF):
			return counted.n, nil
		case err == nil:
			err = FormError("a second value follows")
		}
	}
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = ErrEndsEarly
	case errors.As(err, &syntax):
		err = FormError(syntax.Err.Error()) // without the place, whose keys are the server's text
	}
	return counted.n, err
}

// counter counts what is read.
type counter struct {
	of io.Reader
	n  int64
}

// Read implements io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.of.Read(p)
	c.n += int64(n)
	return n, err
}

// EachField calls use for every key of the next value, an object. use must read the value
// of the key.
func EachField(d *jsontext.Decoder, use func(key string) error) error {
	begin, err := d.ReadToken()
	if err != nil {
		return err
	}
	if begin.Kind() != '{' {
		return FormError("an object is expected")
	}
	for d.PeekKind() != '}' {
		key, err := d.ReadToken()
		if err != nil {
			return err
		}
		if err := use(key.String()); err != nil {
			return err
		}
	}
	_, err = d.ReadToken()
	return err
}

// EachItem calls use for every item of the next value, a list.
func EachItem(d *jsontext.Decoder, use func(text []byte) error) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		text, err := d.ReadValue()
		if err != nil {
			return err
		}
		if err := use(text); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// ReadString reads the next value into s if it is a string.
func ReadString(d *jsontext.Decoder, s *string) error {
	token, err := d.ReadToken()
	if err == nil && token.Kind() == '"' {
		*s = token.String()
		return nil
	}
	if err == nil && (token.Kind() == '{' || token.Kind() == '[') {
		return FormError("a string is expected")
	}
	return err
}
