package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/paging"
	"tracemigrate/cmd/tracemigrate/output"
)

// The categories of the flags that commands share.
const (
	inputCategory      = "Input (default: the current kubeconfig context)"
	kubernetesCategory = "Kubernetes"
	restCategory       = "REST API of a control plane"
)

// sourceFlags returns the flags of every command that reads a cluster.
func sourceFlags() []cli.Flag {
	return slices.Concat(inputFlags(), clusterFlags(), controlPlaneFlags())
}

func inputFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{
			Name: "filename", Aliases: []string{"f"}, Category: inputCategory,
			Usage: "read `FILE`, or all manifests in a directory and its subdirectories, or - for stdin; may be repeated",
		},
		&cli.StringSliceFlag{
			Name: "kustomize", Aliases: []string{"k"}, Category: inputCategory,
			Usage: "render the kustomization in `DIR` and read the result; may be repeated, and combined with -f",
		},
		categoryFlag(inputCategory, "control-plane", "read a control plane's REST API: its `URL`, or its name in kumactl's configuration"),
		listFlag(inputCategory, "mesh", "read only the mesh `NAME`; may be repeated (default: all meshes)"),
		categoryFlag(inputCategory, "mode", "mode of the control plane, if it does not report its own: `MODE` zone, federated-zone or global"),
		listFlag(inputCategory, "zone",
			"with a global control plane, also read that of a zone: `NAME=SOURCE`, where SOURCE is a URL, "+
				"a name in kumactl's configuration, context:NAME or a snapshot file; may be repeated"),
		listFlag(inputCategory, "zone-version", "`ZONE=VERSION` of a zone's control plane, if the global one does not report it; may be repeated"),
		&cli.DurationFlag{
			Name: "timeout", Category: inputCategory, Value: 5 * time.Minute,
			Usage: "stop reading a cluster after this `TIME`, retries included; 0 for no limit",
		},
		&cli.StringFlag{
			Name: "max-input-size", Category: inputCategory, Value: "1Gi",
			Usage: "refuse a file, or stdin, of more than `SIZE` bytes, such as 500Mi",
		},
		&cli.StringFlag{
			Name: "max-answer-size", Category: inputCategory, Value: paging.Size(paging.Defaults.Answer),
			Usage: "refuse a single answer of more than `SIZE` bytes from a server",
		},
		&cli.StringFlag{
			Name: "max-list-size", Category: inputCategory, Value: paging.Size(paging.Defaults.List),
			Usage: "refuse a list of more than `SIZE` bytes from a server, all pages together",
		},
		&cli.IntFlag{
			Name: "max-pages", Category: inputCategory, Value: paging.Defaults.Pages,
			Usage: "refuse a list of more than `NUMBER` pages from a server",
		},
	}
}

func clusterFlags() []cli.Flag {
	return []cli.Flag{
		categoryFlag(kubernetesCategory, "kubeconfig", "`FILE` to use (default: $KUBECONFIG, ~/.kube/config, or the cluster that runs this command)"),
		categoryFlag(kubernetesCategory, "context", "`NAME` of the kubeconfig context (default: the current one)"),
		&cli.Float64Flag{
			Name: "qps", Category: kubernetesCategory, Value: 50,
			Usage: "maximum `NUMBER` of requests a second to the API server",
		},
		&cli.IntFlag{
			Name: "burst", Category: kubernetesCategory, Value: 100,
			Usage: "maximum `NUMBER` of requests in a short burst above --qps",
		},
	}
}

func controlPlaneFlags() []cli.Flag {
	return []cli.Flag{
		categoryFlag(restCategory, "kumactl-config", "`FILE` that names control planes (default: ~/.kumactl/config)"),
		&cli.StringFlag{Name: "token", Category: restCategory, EnvVars: []string{tokenVariable}, Usage: "user `TOKEN`"},
		categoryFlag(restCategory, "token-file", "`FILE` that contains the user token"),
		categoryFlag(restCategory, "client-cert", "`FILE` with the client certificate"),
		categoryFlag(restCategory, "client-key", "`FILE` with the key of the client certificate"),
		categoryFlag(restCategory, "ca-cert", "`FILE` with the authority that signed the control plane's certificate"),
		&cli.BoolFlag{
			Name: "skip-verify", Category: restCategory, DisableDefaultText: true,
			Usage: "accept any certificate of the control plane",
		},
		listFlag(restCategory, "header", "send the header `NAME=VALUE`; may be repeated"),
	}
}

