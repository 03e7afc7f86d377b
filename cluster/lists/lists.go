// Package lists makes lists, sets and maps from the items of others, which slices and maps do
// not.
package lists

import (
	"runtime"
	"slices"
	"sync"
)

// Each returns what a function makes of each item; the result is never nil.
func Each[From, To any](list []From, of func(From) To) []To {
	results := make([]To, len(list))
	for i, item := range list {
		results[i] = of(item)
	}
	return results
}

// Words returns a list, such as of codes, as text.
func Words[T ~string](list []T) []string {
	return Each(list, func(word T) string { return string(word) })
}

// Keep returns the items that stay, nil without any.
func Keep[S ~[]T, T any](list S, stays func(T) bool) S {
	var kept S
	for _, item := range list {
		if stays(item) {
			kept = append(kept, item)
		}
	}
	return kept
}

// Last returns the items in their order, those that a function selects after the others.
func Last[T any](list []T, last func(T) bool) []T {
	return append(Keep(list, func(item T) bool { return !last(item) }), Keep(list, last)...)
}

// forOneWorker is the number of items that justifies another goroutine.
const forOneWorker = 1_000

// shares returns a list in parts for the goroutines that work on it: one for each processor, or
// fewer if the list is short.
func shares[T any](list []T) [][]T {
	workers := max(1, min(runtime.GOMAXPROCS(0), len(list)/forOneWorker))
	return slices.Collect(slices.Chunk(list, max(1, (len(list)+workers-1)/workers)))
}

// InShares calls a function with each of the shares of a list, all at once, and returns what
// it returns in their order.
func InShares[T, To any](list []T, of func(share []T) To) []To {
	parts := shares(list)
	results := make([]To, len(parts))
	var working sync.WaitGroup
	for i, part := range parts {
		working.Go(func() { results[i] = of(part) })
	}
	working.Wait()
	return results
}

// Set returns the keys of the items.
func Set[T any, K comparable](list []T, key func(T) K) map[K]bool {
	set := make(map[K]bool, len(list))
	for _, item := range list {
		set[key(item)] = true
	}
	return set
}

// By returns the items by their keys, the last of those with one key.
func By[T any, K comparable](list []T, key func(T) K) map[K]T {
	by := make(map[K]T, len(list))
	for _, item := range list {
		by[key(item)] = item
	}
	return by
}

// Count returns how many items have each key.
func Count[T any, K comparable](list []T, key func(T) K) map[K]int {
	counts := make(map[K]int)
	for _, item := range list {
		counts[key(item)]++
	}
	return counts
}

// Group returns the items by their keys, those of one key in their order.
func Group[T any, K comparable](list []T, key func(T) K) map[K][]T {
	groups := make(map[K][]T)
	for _, item := range list {
		k := key(item)
		groups[k] = append(groups[k], item)
	}
	return groups
}
