// Package envoydiff compares the Envoy configuration of proxies before and after a
// migration, and gives each proxy a verdict. Inherent differences are those that any
// MeshTrace causes. Both sides are rendered with Envoy's own types, as the control
// plane does, or read from dumps of running proxies. Differences are data; callers
// print them.
package envoydiff
