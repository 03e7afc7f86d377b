// Package credential removes the credentials that were sent to a server from the
// server's answers.
package credential

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Set has the credentials that were sent so far. The zero Set is empty; several
// goroutines may use it.
type Set struct {
	mu      sync.Mutex
	secrets []string // longest first, so that none is replaced in part
}

// Add adds a secret, and its forms in urls and base64.
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
