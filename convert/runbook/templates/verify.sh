#!/bin/sh
# Verifies a step against the control plane's own state: every proxy keeps its tracing, and
# the resources of the step exist or are gone. Exit code 1: no, stop and go back; 2: error.
# Usage: sh verify.sh {{ join .Steps "|" }} [FLAGS that select another source]
set -eu
step=${1:-}
if [ $# -gt 0 ]; then shift; fi
{{- with .Live }}
if [ $# -eq 0 ]; then set -- {{ . }}; fi
{{- end }}
exec {{ .Program }} verify --plan "$(dirname "$0")" --step "$step" "$@"
