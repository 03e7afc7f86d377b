// Package plain holds the plain text that every form builds on: text that is safe
// to print, counted nouns, the sentences that sum up a run, and the diff of two
// Envoy listeners. Package output imports package html, so what both need is here.
package plain
