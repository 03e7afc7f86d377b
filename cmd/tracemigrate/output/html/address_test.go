package html

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// What the address must restore: the rows of both tables, their filters, order and page,
// and the open rows.
const tableState = `JSON.stringify([
	...["p", "t"].flatMap(id => [...document.getElementById(id + "-filters").querySelectorAll("input, select")].map(e => e.value)),
	...["p", "t"].map(id => document.getElementById(id + "-page").textContent),
	...["p", "t"].map(id => [...document.getElementById(id + "-rows").querySelectorAll("tr:not(.detail) > td:first-child")].map(e => e.textContent)),
	[...document.querySelectorAll("tr.open .expand")].map(e => e.textContent),
	[...document.querySelectorAll("th[aria-sort]")].map(e => e.textContent + e.getAttribute("aria-sort")),
])`

func testAddress(t *testing.T, shared *tab, big string) {
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
			name: "open rows", script: `choose("p-text", "cart 0"); click("tr.proxy:nth-of-type(2) .expand"); click("#p-next")`,
			hash: "#q=cart+0&page=2&proxy=default/cart-00012.shop",
		},
		{
			name: "TrafficTraces", script: `choose("t-text", "team-1"); click("#t-head th:nth-child(4) button"); click("#t-next")`,
			hash: "#trace-q=team-1&trace-sort=-proxies&trace-page=2",
		},
		{
			name: "both tables", script: `choose("t-mesh", "old"); choose("p-text", "<b>&#=% \u05e9"); choose("p-sort", "-name")`,
			hash: "#q=%3Cb%3E%26%23%3D%25+%D7%A9&sort=-name&trace-mesh=old",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := shared.of(t)
			url := b.open(big, "")
			b.do(`const choose = (id, value) => { const field = document.getElementById(id); field.value = value; field.dispatchEvent(new Event("input", {bubbles: true})) };
				const click = (selector) => document.querySelector(selector).click();` + test.script)
			b.await(`location.hash === ` + quoted(test.hash))
			want := ask[string](b, tableState)
			b.clean(url)
			b = b.of(t)
			url = b.open(big, test.hash)
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
		url := b.open(big, "#verdict=inherent")
		b.do(`document.querySelector('nav a[href="#backends"]').click()`)
		b.await(`location.hash === "#backends&verdict=inherent"`)
		assert.Equal(t, "500 of 5,000 proxies", ask[string](b, shown))
		b.do(`document.querySelector(".cause a").click()`)
		b.await(`location.hash === "#verdict=different&cause=tracing-lost"`)
		b.clean(url)
		b.open(big, "#backends&verdict=inherent")
		assert.Equal(t, "500 of 5,000 proxies", ask[string](b, shown))
		assert.InDelta(t, 0, ask[float64](b, `document.getElementById("backends").getBoundingClientRect().top`), 40, "scrolled to it")
	})
}

// testColumns opens rows and turns pages; no column moves.
func testColumns(t *testing.T, shared *tab, page string) {
	const edges = `JSON.stringify([...document.querySelectorAll("#p-head th, #t-head th")].map(e => [e.getBoundingClientRect().left, e.getBoundingClientRect().width]))`
	b := shared.of(t)
	url := b.open(page, "")
	want := ask[string](b, edges)
	for _, script := range []string{
		`document.querySelector("tr.proxy .expand").click()`,
		`for (const button of document.querySelectorAll(".expand")) button.click()`,
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
}

// testMany opens a page about 5,000 proxies and 300 of everything else.
func testMany(t *testing.T, shared *tab, big string) {
	b := shared.of(t)
	url := b.open(big, "")
	paint := ask[float64](b, `performance.getEntriesByType("paint").find(e => e.name === "first-contentful-paint").startTime`)
	t.Logf("first paint after %.0f ms", paint)
	assert.Less(t, paint, 1000.0*slower)
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
