package output

import (
	"slices"

	"tracemigrate/cluster/lists"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
)

// The JSON and YAML of diff, which docs/diff.md describes.
type (
	diffData struct {
		Head    report.Head      `json:"head" yaml:"head"`
		Summary diffSummary      `json:"summary" yaml:"summary"`
		Meshes  []meshTransition `json:"meshes,omitempty" yaml:"meshes,omitempty"`
		Causes  []diffCause      `json:"causes" yaml:"causes"`
		Proxies []diffProxy      `json:"proxies" yaml:"proxies"`
	}
	diffCause struct {
		Overlay      string `json:"overlay,omitempty" yaml:"overlay,omitempty"`
		Version      string `json:"version,omitempty" yaml:"version,omitempty"`
		report.Cause `yaml:",inline"`
	}
	diffSummary struct {
		Versions        []string `json:"versions,omitempty" yaml:"versions,omitempty"`
		ToVersion       string   `json:"toVersion,omitempty" yaml:"toVersion,omitempty"`
		envoydiff.Tally `yaml:",inline"`
		Refused         int      `json:"refused" yaml:"refused"`
		Unread          []string `json:"unread,omitempty" yaml:"unread,omitempty"`
		Misspelt        int      `json:"misspelt,omitempty" yaml:"misspelt,omitempty"`
		Holds           bool     `json:"holds" yaml:"holds"`
	}
	diffProxy struct {
		Overlay     string            `json:"overlay,omitempty" yaml:"overlay,omitempty"`
		Mesh        string            `json:"mesh" yaml:"mesh"`
		Name        string            `json:"name" yaml:"name"`
		Zone        string            `json:"zone,omitempty" yaml:"zone,omitempty"`
		Version     string            `json:"version,omitempty" yaml:"version,omitempty"`
		Verdict     envoydiff.Verdict `json:"verdict" yaml:"verdict"`
		Differences []diffDifference  `json:"differences" yaml:"differences"`
	}
	diffDifference struct {
		envoydiff.Form `yaml:",inline"`
		Source         string `json:"source" yaml:"source"`
	}
)

// data returns what the JSON and YAML contain.
func (diff *Diff) data() diffData {
	data := diffData{Head: diff.Head, Meshes: diff.meshes, Causes: []diffCause{}, Proxies: []diffProxy{}}
	data.Head.Sentence = diff.sentence()
	data.Summary = diffSummary{
		Tally: envoydiff.Count(diff.Comparisons), Refused: diff.Refused, Unread: diff.Unread, Misspelt: diff.Misspelt, Holds: diff.Holds(),
	}
	for _, cause := range diff.causes() {
		c, version := cause.comparison, ""
		if c.Version.IsRelease() {
			version = c.Version.String()
		}
		data.Causes = append(data.Causes, diffCause{c.Overlay, version, report.CauseOf(cause.Cause)})
	}
	for _, c := range diff.Comparisons {
		version := ""
		if c.Version.IsRelease() {
			version = c.Version.String()
			if !slices.Contains(data.Summary.Versions, version) {
				data.Summary.Versions = append(data.Summary.Versions, version)
			}
			if c.To.IsRelease() {
				data.Summary.ToVersion = c.To.String()
			}
		}
		for i := range c.Proxies {
			p := &c.Proxies[i]
			out := diffProxy{Overlay: c.Overlay, Mesh: p.Mesh, Name: p.Name, Version: version, Verdict: p.Verdict}
			if p.Dataplane != nil {
				out.Zone = p.Dataplane.Zone()
			}
			out.Differences = lists.Each(p.Differences, func(d *envoydiff.Difference) diffDifference {
				return diffDifference{d.Form(), p.Source()}
			})
			data.Proxies = append(data.Proxies, out)
		}
	}
	return data
}
