#!/bin/sh
# Moves tracing to MeshTrace, and stops where a proxy would not keep its tracing.
# Usage: upgrade.sh VERSION                 converts, verifies, applies the MeshTraces
#        upgrade.sh VERSION delete          verifies again, deletes the TrafficTraces
#        upgrade.sh VERSION remove-tracing  removes the field tracing from the Meshes
# VERSION is that of the control plane, such as 2.13. Each may be run again.
# CONTEXT names kubectl's context (default: the current one), WORK the directory
# for the migration's files, one for each context (default: ./tracing-migration).
set -eu

refuse() {
	echo "$0: $1" >&2
	exit 2
}

# 1. The arguments, before anything is read.
case $# in
1 | 2) ;;
*) refuse "usage: $0 VERSION [apply | delete | remove-tracing]" ;;
esac
version=$1
stage=${2:-apply}
case $version in
*[!0-9.]* | *..* | .* | *.) refuse "$version is not a version, such as 2.13 or 2.13.2" ;;
*.*) ;;
*) refuse "$version is not a version, such as 2.13 or 2.13.2" ;;
esac
case $stage in
apply | delete | remove-tracing) ;;
*) refuse "$stage is none of apply, delete, remove-tracing" ;;
esac
for tool in kubectl tracemigrate; do
	command -v "$tool" >/dev/null || refuse "there is no $tool on the path"
done

# 2. The cluster: the same for every command, whatever the current context is later.
context=${CONTEXT:-$(kubectl config current-context)}
work=${WORK:-./tracing-migration}
mkdir -p "$work"
if [ -s "$work/context" ] && [ "$(cat "$work/context")" != "$context" ]; then
	refuse "$work holds the migration of context $(cat "$work/context"), and this is $context; name another directory with WORK, or the other context with CONTEXT"
fi
printf '%s\n' "$context" >"$work/context"
say() {
	echo "$0: context $context: $1" >&2
}

# 3. After the TrafficTraces are deleted, nobody uses the backends of the Meshes.
if [ "$stage" = remove-tracing ]; then
	if [ -n "$(kubectl --context "$context" get traffictraces -o name)" ]; then
		say "there are TrafficTraces, which use the Meshes' tracing; first run: $0 $version delete"
		exit 1
	fi
	kubectl --context "$context" get meshes \
		-o 'jsonpath={range .items[?(@.spec.tracing)]}{.metadata.name}{"\n"}{end}' >"$work/meshes.txt"
	while read -r mesh; do
		say "removing the field tracing from Mesh $mesh"
		kubectl --context "$context" patch mesh "$mesh" --type=json -p '[{"op":"remove","path":"/spec/tracing"}]' </dev/null
	done <"$work/meshes.txt"
	say "no Mesh has the field tracing; the migration is done"
	exit 0
fi

# 4. What is in the cluster, with creation times.
say "reading"
kubectl --context "$context" get meshes,traffictraces,dataplanes,meshgateways,trafficroutes,meshtraces -A -o yaml >"$work/state.yaml"

# 5. The new policies. Exit code 1: something cannot be carried over.
tracemigrate convert -f "$work/state.yaml" --kuma-version "$version" --notes-output "$work/notes.json" --force >"$work/meshtraces.yaml"

# 6. The proof, for every proxy. Exit code 1: a proxy would be different.
# A conversion that needs no policy leaves the file empty.
set -- -f "$work/state.yaml" --kuma-version "$version"
if [ -s "$work/meshtraces.yaml" ]; then
	set -- "$@" --meshtrace "$work/meshtraces.yaml"
fi
tracemigrate diff "$@" -o markdown >"$work/diff.md" || {
	code=$?
	tracemigrate diff "$@" >&2 || true
	exit "$code"
}

# 7. Only now is anything changed: MeshTraces first, and TrafficTraces when
# traces arrive and every MeshTrace exists as it was made.
case $stage in
apply)
	if [ -s "$work/meshtraces.yaml" ]; then
		say "applying the MeshTraces"
		kubectl --context "$context" apply -f "$work/meshtraces.yaml"
	fi
	say "when traces arrive, run: $0 $version delete"
	;;
delete)
	if [ -s "$work/meshtraces.yaml" ]; then
		kubectl --context "$context" diff -f "$work/meshtraces.yaml"
	fi
	say "deleting the TrafficTraces"
	kubectl --context "$context" delete traffictraces --all
	say "when traces still arrive, run: $0 $version remove-tracing"
	;;
esac
