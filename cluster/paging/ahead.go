package paging

import (
	"context"
	"sync"
)

// lanes is how many lists are read at once. A large list takes one lane, and the small ones
// take the other after each other, so at most two answers are in memory.
const lanes = 2

// Ahead reads several things at once, and returns each when it is asked for. So results and
// errors have the order of the questions, whatever is ready first.
type Ahead[T any] struct {
	cancel  context.CancelFunc
	workers sync.WaitGroup
	results map[string]chan result[T]
}

type result[T any] struct {
	value T
	err   error
}

// ReadAhead begins to read what has the names, in their order, two at a time.
func ReadAhead[T any](ctx context.Context, names []string, read func(ctx context.Context, name string) (T, error)) *Ahead[T] {
	a := &Ahead[T]{results: make(map[string]chan result[T], len(names))}
	ctx, a.cancel = context.WithCancel(ctx)
	queue := make(chan string, len(names))
	for _, name := range names {
		a.results[name] = make(chan result[T], 1)
		queue <- name
	}
	close(queue)
	for range min(lanes, len(names)) {
		a.workers.Go(func() {
			for name := range queue {
				value, err := read(ctx, name)
				a.results[name] <- result[T]{value, err}
			}
		})
	}
	return a
}

// Get waits for what has a name. It may be called once for each name.
func (a *Ahead[T]) Get(name string) (T, error) {
	r := <-a.results[name]
	return r.value, r.err
}

// Stop ends what is still read, and waits until it has ended.
func (a *Ahead[T]) Stop() {
	a.cancel()
	a.workers.Wait()
}
