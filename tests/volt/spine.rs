//! A completion from the key to the accepted text, and typing meanwhile.

use std::time::Duration;

use volt_host::server::Pace;
use volt_host::server::shape::{self, Shape};
use volt_host::{Pace as Keys, Told};

use crate::stage::{INLINE, PATIENCE, Stage, Turn, before_cursor, model, setup};

/// What stands in the file, what is typed, and what the model adds to it: twelve lines.
const BEFORE: &str = "use std::collections::HashMap;\n\n/// Reads lines of keys and values.\n|";
const TYPED: &str = "pub fn settings";
const ANSWER: &str = "(text: &str) -> HashMap<String, String> {
    let mut settings = HashMap::new();
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, \"\"));
        settings.insert(key.trim().to_owned(), value.trim().to_owned());
    }
    settings
}";
/// Time the model takes to write that.
const WRITING: Duration = Duration::from_millis(1200);
/// Twelve keys a second.
const KEYS: Keys = Keys::ms(83);
/// The longest that a key's message may wait for the plugin.
const LONGEST_WAIT: Duration = Duration::from_millis(150);
/// The longest that the plugin may take to answer a key that goes along with the ghost.
const TYPE_THROUGH: Duration = Duration::from_millis(5);

/// A stage on which the model goes on as [`ANSWER`] says, however much of it is typed already.
fn twelve_lines(turn: Turn, provider: &str, shape: Shape, pace: Pace) -> Stage {
    let server = model(shape, pace, |before| {
        let text = before.split_once(TYPED).map_or("", |(_, after)| after);
        ANSWER.strip_prefix(text).unwrap_or_default().to_owned()
    });
    let setup = setup(provider, &server.url());
    let mut stage = Stage::new(turn, server, setup);
    stage.open("src/settings.rs", "rust", BEFORE);
    stage
}

#[test]
fn the_ghost_grows_while_the_model_writes_and_tab_takes_all_of_it() {
    for (provider, shape) in [("openai", shape::openai_chat as Shape), ("anthropic", shape::anthropic)] {
        let mut stage = twelve_lines(Turn::alone(), provider, shape, Pace::over(3 * WRITING));
        stage.lapce.type_keys(TYPED, KEYS);
        stage.wait_ghost(ANSWER);

        let evidence = stage.lapce.evidence();
        let mut ghosts: Vec<_> = evidence.ghosts().collect();
        ghosts.dedup_by_key(|(_, text)| *text);
        let exchanges = stage.server.exchanges();
        let [exchange] = &exchanges[..] else { panic!("{provider}: {} requests", exchanges.len()) };
        let sent = exchange.sent_by(ghosts[0].0);
        assert!(
            2 * sent < exchange.sent(),
            "{provider}: {sent} bytes before the first ghost\n{}",
            stage.trace()
        );
        assert!(ghosts.len() >= 3, "{provider}: {ghosts:?}\n{}", stage.trace());
        assert!(ghosts.windows(2).all(|pair| pair[1].1.starts_with(pair[0].1)), "{provider}: {ghosts:?}");

        stage.lapce.tab();
        let text = format!("{}{TYPED}{ANSWER}", BEFORE.trim_end_matches('|'));
        assert_eq!(stage.lapce.screen().text, text, "{provider}");
        stage.finish();
    }
}

#[test]
fn fast_typing_is_never_held_up_and_ends_with_a_ghost_for_the_last_key() {
    let typed = "let total = first plus second minus third plus fourth here y";
    assert_eq!(typed.chars().count(), 60);
    let pace = Pace::AT_ONCE.after(Duration::from_millis(400));
    let server = model(shape::openai_chat, pace, |before| format!(" // after {} characters", before.len()));
    let setup = setup("openai", &server.url());
    let mut stage = Stage::new(Turn::alone(), server, setup);
    stage.open("src/sum.rs", "rust", "|");
    // The agent is started once, before anything is typed.
    stage.settle();
    let started = stage.lapce.evidence().told.len();
    stage.lapce.type_keys(typed, Keys::ms(1000 / 15));
    stage.wait_ghost(" // after 60 characters");
    stage.settle();

    let evidence = stage.lapce.evidence();
    let longest_wait = evidence.told[started..].iter().map(Told::wait).max().unwrap();
    assert!(longest_wait <= LONGEST_WAIT, "{longest_wait:?}\n{}", stage.trace());
    assert_eq!(evidence.inline_answers().requests, 60);
    assert!(stage.requests() <= 12, "{} requests", stage.requests());
    stage.finish();
}

#[test]
fn a_request_overtaken_by_a_key_is_dropped_before_the_next_one() {
    // So short a debounce takes every gap between keys for a pause.
    let pace = Pace::AT_ONCE.after(Duration::from_millis(400));
    let server = model(shape::openai_chat, pace, |before| format!(" // after {} characters", before.len()));
    let setup = setup("openai", &server.url()).setting("debounce-ms", 60);
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/sum.rs", "rust", "|");
    stage.lapce.type_keys("let total = first plus", Keys::ms(200));
    stage.wait_ghost(" // after 22 characters");
    stage.settle();
    assert!(stage.requests() > 1, "no request was overtaken");
    stage.finish();
}

