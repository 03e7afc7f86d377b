// Package report gathers all that a dry run tells of a migration into one piece
// of data: where the snapshot was taken, which backends and TrafficTraces there
// are and whom they serve, what would be created, every note, the verdict of
// every proxy, and what stays to be done. It reads nothing and prints nothing.
package report
