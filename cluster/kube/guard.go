package kube

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"tracemigrate/cluster/credential"
)

// guard is the last step before the network. There, client-go has added the credentials
// to the request, also those from a credential plugin or a file. guard allows requests
// to the API server only, because client-go would send the credentials to the target of
// a redirect. It remembers the credentials, so that they can be removed from answers.
type guard struct {
	base http.RoundTripper
	host *url.URL
	sent *credential.Set
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(request *http.Request) (*http.Response, error) {
	if !strings.EqualFold(request.URL.Scheme, g.host.Scheme) || !strings.EqualFold(withPort(request.URL), withPort(g.host)) {
		return nil, &redirectError{request.URL.Scheme + "://" + request.URL.Host}
	}
	g.sent.AddAuthorization(request.Header.Get("Authorization"))
	return g.base.RoundTrip(request)
}

// withPort returns the host of a url with its port, even if that is the default of the
// scheme.
func withPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Hostname() + ":" + port
}

// redirectError is a redirect to another server, which is not followed.
type redirectError struct{ to string }

// Error names the server; the rest of the url may contain a secret.
func (e *redirectError) Error() string {
	return fmt.Sprintf("it redirects to %s, which was not followed, so that no credentials go there", e.to)
}
