# Completion of tracemigrate for bash 3.2 and later.
_tracemigrate() {
    # Bash splits words at = and :, so they are put together as they are in the line.
    local line="${COMP_LINE:0:COMP_POINT}" words=() i spaces
    for ((i = 0; i <= COMP_CWORD; i++)); do
        spaces="${line%%[![:space:]]*}"
        line="${line:${#spaces}}"
        local word="${COMP_WORDS[i]}"
        if ((i == COMP_CWORD)); then word="$line"; fi
        if ((i > 0)) && [[ -z $spaces ]]; then
            words[${#words[@]} - 1]+="$word"
        else
            words+=("$word")
        fi
        line="${line:${#word}}"
    done
    local current="${words[${#words[@]} - 1]}" kind='' value prefix=''
    # Readline replaces only what follows the last of these characters.
    case "$current" in
    *[=:]*) prefix="${current%"${current##*[=:]}"}" ;;
    esac
    COMPREPLY=()
    while IFS= read -r value; do
        case "$kind$value" in
        values | files | directories) kind="$value" ;;
        *) COMPREPLY+=("${value#"$prefix"}") ;; # which needs no quotes
        esac
    done < <("${words[0]/#\~/$HOME}" __complete bash "${words[@]:1}" 2>/dev/null)
    local path="${current#"$prefix"}"
    case "$kind" in
    files) while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "$path") ;;
    directories) while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -d -- "$path") ;;
    values) return ;;
    esac
    compopt -o filenames 2>/dev/null
}
complete -F _tracemigrate tracemigrate
