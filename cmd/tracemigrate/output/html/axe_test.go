package html

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// axe-core finds what keeps people from using a page. It is under the MPL, so it is not
// in this repository: the test gets it from npm, once, into the user's cache.
const (
	axePackage = "axe-core@4.14.1"
	axeDigest  = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==" // SHA-512 of the package
)

// axe returns the script of axe-core. Without npm or its registry the test is skipped,
// unless TRACEMIGRATE_TEST_NO_SKIP says that they must exist.
func axe(t *testing.T) string {
	t.Helper()
	archive, err := axeArchive(t)
	if err == nil {
		return fileOf(t, archive, "package/axe.min.js")
	}
	if os.Getenv("TRACEMIGRATE_TEST_NO_SKIP") == "1" {
		t.Fatalf("%s cannot be had: %v", axePackage, err)
	}
	t.Skipf("%s cannot be had, so accessibility is not tested: %v", axePackage, err)
	return ""
}

// axeArchive returns the package of axe-core.
func axeArchive(t *testing.T) ([]byte, error) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "tracemigrate", "axe-core")
	path := filepath.Join(dir, "axe-core-4.14.1.tgz")
	if archive, err := os.ReadFile(path); err == nil && digestOf(archive) == axeDigest {
		return archive, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	// packed elsewhere and renamed, so that no other test sees a part of it
	partial, err := os.MkdirTemp(dir, "partial")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(partial) }()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "npm", "pack", "--silent", "--ignore-scripts", axePackage)
	command.Dir = partial
	if output, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm pack: %w: %s", err, bytes.TrimSpace(output))
	}
	archive, err := os.ReadFile(filepath.Join(partial, filepath.Base(path)))
	if err != nil {
		return nil, err
	}
	require.Equal(t, axeDigest, digestOf(archive), "the SHA-512 of %s", axePackage) // never a reason to skip
	return archive, os.Rename(filepath.Join(partial, filepath.Base(path)), path)
}

func digestOf(archive []byte) string {
	sum := sha512.Sum512(archive)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// fileOf returns a file of a package.
func fileOf(t *testing.T, archive []byte, name string) string {
	t.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	require.NoError(t, err)
	files := tar.NewReader(unzipped)
	for {
		header, err := files.Next()
		require.NoError(t, err, "looking for %s", name)
		if header.Name == name {
			text, err := io.ReadAll(files)
			require.NoError(t, err)
			return string(text)
		}
	}
}

// testAccessible runs axe-core on the page in its states.
func testAccessible(t *testing.T, shared *tab, pages map[string]string) {
	script := axe(t)
	const open = `for (const details of document.querySelectorAll("details")) details.open = true;
		document.querySelector("tr.proxy .expand")?.click()`
	for _, test := range []struct {
		name, state, hash, scheme, script string
		width                             int64
	}{
		{name: "light", state: "different", scheme: "light", width: 1280, script: open},
		{name: "dark", state: "several zones", scheme: "dark", width: 1280, script: open},
		{
			name: "phone, filtered, with an open row", state: "different", scheme: "light", width: 390,
			hash: "#verdict=inherent&sort=-name&proxy=old/catalogue-00039.shop&trace-q=teams",
		},
		{name: "dark phone with an error", state: "invalid", scheme: "dark", width: 390, script: open},
		{name: "no row", state: "refused", hash: "#q=no-such-thing&trace-q=no-such-thing", scheme: "light", width: 1280},
		{name: "empty mesh", state: "empty mesh", scheme: "light", width: 1280, script: open},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := shared.of(t)
			b.size(test.width)
			b.media("", test.scheme)
			url := b.open(pages[test.state], test.hash)
			b.do(test.script)
			// The page's policy does not apply to what the debugger evaluates.
			_, err := chromedp.Call(b.ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: script + ";0"})
			require.NoError(t, err)
			found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`axe.run({resultTypes: ["violations"]}).then(r => {
				if (r.passes.length < 10) return ["only " + r.passes.length + " rules passed"];
				return r.violations.map(v => v.id + ": " + v.help + ": " +
					v.nodes.slice(0, 4).map(n => n.html.slice(0, 140) + " " + n.failureSummary).join(" | "));
			})`, chromedp.EvalAwaitPromise))
			require.NoError(t, err)
			assert.Empty(t, found)
			b.clean(url)
		})
	}
}
