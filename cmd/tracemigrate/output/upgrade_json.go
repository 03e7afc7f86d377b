package output

import (
	"tracemigrate/cluster/lists"
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
	proxies := func(all []*envoydiff.Proxy) []upgradeProxy {
		return lists.Each(all, func(p *envoydiff.Proxy) upgradeProxy { return upgradeProxy{p.Mesh, p.Name} })
	}
	data := upgradeData{Head: u.Head}
	data.Head.Sentence = plain.Capitalise(u.Outcome()) + "."
	data.Summary = upgradeSummary{
		From: u.From.String(), To: u.To.String(), MadeUp: u.MadeUp,
		Versions: lists.Each(u.Comparisons, func(c *envoydiff.Comparison) string { return c.Version.String() }),
		Tally:    envoydiff.Count(u.Comparisons), Unread: u.Unread, Misspelt: u.Misspelt, Holds: u.Holds(),
	}
	data.Causes = lists.Each(u.Causes, func(c *upgrade.Cause) upgradeCause {
		text := u.Words.Text(u.Result, c)
		return upgradeCause{
			Code: c.Code, Verdict: c.Verdict, Fact: text.Fact, Consequence: text.Consequence, Proxies: proxies(c.Proxies),
			Remedies: lists.Each(text.Remedies, func(remedy report.Step) report.Step {
				return report.Step{Title: remedy.Title, Command: manifest.Redact(remedy.Command)}
			}),
			Resources: lists.Each(c.Resources, func(r *upgrade.Resource) upgradeResource {
				return upgradeResource{r.Of.Kind, r.Of.Mesh, r.Of.Name, lists.Each(r.Reasons, manifest.Redact), r.Place}
			}),
		}
	})
	data.Services = lists.Each(u.Renames, func(r *upgrade.Rename) upgradeService {
		return upgradeService{r.Old, r.New, r.Keep, proxies(r.Proxies)}
	})
	return data
}
