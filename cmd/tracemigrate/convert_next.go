package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
)

// diffCommandLine returns the command that shows why proxies do not keep their tracing: with
// the versions that were compared and, for an upgrade, the policies that select by labels.
func (f *convertFlags) diffCommandLine(c *cli.Context, source cluster.Source, o *convert.Options) string {
	words := []string{c.App.Name, "diff", commandWords(c, source).Source, "--kuma-version", o.Version.String()}
	upgrades := o.To != (cluster.Version{})
	switch {
	case upgrades && f.directory != "":
		words = append(words, "--to-version", o.To.String(), "--meshtrace", manifest.ShellQuote(f.directory))
	case upgrades:
		words = append(words, "--to-version", o.To.String(), "--meshtrace", "MESHTRACES")
	case o.ByLabels:
		words = append(words, "--target-ref", targetDataplane)
		if f.displayNames {
			words = append(words, "--allow-display-name")
		}
	}
	if f.roundSampling && !upgrades {
		words = append(words, "--round-sampling")
	}
	if f.zoneOrigin {
		words = append(words, "--zone-origin")
	}
	return strings.Join(words, " ")
}
