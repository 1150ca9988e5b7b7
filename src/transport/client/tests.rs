//! A real agent with a real curl, under every shell that is installed, against servers on loopback. Only the sandbox is
//! missing: here the volt's folder has one path for both sides.

mod commands;
mod desk;
mod server;

use std::fs;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use super::*;
use crate::completion::simulation::dice::Dice;
use crate::http::{Secret, Url};
use crate::transport::agent_host::Access;
use crate::transport::{COMMAND_SECONDS, Limits, NotBefore, Output, Reply};
use desk::{Desk, Folder, Lapce, Shell, commands, shells, until};
use server::{OK, Received, answer, echo, relay, serve, stall};
use std::time::{Duration, Instant};

const KEY: &str = r#"sk-"quoted\n\"and@#'$(id)"#;
/// Longer than any test.
const NEVER: u64 = 3_600_000;

fn post(url: &str) -> HttpRequest {
    HttpRequest {
        url: Url::parse(url).unwrap(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        secret_headers: vec![("authorization".to_owned(), Secret::new(KEY))],
        body: Some(b"{\"prompt\":\"\\n@x\"}".to_vec()),
    }
}

fn number(number: u64) -> RequestNumber {
    RequestNumber(number)
}

const ONE: RequestNumber = RequestNumber(1);
const TWO: RequestNumber = RequestNumber(2);

fn failure(event: TransportEvent) -> Failure {
    match event {
        TransportEvent::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

/// The agent's folder may not be listed.
fn make_readable(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
}

fn every_shell(test: impl Fn(Shell)) {
    for shell in shells() {
        test(shell);
    }
}

/// A file below a folder.
fn write(root: &Folder, name: &str, text: &str) {
    let path = root.path.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn a_search_finds_lines_of_files_and_runs_nothing_it_is_given() {
    every_shell(|shell| {
        let (mut desk, root) = (Desk::new(shell), Folder::new());
        let path = root.path.to_str().unwrap().to_owned();
        write(&root, "src/a b.rs", "// first\npub fn total(\n    x: u8,\n) {}\n");
        write(&root, ".hidden/x.rs", "fn total() {}\n");
        write(&root, "notes.txt", "fn total() {}\n");
        desk.client.search(&path, "fn[[:space:]]+(total|sum)([^A-Za-z0-9_]|$)", "*.rs");
        let found = until("something is found", || desk.client.found());
        assert!(
            found.contains("./src/a b.rs:2:pub fn total(\n./src/a b.rs-3-    x: u8,\n"),
            "{shell:?}: {found}"
        );
        assert!(!found.contains("hidden") && !found.contains("notes"), "{shell:?}: {found}");
        assert_eq!(desk.client.found(), None, "once");
        for hostile in
            ["$(touch pwned)`touch pwned`", "'; touch pwned; '", "\"; touch pwned; \"", "-e x --pre ./x"]
        {
            desk.client.search(&path, hostile, hostile);
            until("nothing is found", || desk.client.found());
            assert!(!root.path.join("pwned").exists(), "{shell:?}: {hostile}");
        }
        // Whether the agent comes to them one by one or at once, what counts is the newest.
        desk.client.search(&path, "total", "*.rs");
        desk.client.search(&path, "total", "*.txt");
        let found = until("something is found", || desk.client.found());
        assert!(found.contains("./notes.txt:1:fn total() {}"), "{shell:?}: {found}");
        // No folder, or none of one line: nothing is searched.
        for root in ["relative", "", "/a\nb", "/no/such/folder"] {
            desk.client.search(root, "x", "*");
        }
        desk.sends_again();
    });
}

/// Puts programs into a folder and its `bin`. Each of them makes a file in `marks`.
fn plant(programs: &[&str], root: &Folder, marks: &Folder) {
    for name in programs {
        for folder in ["", "bin/"] {
            let name = format!("{folder}{name}");
            let text = format!("#!/bin/sh\n: >'{}'\n", marks.path.join("run").to_str().unwrap());
            // The quotes in the name of the folder.
            write(root, &name, &text.replace("\"'s", "\"'\\''s"));
            make_readable(&root.path.join(name));
        }
    }
}

#[test]
fn the_agent_runs_no_program_of_the_folder_that_the_editor_was_started_in() {
    every_shell(|shell| {
        let (root, marks) = (Folder::new(), Folder::new());
        plant(&["dd", "uname", "mkdir", "mkfifo", "mv", "rm", "curl", "tee", "sleep"], &root, &marks);
        let whole = std::env::var("PATH").unwrap();
        for path in [format!("./bin:{whole}"), format!(":{whole}")] {
            let mut lapce = Lapce::new(shell).with("PATH", &path);
            lapce.started_in = root.path.clone();
            let mut desk = Desk::on(lapce, Options::default());
            desk.sends_again();
            assert_eq!(marks.files(), [""; 0], "{shell:?} {path}");
            desk.close();
        }
    });
}

#[test]
fn a_search_runs_no_program_of_the_folder_it_searches() {
    every_shell(|shell| {
        let (root, marks) = (Folder::new(), Folder::new());
        write(&root, "a.rs", "fn total() {}\n");
        plant(&["rg", "grep", "sleep", "mv"], &root, &marks);
        let (bare, whole) = (commands(shell, ""), std::env::var("PATH").unwrap());
        let bare = bare.path.to_str().unwrap();
        for (path, finds) in [
            // Relative parts of PATH; one that is empty is the folder itself.
            (format!("./bin:{whole}"), true),
            (format!(":{whole}"), true),
            (format!("{bare}:./bin"), false),
        ] {
            let mut desk = Desk::on(Lapce::new(shell).with("PATH", &path), Options::default());
            desk.client.search(root.path.to_str().unwrap(), "total", "*.rs");
            let found = until("the search has ended", || desk.client.found());
            assert_eq!(found.contains("a.rs"), finds, "{shell:?} {path}: {found}");
            assert_eq!(marks.files(), [""; 0], "{shell:?} {path}");
            desk.close();
        }
    });
}

#[test]
fn each_piece_wakes_the_plugin_once() {
    every_shell(|shell| {
        let (go, url, server) = relay();
        let mut desk = Desk::new(shell);
        desk.client.start(ONE, &post(&url), 0, None);
        desk.client.wake(ONE, 0);
        go.send(OK).unwrap();
        let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
        let head = until("the head is there", || desk.read_now(ONE));
        assert_eq!(head, (TransportEvent::Head { status: 200, headers }, Vec::new()));
        assert_eq!(desk.wakes(), 0, "the head alone is nothing to wake up for");
        for piece in ["data: a\\n\n\n", r"\n", r"\n\n", r"b\nc"] {
            go.send(piece).unwrap();
            desk.woken();
            assert_eq!(
                desk.read_now(ONE),
                Some((TransportEvent::Body(piece.len()), piece.as_bytes().to_vec())),
                "{shell:?}"
            );
            assert_eq!(desk.read_now(ONE), None);
            desk.client.wake(ONE, 0);
        }
        drop(go);
        desk.woken();
        assert_eq!(desk.read_now(ONE), Some((TransportEvent::End, Vec::new())));
        assert_eq!(desk.client.obstacle(), None);
        server.join().unwrap();
        desk.at_rest();
        assert_eq!(desk.wakes(), 0);
        desk.close();
    });
}

#[test]
fn another_wake_up_comes_when_the_last_has_come_or_half_a_second_later() {
    every_shell(|shell| {
        let (url, server) = answer(format!(r"{OK}a\n"));
        let mut desk = Desk::new(shell);
        desk.client.start(ONE, &post(&url), 0, None);
        server.join().unwrap();
        desk.client.wake(ONE, u64::MAX);
        desk.sent();
        for ask in [|desk: &mut Desk| desk.client.wake(ONE, 0), |desk: &mut Desk| desk.client.timer(0)] {
            let asked = Instant::now();
            ask(&mut desk);
            desk.sent();
            let after = asked.elapsed();
            assert!(after >= Duration::from_millis(500), "{shell:?}: {after:?}");
        }
        desk.client.wake(ONE, 0);
        desk.woken();
        // What waits for the last to come ends with the request.
        desk.client.wake(ONE, 0);
        desk.sent();
        desk.client.wake(ONE, 0);
        desk.client.stop(ONE);
        desk.client.woken();
        desk.at_rest();
        assert_eq!(desk.wakes(), 0, "{shell:?}");
        desk.close();
    });
}

#[test]
fn without_being_asked_for_no_wake_up_comes() {
    every_shell(|shell| {
        let (go, url, server) = relay();
        let mut desk = Desk::new(shell);
        desk.client.start(ONE, &post(&url), 0, None);
        go.send(OK).unwrap();
        go.send("a").unwrap();
        // Read without a wake-up, as a key does.
        assert!(matches!(until("the head", || desk.read_now(ONE)).0, TransportEvent::Head { .. }));
        assert_eq!(until("the byte", || desk.read_now(ONE)).1, b"a");
        // The newest question is the only one: of these three there is one answer.
        desk.client.wake(ONE, 0);
        desk.client.timer(NEVER);
        desk.client.wake(ONE, 0);
        go.send(r"b\n").unwrap();
        desk.woken();
        // The end is not asked for.
        drop(go);
        server.join().unwrap();
        assert_eq!(desk.read_to_end(ONE), (br"b\n".to_vec(), TransportEvent::End));
        desk.at_rest();
        assert_eq!(desk.wakes(), 0);
        desk.close();
    });
}

#[test]
fn a_wake_up_comes_with_a_line_that_was_not_read() {
    every_shell(|shell| {
        let (go, gone) = mpsc::channel::<&[u8]>();
        let (url, server) = serve(move |mut stream| {
            for piece in gone {
                stream.write_all(piece).unwrap();
            }
        });
        let mut desk = Desk::new(shell);
        desk.client.start(ONE, &post(&url), 0, None);
        go.send(OK.as_bytes()).unwrap();
        assert!(matches!(until("the head", || desk.read_now(ONE)).0, TransportEvent::Head { .. }));
        // Lines that are read before they are asked for, by a plugin that a key has called.
        let read = |desk: &mut Desk, piece: &'static [u8]| {
            go.send(piece).unwrap();
            desk.read_piece(ONE, piece);
        };
        read(&mut desk, br"a\nb\n");
        for asked in 0..3 {
            desk.client.wake(ONE, 0);
            // Not text: a line feed of the frame, the halves of the mark apart, what is no UTF-8, a NUL.
            for piece in [&b"data: 1\n\n"[..], b"\\", b"x", b"n", b"\xff\xc3", b"\0"] {
                read(&mut desk, piece);
            }
            if asked == 1 {
                read(&mut desk, br"c\n");
                desk.woken();
            }
            assert_eq!(desk.wakes(), 0, "{shell:?} {asked}");
        }
        go.send(br"d\n").unwrap();
        desk.woken();
        drop(go);
        assert_eq!(desk.read_to_end(ONE), (br"d\n".to_vec(), TransportEvent::End));
        server.join().unwrap();
        desk.at_rest();
        assert_eq!(desk.wakes(), 0);
        desk.close();
    });
}

#[test]
fn a_wake_up_comes_later_where_the_model_writes_fast() {
    every_shell(|shell| {
        const HOUR: u64 = 3_600_000;
        for (pieces, ms, extra_ms, at_least) in [
            (&[r"a\n b\n c\n"][..], 200, 400, 600),
            (&[r"a\n", r"b\n c\n"], 2000, 200, 2200),
            (&[r"a\n", r"b\n n"], 300, HOUR, 300),
        ] {
            let mut desk = Desk::new(shell);
            let (go, url, _server) = relay();
            desk.client.start(ONE, &post(&url), 0, None);
            desk.client.wake(ONE, NotBefore { ms, extra_ms });
            let sent = Instant::now();
            go.send(OK).unwrap();
            pieces.iter().for_each(|piece| go.send(piece).unwrap());
            desk.woken();
            assert!(sent.elapsed() >= Duration::from_millis(at_least), "{pieces:?}");
            until("the lines", || desk.read_now(ONE).filter(|(_, bytes)| !bytes.is_empty()));
            // The lines from before do not count.
            desk.client.wake(ONE, NotBefore { ms: 1, extra_ms: HOUR });
            go.send(r"e\n f\n").unwrap();
            desk.woken();
            // The end is not waited for.
            desk.client.wake(ONE, NotBefore { ms: 1, extra_ms: HOUR });
            go.send(r"g\n h\n i\n").unwrap();
            drop(go);
            desk.woken();
            assert_eq!(desk.read_to_end(ONE).1, TransportEvent::End, "{shell:?}");
            desk.at_rest();
            desk.close();
        }
    });
}

#[test]
fn a_wake_up_does_not_come_before_its_time_unless_the_answer_has_ended() {
    every_shell(|shell| {
        const PAUSE: u64 = 150;
        let mut desk = Desk::new(shell);
        let (go, url, _server) = relay();
        desk.client.start(ONE, &post(&url), 0, None);
        desk.client.wake(ONE, PAUSE);
        go.send(OK).unwrap();
        let first = Instant::now();
        go.send(r"a\n").unwrap();
        desk.woken();
        assert!(first.elapsed() >= Duration::from_millis(PAUSE), "counted from the first byte");
        until("the line", || desk.read_now(ONE).filter(|(_, bytes)| bytes == br"a\n"));
        let asked = Instant::now();
        desk.client.wake(ONE, PAUSE);
        go.send(r"b\n").unwrap();
        desk.woken();
        assert!(asked.elapsed() >= Duration::from_millis(PAUSE), "counted from the question");
        desk.client.wake(ONE, NEVER);
        drop(go);
        desk.woken();
        assert_eq!(desk.read_to_end(ONE), (br"b\n".to_vec(), TransportEvent::End));

        let asked = Instant::now();
        desk.client.timer(PAUSE);
        desk.woken();
        assert!(asked.elapsed() >= Duration::from_millis(PAUSE));
        desk.client.timer(0);
        desk.woken();
        desk.at_rest();
        assert_eq!(desk.wakes(), 0);
        desk.close();
    });
}

#[test]
fn an_end_that_a_read_cuts_in_two_is_noticed() {
    let ends = [
        "data: [DONE]\n",
        "event: message_stop\n",
        "{\"type\":\"response.completed\"}",
        "{\"type\":\"response.incomplete\"}",
        "x1\",\"done\":true}",
        "12\"stop\":true",
    ];
    let cuts: Vec<_> =
        ends.into_iter().flat_map(|end| (1..end.len() - 2).map(|at| end.split_at(at))).collect();
    every_shell(|shell| {
        let (go, url, server) = relay();
        let mut desk = Desk::new(shell);
        desk.client.start(ONE, &post(&url), 0, None);
        go.send(OK).unwrap();
        assert!(matches!(until("the head", || desk.read_now(ONE)).0, TransportEvent::Head { .. }));
        for &(first, second) in &cuts {
            go.send(first).unwrap();
            desk.read_piece(ONE, first.as_bytes());
            // What was read is looked at alone, so that the cut is here.
            desk.client.wake(ONE, 0);
            go.send(second).unwrap();
            desk.woken();
            desk.read_piece(ONE, second.as_bytes());
        }
        // What does not belong together is no end.
        for apart in ["data: [DO", "]NE]", "message", "-_stop"] {
            go.send(apart).unwrap();
            desk.read_piece(ONE, apart.as_bytes());
            desk.client.wake(ONE, 0);
        }
        go.send("[DONE]").unwrap();
        desk.woken();
        assert_eq!(desk.wakes(), 0, "{shell:?}");
        drop(go);
        server.join().unwrap();
        desk.close();
    });
}

#[test]
fn an_ended_request_wakes_whoever_asks_later() {
    every_shell(|shell| {
        let mut desk = Desk::new(shell);
        let (url, server) = answer(format!("{OK}a"));
        desk.client.start(ONE, &post(&url), 0, None);
        server.join().unwrap();
        desk.at_rest();
        desk.client.wake(ONE, NEVER);
        desk.woken();
        assert_eq!(desk.read_to_end(ONE), (b"a".to_vec(), TransportEvent::End));
        // One that could not even start is over too.
        let unsendable =
            HttpRequest { headers: vec![("x\ny".to_owned(), String::new())], ..post("http://127.0.0.1:1/") };
        desk.client.start(TWO, &unsendable, 0, None);
        desk.client.wake(TWO, NEVER);
        desk.woken();
        assert_eq!(failure(desk.read_now(TWO).unwrap().0).kind, FailureKind::Request);
        desk.close();
    });
}

#[test]
fn the_request_arrives_as_it_was_given() {
    every_shell(|shell| {
        let nasty =
            "{\"a\":\"\\\\n \\\"'$(id)`id` %s \\c @x\u{fc}\u{201d}\"}\r\n\t--data x\nurl = \"y\"\n \u{7f}";
        for body in [
            nasty.as_bytes().to_vec(),
            b"\"".to_vec(),
            b"a\0b".to_vec(),
            b"\xff\xfe".to_vec(),
            b"@/etc/passwd".to_vec(),
            vec![b'x'; 8 << 10],
            "\\\"\n".repeat(8 << 10).into_bytes(),
            (0..=255).cycle().take(100_000).collect(),
            vec![b'"'; 2_000_000],
        ] {
            let mut desk = Desk::new(shell);
            let (url, server) = answer(OK);
            let mut request = post(&url);
            request.headers.push(("x-empty".to_owned(), String::new()));
            request.headers.push(("x-at".to_owned(), "@/etc/passwd".to_owned()));
            request.headers.push(("x-long".to_owned(), "a b\u{e4}".repeat(1500)));
            request.body = Some(body);
            desk.client.start(ONE, &request, 0, None);
            let (status, _, received, end) = desk.finish(ONE);
            assert_eq!((status, received.len(), end), (200, 0, TransportEvent::End), "{shell:?}");
            let Received { line, headers, body } = server.join().unwrap();
            assert_eq!(line, "POST /v1?a=[1]{2}&b=%20 HTTP/1.1");
            assert!(Some(body) == request.body, "{shell:?}");
            for header in [
                &format!("authorization: {KEY}"),
                "content-type: application/json",
                "x-empty:",
                "x-at: @/etc/passwd",
                &format!("x-long: {}", "a b\u{e4}".repeat(1500)),
                "Accept: */*",
                &format!("User-Agent: {}", Options::default().user_agent),
            ] {
                assert!(headers.iter().any(|got| got == header), "{header} in {headers:?}");
            }
            // With Host and Content-Length.
            assert_eq!(headers.len(), 9, "{headers:?}");
            desk.close();
        }
    });
}

#[test]
fn the_body_decides_about_the_method() {
    every_shell(|shell| {
        let mut desk = Desk::new(shell);
        for (at, (body, method)) in
            [(None, "GET"), (Some(Vec::new()), "POST"), (Some(b"@x".to_vec()), "POST")]
                .into_iter()
                .enumerate()
        {
            let (url, server) = answer(OK);
            let number = number(at as u64);
            desk.client.start(number, &HttpRequest { body: body.clone(), ..post(&url) }, 0, None);
            assert_eq!(desk.finish(number).3, TransportEvent::End);
            let received = server.join().unwrap();
            assert_eq!(received.line.split(' ').next(), Some(method));
            assert_eq!(received.body, body.unwrap_or_default());
        }
        desk.close();
    });
}

#[test]
fn answers_come_whole_whatever_their_shape() {
    every_shell(|shell| {
        let large = "0123456789abcde\n".repeat(200_000);
        let sized = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{large}", large.len());
        let mut desk = Desk::new(shell);
        for (at, (bytes, status, body)) in [
            (format!("{OK}a"), 200, "a"),
            (sized, 200, &*large),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\nx-trailer: y\r\n\r\n"
                    .into(),
                200,
                "abc",
            ),
            ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}".into(), 401, "{}"),
            ("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n\r\n<html>".into(), 503, "<html>"),
            ("HTTP/1.1 204 No Content\r\n\r\n".into(), 204, ""),
            // Not followed: the key would go to wherever it leads.
            ("HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".into(), 307, ""),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx".into(), 200, "x"),
            (
                "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 500 not a head\r\n\r\n".into(),
                200,
                "HTTP/1.1 500 not a head\r\n\r\n",
            ),
        ]
        .into_iter()
        .enumerate()
        {
            let (url, server) = answer(bytes);
            let number = number(at as u64);
            desk.client.start(number, &post(&url), 0, None);
            let (got_status, _, got, end) = desk.finish(number);
            assert_eq!((got_status, end), (status, TransportEvent::End), "{shell:?}");
            assert!(got == body.as_bytes(), "{status}: {} bytes", got.len());
            server.join().unwrap();
        }
        desk.close();
    });
}

#[test]
fn a_large_answer_needs_no_wake_up_to_arrive() {
    every_shell(|shell| {
        let mut desk = Desk::new(shell);
        let (url, _server) = answer(format!("{OK}{}", "a".repeat(3_000_000)));
        desk.client.start(ONE, &post(&url), 0, None);
        let (body, end) = desk.read_to_end(ONE);
        assert_eq!((body.len(), end), (3_000_000, TransportEvent::End));
        assert_eq!(desk.wakes(), 0);
        desk.close();
    });
}

#[test]
fn broken_answers_are_told_from_whole_ones() {
    every_shell(|shell| {
        let mut desk = Desk::new(shell);
        for (at, (bytes, status, body)) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 200, "abc"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 200, "abc"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0", 200, "abc"),
            ("", 0, ""),
        ]
        .into_iter()
        .enumerate()
        {
            let (url, server) = answer(bytes);
            let number = number(at as u64);
            desk.client.start(number, &post(&url), 0, None);
            let (got_status, _, got, end) = desk.finish(number);
            assert_eq!((got_status, got.as_slice()), (status, body.as_bytes()));
            assert_eq!(failure(end).kind, FailureKind::Cut, "{bytes:?}");
            server.join().unwrap();
        }
        desk.close();
    });
}

