package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"tracemigrate/cluster"
	"tracemigrate/cluster/manifest"
	"tracemigrate/convert"
	"tracemigrate/convert/report"
)

// dateVariable is the environment variable that replaces the clock, as in
// https://reproducible-builds.org/specs/source-date-epoch/
const dateVariable = "SOURCE_DATE_EPOCH"

// reportDate returns the date for the head of a report. SOURCE_DATE_EPOCH replaces the
// clock; if it is set and empty, there is no date.
func reportDate() (string, error) {
	const last = 253402300799 // seconds until the end of the year 9999, which RFC 3339 ends with
	text, set := os.LookupEnv(dateVariable)
	switch {
	case !set:
		return time.Now().UTC().Format(time.RFC3339), nil
	case text == "":
		return "", nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 || seconds > last {
		return "", fmt.Errorf("%s: %q is not a number of seconds since 1970; set a number, an empty value for no date, or unset it",
			dateVariable, text)
	}
	return time.Unix(seconds, 0).UTC().Format(time.RFC3339), nil
}

// newHead returns a head without the cluster and the outcome.
func newHead() (report.Head, error) {
	date, err := reportDate()
	return report.Head{Date: date, Tool: release()}, err
}

// loadFor reads like load, and adds what is read and its digest to a head.
func loadFor(c *cli.Context, head *report.Head) (*convert.Current, cluster.Source, error) {
	var digest cluster.InputDigest
	current, source, err := loadThrough(c, func(_ string, source cluster.Source) cluster.Source { return digest.Of(source) })
	if err == nil {
		head.Digest, head.Cluster = digest.String(), placeOf(c, current.About())
	}
	return current, source, err
}

// placeOf returns the name of what was read, without credentials.
func placeOf(c *cli.Context, origin cluster.Origin) string {
	origin.Source = cmp.Or(origin.Source, filesOf(c))
	return manifest.Redact(origin.String())
}

// filesOf names the files that were read.
func filesOf(c *cli.Context) string {
	names := slices.Concat(c.StringSlice("filename"), c.StringSlice("kustomize"))
	for i, name := range names {
		if name == "-" {
			names[i] = "stdin"
		}
	}
	return "files: " + strings.Join(names, ", ")
}
