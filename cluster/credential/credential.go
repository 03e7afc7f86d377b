// Package credential keeps what was sent to a server as a credential out of all
// that the server says.
package credential

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Set is the credentials that were sent so far. The zero Set is empty; it may be
// used by several goroutines.
type Set struct {
	mu      sync.Mutex
	secrets []string // longest first, so that none is replaced in part
}

// Add adds a secret as it is, and as urls and base64 have it.
func (s *Set) Add(secret string) {
	if secret == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.secrets, secret) {
		return
	}
	for _, form := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret),
		strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="), base64.RawURLEncoding.EncodeToString([]byte(secret)),
	} {
		if !slices.Contains(s.secrets, form) {
			s.secrets = append(s.secrets, form)
		}
	}
	slices.SortStableFunc(s.secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
}

// AddAuthorization adds the credentials of an Authorization header: its token,
// or user and password of basic authentication (RFC 7617).
func (s *Set) AddAuthorization(header string) {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(header), " ")
	if !ok {
		s.Add(scheme)
		return
	}
	rest = strings.TrimSpace(rest)
	s.Add(rest)
	if !strings.EqualFold(scheme, "Basic") {
		return
	}
	if pair, err := base64.StdEncoding.DecodeString(rest); err == nil {
		_, password, _ := strings.Cut(string(pair), ":")
		s.Add(string(pair))
		s.Add(password)
	}
}

// Scrub replaces the credentials in a text.
func (s *Set) Scrub(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, "REDACTED")
	}
	return text
}
