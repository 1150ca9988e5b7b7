# The agent for Windows PowerShell 5.1 and curl.exe; see agent.sh for what it does. Different from there:
#   commands   come as requests on stdin, {"method":"agent","params":"s 1 300 0 0 0"}, and are answered at once
#   answers    go to growing files: curl writes heads to hK itself, and the body to a pipe that is copied to oK. So an
#              unread answer does not slow the server down, and curl ends when this process is terminated
#   wake-ups   while one is asked for, oK is looked at 30 times a second
# The text before this one sets $volt and $name. No double quotes: the whole text is one argument of a command line.
# An exception of .NET ends its statement only. Inside of `try`, with or without `catch`, it would end the whole block:
# so there is none.
$ErrorActionPreference = 'SilentlyContinue'
# What curl reads would begin with a byte order mark where the console's code page is UTF-8.
[Console]::InputEncoding = New-Object Text.UTF8Encoding $false
$folder = Join-Path $volt $name
$stdin = [Console]::OpenStandardInput()
$stdout = [Console]::OpenStandardOutput()
$clock = [Diagnostics.Stopwatch]::StartNew()
$quote = [string][char]34
$requests = @{}
# What is to wake the plugin: a request, t for a timer, or nothing. When it may at the earliest, -1 before the first byte.
$script:armed = ''
$script:at = -1
$script:pause = 0
# How much later, in ms, if the model writes fast: three lines within 150 ms of the first byte.
$script:extra = 0
# Of that request's answer: what the plugin has read and what was looked at, in bytes; whether a line feed of text or the
# end of an answer came behind what is read, and how many line feeds came early.
$script:read = 0
$script:seen = 0
$script:line = $false
$script:done = $false
$script:lines = 0
# When the last wake-up was sent, -1 if it has come.
$script:sent = -1
$script:over = $false

# Sends a message; ' stands for a double quote.
function Send($text) {
    $bytes = [Text.Encoding]::UTF8.GetBytes($text.Replace([string][char]39, $quote))
    $head = [Text.Encoding]::ASCII.GetBytes('Content-Length: ' + $bytes.Length + [char]13 + [char]10 + [char]13 + [char]10)
    $stdout.Write($head, 0, $head.Length)
    $stdout.Write($bytes, 0, $bytes.Length)
    $stdout.Flush()
}

function Wake {
    $script:sent = $clock.ElapsedMilliseconds
    $script:armed = ''
    Send '{''jsonrpc'':''2.0'',''method'':''experimental/serverStatus'',''params'':{''health'':''ok'',''quiescent'':true}}'
}

function Watch-Request($k, $from) {
    $script:armed = $k
    $script:read = $from
    $script:seen = $from
    $script:line = $false
    $script:done = $false
    $script:lines = 0
}

# Looks at what has come of the answer to the request that is to wake the plugin.
function Look-At($file, $now) {
    $length = $file.Length
    if ($length -gt $seen) {
        if ($at -lt 0) { $script:at = $now + $pause }
        # Two reads can have an end of an answer between them.
        $from = [Math]::Max($read, $seen - 20)
        $new = [IO.File]::Open((Path-Of o $armed), 'Open', 'Read', 'ReadWrite, Delete')
        $new.Position = $from
        $bytes = New-Object byte[] ([int]($length - $from))
        $count = $new.Read($bytes, 0, $bytes.Length)
        $new.Close()
        $text = [Text.Encoding]::ASCII.GetString($bytes, 0, $count)
        if ($now -le $at - $pause + 150) {
            $early = $text.Substring([Math]::Min($count, [int]($seen - $from)))
            $script:lines = $lines + [regex]::Matches($early, '\\n').Count
        }
        $script:seen = $from + $count
        if ($text.Contains('\n')) { $script:line = $true }
        if ($text -match '\[DONE\]|message_stop|response\.(completed|incomplete)|.done.:true|.stop.:true') { $script:done = $true }
    }
}

function Path-Of($kind, $k) { Join-Path $folder ($kind + $k) }

# Starts a program without a window, whose stdin is ours to write to.
function Run-Program($program, $arguments, $in, $reads) {
    $start = New-Object Diagnostics.ProcessStartInfo $program, $arguments
    $start.WorkingDirectory = $in
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    $start.RedirectStandardInput = $true
    $start.RedirectStandardOutput = $reads
    [Diagnostics.Process]::Start($start)
}

