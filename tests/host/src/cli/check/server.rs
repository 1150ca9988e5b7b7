//! What the server says: found, reached, asked.

use std::time::Duration;

use ai_completion::completion::ResponseEvent;
use ai_completion::config::Settings;
use ai_completion::local_model::{Action, Found, Outcome as Search_, Search};
use ai_completion::provider::learned::lesson;
use ai_completion::provider::{Account, Error, Prompt, Provider, Response, Seam, model_names};
use ai_completion::stream::{StreamPipelineBuilder, StreamToken};
use ai_completion::transport::{FailureKind, Limits, Options};

use super::super::Failure;
use super::Check;
use super::curl::{Reply, send};

/// A hole that any model for code fills the same way.
const BEFORE: &str = "/// The sum of two numbers.\nfn add(first: i32, second: i32) -> i32 {\n    first";
const AFTER: &str = "\n}\n";
/// What is in any right answer.
const FILLING: &str = "second";
/// How long a server on this machine has to answer.
const LOCAL_LIMIT: Duration = Duration::from_secs(1);

/// Looks for a model on this machine, as the plugin does.
pub fn local(settings: &Settings) -> (Option<Settings>, Check) {
    let mut search = Search::new(std::env::var("OLLAMA_HOST").ok());
    let (_, Action::Ask(requests, _)) = search.requested(0, true) else {
        return (None, Check::skipped("local model", "not looked for"));
    };
    let limits = Limits { connect: LOCAL_LIMIT, total: LOCAL_LIMIT, ..Limits::default() };
    for (number, request) in requests {
        match send(&request, &Options { limits, ..Options::default() }) {
            Ok(reply) => {
                search
                    .receive(number, &ResponseEvent::Head { status: reply.status, headers: &reply.headers });
                search.receive(number, &ResponseEvent::Body(&reply.body()));
                search.receive(number, &ResponseEvent::End);
            }
            Err(failure) => {
                search.receive(number, &ResponseEvent::Failed(&failure));
            }
        }
    }
    match search.tick(u64::MAX) {
        Action::Settle(_, Search_::Found(found)) => {
            let Found { title, provider, base_url, model } = found;
            let words = format!("{title} at {base_url} with {model}");
            let found = Settings { provider: provider.to_owned(), base_url, model, ..settings.clone() };
            (Some(found), Check::passed("local model", words))
        }
        Action::Settle(_, Search_::NoModel { title, advice }) => {
            (None, Check::failed("local model", format!("{title} runs without a model for code"), advice))
        }
        _ => {
            let fix = "run Ollama (`ollama pull qwen2.5-coder:1.5b-base`), or give --provider";
            (None, Check::failed("local model", "no server runs at the usual addresses of this machine", fix))
        }
    }
}

/// All that has to do with the server, in order; what depends on something that failed is skipped.
pub fn checks(
    settings: &Settings,
    provider: &'static dyn Provider,
    say: &mut dyn FnMut(Check) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let account = match settings.credentials(provider, &|name| std::env::var(name).ok(), now) {
        Ok(credentials) => credentials.account,
        Err(error) => return say(Check::failed("key", "cannot be used", error.message)),
    };
    let options = &settings.network;
    if let Some(request) = provider.models_request(&account) {
        let reply = send(&request, options);
        let is_fine = reached(provider, &account, &reply).into_iter().try_fold(true, |fine, check| {
            let failed = check.has_failed();
            say(check).map(|()| fine && !failed)
        })?;
        if !is_fine {
            return say(Check::skipped("completion", "not asked for"));
        }
        if let Ok(reply) = &reply {
            say(model(provider, &account, reply))?;
        }
    } else {
        say(Check::skipped("model", format!("{} has no list of models", provider.title())))?;
    }
    for check in completion(provider, &account, options) {
        say(check)?;
    }
    Ok(())
}

