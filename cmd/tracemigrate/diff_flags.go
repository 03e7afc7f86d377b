package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/lists"
	"tracemigrate/cmd/tracemigrate/output"
	"tracemigrate/convert/envoydiff"
)

// maxMadeUp is the maximum number of made-up proxies for a mesh without Dataplanes.
const maxMadeUp = 10_000

// diffFlags are the flags of diff, other than those of the source and lists.
type diffFlags struct {
	conversionFlags
	to, before, after    string
	shadow, strict, full bool
}

func (f *diffFlags) flags() []cli.Flag {
	return slices.Concat(sourceFlags(), []cli.Flag{
		listFlag("", "kuma-version",
			"`VERSIONS` of the control plane, comma-separated or repeated; the verdict must hold for each "+
				"(default: the version that the control plane, an export or a snapshot reports, else "+cluster.Latest.String()+")"),
		textFlag("to-version", &f.to,
			"`VERSION` of the control plane after an upgrade: compare today's tracing on --kuma-version with that of --meshtrace "+
				"on this version"),
	}, f.conversionFlags.flags(), []cli.Flag{
		listFlag("", "meshtrace", "compare with the MeshTraces of `FILE`, or of a directory, instead of converting; may be repeated"),
		listFlag("", "before-manifests",
			"compare two whole states: the manifests of `PATH` (a file or directory; with -k, what contains the overlay) and "+
				"those of --after-manifests; may be repeated"),
		listFlag("", "after-manifests", "manifests of `PATH`, after a change; may be repeated"),
		stateFlag(),
		textFlag("before", &f.before, "config dump `FILE` of a proxy from before the migration, or a directory with one file for each proxy"),
		textFlag("after", &f.after, "config dump `FILE`, or directory, from after the migration"),
		boolFlag("shadow", &f.shadow,
			"compare what the control plane computes with and without the applied shadow MeshTraces ("+
				cluster.SinceShadow.MajorMinor()+" and later)"),
		boolFlag("strict", &f.strict, "exit with 1 also for inherent differences and misspelt fields"),
		acceptFlag(""),
		outputFlag(output.DiffForms),
		boolFlag("full", &f.full, "with text and markdown: list all proxies of a group"),
	})
}

// acceptFlag is --accept; where says where else than here differences are ignored.
func acceptFlag(where string) cli.Flag {
	return listFlag("", "accept", "ignore differences with `CODE`"+where+"; may be repeated, or have several with commas")
}

// acceptedCodes returns the codes of --accept. document lists them, and others are codes
// that no proxy differs in.
func acceptedCodes(c *cli.Context, document string, others ...envoydiff.Code) ([]envoydiff.Code, error) {
	var accepted []envoydiff.Code
	for _, names := range c.StringSlice("accept") {
		for name := range strings.SplitSeq(names, ",") {
			code := envoydiff.Code(name)
			if _, known := envoydiff.Codes[code]; !known && !slices.Contains(others, code) {
				hint := ""
				all := slices.Concat(slices.Sorted(maps.Keys(envoydiff.Codes)), others)
				if similar := closest(name, lists.Words(all)); similar != "" {
					hint = " (did you mean " + similar + "?)"
				}
				return nil, fmt.Errorf("--accept: %s is not the code of a difference%s; %s lists them", typed(name), hint, document)
			}
			accepted = append(accepted, code)
		}
	}
	return accepted, nil
}
