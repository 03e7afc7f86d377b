// Package controlplane reads the resources of a Kuma control plane through its REST API,
// as kumactl does: pages of lists, with token, client certificate and headers. It also
// reads what the control plane reports about itself, and the Envoy configuration that it
// computes for a proxy. The API:
// https://github.com/kumahq/kuma/blob/master/docs/generated/openapi.yaml
package controlplane