# curl gets its config through stdin, so that nothing of it is on a command line; the file is gone before.
function Launch($k) {
    $old = $requests[$k].old
    $command = $requests[$k].body -eq '2'
    if ($requests[$old]) {
        if ($armed -eq $old) { Watch-Request $k 0; $script:at = -1 }
        Stop-Request $old
    }
    $path = Path-Of i $k
    $config = [IO.File]::ReadAllBytes($path)
    [IO.File]::Delete($path)
    if ($command) {
        $process = Run-Program 'powershell.exe' '-NoProfile -NonInteractive -Command -' $folder $true
    } else {
        $process = Run-Program 'curl.exe' '-q -K -' $folder $true
    }
    if ($process) {
        $process.StandardInput.BaseStream.Write($config, 0, $config.Length)
        $process.StandardInput.Close()
        # Without a buffer, so that what has come is there to be read.
        $file = New-Object IO.FileStream (Path-Of o $k), 'OpenOrCreate', 'Write', 'ReadWrite, Delete', 1
        $copying = $process.StandardOutput.BaseStream.CopyToAsync($file)
        $requests[$k] = @{ process = $process; file = $file; copying = $copying; due = -1; ended = $false; code = '' }
        if ($command) { $requests[$k].late = $clock.ElapsedMilliseconds + 10000 }
    } else {
        # What a shell says of a program that it cannot start.
        [IO.File]::AppendAllText((Path-Of s $k), ('127 ' + [char]10))
        $requests[$k] = @{ due = -1; ended = $true }
    }
}

function Stop-Request($k) {
    $request = $requests[$k]
    $requests.Remove($k)
    if ($request.process) {
        if (-not $request.process.HasExited) { $request.process.Kill() }
        $request.process.WaitForExit(1000) | Out-Null
        $request.file.Close()
    }
    foreach ($kind in 'i', 'b', 'h', 'o', 'e', 's') { [IO.File]::Delete((Path-Of $kind $k)) }
}

# The exit code and curl's last message, written after the last byte of the body.
function Finish($k) {
    $request = $requests[$k]
    $request.ended = $true
    $code = [string]$request.process.ExitCode
    $words = ''
    $request.copying.Wait(1000) | Out-Null
    $request.file.Close()
    if ($request.late) {
        if ($request.code) { $code = $request.code }
    } else {
        $words = [IO.File]::ReadAllLines((Path-Of e $k)) | Where-Object { $_.StartsWith('curl: (') } | Select-Object -Last 1
    }
    [IO.File]::AppendAllText((Path-Of s $k), ($code + ' ' + $words + [char]10))
}

function Run($line) {
    $part = $line.Split(' ')
    $k = $part[1]
    switch -CaseSensitive ($part[0]) {
        's' {
            $due = $clock.ElapsedMilliseconds + [long]$part[2]
            $requests[$k] = @{ process = $null; due = $due; body = $part[4]; old = $part[5]; ended = $false }
        }
        'u' { $requests.Remove($k); if ($armed -eq $k) { $script:armed = '' } }
        'x' { Stop-Request $k; if ($armed -eq $k) { $script:armed = '' } }
        'w' {
            Watch-Request $k ([long]$part[3])
            $script:pause = if ($part[2] -eq '-') { [int]::MaxValue } else { [long]$part[2] }
            $script:extra = [long]$part[4]
            $script:at = if ($read -gt 0) { $clock.ElapsedMilliseconds + $pause } else { -1 }
        }
        't' { $script:armed = 't'; $script:at = $clock.ElapsedMilliseconds + [long]$k }
        'c' { $script:sent = -1 }
        'q' { $script:over = $true }
    }
}

