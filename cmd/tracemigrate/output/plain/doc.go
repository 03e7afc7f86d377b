// Package plain contains the text that packages output and html share: text that is safe
// to print, counted nouns, the sentences that sum up a run, and the diff of two Envoy
// listeners.
package plain
