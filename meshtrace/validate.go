package meshtrace

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strings"

	"tracemigrate/cluster"
)

var (
	subdomain  = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	dnsLabel   = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	labelKey   = regexp.MustCompile(`^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
	labelValue = regexp.MustCompile(`^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$`)
)

// CheckLabel returns an error unless key and value can be a Kubernetes label.
func CheckLabel(key, value string) error {
	switch {
	case !labelKey.MatchString(key):
		return fmt.Errorf("%.80q is not a label's name: letters, digits, -_. with an optional prefix, as in example.com/team", key)
	case !labelValue.MatchString(value):
		return fmt.Errorf("%.80q cannot be the value of label %s: letters, digits and -_., 63 at most", value, key)
	}
	return nil
}

// CheckNamespace returns an error unless name can be a namespace.
func CheckNamespace(name string) error {
	if !dnsLabel.MatchString(name) {
		return fmt.Errorf("%.80q is not a namespace", name)
	}
	return nil
}

// Validate checks a policy against what the control plane and the schema of
// version accept, and returns all that is wrong with it. It is meant for
// policies that this tool made: a failure is a bug of the tool.
func (p *Policy) Validate(version cluster.Version) error {
	var wrong []error
	fail := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("%s: "+format, append([]any{p}, args...)...))
	}
	if len(p.Name) > 253 || !subdomain.MatchString(p.Name) {
		fail("the name is not an RFC 1123 subdomain of at most 253 characters")
	}
	if p.Format == cluster.Kubernetes && CheckNamespace(p.Namespace) != nil {
		fail("namespace %q is not valid", p.Namespace)
	}
	for key, value := range p.Labels {
		if err := CheckLabel(key, value); err != nil {
			fail("%w", err)
		}
	}
	if p.Labels[cluster.RoleLabel] != "" {
		fail("label %s is the control plane's to set", cluster.RoleLabel)
	}
	if p.Labels[cluster.EffectLabel] == "shadow" && !version.ComputesShadows() {
		fail("version %s ignores %s: shadow and applies the policy", version, cluster.EffectLabel)
	}
	p.validateTargetRef(fail)
	if p.Default.Backends == nil && p.Default.Sampling == (Sampling{}) && p.Default.Tags == nil {
		fail("default sets nothing")
	}
	return errors.Join(append(wrong, p.Unsupported(version)...)...)
}

// Unsupported lists what a control plane of version, or its schema, refuses of
// the policy.
func (p *Policy) Unsupported(version cluster.Version) []error {
	var wrong []error
	fail := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("%s: "+format, append([]any{p}, args...)...))
	}
	since := func(first cluster.Version, used bool, what string) {
		if used && version.Compare(first) < 0 {
			fail("%s came with %d.%d, so %s does not accept it", what, first.Major, first.Minor, version)
		}
	}
	since(cluster.SinceMeshGateway, len(p.TargetRef.ProxyTypes) > 0, "targetRef.proxyTypes")
	since(cluster.SinceMeshGateway, p.TargetRef.Kind == MeshGateway, "targetRef kind MeshGateway")
	since(cluster.SinceDataplane, p.TargetRef.Kind == Dataplane, "targetRef kind Dataplane")
	if p.Default.Backends != nil && len(p.Default.Backends) == 0 && !version.TakesEmptyBackends() {
		fail("the control plane of 2.0 crashes on backends: []")
	}
	if len(p.Default.Backends) > 1 && version.TakesOneBackend() {
		fail("%d backends, one at most is allowed", len(p.Default.Backends))
	}
	for _, b := range p.Default.Backends {
		since(cluster.SinceOpenTelemetry, b.OpenTelemetry != nil, "OpenTelemetry")
		since(cluster.SinceBackendRef, b.OpenTelemetry != nil && b.OpenTelemetry.BackendRef != nil, "openTelemetry.backendRef")
		if err := b.validate(); err != nil {
			fail("%w", err)
		}
	}
	for _, percent := range []*Percent{p.Default.Sampling.Overall, p.Default.Sampling.Client, p.Default.Sampling.Random} {
		switch {
		case percent == nil:
		case math.IsNaN(float64(*percent)) || *percent < 0 || *percent > 100:
			fail("sampling %s is out of range 0 to 100", percent)
		case !percent.Whole() && !version.TakesFractions():
			fail("sampling %s is a fraction, and 2.0 takes whole percentages only", percent)
		}
	}
	return wrong
}

// validateTargetRef checks the kinds that are written here.
func (p *Policy) validateTargetRef(fail func(string, ...any)) {
	ref := p.TargetRef
	switch ref.Kind {
	case Mesh:
		if len(ref.Tags) > 0 {
			fail("targetRef Mesh has tags")
		}
	case MeshSubset:
		if len(ref.Tags) == 0 {
			fail("targetRef MeshSubset has no tags")
		}
	case Dataplane, MeshGateway, MeshService, MeshServiceSubset:
		fail("targetRef kind %s is never written here", ref.Kind)
	default:
		fail("targetRef kind %q is unknown", string(ref.Kind))
	}
	for key, value := range ref.Tags {
		if !cluster.IsTag(key, value) {
			fail("tag %.80q=%.80q of targetRef has characters that no Dataplane's tag can have", key, value)
		}
	}
}

// validate checks the form of urls: a zipkin url must parse, a datadog url is
// http://host:port and nothing else.
func (b *Backend) validate() error {
	switch {
	case b.Type == TypeZipkin && b.Zipkin != nil:
		u, err := url.Parse(b.Zipkin.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Port() == "" {
			return errors.New("zipkin.url is not a url with scheme, host and port")
		}
		if api := b.Zipkin.APIVersion; api != "" && api != "httpJson" && api != "httpProto" {
			return fmt.Errorf("zipkin.apiVersion %q is neither httpJson nor httpProto", api)
		}
	case b.Type == TypeDatadog && b.Datadog != nil:
		u, err := url.Parse(b.Datadog.URL)
		if err != nil || u.Scheme != "http" || u.Hostname() == "" || u.Port() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
			return errors.New("datadog.url is not of the form http://host:port")
		}
	case b.Type == TypeOpenTelemetry && b.OpenTelemetry != nil:
		if strings.TrimSpace(b.OpenTelemetry.Endpoint) == "" && b.OpenTelemetry.BackendRef == nil {
			return errors.New("openTelemetry has neither endpoint nor backendRef")
		}
	default:
		return fmt.Errorf("backend of type %q lacks its field", b.Type)
	}
	return nil
}
