#compdef tracemigrate
# Completion of tracemigrate for zsh.
_tracemigrate() {
    local -a lines values
    local line kind value about
    lines=("${(@f)$("${(Q)words[1]}" __complete zsh "${(Q@)words[2,CURRENT]}" 2>/dev/null)}")
    kind=$lines[1]
    shift lines
    if [[ $kind == files || $kind == directories ]]; then
        [[ $PREFIX == --*=* ]] && compset -P '*='
        if [[ $kind == directories ]]; then _files -/; else _files; fi
        return
    fi
    for line in $lines; do
        value=${line%%$'\t'*}
        about=${${line#$value}#$'\t'}
        values+=("${value//:/\\:}${about:+:$about}")
    done
    _describe -V tracemigrate values
}
if [[ $funcstack[1] == _tracemigrate ]]; then
    _tracemigrate "$@"
else
    compdef _tracemigrate tracemigrate
fi
