#!/bin/sh
# Applies a step of the plan. It can be repeated; verify.sh verifies it.
# Usage: sh apply.sh {{ join .Applied "|" }}
set -eu
if [ $# -gt 1 ]; then
	echo "apply.sh: unexpected argument after the step; the cluster is the one that the commands in this file select" >&2
	exit 2
fi
cd "$(dirname "$0")"
{{- if .Deletes }}
delete() { # TYPE MESH NAME
	if {{ .Client }} get "$1" --mesh "$2" -- "$3" >/dev/null 2>&1; then
		{{ .Client }} delete "$1" --mesh "$2" -- "$3"
	fi
}
{{- end }}
case ${1:-} in
{{- range .Applied }}
{{ . }})
{{- if and (eq . "remove") $.Plan.Policies }}
	# Nothing is deleted unless all MeshTraces exist.
{{- range $.StepCommands "add" }}
	{{ .Run }}
{{- end }}
{{- end }}
{{- range $.StepCommands . }}
	{{ .Run }}
{{- end }}
	;;
{{- end }}
*)
	echo "apply.sh: the step must be one of: {{ join .Applied " " }}" >&2
	exit 2
	;;
esac
