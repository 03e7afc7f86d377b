package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster/kube"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert/report"
)

// contextFlags returns the flags of this tool and the kubectl command for the cluster that
// was read, so that the next steps do not depend on the current context.
func contextFlags(c *cli.Context, flags string, source *kube.Cluster) (ownFlags, kubectl string) {
	kubectl = "kubectl"
	if c.IsSet("kubeconfig") {
		kubectl += " --kubeconfig " + manifest.ShellQuote(c.String("kubeconfig"))
	}
	name := source.Context()
	if name == "" {
		return flags, kubectl
	}
	kubectl += " --context " + manifest.ShellQuote(name)
	if !c.IsSet("context") {
		flags = strings.TrimSpace("--context " + manifest.ShellQuote(name) + " " + flags)
	}
	return flags, kubectl
}

// writableDirectory returns the directory that the next steps write to. It is not one that
// they read, because they would then read their own output.
func writableDirectory(c *cli.Context) string {
	here, err := filepath.Abs(".")
	temporary := filepath.Clean(os.TempDir())
	switch {
	case err != nil || inputWith(c, here) == "" && !overwritesInput(c, here):
		return ""
	case inputWith(c, temporary) != "":
		return "OUTSIDE/" // for the user to fill in
	}
	return temporary + "/"
}

// overwritesInput reports whether a file that the next steps write to a directory is one of -f.
func overwritesInput(c *cli.Context, directory string) bool {
	return slices.ContainsFunc(c.StringSlice("filename"), func(name string) bool {
		path, err := filepath.Abs(name)
		return err == nil && filepath.Dir(path) == directory && slices.Contains([]string{"meshtraces.yaml", "mesh.yaml"}, filepath.Base(path))
	})
}

// inputWith returns the directory of -f that a place, an absolute path, is in, or an empty text.
func inputWith(c *cli.Context, place string) string {
	for _, name := range c.StringSlice("filename") {
		info, err := os.Stat(name)
		if err != nil || !info.IsDir() {
			continue
		}
		absolute, err := filepath.Abs(name)
		if err != nil {
			continue
		}
		if to, err := filepath.Rel(absolute, place); err == nil && filepath.IsLocal(to) {
			return name
		}
	}
	return ""
}

// firstSteps returns the steps before all others: the commands contain no secret and
// cannot read the same pipe again.
func firstSteps(c *cli.Context) []report.StepKind {
	var steps []report.StepKind
	if c.IsSet("token") && !tokenFromEnvironment(c) {
		steps = append(steps, report.GiveToken)
	}
	if slices.Contains(c.StringSlice("filename"), "-") {
		steps = append(steps, report.SavePipe)
	}
	return steps
}

// commandLine returns the command that runs, quoted for a shell: what it reads, and the flags
// that decide on its result. It has no flag of the form.
func commandLine(c *cli.Context, source string) string {
	words := []string{c.App.Name, c.Command.Name}
	if source != "" {
		words = append(words, source)
	}
	words = append(words, flagWords(c,
		"kuma-version", "from", "to", "to-version", "meshtrace", "before-manifests", "after-manifests", "state", "before", "after", "accept", "target-ref",
	)...)
	for _, flag := range []string{"shadow", "allow-display-name", "zone-origin", "round-sampling", "server-dry-run", "strict"} {
		if c.Bool(flag) {
			words = append(words, "--"+flag)
		}
	}
	return strings.Join(words, " ")
}

// flagWords returns those of the flags that are set, each value quoted for a shell.
func flagWords(c *cli.Context, flags ...string) []string {
	var words []string
	for _, flag := range flags {
		if !c.IsSet(flag) {
			continue
		}
		values := c.StringSlice(flag)
		if len(values) == 0 {
			values = []string{c.String(flag)}
		}
		for _, value := range values {
			words = append(words, "--"+flag, manifest.ShellQuote(value))
		}
	}
	return words
}

// sourceArguments returns the flags that select the source, quoted for a shell and
// without credentials.
func sourceArguments(c *cli.Context) string {
	var words []string
	for _, name := range c.StringSlice("filename") {
		if name == "-" {
			name = "stdin.yaml"
		}
		words = append(words, "-f", manifest.ShellQuote(name))
	}
	for _, name := range c.StringSlice("kustomize") {
		words = append(words, "-k", manifest.ShellQuote(name))
	}
	words = append(words, flagWords(c,
		"control-plane", "kumactl-config", "token-file", "client-cert", "client-key", "ca-cert", "kubeconfig", "context",
		"namespace", "mesh", "mode", "zone-version", "zone", "max-answer-size", "max-list-size", "max-pages",
	)...)
	for _, header := range c.StringSlice("header") {
		name, _, _ := strings.Cut(header, "=")
		words = append(words, "--header", manifest.ShellQuote(name+"=VALUE")) // it may be a secret
	}
	if c.Bool("skip-verify") {
		words = append(words, "--skip-verify")
	}
	return strings.Join(words, " ")
}
