package convert_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/fixtures"
)

// refusedURLs are the zipkin urls that a Mesh took and a control plane of 2.14
// refused for a MeshTrace. The file cuts its lines where a url is too long.
func refusedURLs(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(fixtures.Dir(), "cases", "files", "zipkin-urls-that-meshtrace-refuses.txt"))
	require.NoError(t, err)
	var urls []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if quoted, ok := strings.CutPrefix(line, `"`); ok {
			line, _, _ = strings.Cut(quoted, `"`)
		}
		if strings.HasSuffix(line, "aaaa") {
			line += strings.Repeat("a", 2083-len(line))
		}
		urls = append(urls, line)
	}
	require.Len(t, urls, 22)
	return urls
}

func convertBackend(t *testing.T, kind, conf string) *convert.Plan {
	t.Helper()
	snapshot := cluster.Read([]manifest.Input{manifest.Text("mesh.yaml", fmt.Sprintf(`type: Mesh
name: default
tracing: {defaultBackend: a, backends: [{name: a, type: %s, conf: %s}]}
---
type: TrafficTrace
name: all
mesh: default
selectors: [{match: {kuma.io/service: '*'}}]
`, kind, conf))})
	result, problems := convert.Convert(convert.Read(snapshot, ""), convert.Options{Version: cluster.Latest})
	require.NotNil(t, result, "%v", problems)
	return result
}

// What follows a # in a path is part of the path, because the control plane parses the
// url like that of a request.
func TestZipkinURLWithHash(t *testing.T) {
	for text, want := range map[string]string{
		"http://h:9411/a#b":     "http://h:9411/a#b",
		"http://u:p@h:9411/a#b": "http://h:9411/a%23b",
		"http://h:9411/a?c#b":   "http://h:9411/a",
	} {
		result := convertBackend(t, "zipkin", fmt.Sprintf("{url: %q}", text))
		require.Len(t, result.Policies, 1, text)
		assert.Equal(t, want, result.Policies[0].Default.Backends[0].Zipkin.URL, text)
	}
	assert.Empty(t, convertBackend(t, "zipkin", "{url: 'http://h:9411#b'}").Policies)
}

// What the control plane would refuse must be an error that says why.
func TestZipkinURL(t *testing.T) {
	messages := map[string]string{
		"HTTP://h:9411/x":       "its scheme is in capitals, which MeshTrace refuses; write http",
		"http://a,b:9411/x":     `its host "a,b" has the character ',', which MeshTrace refuses`,
		"http://h':9411/x":      `its host "h'" has the character '\'', which MeshTrace refuses`,
		"http://zipkin-:9411/x": `MeshTrace refuses its host "zipkin-"`,
		"http://1.2.3:9411/x":   `MeshTrace refuses its host "1.2.3"`,
	}
	for _, text := range refusedURLs(t) {
		result := convertBackend(t, "zipkin", fmt.Sprintf("{url: %q}", text))
		assert.Empty(t, result.Policies, text)
		assert.True(t, result.Refused(), text)
		require.NotEmpty(t, result.Notes)
		assert.Equal(t, convert.InvalidBackend, result.Notes[0].Code, "%.80s", text)
		want := messages[text]
		if len(text) > 2000 {
			want = "it has 2083 characters, and MeshTrace accepts 2082 at most"
		}
		assert.Contains(t, result.Notes[0].Message(), want)
		delete(messages, text)
	}
	assert.Empty(t, messages, "not among the urls")

	for _, text := range []string{
		"http://zipkin:9411/", "https://[2001:db8::1]:9411/x", "http://10.0.0.1:9411", "http://h:9411/x?a=b c'", "http://user:pass,word@h:9411/",
		"http://my_zipkin.obs-1.svc.cluster-1.local:9411/api/v2/spans", "http://h:9411/" + strings.Repeat("a", 2082-14),
	} {
		result := convertBackend(t, "zipkin", fmt.Sprintf("{url: %q}", strings.ReplaceAll(text, " ", "+")))
		assert.False(t, result.Refused(), "%.80s", text)
	}
}

// What a datadog address becomes must be what MeshTrace's validation takes:
// http://host:port and nothing else.
func TestDatadogURL(t *testing.T) {
	for _, address := range []string{"agent", "agent.", "AGENT.obs", "10.0.0.1", "2001:db8::1", "a_b", "1.2.3", "::ffff:10.0.0.1"} {
		result := convertBackend(t, "datadog", fmt.Sprintf("{address: %q, port: 8126}", address))
		require.Len(t, result.Policies, 1, address)
		u, err := url.ParseRequestURI(result.Policies[0].Default.Backends[0].Datadog.URL)
		require.NoError(t, err)
		assert.Equal(t, address, u.Hostname())
		assert.Equal(t, "8126", u.Port())
		assert.Equal(t, url.URL{Scheme: "http", Host: u.Host}, *u)
	}
	for _, address := range []string{"a,b", "a b", "[::1]", "fe80::1%eth0", "a/b", "a?b", "a#b", "u@a", "http://a", "a:1", "-a", "a..b"} {
		assert.True(t, convertBackend(t, "datadog", fmt.Sprintf("{address: %q, port: 8126}", address)).Refused(), address)
	}
}