#[test]
fn typing_along_is_answered_at_once_without_asking_again() {
    let mut stage = twelve_lines(Turn::alone(), "openai", shape::openai_chat, Pace::AT_ONCE);
    stage.lapce.type_keys(TYPED, KEYS);
    stage.wait_ghost(ANSWER);
    stage.settle();
    assert_eq!(stage.requests(), 1);

    // The editor closes the bracket itself, and the key for it only moves the caret.
    let along = "(text: &str) -> HashMap<String, String> ";
    let keys = along.chars().count();
    for (at, key) in along.char_indices() {
        stage.lapce.type_keys(key.encode_utf8(&mut [0; 4]), Keys::BURST);
        stage.wait_answer();
        let screen = stage.lapce.screen();
        let rest = &ANSWER[at + key.len_utf8()..];
        assert!(
            screen.ghost_at_cursor() && stage.lapce.tab_is_honest(),
            "{key:?} at {at}\n{}",
            stage.trace()
        );
        assert!(rest.starts_with(screen.ghost_text().lines().next().unwrap()), "{key:?} at {at}: {screen:?}");
    }
    let evidence = stage.lapce.evidence();
    let mut handling: Vec<Duration> = evidence.cost_of_keys(Told::handling).split_off(TYPED.chars().count());
    handling.sort();
    // A busy machine takes the processor away for longer than this: hence the usual key.
    assert!(handling[keys / 2] < TYPE_THROUGH, "{handling:?}");
    assert_eq!(stage.requests(), 1, "asked again\n{}", stage.trace());

    let rest = &ANSWER[along.len()..];
    stage.wait_ghost(rest);
    let before = stage.lapce.screen();
    stage.lapce.tab();
    assert_eq!(stage.lapce.screen().text, before.rendered());
    stage.finish();
}

#[test]
fn typing_along_while_the_model_writes_keeps_its_answer() {
    let mut stage = twelve_lines(Turn::alone(), "openai", shape::openai_chat, Pace::over(2 * WRITING));
    stage.lapce.type_keys(TYPED, KEYS);
    stage.lapce.wait_until(PATIENCE, |screen| screen.ghost.is_some()).unwrap();
    for key in ["(", "t", "e", "x", "t"] {
        stage.lapce.type_keys(key, Keys::BURST);
        stage.wait_answer();
        let screen = stage.lapce.screen();
        assert!(screen.ghost_at_cursor() && stage.lapce.tab_is_honest(), "{key:?}\n{}", stage.trace());
    }
    stage.settle();
    assert_eq!(stage.requests(), 1, "asked again\n{}", stage.trace());
    stage.finish();
}

#[test]
fn a_key_that_contradicts_the_ghost_clears_it_at_once() {
    let mut stage = twelve_lines(Turn::alone(), "openai", shape::openai_chat, Pace::AT_ONCE);
    stage.lapce.type_keys(TYPED, KEYS);
    stage.wait_ghost(ANSWER);
    stage.settle();

    stage.lapce.type_keys("z", Keys::BURST);
    stage.wait_answer();
    // Lapce hides the ghost by itself; Tab is free only when the plugin has cleared it.
    let screen = stage.lapce.screen();
    assert!(screen.ghost.is_none() && stage.lapce.text_after_tab().is_none(), "{}", stage.trace());
    // At once: it is the first thing the plugin says to that request.
    let evidence = stage.lapce.evidence();
    let asked = evidence.told.iter().rfind(|told| told.method == INLINE).and_then(|told| told.taken).unwrap();
    let said = evidence.heard.iter().find(|heard| heard.at >= asked).map(|heard| heard.line.as_str());
    assert!(said.is_some_and(|line| line.contains("\"result\":[]")), "{said:?}\n{}", stage.trace());
    stage.finish();
}

#[test]
fn tab_right_after_a_key_that_goes_along_takes_what_is_shown() {
    let mut stage = twelve_lines(Turn::shared(), "openai", shape::openai_chat, Pace::AT_ONCE);
    stage.lapce.type_keys(TYPED, KEYS);
    stage.wait_ghost(ANSWER);
    stage.lapce.tab();
    stage.settle();
    assert!(stage.lapce.screen().text.ends_with(ANSWER));
    // What the model saw is what stood before the cursor.
    let asked = before_cursor(&stage.server.exchanges()[0].request);
    assert!(asked.ends_with(TYPED), "{asked:?}");
    stage.finish();
}

#[cfg(unix)]
#[test]
fn a_model_behind_a_socket_answers() {
    use std::io;
    use std::net::{Shutdown, TcpStream};
    use std::os::unix::net::UnixListener;

    let server = model(shape::llamacpp_chat, Pace::AT_ONCE, |_| "compute();".to_owned());
    let path = std::env::temp_dir().join(format!("ai-completion-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    let port = server.url().trim_start_matches("http://").to_owned();
    // Hands the connections on to the server's port.
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut upstream = TcpStream::connect(&port).unwrap();
            let (mut sender, mut receiver) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
            std::thread::spawn(move || io::copy(&mut sender, &mut receiver));
            std::thread::spawn(move || {
                let _ = io::copy(&mut upstream, &mut client);
                client.shutdown(Shutdown::Both)
            });
        }
    });
    let setup = setup("openai-compatible", &format!("unix://{}", path.display())).setting("model", "m-1");
    let mut stage = Stage::new(Turn::shared(), server, setup);
    stage.open("src/main.rs", "rust", "fn main() {\n    |\n}\n");
    stage.lapce.type_keys("let sum = ", KEYS);
    stage.wait_ghost("compute();");
    assert_eq!(stage.server.exchanges()[0].request.path, "/v1/chat/completions");
    stage.finish();
    std::fs::remove_file(path).unwrap();
}
