package retry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// script answers one request after the other.
type script struct {
	answers []any // an int is a status, an error an error, a reader a body
	sent    int
	bodies  []string
	after   string // Retry-After
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, _ := io.ReadAll(r.Body)
		s.bodies = append(s.bodies, string(body))
	}
	answer := s.answers[min(s.sent, len(s.answers)-1)]
	s.sent++
	response := &http.Response{StatusCode: http.StatusOK, ContentLength: -1, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("whole"))}
	switch answer := answer.(type) {
	case int:
		response.StatusCode = answer
		response.Header.Set("Retry-After", cmp.Or(s.after, "0"))
	case error:
		return nil, answer
	case io.Reader:
		response.Body = io.NopCloser(answer)
	case func(*http.Request) error:
		return nil, answer(r)
	}
	return response, nil
}

// torn is a body that breaks off.
type torn struct{ err error }

func (b torn) Read(p []byte) (int, error) { return copy(p, "ha"), b.err }

func TestTransport(t *testing.T) {
	reset := &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	unknown := &net.DNSError{Err: "no such host", IsNotFound: true}
	tests := map[string]struct {
		answers []any
		sent    int
		status  int
		err     string
	}{
		"at once":                 {[]any{200}, 1, 200, ""},
		"too many, then well":     {[]any{429, 200}, 2, 200, ""},
		"server errors":           {[]any{500, 502, 503, 504, 200}, 5, 200, ""},
		"never":                   {[]any{503}, tries, 503, ""},
		"what is final":           {[]any{404, 200}, 1, 404, ""},
		"not implemented":         {[]any{501, 200}, 1, 501, ""},
		"reset":                   {[]any{reset, 200}, 2, 200, ""},
		"end instead of answer":   {[]any{io.EOF, io.ErrUnexpectedEOF, 200}, 3, 200, ""},
		"body cut off":            {[]any{torn{io.ErrUnexpectedEOF}, 200}, 2, 200, ""},
		"body reset":              {[]any{torn{reset}, 200}, 2, 200, ""},
		"always cut off":          {[]any{torn{io.ErrUnexpectedEOF}}, tries, 0, "gave up after 8 tries: the answer was cut off"},
		"nobody listens":          {[]any{refused}, refusedTries, 0, "connection refused"},
		"a restart":               {[]any{refused, refused, 200}, 3, 200, ""},
		"no such host":            {[]any{unknown}, 1, 0, "no such host"},
		"certificate not trusted": {[]any{errors.New("x509: certificate signed by unknown authority")}, 1, 0, "x509"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := &script{answers: tt.answers}
			waits := 0
			transport := &Transport{Base: s, Wait: func(string, time.Duration) { waits++ }, first: time.Millisecond}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x/", strings.NewReader("body"))
			require.NoError(t, err)
			response, err := transport.RoundTrip(request)
			assert.Equal(t, tt.sent, s.sent)
			assert.Equal(t, tt.sent-1, waits)
			for _, body := range s.bodies {
				assert.Equal(t, "body", body, "every try sends it")
			}
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			defer func() { _ = response.Body.Close() }()
			assert.Equal(t, tt.status, response.StatusCode)
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			assert.Equal(t, "whole", string(body))
			if tt.sent == tries {
				assert.Empty(t, response.Header.Get("Retry-After"), "client-go would begin again")
			}
		})
	}
}

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestTransportLimits(t *testing.T) {
	s := &script{answers: []any{endless{}}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x/", nil)
	require.NoError(t, err)
	response, err := (&Transport{Base: s}).RoundTrip(request)
	if response != nil {
		_ = response.Body.Close()
	}
	require.ErrorContains(t, err, "more than 256Mi bytes; raise --max-answer-size")
	assert.Equal(t, 1, s.sent)
}

// A server that says when to come again is asked then, and within a minute.
func TestRequestedPause(t *testing.T) {
	const date = "Sat, 28 Nov 2026 10:00:00 GMT"
	for name, tt := range map[string]struct {
		after, date string
		want        time.Duration
	}{
		"none":               {"", date, 0},
		"seconds":            {"120", date, 2 * time.Minute},
		"no time at all":     {"0", date, 0},
		"less than that":     {"-1", date, 0},
		"neither":            {"soon", date, 0},
		"more than it holds": {"99999999999999999999", date, 0},
		"a date":             {"Sat, 28 Nov 2026 10:00:30 GMT", date, 30 * time.Second},
		"a date of RFC 850":  {"Saturday, 28-Nov-26 10:00:30 GMT", date, 30 * time.Second},
		"a date that is over": {
			"Sat, 28 Nov 2026 09:59:50 GMT", date, -10 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, requestedPause(http.Header{"Retry-After": {tt.after}, "Date": {tt.date}}))
		})
	}
	until := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	assert.InDelta(t, time.Hour, requestedPause(http.Header{"Retry-After": {until}}), float64(10*time.Second), "by our clock")
}

