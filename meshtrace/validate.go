package meshtrace

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/asaskevich/govalidator"
	"k8s.io/apimachinery/pkg/api/validate/content"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
)

// CheckLabel returns an error unless key and value can be a Kubernetes label.
func CheckLabel(key, value string) error {
	if wrong := content.IsLabelKey(key); len(wrong) > 0 {
		return fmt.Errorf("%.80q is not a label's name: %s", key, strings.Join(wrong, "; "))
	}
	if wrong := content.IsLabelValue(value); len(wrong) > 0 {
		return fmt.Errorf("%.80q cannot be the value of label %s: %s", value, key, strings.Join(wrong, "; "))
	}
	return nil
}

// CheckNamespace returns an error unless name can be a namespace.
func CheckNamespace(name string) error {
	if wrong := content.IsDNS1123Label(name); len(wrong) > 0 {
		return fmt.Errorf("%.80q is not a namespace: %s", name, strings.Join(wrong, "; "))
	}
	return nil
}

// ValidateAll checks policies by the rules of the control plane and schema of version,
// and returns everything that is wrong. It is for policies that this tool made: a
// failure is a bug of the tool.
func ValidateAll(policies []*Policy, version cluster.Version) error {
	checked := make(map[*Backend]error) // policies share backends
	return errors.Join(lists.Each(policies, func(p *Policy) error { return p.validate(version, checked) })...)
}

// validate is ValidateAll for one policy; checked has the results of earlier backends.
func (p *Policy) validate(version cluster.Version, checked map[*Backend]error) error {
	var wrong []error
	fail := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("%s: "+format, append([]any{p}, args...)...))
	}
	if wrong := content.IsDNS1123Subdomain(p.Name); len(wrong) > 0 {
		fail("the name is not valid: %s", strings.Join(wrong, "; "))
	}
	if p.Format == cluster.Kubernetes {
		if err := CheckNamespace(p.Namespace); err != nil {
			fail("%w", err)
		}
	}
	for _, label := range p.Labels {
		if err := CheckLabel(label.Key, label.Value); err != nil {
			fail("%w", err)
		}
	}
	if p.Labels.Get(cluster.RoleLabel) != "" {
		fail("label %s is the control plane's to set", cluster.RoleLabel)
	}
	if p.Labels.Get(cluster.EffectLabel) == "shadow" && !version.ComputesShadows() {
		fail("version %s ignores %s: shadow and applies the policy", version, cluster.EffectLabel)
	}
	p.validateTargetRef(version, fail)
	if p.Default.Backends == nil && p.Default.Sampling == (Sampling{}) && p.Default.Tags == nil {
		fail("default sets nothing")
	}
	return errors.Join(append(wrong, p.unsupported(version, checked)...)...)
}

// Unsupported lists what a control plane of version, or its schema, refuses about the
// policy.
func (p *Policy) Unsupported(version cluster.Version) []error {
	wrong := p.unsupported(version, make(map[*Backend]error))
	if types := p.TargetRef.ProxyTypes; types != nil && len(types) == 0 && version.RefusesEmptyProxyTypes() {
		wrong = append(wrong, fmt.Errorf("%s: targetRef.proxyTypes is empty, which %s does not accept; leave it out", p, version))
	}
	return wrong
}

func (p *Policy) unsupported(version cluster.Version, checked map[*Backend]error) []error {
	wrong := lists.Each(p.RefusedBy(version), func(reason string) error { return fmt.Errorf("%s: %s", p, reason) })
	for i := range p.Default.Backends {
		b := &p.Default.Backends[i]
		err, ok := checked[b]
		if !ok {
			err = b.validate()
			checked[b] = err
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", p, err))
		}
	}
	return wrong
}

