package html

import (
	"tracemigrate/convert/report"
)

// selectorPage is the number of rows on a page of the table of TrafficTraces, as in
// report.js.
const selectorPage = 12

// selectorRow is a row of the table of TrafficTraces.
type selectorRow struct {
	report.Selector
	Trace *report.TrafficTrace
}

// selectorsOf returns the selectors of all TrafficTraces. A TrafficTrace without
// selectors has one row, too.
func selectorsOf(r *report.Report) []selectorRow {
	var rows []selectorRow
	for i := range r.TrafficTraces {
		trace := &r.TrafficTraces[i]
		if len(trace.Selectors) == 0 {
			rows = append(rows, selectorRow{Trace: trace, Selector: report.Selector{Reason: "it has no selector"}})
		}
		for _, selector := range trace.Selectors {
			rows = append(rows, selectorRow{Trace: trace, Selector: selector})
		}
	}
	return rows
}

// selectorTable is the selectors by column.
type selectorTable struct {
	Name    []int `json:"name"` // this and the next are indexes in Words
	Mesh    []int `json:"mesh"`
	Tags    []int `json:"tags"`
	Backend []int `json:"backend"`
	Becomes []int `json:"becomes"` // policies
	Reason  []int `json:"reason"`
	Number  []int `json:"number"` // within the TrafficTrace; 0: it has none
	Proxies []int `json:"proxies"`
}

func (d *tables) addTraces(r *report.Report) {
	t := &d.Traces
	for _, column := range []*[]int{&t.Name, &t.Mesh, &t.Tags, &t.Backend, &t.Becomes, &t.Reason, &t.Number, &t.Proxies} {
		*column = []int{}
	}
	for _, row := range selectorsOf(r) {
		t.Name, t.Mesh = append(t.Name, d.word(row.Trace.Name)), append(t.Mesh, d.word(row.Trace.Mesh))
		t.Tags, t.Backend = append(t.Tags, d.word(row.Tags)), append(t.Backend, d.word(row.Trace.Backend))
		t.Becomes, t.Reason = append(t.Becomes, d.word(joinNames(row.Policies))), append(t.Reason, d.word(row.Reason))
		t.Number, t.Proxies = append(t.Number, row.Number), append(t.Proxies, row.Proxies)
	}
}
