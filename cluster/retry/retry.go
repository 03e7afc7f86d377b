// Package retry makes reading over a network patient: a transport that tries
// again what a server is too busy for, or what a broken connection cut off.
package retry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"

	"tracemigrate/cluster/paging"
)

// How long and how often: eight tries within half a minute, unless the server
// asks for more patience or the context ends.
const (
	tries        = 8
	refusedTries = 3 // nobody listens: a restart is short, a wrong address for ever
	ownTries     = 2 // at an error that may be the request's own, see [Own]
	firstPause   = 200 * time.Millisecond
	longestPause = 10 * time.Second
	longestWait  = time.Minute // that a server may ask for by Retry-After
)

// Own marks requests of which the server may fail at one for good, and answers
// 500, while it does well at the others.
func Own(ctx context.Context) context.Context { return context.WithValue(ctx, ownKey{}, true) }

type ownKey struct{}

// Tries is how often a request of ctx was sent whose last answer has a status:
// once, 0, for those that are final.
func Tries(ctx context.Context, status int) int {
	switch {
	case isOwn(ctx, status):
		return ownTries
	case busy(status):
		return tries
	}
	return 0
}

func isOwn(ctx context.Context, status int) bool {
	return status == http.StatusInternalServerError && ctx.Value(ownKey{}) != nil
}

// busy reports whether a server may do better with a request later.
func busy(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// attemptTimeout ends one try at a server that hangs.
const attemptTimeout = 60 * time.Second

// Transport tries each request again on 429, on 500, 502, 503 and 504, and when
// a connection breaks, even within the answer's body: so it reads the body
// before it answers, and is for requests without effect and answers that fit in
// memory. What still fails after the last try is returned as it is. The
// context of the request limits all tries together.
type Transport struct {
	Base http.RoundTripper
	// MaxAnswer is the size in bytes above which an answer is refused; 0 for
	// paging.Defaults.
	MaxAnswer int64
	// Received counts the bytes of answers that arrived whole, if set.
	Received *atomic.Int64
	// Wait is told of each pause, if set.
	Wait func(reason string, pause time.Duration)

	first time.Duration // pause; for tests
}

// answer is a response whose body is there.
type answer struct {
	response *http.Response
	retry    error // why to try again
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = firstPause, longestPause
	if t.first > 0 {
		pauses.InitialInterval = t.first
	}
	refused, own := 0, 0
	var last answer
	notify := func(err error, pause time.Duration) {
		if t.Wait != nil {
			t.Wait(err.Error(), pause)
		}
	}
	got, err := backoff.Retry(request.Context(), func() (answer, error) {
		var err error
		last, err = t.try(request)
		switch {
		case isRefused(err):
			if refused++; refused >= refusedTries {
				return last, backoff.Permanent(err)
			}
			return last, err
		case err != nil && !transient(request.Context(), err):
			return last, backoff.Permanent(err)
		case err != nil:
			return last, err
		case last.retry != nil:
			if last.response != nil && isOwn(request.Context(), last.response.StatusCode) {
				if own++; own >= ownTries {
					return last, backoff.Permanent(last.retry)
				}
			}
			return last, last.retry
		}
		return last, nil
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0), backoff.WithNotify(notify))
	switch {
	case err == nil:
		return got.response, nil
	case request.Context().Err() != nil:
		// The deadline alone would hide what took so long.
		if last.retry != nil {
			return nil, fmt.Errorf("%w, after %w", context.Cause(request.Context()), last.retry)
		}
		return nil, fmt.Errorf("%w: %w", context.Cause(request.Context()), err)
	case last.response != nil:
		last.response.Header.Del("Retry-After") // or client-go would begin again
		return last.response, nil               // the caller words it
	}
	return nil, final(err)
}

// reworded replaces texts by which client-go recognizes errors and retries by itself.
var reworded = strings.NewReplacer(
	"connection reset by peer", "the server reset the connection",
	"use of closed network connection", "the connection was closed",
	"server sent GOAWAY", "server answered GOAWAY",
)

// final describes an error that remains after the last try. It does not wrap the
// error: client-go would recognize it and retry by itself.
func final(err error) error {
	if isRefused(err) || !transient(context.Background(), err) {
		return err
	}
	return fmt.Errorf("gave up after %d tries: %s", tries, reworded.Replace(err.Error()))
}

func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// try sends the request once and reads the whole answer.
func (t *Transport) try(request *http.Request) (answer, error) {
	ctx, cancel := context.WithTimeout(request.Context(), attemptTimeout)
	defer cancel()
	once := request.Clone(ctx)
	if request.GetBody != nil {
		body, err := request.GetBody()
		if err != nil {
			return answer{}, backoff.Permanent(err)
		}
		once.Body = body
	}
	response, err := t.Base.RoundTrip(once)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	limits := paging.Limits{Answer: t.MaxAnswer}.Or(paging.Defaults)
	body, err := readBody(response, limits.Answer)
	if err != nil {
		return answer{}, err
	}
	if t.Received != nil {
		t.Received.Add(int64(len(body)))
	}
	response.Body = &wholeBody{Reader: bytes.NewReader(body), text: body}
	got := answer{response: response}
	if busy(response.StatusCode) {
		got.retry = fmt.Errorf("the server answered %d (%s)", response.StatusCode, http.StatusText(response.StatusCode))
		if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
			pause := min(time.Duration(seconds)*time.Second, longestWait)
			got.retry = fmt.Errorf("%w (%w)", got.retry, &backoff.RetryAfterError{Duration: pause})
		}
	}
	return got, nil
}