// OfAnotherZone reports whether a zone's control plane of a version refuses p for its label
// kuma.io/zone, which names another zone. On Kubernetes only a federated one checks it, of
// policies of its own.
func (p *Policy) OfAnotherZone(version cluster.Version, o *cluster.Origin) bool {
	zone, labelled := p.Labels.Lookup(cluster.ZoneLabel)
	if !labelled || !version.ChecksZoneLabel() || o.Zone == "" || o.Zone == zone {
		return false
	}
	origin := p.Labels.Get(cluster.OriginLabel)
	if p.Format == cluster.Kubernetes {
		return o.Mode == cluster.ModeFederatedZone && origin == "zone"
	}
	return (o.Mode == cluster.ModeZone || o.Mode == cluster.ModeFederatedZone) && origin != "global"
}

// RefusedBy lists what version refuses about the policy: what another version accepts, or
// would accept in another form, and fields of another kind of targetRef.
func (p *Policy) RefusedBy(version cluster.Version) []string {
	wrong := append(p.TargetRef.refusedBy(version), p.TargetRef.misplaced()...)
	fail := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if ref := &p.TargetRef; ref.Kind == Dataplane && len(ref.Labels) > 0 && (ref.Name != "" || ref.Namespace != "") {
		fail("targetRef %s has labels beside a name or a namespace", ref.Kind)
	}
	since := func(first cluster.Version, used bool, what string) {
		if used {
			wrong = append(wrong, addedLater(version, first, what)...)
		}
	}
	for _, tag := range p.TargetRef.Tags {
		if p.TargetRef.Kind == MeshSubset && tag.Value == cluster.Any {
			fail("tag %.80q of targetRef MeshSubset has the value *, which is not a wildcard there and is not accepted", tag.Key)
		}
	}
	if p.Default.Backends != nil && len(p.Default.Backends) == 0 && !version.TakesEmptyBackends() {
		fail("the control plane of %s crashes on backends: []", cluster.Oldest)
	}
	if len(p.Default.Backends) > 1 && version.TakesOneBackend() {
		fail("%d backends, one at most is allowed", len(p.Default.Backends))
	}
	for _, b := range p.Default.Backends {
		since(cluster.SinceOpenTelemetry, b.OpenTelemetry != nil, "OpenTelemetry")
		since(cluster.SinceBackendRef, b.refers(), "openTelemetry.backendRef")
	}
	if p.TargetRef.SectionName != "" && version.RefusesSectionName() {
		fail("targetRef.sectionName is not accepted by %s; remove it", version)
	}
	if version.NeedsOTelBackendRef() && p.Default.HasOTelEndpoint() {
		fail("openTelemetry.endpoint is not accepted by %s; use backendRef, to a MeshOpenTelemetryBackend", version)
	}
	if p.untyped && version.NamesBackendType() {
		fail("a backend has no type, which is required from %s on", cluster.SinceBackendType.MajorMinor())
	}
	if p.wrapped && version.TakesFractions() {
		fail("sampling is a mapping {value: ...}, a form from before %s", cluster.SinceFractions.MajorMinor())
	}
	percents := []*Percent{p.Default.Sampling.Overall, p.Default.Sampling.Client, p.Default.Sampling.Random}
	if p.Format == cluster.Kubernetes && p.sampled && slices.Contains(percents, nil) && version.FillsSamplingWrongly() {
		fail("a sampling does not set all of overall, client and random, so Kubernetes fills in \"100%%\", which the control plane refuses")
	}
	if p.unquoted && version.TakesFractions() {
		fail("sampling is a fraction without quotes, and the schema accepts a fraction as a string only")
	}
	for _, percent := range percents {
		switch {
		case percent == nil:
		case math.IsNaN(float64(*percent)) || *percent < 0 || *percent > 100:
			fail("sampling %s is out of range 0 to 100", percent)
		case !percent.isWhole() && !version.TakesFractions():
			fail("sampling %s is a fraction, and %s accepts whole percentages only", percent, cluster.Oldest)
		}
	}
	if p.Default.Backends == nil { // on every version: validateDefault in pkg/plugins/policies/meshtrace of Kuma's tags
		fail("default.backends is missing, and the control plane requires it")
	}
	return wrong
}

