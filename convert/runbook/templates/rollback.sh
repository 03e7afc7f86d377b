#!/bin/sh
# Restores the state before the migration, after any step. It can be repeated.
set -eu
if [ $# -gt 0 ]; then
	echo "rollback.sh: unexpected argument; the cluster is the one that the commands in this file select" >&2
	exit 2
fi
cd "$(dirname "$0")"
{{- if .Kubernetes }}
{{- if .Removes }}
{{- if .Meshes }}

# The tracing of the Meshes first, because the TrafficTraces refer to it.
{{- end }}
{{- range .Meshes }}
{{ $.Client }} patch mesh {{ quote .Name }} --type=json --patch-file={{ patch . }}
{{- end }}
{{- if or .Untied .Tied }}

# Existing TrafficTraces stay, because a new one would have another creation time.
lacks() { # FILE NUMBER: fewer resources of a file exist
	names=$({{ .Client }} get -f "$1" --ignore-not-found -o name) || exit 2
	[ "$(printf '%s' "$names" | grep -c .)" -lt "$2" ]
}
{{- with .Untied }}
if lacks rollback/traffictraces.yaml {{ len . }}; then
	{{ $.Client }} apply -f rollback/traffictraces.yaml
fi
{{- end }}
{{- if .Tied }}

# Creation times decide between these: they are created again in order, seconds apart.
if {{ range $i, $wave := .Tied }}{{ if $i }} || {{ end }}lacks {{ tiedFile $i }} {{ len $wave }}{{ end }}; then
	{{ .Client }} delete{{ range $i, $wave := .Tied }} -f {{ tiedFile $i }}{{ end }} --ignore-not-found
{{- range $i, $wave := .Tied }}
{{- if $i }}
	sleep {{ $.Wait }}
{{- end }}
	{{ $.Client }} apply -f {{ tiedFile $i }}
{{- end }}
fi
{{- end }}
{{- end }}
{{- end }}
{{- if or .Made .Restored .Idle }}

# The MeshTraces last, so that every proxy has tracing at any time.
{{- end }}
{{- if .Restored }}
{{ .Client }} apply -f rollback/meshtraces.yaml
{{- end }}
{{- if .Made }}
{{ .Client }} delete -f rollback/delete-meshtraces.yaml --ignore-not-found
{{- end }}
{{- if .Idle }}
{{ .Client }} apply -f rollback/idle-meshtraces.yaml
{{- end }}
{{- else }}
{{- if .Removes }}
{{- if .Meshes }}

# The tracing of the Meshes first, because the TrafficTraces refer to it.
{{ .Client }} apply -f rollback/meshes.yaml
{{- end }}
{{- if or .Untied .Tied }}

# Existing TrafficTraces stay, because a new one would have another creation time.
lacks() { # MESH NAME
	! {{ .Client }} get traffic-trace --mesh "$1" -- "$2" >/dev/null 2>&1
}
{{- if .Untied }}
if false{{ range .Untied }} ||
	lacks {{ quote .Mesh }} {{ quote .Name }}{{ end }}; then
	{{ .Client }} apply -f rollback/traffictraces.yaml
fi
{{- end }}
{{- if .Tied }}

# Creation times decide between these: they are created again in order, seconds apart.
if false{{ range .TiedTraces }} ||
	lacks {{ quote .Mesh }} {{ quote .Name }}{{ end }}; then
{{- range .TiedTraces }}
	lacks {{ quote .Mesh }} {{ quote .Name }} || {{ $.Client }} delete traffic-trace --mesh {{ quote .Mesh }} -- {{ quote .Name }}
{{- end }}
{{- range $i, $wave := .Tied }}
{{- if $i }}
	sleep {{ $.Wait }}
{{- end }}
	{{ $.Client }} apply -f {{ tiedFile $i }}
{{- end }}
fi
{{- end }}
{{- end }}
{{- end }}
{{- if or .Made .Restored .Idle }}

# The MeshTraces last, so that every proxy has tracing at any time.
{{- end }}
{{- if .Restored }}
{{ .Client }} apply -f rollback/meshtraces.yaml
{{- end }}
{{- if .Made }}
remove() { # MESH NAME
	if {{ .Client }} get meshtrace --mesh "$1" -- "$2" >/dev/null 2>&1; then
		{{ .Client }} delete meshtrace --mesh "$1" -- "$2"
	fi
}
{{- range .Made }}
remove {{ quote .Mesh }} {{ quote .Name }}
{{- end }}
{{- end }}
{{- if .Idle }}
{{ .Client }} apply -f rollback/idle-meshtraces.yaml
{{- end }}
{{- end }}
