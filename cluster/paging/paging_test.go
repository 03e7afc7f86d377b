package paging

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestList(t *testing.T) {
	for _, n := range []int{0, 1, 3, 5000} {
		list := New(Defaults)
		text := func(i int) string { return strings.Repeat(fmt.Sprint(i), i%200) }
		for i := range n {
			require.NoError(t, list.Add(fmt.Sprintf("/dataplanes/%d", i), []byte(text(i))))
		}
		assert.Equal(t, n, list.Len())
		i := 0
		require.NoError(t, list.Drain(func(name string, got []byte) {
			assert.Equal(t, fmt.Sprintf("/dataplanes/%d", i), name)
			assert.Equal(t, text(i), string(got))
			i++
		}))
		assert.Equal(t, n, i)
		assert.Zero(t, list.Len(), "what was passed on is forgotten")
	}
}

func TestLimits(t *testing.T) {
	list := New(Limits{List: 2 << 20, Pages: 3})
	require.NoError(t, list.Page(1<<20))
	require.NoError(t, list.Page(1<<20))
	require.EqualError(t, list.Page(1), "it has more than 2Mi bytes (0 items so far); raise --max-list-size, or read less with --mesh")
	require.EqualError(t, list.Page(0), "it has more than 3 pages (0 items so far); raise --max-pages, or read less with --mesh")
	assert.Equal(t, Limits{Answer: 1, List: 2, Pages: 3}, Limits{Answer: 1}.Or(Limits{Answer: 9, List: 2, Pages: 3}))
}
