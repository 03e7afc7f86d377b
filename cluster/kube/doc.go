// Package kube reads Kuma's resources from a Kubernetes API server through client-go's
// dynamic client, in pages. It finds the control plane and its settings by its
// Deployment, checks policies by a dry run of the server, and calls the control plane's
// own API through the API server. It never writes. No other package uses client-go.
package kube
