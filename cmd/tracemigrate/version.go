package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
)

// version is set by the Makefile's linker flags; after `go install` it is empty,
// and buildInfo returns the module's version.
var version = ""

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version and build information",
		Action: func(c *cli.Context) error {
			_, err := fmt.Fprintln(c.App.Writer, buildInfo())
			return err
		},
	}
}

// buildInfo returns one line: version, commit, Go, platform and the supported Kuma versions.
func buildInfo() string {
	commit := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				commit = setting.Value
			}
		}
	}
	return fmt.Sprintf("tracemigrate %s, commit %s, %s %s/%s, for Kuma %s to %s",
		release(), commit, runtime.Version(), runtime.GOOS, runtime.GOARCH, cluster.Oldest, cluster.Latest)
}

// release returns the version of this tool.
func release() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return cmp.Or(version, info.Main.Version, "(devel)")
	}
	return cmp.Or(version, "(devel)")
}
