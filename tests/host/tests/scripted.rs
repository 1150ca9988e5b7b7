//! The host's own rules, seen through a volt that does what each test scripts (`scripted.wat`).

mod scripted_volt;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use volt_host::typist::Typist;
use volt_host::{Answers, Lapce, Pace, Setup};

use scripted_volt::{LIMIT, answer, completing, notification, replies, request, scripted, volt};

fn opened(setup: Setup) -> Lapce {
    let mut lapce = Lapce::start(setup).unwrap();
    lapce.open("main.rs", "rust", "");
    lapce.wait_quiet(Duration::ZERO, LIMIT).unwrap();
    lapce
}

/// What the volt got as reply to its request.
fn reply(lapce: &Lapce) -> Value {
    replies(lapce).remove(0)
}

#[test]
fn the_volt_is_initialized_and_told_of_the_open_file() {
    let setup = completing(vec![]).setting("a.b", 1).workspace(Some("/p".into()));
    let lapce = opened(setup);
    let told: Vec<Value> =
        lapce.evidence().told.iter().map(|told| serde_json::from_str(&told.line).unwrap()).collect();
    let methods: Vec<&str> = told.iter().filter_map(|message| message["method"].as_str()).collect();
    assert_eq!(methods, ["initialize", "initialized", "textDocument/didOpen"]);
    assert_eq!(told[0]["params"]["initializationOptions"], json!({ "a": { "b": 1 } }));
    assert_eq!(told[0]["params"]["rootUri"], "file:///p/");
    assert_eq!(told[0]["params"]["capabilities"]["experimental"]["serverStatusNotification"], true);
    assert_eq!(told[2]["params"]["textDocument"]["uri"], "file:///p/main.rs");
}

#[test]
fn an_answer_is_drawn_taken_and_counted() {
    let ghost = json!([{ "insertText": "b" }]);
    let mut lapce = opened(completing(vec![vec![], vec![answer(1, ghost)]]));
    lapce.type_keys("a", Pace::BURST);
    let screen = lapce.wait_until(LIMIT, |screen| screen.ghost.is_some()).unwrap();
    assert_eq!(
        (screen.rendered().as_str(), screen.ghost_at_cursor(), lapce.tab_is_honest()),
        ("ab", true, true)
    );
    lapce.tab();
    assert_eq!((lapce.screen().text.as_str(), lapce.screen().ghost), ("ab", None));
    assert_eq!(lapce.evidence().inline_answers(), Answers { requests: 1, min: 1, max: 1 });
}

#[test]
fn unanswered_and_twice_answered_requests_show_in_the_count() {
    let none = || json!([]);
    let mut lapce = opened(completing(vec![vec![], vec![answer(1, none()), answer(1, none())]]));
    lapce.type_keys("ab", Pace::BURST);
    lapce.wait_quiet(Duration::ZERO, LIMIT).unwrap();
    assert_eq!(lapce.evidence().inline_answers(), Answers { requests: 2, min: 0, max: 2 });
}

#[test]
fn processes_are_run_and_their_output_is_the_reply() {
    let run = |program: &str, args: Value| {
        let params = json!({ "program": program, "args": args });
        completing(vec![]).file("3", format!("{}\n", request("host/executeProcess", params)))
    };
    let lapce =
        opened(run("sh", json!(["-c", "cat; printf \"$KEY\"; printf err >&2; exit 3"])).env("KEY", "k"));
    let result = &reply(&lapce)["result"];
    assert_eq!(result, &json!({ "success": false, "stdout": [107], "stderr": [101, 114, 114] }));
    assert_eq!(lapce.evidence().executed[0].argv[0], "sh");

    let lapce = opened(run("no-such-program", json!([])));
    assert_eq!(reply(&lapce)["error"]["code"], 0);
    let lapce = opened(run("sh", json!([])).env("PATH", "/nowhere"));
    assert_eq!(reply(&lapce)["error"]["code"], 0);
}