// chunkSize is how much of an answer of unknown length is read at a time: a buffer
// that grows by copying would hold more than twice the answer.
const chunkSize = 1 << 20

// readBody reads a whole answer. It returns an error for one of more than limit
// bytes.
func readBody(response *http.Response, limit int64) ([]byte, error) {
	tooLarge := backoff.Permanent(fmt.Errorf(
		"the answer has more than %s bytes; raise --max-answer-size, or read less with --mesh", paging.Size(limit)))
	if response.ContentLength > limit {
		return nil, tooLarge
	}
	if response.ContentLength >= 0 {
		body := make([]byte, response.ContentLength)
		if _, err := io.ReadFull(response.Body, body); err != nil {
			return nil, fmt.Errorf("the answer was cut off: %w", err)
		}
		return body, nil
	}
	var chunks [][]byte
	for size := int64(0); ; {
		chunk := make([]byte, 0, chunkSize)
		for len(chunk) < cap(chunk) {
			n, err := response.Body.Read(chunk[len(chunk):cap(chunk)])
			chunk = chunk[:len(chunk)+n]
			switch {
			case size+int64(len(chunk)) > limit:
				return nil, tooLarge
			case errors.Is(err, io.EOF):
				return bytes.Join(append(chunks, chunk), nil), nil
			case err != nil:
				return nil, fmt.Errorf("the answer was cut off: %w", err)
			}
		}
		chunks, size = append(chunks, chunk), size+chunkSize
	}
}

// wholeBody is the body of an answer that was read as a whole.
type wholeBody struct {
	*bytes.Reader
	text []byte
}

// Close implements io.Closer.
func (*wholeBody) Close() error { return nil }

// Body returns the body of an answer, without a copy where a Transport read it.
func Body(response *http.Response) ([]byte, error) {
	if whole, ok := response.Body.(*wholeBody); ok {
		return whole.text, nil
	}
	return io.ReadAll(response.Body)
}

// transient reports whether an error may pass when the request is sent again.
func transient(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	var permanent *backoff.PermanentError
	var unknown *net.DNSError
	switch {
	case errors.As(err, &permanent):
		return false
	case errors.As(err, &unknown):
		return !unknown.IsNotFound
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return true
	}
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return true
	}
	// net/http and x/net/http2 have no values for these.
	for _, broken := range []string{"server closed idle connection", "malformed HTTP", "http2: ", "connection lost", "stream error"} {
		if strings.Contains(err.Error(), broken) {
			return true
		}
	}
	return false
}
