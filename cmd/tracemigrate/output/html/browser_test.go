package html

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// chromium is where the browser is. Without one the test is skipped, unless
// TRACEMIGRATE_TEST_NO_SKIP says that there must be one.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("TRACEMIGRATE_TEST_NO_SKIP") == "1" {
		t.Fatal("there is no Chromium on the path (apt-get install chromium)")
	}
	t.Skip("there is no Chromium on the path, so the page is not opened (apt-get install chromium)")
	return ""
}

// tab is a page in a real browser.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	console  []string
	requests []string
}

func newBrowser(t *testing.T) context.Context {
	t.Helper()
	path := chromium(t)
	dir, err := os.MkdirTemp("", "tracemigrate-chromium")
	require.NoError(t, err)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(dir), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WSURLReadTimeout(time.Minute))
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Minute)
	ctx, cancelAllocator := chromedp.NewExecAllocator(ctx, options...)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		cancel()
		cancelAllocator()
		stop()
		for range 50 { // its processes may still write
			if os.RemoveAll(dir) == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	require.NoError(t, chromedp.Do(ctx), "starting %s", path)
	return ctx
}

// newTab opens an empty page, in the browser of ctx, that is as wide as a
// laptop's.
func newTab(ctx context.Context, t *testing.T) *tab {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	t.Cleanup(cancel)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	b := &tab{t: t, ctx: ctx}
	b.size(1280)
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	require.NoError(t, chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch event := event.(type) {
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(event.Request.URL, "data:") {
				b.requests = append(b.requests, event.Request.URL)
			}
		case *page.EventJavascriptDialogOpening:
			b.console = append(b.console, "dialog: "+event.Message)
		case *runtime.EventExceptionThrown:
			b.console = append(b.console, "exception: "+event.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			b.console = append(b.console, "a call of console")
		case *log.EventEntryAdded:
			b.console = append(b.console, string(event.Entry.Level)+": "+event.Entry.Text)
		}
	}))
	return b
}

// of returns the tab for another test, which opens a page of its own: that is faster
// than another tab.
func (b *tab) of(t *testing.T) *tab {
	t.Helper()
	b.t = t
	b.size(1280)
	b.media("", "light")
	require.NoError(t, chromedp.Do(b.ctx, chromedp.Navigate("about:blank")))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.console, b.requests = nil, nil
	return b
}

func (b *tab) size(width int64) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.EmulateViewport(width, 844)))
}

// media sets the medium, screen unless it is print, and the scheme, light or dark.
func (b *tab) media(medium, scheme string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: medium, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	require.NoError(b.t, err)
}

// open opens a page from a file, as its reader does, at a hash.
func (b *tab) open(text, hash string) (url string) {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), "report.html")
	require.NoError(b.t, os.WriteFile(path, []byte(text), 0o600))
	url = "file://" + path + hash
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.Navigate(url)))
	// Navigate may see the end of what was opened just before.
	b.await(fmt.Sprintf(`decodeURI(location.pathname) === %q && document.readyState === "complete"`, path))
	return url
}

func (b *tab) do(script string) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Evaluate[any]("(() => {"+script+"})()"))
	require.NoError(b.t, err, script)
}

// await waits until an expression is true. Just after a page has loaded, chromedp may still
// ask the one before.
func (b *tab) await(expression string) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression))
	for tries := 0; tries < 100 && err != nil && strings.Contains(err.Error(), "Cannot find context"); tries++ {
		time.Sleep(20 * time.Millisecond)
		_, err = chromedp.Run(b.ctx, chromedp.Poll[bool](expression))
	}
	require.NoError(b.t, err, expression)
}

func ask[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	require.NoError(b.t, err, expression)
	return v
}

// slowness is how many times longer a known piece of work takes than on the quiet machine
// that limits are set on, at least 1.
func (b *tab) slowness() float64 {
	b.t.Helper()
	const known, work = 20.0, `(() => {
		let best = Infinity;
		for (let i = 0; i < 5; i++) {
			const start = performance.now();
			for (let j = 0, sum = 0; j < 2e7; j++) sum = (sum * 31 + j) | 0;
			best = Math.min(best, performance.now() - start);
		}
		return best;
	})()`
	return max(1, ask[float64](b, work)/known)
}

// clean says that the page complained of nothing, and asked for nothing but itself.
func (b *tab) clean(url string) {
	b.t.Helper()
	ask[int](b, "1+1") // whatever was on its way has come
	b.mu.Lock()
	defer b.mu.Unlock()
	assert.Empty(b.t, b.console)
	url, _, _ = strings.Cut(url, "#")
	for _, request := range b.requests {
		request, _, _ = strings.Cut(request, "#")
		assert.Equal(b.t, url, request, "a request")
	}
	assert.NotEmpty(b.t, b.requests)
}

const (
	rowNames = `[...document.querySelectorAll("tr.proxy .expand")].map(e => e.textContent)`
	shown    = `document.getElementById("p-shown").textContent`
)

// choose sets a filter, as typing or choosing does.
func (b *tab) choose(id, value string) {
	b.t.Helper()
	b.do(fmt.Sprintf(`const field = document.getElementById(%q); field.value = %q; field.dispatchEvent(new Event("input", {bubbles: true}))`, id, value))
}

// tooSmall lists words that are smaller than 11 px on the screen.
const tooSmall = `(() => {
	const small = [];
	for (const e of document.querySelectorAll("main *")) {
		if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || e.tagName === "title" || !e.getClientRects().length) continue;
		let size = parseFloat(getComputedStyle(e).fontSize);
		const svg = e.closest("svg");
		if (svg) size *= svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
		if (size < 11) small.push(e.tagName + " " + size + " " + e.textContent.slice(0, 40));
	}
	return small;
})()`

// faint lists words with less contrast than WCAG 2 AA asks for.
const faint = `(() => {
	const rgb = text => text.match(/[\d.]+/g).map(Number);
	const luminance = c => c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
	const list = [];
	for (const e of document.querySelectorAll("body *")) {
		if (e.closest("script, noscript, title, .sr, :disabled") || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.getClientRects().length) continue;
		const style = getComputedStyle(e);
		const [a, b] = [luminance(rgb(e.closest("svg") ? style.fill : style.color)), luminance(ground(e))];
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		const size = parseFloat(style.fontSize);
		const large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
		if (ratio < (large ? 3 : 4.5)) list.push(e.tagName + "." + e.className + " " + ratio.toFixed(2) + " " + e.textContent.slice(0, 40));
	}
	return [...new Set(list)];
})()`

// quoted returns text as JavaScript.
func quoted(text string) string {
	encoded, err := json.Marshal(text)
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}
