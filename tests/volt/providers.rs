//! Providers as the user of each meets them: the plugin against a server that speaks that provider's format. Vendors that
//! are nothing but a row of a format tested here have a snapshot in `src/provider/registry`.

mod cuts;
mod table;

use std::time::Duration;

use ai_completion::provider::{self, Seam};
use volt_host::server::{End, Pace, Request, Script, Server};
use volt_host::{Pace as Keys, Setup};

use crate::stage::{KEY, PATIENCE, Stage, Turn, untouched};
use table::{CASES, Case};

/// What the model writes, piece by piece, behind [`TYPED`]. The cut of [`Act::Resumed`] leaves white space at the
/// end of what was received, which not every provider takes back.
const PIECES: [&str; 6] = [
    "(items: ",
    "&[u32]) -> u32 {\n    ",
    "let mut sum = 0;\n",
    "    for item in items {\n",
    "        sum += item;\n    ",
    "}\n    sum\n}",
];
const CUT: usize = 2;
const TYPED: &str = "fn total";
/// What stands around what is typed.
const AROUND: &str = "|\n\nfn main() {}\n";

/// What is played with one provider, each in a file of its own, by whose name the server knows it.
#[derive(Debug, Clone, Copy)]
enum Act {
    Streamed,
    Cancelled,
    Resumed,
    Refused,
}

impl Act {
    const ALL: [Self; 4] = [Self::Streamed, Self::Cancelled, Self::Resumed, Self::Refused];

    fn text(self) -> String {
        format!("// {self:?}\n{AROUND}")
    }
}

/// The server's part.
fn play(case: &Case, request: &Request) -> Script {
    if request.method == "GET" {
        return Script::whole(200, "application/json", case.models);
    }
    let body = String::from_utf8_lossy(&request.body);
    let act = Act::ALL.into_iter().find(|act| body.contains(&format!("// {act:?}")));
    let stream = |pieces: &[&str], pace| Script::stream(case.shape, pieces, pace);
    let opening = usize::from(!(case.shape)(&PIECES).opening.is_empty());
    match act {
        Some(Act::Streamed) => stream(&PIECES, Pace::over(Duration::from_millis(1500))),
        Some(Act::Cancelled) if case.before(request).contains("total;") => stream(&[], Pace::AT_ONCE),
        Some(Act::Cancelled) => stream(&PIECES, Pace::AT_ONCE).cut(opening + 4, End::Stall),
        Some(Act::Resumed) if is_resumption(case, request) => {
            stream(&[&continuation(case.seam)], Pace::AT_ONCE)
        }
        Some(Act::Resumed) => stream(&PIECES, Pace::AT_ONCE).cut(opening + CUT, End::Close),
        Some(Act::Refused) => (case.refusal)(),
        None => panic!("{}: whose request is it? {body}", case.name),
    }
}

fn received() -> String {
    PIECES[..CUT].concat()
}

fn is_resumption(case: &Case, request: &Request) -> bool {
    case.resumed(request).contains(given(case.seam, &received()))
}

/// What of the received text is given to the model that is to continue it.
fn given(seam: Seam, received: &str) -> &str {
    if seam == Seam::TrimmedPrefill { received.trim_end() } else { received }
}

/// How a server goes on after [`received`]: with what the seam allows it to say once more.
fn continuation(seam: Seam) -> String {
    let rest = PIECES[CUT..].concat();
    let again = match seam {
        Seam::Prefix | Seam::Prefill => "",
        Seam::TrimmedPrefill => "\n    ",
        Seam::EchoedPrefill => &received(),
        Seam::Instruction => "u32 {\n    ",
    };
    format!("{again}{rest}")
}

fn setup(case: &Case, server: &Server) -> Setup {
    let setup = untouched().setting("provider", case.name).setting("base-url", server.url());
    // One request at a time, each of one file only, so that the server knows which act it belongs to.
    let setup = setup.setting("snippets", false).setting("speculative", "off");
    let setup = setup.env_remove("AWS_SECRET_ACCESS_KEY").env(case.key_env(), KEY);
    case.settings.iter().fold(setup, |setup, (key, value)| setup.setting(key, *value))
}

