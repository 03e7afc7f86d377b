package output

import (
	"net/url"
	"path/filepath"
	"strings"

	"tracemigrate/cluster/lists"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/upgrade"
)

// SARIF 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
		Help             sarifText `json:"help"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations,omitempty"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	}
	sarifSuppression struct {
		Kind string `json:"kind"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		File   sarifFile    `json:"artifactLocation"`
		Region *sarifRegion `json:"region,omitempty"`
	}
	sarifFile struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		Name      string `json:"name"`
		Qualified string `json:"fullyQualifiedName"`
		Kind      string `json:"kind"`
	}
)

// sarifLevels are the levels of verdicts.
var sarifLevels = map[envoydiff.Verdict]string{
	envoydiff.Different: "error", envoydiff.Unknown: "warning",
	envoydiff.Inherent: "note", envoydiff.Accepted: "note", upgrade.Info: "note",
}

// sarif returns one result for each resource of a cause, and one for a cause without
// resources.
func (u *Upgrade) sarif() sarifLog {
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "tracemigrate", Rules: []sarifRule{}}}, Results: []sarifResult{}}
	for i, c := range u.Causes {
		text := u.Words.Text(u.Result, c)
		help := []string{text.Fact + ". " + text.Consequence + "."}
		for _, remedy := range text.Remedies {
			help = append(help, strings.TrimSpace("To fix: "+remedy.Title+"\n"+remedy.Command))
		}
		rule := sarifRule{string(c.Code), sarifText{text.Fact}, sarifText{strings.Join(lists.Each(help, plain.Clean), "\n")}}
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule)
		result := sarifResult{
			RuleID: string(c.Code), RuleIndex: i, Level: sarifLevels[c.Verdict], Message: rule.Help,
		}
		if c.Verdict == envoydiff.Accepted {
			result.Suppressions = []sarifSuppression{{"external"}}
		}
		for _, r := range c.Resources {
			found := result
			found.Message = sarifText{plain.Clean(r.String()) + "\n" + result.Message.Text}
			found.Locations = []sarifLocation{locationOf(r)}
			run.Results = append(run.Results, found)
		}
		if len(c.Resources) == 0 {
			run.Results = append(run.Results, result)
		}
	}
	fail := func(rule, text string) {
		run.Results = append(run.Results, sarifResult{RuleID: rule, RuleIndex: -1, Level: "error", Message: sarifText{text}})
	}
	if u.Strict && u.Misspelt > 0 {
		fail(manifest.MisspeltField, strictly(strictFlag, 0, u.Misspelt))
	}
	if len(u.Unread) > 0 {
		fail(string(envoydiff.Unverified), plain.Clean(u.unread()))
	}
	return sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	}
}

// locationOf returns the file and line of a resource. A resource of a cluster, or of a pipe,
// has a name only.
func locationOf(r *upgrade.Resource) sarifLocation {
	if r.Place.Line == 0 || r.Place.File == "stdin" {
		qualified := r.Of.Kind + "/" + r.Of.Name
		if r.Of.Mesh != "" {
			qualified = r.Of.Mesh + "/" + qualified
		}
		return sarifLocation{Logical: []sarifLogical{{plain.Clean(r.Of.Name), plain.Clean(qualified), "resource"}}}
	}
	file := filepath.ToSlash(r.Place.File)
	address := url.URL{Path: file}
	if filepath.IsAbs(r.Place.File) {
		address.Scheme = "file"
	}
	return sarifLocation{Physical: &sarifPhysical{sarifFile{address.String()}, &sarifRegion{r.Place.Line}}}
}