#[test]
fn what_cannot_be_reached_is_named() {
    every_shell(|shell| {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let plain = TcpListener::bind("127.0.0.1:0").unwrap();
        let not_tls = format!("https://{}/", plain.local_addr().unwrap());
        let _server =
            thread::spawn(move || plain.accept().unwrap().0.write_all(b"not TLS, and enough of it\r\n\r\n"));
        let (refusing, _proxy) =
            answer("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
        for (lapce, url, kind) in [
            (Lapce::new(shell), format!("http://{closed}/"), FailureKind::Connect),
            (Lapce::new(shell), "https://name.invalid/".to_owned(), FailureKind::Resolve),
            (Lapce::new(shell), not_tls, FailureKind::Tls),
            (
                Lapce::new(shell).with("https_proxy", &refusing),
                "https://name.invalid/".to_owned(),
                FailureKind::Proxy,
            ),
            (
                Lapce::new(shell).with("https_proxy", "http://name.invalid"),
                "https://x.invalid/".to_owned(),
                FailureKind::Proxy,
            ),
        ] {
            let mut desk = Desk::on(lapce, Options::default());
            desk.client.start(ONE, &post(&url), 0, None);
            let failure = failure(desk.finish(ONE).3);
            assert_eq!(failure.kind, kind, "{url}: {}", failure.detail);
            assert!(!failure.detail.is_empty() && !failure.detail.contains("curl: "), "{}", failure.detail);
            desk.close();
        }
    });
}

#[test]
fn a_command_prints_what_is_read_and_tells_how_it_failed() {
    every_shell(|shell| {
        let mut desk = Desk::new(shell);
        for (at, (command, printed, fault)) in [
            ("echo hush", "hush\n", None),
            ("printf 'a b'; printf '\"c\\\\'", "a b\"c\\", None),
            ("x=1\nif [ $x = 1 ]; then\n  echo $x$HUSH\nfi", "1\n", None),
            ("cat; echo no input", "no input\n", None),
            ("echo hush; exit 3", "hush\n", Some("failed with exit status 3")),
            ("echo hush >&2; exit 1", "", Some("failed with exit status 1")),
            ("no-such-program-anywhere", "", Some("was not found (exit status 127)")),
            ("true", "", None),
        ]
        .into_iter()
        .enumerate()
        {
            let one = number(at as u64 + 1);
            desk.client.run(one, command);
            desk.client.wake(one, u64::MAX);
            desk.woken();
            let (bytes, event) = desk.read_to_end(one);
            assert_eq!(String::from_utf8_lossy(&bytes), printed, "{shell:?}: {command}");
            match fault {
                None => assert_eq!(event, TransportEvent::End, "{shell:?}: {command}"),
                Some(words) => assert_eq!(failure(event).detail, words, "{shell:?}: {command}"),
            }
        }
        desk.at_rest();
        desk.close();
    });
}

#[test]
fn a_command_that_is_stopped_leaves_nothing() {
    every_shell(|shell| {
        let mut desk = Desk::new(shell);
        // What it prints is in no command line and no environment of a process.
        desk.client.run(ONE, "key=hush-$((40 + 2)); echo $key; sleep 1000");
        until("it has printed", || desk.read_now(ONE));
        desk.client.stop(ONE);
        desk.at_rest();
        assert_eq!(desk.folder.process("sleep"), None);
        desk.close();
    });
}

#[test]
fn a_command_may_take_ten_seconds() {
    every_shell(|shell| {
        // Where seconds are shorter, and on a machine without `setsid`.
        let programs = commands(shell, "sleep");
        let sleep = programs.path.join("sleep");
        let _ = std::os::unix::fs::symlink(programs.path.join(shell[0]), programs.path.join("sh"));
        let _ = std::os::unix::fs::symlink("/bin/ps", programs.path.join("ps"));
        fs::write(&sleep, "#!/bin/sh\nexec /bin/sleep 0.01\n").unwrap();
        fs::set_permissions(&sleep, fs::Permissions::from_mode(0o700)).unwrap();
        let mut desk =
            Desk::on(Lapce::new(shell).with("PATH", programs.path.to_str().unwrap()), Options::default());
        desk.client.run(ONE, "echo hush; (/bin/sleep 1000; echo more); echo more");
        desk.client.wake(ONE, u64::MAX);
        desk.woken();
        let (bytes, event) = desk.read_to_end(ONE);
        let words = format!("did not end within {COMMAND_SECONDS} s");
        assert_eq!((bytes.as_slice(), failure(event).detail), (&b"hush\n"[..], words), "{shell:?}");
        desk.at_rest();
        desk.close();
    });
}

#[test]
fn silence_is_limited_before_and_within_the_answer() {
    every_shell(|shell| {
        // Five minutes, since the server is on this machine.
        let by_default = Limits::default();
        let set = Limits { first_byte: Some(Duration::from_secs(20)), ..by_default };
        for (sent, limits, seconds, status, length) in [
            ("", by_default, 300, 0, 0),
            // The head does not end the wait for the first byte: a model may be loaded after it.
            (OK, by_default, 300, 200, 0),
            (OK, set, 20, 200, 0),
            ("HTTP/1.1 200 OK\r\n\r\nabc", by_default, 30, 200, 3),
        ] {
            let mut desk = Desk::on(Lapce::new(shell), Options { limits, ..Options::default() });
            let (url, server) = stall(sent);
            desk.client.start(ONE, &post(&url), 0, None);
            server.reached();
            let mut got = (0, 0);
            until("all is read", || {
                match desk.read_now(ONE) {
                    Some((TransportEvent::Head { status, .. }, _)) => got.0 = status,
                    Some((_, bytes)) => got.1 += bytes.len(),
                    None => {}
                }
                (got == (status, length)).then_some(())
            });
            let limit = seconds * 1000;
            desk.pass(limit / 2);
            assert_eq!(desk.read_now(ONE), None);
            desk.pass(limit / 2 + 1);
            assert_eq!(failure(desk.read_now(ONE).unwrap().0).kind, FailureKind::Timeout);
            server.join().unwrap();
            desk.at_rest();
            desk.close();
        }
    });
}

#[test]
fn the_total_time_is_limited_by_curl_itself() {
    let limits = Limits {
        first_byte: Some(Duration::from_secs(20)),
        total: Duration::from_secs(1),
        ..Limits::default()
    };
    let mut desk = Desk::on(Lapce::new(shells()[0]), Options { limits, ..Options::default() });
    let (url, server) = stall(OK);
    desk.client.start(ONE, &post(&url), 0, None);
    assert_eq!(failure(desk.finish(ONE).3).kind, FailureKind::Timeout);
    server.join().unwrap();
    desk.close();
}

#[test]
fn a_request_leaves_after_its_delay() {
    every_shell(|shell| {
        let mut desk = Desk::new(shell);
        for (at, delay) in [0, 1, 30, 1200].into_iter().enumerate() {
            let number = number(at as u64);
            let (url, server) = answer(format!("{OK}a"));
            let begin = Instant::now();
            desk.client.start(number, &post(&url), delay, None);
            server.join().unwrap();
            assert!(begin.elapsed() >= Duration::from_millis(delay), "{shell:?} {delay}");
            assert_eq!(desk.finish(number).2, b"a");
        }
        desk.close();
    });
}

#[test]
fn a_later_request_that_is_due_earlier_leaves_earlier() {
    every_shell(|shell| {
        let mut desk = Desk::new(shell);
        let (late, late_server) = stall("");
        let (soon, soon_server) = answer(format!("{OK}soon"));
        desk.client.start(ONE, &post(&late), NEVER, None);
        desk.client.start(TWO, &post(&soon), 20, None);
        assert_eq!(desk.finish(TWO).2, b"soon");
        soon_server.join().unwrap();
        assert!(!late_server.is_reached());
        desk.client.stop(ONE);
        desk.at_rest();
        desk.close();
    });
}

#[test]
fn of_a_hundred_keys_only_the_last_sends() {
    every_shell(|shell| {
        for (delay, pause) in [(40, 0), (25, 3), (3, 0)] {
            let mut desk = Desk::new(shell);
            let (url, server) = echo();
            for key in 0..100_u64 {
                if key > 0 {
                    desk.client.stop(number(key - 1));
                }
                let last = key == 99;
                let body = Some(format!("{{\"key\":{key}}}").into_bytes());
                let request = HttpRequest { body, ..post(&url) };
                desk.client.start(number(key), &request, if last { 0 } else { delay }, None);
                desk.client.wake(number(key), 0);
                thread::sleep(Duration::from_millis(pause));
            }
            assert_eq!(desk.finish(number(99)).2, b"{\"key\":99}", "{shell:?}");
            assert_eq!(server.received().last().unwrap(), b"{\"key\":99}");
            desk.at_rest();
            desk.close();
        }
    });
}

#[test]
fn a_stopped_request_is_not_sent_and_the_next_is_itself() {
    every_shell(|shell| {
        let mut desk = Desk::new(shell);
        let (url, server) = echo();
        let large = HttpRequest { body: Some(vec![b'l'; 200_000]), ..post(&url) };
        let small = HttpRequest { body: Some(b"small".to_vec()), ..post(&url) };
        // The pipes of a request that never left are used again, whatever the last one had in them.
        for (at, (stopped, sent)) in
            [(&large, &small), (&small, &large), (&large, &large)].into_iter().enumerate()
        {
            let at = at as u64;
            desk.client.start(number(2 * at), stopped, NEVER, None);
            desk.client.stop(number(2 * at));
            desk.client.start(number(2 * at + 1), sent, 0, None);
            let body = desk.finish(number(2 * at + 1)).2;
            assert!(Some(body) == sent.body, "{shell:?}");
        }
        assert_eq!(server.received().len(), 3);
        desk.at_rest();
        desk.close();
    });
}

#[test]
fn stop_ends_a_silent_curl_and_closes_its_connection() {
    every_shell(|shell| {
        for sent in ["", OK, "HTTP/1.1 200 OK\r\n\r\nabc"] {
            let mut desk = Desk::new(shell);
            let (url, server) = stall(sent);
            desk.client.start(ONE, &post(&url), 0, None);
            desk.client.wake(ONE, NEVER);
            server.reached();
            desk.client.stop(ONE);
            server.join().unwrap();
            desk.at_rest();
            assert_eq!(failure(desk.read_now(ONE).unwrap().0).kind, FailureKind::Request);
            assert_eq!(desk.wakes(), 0);
            desk.close();
        }
    });
}

#[test]
fn stop_right_after_start_leaves_nothing() {
    every_shell(|shell| {
        let mut desk = Desk::new(shell);
        for at in 0..30 {
            desk.client.start(number(at), &post("http://127.0.0.1:1/"), 0, None);
            desk.client.stop(number(at));
            if at % 3 == 0 {
                thread::yield_now();
                desk.client.tick();
            }
        }
        desk.at_rest();
        desk.close();
    });
}

#[test]
fn an_answer_nobody_reads_stops_the_server() {
    every_shell(|shell| {
        // Several times what all buffers on the way hold.
        const LENGTH: usize = 64 << 20;
        let mut desk = Desk::new(shell);
        let sent = Arc::new(AtomicUsize::new(0));
        let counted = sent.clone();
        let (url, server) = serve(move |mut stream| {
            stream.write_all(OK.as_bytes()).unwrap();
            let piece = vec![b'a'; 1 << 16];
            while counted.load(Ordering::Relaxed) < LENGTH
                && let Ok(count) = stream.write(&piece)
            {
                counted.fetch_add(count, Ordering::Relaxed);
            }
        });
        desk.client.start(ONE, &post(&url), 0, None);
        // Only the plugin reads from the second pipe: once full, it stays full, and so does the one before, of curl.
        let agent = desk.folder.path.join(&desk.folder.files()[0]);
        for pipe in ["o1", "p1"] {
            until("the pipe is full", || desk::is_full(&agent.join(pipe)).then_some(()));
        }
        let sent = sent.load(Ordering::Relaxed);
        assert!(sent < LENGTH, "{sent}");
        if shell == shells()[0] {
            let (body, end) = desk.read_to_end(ONE);
            assert_eq!((body.len(), end), (LENGTH, TransportEvent::End));
        } else {
            desk.client.stop(ONE);
        }
        server.join().unwrap();
        desk.at_rest();
        desk.close();
    });
}

/// Reads after each wake-up, and only then. Returns the length of the body in bytes, and the end.
fn read_when_woken(desk: &mut Desk, not_before_ms: u64) -> (usize, TransportEvent) {
    let mut read = 0;
    loop {
        desk.client.wake(ONE, not_before_ms);
        desk.woken();
        while let Some((event, bytes)) = desk.read_now(ONE) {
            match event {
                TransportEvent::Body(_) => read += bytes.len(),
                TransportEvent::Head { .. } => {}
                end => return (read, end),
            }
        }
    }
}

#[test]
fn an_answer_without_a_line_comes_whole_though_it_fills_the_pipes() {
    every_shell(|shell| {
        let body = "a".repeat(300_000);
        for not_before in [0, 50, u64::MAX] {
            let (url, server) = answer(format!("{OK}{body}"));
            let mut desk = Desk::new(shell);
            desk.client.start(ONE, &post(&url), 0, None);
            assert_eq!(
                read_when_woken(&mut desk, not_before),
                (body.len(), TransportEvent::End),
                "{shell:?}"
            );
            server.join().unwrap();
            desk.at_rest();
            desk.close();
        }
    });
}

#[test]
fn an_answer_comes_whole_where_pipes_hold_little() {
    every_shell(|shell| {
        // As in macOS.
        let programs = commands(shell, "");
        write(&programs, "uname", "#!/bin/sh\necho Darwin\n");
        make_readable(&programs.path.join("uname"));
        let event = "data: {\"x\":\"y\"}\n\n";
        for not_before in [0, u64::MAX] {
            let (go, gone) = mpsc::channel();
            let (url, server) = serve(move |mut stream| {
                stream.write_all([OK, event].concat().as_bytes()).unwrap();
                gone.recv().unwrap();
                stream.write_all(event.repeat(3000).as_bytes()).unwrap();
            });
            let lapce = Lapce::new(shell).with("PATH", programs.path.to_str().unwrap());
            let mut desk = Desk::on(lapce, Options::default());
            let agent = desk.folder.path.join(&desk.folder.files()[0]);
            let pipes = ["p1", "c1", "o1"].map(|pipe| desk::shrunk(&agent.join(pipe), 8 << 10));
            desk.client.start(ONE, &post(&url), 0, None);
            // Little that is unread, and then more than the pipes hold.
            until("the first has come", || desk::has_bytes(&pipes[2]).then_some(()));
            go.send(()).unwrap();
            let whole = (3001 * event.len(), TransportEvent::End);
            assert_eq!(read_when_woken(&mut desk, not_before), whole, "{shell:?}");
            server.join().unwrap();
            desk.at_rest();
            desk.close();
        }
    });
}

#[test]
fn on_a_full_disk_an_answer_ends() {
    every_shell(|shell| {
        let mut lapce = Lapce::new(shell);
        lapce.disk_is_full = true;
        let mut desk = Desk::on(lapce, Options::default());
        let (url, server) = answer(format!("{OK}a"));
        desk.client.start(ONE, &post(&url), 0, None);
        assert_eq!(desk.read_to_end(ONE), (b"a".to_vec(), TransportEvent::End), "{shell:?}");
        server.join().unwrap();
        desk.client.run(TWO, "echo hush; exit 3");
        let (bytes, end) = desk.read_to_end(TWO);
        assert_eq!(
            (bytes, failure(end).detail),
            (b"hush\n".to_vec(), "failed with exit status 3".to_owned())
        );
        desk.sends_again();
        desk.at_rest();
        desk.close();
    });
}

#[test]
fn several_are_under_way_at_once_but_not_any_number() {
    every_shell(|shell| {
        let mut desk = Desk::new(shell);
        let stalled: Vec<_> = (0..5)
            .map(|at| {
                let (url, server) = stall(OK);
                desk.client.start(number(at), &post(&url), 0, None);
                server
            })
            .collect();
        for server in &stalled {
            server.reached();
        }
        let (url, server) = answer(format!("{OK}six"));
        desk.client.start(number(5), &post(&url), 0, None);
        let failure = failure(desk.finish(number(5)).3);
        assert_eq!(failure.kind, FailureKind::Unavailable, "{}", failure.detail);
        let left = desk.folder.path.join(&desk.folder.files()[0]).join("i6");
        until("it has left nothing", || (!left.exists()).then_some(()));
        desk.client.stop(ONE);
        desk.client.start(number(6), &post(&url), 0, None);
        assert_eq!(desk.finish(number(6)).2, b"six");
        server.join().unwrap();
        for at in 0..5 {
            desk.client.stop(number(at));
        }
        for server in stalled {
            server.join().unwrap();
        }
        desk.at_rest();
        desk.close();
    });
}

#[test]
fn a_killed_curl_is_a_cut_and_the_next_request_works() {
    every_shell(|shell| {
        let mut desk = Desk::new(shell);
        let (url, server) = stall("HTTP/1.1 200 OK\r\n\r\nabc");
        desk.client.start(ONE, &post(&url), 0, None);
        server.reached();
        until("the body", || desk.read_now(ONE).filter(|(_, bytes)| bytes == b"abc"));
        desk.client.wake(ONE, NEVER);
        desk.kill("curl");
        desk.woken();
        assert_eq!(failure(desk.read_now(ONE).unwrap().0).kind, FailureKind::Cut);
        server.join().unwrap();
        desk.sends_again();
        desk.close();
    });
}

#[test]
fn a_killed_agent_leaves_nothing_and_the_next_request_works() {
    every_shell(|shell| {
        for busy in [false, true] {
            let mut desk = Desk::new(shell);
            let (url, server) = stall("HTTP/1.1 200 OK\r\n\r\nabc");
            if busy {
                desk.client.start(ONE, &post(&url), 0, None);
                server.reached();
                until("the body", || desk.read_now(ONE).filter(|(_, bytes)| bytes == b"abc"));
                desk.client.start(TWO, &post("http://127.0.0.1:1/"), NEVER, None);
            }
            desk.kill_agent();
            desk.folder.nothing_left();
            desk.client.tick();
            if busy {
                assert_eq!(failure(desk.read_now(ONE).unwrap().0).kind, FailureKind::Cut);
                assert_eq!(failure(desk.read_now(TWO).unwrap().0).kind, FailureKind::Cut);
                server.join().unwrap();
            }
            desk.sends_again();
            desk.close();
        }
    });
}

#[test]
fn whatever_the_agent_is_told_the_next_request_works() {
    // R: a request that is or is not, beyond the first four, which are the client's. N: a number. P: a pause.
    const COMMANDS: [&str; 11] = [
        "s R N N 0 0",
        "s R N N 1 R",
        "s R N N 2 0",
        "u R",
        "x R",
        "w R P N",
        "r R N",
        "t N",
        "c",
        "l",
        "zz R N",
    ];
    const REQUESTS: [&str; 5] = ["5", "6", "7", "8", "99"];
    const NUMBERS: [&str; 6] = ["0", "1", "2", "70", "40960", "99999999"];
    every_shell(|shell| {
        for seed in 0..4 {
            let mut dice = Dice::new(seed);
            let mut commands = Vec::<String>::new();
            while commands.len() < 40 {
                let words = dice.pick::<&str>(&COMMANDS).split(' ').map(|word| match word {
                    "R" => *dice.pick::<&str>(&REQUESTS),
                    "P" if dice.one_in(4) => "-",
                    "N" | "P" => *dice.pick::<&str>(&NUMBERS),
                    word => word,
                });
                let line = words.collect::<Vec<_>>().join(" ") + "\n";
                // A request starts once.
                let starts = line.get(..4).filter(|start| start.starts_with("s "));
                if starts.is_none_or(|start| !commands.iter().any(|line| line.starts_with(start))) {
                    commands.push(line);
                }
            }
            let mut desk = Desk::new(shell);
            desk.folder.command(&commands.concat());
            desk.sends_again();
            desk.close();
        }
    });
}

#[test]
fn whichever_process_is_killed_no_answer_looks_whole_that_is_not() {
    every_shell(|shell| {
        // The processes of one request, in the order they are found.
        for victim in 0.. {
            let mut desk = Desk::new(shell);
            let (url, server) = stall("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
            desk.client.start(ONE, &post(&url), 0, None);
            server.reached();
            until("the body", || desk.read_now(ONE).filter(|(_, bytes)| bytes == b"abc"));
            let all = desk.folder.processes();
            let Some((pid, _)) = all.get(victim) else {
                desk.close();
                break;
            };
            desk::kill(*pid, libc::SIGKILL);
            until("it is dead", || desk::is_dead(*pid).then_some(()));
            desk.pass(NEVER);
            desk.client.tick();
            assert!(matches!(desk.read_to_end(ONE).1, TransportEvent::Failed(_)), "{shell:?} {victim}");
            server.release();
            desk.sends_again();
            // As Lapce does when it closes.
            desk.kill_agent();
            desk.close();
        }
    });
}

#[test]
fn an_agent_whose_folder_is_removed_is_replaced() {
    every_shell(|shell| {
        let mut desk = Desk::new(shell);
        let (url, server) = serve(|mut stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nabc").unwrap();
            let _ = stream.read(&mut [0]);
        });
        desk.client.start(ONE, &post(&url), 0, None);
        until("the body", || desk.read_now(ONE).filter(|(_, bytes)| bytes == b"abc"));
        for name in desk.folder.files() {
            let folder = desk.folder.path.join(name);
            make_readable(&folder);
            fs::remove_dir_all(folder).unwrap();
        }
        desk.client.tick();
        desk.sends_again();
        desk.client.stop(ONE);
        server.join().unwrap();
        until("the first agent is gone", || {
            (desk.folder.files().len() == 1 && desk.agents() == 1).then_some(())
        });
        desk.close();
    });
}

#[test]
fn a_hanging_agent_is_replaced() {
    every_shell(|shell| {
        // Seen by a request that does not leave, or by commands that nobody reads.
        for waits in [true, false] {
            let mut desk = Desk::new(shell);
            desk.stop_agent();
            let (url, server) = echo();
            desk.client.start(ONE, &post(&url), 0, None);
            if waits {
                desk.pass(2000);
                desk.client.tick();
                assert_eq!(desk.read_now(ONE), None);
                desk.pass(2000);
                desk.client.tick();
            } else {
                desk.client.start(TWO, &post(&url), NEVER, None);
                for _ in 0..65_536 / "w 2 3600000 0\n".len() + 1 {
                    desk.client.wake(TWO, NEVER);
                }
            }
            assert_eq!(failure(desk.read_now(ONE).unwrap().0).kind, FailureKind::Cut);
            desk.sends_again();
            // What it may do when it goes on is not to send what was given up.
            desk.continue_agents();
            desk.close();
            assert!(server.received().is_empty());
        }
    });
}

#[test]
fn when_lapce_dies_nothing_is_left() {
    every_shell(|shell| {
        let silent = stall("");
        let streaming = stall("HTTP/1.1 200 OK\r\n\r\nabc");
        let unread = answer(format!("{OK}{}", "a".repeat(10_000_000)));
        for (url, reached, delay) in [
            (None, None, 0),
            (Some(&silent.0), Some(&silent.1), 0),
            (Some(&streaming.0), Some(&streaming.1), 0),
            (Some(&unread.0), None, 0),
            (Some(&"http://127.0.0.1:1/".to_owned()), None, NEVER),
            (Some(&"http://127.0.0.1:1/".to_owned()), None, 0),
        ] {
            for killed in [false, true] {
                let mut desk = Desk::new(shell);
                if let Some(url) = url {
                    desk.client.start(ONE, &post(url), delay, None);
                    desk.client.wake(ONE, NEVER);
                }
                if let Some(server) = reached
                    && !killed
                {
                    server.reached();
                }
                if killed {
                    // Lapce ends what it has started before it ends itself.
                    desk.kill_agent();
                }
                desk.close();
            }
        }
    });
}

#[test]
fn a_volt_that_is_unloaded_before_it_opened_a_pipe_leaves_nothing() {
    every_shell(|shell| {
        let folder = Folder::new();
        let mut lapce = Lapce::new(shell);
        drop(Agent::start(&mut lapce, &folder.home()).unwrap());
        drop(lapce);
        folder.nothing_left();
    });
}

#[test]
fn the_key_is_nowhere_to_be_seen() {
    every_shell(|shell| {
        for large in [false, true] {
            let mut desk = Desk::new(shell);
            let (url, server) = stall(OK);
            let mut request = post(&url);
            if large {
                request.body = Some(vec![b'x'; 100_000]);
            }
            desk.client.start(TWO, &request, NEVER, None);
            desk.client.start(ONE, &request, 0, None);
            server.reached();
            until("curl runs", || desk.folder.process("curl"));
            let processes = desk.folder.processes();
            assert!(processes.len() >= 5, "{processes:?}");
            for (_, text) in &processes {
                assert!(!text.contains("sk-") && !text.contains("prompt"), "{text}");
            }
            let folder = desk.folder.path.join(&desk.folder.files()[0]);
            let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(folder.clone()) & 0o077, 0);
            let mut bodies = 0;
            make_readable(&folder);
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                assert_eq!(mode(path.clone()), 0o600, "{path:?}");
                if path.is_file() {
                    let content = fs::read(&path).unwrap();
                    assert!(!content.windows(3).any(|bytes| bytes == b"sk-"), "{path:?}");
                    bodies += usize::from(content.len() > 1000);
                }
            }
            // That of the request that waits; that of the other was removed before curl read it.
            assert_eq!(bodies, usize::from(large));
            desk.client.stop(ONE);
            desk.client.stop(TWO);
            server.join().unwrap();
            desk.close();
        }
    });
}

