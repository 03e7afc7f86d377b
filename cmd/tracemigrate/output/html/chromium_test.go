package html

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestInChromium(t *testing.T) {
	ctx := newBrowser(t)
	shared := newTab(ctx, t)
	pages := states(t)
	full := pages["different"]

	t.Run("opens", func(t *testing.T) {
		b := shared.of(t)
		url := b.open(full, "")
		assert.Equal(t, "The API server refuses 1 of 5 policies; as planned, 58 of 120 proxies would not keep their tracing (58 lose it); 62 proxies keep collector and sampling; 12 of 62 proxies also report outbound spans; 1 error.", ask[string](b, `document.querySelector("h1").textContent`))
		assert.Equal(t, "All 120 proxies", ask[string](b, shown))
		assert.Equal(t, "cart-00004.shop", ask[[]string](b, rowNames)[0], "what differs comes first")
		assert.Positive(t, ask[int](b, `document.querySelectorAll("figure svg.wide path.different title").length`))
		b.clean(url)
	})
	t.Run("opens from a server", func(t *testing.T) {
		var mu sync.Mutex
		var asked []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			asked = append(asked, r.URL.Path)
			mu.Unlock()
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte(full))
		}))
		defer server.Close()
		b := shared.of(t)
		require.NoError(t, chromedp.Do(b.ctx, chromedp.Navigate(server.URL+"/r")))
		b.clean(server.URL + "/r")
		mu.Lock()
		defer mu.Unlock()
		assert.Equal(t, []string{"/r"}, asked, "no icon, nothing")
	})
	t.Run("filters", func(t *testing.T) {
		b := shared.of(t)
		url := b.open(full, "")
		b.choose("p-text", "WEB-0004")
		assert.Equal(t, []string{"web-00040.shop"}, ask[[]string](b, rowNames))
		assert.Equal(t, "1 of 120 proxies", ask[string](b, shown))
		b.choose("p-text", "default/web-00040")
		assert.Equal(t, "1 of 120 proxies", ask[string](b, shown), "by its full name")
		b.choose("p-text", "tracing-lost 5-all-default")
		assert.Equal(t, "58 of 120 proxies", ask[string](b, shown), "by code of a difference and policy")
		b.choose("p-text", "no such thing")
		assert.Equal(t, "0 of 120 proxies", ask[string](b, shown))
		assert.Contains(t, ask[string](b, `document.getElementById("p-rows").textContent`), "No proxy matches")
		b.do(`document.getElementById("p-reset").click()`)
		assert.Equal(t, "All 120 proxies", ask[string](b, shown))
		b.choose("p-verdict", "inherent")
		assert.Equal(t, "12 of 120 proxies", ask[string](b, shown))
		b.choose("p-mesh", "default")
		assert.Equal(t, "0 of 120 proxies", ask[string](b, shown))
		b.choose("p-verdict", "!same")
		assert.Equal(t, "58 of 120 proxies", ask[string](b, shown))
		b.choose("p-zone", "west")
		assert.Equal(t, "22 of 120 proxies", ask[string](b, shown))
		assert.True(t, ask[bool](b, `document.getElementById("p-kind").closest("label").hidden`), "all are sidecars")
		b.do(`document.getElementById("p-reset").click()`)
		assert.Len(t, ask[[]string](b, rowNames), 20)
		b.do(`for (let i = 0; i < 5; i++) document.getElementById("p-next").click()`)
		assert.Len(t, ask[[]string](b, rowNames), 20)
		assert.Equal(t, "Page 6 of 6", ask[string](b, `document.getElementById("p-page").textContent`))
		assert.True(t, ask[bool](b, `document.getElementById("p-next").disabled`))
		b.clean(url)
	})
	t.Run("expands", func(t *testing.T) {
		b := shared.of(t)
		url := b.open(full, "")
		const expanded = `document.querySelector(".expand").getAttribute("aria-expanded")`
		assert.Equal(t, "false", ask[string](b, expanded))
		b.do(`document.querySelector(".expand").focus()`)
		require.NoError(t, chromedp.Do(b.ctx, chromedp.KeyEvent("\r"))) // as a keyboard does
		assert.Equal(t, "true", ask[string](b, expanded))
		detail := ask[string](b, `document.getElementById(document.querySelector(".expand").getAttribute("aria-controls")).textContent`)
		for _, want := range []string{
			`nothing (MeshTrace "5-all-default" is withheld)`, "Kuma 2.13", "tracing-lost", "inbound:10.0.0.4:8080, outbound:*",
			"--- inbound:10.0.0.4:8080 before\n+++ inbound:10.0.0.4:8080 after\n@@ ", "+tracing: null\n",
		} {
			assert.Contains(t, detail, want)
		}
		b.await(`location.hash === "#page=1&proxy=default/cart-00004.shop"`)
		b.do(`document.querySelector(".expand").click()`)
		assert.Equal(t, "false", ask[string](b, expanded))
		assert.Zero(t, ask[int](b, `document.querySelectorAll("tr.detail").length`))
		b.await(`location.hash === ""`)

		b.choose("p-verdict", "same")
		b.do(`document.querySelector("tr.proxy").click()`)
		assert.Contains(t, ask[string](b, `document.querySelector("tr.detail").textContent`), "the same before and after")
		b.clean(url)
	})
	t.Run("links to a proxy and a verdict", func(t *testing.T) {
		b := shared.of(t)
		url := b.open(full, "#proxy=default%2Fweb-00080.shop")
		b.await(`document.querySelector("tr.open .expand")?.textContent === "web-00080.shop" && scrollY > 0`)
		b.do(`document.querySelector(".verdict.inherent a").click()`)
		b.await(shown + ` === "12 of 120 proxies"`)
		b.clean(url)
		b.open(full, "#proxy=%E0%A4%A")
		b.open(full, "#proxy=no/such")
		assert.Equal(t, "All 120 proxies", ask[string](b, shown))
	})
	t.Run("copies", func(t *testing.T) {
		b := shared.of(t)
		url := b.open(full, "")
		for _, name := range []string{"clipboard-read", "clipboard-write"} {
			_, err := chromedp.CallBrowser(b.ctx, browser.SetPermission, browser.SetPermissionParams{Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted})
			require.NoError(t, err)
		}
		require.NoError(t, chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS(`[data-copy="manifest-1"]`))))
		_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](`document.querySelector('[data-copy="manifest-1"]').textContent === "Copied"`))
		require.NoError(t, err)
		const clipboard = "navigator.clipboard.readText()"
		await := func() string {
			text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](clipboard, chromedp.EvalAwaitPromise))
			require.NoError(t, err)
			return text
		}
		copied := await()
		assert.True(t, strings.HasPrefix(copied, "# from TrafficTrace") && strings.HasSuffix(copied, "traceId128bit: false\n"), copied)

		b.do(`Object.defineProperty(navigator.clipboard, "writeText", {value: () => Promise.reject(new Error("denied"))})`)
		require.NoError(t, chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS(`[data-copy-all]`))))
		_, err = chromedp.Run(b.ctx, chromedp.Poll[bool](`document.querySelector("[data-copy-all]").textContent === "Copied"`))
		require.NoError(t, err)
		all := await()
		documents := strings.Split(all, "---\n")
		assert.Len(t, documents, 5)
		assert.Equal(t, copied, documents[0], "the refused one is the first")
		b.clean(url)
	})
	t.Run("fits a phone and can be read", func(t *testing.T) {
		for _, name := range []string{"different", "long names", "all the same", "invalid"} {
			t.Run(name, func(t *testing.T) {
				b := shared.of(t)
				url := b.open(pages[name], "")
				b.do(`for (const details of document.querySelectorAll("details")) details.open = true;
					for (const i of [0, 3]) document.querySelectorAll(".expand")[i]?.click();`)
				for _, scheme := range []string{"light", "dark"} {
					b.media("", scheme)
					assert.Equal(t, scheme == "dark", ask[string](b, "getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)")
					assert.Empty(t, ask[[]string](b, faint), scheme)
				}
				for _, width := range []int64{360, 390, 1280} {
					b.size(width)
					assert.LessOrEqual(t, ask[int64](b, "document.documentElement.scrollWidth"), width)
					if width == 390 {
						assert.Empty(t, ask[[]string](b, tooSmall))
					}
				}
				b.clean(url)
			})
		}
	})
	t.Run("prints", func(t *testing.T) { testPrint(t, shared, pages) })
	t.Run("address", func(t *testing.T) { testAddress(t, shared, pages["many"]) })
	t.Run("words", func(t *testing.T) { testWords(t, shared, pages["different"]) })
	t.Run("columns", func(t *testing.T) { testColumns(t, shared, pages) })
	t.Run("colours", func(t *testing.T) { testColours(t, shared, pages) })
	t.Run("is accessible", func(t *testing.T) { testAccessible(t, shared, pages) })
	t.Run("many of everything", func(t *testing.T) { testMany(t, shared, pages["big"]) })
	t.Run("text stays text", func(t *testing.T) {
		b := shared.of(t)
		url := b.open(pages["hostile names"], "")
		b.do(`for (const details of document.querySelectorAll("details")) details.open = true; document.getElementById("p-verdict").value = "inherent"; document.getElementById("p-filters").dispatchEvent(new Event("input"));
			for (const button of document.querySelectorAll(".expand")) button.click();`)
		assert.Equal(t, "undefined", ask[string](b, "typeof window.pwned"))
		assert.Equal(t, 2, ask[int](b, "document.scripts.length"))
		assert.Zero(t, ask[int](b, `document.querySelectorAll("img, iframe, object, embed, base, body link, body style").length`))
		assert.Empty(t, ask[[]string](b, `[...document.querySelectorAll("*")].flatMap(e => [...e.attributes]).filter(a => a.name.startsWith("on") || /^\s*javascript:/.test(a.value)).map(a => a.name)`))
		for _, where := range []string{"#notes .note", "#picture td", "#backends td", "tr.proxy .expand", "tr.detail .pairs", "tr.detail .differences", "tr.detail .diff", "pre.yaml"} {
			assert.Contains(t, ask[string](b, fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.textContent).join(" ")`, where)), "<script>window.pwned=1</script>", where)
		}
		assert.Empty(t, ask[[]string](b, `document.documentElement.textContent.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g) || []`))
		b.clean(url)
	})
	t.Run("its policy forbids what it does not do", func(t *testing.T) {
		b := shared.of(t)
		b.open(full, "")
		assert.Equal(t, "TypeError", ask[string](b, `(() => { try { document.body.innerHTML = "<b>x</b>"; return "done" } catch (e) { return e.name } })()`))
		b.do(`const img = new Image(); img.src = "http://127.0.0.1:9/x"; document.body.append(img)`)
		_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](`(() => { const s = document.createElement("style"); s.textContent = "h1{display:none}"; document.body.append(s); return getComputedStyle(document.querySelector("h1")).display !== "none" })()`))
		require.NoError(t, err)
		b.mu.Lock()
		defer b.mu.Unlock()
		assert.Contains(t, strings.Join(b.console, " "), `directive: "img-src data:"`)
	})
	t.Run("works without JavaScript", func(t *testing.T) {
		b := newTab(ctx, t)
		_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		require.NoError(t, err)
		b.open(full, "")
		require.NoError(t, chromedp.Do(b.ctx, chromedp.Query(chromedp.CSS("noscript .callout"), chromedp.NodeVisible)))
		for _, id := range []string{"#summary", "#causes", "#notes", "#picture svg.wide", "#t-rows", "#backends", "#manifests pre"} {
			require.NoError(t, chromedp.Do(b.ctx, chromedp.Query(chromedp.CSS(id), chromedp.NodeVisible)))
		}
		require.NoError(t, chromedp.Do(b.ctx, chromedp.Query(chromedp.CSS(`[data-copy="step-0"]`), chromedp.NodeNotVisible)))
	})
	t.Run("20000 proxies", func(t *testing.T) {
		const n = 20_000
		b := shared.of(t)
		text := pageOf(t, reportOn(t, clusterOf(n)))
		url := b.open(text, "")
		loaded := ask[float64](b, `performance.getEntriesByType("navigation")[0].loadEventEnd`)
		slowest := 0.0
		for _, what := range []string{"w", "we", "web-0", "catalogue 39", "no such thing", "sampling", ""} {
			slowest = max(slowest, ask[float64](b, fmt.Sprintf(`(() => { const start = performance.now(); const field = document.getElementById("p-text"); field.value = %q;
					field.dispatchEvent(new Event("input", {bubbles: true})); document.body.offsetHeight; return performance.now() - start })()`, what)))
		}
		turned := ask[float64](b, `(() => { const start = performance.now(); document.getElementById("p-next").click(); document.body.offsetHeight; return performance.now() - start })()`)
		elements := ask[int](b, `document.querySelectorAll("*").length`)
		t.Logf("%d proxies: %d bytes, loads in %.0f ms, filters in %.0f ms, turns the page in %.0f ms, %d elements", n, len(text), loaded, slowest, turned, elements)
		slowness := b.slowness()
		assert.Less(t, loaded, 4000*slowness)
		assert.Less(t, slowest, 400*slowness)
		assert.Less(t, turned, 200*slowness)
		assert.Less(t, elements, 3000)
		b.clean(url)
	})
}
