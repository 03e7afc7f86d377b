// Package kube reads Kuma's resources from a Kubernetes API server through
// client-go's dynamic client, in pages; finds the control plane and what it
// says of itself in its Deployment; tries policies by a dry run of the server;
// and asks the control plane's own API by way of the API server. It never
// writes. client-go stays in here.
package kube
