package kube

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"tracemigrate/cluster/credential"
)

// guard is the last step before the network: client-go has put the credentials
// into the request, also those that it got from a credential plugin or a file.
// It lets a request go to the API server only, whatever redirects say, since
// client-go would send the credentials along, and it remembers them, so that
// they can be taken out of what the server says.
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

// withPort is the host of a url with its port, also where that is the scheme's own.
func withPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Hostname() + ":" + port
}

// redirectError is a redirect to another server, which is not followed.
type redirectError struct{ to string }

// Error says where to; the rest of the url may hold a secret.
func (e *redirectError) Error() string {
	return fmt.Sprintf("it redirects to %s, which was not followed, so that no credentials go there", e.to)
}