#[cfg(unix)]
#[test]
fn waiting_for_a_message_is_not_counted_as_work() {
    let params = json!({ "program": "sleep", "args": ["0.5"] });
    let lapce = opened(completing(vec![]).file("3", format!("{}\n", request("host/executeProcess", params))));
    let told = lapce.evidence().told.pop().unwrap();
    assert!(told.handling().unwrap() >= Duration::from_millis(500));
    assert!(told.worked.unwrap() < Duration::from_millis(500), "{:?}", told.worked);
}

#[test]
fn requests_are_replied_to_as_lapce_does() {
    let error = |message: &str| json!({ "error": { "code": 0, "message": message } });
    for (method, params, reply_part) in [
        ("window/workDoneProgress/create", json!({}), json!({ "result": null })),
        ("host/registerDebuggerType", json!({}), error("missing field `debuggerType`")),
        (
            "host/registerDebuggerType",
            json!({ "debuggerType": "lldb", "program": "lldb" }),
            json!({ "result": null }),
        ),
        ("host/startLspServer", json!({}), error("missing field `serverUri`")),
        (
            "host/sendLspRequest",
            json!({ "id": 1, "method": "m", "params": {} }),
            error("lsp not found, it may have exited"),
        ),
        ("workspace/applyEdit", json!({}), error("request not supported")),
    ] {
        let lapce = opened(completing(vec![]).file("3", format!("{}\n", request(method, params))));
        let mut expected = json!({ "jsonrpc": "2.0", "id": 7 });
        expected.as_object_mut().unwrap().extend(reply_part.as_object().unwrap().clone());
        assert_eq!(reply(&lapce), expected, "{method}");
    }
}

#[test]
fn the_volt_lives_on_after_a_trap() {
    let setup = completing(vec![vec![], vec![answer(1, json!([{ "insertText": "b" }]))]]).file("3", "!\n");
    let mut lapce = opened(setup);
    assert_eq!(lapce.evidence().traps.len(), 1);
    lapce.type_keys("a", Pace::BURST);
    lapce.wait_until(LIMIT, |screen| screen.ghost_text() == "b").unwrap();
}

#[test]
fn an_ok_server_status_wakes_the_volt_through_code_lenses() {
    let capabilities = json!({ "textDocumentSync": 2, "codeLensProvider": {} });
    let status = notification("experimental/serverStatus", json!({ "health": "ok", "quiescent": true }));
    let script: [&[Value]; 4] = [
        &[json!({ "jsonrpc": "2.0", "id": 0, "result": { "capabilities": capabilities } })],
        &[],
        &[],
        &[status],
    ];
    for (setup, lenses) in [(scripted(&script), 2), (scripted(&script).without_wakes(), 1)] {
        let lapce = opened(setup);
        let evidence = lapce.evidence();
        let counted = evidence.told.iter().filter(|told| told.method == "textDocument/codeLens").count();
        assert_eq!((counted, evidence.server_statuses.len()), (lenses, 1));
    }
}

#[test]
fn progress_popups_and_log_are_seen() {
    let progress = json!({ "token": 1, "value": { "kind": "begin", "title": "AI", "message": "starting" } });
    let messages = [
        notification("$/progress", progress),
        notification("window/showMessage", json!({ "type": 1, "message": "no key" })),
        notification("window/logMessage", json!({ "type": 3, "message": "hello" })),
    ];
    let lapce = opened(completing(vec![]).file("3", messages.map(|message| format!("{message}\n")).concat()));
    let screen = lapce.screen();
    assert_eq!(screen.status, ["AI: starting"]);
    assert_eq!(
        (screen.popups[0].title.as_str(), screen.popups[0].message.as_str()),
        ("Plugin: Scripted", "no key")
    );
    assert!(lapce.log().iter().any(|line| line.message == "hello"));
}

