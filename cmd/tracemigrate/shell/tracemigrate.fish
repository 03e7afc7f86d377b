# Completion of tracemigrate for fish.
function __tracemigrate_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l program $words[1]
    set -l lines ($program __complete fish $words[2..-1] 2>/dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path (commandline -ct)
        case directories
            __fish_complete_directories (commandline -ct) ''
        case '*'
            printf '%s\n' $lines[2..-1]
    end
end
complete -c tracemigrate -f -k -a '(__tracemigrate_complete)'
