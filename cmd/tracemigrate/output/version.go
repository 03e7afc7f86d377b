package output

import (
	"fmt"

	"tracemigrate/cluster"
)

// Version is what is known about a build of this tool.
type Version struct {
	Version  string       `json:"version" yaml:"version"`
	Commit   string       `json:"commit" yaml:"commit"`
	Date     string       `json:"date" yaml:"date"` // of the commit, in RFC 3339
	Go       string       `json:"go" yaml:"go"`
	Platform string       `json:"platform" yaml:"platform"`
	Kuma     VersionRange `json:"kuma" yaml:"kuma"`
}

// VersionRange is the range of Kuma versions with TrafficTraces that are supported.
type VersionRange struct {
	Oldest string `json:"oldest" yaml:"oldest"`
	Latest string `json:"latest" yaml:"latest"`
}

func versionText(p *Printer, v *Version) error {
	_, err := fmt.Fprintf(p.w, "tracemigrate %s, commit %s, %s %s, for Kuma %s to %s and the upgrade to %s\n",
		v.Version, v.Commit, v.Go, v.Platform, v.Kuma.Oldest, v.Kuma.Latest, cluster.Newest)
	return err
}
