package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
)

// diffCommandLine returns the command that shows why proxies do not keep their tracing: with
// the versions that were compared and, because diff converts by tags, the policies that
// select by labels.
func (f *convertFlags) diffCommandLine(c *cli.Context, source cluster.Source, o *convert.Options) string {
	words := []string{c.App.Name, "diff", commandWords(c, source).Source, "--kuma-version", o.Version.String()}
	if o.To != (cluster.Version{}) {
		words = append(words, "--to-version", o.To.String())
	}
	switch byLabels := o.SelectsByLabels(); {
	case byLabels && f.directory != "":
		words = append(words, "--meshtrace", manifest.ShellQuote(f.directory))
	case byLabels:
		words = append(words, "--meshtrace", "MESHTRACES")
	case f.roundSampling:
		words = append(words, "--round-sampling")
	}
	if f.zoneOrigin {
		words = append(words, "--zone-origin")
	}
	return strings.Join(words, " ")
}
