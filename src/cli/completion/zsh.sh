# A value that can be anything. (The action " " would show its name, and then zsh completes nothing beside it.)
(( $+functions[_tcpx_nothing] )) ||
_tcpx_nothing() {
    return 1
}
(( $+functions[_tcpx_encodings] )) ||
_tcpx_encodings() {
    local expl
    local -a names
    names=(@ENCODINGS@)
    [[ -n $PREFIX ]] && names+=(@LABELS@)
    _wanted encodings expl 'encoding' compadd -a names
}
(( $+functions[_tcpx_builtins] )) ||
_tcpx_builtins() {
    local expl
    local -a names
    names=(@BUILTINS@)
    _wanted scripts expl 'built-in script' compadd -a names
}
(( $+functions[_tcpx_scripts] )) ||
_tcpx_scripts() {
    _tcpx_builtins
    _files
}
(( $+functions[_tcpx_own_scripts] )) ||
_tcpx_own_scripts() {
    [[ $PREFIX == @* ]] && _tcpx_builtins
    _files
}
(( $+functions[_tcpx_own_hosts] )) ||
_tcpx_own_hosts() {
    local expl
    local -a names
    names=(@OWN@)
    _wanted hosts expl 'host' compadd -a names
}
(( $+functions[_tcpx_hosts] )) ||
_tcpx_hosts() {
    local file line
    local expl
    local -a fields names
    for file in ~/.ssh/known_hosts ~/.ssh/known_hosts2 /etc/ssh/ssh_known_hosts; do
        [[ -r $file ]] || continue
        for line in "${(@f)$(<$file)}"; do
            fields=(${=line})
            [[ $fields[1] == @* ]] && shift fields
            [[ $fields[1] == [\#\|]* ]] && continue
            fields=(${(s:,:)fields[1]})
            fields=(${fields#\[})
            names+=(${fields%%\]*})
        done
    done
    names=(${(u)names:#*[^A-Za-z0-9._:-]*})
    _wanted hosts expl 'host' compadd -a names
}
