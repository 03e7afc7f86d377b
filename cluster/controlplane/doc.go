// Package controlplane reads the resources of a Kuma control plane by its REST
// API, as kumactl does: pages of lists, with token, client certificate and
// headers, and what the control plane reports of itself. It also gives the Envoy
// configuration that the control plane computes for a proxy.
// The API: https://github.com/kumahq/kuma/blob/master/docs/generated/openapi.yaml
package controlplane
