# The agent: keeps the time, runs curl and wakes the plugin. Lapce starts it as a language server:
#   $1  the volt's folder
#   $2  the name of the agent's own folder in it, chosen by the plugin, unique
#
# In its folder (0700), apart from the files of the requests:
#   ctl  named pipe: what the loop below reads, line by line
#   a    named pipe whose only writer is the loop: its end is the end of the agent
#   q    named pipe: of each search a number, a folder, an expression and a glob of file names, a line each
#   why  a word, if the agent cannot work: no-curl, no-pipe
#
# Commands of the plugin. Times are in milliseconds, NOW is the plugin's clock:
#   s K DELAY NOW BODY OLD
#                       start request K after DELAY, and stop request OLD at that moment (0: none). BODY is 1 if there is
#                       a file bK; 2 if this is no request but a command of the user's, to be run for at most ten seconds
#   u K                 request K has not left and shall not; the plugin uses its pipes again
#   x K                 stop request K
#   w K MS N EXTRA      wake up once, when a line feed of text has come after byte N of the body of request K, but not
#                       within MS, or not at all if MS is -; or when the answer or K has ended, or so much of it is
#                       unread that it could not go on. If three lines come within 0.15 s of the first byte, the model
#                       writes fast and may be done soon: it gets EXTRA milliseconds for that
#   r K N               N bytes of body of request K were read
#   t MS                wake up once, after MS
#   c                   the last wake-up has come. Another is not sent before, but half a second after it could be: the
#                       editor may have lost the last
#   l                   look for lines of files in the background, as q says
#   v K                 what search K found was read
# Events of the agent's own processes:
#   d ID     the pause before a start is over
#   o ID     the pause before a wake-up is over
#   g K N L LAST
#            N more bytes of body of request K, with L line feeds of text in them, counted up to 3: all formats send
#            text in JSON strings, where it is written \n. L is e if they have the end of an answer: the server may keep
#            the connection. LAST are the last of them, at most 18, if such an end could begin there
#   b K      curl runs, oK and cK are open
#   f K      curl has closed its output and all of it is in oK
#   e K      request K has ended, its status is written
#   q        Lapce has closed our stdin
# So one process decides, one line at a time.
#
# Files of request K, all made before the plugin may use K:
#   iK  pipe: curl's config, or the user's command; the plugin fills it before it writes the command
#   bK  file: the request's body where it is large; removed before curl reads it
#   hK  pipe: response heads, written by curl
#   pK  pipe: curl's output, to tee
#   oK  pipe: from tee to the plugin. Unread, it fills, and curl stops reading from the network
#   cK  pipe: from tee, a copy to wait on, since a shell cannot wait for a pipe without reading from it
#   tK  pipe: the stderr of tee; its end is tee's
#   lK  pipe: the leash. The loop is its only writer; its end ends curl
#   eK  file: curl's stderr
#   yK  file: the lines that search K found, once all are. The plugin makes and removes none (see `Home::is_writable`)
#   sK  pipe: curl's exit code and last message: one line, written after the last byte is in oK. No file, for on a full
#       disk nobody would know of an end
#
# Opening a named pipe waits for the other side, unless it is opened for reading and writing (POSIX leaves that
# open; Linux, macOS and the BSDs allow it). So a pipe is opened in both directions first, then in the direction
# needed, then the first is closed.
#
# Every signal goes from a parent to a child it has not waited for: no foreign process can be hit.
# bash takes options from SHELLOPTS of its environment. With -x it would write down what it does where that is read.
set +aCefmuvx
umask 077
exec 2>/dev/null
# Lapce may have been started in a repository. Where PATH has relative parts, it may have programs of its own.
cd /
home=$1 name=$2

send() { printf 'Content-Length: %d\r\n\r\n%s' "${#1}" "$1"; }

length=0
while IFS= read -r line; do
    case $line in
        [Cc]ontent-[Ll]ength:*) length=${line#*:} length=${length# } length=${length%%[!0-9]*} ;;
        '' | ?) break ;;
    esac
