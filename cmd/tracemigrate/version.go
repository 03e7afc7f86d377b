package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cmd/tracemigrate/output"
)

// The linker flags of a release set these. Otherwise they are empty, and the module's
// build information is used.
var version, commit, date string

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:      "version",
		Usage:     "print the version and build information",
		ArgsUsage: noArguments,
		Flags:     []cli.Flag{outputFlag(output.VersionForms)},
		Action: func(c *cli.Context) error {
			info := buildInfo()
			return writeStdout(c, func(out *output.Printer) error { return formOf(c, output.VersionForms)(out, &info) })
		},
	}
}

// buildInfo returns what is known about this build.
func buildInfo() output.Version {
	settings := make(map[string]string)
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			settings[setting.Key] = setting.Value
		}
	}
	return output.Version{
		Version: release(),
		Commit:  cmp.Or(commit, settings["vcs.revision"], "unknown"),
		Date:    cmp.Or(date, settings["vcs.time"], "unknown"),
		Go:      runtime.Version(), Platform: fmt.Sprintf("%s/%s", runtime.GOOS, runtime.GOARCH),
		Kuma: output.VersionRange{Oldest: cluster.Oldest.String(), Latest: cluster.Latest.String()},
	}
}

// release returns the version of this tool.
func release() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return cmp.Or(version, info.Main.Version, "(devel)")
	}
	return cmp.Or(version, "(devel)")
}
