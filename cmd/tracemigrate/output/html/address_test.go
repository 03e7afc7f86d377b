package html

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What the address must restore: the rows of both tables, their filters, order and page,
// and the open rows.
const tableState = `JSON.stringify([
	...["p", "t"].flatMap(id => [...document.getElementById(id + "-filters").querySelectorAll("input, select")].map(e => e.value)),
	...["p", "t"].map(id => document.getElementById(id + "-page").textContent),
	...["p", "t"].map(id => [...document.querySelectorAll("#" + id + "-rows tr:not(.detail) > td:first-child")].map(e => e.textContent)),
	[...document.querySelectorAll("tr.open .expand")].map(e => e.textContent),
	[...document.querySelectorAll("th[aria-sort]")].map(e => e.textContent + e.getAttribute("aria-sort")),
])`

func testAddress(t *testing.T, shared *tab, page string) {
	for _, test := range []struct {
		name   string
		script string // what a reader does
		hash   string
	}{
		{name: "nothing", script: "", hash: ""},
		{
			name:   "a filter of proxies",
			script: `choose("p-verdict", "different"); choose("p-zone", "east")`, hash: "#verdict=different&zone=east",
		},
		{
			name: "a cause, an order and a page", script: `choose("p-cause", "tracing-lost"); click("#p-head th:nth-child(3) button");
				click("#p-head th:nth-child(3) button"); click("#p-next"); click("#p-next")`,
			hash: "#cause=tracing-lost&sort=-zone&page=3",
		},
		{
			name: "an open row", script: `choose("p-text", "cart 0"); click("tr.proxy:nth-of-type(2) .expand")`,
			hash: "#q=cart+0&page=1&proxy=default/cart-00012.shop",
		},
		{
			name: "an open row of another page", script: `choose("p-text", "cart 0"); click("tr.proxy .expand"); click("#p-next")`,
			hash: "#q=cart+0&page=2&proxy=default/cart-00004.shop",
		},
		{
			name: "TrafficTraces", script: `choose("t-text", "team-0"); click("#t-head th:nth-child(4) button"); click("#t-next")`,
			hash: "#trace-q=team-0&trace-sort=-proxies&trace-page=2",
		},
		{
			name: "both tables", script: `choose("t-mesh", "old"); choose("p-text", "<b>&#=% \u05e9"); choose("p-sort", "-name")`,
			hash: "#q=%3Cb%3E%26%23%3D%25+%D7%A9&sort=-name&trace-mesh=old",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := shared.of(t)
			url := b.open(page, "")
			b.do(`const choose = (id, value) => {
					const field = document.getElementById(id);
					field.value = value;
					field.dispatchEvent(new Event("input", {bubbles: true}));
				};
				const click = (selector) => document.querySelector(selector).click();` + test.script)
			b.await(`location.hash === ` + quoted(test.hash))
			want := ask[string](b, tableState)
			b.clean(url)
			b = b.of(t)
			url = b.open(page, test.hash)
			assert.Equal(t, want, ask[string](b, tableState))
			b.do(`document.getElementById("p-reset").click(); document.getElementById("t-reset").click()`)
			b.await(`location.hash === ""`)
			if test.hash != "" {
				assert.NotEqual(t, want, ask[string](b, tableState), "what the reader did has an effect")
			}
			b.clean(url)
		})
	}
	t.Run("links to sections keep the filter", func(t *testing.T) {
		b := shared.of(t)
		url := b.open(page, "#verdict=inherent")
		b.do(`document.querySelector('nav a[href="#backends"]').click()`)
		b.await(`location.hash === "#backends&verdict=inherent"`)
		assert.Equal(t, "20 of 200 proxies", ask[string](b, shown))
		// A click just before the address is written, as when the page has been open for a moment.
		b.do(`location.hash = "#traces"; address.flush()`)
		b.await(`location.hash === "#traces&verdict=inherent"`)
		b.do(`document.querySelector(".cause a").click()`)
		b.await(`location.hash === "#verdict=different&cause=tracing-lost"`)
		b.clean(url)
		b.open(page, "#backends&verdict=inherent")
		assert.Equal(t, "20 of 200 proxies", ask[string](b, shown))
		assert.InDelta(t, 0, ask[float64](b, `document.getElementById("backends").getBoundingClientRect().top`), 40, "scrolled to it")
	})
}

// testColumns opens rows, turns pages and sorts; no column moves.
func testColumns(t *testing.T, shared *tab, pages map[string]string) {
	const edges = `JSON.stringify([...document.querySelectorAll("#p-head th, #t-head th")]
		.map(e => e.getBoundingClientRect()).map(r => [r.left, r.width]))`
	for _, name := range []string{"different", "inherent"} { // with and without the column of zones
		t.Run(name, func(t *testing.T) {
			b := shared.of(t)
			url := b.open(pages[name], "")
			want := ask[string](b, edges)
			for _, script := range []string{
				`document.querySelector("tr.proxy .expand").click()`,
				`for (const button of document.querySelectorAll('.expand[aria-expanded="false"]')) button.click()`,
				`document.getElementById("p-next").click()`,
				`document.querySelector("#p-head th button").click()`,
			} {
				b.do(script)
				assert.Equal(t, want, ask[string](b, edges), script)
			}
			b.choose("p-text", "no such thing")
			b.choose("t-text", "no such thing")
			assert.Equal(t, want, ask[string](b, edges), "empty tables")
			b.clean(url)
		})
	}
}

