#!/bin/sh
# Applies a step of the plan. It can be repeated; verify.sh verifies it.
# Usage: sh apply.sh {{ join .Applied "|" }}
set -eu
if [ $# -gt 1 ]; then
	echo "apply.sh: unexpected argument after the step; the cluster is the one that the commands in this file select" >&2
	exit 2
fi
cd "$(dirname "$0")"
{{- if and (not .Kubernetes) .Removes .Traces }}
delete() { # MESH NAME
	if {{ .Client }} get traffic-trace --mesh "$1" -- "$2" >/dev/null 2>&1; then
		{{ .Client }} delete traffic-trace --mesh "$1" -- "$2"
	fi
}
{{- end }}
case ${1:-} in
{{- range .Applied }}
{{ . }})
{{- if and (eq . "remove") $.Plan.Policies }}
	# Nothing is deleted unless all MeshTraces exist.
{{- range $.StepCommands "add" }}
	{{ . }}
{{- end }}
{{- end }}
{{- range $.StepCommands . }}
	{{ . }}
{{- end }}
	;;
{{- end }}
*)
	echo "apply.sh: the step must be one of: {{ join .Applied " " }}" >&2
	exit 2
	;;
esac