#[test]
fn messages_lapce_cannot_read_are_faults() {
    for bad in [
        "{",
        r#"{"jsonrpc":"2.0","method":"x"}"#,
        r#"{"jsonrpc":"2.0","method":"x","params":"text"}"#,
        r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":0}"#,
        r#"{"jsonrpc":"2.0","id":0,"error":{"message":"an error without code"}}"#,
        r#"{"id":0}"#,
    ] {
        let lapce = opened(completing(vec![]).file("3", format!("{bad}\n")));
        assert_eq!(lapce.evidence().faults.len(), 1, "{bad}");
    }
}

#[test]
fn http_is_answered_with_the_whole_body() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("@http://{}/x\n", server.local_addr().unwrap());
    let body = notification("window/logMessage", json!({ "type": 3, "message": "fetched" })).to_string();
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let mut request = [0; 1024];
        let read = stream.read(&mut request).unwrap();
        let (half, rest) = body.split_at(body.len() / 2);
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{half}", body.len()).unwrap();
        stream.flush().unwrap();
        write!(stream, "{rest}").unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    let lapce = opened(completing(vec![]).file("3", url));
    assert!(serving.join().unwrap().starts_with("GET /x HTTP/1.1\r\n"));
    assert!(lapce.log().iter().any(|line| line.message == "fetched"));
}

#[test]
fn memory_and_files_left_are_measured() {
    let lapce = opened(completing(vec![]).file("3", "+\n"));
    assert_eq!(lapce.linear_memory_bytes(), 3 * 65536);
    assert!(lapce.files_left().is_empty());
    let folder = lapce.folder().to_owned();
    std::fs::create_dir(folder.join("d")).unwrap();
    assert_eq!(lapce.files_left(), [PathBuf::from("d")]);
    drop(lapce);
    assert!(!folder.exists());
}

#[test]
fn in_an_unwritable_folder_nothing_can_be_created() {
    let lapce = opened(completing(vec![]).unwritable_folder());
    assert!(std::fs::write(lapce.folder().join("x"), "").is_err());
    assert!(std::fs::create_dir(lapce.folder().join("y")).is_err());
}

#[cfg(target_os = "linux")]
#[test]
fn processes_left_behind_are_counted_until_they_end() {
    let params = json!({ "program": "sh", "args": ["-c", "sleep 60 >/dev/null 2>&1 &"] });
    let mut lapce =
        opened(completing(vec![]).file("3", format!("{}\n", request("host/executeProcess", params))));
    lapce.unload().unwrap();
    let left = lapce.processes().unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    std::process::Command::new("kill").arg(left[0].id.to_string()).status().unwrap();
    while !lapce.processes().unwrap().is_empty() {
        std::thread::yield_now();
    }
    lapce.type_keys("a", Pace::BURST);
    assert_eq!(lapce.screen().text, "a", "typing goes on without the volt");
}

#[test]
fn a_file_of_another_language_does_not_start_the_volt() {
    let mut lapce = Lapce::start(completing(vec![])).unwrap();
    lapce.open("a.txt", "plaintext", "");
    assert_eq!(lapce.evidence().told.len(), 0);
    lapce.open("a.rs", "rust", "");
    lapce.wait_quiet(Duration::ZERO, LIMIT).unwrap();
    let methods: Vec<_> = lapce.evidence().told.iter().map(|told| told.method).collect();
    assert_eq!(methods, ["initialize", "initialized", "textDocument/didOpen"]);
}

#[test]
fn a_reloaded_volt_starts_anew_with_the_new_settings() {
    let mut lapce = opened(completing(vec![]));
    lapce.reload("provider", "x").unwrap();
    lapce.wait_quiet(Duration::ZERO, LIMIT).unwrap();
    let evidence = lapce.evidence();
    let methods: Vec<_> = evidence.told.iter().map(|told| told.method).collect();
    assert_eq!(methods[3..], ["initialize"], "its answer names the id of the first initialize");
    assert!(evidence.told[3].line.contains("\"provider\":\"x\""));
}