// validateTargetRef checks that the targetRef can be written, and its tags.
func (p *Policy) validateTargetRef(version cluster.Version, fail func(string, ...any)) {
	for _, reason := range slices.Concat(p.TargetRef.unwritable(), p.TargetRef.ignoredBy(version)) {
		fail("%s", reason)
	}
	for _, tag := range p.TargetRef.Tags {
		if !cluster.IsTag(tag.Key, tag.Value) {
			fail("tag %.80q=%.80q of targetRef has characters that no Dataplane's tag can have", tag.Key, tag.Value)
		}
	}
}

// validate checks the form of urls: a zipkin url must be one that MeshTrace accepts, with or
// without a port, and a datadog url must be http://host:port.
func (b *Backend) validate() error {
	switch {
	case b.Type == TypeZipkin && b.Zipkin != nil:
		if _, err := url.ParseRequestURI(b.Zipkin.URL); err != nil {
			return errors.New("zipkin.url is not a valid url")
		}
		if err := CheckZipkinURL(b.Zipkin.URL); err != nil {
			return fmt.Errorf("zipkin.url: %w", err)
		}
		if api := b.Zipkin.APIVersion; api != "" && api != "httpJson" && api != "httpProto" {
			return fmt.Errorf("zipkin.apiVersion %q is neither httpJson nor httpProto", api)
		}
	case b.Type == TypeDatadog && b.Datadog != nil:
		u, err := url.Parse(b.Datadog.URL)
		if err != nil || u.Scheme != "http" || u.Hostname() == "" || u.Port() == "" ||
			u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
			return errors.New("datadog.url is not of the form http://host:port")
		}
	case b.Type == TypeOpenTelemetry && b.OpenTelemetry != nil:
		if strings.TrimSpace(b.OpenTelemetry.Endpoint) == "" && !b.refers() {
			return errors.New("openTelemetry has neither endpoint nor backendRef")
		}
	default:
		return fmt.Errorf("backend of type %q does not have its field", b.Type)
	}
	return nil
}

// maxURL is the maximum length of a zipkin url, in characters.
const maxURL = 2082

// CheckZipkinURL returns an error that names the part of a zipkin url that MeshTrace
// refuses. The control plane calls the same function of the same library (kumahq/kuma,
// pkg/plugins/policies/meshtrace/api/v1alpha1/validator.go), so both always agree. text
// must not have a user or a query, because the error may repeat it.
func CheckZipkinURL(text string) error {
	if govalidator.IsURL(text) {
		return nil
	}
	u, err := url.Parse(text)
	length := utf8.RuneCountInString(text)
	switch {
	case err != nil:
		return errors.New("it is not a valid url")
	case !strings.HasPrefix(text, u.Scheme):
		return fmt.Errorf("its scheme is in capitals, which MeshTrace refuses; write %s", u.Scheme)
	case length > maxURL:
		return fmt.Errorf("it has %d characters, and MeshTrace accepts %d at most", length, maxURL)
	case govalidator.IsURL(u.Scheme + "://" + u.Host):
		return errors.New("MeshTrace refuses what follows its host and port")
	}
	host := u.Hostname()
	if i := strings.IndexFunc(host, isRefused); i >= 0 && !strings.Contains(host, ":") {
		r, _ := utf8.DecodeRuneInString(host[i:])
		return fmt.Errorf("its host %.253q has the character %q, which MeshTrace refuses", host, r)
	}
	return fmt.Errorf("MeshTrace refuses its host %.253q: "+
		"each part must begin and end with a letter or digit, and an IP address has four numbers", host)
}

// isRefused reports whether no host of a zipkin url can have r.
func isRefused(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r >= 0xa1 && r <= 0xffff
	return !letter && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}
