package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/envoydiff"
	"tracemigrate/legacy"
	"tracemigrate/meshtrace"
)

func explainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "say for one proxy which TrafficTraces and MeshTraces select it, why one wins, and what becomes of it",
		ArgsUsage: "PROXY",
		Description: "PROXY is a Dataplane's name or display name, alone or as mesh/name, namespace/name or\nzone/name where several have it.\n\n" +
			"   tracemigrate explain web-1 -f cluster.yaml --kuma-version 2.13",
		Flags: append(sourceFlags(), versionFlag(), namespaceFlag(),
			&cli.BoolFlag{Name: "zone-origin", Usage: "explain policies with the label kuma.io/origin: zone, which a federated zone demands"},
			roundSamplingFlag(),
		),
		Action: runExplain,
	}
}

func runExplain(c *cli.Context) error {
	name, err := proxyName(c)
	if err != nil {
		return err
	}
	if given := c.String("kuma-version"); given != "" {
		if _, err := parseVersionFlag(given); err != nil {
			return err
		}
	}
	current, _, err := load(c)
	if err != nil {
		return err
	}
	snapshot := current.Snapshot
	version, err := kumaVersion(c.String("kuma-version"), snapshot)
	if err != nil {
		return err
	}
	if current.Failed() {
		newPrinter(c.App.ErrWriter).problems(current.Found, "explained")
		return cli.Exit("", exitError)
	}
	words := newPrinter(c.App.ErrWriter)
	words.skipped(snapshot)
	words.unread(snapshot)
	words.assumption(c.String("kuma-version"), snapshot)
	dp, err := findProxy(snapshot, name)
	if err != nil {
		return err
	}
	decisive, reason := snapshot.Judge(version)(dp)
	doubt := cluster.Doubt{Reason: reason}
	var after *envoydiff.Proxy
	state := envoydiff.State{Legacy: current.Meshes, Policies: current.Existing}
	options := convert.Options{Version: version, Namespace: current.Namespace, ZoneOrigin: c.Bool("zone-origin"), RoundSampling: c.Bool("round-sampling")}
	if result, _ := convert.Convert(current, options); result != nil {
		words.noted(convert.PatchReleaseDecides, version, result)
		doubt = doubt.Or(result.Doubt(dp))
		after = envoydiff.Find(result.Comparisons, dp)
		state.Policies = result.Existing // without those that the version refuses
	}
	if c.String("kuma-version") == "" {
		version = decisive[0]
	}
	r := envoydiff.NewRenderer(version, snapshot, state)
	decision := r.Decide(dp)
	err = whole(c, func(out *printer) error {
		e := &explanation{printer: out, version: version, snapshot: snapshot, dp: dp, doubt: doubt}
		e.head()
		for _, mesh := range state.Legacy {
			if mesh.Name == dp.Mesh {
				e.trafficTraces(mesh.In(dp.Zone()))
			}
		}
		e.meshTraces(state.Policies)
		e.conclusion(r, &decision)
		e.verdict(after)
		return nil
	})
	if unusable := decision.Unusable(); err == nil && unusable != nil {
		words.list(unusable, manifest.Error, "", len(unusable))
		return cli.Exit(fmt.Sprintf("the backend %.253q of %s cannot be used", decision.Backend.Name, dp), exitNo)
	}
	if err == nil && doubt.Reason != "" {
		return cli.Exit(fmt.Sprintf("unknown: %s", doubt.Reason), exitNo)
	}
	if err == nil && after != nil && after.Verdict == envoydiff.Different {
		return cli.Exit(fmt.Sprintf("different: %s would not keep its tracing", dp), exitNo)
	}
	return err
}

// proxyName is the one argument. Flags may follow it, as users of kubectl are
// used to; the flag package stops at the first argument.
func proxyName(c *cli.Context) (string, error) {
	args := c.Args().Slice()
	if len(args) == 0 {
		return "", errors.New("which proxy? give the name of a Dataplane")
	}
	rest := args[1:]
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		name, value, joined := strings.Cut(strings.TrimLeft(rest[0], "-"), "=")
		flag := flagOf(c, name)
		if flag == nil {
			break
		}
		rest = rest[1:]
		if _, isBool := flag.(*cli.BoolFlag); isBool && !joined {
			value, joined = "true", true
		}
		if !joined {
			if len(rest) == 0 || strings.HasPrefix(rest[0], "-") && rest[0] != "-" {
				return "", fmt.Errorf("flag --%s needs a value", flag.Names()[0])
			}
			value, rest = rest[0], rest[1:]
		}
		if err := c.Set(flag.Names()[0], value); err != nil {
			return "", fmt.Errorf("flag --%s: %w", flag.Names()[0], err)
		}
	}
	if len(rest) > 0 && strings.HasPrefix(rest[0], "-") && rest[0] != "-" {
		return "", fmt.Errorf("unknown flag %s; see tracemigrate explain --help", rest[0])
	}
	if len(rest) > 0 {
		return "", fmt.Errorf("unexpected argument %q; see tracemigrate explain --help", rest[0])
	}
	return args[0], nil
}