# Does what is due; the milliseconds until there may be something again, -1 if only a command can bring that.
function Step {
    $now = $clock.ElapsedMilliseconds
    $next = -1
    foreach ($k in @($requests.Keys)) {
        $request = $requests[$k]
        if ($request.due -ge 0) {
            if ($request.due -le $now) { Launch $k; $request = $requests[$k] }
            elseif ($next -lt 0 -or $request.due - $now -lt $next) { $next = $request.due - $now }
        }
        if ($request.process -and -not $request.ended) {
            if ($request.late -and $request.late -le $now -and -not $request.code) {
                $request.code = '137'
                $request.process.Kill()
            }
            if ($request.process.HasExited) { Finish $k } else { $next = 30 }
        }
    }
    $due = $false
    if ($armed -eq 't') {
        $due = $at -le $now
        if (-not $due -and ($next -lt 0 -or $at - $now -lt $next)) { $next = $at - $now }
    } elseif ($armed -and $requests[$armed].ended) {
        $due = $true
    } elseif ($armed -and $requests[$armed].file) {
        Look-At $requests[$armed].file $now
        if ($lines -ge 3 -and $at -le $now) {
            $script:at = $at + $extra
            $script:extra = 0
        }
        $due = $done -or ($line -and $at -le $now)
    }
    # Not before the last one has come. If it has not in half a second, the editor has lost it.
    if ($due -and $sent -ge 0 -and $now -lt $sent + 500) { $next = 30 } elseif ($due) { Wake }
    $next
}

# Folders of agents that have ended: nobody keeps their ctl open. One without a ctl may just be starting, unless it is old.
foreach ($old in [IO.Directory]::GetDirectories($volt, 'agent-*')) {
    $free = $null
    $ctl = Join-Path $old 'ctl'
    $free = [IO.File]::Open($ctl, 'Open', 'ReadWrite', 'None')
    $is_old = [IO.Directory]::GetLastWriteTime($old) -lt (Get-Date).AddHours(-1)
    if ($free) { $free.Close() }
    if ($free -or ($is_old -and -not [IO.File]::Exists($ctl))) { [IO.Directory]::Delete($old, $true) }
}
[IO.Directory]::CreateDirectory($folder) | Out-Null
if (-not (Get-Command curl.exe)) { [IO.File]::WriteAllText((Join-Path $folder 'why'), 'no-curl') }
# Held open, so that the plugin and other agents know that this one lives.
$held = [IO.File]::Open((Join-Path $folder 'ctl'), 'OpenOrCreate', 'ReadWrite', 'Read')
# Lapce ends this process by force. Then the stdin of this one ends, which removes the folder.
$tidy = Run-Program 'cmd.exe' ('/d /c findstr x >nul & ping -n 2 127.0.0.1 >nul & rd /s /q ' + $name) $volt $false

$buffer = New-Object byte[] 65536
$pending = New-Object IO.MemoryStream
$task = $stdin.ReadAsync($buffer, 0, $buffer.Length)
while (-not $over) {
    if (-not $task.Wait([int](Step))) { continue }
    # Also where this PowerShell may call no methods, so that there is no task.
    if ($task.IsFaulted -or -not ($task.Result -gt 0)) { break }
    $pending.Write($buffer, 0, $task.Result)
    $task = $stdin.ReadAsync($buffer, 0, $buffer.Length)
    while ($true) {
        # ISO 8859-1 has one character for each byte.
        $text = [Text.Encoding]::GetEncoding(28591).GetString($pending.ToArray())
        $head = [regex]::Match($text, 'Content-Length: *(\d+)\r\n\r\n')
        if (-not $head.Success) { break }
        $begin = $head.Index + $head.Length
        $length = [int]$head.Groups[1].Value
        if ($text.Length -lt $begin + $length) { break }
        $bytes = $pending.ToArray()
        # If it is none, no variable is set, and the last message must not be taken for it.
        $message = $null
        $message = ConvertFrom-Json ([Text.Encoding]::UTF8.GetString($bytes, $begin, $length))
        $pending.SetLength(0)
        $pending.Write($bytes, $begin + $length, $bytes.Length - $begin - $length)
        if ($message.method -eq 'agent') { Run $message.params }
        if ($message.method -eq 'initialize') { $result = '{''capabilities'':{}}' } else { $result = 'null' }
        if ($null -ne $message.id) { Send ('{''jsonrpc'':''2.0'',''id'':' + $message.id + ',''result'':' + $result + '}') }
    }
}

foreach ($k in @($requests.Keys)) { Stop-Request $k }
$held.Close()
# A file is gone only when Lapce, which may be closing, has closed it too.
foreach ($try in 1..9) {
    [IO.Directory]::Delete($folder, $true)
    if (-not [IO.Directory]::Exists($folder)) { break }
    Start-Sleep -Milliseconds 100
}
