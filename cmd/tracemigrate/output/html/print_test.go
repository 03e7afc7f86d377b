package html

import (
	"bytes"
	"compress/zlib"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// brokenNumbers lists numbers that are on two lines, or beyond the edge of their cell or
// of the paper.
const brokenNumbers = `(() => {
	const broken = [];
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let node; (node = walker.nextNode()); ) {
		const box = node.parentElement.closest("td, th, p, li, dd, h1, h2, h3, summary");
		if (!box || node.parentElement.closest("script, style, code, pre, .mono, .sr") || !box.getClientRects().length) continue;
		for (const match of node.data.matchAll(/(?<![\w.:"-])\d[\d,.]*\d%?(?![\w.:-])/g)) {
			const range = document.createRange();
			range.setStart(node, match.index);
			range.setEnd(node, match.index + match[0].length);
			const rects = [...range.getClientRects()];
			const tops = new Set(rects.map(r => Math.round(r.top)));
			const edge = Math.min(box.getBoundingClientRect().right, document.documentElement.clientWidth) + 0.5;
			if (tops.size > 1 || rects.some(r => r.right > edge)) broken.push(match[0] + " in " + box.tagName + " " + box.textContent.slice(0, 40));
		}
	}
	return broken;
})()`

// paperWidth is the width of A4 between the margins, in CSS pixels.
const paperWidth = 688

func (b *tab) pdf() []byte {
	b.t.Helper()
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	require.NoError(b.t, err)
	return pdf
}

func testPrint(t *testing.T, shared *tab, pages map[string]string) {
	t.Run("the page is as before", func(t *testing.T) {
		b := shared.of(t)
		b.media("", "dark")
		url := b.open(pages["different"], "")
		b.pdf()
		assert.Equal(t, "This print has 70 of 120 proxies: those that are not the same. The page itself has all.", ask[string](b, `document.getElementById("p-printed").textContent`))
		assert.Len(t, ask[[]string](b, rowNames), 20)
		assert.Zero(t, ask[int](b, `document.querySelectorAll("figure details[open]").length`))
		b.do(`dispatchEvent(new Event("beforeprint"))`) // what was on paper
		assert.Len(t, ask[[]string](b, rowNames), 70)
		assert.Zero(t, ask[int](b, `document.querySelectorAll("main details:not([open])").length`))
		b.do(`dispatchEvent(new Event("afterprint"))`)
		b.media("print", "dark")
		assert.Equal(t, "rgb(255, 255, 255)", ask[string](b, "getComputedStyle(document.body).backgroundColor"), "paper is white")
		assert.Equal(t, "none", ask[string](b, `getComputedStyle(document.getElementById("p-filters")).display`))
		assert.Equal(t, "contents", ask[string](b, `getComputedStyle(document.querySelector(".sort")).display`), "Chromium paints no button of a repeated head")
		assert.Equal(t, "avoid", ask[string](b, `getComputedStyle(document.querySelector(".key")).breakAfter`), "the picture has its heading")
		b.clean(url)
	})
	for _, name := range []string{"big", "many", "long names", "several zones"} {
		t.Run(name, func(t *testing.T) {
			b := shared.of(t)
			url := b.open(pages[name], "")
			b.media("print", "light")
			b.size(paperWidth)
			if name != "big" { // the numbers of its summary suffice
				b.do(`dispatchEvent(new Event("beforeprint"))`)
			}
			assert.Empty(t, ask[[]string](b, brokenNumbers))
			assert.LessOrEqual(t, ask[int](b, "document.documentElement.scrollWidth"), paperWidth)
			b.do(`dispatchEvent(new Event("afterprint"))`)
			b.clean(url)
		})
	}
	t.Run("pages", func(t *testing.T) {
		b := shared.of(t)
		url := b.open(pages["several zones"], "")
		assert.Equal(t, "counter(page) \" / \" counter(pages)", ask[string](b, `[...document.styleSheets[0].cssRules].flatMap(r => r instanceof CSSMediaRule ? [...r.cssRules] : [])
			.find(r => r instanceof CSSPageRule).cssRules[0].style.content`))
		without := textOfPages(t, b.pdf())
		b.do(`document.getElementById("print-manifests").click()`)
		with := textOfPages(t, b.pdf())
		assert.InDelta(t, 4, len(without), 1, "pages")
		assert.Greater(t, len(with), len(without))
		for number, texts := range append(without, with...) {
			assert.Greater(t, texts, 3, "page %d is empty", number)
		}
		b.clean(url)
	})
}

var (
	pdfPage   = regexp.MustCompile(`(?s)/Type /Page\b.*?/Contents (\d+) 0 R`)
	pdfObject = regexp.MustCompile(`(?m)^(\d+) 0 obj\b`)
	shownText = regexp.MustCompile(`\bT[jJ]\b`)
)

// textOfPages returns the number of texts on each page of a PDF.
func textOfPages(t *testing.T, pdf []byte) []int {
	t.Helper()
	objects := make(map[string][]byte)
	for _, m := range pdfObject.FindAllSubmatchIndex(pdf, -1) {
		objects[string(pdf[m[2]:m[3]])] = pdf[m[1]:]
	}
	var texts []int
	for _, m := range pdfPage.FindAllSubmatch(pdf, -1) {
		_, stream, found := bytes.Cut(objects[string(m[1])], []byte("stream\n"))
		require.True(t, found)
		inflated, err := zlib.NewReader(bytes.NewReader(stream))
		require.NoError(t, err)
		var content strings.Builder
		_, err = io.Copy(&content, inflated)
		require.NoError(t, err)
		texts = append(texts, len(shownText.FindAllString(content.String(), -1)))
	}
	require.NotEmpty(t, texts)
	return texts
}