#[test]
fn the_users_curlrc_and_proxies_do_not_interfere() {
    every_shell(|shell| {
        let other = Folder::new();
        fs::write(other.path.join(".curlrc"), "output = stolen\nverbose\n").unwrap();
        let (url, server) = answer(format!("{OK}a"));
        let lapce = Lapce::new(shell)
            .with("CURL_HOME", other.path.to_str().unwrap())
            .with("HOME", other.path.to_str().unwrap())
            .with("ENV", "/nonexistent")
            .with("KSH_VERSION", "x")
            .with("http_proxy", "http://127.0.0.1:1")
            .with("ALL_PROXY", "http://127.0.0.1:1");
        let mut desk = Desk::on(lapce, Options::default());
        desk.client.start(ONE, &post(&url), 0, None);
        assert_eq!(desk.finish(ONE).2, b"a", "{shell:?}");
        server.join().unwrap();
        desk.close();
    });
}

#[test]
fn options_of_the_shell_that_the_environment_sets_do_not_count() {
    every_shell(|shell| {
        // Read by bash. What xtrace writes would be the body, or be read as one.
        let options = "allexport:errexit:monitor:noclobber:noglob:nounset:pipefail:verbose:xtrace";
        let lapce = Lapce::new(shell).with("SHELLOPTS", options).with("PS4", "1 ");
        let mut desk = Desk::on(lapce, Options::default());
        desk.sends_again();
        desk.client.run(ONE, "echo hush; false | true; exit 3");
        let (bytes, end) = desk.read_to_end(ONE);
        assert_eq!(bytes, b"hush\n", "{shell:?}");
        assert_eq!(failure(end).detail, "failed with exit status 3", "{shell:?}");
        desk.at_rest();
        desk.close();
    });
}

