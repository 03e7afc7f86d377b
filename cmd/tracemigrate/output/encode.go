package output

import "tracemigrate/cluster/manifest"

// inJSON returns the form that writes what data returns as JSON. It escapes characters that
// could control a terminal.
func inJSON[From, Data any](data func(From) Data) func(*Printer, From) error {
	return func(p *Printer, from From) error { return p.encoded(manifest.EncodeJSON(data(from))) }
}

// inYAML returns the form that writes what data returns as YAML. It escapes the same
// characters.
func inYAML[From, Data any](data func(From) Data) func(*Printer, From) error {
	return func(p *Printer, from From) error { return p.encoded(manifest.EncodeYAML(data(from))) }
}

// encoded writes what an encoder returns.
func (p *Printer) encoded(text []byte, err error) error {
	if err != nil {
		return err
	}
	_, err = p.w.Write(text)
	return err
}
