# Completions of tcpx for fish. Written by tcpx completions fish.

set -g __tcpx_commands @COMMANDS@
set -g __tcpx_builtins "@BUILTINS@"

# Whether an option of a command takes the next word for its value.
function __tcpx_takes_value -a command option
    switch $command
@VALUED@
        case '*'
            return 1
    end
end

# Whether the cursor is at a word of this command; with a number, at its word of that number; with 2+, at that or a later one.
function __tcpx_at -a wanted place
    set -l tokens (commandline -opc)
    set -l command ''
    set -l number 1
    set -l is_value no
    for token in $tokens[2..]
        if test $is_value = yes
            set is_value no
        else if test "$token" = --
            return 1
        else if string match -q -- '--*=*' $token
        else if string match -q -- '-?*' $token
            if __tcpx_takes_value "$command" $token
                set is_value yes
            end
        else
            set -l longer (string trim -- "$command $token")
            if test $number = 1; and contains -- $longer $__tcpx_commands
                set command $longer
            else
                set number (math $number + 1)
            end
        end
    end
    test "$command" = "$wanted"; or return 1
    test -n "$place"; or return 0
    test $is_value = no; or return 1
    switch $place
        case '*+'
            test $number -ge (string trim -r -c + -- $place)
        case '*'
            test $number = $place
    end
end

function __tcpx_encodings
    set -l typed (commandline -ct)
    string split ' ' -- "@ENCODINGS@"
    if test -n "$typed"
        string split ' ' -- "@LABELS@"
    end
end

# The built-in scripts where files are meant first.
function __tcpx_own_builtins
    if string match -q -- '@*' (commandline -ct)
        string split ' ' -- $__tcpx_builtins
    end
end

# The hosts that ssh knows by name.
function __tcpx_hosts
    for file in ~/.ssh/known_hosts ~/.ssh/known_hosts2 /etc/ssh/ssh_known_hosts
        test -r $file; or continue
        while read -l line
            set -l fields (string split -n ' ' -- $line)
            string match -q -- '@*' "$fields[1]"; and set -e fields[1]
            string match -q -r -- '^([#|]|$)' "$fields[1]"; and continue
            string split , -- $fields[1] | string replace -r '^\[' '' | string replace -r '\].*' '' | string match -r '^[A-Za-z0-9._:-]+$'
        end <$file
    end
end

function __tcpx_ports
    set -l typed (commandline -ct)
    test -n "$typed"; and test -r /etc/services; and string match -r '^[a-z][^\s#]*' </etc/services
end

complete -c tcpx -f
