package controlplane

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tracemigrate/cluster/credential"
	"tracemigrate/cluster/manifest"
	"tracemigrate/cluster/paging"
	"tracemigrate/cluster/retry"
)

// Options say how to reach a control plane.
type Options struct {
	URL     string // http or https, with the path of a proxy in front if there is one
	Name    string // of the control plane in kumactl's configuration, for messages
	Headers http.Header
	Token   string
	Base    http.RoundTripper // with TLS set up; see Config.Transport
	Meshes  []string          // to read; empty: all
	Limits  paging.Limits     // of lists and answers; 0 means that of paging.Defaults
	// Progress gets how many resources of a kind were read so far, Wait why the next try
	// waits; both may be nil, and are called from several goroutines.
	Progress func(kind string, read int)
	Wait     func(reason string, pause time.Duration)
	// Scrub removes credentials that Base sends from answers; may be nil.
	Scrub func(text string) string
}

// ControlPlane is a Source and an Inspector.
type ControlPlane struct {
	options Options
	base    *url.URL
	client  *http.Client
	sent    credential.Set // the credentials of every request
}

// New returns an error when the URL cannot belong to a control plane. It does not
// connect yet.
func New(o Options) (*ControlPlane, error) {
	base, err := url.Parse(o.URL)
	switch {
	case err != nil:
		return nil, errors.New("the URL of the control plane is not a URL")
	case base.Scheme != "http" && base.Scheme != "https" || base.Host == "":
		return nil, fmt.Errorf("the URL of the control plane must be like http://host:5681, not %q", manifest.Redact(o.URL))
	}
	if o.Base == nil {
		o.Base = http.DefaultTransport
	}
	if base.User != nil || base.RawQuery != "" {
		return nil, errors.New("the URL of the control plane contains credentials or a query, which are not sent; " +
			"leave them out and pass --token or --header")
	}
	base.Path = strings.TrimRight(base.Path, "/")
	base.Fragment = ""
	cp := &ControlPlane{options: o, base: base}
	cp.sent.Add(o.Token)
	for name, values := range o.Headers {
		for _, value := range values {
			if http.CanonicalHeaderKey(name) == "Authorization" {
				cp.sent.AddAuthorization(value)
			} else if len(value) > 3 { // short values are flags or numbers
				cp.sent.Add(value)
			}
		}
	}
	transport := &retry.Transport{Base: o.Base, MaxAnswer: o.Limits.Answer}
	if o.Wait != nil {
		transport.Wait = func(reason string, pause time.Duration) { o.Wait(cp.scrub(reason), pause) }
	}
	cp.client = &http.Client{
		Transport: transport,
		// Another server would get the token, and its answer is not a control plane's.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return cp, nil
}

// String names the control plane. New refuses credentials in the URL.
func (cp *ControlPlane) String() string {
	if cp.options.Name != "" {
		return fmt.Sprintf("control plane %q (%s)", cp.options.Name, cp.base)
	}
	return "control plane " + cp.base.String()
}

// StatusError is an answer that is not a success.
type StatusError struct {
	path   string
	Status int
	tries  int // how often it was sent; 0 when the first answer was final
	Title  string
	Detail string
	// FromKubernetes is set if the answer comes from a Kubernetes API server that
	// forwards requests to the control plane.
	FromKubernetes bool
}

// Error returns one line without credentials.
func (e *StatusError) Error() string {
	return manifest.Redact(http.MethodGet + " " + e.path + ": " + e.Reason())
}

// Reason returns the status and text of the answer, without the request.
func (e *StatusError) Reason() string {
	text := fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	for _, part := range []string{e.Title, e.Detail} {
		if part != "" && !strings.Contains(text, part) {
			text += ": " + part
		}
	}
	if e.tries > 0 {
		text += fmt.Sprintf(" (after %d tries)", e.tries)
	}
	return manifest.Redact(text)
}

func hasStatus(err error, status ...int) bool {
	answer, ok := errors.AsType[*StatusError](err)
	return ok && slices.Contains(status, answer.Status)
}

// get requests a path below the base and returns the body of a success.
func (cp *ControlPlane) get(ctx context.Context, path string, query url.Values) ([]byte, error) {
	response, err := cp.open(ctx, path, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	return readAll(response, path)
}

func readAll(response *http.Response, path string) ([]byte, error) {
	body, err := retry.Body(response)
	if err != nil {
		return nil, fmt.Errorf("reading the answer of GET %s: %w", path, err)
	}
	return body, nil
}

// open is get, and leaves the body to be read and closed.
func (cp *ControlPlane) open(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	at := cp.base.JoinPath(path)
	at.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("asking for %s: %w", path, err)
	}
	for key, values := range cp.options.Headers {
		request.Header[key] = values
	}
	request.Header.Set("Accept", "application/json")
	if cp.options.Token != "" {
		request.Header.Set("Authorization", "Bearer "+cp.options.Token)
	}
	response, err := cp.client.Do(request)
	if err != nil {
		return nil, cp.unreachable(ctx, path, err)
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer func() { _ = response.Body.Close() }()
	body, err := readAll(response, path)
	if err != nil {
		return nil, err
	}
	failed := &StatusError{tries: retry.Tries(ctx, response.StatusCode), path: path, Status: response.StatusCode}
	failed.readBody(body)
	if at, err := response.Location(); err == nil {
		failed.Title = fmt.Sprintf("it redirects to %s://%s%s, probably to a login; "+
			"pass --token or --header, or forward its port", at.Scheme, at.Host, at.Path)
	}
	failed.Title, failed.Detail = cp.scrub(failed.Title), cp.scrub(failed.Detail)
	return nil, failed
}

// readBody reads an error of a control plane (title and detail, or details in old
// versions), or a Kubernetes Status (message; its details are an object).
func (e *StatusError) readBody(body []byte) {
	var answer struct {
		Kind, APIVersion       string
		Title, Detail, Message string
		Details                any
	}
	if json.Unmarshal(body, &answer) != nil && answer.Title == "" {
		return
	}
	e.FromKubernetes = answer.Kind == "Status" && answer.APIVersion == "v1"
	e.Title, e.Detail = answer.Title, answer.Detail
	if details, _ := answer.Details.(string); e.Detail == "" {
		e.Detail = details + answer.Message
	}
}

// scrub removes the credentials that are sent from a text.
func (cp *ControlPlane) scrub(text string) string {
	text = cp.sent.Scrub(text)
	if cp.options.Scrub != nil {
		text = cp.options.Scrub(text)
	}
	return text
}

// unreachable describes an error of the connection, with a remedy.
func (cp *ControlPlane) unreachable(ctx context.Context, path string, err error) error {
	if where, ok := errors.AsType[*url.Error](err); ok {
		err = where.Err // the address is added below, without credentials
	}
	hint, text := "", err.Error()
	if ctx.Err() != nil {
		after := ""
		if last := retry.Last(err); last != nil {
			after = ", after " + cp.scrub(last.Error())
		}
		return fmt.Errorf("asking %s for %s: %w%s", cp, path, ctx.Err(), after)
	}
	switch {
	case strings.Contains(text, "x509: certificate is"), strings.Contains(text, "x509: cannot validate"):
		hint = "; pass the URL with the name in the certificate"
	case strings.Contains(text, "x509: certificate"):
		hint = "; pass the authority that signed its certificate with --ca-cert, or if you must --skip-verify"
	case strings.Contains(text, "server gave HTTP response to HTTPS client"), strings.Contains(text, "does not look like a TLS handshake"):
		hint = "; the port expects http, the port for https is 5682 by default"
	case strings.Contains(text, "malformed HTTP response"), strings.Contains(text, "remote error: tls"):
		hint = "; does the port expect https (5682 by default) and a client certificate (--client-cert, --client-key)?"
	case strings.Contains(text, "proxyconnect"), strings.Contains(text, "invalid proxy address"):
		hint = "; is the proxy right that $HTTPS_PROXY or $HTTP_PROXY names? $NO_PROXY lists hosts without one"
	case strings.Contains(text, "connection refused"):
		hint = "; nothing listens there: is it the API port, 5681 or 5682 by default, and is it forwarded?"
	case retry.RemedyForCut(text) != "":
		hint = "; " + retry.RemedyForCut(text)
	}
	return fmt.Errorf("asking %s for %s: %s%s", cp, path, manifest.Redact(cp.scrub(text)), hint)
}
