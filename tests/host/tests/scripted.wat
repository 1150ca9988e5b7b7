;; A volt that does what files tell it: on its nth message it obeys the lines of the file "n" in its folder.
;;   {...}      is written to standard output and handed to the host; a reply is passed on to standard error
;;   @URL       is fetched with the host's HTTP client; the body is handed to the host as a message
;;   +          grows the memory by one page
;;   !          traps
;; Numbers go up to 99. Files and bodies must fit into 32 KiB.
(module
  (import "lapce" "host_handle_rpc" (func $handle_host))
  (import "lapce" "host_handle_stderr" (func $handle_stderr))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_experimental_http" "req"
    (func $req (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_experimental_http" "body_read" (func $body_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_experimental_http" "close" (func $http_close (param i32) (result i32)))
  (memory (export "memory") 2)
  ;; 0: iovec (pointer, length)   8: count   12: file descriptor   16: file name   24: HTTP status   28: handle
  ;; 32: "GET"   1024: messages and replies   65536: script
  (data (i32.const 32) "GET")
  (global $message (mut i32) (i32.const 0))

  ;; Reads all of a file into memory at $to and returns its length.
  (func $read_all (param $fd i32) (param $to i32) (result i32)
    (local $length i32)
    (loop $more
      (i32.store (i32.const 0) (i32.add (local.get $to) (local.get $length)))
      (i32.store (i32.const 4) (i32.sub (i32.const 32768) (local.get $length)))
      (i32.store (i32.const 8) (i32.const 0))
      (drop (call $fd_read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $length (i32.add (local.get $length) (i32.load (i32.const 8))))
      (br_if $more (i32.load (i32.const 8))))
    (local.get $length))

  (func $write (param $fd i32) (param $from i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $from))
    (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))

  ;; Hands one message to the host and passes a reply on.
  (func $say (param $from i32) (param $length i32)
    (local $reply i32)
    (call $write (i32.const 1) (local.get $from) (local.get $length))
    (call $handle_host)
    (local.set $reply (call $read_all (i32.const 0) (i32.const 1024)))
    (if (local.get $reply)
      (then
        (call $write (i32.const 2) (i32.const 1024) (local.get $reply))
        (call $handle_stderr))))

  (func $fetch (param $url i32) (param $length i32)
    (if (i32.eqz (call $req (local.get $url) (local.get $length) (i32.const 32) (i32.const 3)
                   (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 24) (i32.const 28)))
      (then
        (drop (call $body_read (i32.load (i32.const 28)) (i32.const 1024) (i32.const 32768) (i32.const 8)))
        (drop (call $http_close (i32.load (i32.const 28))))
        (call $say (i32.const 1024) (i32.load (i32.const 8))))))

  (func (export "handle_rpc")
    (local $at i32) (local $end i32) (local $line i32) (local $first i32) (local $name i32)
    (drop (call $read_all (i32.const 0) (i32.const 1024)))
    (global.set $message (i32.add (global.get $message) (i32.const 1)))
    ;; The file's name: one or two digits.
    (if (i32.ge_u (global.get $message) (i32.const 10))
      (then
        (i32.store8 (i32.const 16) (i32.add (i32.const 48) (i32.div_u (global.get $message) (i32.const 10))))
        (local.set $name (i32.const 1))))
    (i32.store8 (i32.add (i32.const 16) (local.get $name))
      (i32.add (i32.const 48) (i32.rem_u (global.get $message) (i32.const 10))))
    (br_if 0
      (call $path_open (i32.const 3) (i32.const 0) (i32.const 16) (i32.add (local.get $name) (i32.const 1))
        (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 12)))
    (local.set $end
      (i32.add (i32.const 65536) (call $read_all (i32.load (i32.const 12)) (i32.const 65536))))
    (drop (call $fd_close (i32.load (i32.const 12))))
    (local.set $at (i32.const 65536))
    (block $done
      (loop $lines
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $line (local.get $at))
        (block $line_end
          (loop $bytes
            (br_if $line_end (i32.ge_u (local.get $at) (local.get $end)))
            (br_if $line_end (i32.eq (i32.load8_u (local.get $at)) (i32.const 10)))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $bytes)))
        (local.set $first (i32.load8_u (local.get $line)))
        (if (i32.eq (local.get $first) (i32.const 33)) (then unreachable))
        (if (i32.eq (local.get $first) (i32.const 43)) (then (drop (memory.grow (i32.const 1)))))
        (if (i32.eq (local.get $first) (i32.const 123))
          (then (call $say (local.get $line) (i32.sub (local.get $at) (local.get $line)))))
        (if (i32.eq (local.get $first) (i32.const 64))
          (then
            (call $fetch (i32.add (local.get $line) (i32.const 1))
              (i32.sub (i32.sub (local.get $at) (local.get $line)) (i32.const 1)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $lines)))))