fn plays_its_part(name: &str) {
    let case = CASES.iter().find(|case| case.name == name).unwrap();
    let server = Server::start(move |request| play(case, request)).unwrap();
    let setup = setup(case, &server);
    let mut stage = Stage::new(Turn::shared(), server, setup);
    let mut wanted = 0;
    for act in Act::ALL {
        let before = wanted;
        wanted += match act {
            Act::Streamed => 1,
            Act::Cancelled | Act::Resumed => 2,
            Act::Refused => 1 + usize::from(!case.models.is_empty()),
        };
        stage.open(&format!("src/{act:?}.rs"), "rust", &act.text());
        stage.lapce.type_keys(TYPED, Keys::BURST);
        match act {
            Act::Streamed => streams(&stage),
            Act::Cancelled => hangs_up(&mut stage, before),
            Act::Resumed => drop(stage.wait_ghost(&PIECES.concat())),
            Act::Refused => tells_what_to_change(case, &stage),
        }
        let asked = stage.server.wait(PATIENCE, |exchanges| {
            exchanges.len() >= wanted && exchanges.iter().all(|exchange| exchange.finished.is_some())
        });
        assert!(asked, "{name}, {act:?}: {} requests\n{}", stage.requests(), stage.trace());
    }
    stage.settle();
    assert_eq!(stage.requests(), wanted, "{name}: {}", stage.trace());
    stage.server.exchanges().iter().for_each(|exchange| case.check(&exchange.request));
    stage.finish();
}

/// The ghost stands before the answer is whole, and grows.
fn streams(stage: &Stage) {
    let whole = PIECES.concat();
    stage.wait_ghost(&whole);
    let evidence = stage.lapce.evidence();
    let (first, text) = evidence.ghosts().next().unwrap();
    let [exchange] = &stage.server.exchanges()[..] else { panic!("{}", stage.trace()) };
    assert!(exchange.sent_by(first) < exchange.sent(), "{text:?} came late\n{}", stage.trace());
    assert!(whole.starts_with(text) && text != whole, "{text:?}\n{}", stage.trace());
}

/// What contradicts a suggestion that is being written ends its request.
fn hangs_up(stage: &mut Stage, before: usize) {
    stage.lapce.wait_until(PATIENCE, |screen| screen.ghost.is_some()).unwrap();
    stage.lapce.type_keys(";", Keys::BURST);
    let hung_up =
        stage.server.wait(PATIENCE, |exchanges| exchanges[before..].iter().any(|exchange| exchange.hung_up));
    assert!(hung_up, "{}", stage.trace());
    stage.wait_answer();
    assert_eq!(stage.lapce.screen().ghost, None, "{}", stage.trace());
}

/// One pop-up, which names what to change.
fn tells_what_to_change(case: &Case, stage: &Stage) {
    let screen = stage.lapce.wait_until(PATIENCE, |screen| !screen.popups.is_empty());
    screen.unwrap_or_else(|error| panic!("{}: {error:#}\n{}", case.name, stage.trace()));
    stage.wait_answer();
    let screen = stage.lapce.screen();
    let [popup] = &screen.popups[..] else { panic!("{}: {:#?}", case.name, screen.popups) };
    for part in case.told {
        assert!(popup.message.contains(part), "{}: no {part:?} in {:?}", case.name, popup.message);
    }
    assert_eq!(screen.ghost, None);
}

/// A test for each, so that they run side by side and fail by name.
macro_rules! providers {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                plays_its_part(&stringify!($name).replace('_', "-"));
            }
        )*

        #[test]
        fn no_case_is_left_out() {
            let tested: Vec<_> = [$(stringify!($name)),*].iter().map(|name| name.replace('_', "-")).collect();
            assert_eq!(CASES.iter().map(|case| case.name).collect::<Vec<_>>(), tested);
            assert!(tested.iter().all(|name| provider::find(name).is_some()));
        }
    };
}

providers! {
    openai openai_responses openai_completions anthropic gemini vertex_gemini vertex_anthropic mistral codestral
    deepseek deepseek_fim openrouter azure bedrock ollama llama_cpp vllm lm_studio groq xai mercury openai_compatible
}
