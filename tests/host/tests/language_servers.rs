//! Language servers that a volt starts, seen through a volt that does what each test scripts (`scripted.wat`). The
//! servers are shell scripts.
#![cfg(unix)]

mod scripted_volt;

use std::time::Duration;

use serde_json::{Value, json};
use volt_host::{Lapce, Pace, Setup};

use scripted_volt::{LIMIT, answer, completing, notification, replies, request};

/// Says a message; takes one and leaves it in `$body`; answers `initialize`.
const SHELL: &str = r#"
say() { printf 'Content-Length: %d\r\n\r\n%s' "${#1}" "$1"; }
hear() {
    while read -r header && [ "${header%?}" ]; do
        case $header in Content-Length:*) length=${header#*: } length=${length%?} ;; esac
    done
    body=$(dd bs=1 count="$length" 2>/dev/null)
}
begin() { hear; say '{"jsonrpc":"2.0","id":0,"result":{"capabilities":{'"$1"'}}}'; hear; }
"#;

/// The request to start a language server.
fn start(script: &str, selector: Value, options: Value) -> Value {
    let params = json!({
        "serverUri": "urn:sh",
        "serverArgs": ["-c", format!("{SHELL}\n{script}")],
        "documentSelector": selector,
        "options": options,
    });
    request("host/startLspServer", params)
}

/// A volt that sends these messages when it receives the open file.
fn saying(messages: &[Value]) -> Setup {
    completing(vec![]).file("3", messages.iter().map(|message| format!("{message}\n")).collect::<String>())
}

/// A window with an open file, in which this has happened to language servers.
fn until(setup: Setup, happened: impl Fn(&Lapce) -> bool) -> Lapce {
    let mut lapce = Lapce::start(setup).unwrap();
    lapce.open("main.rs", "rust", "");
    lapce
        .wait_until(LIMIT, |_| true)
        .and_then(|_| wait(&lapce, &happened))
        .unwrap_or_else(|error| panic!("{error:#}: {:#?}", lapce.evidence().language_servers));
    lapce
}

/// Waits for what is looked at from outside.
fn wait(lapce: &Lapce, happened: impl Fn(&Lapce) -> bool) -> anyhow::Result<()> {
    let start = std::time::Instant::now();
    while !happened(lapce) {
        anyhow::ensure!(start.elapsed() < LIMIT, "not within {LIMIT:?}");
        std::thread::yield_now();
    }
    Ok(())
}

fn written(lapce: &Lapce) -> Vec<Value> {
    let evidence = lapce.evidence();
    let written = evidence.language_servers.iter().flat_map(|server| &server.written);
    written.map(|message| serde_json::from_str(message).unwrap()).collect()
}

#[test]
fn a_server_is_initialized_before_the_volt_goes_on() {
    let script = "begin '\"textDocumentSync\":1'; hear; cat";
    let selector = json!([{ "language": "rust" }]);
    let setup = saying(&[start(script, selector, json!({ "a": 1 }))]).workspace(Some("/p".into()));
    let lapce = until(setup, |lapce| written(lapce).len() == 3 && !replies(lapce).is_empty());
    assert_eq!(replies(&lapce), [json!({ "jsonrpc": "2.0", "id": 7, "result": { "id": 1 } })]);
    let written = written(&lapce);
    let methods: Vec<&Value> = written.iter().map(|message| &message["method"]).collect();
    assert_eq!(methods, ["initialize", "initialized", "textDocument/didOpen"]);
    let params = &written[0]["params"];
    assert_eq!(params["processId"], std::process::id());
    assert_eq!(params["rootUri"], "file:///p/");
    assert_eq!(params["workspaceFolders"][0]["uri"], "file:///p/");
    assert_eq!(params["initializationOptions"], json!({ "a": 1 }));
    assert_eq!(params["capabilities"]["experimental"]["serverStatusNotification"], true);
    assert_eq!(written[1]["params"], json!({}));
    assert_eq!(written[1].get("id"), None);
    let server = lapce.evidence().language_servers.remove(0);
    assert_eq!((server.id, server.argv[0].as_str(), server.initialized.is_some()), (1, "sh", true));
    assert_eq!(lapce.language_servers().unwrap()[0].id, server.process);
}