#[test]
fn a_dd_that_counts_records_alone_is_enough() {
    every_shell(|shell| {
        // As that of busybox.
        let programs = commands(shell, "dd");
        write(
            &programs,
            "dd",
            "#!/bin/sh\n{ /bin/dd \"$@\" 2>&1 >&3 3>&- | /usr/bin/head -n 2 >&2; } 3>&1\n",
        );
        make_readable(&programs.path.join("dd"));
        let path = programs.path.to_str().unwrap();
        let desk = || Desk::on(Lapce::new(shell).with("PATH", path), Options::default());
        let (go, url, server) = relay();
        let mut streaming = desk();
        streaming.client.start(ONE, &post(&url), 0, None);
        go.send(OK).unwrap();
        assert!(matches!(until("the head", || streaming.read_now(ONE)).0, TransportEvent::Head { .. }));
        // What follows is not read before the wake-up, so that a count that is wrong is noticed.
        for piece in [r"a\n", "\u{e4}\u{fc}\\n\n\n", "1+2 records in \\n", "data: [DONE]\n"] {
            streaming.client.wake(ONE, 0);
            go.send(piece).unwrap();
            streaming.woken();
            streaming.read_piece(ONE, piece.as_bytes());
        }
        streaming.client.wake(ONE, 0);
        drop(go);
        streaming.woken();
        assert_eq!(streaming.read_to_end(ONE), (Vec::new(), TransportEvent::End), "{shell:?}");
        server.join().unwrap();
        streaming.at_rest();
        assert_eq!(streaming.wakes(), 0, "{shell:?}");
        streaming.close();

        let mut large = desk();
        let (url, server) = answer(format!("{OK}{}", "a".repeat(300_000)));
        large.client.start(ONE, &post(&url), 0, None);
        assert_eq!(large.finish(ONE).2.len(), 300_000, "{shell:?}");
        server.join().unwrap();
        large.close();
    });
}