done
id=$(dd bs=1 count="$length")
id=${id#*'"id":'} id=${id# } id=${id%%[!0-9]*}
ready() { trap - EXIT; send '{"jsonrpc":"2.0","id":'"$id"',"result":{"capabilities":{}}}'; }
# Until it comes, Lapce waits, and the plugin with it. So it comes whatever ends this shell: a redirection that fails, as
# in a folder that was removed meanwhile, does.
trap ready EXIT
# Ends here if the folder cannot be made: the plugin finds none.
# Lapce reads all its settings again when a file is made in a plugin's folder that it may list. inotify watches none that
# cannot be read, and nothing here has to list it.
mode=700
# A pipe that holds so many bytes unread is nearly full: of 64 KiB in Linux, of 8 in macOS (PIPSIZ in its uipc_usrreq.c).
room=4096
[ "$(uname)" != Linux ] || mode=300 room=40960
cd "$home" && mkdir -m $mode "$name" && cd "./$name" || exit

# Removes the folder of agent $1, all of it or nothing: by its pipe `a` the next agent knows that it is dead.
remove() { [ ! -w "$home" ] || { chmod 700 "$home/$1"; rm -rf "$home/$1"; }; }

# Makes the files of eight more requests. iK comes last: where it is, all are.
made=0
more() {
    pipes= last=$((made + 8))
    while [ "$made" -lt "$last" ]; do
        made=$((made + 1))
        : >"b$made"
        pipes="$pipes s$made h$made p$made o$made c$made t$made l$made i$made"
    done
    mkfifo $pipes
}

why=
command -v curl >/dev/null || why=no-curl
[ -n "$why" ] || { mkfifo ctl starting q && more; } || why=no-pipe
[ -z "$why" ] || {
    echo $why >why
    ready
    cd /
    while read -r text; do :; done
    remove "$name"
    exit
}

# The background of a shell has no stdin: 5 keeps it for the one who reads it.
exec 3<>ctl 4<>starting 5<&0 </dev/null
# Other agents take a folder for dead whose `a` nobody holds open.
mv starting a

note='{"jsonrpc":"2.0","method":"experimental/serverStatus","params":{"health":"ok","quiescent":true}}'

# Waits for the end of the loop, whatever ends it, and removes what it leaves. $1 is the one that waits for stdin.
tidy() {
    while read -r text <&4; do :; done
    [ -z "$1" ] || {
        # The loop was killed: the plugin has to know, for it may just have handed a request over.
        [ ! -p ctl ] || send "$note"
        kill -KILL "$1"
    }
    cd /
    tries=0
    while remove "$name"; [ -e "$home/$name" ] && [ "$tries" -lt 60 ]; do
        # A disk that is read-only may be writable again soon. Where it is by now, one more try is enough.
        if [ "$tries" -lt 9 ]; then sleep 0.1; else [ ! -w "$home" ] || tries=59; sleep 1; fi
        tries=$((tries + 1))
    done
}

# One waits for the end of the loop, the other for that of stdin; either can be killed.
{
    trap '' HUP INT TERM PIPE
    exec 4<a || exit
    {
        exec >/dev/null
        while read -r text; do :; done
        echo q >&3
        exec 3>&-
        tidy
    } <&5 5<&- &
    exec 3>&- 5<&-
    tidy "$!"
} &
exec 5<&-
ready

# Removes what agents of an earlier Lapce left: those whose pipe `a` has no writer. To read from it waits for as
# long as it has one. Without that pipe it may be one that starts just now; so it is removed by the second who sees it.
# Started by a shell that ends, so that nobody has to wait for it.
({
    exec >/dev/null 3>&- 4>&-
    cd .. && readers=
    for old in agent-*; do
        [ "$old" != "$name" ] && [ -d "$old" ] || continue
        if [ ! -p "$old/a" ] && [ ! -e "$old/seen" ]; then
            : >"$old/seen"
            continue
        fi
        {
            [ -p "$old/a" ] || sleep 1
            [ ! -p "$old/a" ] || { exec 5<>"$old/a" 6<"$old/a" 5>&- && ! read -r text <&6; } && remove "$old"
        } &
        readers="$readers $!"
    done
    [ -n "$readers" ] && sleep 2 && kill -KILL $readers
} &)

now=0 serial=0
waiting= alarm= alarm_id= sleeper=
armed= need=0 pause=0 gate= keeper= open=
# Of the wake-up that was asked for: lines that came since, what is left of EXTRA, and whether they were counted once for it.
lines=0 extra=0 once=
# Empty: the last wake-up has come. 0: it was sent. Otherwise another is due, at c or after the pause of this ID.
sent=
free='5 6 7 8 9 '

# Writes a line to ctl after $1 milliseconds. No `sleep` is longer than a second: it outlives its parent.
later() {
    serial=$((serial + 1))
    {
        exec >&3 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
        ms=$1
        while [ "$ms" -ge 1000 ]; do
            sleep 1 >/dev/null 3>&-
            [ -p ctl ] || exit
            ms=$((ms - 1000))
        done
        ms=$((ms + 1000))
        sleep "0.${ms#1}" >/dev/null 3>&-
        echo "$2 $serial"
    } &
}

# Sees to it that an alarm comes for the next request that is due. One that comes too early for a later start is
# cheaper than a new one for each key.
plan() {
    next=
    for entry in $waiting; do
        at=${entry#*:} at=${at%%:*}
        [ -n "$next" ] && [ "$next" -le "$at" ] || next=$at
    done
    [ -n "$next" ] || return
    [ "$next" -le "$((now + 1000))" ] || next=$((now + 1000))
    [ -z "$alarm" ] || [ "$alarm" -gt "$next" ] || return
    [ -z "$alarm" ] || { kill -KILL "$sleeper"; wait "$sleeper"; }
    alarm=$next
    later "$((next - now))" d
    alarm_id=$serial sleeper=$!
}

# Removes the files of request $1.
clear_away() { rm -f "i$1" "b$1" "h$1" "p$1" "o$1" "c$1" "l$1" "e$1" "s$1" "t$1"; }

# Takes request $1 out of those that wait.
unqueue() {
    rest=
    for entry in $waiting; do
        [ "${entry%%:*}" = "$1" ] || rest="$rest $entry"
    done
    waiting=$rest
}

# Lets request $1 go, with its body in a file if $2 is 1, instead of request $3.
launch() {
    [ "$3" = 0 ] || {
        [ "$armed" != "$3" ] || { armed=$1 need=0 open= lines=0 once= && drop_gate; }
        forget "$3"
    }
    # The disk has become read-only: no request can be served, and its answer must not be waited for.
    [ -w . ] || exit
    # The plugin takes iK away when it gives a request up.
    [ -p "i$1" ] && [ -p "l$1" ] || return
    [ -n "$free" ] || { echo 1001 1<>"s$1"; clear_away "$1"; ended "$1"; return; }
    fd=${free%% *} free=${free#* }
    eval "leash$1=$fd got$1=0; exec $fd<>l$1"
    mind "$1" "$2" &
    eval "mind$1=$!"
    [ "$2" != 2 ] || { later 10000 "f $1"; eval "limit$1=$!"; }
}

# Closes the leash of request $1.
release() {
    eval "fd=\$leash$1 leash$1= begun$1="
    [ -z "$fd" ] || { eval "exec $fd>&-" && free="$free$fd "; }
}

ended() {
    eval "ended$1=1"
    [ "$armed" != "$1" ] || wake
}

# Kills $1 and the processes that descend from it, where it has no session of its own (macOS). A parent that is stopped waits for
# no child, so that the numbers of its children remain theirs.
fell() {
    kill -STOP "$1"
    for child in $(ps -A -o pid= -o ppid= | while read -r pid parent; do [ "$parent" != "$1" ] || echo "$pid"; done); do
        fell "$child"
    done
    kill -KILL "$1"
}

# Runs curl for request $1 until it ends or the leash does. To open something fails only if the folder is gone.
mind() {
    k=$1 body=$2 curl= tee=
    trap 'kill -KILL $curl $tee' EXIT
    exec 4<&- 5>&- 6>&- 7>&- 8>&- 9>&-
    exec 9<>"l$k" 4<"l$k" 9<&- 1<>"s$k" 2>"e$k" <"e$k" || exit
    exec 9<>"i$k" 8<"i$k" 9<&- || exit
    exec 9<>"p$k" 5>"p$k" 6<"p$k" 9<&- || exit
    exec 9<>"o$k" 7>"o$k" 9</dev/null || exit
    group=
    set -- curl -q -K -
    if [ "$body" = 2 ]; then
        # In a session of its own all that the command starts can be killed at once.
        set -- sh
        ! command -v setsid >/dev/null || { group=- && set -- setsid sh; }
    elif [ "$body" = 1 ]; then
        exec 9<"b$k" || exit
        if [ -e /dev/fd/9 ]; then
            rm -f "b$k"
            set -- "$@" --data-binary @/dev/fd/9
        else
            set -- "$@" --data-binary "@b$k"
        fi
    fi
    # One read takes all of the config, for it was written before. ksh closes 9 unless told again.
    dd bs=65536 count=1 <&8 2>/dev/null 3>&- 4<&- 5>&- 6<&- 7>&- 8<&- 9<&- |
        "$@" >&5 9<&9 3>&- 4<&- 5>&- 6<&- 7>&- 8<&- &
    curl=$group$!
    exec 5>&- 8<>"c$k" || exit
    exec 9<>"t$k" 5>"t$k" 9<"t$k" || exit
    second=c$k
    # tee takes 8 KiB at once and writes them to its stdout first. If that is all of what oK holds, the copy comes before,
    # or nobody knew that oK is full. Who is woken too early asks again.
    [ "$room" -gt 8192 ] || { second=o$k && exec 7>&8; }
    tee "$second" <&6 >&7 2>&5 3>&- 4<&- 5>&- 6<&- 7>&- 8<&- 9<&- &
    tee=$!
    exec 5>&- 6<&- 7>&-
    {
        exec 4<&- 8<&-
        while read -r text <&9; do :; done
        echo "f $k" >&3
    } &
    last=$!
    exec 9<&-
    echo "b $k" >&3
    # Ends when the loop lets go: after f, after x, with the loop itself. What has ended keeps its exit code.
    read -r text <&4
    [ "$body$group" != 2 ] || fell "$curl"
    kill -KILL "$curl" "$tee"
    trap - EXIT
    wait "${curl#-}"
    code=$?
    wait "$tee" "$last"
    words=
    while IFS= read -r text || [ -n "$text" ]; do
        case $text in 'curl: ('*) words=$text ;; esac
    done
    printf '%s %s\n' "$code" "$words"
    clear_away "$k"
    echo "e $k" >&3
}

# Waits in the background for bytes in the copy, while curl runs and unless that is done already. Those up to $2 are
# looked at alone: the plugin has read them. They are looked at $3 seconds later if that is not empty.
watch() {
    eval "[ -n \"\$begun$1\" ] && [ -z \"\$watch$1\" ]" && [ -p "c$1" ] || return
    eval "size=\$(($2 - \${got$1:-0}))" nap=$3
    # Lines are not waited for: many pieces are taken together.
    [ "$size" -gt 0 ] || [ "$armed $pause" != "$1 -" ] || nap=0.25
    [ "$size" -gt 0 ] && [ "$size" -le 65536 ] || size=65536
    {
        exec >&3 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
        exec 9<>"c$1" 8<"c$1" 9<&- || exit
        # If the pipe has just been removed, that made a file.
        [ -p "c$1" ] || rm -f "c$1"
        [ -z "$nap" ] || sleep "$nap" >/dev/null 3>&- 8<&-
        LC_ALL=C
        export LC_ALL
        # The bytes, and behind them what dd says about their number.
        eval "last=\$last$1"
        text=$last$(dd bs="$size" count=1 <&8 2>&1 3>&-)
        count=${text##*out} count=${count#?} count=${count%% *}
        # That of busybox counts records alone, as POSIX asks for.
        [ -n "$count" ] || { rest=${text%?+?' records in'*}; count=$((${#rest} - ${#last})); }
        last=
        case $text in
            *'[DONE]'* | *message_stop* | *response.completed* | *response.incomplete* | *'"done":true'* | *'"stop":true'*)
                found=e
                ;;
            *)
                found=0 rest=$text
                while case $rest in *'\n'*) [ "$found" -lt 3 ] ;; *) false ;; esac; do
                    found=$((found + 1)) rest=${rest#*'\n'}
                done
                ;;
        esac
        # A read can cut the end in two. In much text the search takes too long.
        if [ "$found" != e ] && [ "${count:-0}" -le 4096 ]; then
            last=${text%[0-9]+[0-9]*records in*} last=${last##*[!\[A-Za-z_.:\"]}
            rest=${last%??????????????????}
            [ "$rest" = "$last" ] || last=${last#"$rest"}
        fi
        echo "g $1 ${count:-0} $found $last"
    } &
    eval "watch$1=$!"
}

# Forgets what was to wake the plugin.
disarm() {
    armed= open=
    drop_gate
}

# Ends the pause before a wake-up.
drop_gate() {
    [ -z "$sent" ] || sent=0
    [ -z "$gate" ] || { gate= && kill -KILL "$keeper" && wait "$keeper"; }
}

# Runs search $1 in folder $2 for expression $3 in files $4, for three seconds at most. Nothing of it is ever part of a
# command but as one argument, and programs that would run others by what they find in a repository (git) are none of it.
seek() {
    exec >/dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
    # Programs are looked for here: where PATH has relative parts, $2 may have programs of its own.
    rg=$(command -v rg) grep=$(command -v grep)
    {
        cd "$2" || exit
        # In units of 512 bytes (of 1024 in bash), and seconds.
        ulimit -f 256
        ulimit -t 3
        if [ -n "$rg" ]; then
            exec "$rg" --no-config --no-messages --no-require-git --no-heading --color never -nH -A 5 -m 8 -M 400 -j 1 \
                --max-filesize 256K --type-add "w:$4" -t w -e "$3" .
        fi
        "$grep" -rs --include=.gitignore --exclude-dir=node_modules -e . .
        exec "$grep" -rnIsE -A 5 -m 8 --include="$4" --exclude-dir='.?*' --exclude-dir=node_modules \
            --exclude-dir=target -e "$3" .
    } >"z$1" &
    finder=$!
    { sleep 1 && sleep 1 && sleep 1 && kill -KILL "$finder"; } &
    wait "$finder"
    kill -KILL "$!"
    mv "z$1" "y$1"
}

# Lets go of request $1, and of what is known about it.
forget() {
    release "$1"
    eval "unset got$1 line$1 over$1 read$1 last$1 ended$1"
}

# Wakes up, once the last wake-up has come.
wake() {
    if [ "$sent" = 0 ]; then
        drop_gate
        hold 500
        sent=$gate
    elif [ -z "$sent" ]; then
        disarm
        sent=0
        send "$note"
    fi
}

# Begins the pause before the wake-up.
hold() {
    if [ "$1" -gt 0 ]; then
        later "$1" o
        gate=$serial keeper=$!
    else
        open=1
    fi
}

# Wakes up if there is a line that was not read and the pause is over, or the end of the answer, or so much of anything
# that the pipes fill; else sees to it that this is noticed.
look() {
    eval "got=\${got$armed:-0} line=\${line$armed:-0} over=\${over$armed:-0} ended=\$ended$armed"
    [ "$got" -le "$need" ] || [ -n "$gate$open" ] || [ "$pause" = - ] || hold "$pause"
    if [ -n "$open" ] && [ "$line" -gt "$need" ] || [ "$over" -gt "$need" ] || [ "$got" -ge $((need + room)) ] || [ -n "$ended" ]; then
        wake
    elif [ -z "$gate" ]; then
        watch "$armed" "$need"
    elif [ "$extra" -gt 0 ] && [ -z "$once" ]; then
        # One look during the pause tells how fast the model writes.
        once=1
        watch "$armed" "$need" 0.15
    fi
}

while read -r command k n m body old <&3; do
    case $command in
        s)
            [ "$m" -le "$now" ] || now=$m
            unqueue "$k"
            if [ "$n" = 0 ]; then
                launch "$k" "$body" "$old"
            else
                waiting="$waiting $k:$((now + n)):$body:$old"
                plan
            fi
            [ "$k" -le "$((made - 6))" ] || more
            ;;
        u)
            [ "$armed" != "$k" ] || disarm
            unqueue "$k"
            ;;
        d)
            [ "$k" = "$alarm_id" ] || continue
            wait "$sleeper"
            [ "$alarm" -le "$now" ] || now=$alarm
            alarm= due=$waiting waiting=
            for entry in $due; do
                at=${entry#*:} rest=${at#*:} at=${at%%:*}
                if [ "$at" -le "$now" ]; then
                    launch "${entry%%:*}" "${rest%:*}" "${rest#*:}"
                else
                    waiting="$waiting $entry"
                fi
            done
            plan
            ;;
        x)
            [ "$armed" != "$k" ] || disarm
            case "$waiting " in
                *" $k:"*)
                    unqueue "$k"
                    clear_away "$k"
                    ;;
            esac
            forget "$k"
            ;;
        w)
            disarm
            armed=$k pause=$n need=$m extra=$body lines=0 once=
            eval "got=\${got$k:-0} ended=\$ended$k"
            if [ -n "$ended" ]; then
                wake
                continue
            fi
            # Before the first byte the pause has not begun.
            [ "$got$need" = 00 ] || [ "$pause" = - ] || hold "$pause"
            look
            ;;
        g)
            eval "wait \"\$watch$k\"; unset watch$k; got=\$got$k read=\${read$k:-0}"
            # Nothing: the end is near. No count: it was stopped.
            [ "$n" -gt 0 ] && [ -n "$got" ] || continue
            got=$((got + n))
            eval "got$k=$got last$k=\$body"
            [ "$m" = 0 ] || eval "line$k=$got"
            [ "$m" != e ] || eval "over$k=$got" m=0
            if [ "$armed" = "$k" ]; then
                lines=$((lines + m))
                look
            elif [ "$got" -lt "$read" ]; then
                watch "$k" "$read"
            fi
            ;;
        r)
            eval "read$k=$n got=\${got$k:-0}"
            [ "$got" -ge "$n" ] || watch "$k" "$n"
            ;;
        o)
            [ "$k" = "$gate" ] || continue
            wait "$keeper"
            if [ "$k" = "$sent" ]; then
                sent=
            elif [ "$lines" -ge 3 ] && [ "$extra" -gt 0 ]; then
                hold "$extra"
                extra=0
                continue
            fi
            gate= open=1
            if [ "$armed" = t ]; then wake; else look; fi
            ;;
        c)
            if [ "${sent:-0}" = 0 ]; then
                sent=
            else
                drop_gate
                sent=
                wake
            fi
            ;;
        t)
            disarm
            armed=t extra=0
            hold "$k"
            [ -z "$open" ] || wake
            ;;
        l)
            set --
            {
                # No line of a search is empty: this one ends the reading.
                echo >&8
                while IFS= read -r text <&8 && [ -n "$text" ]; do set -- "$@" "$text"; done
            } 8<>q
            # The next search may be there already; its l finds nothing then.
            while [ $# -ge 4 ]; do
                seek "$1" "$2" "$3" "$4" &
                shift 4
            done
            ;;
        v) rm -f "y$k" ;;
        b)
            eval "[ -z \"\$leash$k\" ]" || eval "begun$k=1"
            [ "$armed" != "$k" ] || watch "$k" "$need"
            ;;
        f) release "$k" ;;
        e)
            release "$k"
            eval "wait \"\$mind$k\"; limit=\$limit$k; unset mind$k leash$k begun$k limit$k; got=\$got$k"
            [ -z "$limit" ] || { kill -KILL "$limit"; wait "$limit"; }
            # No count: it was stopped.
            [ -z "$got" ] || ended "$k"
            ;;
        q) break ;;
    esac
done
cd "$home"
remove "$name"
# Where a folder was seen at the start and has no pipe by now, no agent starts any more.
for old in agent-*; do
    [ ! -e "$old/seen" ] || [ -p "$old/a" ] || remove "$old"
done
