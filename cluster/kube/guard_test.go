package kube

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tracemigrate/cluster"
)

const pluginToken = "k8s-aws-v1.aHR0cHM6Ly9zdHM"

// users are the ways in which a kubeconfig may name credentials, with all forms
// of the secret that a server can say.
func users(t *testing.T) map[string]struct {
	user    map[string]any
	secrets []string
} {
	t.Helper()
	dir := t.TempDir()
	plugin := filepath.Join(dir, "plugin")
	credential := fmt.Sprintf(`{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":%q}}`, pluginToken)
	require.NoError(t, os.WriteFile(plugin, []byte("#!/bin/sh\necho '"+credential+"'\n"), 0o700))
	file := filepath.Join(dir, "token")
	require.NoError(t, os.WriteFile(file, []byte("file-sesame"), 0o600))
	pair := base64.StdEncoding.EncodeToString([]byte("ann:hunter2"))
	return map[string]struct {
		user    map[string]any
		secrets []string
	}{
		"token":      {map[string]any{"token": "sesame-token"}, []string{"sesame-token"}},
		"token file": {map[string]any{"tokenFile": file}, []string{"file-sesame"}},
		"basic":      {map[string]any{"username": "ann", "password": "hunter2"}, []string{"hunter2", pair}},
		"plugin": {map[string]any{"exec": map[string]any{
			"apiVersion": "client.authentication.k8s.io/v1", "command": plugin, "interactiveMode": "Never",
		}}, []string{pluginToken}},
	}
}

// clusterOf opens a TLS server as the API server, by a kubeconfig.
func clusterOf(t *testing.T, server *httptest.Server, user map[string]any, o Options) *Cluster {
	t.Helper()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	config, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "test",
		"clusters": []any{map[string]any{"name": "test", "cluster": map[string]any{"server": server.URL, "certificate-authority-data": authority}}},
		"contexts": []any{map[string]any{"name": "test", "context": map[string]any{"cluster": "test", "user": "test"}}},
		"users":    []any{map[string]any{"name": "test", "user": user}},
	})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(path, config, 0o600))
	o.Kubeconfig, o.QPS, o.Burst = path, 1000, 1000
	c, err := New(o)
	require.NoError(t, err)
	return c
}

// A redirect takes neither a request nor a credential to another server.
func TestRedirect(t *testing.T) {
	var mu sync.Mutex
	var reached []string
	elsewhere := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		reached = append(reached, r.URL.Path+" "+r.Header.Get("Authorization"))
		_, _ = w.Write([]byte(`{"kind":"DeploymentList","apiVersion":"apps/v1","items":[]}`))
	})
	secure, plain := httptest.NewTLSServer(elsewhere), httptest.NewServer(elsewhere)
	t.Cleanup(secure.Close)
	t.Cleanup(plain.Close)
	for name, credentials := range users(t) {
		for scheme, to := range map[string]string{"https": secure.URL, "http": plain.URL} {
			t.Run(name+" to "+scheme, func(t *testing.T) {
				server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, to+r.URL.Path+"?state=hidden", http.StatusTemporaryRedirect)
				}))
				t.Cleanup(server.Close)
				c := clusterOf(t, server, credentials.user, Options{})
				_, err := cluster.Load(t.Context(), c)
				require.ErrorContains(t, err, "it redirects to "+to+", which was not followed")
				assert.NotContains(t, err.Error(), "hidden")
				_, err = c.Config(t.Context(), "default", "web.shop", true)
				require.ErrorContains(t, err, "it redirects to "+to)
				_, err = c.Try(t.Context(), []string{fmt.Sprintf(meshTrace, "good", "Zipkin", "zipkin", `url: "http://z:9411/api"`)})
				require.ErrorContains(t, err, "it redirects to "+to)
				assert.Empty(t, reached)
			})
		}
	}
	t.Run("on the same server", func(t *testing.T) {
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if path, old := strings.CutPrefix(r.URL.Path, "/apis"); old {
				http.Redirect(w, r, "/moved"+path, http.StatusTemporaryRedirect)
				return
			}
			assert.Equal(t, "Bearer sesame-token", r.Header.Get("Authorization"))
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"kind":"List","apiVersion":"v1","items":[]}`))
		}))
		t.Cleanup(server.Close)
		_, err := cluster.Load(t.Context(), clusterOf(t, server, map[string]any{"token": "sesame-token"}, Options{}))
		require.NoError(t, err)
	})
}

// Whatever a server says of the credentials it was sent, none is in what comes of it.
func TestScrub(t *testing.T) {
	for name, credentials := range users(t) {
		t.Run(name, func(t *testing.T) {
			status := http.StatusForbidden
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				said := "no, " + r.Header.Get("Authorization")
				if user, password, ok := r.BasicAuth(); ok {
					said += " or " + user + ":" + password
				}
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Warning", fmt.Sprintf("299 - %q", said))
				if r.Method == http.MethodPost {
					_, _ = fmt.Fprintf(w, `{"kind":"MeshTrace","apiVersion":"kuma.io/v1alpha1","metadata":{"name":"good"}}`)
					return
				}
				w.WriteHeader(status)
				_ = json.NewEncoder(w).Encode(map[string]any{
					"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "message": said, "title": said, "detail": said,
					"reason": map[int]metav1.StatusReason{http.StatusForbidden: metav1.StatusReasonForbidden, http.StatusUnauthorized: metav1.StatusReasonUnauthorized, http.StatusTeapot: metav1.StatusReason(said)}[status],
				})
			}))
			t.Cleanup(server.Close)
			var said []string
			c := clusterOf(t, server, credentials.user, Options{Wait: func(reason string, _ time.Duration) { said = append(said, reason) }})
			for _, status = range []int{http.StatusForbidden, http.StatusTeapot, http.StatusUnauthorized} {
				_, err := cluster.Load(t.Context(), c)
				require.Error(t, err)
				said = append(said, err.Error())
				_, err = c.Config(t.Context(), "default", "web.shop", true)
				require.Error(t, err)
				said = append(said, err.Error())
			}
			trials, err := c.Try(t.Context(), []string{fmt.Sprintf(meshTrace, "good", "Zipkin", "zipkin", `url: "http://z:9411/api"`)})
			require.NoError(t, err)
			require.NotEmpty(t, trials[0].Warnings)
			said = append(said, trials[0].Warnings...)
			for _, text := range said {
				for _, secret := range credentials.secrets {
					assert.NotContains(t, text, secret)
				}
			}
			assert.Contains(t, strings.Join(said, " "), "REDACTED")
		})
	}
}

// A reason to try again may hold what a server sent in place of an answer.
func TestScrubReasons(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, err = connection.Write([]byte("HTTP/1.1 " + r.Header.Get("Authorization") + "\r\n\r\n"))
		}
		assert.NoError(t, err)
		_ = connection.Close()
	}))
	t.Cleanup(server.Close)
	var said []string
	c := clusterOf(t, server, users(t)["plugin"].user, Options{Wait: func(reason string, _ time.Duration) { said = append(said, reason) }})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := cluster.Load(ctx, c)
	require.Error(t, err)
	require.NotEmpty(t, said)
	assert.NotContains(t, strings.Join(append(said, err.Error()), " "), pluginToken)
}
