package output

import (
	"fmt"
	"strings"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cmd/tracemigrate/output/plain"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/convert/report"
	"tracemigrate/convert/upgrade"
	"tracemigrate/legacy"
)

// Upgrade is what upgrade-check found, and how to print it.
type Upgrade struct {
	*upgrade.Result
	Head    report.Head
	Words   upgrade.Words
	Strict  bool
	Full    bool
	Command string   // that makes it, without its form
	Unread  []string // what could not be read, so the check does not cover it
	Partial bool     // not every proxy is known
	// ZonesUnread is the number of zones whose own control plane was not read.
	ZonesUnread int
	// Misspelt is the number of fields that are probably misspelt.
	Misspelt int
}

// Holds reports whether the exit code is 0: nothing changes that is neither inherent nor
// accepted, and everything was read.
func (u *Upgrade) Holds() bool {
	return !u.Fails() && (!u.Strict || !u.Has(envoydiff.Inherent) && u.Misspelt == 0) && len(u.Unread) == 0
}

// failed reports whether a cause is a reason for exit code 1.
func (u *Upgrade) failed(c *upgrade.Cause) bool {
	return c.Fails() || u.Strict && c.Verdict == envoydiff.Inherent
}

// Verdict returns the reason for exit code 1: the codes, and what could not be read.
func (u *Upgrade) Verdict() string {
	var reasons []string
	for _, c := range u.Causes {
		if u.failed(c) {
			reasons = append(reasons, string(c.Code))
		}
	}
	if u.Strict && u.Misspelt > 0 {
		reasons = append(reasons, strictly(strictFlag, 0, u.Misspelt))
	}
	if len(u.Unread) > 0 {
		reasons = append(reasons, u.unread())
	}
	return fmt.Sprintf("not ready for Kuma %s: %s", u.To, strings.Join(reasons, ", "))
}

// unread returns a clause that names what could not be read.
func (u *Upgrade) unread() string {
	return convert.First(u.Unread, 3) + " could not be read"
}

// Outcome returns the outcome in one sentence.
func (u *Upgrade) Outcome() string {
	t := envoydiff.Count(u.Comparisons)
	known := t.Proxies - u.MadeUp
	switch {
	case !u.Holds():
		text := fmt.Sprintf("not ready for Kuma %s (from %s)", u.To, u.From)
		switch {
		case known == 0 && u.MadeUp > 0:
			text += ": no Dataplane is known; of the proxies that selectors distinguish, " + plain.Effects(&t)
		case t.Proxies == 0:
			text += ": no proxy was checked, because no Dataplane is known"
		default:
			text += ": " + plain.Effects(&t)
		}
		if u.Strict && u.Misspelt > 0 {
			text += "; " + strictly(strictFlag, 0, u.Misspelt)
		}
		if len(u.Unread) > 0 {
			text += "; " + u.unread()
		}
		return text
	case t.Proxies == 0:
		return fmt.Sprintf("no proxy was checked for Kuma %s, because no Dataplane is known; %s", u.To, u.acceptedPolicies())
	case known == 0:
		return fmt.Sprintf("no Dataplane is known; on Kuma %s, every proxy that selectors distinguish keeps its tracing", u.To)
	}
	return fmt.Sprintf("ready for Kuma %s: %s%s", u.To, kept(&t), partly(u.Partial, u.ZonesUnread))
}

// acceptedPolicies returns a clause on the MeshTraces, of which none is refused.
func (u *Upgrade) acceptedPolicies() string {
	if u.MeshTraces == 0 {
		return "there is no MeshTrace"
	}
	return "it accepts " + convert.Plural(u.MeshTraces, "MeshTrace")
}