/// What the answer to the first request says about the way there and the key.
fn reached(
    provider: &dyn Provider,
    account: &Account,
    reply: &Result<Reply, ai_completion::transport::Failure>,
) -> Vec<Check> {
    let order = ["address", "connection", "TLS", "key"];
    let url = provider.models_request(account).map(|request| request.url);
    let base = url.as_ref().map(|url| url.authority()).unwrap_or_default();
    let is_https = url.as_ref().is_some_and(|url| url.as_str().starts_with("https:"));
    let passed = |name: &'static str| match name {
        "address" => Check::passed(name, format!("{base} resolves")),
        "connection" => Check::passed(name, "the server answers"),
        "TLS" if is_https => Check::passed(name, "as it should be"),
        "TLS" => Check::skipped(name, "not used"),
        _ if account.api_key.is_empty() => Check::passed(name, "none is needed"),
        name => Check::passed(name, "accepted"),
    };
    let (failing, message) = match reply {
        Err(failure) => {
            let name = match failure.kind {
                FailureKind::Resolve | FailureKind::Request | FailureKind::Unavailable => "address",
                FailureKind::Tls => "TLS",
                _ => "connection",
            };
            (name, Error::from_failure(provider, account, &[], failure).message)
        }
        Ok(reply) if matches!(reply.status, 401 | 403) => ("key", error(provider, account, reply).message),
        Ok(_) => ("", String::new()),
    };
    let mut checks = Vec::new();
    for name in order {
        if name == failing {
            checks.push(Check::failed(name, "does not work", message));
            break;
        }
        checks.push(passed(name));
    }
    checks
}

fn error(provider: &dyn Provider, account: &Account, reply: &Reply) -> Error {
    let body = reply.body();
    Error::from_response(
        provider,
        account,
        Response { status: reply.status, headers: &reply.headers, body: &body },
    )
}

/// Whether the server has the model.
fn model(provider: &dyn Provider, account: &Account, reply: &Reply) -> Check {
    let names = if reply.status == 200 { model_names(&reply.body()) } else { Vec::new() };
    let asked = account.model_or(provider.defaults().model);
    let is = |name: &String| name == asked || name.strip_suffix(":latest") == Some(asked);
    if names.is_empty() {
        return Check::skipped("model", "the server lists none");
    }
    if asked.is_empty() {
        return Check::doubtful("model", "the server's own choice", "set `model` where it has several");
    }
    if names.iter().any(is) {
        return Check::passed("model", format!("{asked} is there"));
    }
    let unknown = Error::of_settings(provider, ai_completion::stream::ErrorKind::Model, "");
    let nearest = unknown.naming_models(asked, &names).message;
    Check::failed("model", format!("{asked} is not in the server's list"), format!("Set `model`.{nearest}"))
}

/// Asks for a small completion, and looks at what comes and when.
fn completion(provider: &'static dyn Provider, account: &Account, options: &Options) -> Vec<Check> {
    let prompt = Prompt {
        prefix: BEFORE.to_owned(),
        suffix: AFTER.to_owned(),
        path: "src/add.rs".to_owned(),
        language: "rust".to_owned(),
        repository: "check".to_owned(),
        max_tokens: 48,
        ..Prompt::default()
    };
    let mut account = account.clone();
    loop {
        let request = match provider.request(&account, &prompt) {
            Ok(request) => request,
            Err(error) => return vec![Check::failed("completion", "cannot be asked for", error.message)],
        };
        let reply = match send(&request, options) {
            Ok(reply) => reply,
            Err(failure) => {
                let message = Error::from_failure(provider, &account, &[], &failure).message;
                return vec![Check::failed("completion", "got no answer", message)];
            }
        };
        if (200..300).contains(&reply.status) {
            let way = if provider.seam(&account) == Seam::Prefix { "fill-in-the-middle" } else { "chat" };
            return judge(&read(provider, &account, &reply), way);
        }
        // As the plugin does: without what the server refuses, or in another way. Each lesson is new, so this ends.
        let body = reply.body();
        let response = Response { status: reply.status, headers: &reply.headers, body: &body };
        match lesson(&account, &response, request.body.as_deref().unwrap_or_default()) {
            Some(lesson) => account.lessons.push(lesson),
            None => {
                let message = error(provider, &account, &reply).message;
                return vec![Check::failed("completion", "was refused", message)];
            }
        }
    }
}

