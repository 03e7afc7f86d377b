#!/bin/sh
# Moves tracing to MeshTrace, and stops where a proxy would not keep its tracing.
# Usage: upgrade.sh VERSION          converts, verifies, applies the MeshTraces
#        upgrade.sh VERSION delete   verifies again, deletes the TrafficTraces
# VERSION is that of the control plane, such as 2.13. Both may be run again.
set -eu
version=${1:?which version of Kuma?}
stage=${2:-apply}
work=${WORK:-./tracing-migration}
mkdir -p "$work"

# 1. What stands in the cluster, with creation times.
kubectl get meshes,traffictraces,dataplanes,meshgateways,trafficroutes,meshtraces -A -o yaml > "$work/state.yaml"

# 2. The new policies. Exit code 1: something cannot be carried over.
tracemigrate convert -f "$work/state.yaml" --kuma-version "$version" --notes-output "$work/notes.json" > "$work/meshtraces.yaml"

# 3. The proof, for every proxy. Exit code 1: a proxy would be different.
# A conversion that needs no policy leaves the file empty.
set -- -f "$work/state.yaml" --kuma-version "$version"
if [ -s "$work/meshtraces.yaml" ]; then
	set -- "$@" --meshtrace "$work/meshtraces.yaml"
fi
tracemigrate diff "$@" -o markdown > "$work/diff.md" || {
	code=$?
	tracemigrate diff "$@" >&2 || true
	exit "$code"
}

# 4. Only now is anything changed: MeshTraces first, and TrafficTraces when
# traces arrive and every MeshTrace stands as it was made.
case $stage in
apply)
	if [ -s "$work/meshtraces.yaml" ]; then
		kubectl apply -f "$work/meshtraces.yaml"
	fi
	echo "When traces arrive: $0 $version delete" >&2
	;;
delete)
	if [ -s "$work/meshtraces.yaml" ]; then
		kubectl diff -f "$work/meshtraces.yaml"
	fi
	kubectl delete traffictraces --all
	;;
*)
	echo "$0: $stage is neither apply nor delete" >&2
	exit 2
	;;
esac