#[test]
fn without_a_selector_and_options_a_server_gets_neither() {
    let setup = saying(&[start("begin '\"textDocumentSync\":1'; cat", json!([]), Value::Null)]);
    // Only a server that the editor knows to be initialized is sent what changes.
    let mut lapce = until(setup.workspace(None), |lapce| {
        let servers = lapce.evidence().language_servers;
        written(lapce).len() == 2 && servers.iter().all(|server| server.initialized.is_some())
    });
    assert_eq!(written(&lapce)[0]["params"].get("initializationOptions"), None);
    assert_eq!(written(&lapce)[0]["params"]["rootUri"], Value::Null);
    lapce.type_keys("a", Pace::BURST);
    wait(&lapce, |lapce| written(lapce).len() == 3).unwrap();
    assert_eq!(written(&lapce)[2]["method"], "textDocument/didChange");
}

#[test]
fn what_a_server_says_reaches_the_editor() {
    let progress = json!({ "token": 1, "value": { "kind": "begin", "title": "AI", "message": "starting" } });
    let says: String = [
        notification("$/progress", progress),
        notification("window/showMessage", json!({ "type": 1, "message": "no key" })),
        notification("window/logMessage", json!({ "type": 3, "message": "hello" })),
        notification("experimental/serverStatus", json!({ "health": "ok", "quiescent": true })),
        json!({ "jsonrpc": "2.0", "id": 9, "method": "window/workDoneProgress/create", "params": {} }),
    ]
    .map(|message| format!("say '{message}'\n"))
    .concat();
    // What it says before it is initialized waits until it is.
    for script in
        [format!("begin ''; {says} echo words >&2; cat"), format!("{says} begin ''; echo words >&2; cat")]
    {
        let mut setup = saying(&[start(&script, json!([]), Value::Null)]);
        setup = setup.file(
            "1",
            format!(
                "{}\n",
                json!({ "jsonrpc": "2.0", "id": 0, "result": { "capabilities": {
                    "textDocumentSync": 2, "codeLensProvider": {} } } })
            ),
        );
        let lapce = until(setup, |lapce| {
            written(lapce).len() == 3 && lapce.log().iter().any(|line| line.source == "server")
        });
        lapce.wait_quiet(Duration::ZERO, LIMIT).unwrap();
        let screen = lapce.screen();
        assert_eq!(screen.status, ["AI: starting"]);
        let popup = (screen.popups[0].title.as_str(), screen.popups[0].message.as_str());
        assert_eq!(popup, ("Plugin: Scripted", "no key"));
        let log = lapce.log();
        assert!(log.iter().any(|line| line.message == "hello"));
        assert!(log.iter().any(|line| line.message == "words"));
        assert_eq!(written(&lapce)[2], json!({ "jsonrpc": "2.0", "id": 9, "result": null }));
        let evidence = lapce.evidence();
        let lenses = evidence.told.iter().filter(|told| told.method == "textDocument/codeLens").count();
        assert_eq!((lenses, evidence.wakeups.len(), evidence.wakeups[0].told.len()), (2, 1, 1));
        assert_eq!(
            (evidence.most_wakeups_outstanding(), evidence.faults.len()),
            (1, 0),
            "{:?}",
            evidence.faults
        );
        assert_eq!(evidence.server_statuses.len(), 0, "not the volt's own");
    }
}

