package output

import "tracemigrate/cmd/tracemigrate/output/html"

func reportHTML(p *Printer, r *Report) error { return html.Write(p.w, r.Report) }
