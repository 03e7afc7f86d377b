// Package report gathers the result of a dry run as data: the source, the backends and
// TrafficTraces with their proxies, the new policies, the notes, the verdict of every
// proxy, and the next steps. It reads nothing and prints nothing.
package report
