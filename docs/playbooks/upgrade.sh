#!/bin/sh
# Moves tracing to MeshTrace, and stops where a proxy would not keep its tracing.
# Usage: upgrade.sh VERSION   (of the control plane, such as 2.13)
set -eu
version=${1:?which version of Kuma?}
work=${WORK:-./tracing-migration}
mkdir -p "$work"

# 1. What stands in the cluster, with creation times.
kubectl get meshes,traffictraces,dataplanes,meshgateways,trafficroutes,meshtraces -A -o yaml > "$work/state.yaml"

# 2. The new policies. Exit code 1: something cannot be carried over.
tracemigrate convert -f "$work/state.yaml" --kuma-version "$version" --notes-output "$work/notes.json" > "$work/meshtraces.yaml"

# 3. The proof, for every proxy. Exit code 1: a proxy would be different.
tracemigrate diff -f "$work/state.yaml" --meshtrace "$work/meshtraces.yaml" --kuma-version "$version" -o markdown > "$work/diff.md" || {
	code=$?
	tracemigrate diff -f "$work/state.yaml" --meshtrace "$work/meshtraces.yaml" --kuma-version "$version" >&2 || true
	exit "$code"
}

# 4. Only now is anything changed: MeshTraces first, TrafficTraces afterwards.
# A conversion that needs no policy leaves the file empty.
if [ -s "$work/meshtraces.yaml" ]; then
	kubectl apply -f "$work/meshtraces.yaml"
fi
kubectl delete traffictraces --all