/// The text of an answer, and when its pieces came.
#[derive(Debug, Default)]
struct Answer {
    text: String,
    times: Vec<Duration>,
    error: Option<String>,
}

fn read(provider: &'static dyn Provider, account: &Account, reply: &Reply) -> Answer {
    let mut answer = Answer::default();
    let mut pipeline = StreamPipelineBuilder::new(provider.decoder()).build();
    let ends = reply.pieces.last().map(|(at, _)| (*at, None));
    let pieces = reply.pieces.iter().map(|(at, piece)| (*at, Some(piece.as_slice())));
    for (at, piece) in pieces.chain(ends) {
        let mut sink = |token: StreamToken<'_>| match token {
            StreamToken::Text(text) => {
                answer.text.push_str(&text);
                answer.times.push(at);
            }
            StreamToken::Delta(delta) if delta.index == 0 => {
                answer.text.push_str(&delta.content);
                answer.times.push(at);
            }
            StreamToken::Error(error) => {
                answer.error = Some(Error::from_stream(provider, account, &reply.headers, &error).message);
            }
            _ => {}
        };
        match piece {
            Some(piece) => pipeline.push(piece, &mut sink),
            None => pipeline.finish(&mut sink),
        }
    }
    answer
}

fn judge(answer: &Answer, way: &str) -> Vec<Check> {
    if let Some(message) = &answer.error {
        return vec![Check::failed("completion", "cannot be read", message.clone())];
    }
    let (Some(first), Some(last)) = (answer.times.first(), answer.times.last()) else {
        let fix = "choose another `model`, or another way by `fim`";
        return vec![Check::failed("completion", "the answer was empty", fix)];
    };
    let shown: String = answer.text.trim().chars().take(40).collect();
    let filled = if answer.text.contains(FILLING) {
        Check::passed("completion", format!("by {way}: {shown:?}"))
    } else {
        let fix = "`fim` and `model` decide how it is asked; a base model for code fills best";
        Check::doubtful("completion", format!("by {way}, but not what fills the hole: {shown:?}"), fix)
    };
    let speed = Check::passed("first text", format!("after {} ms", first.as_millis()));
    let writing = last.saturating_sub(*first);
    let pieces = answer.times.len();
    let distinct = answer.times.windows(2).filter(|pair| pair.first() != pair.last()).count();
    let streaming = match (pieces, distinct) {
        (0..4, _) => Check::skipped("streaming", "the answer is too short to tell"),
        (_, 0) => Check::doubtful(
            "streaming",
            "the answer came in one piece",
            "something in between keeps it back: check `proxy` and the gateway at `base-url`",
        ),
        _ => {
            let seconds = writing.as_secs_f64();
            let rate = if seconds > 0.0 { (pieces as f64 - 1.0) / seconds } else { 0.0 };
            Check::passed("streaming", format!("{pieces} pieces, {rate:.0} a second"))
        }
    };
    vec![filled, speed, streaming]
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn answers_are_judged_by_what_fills_and_when_it_comes() {
        let ms = |times: &[u64]| times.iter().map(|ms| Duration::from_millis(*ms)).collect();
        for (text, times, results) in [
            (" + second", &[100, 120, 140, 160][..], &[Outcome::Passed; 3][..]),
            (" + second", &[100; 4], &[Outcome::Passed, Outcome::Passed, Outcome::Doubtful]),
            (" + second", &[100], &[Outcome::Passed, Outcome::Passed, Outcome::Skipped]),
            ("Sure! Here is", &[1, 2, 3, 4], &[Outcome::Doubtful, Outcome::Passed, Outcome::Passed]),
            ("", &[], &[Outcome::Failed]),
        ] {
            let answer = Answer { text: text.to_owned(), times: ms(times), error: None };
            let judged: Vec<Outcome> = judge(&answer, "chat").iter().map(|check| check.result).collect();
            assert_eq!(judged, results, "{text:?} {times:?}");
        }
    }
}