// flagOf is the command's flag of a name, nil when it has none.
func flagOf(c *cli.Context, name string) cli.Flag {
	for _, flag := range c.Command.Flags {
		if slices.Contains(flag.Names(), name) {
			return flag
		}
	}
	return nil
}

func findProxy(s *cluster.Snapshot, name string) (*cluster.Dataplane, error) {
	if s.Origin != nil && len(s.Dataplanes) == 0 {
		if _, lacks := s.Origin.Lacks(cluster.KindDataplane); lacks {
			return nil, fmt.Errorf("the Dataplanes could not be read, so nothing is known of %q", name)
		}
	}
	var found []*cluster.Dataplane
	closest, distance := "", 1.0
	for _, dp := range s.Dataplanes {
		switch full := dp.Mesh + "/" + dp.FullName(); {
		case slices.Contains(namesOf(dp), name):
			found = append(found, dp)
		default:
			for _, candidate := range []string{dp.Name, full} {
				if d := 1 - smetrics.JaroWinkler(candidate, name, 0.7, 4); d < distance {
					closest, distance = full, d
				}
			}
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		candidates := make([]string, len(found))
		for i, dp := range found {
			candidates[i] = dp.Mesh + "/" + dp.FullName()
			if zone := dp.Zone(); zone != "" {
				candidates[i] += fmt.Sprintf(" (zone %s)", zone)
			}
		}
		slices.Sort(candidates)
		return nil, fmt.Errorf("%d Dataplanes are named %q; choose one: %s", len(found), name, strings.Join(candidates, ", "))
	case distance < 0.15:
		return nil, fmt.Errorf("the input has no Dataplane %q; did you mean %s?", name, closest)
	}
	return nil, fmt.Errorf("the input has no Dataplane %q", name)
}

// namesOf are the names by which dp is found: its own and its display name, alone
// or after its mesh, namespace or zone.
func namesOf(dp *cluster.Dataplane) []string {
	display := cmp.Or(dp.Labels[cluster.DisplayNameLabel], dp.Name)
	names := []string{
		dp.Name, dp.FullName(), display, dp.Mesh + "/" + dp.Name, dp.Mesh + "/" + dp.FullName(), dp.Mesh + "/" + display, dp.Namespace + "/" + dp.Name,
	}
	if zone := dp.Zone(); zone != "" {
		names = append(names, zone+"/"+dp.FullName(), zone+"/"+display)
	}
	return names
}

// explanation prints what decides on one proxy.
type explanation struct {
	*printer
	version  cluster.Version
	snapshot *cluster.Snapshot
	dp       *cluster.Dataplane
	doubt    cluster.Doubt // why what follows is not certain
}

func (e *explanation) head() {
	kind := "sidecar"
	if e.dp.Gateway != nil {
		kind = "delegated gateway"
		if e.dp.Gateway.Builtin {
			kind = "builtin gateway"
		}
	}
	e.wrapped("%s, a %s (%s), on Kuma %s", e.dp, kind, e.dp.Place, e.version)
	for i, set := range e.dp.TagSets() {
		state := ""
		if n := i; e.dp.Gateway == nil && n < len(e.dp.Inbounds) && e.dp.Inbounds[n].Ignored {
			state = " (inbound is Ignored)"
		}
		e.wrapped("  tag set %d: %s%s", i+1, set, state)
	}
}

// trafficTraces lists every selector of the mesh in order of precedence.
func (e *explanation) trafficTraces(mesh *legacy.Mesh) {
	e.wrapped("")
	e.wrapped("TrafficTraces of mesh %q, highest precedence first:", mesh.Name)
	if len(mesh.Pairs) == 0 {
		e.wrapped("  none")
		return
	}
	won := false
	for i, pair := range mesh.Pairs {
		tags, exact := pair.Tags.Rank()
		about := fmt.Sprintf("%d. %q, selector %d (%s), rank %d/%d", i+1, pair.Name, pair.Number, pair.Tags, tags, exact)
		matched := slices.IndexFunc(e.dp.TagSets(), pair.Tags.Match)
		switch {
		case matched < 0:
			e.wrapped("     %s: no tag set satisfies it", about)
			continue
		case won:
			e.wrapped("     %s: matches tag set %d, but a higher one wins", about, matched+1)
			continue
		}
		won = true
		backend := mesh.BackendOf(pair.TrafficTrace)
		to := "to no backend, so not at all"
		if backend != nil {
			to = fmt.Sprintf("to %q", backend.Name)
		}
		e.wrapped("  => %s: matches tag set %d and wins; traces go %s", about, matched+1, to)
		if i+1 < len(mesh.Pairs) && pair.Undecided(mesh.Pairs[i+1]) {
			e.wrapped("       it ranks equal to the next, and creation times are not known: the smaller name is taken to win")
		}
	}
}

// meshTraces lists the policies that apply and what each adds to the merge.
func (e *explanation) meshTraces(policies []*meshtrace.Policy) {
	e.wrapped("")
	e.wrapped("MeshTraces, lowest precedence first:")
	matcher := meshtrace.NewMatcher(e.version, policies, cluster.NewGateways(e.snapshot.MeshGateways))
	matching := matcher.Matching(nil, e.dp)
	for i, p := range matching {
		conf := meshtrace.Merge(matching[:i+1])
		e.wrapped("  %d. %q, %s: sets %s", i+1, p.Name, target(p), sets(&p.Default))
		e.wrapped("       merged so far: %s", merged(&conf))
	}
	if len(matching) == 0 {
		e.wrapped("  none applies")
	}
	for _, p := range policies {
		if p.Mesh == e.dp.Mesh && !slices.Contains(matching, p) {
			why := "does not select it"
			if p.Shadow(e.version) {
				why = "is a shadow, which is not applied"
			}
			e.wrapped("     %q, %s: %s", p.Name, target(p), why)
		}
	}
}

func target(p *meshtrace.Policy) string {
	text := string(p.TargetRef.Kind)
	if p.TargetRef.Name != "" {
		text += " " + p.TargetRef.Name
	}
	if len(p.TargetRef.Tags) > 0 {
		text += " " + p.TargetRef.Tags.String()
	}
	if len(p.TargetRef.Labels) > 0 {
		text += " labels " + cluster.Tags(p.TargetRef.Labels).String()
	}
	if len(p.TargetRef.ProxyTypes) > 0 {
		text += ", proxyTypes " + strings.Join(p.TargetRef.ProxyTypes, ", ")
	}
	return text
}

// sets names the fields that a policy sets.
func sets(c *meshtrace.Conf) string {
	var fields []string
	if c.Backends != nil {
		if len(c.Backends) == 0 {
			fields = append(fields, "no backend (backends: [])")
		} else {
			fields = append(fields, "backends")
		}
	}
	for name, percent := range map[string]*meshtrace.Percent{"overall": c.Sampling.Overall, "client": c.Sampling.Client, "random": c.Sampling.Random} {
		if percent != nil {
			fields = append(fields, fmt.Sprintf("sampling.%s %s", name, percent))
		}
	}
	if c.Tags != nil {
		fields = append(fields, fmt.Sprintf("tags (%d)", len(c.Tags)))
	}
	if len(fields) == 0 {
		return "nothing"
	}
	slices.Sort(fields)
	return strings.Join(fields, ", ")
}

// merged is a merged conf in words.
func merged(c *meshtrace.Conf) string {
	if len(c.Backends) == 0 {
		return "no backend"
	}
	percent := func(p *meshtrace.Percent) string {
		if p == nil {
			return "100 (Envoy's default)"
		}
		return p.String()
	}
	text := fmt.Sprintf("%s %s, sampling overall %s, client %s, random %s", c.Backends[0].Type, c.Collector().Address(),
		percent(c.Sampling.Overall), percent(c.Sampling.Client), percent(c.Sampling.Random))
	for _, tag := range c.Tags {
		text += ", tag " + tag.Name
	}
	return text
}

// conclusion says what the listeners get.
func (e *explanation) conclusion(r *envoydiff.Renderer, decision *envoydiff.Decision) {
	listeners, collector := r.Render(e.dp, decision)
	e.wrapped("")
	if decision.Unusable() != nil {
		e.wrapped("The backend %.253q cannot be used: see stderr. It is chosen by %s.", decision.Backend.Name, decision.Source())
		return
	}
	if collector == nil {
		e.wrapped("The proxy is not traced.")
		return
	}
	if !slices.ContainsFunc(listeners, func(l envoydiff.Listener) bool { return l.Tracing != nil }) {
		e.wrapped("No listener of the proxy speaks HTTP and is traced, so it sends no traces; they would go to %s.", decision.Target())
		return
	}
	if e.doubt.Reason != "" {
		e.wrapped("It is not known where the proxy sends traces: %s (%s). If what is listed here decides, they go to %s:", e.doubt.Reason, cmp.Or(e.doubt.Code, string(envoydiff.Unverified)), decision.Target())
	} else {
		e.wrapped("The proxy sends traces to %s:", decision.Target())
	}
	for _, l := range listeners {
		traced := "traced"
		if l.Tracing == nil {
			traced = "not traced"
		}
		e.wrapped("  %s  %s", l.Name(), traced)
	}
}

// verdict says what becomes of the proxy, as diff and report do.
func (e *explanation) verdict(p *envoydiff.Proxy) {
	if p == nil {
		return
	}
	to := "nowhere, because of " + p.After.Source()
	if p.After.Traces() {
		to = "to " + p.After.Target()
	}
	e.wrapped("")
	e.wrapped("After the migration (%s): traces go %s.", p.Verdict, to)
	for _, d := range p.Differences {
		e.wrapped("  %s  %s: %s -> %s", d.Code, d.Path, d.Before, d.After)
	}
}