/// Lapce keeps the means to answer and never uses them, so the volt's thread waits for ever.
#[test]
fn a_server_that_does_not_come_up_leaves_the_volt_waiting() {
    let uri = |uri: &str| {
        let params = json!({ "serverUri": uri, "serverArgs": [], "documentSelector": [], "options": null });
        request("host/startLspServer", params)
    };
    let script = |script: &str| start(script, json!([]), Value::Null);
    for (name, request) in [
        ("no such program", uri("urn:no-such-program")),
        ("no such scheme", uri("https://example.com/sh")),
        ("it ends at once", script("exit")),
        ("it ends later", script("hear")),
        (
            "an error",
            script(r#"hear; say '{"jsonrpc":"2.0","id":0,"error":{"code":1,"message":"no"}}'; cat"#),
        ),
        ("no result of initialize", script(r#"hear; say '{"jsonrpc":"2.0","id":0,"result":7}'; cat"#)),
        ("no framing", script("echo hello; cat")),
    ] {
        let lapce = until(saying(&[request]), |lapce| {
            lapce
                .evidence()
                .faults
                .iter()
                .any(|fault| fault.contains("Lapce never answers host/startLspServer"))
        });
        assert!(lapce.evidence().told.last().unwrap().handled.is_none(), "{name}");
        assert!(replies(&lapce).is_empty(), "{name}");
    }
}

#[test]
fn requests_to_a_server_are_answered_by_it() {
    let ask =
        |id: u64| request("host/sendLspRequest", json!({ "id": id, "method": "m", "params": { "p": 1 } }));
    let served = |says: &str| start(&format!("begin ''; hear; say '{says}'; cat"), json!([]), Value::Null);
    for (says, number, reply) in [
        (r#"{"jsonrpc":"2.0","id":1,"result":5}"#, 1, json!({ "result": { "result": 5 } })),
        (
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":4,"message":"no"}}"#,
            1,
            json!({ "error": { "code": 4, "message": "no" } }),
        ),
        ("", 2, json!({ "error": { "code": 0, "message": "lsp not found, it may have exited" } })),
    ] {
        let lapce = until(saying(&[served(says), ask(number)]), |lapce| replies(lapce).len() == 2);
        let mut expected = json!({ "jsonrpc": "2.0", "id": 7 });
        expected.as_object_mut().unwrap().extend(reply.as_object().unwrap().clone());
        assert_eq!(replies(&lapce)[1], expected, "{says}");
        if number == 1 {
            let asked = &written(&lapce)[2];
            assert_eq!(
                (&asked["method"], &asked["params"], &asked["id"]),
                (&json!("m"), &json!({ "p": 1 }), &json!(1))
            );
        }
    }
    // Lapce does not notice that a server has ended.
    let lapce = until(saying(&[start("begin ''", json!([]), Value::Null), ask(1)]), |lapce| {
        lapce.evidence().faults.iter().any(|fault| fault.contains("Lapce never answers host/sendLspRequest"))
    });
    assert_eq!(replies(&lapce).len(), 1);
}

#[test]
fn a_notification_to_a_server_is_lost_or_ends_the_volt() {
    let server = start("begin ''; cat", json!([]), Value::Null);
    let params = |id: u64| json!({ "id": id, "method": "m", "params": {} });
    let method = "host/sendLspNotification";
    // What is written to a server is recorded by a thread of its own, and may come after the log line.
    let lapce = until(saying(&[server.clone(), notification(method, params(1))]), |lapce| {
        let lost = "host notification host/sendLspNotification not handled";
        lapce.log().iter().any(|line| line.message == lost) && written(lapce).len() >= 2
    });
    assert_eq!(written(&lapce).len(), 2, "{:?}", written(&lapce));

    let lapce =
        until(saying(&[server.clone(), request(method, params(2))]), |lapce| replies(lapce).len() == 2);
    assert_eq!(replies(&lapce)[1]["error"]["message"], "lsp not found, it may have exited");

    let mut lapce = until(saying(&[server, request(method, params(1))]), |lapce| {
        written(lapce).len() == 3 && lapce.evidence().faults.iter().any(|fault| fault.contains("panics"))
    });
    lapce.type_keys("a", Pace::BURST);
    let told = lapce.evidence().told;
    assert!(told.iter().rev().take(3).all(|told| told.handled.is_none()), "{told:?}");
    let error = lapce.wait_quiet(Duration::ZERO, Duration::ZERO).unwrap_err().to_string();
    assert!(error.contains("panics"), "{error}");
    assert_eq!(lapce.screen().text, "a", "typing goes on without the volt");
}

/// What ends the processes of a server: being killed, or the end of standard input, which comes once nobody can write
/// to it any more.
#[cfg(target_os = "linux")]
#[test]
fn servers_end_as_in_lapce() {
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum By {
        Removal,
        Reload,
        Closing,
        Crash,
    }
    use By::*;
    let leash = |output: &str| format!("begin ''; cat <&0 {output} & exec sleep 1000");
    // Processes alive after it: none, or so many until Lapce is closed.
    for (script, by, left) in [
        ("begin ''; exec sleep 1000".to_owned(), Removal, 0),
        ("begin ''; exec sleep 1000".to_owned(), Reload, 0),
        ("begin ''; exec sleep 1000".to_owned(), Closing, 0),
        ("begin ''; exec cat".to_owned(), Crash, 0),
        (leash(">/dev/null 2>&1"), Removal, 0),
        (leash(""), Removal, 1),
        (leash(""), Closing, 0),
    ] {
        // Its standard input is not that of a background command, which is empty.
        let script = script.replace("<&0", "<&3").replace("begin ''; cat", "exec 3<&0; begin ''; cat");
        let running = script.matches("exec ").count().max(1);
        let mut lapce = until(saying(&[start(&script, json!([]), Value::Null)]), |lapce| {
            let processes = lapce.processes().unwrap();
            replies(lapce).len() == 1
                && processes.iter().all(|process| ["sleep", "cat"].contains(&process.argv[0].as_str()))
                && processes.len() == running
        });
        match by {
            Removal => lapce.unload().unwrap(),
            Reload => {
                // The new instance says nothing; its first message is `initialize`.
                std::fs::remove_file(lapce.folder().join("3")).unwrap();
                lapce.reload("a", 1).unwrap();
            }
            Closing => lapce.close(),
            Crash => lapce.crash(),
        }
        if left > 0 {
            assert_eq!(lapce.processes().unwrap().len(), left, "{script} by {by:?}");
            lapce.close();
        }
        wait(&lapce, |lapce| lapce.processes().unwrap().is_empty())
            .unwrap_or_else(|error| panic!("{script} by {by:?}: {error}, {:?}", lapce.processes()));
    }
}

#[test]
fn keys_along_a_ghost_and_tabs_are_counted_with_what_became_of_them() {
    let ghost = |id, text: &str| vec![answer(id, json!([{ "insertText": text }]))];
    for (second, settled, as_shown) in [(ghost(2, "c"), true, true), (vec![], false, false)] {
        let script = vec![vec![], ghost(1, "bc"), vec![], second];
        let mut lapce = Lapce::start(completing(script)).unwrap();
        lapce.open("main.rs", "rust", "");
        lapce.type_keys("a", Pace::BURST);
        lapce.wait_until(LIMIT, |screen| screen.ghost_text() == "bc").unwrap();
        lapce.type_keys("b", Pace::BURST);
        lapce.wait_quiet(Duration::ZERO, LIMIT).unwrap();
        lapce.tab();
        let evidence = lapce.evidence();
        let along: Vec<bool> = evidence.typed_along.iter().map(|along| along.settled.is_some()).collect();
        let tabs: Vec<_> = evidence.tabs.iter().map(|tab| (tab.shown.as_str(), tab.as_shown)).collect();
        assert_eq!((along, tabs), (vec![settled], vec![("c", as_shown)]));
    }
}
