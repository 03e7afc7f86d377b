// Package retry has a transport that repeats requests when a server is busy or a
// connection breaks.
package retry

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"

	"tracemigrate/cluster/paging"
)

// Eight tries within half a minute, unless the server requests longer pauses or the
// context ends.
const (
	tries        = 8
	refusedTries = 3 // no server listens: a restart is short, a wrong address permanent
	ownTries     = 2 // for an error that the request itself may cause, see [Own]
	firstPause   = 200 * time.Millisecond
	longestPause = 10 * time.Second
	longestWait  = time.Minute // that a server may request with Retry-After
)

// Own marks requests that may cause a permanent error 500 themselves, while the server
// answers others.
func Own(ctx context.Context) context.Context { return context.WithValue(ctx, ownKey{}, true) }

type ownKey struct{}

// Tries returns how often a request of ctx was sent if its last answer has a status; 0
// for a status that is final at once.
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

// busy reports whether a later try may succeed.
func busy(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Remedy returns what to do about an answer with a status that is no success.
func Remedy(status int) string {
	if busy(status) && status != http.StatusInternalServerError {
		return "the server is too busy, or it restarts: try again later"
	}
	return "the log of the server has the reason"
}

// RemedyForCut returns what to do about an answer that is cut off every time; empty for
// another error.
func RemedyForCut(text string) string {
	if containsAny(text, "cut off", "EOF", "unexpected end of JSON", "reset the connection", "the connection was closed") {
		return "does a proxy in between cut answers? Try again later"
	}
	return ""
}

// attemptTimeout is the maximum time of one try.
const attemptTimeout = 60 * time.Second

// Transport repeats a request after the answers 429, 500, 502, 503 and 504, and when a
// connection breaks, even within the body of an answer. So it reads the body before it
// returns, and is for requests without effects and for answers that fit in memory. It
// returns the last answer or error if all tries fail. The context of the request limits
// all tries together.
type Transport struct {
	Base http.RoundTripper
	// MaxAnswer is the size in bytes above which an answer is refused; 0 for
	// paging.Defaults.
	MaxAnswer int64
	// Wait, if set, is called before each pause.
	Wait func(reason string, pause time.Duration)

	first time.Duration // pause; for tests
}

// answer is a response whose body was read.
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
		reason := last.retry
		last = answer{} // its body is not kept beside the next one
		var err error
		if last, err = t.try(request); err != nil && request.Context().Err() != nil {
			last.retry = reason
		}
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
		// The deadline alone would hide the reason for the tries.
		if last.retry != nil {
			return nil, &unfinished{context.Cause(request.Context()), last.retry}
		}
		return nil, fmt.Errorf("%w: %w", context.Cause(request.Context()), err)
	case last.response != nil:
		last.response.Header.Del("Retry-After") // otherwise client-go would retry too
		return last.response, nil               // the caller describes it
	}
	return nil, final(err)
}

// unfinished is the error of a request that was not repeated to the end.
type unfinished struct{ cause, last error }

func (u *unfinished) Error() string { return u.cause.Error() + ", after " + u.last.Error() }

func (u *unfinished) Unwrap() []error { return []error{u.cause, u.last} }

// Last returns why a request was repeated for which there was not enough time, or nil.
func Last(err error) error {
	if u, ok := errors.AsType[*unfinished](err); ok {
		return u.last
	}
	return nil
}

// reworded replaces texts by which client-go recognises errors and retries by itself.
var reworded = strings.NewReplacer(
	"connection reset by peer", "the server reset the connection",
	"use of closed network connection", "the connection was closed",
	"server sent GOAWAY", "server answered GOAWAY",
)

// final describes an error that remains after the last try. It does not wrap the
// error: client-go would recognise it and retry by itself.
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
	defer response.Body.Close() //nolint:errcheck // it was read, and response gets another
	body, err := readBody(response, cmp.Or(t.MaxAnswer, paging.Defaults.Answer))
	if err != nil {
		return answer{}, err
	}
	response.Body = body
	got := answer{response: response}
	if busy(response.StatusCode) {
		got.retry = fmt.Errorf("the server answered %d (%s)", response.StatusCode, http.StatusText(response.StatusCode))
		if pause := requestedPause(response.Header); pause > 0 {
			got.retry = fmt.Errorf("%w (%w)", got.retry, &backoff.RetryAfterError{Duration: min(pause, longestWait)})
		}
	}
	return got, nil
}

// requestedPause returns the pause that a server requests with Retry-After, in seconds or
// until a date. The server's own clock decides, if the answer has its date.
func requestedPause(header http.Header) time.Duration {
	after := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(after, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	until, err := http.ParseTime(after)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return until.Sub(now)
}

// An answer of unknown length is read in chunks, each twice as long as the one before. A
// buffer that grows by copying would take more than twice the answer's size.
const (
	firstChunk   = 64 << 10
	longestChunk = 1 << 20
)

// readBody reads a whole answer. It returns an error if the answer has more than limit
// bytes.
func readBody(response *http.Response, limit int64) (*wholeBody, error) {
	tooLarge := backoff.Permanent(fmt.Errorf(
		"the answer has more than %s bytes; raise --max-answer-size, or read less with --mesh", paging.Size(limit)))
	if response.ContentLength > limit {
		return nil, tooLarge
	}
	if response.ContentLength >= 0 {
		text := make([]byte, response.ContentLength)
		if _, err := io.ReadFull(response.Body, text); err != nil {
			return nil, fmt.Errorf("the answer was cut off: %w", err)
		}
		return &wholeBody{text}, nil
	}
	var chunks wholeBody
	next := firstChunk
	for size := int64(0); ; next = min(2*next, longestChunk) {
		chunk := make([]byte, 0, next)
		for len(chunk) < cap(chunk) {
			n, err := response.Body.Read(chunk[len(chunk):cap(chunk)])
			chunk = chunk[:len(chunk)+n]
			switch {
			case size+int64(len(chunk)) > limit:
				return nil, tooLarge
			case errors.Is(err, io.EOF):
				chunks = append(chunks, chunk)
				return &chunks, nil
			case err != nil:
				return nil, fmt.Errorf("the answer was cut off: %w", err)
			}
		}
		chunks, size = append(chunks, chunk), size+int64(len(chunk))
	}
}

// wholeBody has the chunks of an answer that was read completely.
type wholeBody [][]byte

// Read implements io.Reader. It forgets what was read.
func (b *wholeBody) Read(p []byte) (int, error) {
	for ; len(*b) > 0; *b = (*b)[1:] {
		if first := &(*b)[0]; len(*first) > 0 {
			n := copy(p, *first)
			*first = (*first)[n:]
			return n, nil
		}
		(*b)[0] = nil
	}
	return 0, io.EOF
}

// Close implements io.Closer.
func (b *wholeBody) Close() error {
	*b = nil
	return nil
}

// Body returns the body of an answer, without a copy if a Transport read it in one piece.
func Body(response *http.Response) ([]byte, error) {
	if whole, ok := response.Body.(*wholeBody); ok {
		if len(*whole) == 1 {
			return (*whole)[0], nil
		}
		return bytes.Join(*whole, nil), nil
	}
	return io.ReadAll(response.Body)
}

// transient reports whether another try may not have the error.
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
	if network, ok := errors.AsType[net.Error](err); ok && network.Timeout() {
		return true
	}
	// net/http and x/net/http2 do not export these errors.
	return containsAny(err.Error(), "server closed idle connection", "malformed HTTP", "http2: ", "connection lost", "stream error")
}

// containsAny reports whether a text contains one of the parts.
func containsAny(text string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}