// testWords breaks no word of a summary, however many cards there are and whatever their numbers,
// and no flag of a command.
func testWords(t *testing.T, shared *tab, page string) {
	b := shared.of(t)
	url := b.open(page, "")
	b.do(`const cards = document.querySelector(".verdicts");
		while (cards.children.length < 6) cards.append(cards.lastElementChild.cloneNode(true));
		for (const count of cards.querySelectorAll(".count")) count.textContent = "1,024,058"`)
	const broken = `[...document.querySelectorAll(".verdict .word, .steps pre .short, .steps code.short")].filter(e => e.getClientRects().length > 1 ||
		e.matches(".word") && (e.offsetHeight > 32 || e.getBoundingClientRect().right > e.closest(".verdict").getBoundingClientRect().right)).map(e => e.textContent)`
	for _, width := range []int64{360, 390, 821, 1000, 1280} {
		b.size(width)
		assert.Empty(t, ask[[]string](b, broken), width)
		assert.LessOrEqual(t, ask[int64](b, "document.documentElement.scrollWidth"), width)
		assert.Empty(t, ask[[]string](b, `[...document.querySelectorAll(".steps pre")].filter(e => e.scrollWidth > e.clientWidth).map(e => e.textContent)`), width)
	}
	assert.Positive(t, ask[int](b, `document.querySelectorAll(".steps pre .short").length`))
	b.clean(url)
}

// testColours looks for green where something is lost, unknown or an error.
func testColours(t *testing.T, shared *tab, pages map[string]string) {
	const green = `(() => {
		const probe = document.querySelector(".verdict.same .word");
		const same = [getComputedStyle(probe).color, getComputedStyle(probe.closest(".verdict")).getPropertyValue("--tone-ground")];
		return [...document.querySelectorAll("header *, #causes *, #notes *, #steps *, #p-rows *, #picture figure path:not(.same)")].filter(e => {
			const style = getComputedStyle(e);
			return [style.color, style.fill, style.backgroundColor, style.borderLeftColor, style.borderTopColor].some(c => same.includes(c));
		}).map(e => e.outerHTML.slice(0, 100));
	})()`
	for _, test := range []struct{ state, hash string }{
		{state: "not traced", hash: "#verdict=different"},
		{state: "unknown", hash: "#q=no-such"},
		{state: "invalid"},
		{state: "refused"},
	} {
		t.Run(test.state, func(t *testing.T) {
			b := shared.of(t)
			url := b.open(pages[test.state], test.hash)
			b.do(`for (const button of document.querySelectorAll(".expand")) button.click();`)
			assert.Empty(t, ask[[]string](b, green))
			b.clean(url)
		})
	}
	t.Run("an error is no difference", func(t *testing.T) {
		b := shared.of(t)
		url := b.open(pages["invalid"], "#verdict=error")
		assert.Equal(t, "All 2 proxies", ask[string](b, shown))
		assert.Zero(t, ask[int](b, `document.querySelectorAll(".tag.different, path.different, .cause.different, header.bad").length`))
		assert.Positive(t, ask[int](b, `document.querySelectorAll("#p-rows .tag.error").length`))
		b.clean(url)
	})
}

// checkPaint checks that the best of three first paints takes less than a second of a
// quiet machine.
func checkPaint(t *testing.T, b *tab, page string) {
	t.Helper()
	best, slowness := math.Inf(1), 1.0
	for range 3 {
		b.open(page, "")
		const paint = `performance.getEntriesByType("paint").find(e => e.name === "first-contentful-paint")`
		b.await(paint + " !== undefined") // the page may be loaded before it is painted
		best = min(best, ask[float64](b, paint+".startTime"))
		slowness = max(slowness, b.slowness())
	}
	t.Logf("first paint after %.0f ms, on a machine that is slower by %.1f", best, slowness)
	assert.Less(t, best, 1000*slowness)
}

// testMany opens a page about 5,000 proxies and 300 of everything else.
func testMany(t *testing.T, shared *tab, big string) {
	t.Run("first paint", func(t *testing.T) { checkPaint(t, shared.of(t), big) })
	b := shared.of(t)
	url := b.open(big, "")
	assert.Less(t, ask[int](b, "document.documentElement.scrollHeight"), 12_000)
	assert.Equal(t, "306 selectors", ask[string](b, `document.getElementById("t-shown").textContent.replace("All ", "")`))
	assert.Less(t, ask[int](b, "document.querySelectorAll('*').length"), 20_000)
	for _, width := range []int64{390, 360} {
		b.size(width)
		assert.LessOrEqual(t, ask[int64](b, "document.documentElement.scrollWidth"), width)
		if width == 390 {
			assert.Less(t, ask[int](b, "document.documentElement.scrollHeight"), 30_000)
		}
	}
	b.clean(url)
}
