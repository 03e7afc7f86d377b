#!/bin/sh
# Migrates tracing to MeshTrace, and stops if a proxy would not keep its tracing.
# Usage: upgrade.sh plan      writes the plan, a directory; its README describes each step
#        upgrade.sh start     verifies that nothing changed since
#        upgrade.sh shadow    applies the MeshTraces as shadows (2.7 and later)
#        upgrade.sh add       applies the MeshTraces
#        upgrade.sh remove    deletes the TrafficTraces and the tracing of the Meshes
#        upgrade.sh rollback  restores the state before the plan
# Each step except start may be repeated. CONTEXT names kubectl's context for plan (default:
# the current one), WORK the directory of the plan (default: ./tracing-migration).
set -eu
work=${WORK:-./tracing-migration}
case ${1:-} in
plan)
	exec tracemigrate plan --context "${CONTEXT:-$(kubectl config current-context)}" --output-dir "$work"
	;;
start) ;;
shadow | add | remove)
	sh "$work/apply.sh" "$1"
	;;
rollback)
	sh "$work/rollback.sh"
	;;
*)
	echo "usage: $0 plan | start | shadow | add | remove | rollback" >&2
	exit 2
	;;
esac
sh "$work/verify.sh" "$1"
