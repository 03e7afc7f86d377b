package output

func reportJSON(p *Printer, r *Report) error { return encodeJSON(p.w, r.Report) }

func reportYAML(p *Printer, r *Report) error { return encodeYAML(p.w, r.Report) }
