# Completion of atg for fish. To use it:  atg completion fish | source
# or for good:  atg completion fish > ~/.config/fish/completions/atg.fish

function __atg_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l current (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (string replace -r '^--[^=]*=' '' -- $current)
            case :folders
                __fish_complete_directories (string replace -r '^--[^=]*=' '' -- $current)
            case ':*'
            case '*'
                echo $line
        end
    end
end

complete -c atg -f -a '(__atg_complete)'
