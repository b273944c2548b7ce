# Completion of atg for bash 4 and later. To use it:  source <(atg completion bash)
# or for good:  atg completion bash > ~/.local/share/bash-completion/completions/atg

# __atg_words puts the words up to the cursor into words, with what COMP_WORDBREAKS has cut apart joined again.
__atg_words() {
    local line=${COMP_LINE:0:COMP_POINT} word i
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((${#words[@]})) && [[ $line != [[:space:]]* ]]; then
            words[${#words[@]} - 1]+=$word
        else
            line=${line#"${line%%[![:space:]]*}"}
            words+=("$word")
        fi
        line=${line#"$word"}
    done
}

__atg_complete() {
    local words out line value current kept files=
    __atg_words
    current=${words[${#words[@]} - 1]}
    kept=${current%"${current##*[=:]}"}
    COMPREPLY=()
    out=$("${words[0]}" __complete "${words[@]:1}" 2>/dev/null) || return
    while IFS= read -r line; do
        case $line in
        :files) files=-f ;;
        :folders) files=-d ;;
        :*) ;;
        *)
            value=${line%%$'\t'*}
            [[ -n $value ]] && COMPREPLY+=("$(printf %q "${value#"$kept"}")")
            ;;
        esac
    done <<<"$out"
    if [[ -n $files ]]; then
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$files" -- "${current##*=}")
    elif [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

complete -F __atg_complete atg