func TestTransportWaits(t *testing.T) {
	for name, tt := range map[string]struct {
		after   string
		timeout time.Duration
		want    time.Duration
	}{
		"seconds":                 {"1", time.Minute, time.Second},
		"a date":                  {time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), time.Second, longestWait},
		"longer than the context": {"30", time.Second, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{answers: []any{429, 200}, after: tt.after}
			var waits time.Duration
			ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
			defer cancel()
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://x/", nil)
			require.NoError(t, err)
			start := time.Now()
			response, err := (&Transport{Base: s, Wait: func(_ string, pause time.Duration) { waits = pause }, first: time.Millisecond}).RoundTrip(request)
			assert.Equal(t, tt.want, waits)
			if tt.want > tt.timeout {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Less(t, time.Since(start), 10*time.Second)
				return
			}
			require.NoError(t, err)
			_ = response.Body.Close()
			assert.GreaterOrEqual(t, time.Since(start), tt.want)
		})
	}
}

// The context ends all tries together, and pauses as well. The reason for the last try remains.
func TestTransportContext(t *testing.T) {
	hanging := func(r *http.Request) error { <-r.Context().Done(); return r.Context().Err() }
	for name, tt := range map[string]struct {
		answers []any
		err     string
	}{
		"busy":                {[]any{503}, "context deadline exceeded, after the server answered 503 (Service Unavailable)"},
		"hanging":             {[]any{hanging}, "context deadline exceeded: context deadline exceeded"},
		"busy and then hangs": {[]any{503, hanging}, "context deadline exceeded, after the server answered 503 (Service Unavailable)"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
			defer cancel()
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://x/", nil)
			require.NoError(t, err)
			start := time.Now()
			transport := &Transport{Base: &script{answers: tt.answers}}
			if len(tt.answers) > 1 {
				transport.first = time.Millisecond
			}
			response, err := transport.RoundTrip(request)
			if response != nil {
				_ = response.Body.Close()
			}
			require.EqualError(t, err, tt.err)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Less(t, time.Since(start), time.Second)
		})
	}
}

// A request that fails at the server's own hands is not sent for ever, and one
// that meets a busy server is.
func TestOwn(t *testing.T) {
	for name, tt := range map[string]struct {
		answers []any
		sent    int
		status  int
	}{
		"for good":  {[]any{500}, ownTries, 500},
		"by chance": {[]any{500, 200}, 2, 200},
		"busy":      {[]any{503, 503, 503, 503, 200}, 5, 200},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{answers: tt.answers}
			ctx := Own(t.Context())
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://x/", nil)
			require.NoError(t, err)
			response, err := (&Transport{Base: s, first: time.Millisecond}).RoundTrip(request)
			require.NoError(t, err)
			_ = response.Body.Close()
			assert.Equal(t, tt.status, response.StatusCode)
			assert.Equal(t, tt.sent, s.sent)
			if tt.status == 500 {
				assert.Equal(t, tt.sent, Tries(ctx, 500))
			}
		})
	}
	assert.Equal(t, tries, Tries(t.Context(), 500))
}

// An answer of unknown length is read whole, up to the limit and no further, in whatever
// way it is read again.
func TestTransportBodies(t *testing.T) {
	const limit = 3*longestChunk + 5
	for _, size := range []int{0, 1, firstChunk - 1, firstChunk, firstChunk + 1, 3 * firstChunk, limit, limit + 1} {
		for _, joined := range []bool{false, true} {
			t.Run(fmt.Sprint(size, joined), func(t *testing.T) {
				text := strings.Repeat("0123456", size/7+1)[:size]
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x/", nil)
				require.NoError(t, err)
				response, err := (&Transport{Base: &script{answers: []any{strings.NewReader(text)}}, MaxAnswer: limit}).RoundTrip(request)
				if size > limit {
					require.ErrorContains(t, err, "the answer has more than")
					return
				}
				require.NoError(t, err)
				defer func() { _ = response.Body.Close() }()
				read := func() ([]byte, error) { return io.ReadAll(response.Body) }
				if joined {
					read = func() ([]byte, error) { return Body(response) }
				}
				got, err := read()
				require.NoError(t, err)
				assert.Equal(t, text, string(got))
			})
		}
	}
}
