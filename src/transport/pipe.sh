# Starts curl in the background and returns at once.
#   $1  the volt's folder
#   $2  "sweep" to remove what runs of a dead Lapce left behind
# Prints the name of the run's folder, or why there is none: no-curl, no-folder, no-pipe.
#
# In the run's folder (0700), next to the empty files the caller fills (config, body: 0600):
#   in      the caller writes a line when all is filled and what it reads is open; its end means that
#           nobody reads any more
#   out     what curl writes
#   err     curl's stderr; its end means that curl is gone
#   status  curl's exit code and its own words, complete before `out` ends
# The caller keeps `out` and `status` open: once curl has ended they need no name, nor a shell to mind them,
# however late they are read.
#
# Every signal goes from a parent to a child it has not waited for: no foreign process can be hit.
umask 077
command -v curl >/dev/null || { echo no-curl; exit; }
cd "$1" 2>/dev/null || { echo no-folder; exit; }

if [ "$2" = sweep ]; then
    for old in run-*-*; do
        owner=${old#run-}
        [ -d "$old" ] && ! kill -0 "${owner%%-*}" 2>/dev/null || continue
        # A run whose Lapce died before it wrote its line still waits: let it go, with nothing to send.
        rm -f "$old/config" "$old/body"
        echo 1<>"$old/in"
        rm -rf "$old"
    done
fi

run=run-$PPID-$$
mkdir "$run" 2>/dev/null && cd "$run" && true >config && true >body && true >status || { echo no-folder; exit; }
mkfifo in out err 2>/dev/null || { cd .. && rm -rf "$run"; echo no-pipe; exit; }
folder=$1/$run
# Opened in both directions first, no pipe makes its opener wait. That all is open before the caller
# knows of it means that neither side can miss the other's end, whenever that comes.
exec 5<>in 6<>out 7<>err 3>out 4<in 8>err 9<err

(
    # Whatever ends Lapce and all it started is not to end us: we clean up.
    trap '' HUP INT TERM PIPE
    trap 'rm -rf "$folder"' EXIT

    read -r _ <&4
    exec 5<config 6<body 7<&-

    # Open files can be removed: from here on nothing secret has a name. Only where the system
    # has no /dev/fd the body keeps its name until the end.
    secrets='config body'
    set --
    if [ -e /dev/fd/6 ]; then
        [ -s body ] && set -- --data-binary @/dev/fd/6
    else
        secrets=config
        [ -s body ] && set -- --data-binary @body
    fi
    (trap - HUP INT TERM && exec curl -q -K - "$@") <&5 >&3 2>&8 3>&- 4<&- 5<&- 8>&- 9<&- &
    curl=$!
    exec 5<&- 6<&- 8>&-

    {
        words=
        while IFS= read -r line || [ -n "$line" ]; do
            case $line in 'curl: ('*) words=$line ;; esac
        done <&9
        printf '%s\n' "$words" 1<>in
    } 3>&- 4<&- &
    exec 9<&-

    rm -f $secrets

    # Either curl has ended, and here are its words, or the caller has let go.
    IFS= read -r words <&4 || kill -KILL "$curl"
    wait "$curl"
    printf '%s\n' "$?" "$words" >status
    exec 3>&-
    # The last who might make a file here.
    wait
) </dev/null >/dev/null 2>&1 &

echo "$run"
