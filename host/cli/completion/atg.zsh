#compdef atg
# Completion of atg for zsh. To use it:  source <(atg completion zsh)
# or for good:  atg completion zsh > "${fpath[1]}/_atg"

_atg() {
    local line value help
    local -a described
    local files=
    local out
    out="$("${words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)" || return 1
    while IFS= read -r line; do
        case $line in
        :files) files=files ;;
        :folders) files=folders ;;
        :*) ;;
        ?*)
            value=${line%%$'\t'*}
            help=${line#*$'\t'}
            described+=("${value//:/\\:}${help:+:$help}")
            ;;
        esac
    done <<<"$out"
    case $files in
    files) compset -P '*='; _files ;;
    folders) compset -P '*='; _files -/ ;;
    *) _describe -V atg described -M 'm:{a-zA-Z}={A-Za-z}' ;; # types of resources are written in any case
    esac
}

if [[ ${funcstack[1]} == _atg ]]; then
    _atg "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
    compdef _atg atg
fi