#[test]
fn what_a_dead_agent_left_is_swept_and_a_live_one_is_left_alone() {
    every_shell(|shell| {
        let mut desk = Desk::new(shell);
        let leftover = |name: &str, pipe: bool| {
            let path = desk.folder.path.join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("b1"), "text").unwrap();
            if pipe {
                desk::make_pipe(&path.join("a"));
            }
        };
        leftover("agent-0123", true);
        leftover("agent-4567", false);
        fs::create_dir(desk.folder.path.join("other")).unwrap();
        let mut second = desk.beside();
        until("what is dead is gone", || {
            (!desk.folder.files().contains(&"agent-0123".to_owned())).then_some(())
        });
        // Without pipes it could be one that starts, until it is seen again.
        until("it is seen", || desk.folder.path.join("agent-4567/seen").exists().then_some(()));
        desk.beside().close_beside();
        let third = desk.beside();
        until("what never began is gone", || (desk.folder.files().len() == 4).then_some(()));
        third.close_beside();
        // Who has seen one first removes it at its end.
        fs::create_dir(desk.folder.path.join("agent-89ab")).unwrap();
        let fourth = desk.beside();
        until("it is seen", || desk.folder.path.join("agent-89ab/seen").exists().then_some(()));
        fourth.close_beside();
        until("it is gone", || (!desk.folder.path.join("agent-89ab").exists()).then_some(()));
        desk.sends_again();
        second.sends_again();
        fs::remove_dir(desk.folder.path.join("other")).unwrap();
        second.close_beside();
        desk.close();
    });
}

