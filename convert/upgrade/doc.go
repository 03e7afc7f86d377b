// Package upgrade finds what an upgrade of the control plane alone changes in tracing: what
// exists is rendered on both versions and compared, and each difference is attributed to the
// rule, the resource and the remedy. The result is data; messages.go has the text.
package upgrade