// kept returns a clause on proxies none of which changes against the user's will. Each proxy
// counts once: those with inherent differences are among those that keep their tracing.
func kept(t *envoydiff.Tally) string {
	keep := t.Proxies - t.Accepted
	var text string
	switch {
	case t.Untraced == t.Proxies:
		return convert.Plural(keep, "proxy is not traced, before or after", "proxies are not traced, before or after")
	case keep == 0:
		return convert.Plural(t.Accepted, "proxy differs", "proxies differ") + " only in accepted codes"
	case t.Accepted > 0:
		text = convert.Number(keep) + " of " + convert.Plural(t.Proxies, "proxy") + convert.Word(keep, " keeps its", " keep their") + " tracing"
	case keep == 1:
		text = "1 proxy keeps its tracing"
	default:
		text = fmt.Sprintf("all %s proxies keep their tracing", convert.Number(keep))
	}
	if t.Untraced > 0 {
		text += fmt.Sprintf(" (%s of them %s none)", convert.Number(t.Untraced), convert.Word(t.Untraced, "has", "have"))
	}
	switch t.Inherent {
	case 0:
	case keep:
		text += convert.Word(keep, "; it differs", "; they differ") + inherentOnly
	default:
		text += fmt.Sprintf("; %s of them %s", convert.Number(t.Inherent), convert.Word(t.Inherent, "differs", "differ")) + inherentOnly
	}
	if t.Accepted > 0 {
		other := convert.Word(t.Accepted, "the other differs", "the other "+convert.Number(t.Accepted)+" differ")
		text += "; " + other + " only in accepted codes"
	}
	return text
}

const inherentOnly = " only in inherent codes, which lose no trace"

// proxyNames returns the names of three proxies of a cause, or of all.
func (u *Upgrade) proxyNames(c *upgrade.Cause) string {
	if len(c.Proxies) == 0 {
		return ""
	}
	return convert.Plural(len(c.Proxies), "proxy") + ": " + names(c.Proxies, u.Full)
}

// mostResources is how many resources of a cause are listed without --full.
const mostResources = 10

// serviceHeads are the columns of serviceRows.
var serviceHeads = []string{"SERVICE TODAY", "AFTERWARDS", "PROXIES", "WHAT KEEPS THE NAME"}

func (u *Upgrade) serviceRows() [][]string {
	return lists.Each(u.Renames, func(r *upgrade.Rename) []string {
		return []string{r.Old, r.NewName(), convert.Number(len(r.Proxies)), r.KeptBy()}
	})
}

// UnreadOfUpgrade prints the kinds of a cluster that could not be listed. It returns those
// without which proxies or policies are missing, and the documents that are not read. What
// else a proxy depends on makes it unknown.
func (p *Printer) UnreadOfUpgrade(s *cluster.Snapshot) []string {
	missing := NotRead(s)
	for _, u := range s.About().Unread {
		switch u.What {
		case cluster.VersionOfControlPlane, cluster.ModeOfControlPlane:
			continue
		case cluster.KindMesh, cluster.KindTrafficTrace, cluster.KindMeshTrace, cluster.KindDataplane:
			missing = append(missing, "the "+convert.Word(2, u.What))
		}
		p.Line("%s", unreadText(u))
	}
	return missing
}

// NotChecked prints what the check does not cover: MeshTraces that do not exist on the
// version that runs, and meshes without Dataplanes.
func (p *Printer) NotChecked(c *convert.Current, r *upgrade.Result, limit int) {
	for _, policy := range r.Refused {
		p.Line("%s: %s: Kuma %s, which runs, refuses it, so it was not checked: %s",
			policy.Place, policy, r.From, strings.Join(policy.RefusedBy(r.From), "; "))
	}
	for _, mesh := range c.Meshes {
		used := make(map[*legacy.Backend]bool)
		for _, trace := range mesh.TrafficTraces {
			backend := mesh.BackendOf(trace)
			if backend == nil || used[backend] {
				continue
			}
			used[backend] = true
			for _, problem := range backend.Problems {
				p.Line("%s (warning)", problem.Error())
			}
		}
	}
	p.MadeUp(r.MadeUp, r.Complete, limit)
	if len(c.Dataplanes) == 0 {
		return // the output says so
	}
	inhabited := lists.Set(c.Dataplanes, func(dp *cluster.Dataplane) string { return dp.Mesh })
	for _, policy := range c.Existing {
		if !inhabited[policy.Mesh] {
			inhabited[policy.Mesh] = true // once
			p.Line("tracemigrate: mesh %q has MeshTraces and no known Dataplane, so no proxy of it was checked", policy.Mesh)
		}
	}
}