#[test]
fn two_agents_in_one_folder_do_not_meet() {
    every_shell(|shell| {
        let mut desk = Desk::new(shell);
        let mut second = desk.beside();
        let (first, first_server) = stall(OK);
        let (other, other_server) = answer(format!("{OK}other"));
        desk.client.start(ONE, &post(&first), 0, None);
        second.client.start(ONE, &post(&other), 0, None);
        first_server.reached();
        assert_eq!(second.finish(ONE).2, b"other");
        other_server.join().unwrap();
        second.close_beside();
        until("the head", || desk.read_now(ONE));
        assert_eq!(desk.read_now(ONE), None);
        desk.client.stop(ONE);
        first_server.join().unwrap();
        desk.close();
    });
}

#[test]
fn what_the_machine_lacks_is_named_and_gone_around() {
    every_shell(|shell| {
        for (without, home, words) in [
            ("curl", Some(None), "curl is not installed"),
            ("sh", Some(None), "sh cannot be started"),
            ("mkfifo", Some(None), "cannot hold named pipes"),
            ("", Some(Some("/nonexistent")), "not writable, or no script runs there (/nonexistent)"),
            ("", None, "does not name the plugin's folder"),
        ] {
            let folder = Folder::new();
            let home = home.map(|path: Option<&str>| {
                let path = path.map_or_else(|| folder.path.clone(), Into::into);
                Home { path: path.to_str().unwrap().to_owned(), root: path, windows: false }
            });
            let bin = commands(shell, without);
            let machine = || {
                let mut lapce = Lapce::new(shell).with("PATH", bin.path.to_str().unwrap());
                lapce.reply = Some(Reply { status: 200, headers: Vec::new(), body: b"whole".to_vec() });
                lapce
            };
            let mut client = Client::new(machine(), home.clone(), Options::default());
            client.tick();
            assert!(
                client.obstacle().unwrap().contains(words),
                "{shell:?} {without}: {:?}",
                client.obstacle()
            );
            let request = HttpRequest { secret_headers: Vec::new(), ..post("http://127.0.0.1:1/") };
            for at in 0..2 {
                client.start(number(at), &request, 0, None);
                assert!(matches!(
                    client.read(number(at), &mut [0; 9]),
                    TransportEvent::Head { status: 200, .. }
                ));
                assert_eq!(client.read(number(at), &mut [0; 9]), TransportEvent::Body(5));
                assert_eq!(client.read(number(at), &mut [0; 9]), TransportEvent::End);
                client.tick();
            }
            assert!(client.host.started <= 1, "what is missing is looked for once");
            // With a key Lapce's client is used only if asked for.
            client.start(ONE, &post("http://127.0.0.1:1/"), 0, None);
            assert_eq!(failure(client.read(ONE, &mut [0; 9])).kind, FailureKind::Unavailable);

            let options = Options { mode: Mode::Curl, ..Options::default() };
            let mut strict = Client::new(machine(), home, options);
            strict.start(ONE, &request, 0, None);
            let failure = failure(strict.read(ONE, &mut [0; 9]));
            assert_eq!(failure.kind, FailureKind::Unavailable);
            assert!(failure.detail.contains(words), "{}", failure.detail);
            drop((client, strict));
            folder.nothing_left();
        }
    });
}

