package main

import (
	"encoding/xml"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tracemigrate/fixtures"
)

var (
	fence   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// anchors returns the anchors of a document's headings, as GitHub makes them.
func anchors(text string) map[string]bool {
	all := make(map[string]bool)
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		base := strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")
		anchor := base
		for n := 1; all[anchor]; n++ {
			anchor = base + "-" + strconv.Itoa(n)
		}
		all[anchor] = true
	}
	return all
}

// links returns the targets of a document's relative links.
func links(text string) []string {
	var targets []string
	for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		if !strings.Contains(m[1], "://") {
			targets = append(targets, m[1])
		}
	}
	return targets
}

// TestLinks checks that the file and the anchor of every relative link of every document
// exist, and that docs/README.md lists all documents.
func TestLinks(t *testing.T) {
	root, texts := filepath.Dir(fixtures.Dir()), documents(t)
	for document, text := range texts {
		for _, target := range links(text) {
			file, anchor, _ := strings.Cut(target, "#")
			place := path.Join(path.Dir(document), file)
			if file == "" {
				place = document
			}
			if _, err := os.Stat(filepath.Join(root, place)); !assert.NoError(t, err, "%s: link %s", document, target) || anchor == "" {
				continue
			}
			assert.True(t, anchors(texts[place])[anchor], "%s: link %s: the document has no such heading", document, target)
		}
	}
	listed := links(texts["docs/README.md"])
	for document := range texts {
		if name, ok := strings.CutPrefix(document, "docs/"); ok && name != "README.md" {
			assert.Contains(t, listed, name, "docs/README.md does not list it")
		}
	}
}

// TestPictures checks that a document shows every picture, that an SVG has a title and a
// description, and that no picture is large.
func TestPictures(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(filepath.Dir(fixtures.Dir()), "docs", "pictures", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	shown := make(map[string]bool)
	for document, text := range documents(t) {
		for _, target := range links(text) {
			shown[path.Join(path.Dir(document), target)] = true
		}
	}
	for _, file := range files {
		name := "docs/pictures/" + filepath.Base(file)
		assert.True(t, shown[name], "%s: no document shows it", name)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Less(t, len(text), 150_000, name)
		if !strings.HasSuffix(name, ".svg") {
			continue
		}
		var picture struct {
			Title string `xml:"title"`
			Desc  string `xml:"desc"`
		}
		require.NoError(t, xml.Unmarshal(text, &picture), name)
		assert.NotEmpty(t, picture.Title, name)
		assert.NotEmpty(t, picture.Desc, name)
		assert.Contains(t, string(text), "prefers-color-scheme: dark", name)
	}
}

// TestReferenceFlags checks that docs/reference.md has every flag that help
// shows.
func TestReferenceFlags(t *testing.T) {
	reference := documents(t)["docs/reference.md"]
	for _, command := range newApp("tracemigrate").VisibleCommands() {
		for _, flag := range command.VisibleFlags() {
			assert.Contains(t, reference, "--"+flag.Names()[0], "%s: docs/reference.md lacks it", command.Name)
		}
	}
}
