package controlplane

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"tracemigrate/cluster"
)

// dataplanes is a control plane that has n Dataplanes and its pages ready.
func dataplanes(n int) http.Handler {
	items := make([]string, 0, n)
	for i := range n {
		items = append(items, fmt.Sprintf(`{"type":"Dataplane","mesh":"default","name":"dp-%05d","creationTime":"2025-01-01T00:00:00Z","networking":{"address":"10.0.0.1","inbound":[{"port":80,"servicePort":8080,"tags":{"kuma.io/service":"svc-%d","kuma.io/protocol":"http","version":"v%d"}}]}}`, i, i%500, i%7))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			_, _ = w.Write([]byte(`{"version":"2.13.1"}`))
		case "/config":
			_, _ = w.Write([]byte(`{"mode":"zone"}`))
		case "/dataplanes":
			offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
			end, next := min(offset+pageSize, n), "null"
			if end < n {
				next = fmt.Sprintf(`"http://x/dataplanes?offset=%d&size=%d"`, end, pageSize)
			}
			_, _ = fmt.Fprintf(w, `{"total":%d,"items":[%s],"next":%s}`, n, strings.Join(items[offset:end], ","), next)
		default:
			_, _ = w.Write([]byte(`{"total":0,"items":[]}`))
		}
	})
}

// BenchmarkRead reads 10,000 Dataplanes in pages from a server that has them
// ready: the cost is that of this side.
func BenchmarkRead(b *testing.B) {
	const n = 10_000
	server := httptest.NewServer(dataplanes(n))
	b.Cleanup(server.Close)
	b.ReportAllocs()
	for b.Loop() {
		cp, err := New(Options{URL: server.URL})
		if err != nil {
			b.Fatal(err)
		}
		s, err := cluster.Load(b.Context(), cp)
		if err != nil || len(s.Dataplanes) != n {
			b.Fatal(err)
		}
	}
}