#[test]
fn lapces_client_is_used_when_asked_for() {
    let reply = Reply { status: 429, headers: Vec::new(), body: vec![b'x'; 2500] };
    for (reply, response_bytes, kind) in [
        (None, 2500, Some(FailureKind::Connect)),
        (Some(reply.clone()), 2500, None),
        (Some(reply), 2499, Some(FailureKind::Cut)),
    ] {
        let mut lapce = Lapce::new(shells()[0]);
        lapce.reply = reply;
        let mut client =
            Client::new(lapce, None, Options { mode: Mode::Http, response_bytes, ..Options::default() });
        client.tick();
        assert!(client.obstacle().unwrap().contains("`transport` is `http`"));
        client.start(ONE, &post("http://127.0.0.1:1/"), 0, None);
        let mut length = 0;
        let end = loop {
            match client.read(ONE, &mut [0; 1000]) {
                TransportEvent::Head { status, .. } => assert_eq!(status, 429),
                TransportEvent::Body(count) => length += count,
                event => break event,
            }
        };
        match kind {
            Some(kind) => assert_eq!(failure(end).kind, kind),
            None => assert_eq!((length, end), (2500, TransportEvent::End)),
        }
        assert_eq!(client.host.started, 0);
    }
}

#[test]
fn a_request_that_may_not_leave_starts_nothing() {
    for mode in [Mode::Auto, Mode::Http] {
        let mut client = Client::new(Lapce::new(shells()[0]), None, Options { mode, ..Options::default() });
        client.start(ONE, &post("http://example.com/"), 0, None);
        assert_eq!(failure(client.read(ONE, &mut [0; 8])).kind, FailureKind::Request);
        assert_eq!(client.host.started, 0);
    }
}

#[test]
fn a_request_that_may_not_leave_wakes_the_plugin_when_it_would_have_left() {
    const DELAY: u64 = 200;
    let mut desk = Desk::new(shells()[0]);
    let begun = Instant::now();
    desk.client.start(ONE, &post("http://example.com/"), DELAY, None);
    desk.client.wake(ONE, 0);
    desk.woken();
    assert!(begun.elapsed() >= Duration::from_millis(DELAY), "{:?}", begun.elapsed());
    assert_eq!(failure(desk.client.read(ONE, &mut [0; 8])).kind, FailureKind::Request);
    desk.close();
}

#[test]
fn a_request_stops_the_one_it_replaces_when_it_leaves_and_inherits_its_wake_up() {
    every_shell(|shell| {
        let (old_url, old) = stall("");
        let (new_url, new) = answer(format!("{OK}done"));
        let mut desk = Desk::new(shell);
        desk.client.start(ONE, &post(&old_url), 0, None);
        desk.client.wake(ONE, 0);
        old.reached();
        assert!(desk.folder.process("curl").is_some());
        desk.client.start(TWO, &post(&new_url), 50, Some(ONE));
        desk.woken();
        assert_eq!(desk.finish(TWO).2, b"done", "{shell:?}");
        new.join().unwrap();
        until("the old curl is gone", || desk.folder.process("curl").is_none().then_some(()));
        desk.client.stop(ONE);
        old.release();
        desk.at_rest();
        assert_eq!(desk.wakes(), 0);
        desk.close();
    });
}

