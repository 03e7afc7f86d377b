package kube

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"

	"tracemigrate/cluster"
)

// BenchmarkRead reads a cluster with 3,000 Dataplanes from the real API server, in turn with
// one plain list of client-go. x-list is the median of the ratios of the two times.
func BenchmarkRead(b *testing.B) {
	const n = 3_000
	c := start(b)
	c.Apply(b, policies)
	addDataplanes(b, c, n)
	client, err := dynamic.NewForConfig(c.Config("reader"))
	require.NoError(b, err)
	var ratios []float64
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		began := time.Now()
		list, err := client.Resource(resourceOf(cluster.KindDataplane)).List(b.Context(), metav1.ListOptions{})
		plain := time.Since(began)
		require.NoError(b, err)
		require.Len(b, list.Items, n)
		source := open(b, c, "reader", Options{})
		source.pageSize = 0
		b.StartTimer()
		began = time.Now()
		s, err := cluster.Load(b.Context(), source)
		whole := time.Since(began)
		require.NoError(b, err)
		require.Len(b, s.Dataplanes, n)
		ratios = append(ratios, whole.Seconds()/plain.Seconds())
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "x-list")
}