// categoryFlag returns a flag of a category that has a text.
func categoryFlag(category, name, usage string) cli.Flag {
	return &cli.StringFlag{Name: name, Category: category, Usage: usage}
}

// listFlag returns a flag that may be repeated, of a category or of none.
func listFlag(category, name, usage string) cli.Flag {
	return &cli.StringSliceFlag{Name: name, Category: category, Usage: usage}
}

// textFlag returns a flag of one command that has a text.
func textFlag(name string, to *string, usage string) cli.Flag {
	return &cli.StringFlag{Name: name, Destination: to, Usage: usage}
}

// boolFlag returns a flag whose help does not print that its default is false.
func boolFlag(name string, to *bool, usage string) cli.Flag {
	return &cli.BoolFlag{Name: name, Destination: to, Usage: usage, DisableDefaultText: true}
}

// outputFlag returns the flag that selects the form of the output.
func outputFlag[W any](forms output.Forms[W]) cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: forms.Default(), Usage: forms.Usage()}
}

// formsOf has the values of --output of each command.
var formsOf = map[string][]string{
	"convert":       output.ConvertForms.Names(),
	"diff":          output.DiffForms.Names(),
	"explain":       output.ExplainForms.Names(),
	"report":        output.ReportForms.Names(),
	"upgrade-check": output.UpgradeForms.Names(),
	"version":       output.VersionForms.Names(),
}

// checkForm returns an error for a value of --output that the command does not have.
func checkForm(c *cli.Context) error {
	names, name := formsOf[c.Command.Name], c.String("output")
	switch {
	case len(names) == 0 || slices.Contains(names, name):
		return nil
	case len(names) == 2:
		return fmt.Errorf("--output: %s is neither %s nor %s", typed(name), names[0], names[1])
	}
	return fmt.Errorf("--output: %s is none of %s", typed(name), strings.Join(names, ", "))
}

// formOf returns the form of --output, which checkForm has checked.
func formOf[W any](c *cli.Context, forms output.Forms[W]) W {
	form, _ := forms.Find(c.String("output"))
	return form
}

// namespaceFlag returns the flag of the control plane's namespace.
func namespaceFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "namespace", Aliases: []string{"n"}, Value: "kuma-system",
		DefaultText: "that of the control plane or its MeshTraces, else kuma-system",
		Usage:       "the control plane's `NAMESPACE` on Kubernetes, for policies that apply to all proxies",
	}
}

// versionFlag returns the flag of the control plane's version.
func versionFlag(to *string) cli.Flag {
	latest := cluster.Latest.String()
	return textFlag("kuma-version", to,
		"`VERSION` of the control plane that the policies are for, "+cluster.Oldest.String()+" to "+latest+", or with a patch, such as 2.13.2 "+
			"(default: the version that the control plane, an export or a snapshot reports, else "+latest+")")
}

// The flags that apply to one source only.
var (
	kubernetesFlags = []string{"kubeconfig", "context", "qps", "burst"}
	restFlags       = []string{"kumactl-config", "token", "token-file", "client-cert", "client-key", "ca-cert", "skip-verify", "header"}
)

// fileFlags name a file that is read beside the manifests.
var fileFlags = []string{"kubeconfig", "kumactl-config", "token-file", "client-cert", "client-key", "ca-cert"}

// limitFlags apply to the lists of a server.
var limitFlags = []string{"max-answer-size", "max-list-size", "max-pages"}

// firstSet returns the first of the flags that the command line sets.
func firstSet(c *cli.Context, flags []string) string {
	for _, flag := range flags {
		if slices.Contains(c.LocalFlagNames(), flag) && (flag != "token" || !tokenFromEnvironment(c)) {
			return flag
		}
	}
	return ""
}

// tokenVariable is the environment variable of the user token.
const tokenVariable = "TRACEMIGRATE_TOKEN"

// tokenFromEnvironment reports whether the token is from the environment, not from a flag.
func tokenFromEnvironment(c *cli.Context) bool {
	return os.Getenv(tokenVariable) != "" && c.String("token") == os.Getenv(tokenVariable)
}