/// What the agent for Windows does, as far as the plugin sees it: no curl runs here.
#[derive(Debug)]
struct Windows {
    home: Home,
    text: String,
    started: u64,
    commands: Vec<String>,
}

impl AgentHost for Windows {
    fn now_ms(&self) -> u64 {
        7
    }

    fn random(&self) -> u64 {
        self.started
    }

    fn start_language_server(&mut self, program: &str, args: &[&str]) -> Result<u64, String> {
        assert_eq!(
            (program, &args[..5]),
            ("powershell.exe", &["-NoProfile", "-NonInteractive", "-InputFormat", "None", "-Command"][..])
        );
        self.text = args[5].to_owned();
        let (_, name) = self.text.split_once("\n$name = '").unwrap();
        let folder = self.home.root.join(name.split('\'').next().unwrap());
        fs::create_dir(&folder).unwrap();
        // There the running agent keeps this file open, and it cannot be opened for writing. No folder can either.
        fs::create_dir(folder.join("ctl")).unwrap();
        self.started += 1;
        Ok(9)
    }

    fn execute(&mut self, _: &str, _: &[&str]) -> Result<Output, String> {
        unreachable!("a console window would flash up")
    }

    fn send_lsp_request(&mut self, server: u64, method: &str, params: &str) -> Result<(), String> {
        assert_eq!((server, method), (9, "agent"));
        self.commands.push(params.to_owned());
        Ok(())
    }

    fn open_pipe(&mut self, _: &Path, _: Access) -> io::Result<File> {
        unreachable!("there are none")
    }

    fn http(&mut self, _: &HttpRequest, _: usize) -> Result<Reply, u32> {
        unreachable!("curl is there")
    }
}

#[test]
fn on_windows_commands_are_requests_and_answers_are_files() {
    let folder = Folder::new();
    let home = Home { path: "C:\\Users\\O'Brien".to_owned(), root: folder.path.clone(), windows: true };
    let host = Windows { home: home.clone(), text: String::new(), started: 0, commands: Vec::new() };
    let mut client = Client::new(host, Some(home), Options::default());
    client.tick();
    assert_eq!(client.obstacle(), None);
    assert!(
        client.host.text.starts_with("$volt = 'C:\\Users\\O''Brien'\n$name = 'agent-"),
        "{}",
        client.host.text
    );
    let files = folder.path.join(&folder.files()[0]);
    let read = |name: &str| fs::read_to_string(files.join(name)).unwrap();

    client.start(ONE, &post("http://127.0.0.1:1/"), 300, None);
    client.wake(ONE, 80);
    client.stop(ONE);
    assert!(!files.join("i1").exists(), "the key does not stay in a file");
    let large = HttpRequest { body: Some(vec![b'x'; 100_000]), ..post("http://127.0.0.1:1/") };
    client.start(TWO, &large, 0, Some(ONE));
    client.wake(TWO, 0);
    assert_eq!(
        client.host.commands,
        ["\"s 1 300 7 0 0\"", "\"w 1 80 0 0\"", "\"u 1\"", "\"s 1 0 7 1 0\"", "\"w 1 0 0 0\""]
    );
    let config = read("i1");
    for line in ["stderr = \"e1\"", "dump-header = \"h1\"", "data-binary = \"@b1\""] {
        assert!(config.lines().any(|got| got == line), "{line} in {config}");
    }
    assert_eq!(read("b1").len(), 100_000);

    let mut buffer = [0; 64];
    assert_eq!(client.read(TWO, &mut buffer), TransportEvent::Pending);
    fs::write(files.join("h1"), OK).unwrap();
    fs::write(files.join("o1"), "ab").unwrap();
    assert!(matches!(client.read(TWO, &mut buffer), TransportEvent::Head { status: 200, .. }));
    assert_eq!(client.read(TWO, &mut buffer), TransportEvent::Body(2));
    assert_eq!(client.read(TWO, &mut buffer), TransportEvent::Pending);
    fs::write(files.join("s1"), "18 curl: (18) transfer closed\n").unwrap();
    let failure = failure(client.read(TWO, &mut buffer));
    assert_eq!((failure.kind, failure.detail.as_str()), (FailureKind::Cut, "transfer closed"));
    assert_eq!(client.host.commands.last().unwrap(), "\"x 1\"");
}

#[test]
fn on_windows_nothing_is_sent_to_an_agent_that_has_ended() {
    type Act = fn(&mut Client<Windows>);
    let acts: [(&str, Act); 6] = [
        ("tick", Client::tick),
        ("wake", |client| client.wake(ONE, 0)),
        ("timer", |client| client.timer(10)),
        ("woken", Client::woken),
        ("stop", |client| client.stop(ONE)),
        ("start", |client| client.start(TWO, &post("http://127.0.0.1:1/"), 0, Some(ONE))),
    ];
    for (name, act) in acts {
        for is_gone in [false, true] {
            let folder = Folder::new();
            let home = Home { path: "C:\\Users\\u".to_owned(), root: folder.path.clone(), windows: true };
            let host = Windows { home: home.clone(), text: String::new(), started: 0, commands: Vec::new() };
            let mut client = Client::new(host, Some(home), Options::default());
            client.start(ONE, &post("http://127.0.0.1:1/"), 0, None);
            assert_eq!(std::mem::take(&mut client.host.commands), ["\"s 1 0 7 0 0\""]);
            let held = folder.path.join(&folder.files()[0]).join("ctl");
            fs::remove_dir(&held).unwrap();
            if !is_gone {
                fs::write(&held, "").unwrap();
            }
            act(&mut client);
            // What is sent now goes to the next agent, whose numbers begin again.
            let next = if name == "start" { vec!["\"s 1 0 7 0 0\""] } else { vec![] };
            assert_eq!(client.host.commands, next, "{name}");
            client.tick();
            client.start(TWO, &post("http://127.0.0.1:1/"), 0, None);
            assert_eq!(client.host.started, 2, "{name}");
        }
    }
}

#[test]
fn a_wake_up_for_the_end_alone_comes_then() {
    every_shell(|shell| {
        let (go, url, server) = relay();
        let mut desk = Desk::new(shell);
        desk.client.start(ONE, &post(&url), 0, None);
        desk.client.wake(ONE, 0);
        go.send(OK).unwrap();
        go.send(r"a\n").unwrap();
        desk.woken();
        desk.client.wake(ONE, u64::MAX);
        for piece in [r"b\n", r"c\n"] {
            go.send(piece).unwrap();
        }
        let mut read = Vec::new();
        until("all of it is there", || {
            read.extend(desk.read_now(ONE).map_or(Vec::new(), |(_, bytes)| bytes));
            (read == br"a\nb\nc\n").then_some(())
        });
        assert_eq!(desk.wakes(), 0, "{shell:?}");
        // The server may keep the connection.
        go.send("data: [DONE]").unwrap();
        desk.woken();
        drop(go);
        server.join().unwrap();
        desk.close();
    });
}

/// As curl's torture tests do: call after call of the host fails, once.
#[test]
fn every_call_of_the_host_may_fail_once_wherever_it_is_made() {
    let mut call = 0;
    loop {
        call += 1;
        let mut desk = Desk::failing(&["dash"], call);
        let no_agent = desk.client.obstacle().map(str::to_owned);
        if let Some(obstacle) = &no_agent {
            assert!(!obstacle.is_empty());
            assert_eq!(desk.agents(), desk.client.host.started as usize, "call {call}: {obstacle}");
        } else {
            let (url, server) = answer(format!("{OK}first"));
            desk.client.start(ONE, &post(&url), 0, None);
            let (body, end) = desk.read_to_end(ONE);
            match end {
                TransportEvent::End => assert_eq!(body, b"first", "call {call}"),
                // Nobody asked: the server is let go.
                TransportEvent::Failed(failure) => {
                    assert!(!failure.detail.is_empty(), "call {call}");
                    let _ = std::net::TcpStream::connect(Url::parse(&url).unwrap().authority());
                }
                other => panic!("call {call}: {other:?}"),
            }
            let _ = server.join();
            desk.sends_again();
        }
        let calls = desk.client.host.calls;
        desk.close();
        if calls < call {
            break;
        }
    }
    assert!(call > 6, "{call}");
}
