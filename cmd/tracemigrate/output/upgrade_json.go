package output

import (
	"tracemigrate/cluster/manifest"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
	"tracemigrate/convert/upgrade"
)

// The JSON of upgrade-check, which docs/upgrade.md describes.
type (
	upgradeData struct {
		Head     report.Head      `json:"head"`
		Summary  upgradeSummary   `json:"summary"`
		Causes   []upgradeCause   `json:"causes"`
		Services []upgradeService `json:"services"`
	}
	upgradeSummary struct {
		From     string   `json:"from"`
		To       string   `json:"to"`
		Versions []string `json:"versions"`
		MadeUp   int      `json:"madeUp"`
		envoydiff.Tally
		Unread   []string `json:"unread,omitempty"`
		Misspelt int      `json:"misspelt,omitempty"`
		Holds    bool     `json:"holds"`
	}
	upgradeCause struct {
		Code        envoydiff.Code    `json:"code"`
		Verdict     envoydiff.Verdict `json:"verdict"`
		Fact        string            `json:"fact"`
		Consequence string            `json:"consequence"`
		Remedies    []report.Step     `json:"remedies"`
		Proxies     []upgradeProxy    `json:"proxies"`
		Resources   []upgradeResource `json:"resources"`
	}
	upgradeProxy struct {
		Mesh string `json:"mesh"`
		Name string `json:"name"`
	}
	upgradeResource struct {
		Kind    string   `json:"kind"`
		Mesh    string   `json:"mesh,omitempty"`
		Name    string   `json:"name"`
		Reasons []string `json:"reasons,omitempty"`
		manifest.Place
	}
	upgradeService struct {
		Old     string         `json:"old"`
		New     string         `json:"new"`
		Keep    upgrade.Keep   `json:"keep"`
		Proxies []upgradeProxy `json:"proxies"`
	}
)

// data returns what the JSON contains.
func (u *Upgrade) data() upgradeData {
	data := upgradeData{Head: u.Head, Causes: []upgradeCause{}, Services: []upgradeService{}}
	data.Head.Sentence = plain.Capitalise(u.Outcome()) + "."
	data.Summary = upgradeSummary{
		From: u.From.String(), To: u.To.String(), Versions: []string{}, MadeUp: u.MadeUp,
		Tally: envoydiff.Count(u.Comparisons), Unread: u.Unread, Misspelt: u.Misspelt, Holds: u.Holds(),
	}
	for _, c := range u.Comparisons {
		data.Summary.Versions = append(data.Summary.Versions, c.Version.String())
	}
	for _, c := range u.Causes {
		text := u.Words.Text(u.Result, c)
		cause := upgradeCause{
			Code: c.Code, Verdict: c.Verdict, Fact: text.Fact, Consequence: text.Consequence, Remedies: []report.Step{},
			Proxies: proxiesOf(c.Proxies), Resources: []upgradeResource{},
		}
		for _, remedy := range text.Remedies {
			cause.Remedies = append(cause.Remedies, report.Step{Title: remedy.Title, Command: manifest.Redact(remedy.Command)})
		}
		for _, r := range c.Resources {
			reasons := make([]string, 0, len(r.Reasons))
			for _, reason := range r.Reasons {
				reasons = append(reasons, manifest.Redact(reason))
			}
			cause.Resources = append(cause.Resources, upgradeResource{r.Of.Kind, r.Of.Mesh, r.Of.Name, reasons, r.Place})
		}
		data.Causes = append(data.Causes, cause)
	}
	for _, r := range u.Renames {
		data.Services = append(data.Services, upgradeService{r.Old, r.New, r.Keep, proxiesOf(r.Proxies)})
	}
	return data
}

func proxiesOf(proxies []*envoydiff.Proxy) []upgradeProxy {
	all := make([]upgradeProxy, 0, len(proxies))
	for _, p := range proxies {
		all = append(all, upgradeProxy{p.Mesh, p.Name})
	}
	return all
}
