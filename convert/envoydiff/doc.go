// Package envoydiff holds the Envoy configuration that proxies get before a
// migration against that after it, and gives each proxy a verdict: same,
// inherent (it differs only in what any MeshTrace changes) or different. Both
// sides are rendered with Envoy's own types, as the control plane would, or
// read from dumps of running proxies. Differences are data; printing is the
// caller's.
package envoydiff