#[test]
fn of_a_reloaded_volt_only_answers_are_taken() {
    // Its first request keeps it busy until this server answers.
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let popup = notification("window/showMessage", json!({ "type": 1, "message": "late" })).to_string();
    let answer = answer(1, json!([{ "insertText": "b" }]));
    let process = request("host/executeProcess", json!({ "program": "true", "args": [] })).to_string();
    let script = format!("@http://{}/\n{answer}\n{process}\n", server.local_addr().unwrap());
    let mut lapce = opened(completing(vec![]).file("5", script));
    lapce.type_keys("a", Pace::BURST);
    let (mut stream, _) = server.accept().unwrap();
    lapce.reload("provider", "x").unwrap();
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{popup}", popup.len()).unwrap();
    lapce.wait_for(LIMIT, |evidence| evidence.heard.iter().any(|heard| heard.line == process)).unwrap();
    let screen = lapce.screen();
    assert_eq!((screen.ghost_text(), screen.popups.len(), lapce.evidence().executed.len()), ("b", 0, 0));
}

#[test]
fn a_wasm_that_lapce_cannot_link_to_itself_does_not_start() {
    for (global, starts) in [("", true), ("(global (export \"g\") i32 (i32.const 0))", false)] {
        let text = format!("(module {global} (func (export \"_start\")) (func (export \"handle_rpc\")))");
        let wasm = volt().join(format!("exports-{starts}.wasm"));
        std::fs::write(&wasm, wat::parse_str(&text).unwrap()).unwrap();
        assert_eq!(Lapce::start(Setup::new(volt()).wasm(&wasm)).is_ok(), starts, "{text}");
    }
}

#[test]
fn only_the_wall_clock_leaps() {
    const WALL: u32 = 0;
    const MONOTONIC: u32 = 1;
    const YEAR: i64 = 365 * 86_400;
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64;
    // A volt that traps when its clock is later than `limit`.
    for (clock, limit, leaps, traps) in [
        (WALL, now + 5 * YEAR, &[][..], 0),
        (WALL, now + 5 * YEAR, &[10 * YEAR], 1),
        (WALL, now + 5 * YEAR, &[10 * YEAR, -10 * YEAR], 0),
        (WALL, now - 5 * YEAR, &[], 1),
        (WALL, now - 5 * YEAR, &[-10 * YEAR], 0),
        (WALL, now + 5 * YEAR, &[i64::MAX], 0),
        (MONOTONIC, 5 * YEAR, &[10 * YEAR], 0),
    ] {
        let nanoseconds = i128::from(limit) * 1_000_000_000;
        let text = format!(
            r#"(module
            (import "wasi_snapshot_preview1" "clock_time_get" (func $now (param i32 i64 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "handle_rpc")
                (drop (call $now (i32.const {clock}) (i64.const 1) (i32.const 0)))
                (if (i64.gt_u (i64.load (i32.const 0)) (i64.const {nanoseconds})) (then unreachable))))"#
        );
        let wasm = volt().join(format!("clock-{clock}-{limit}.wasm"));
        std::fs::write(&wasm, wat::parse_str(&text).unwrap()).unwrap();
        let mut lapce = Lapce::start(Setup::new(volt()).wasm(&wasm)).unwrap();
        leaps.iter().for_each(|leap| lapce.leap(*leap));
        lapce.open("main.rs", "rust", "");
        lapce.wait_quiet(Duration::ZERO, LIMIT).unwrap();
        assert_eq!(lapce.evidence().traps.len(), traps, "{clock} {limit} {leaps:?}");
    }
}

/// Ctrl-C ends `volt session` this way, so that what it made is removed.
#[test]
fn a_typist_who_is_told_to_stop_presses_no_further_key() {
    let mut lapce = opened(completing(vec![]));
    let mut typist = Typist::new("let total = 1;\n", 7);
    let keys = std::cell::Cell::new(0);
    // Asked before each act, the first time with nothing done.
    let enough = || keys.replace(keys.get() + 1) == 2;
    typist.write(&mut lapce, Duration::from_secs(600), enough, || 0);
    assert!((1..=2).contains(&typist.measures().keys), "{:?}", typist.measures());
}
