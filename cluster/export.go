package cluster

import (
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"

	"tracemigrate/cluster/manifest"
)

// export is a file that `kumactl export` wrote.
type export struct{ file, product, version string }

// exportHeader is the comment that `kumactl export` writes above all resources
// (Kuma, app/kumactl/cmd/export/export.go), such as
// # Product: Kuma, Version: 2.13.10, Hostname: cp, ClusterId: c, InstanceId: i.
var exportHeader = regexp.MustCompile(`^#\s*Product:\s*([^,]+?)\s*,\s*Version:\s*([^\s,]+)`)

// noteExports yields inputs unchanged. When an input is read, it appends those that
// `kumactl export` wrote to exports, and the namespaces of control planes to namespaces.
func noteExports(inputs iter.Seq[manifest.Input], exports *[]export, namespaces *[]string) iter.Seq[manifest.Input] {
	return func(yield func(manifest.Input) bool) {
		for input := range inputs {
			input.Optional = isService
			if !input.Unnumbered {
				also := input.Seen
				input.Seen = func(text string, whole bool) {
					if also != nil {
						also(text, whole)
					}
					if !whole {
						return // a list's items are no control plane's
					}
					text = strings.TrimPrefix(text, "\uFEFF")
					if product, version := exportedBy(text); version != "" {
						*exports = append(*exports, export{input.Name, product, version})
					}
					*namespaces = systemNamespaces(*namespaces, text)
				}
			}
			if !yield(input) {
				return
			}
		}
	}
}

// exportedBy returns the product and version in the comments above all documents, empty
// when the comments do not name them.
func exportedBy(text string) (product, version string) {
	for text != "" {
		line, rest, _ := strings.Cut(strings.TrimLeft(text, " \t\r\n"), "\n")
		line, text = strings.TrimSpace(line), rest
		if line != "" && line[0] != '#' && line != "---" {
			break
		}
		if m := exportHeader.FindStringSubmatch(line); m != nil {
			return m[1], m[2]
		}
	}
	return "", ""
}

// exportOrigin returns what exports contain about the control plane, nil when exports is
// empty. If exports have several versions, the version is Unread.
func exportOrigin(exports []export) *Origin {
	if len(exports) == 0 {
		return nil
	}
	first := exports[0]
	origin := &Origin{Product: first.product, Version: first.version}
	if i := slices.IndexFunc(exports, func(e export) bool { return e.version != first.version }); i > 0 {
		origin.Version = ""
		origin.AddUnread(VersionOfControlPlane, Unclear,
			fmt.Sprintf("%s was exported from version %s and %s from %s", first.file, first.version, exports[i].file, exports[i].version))
	}
	return origin
}
