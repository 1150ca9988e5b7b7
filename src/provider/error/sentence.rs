//! The sentences a user reads: what happened and which setting to change.

use super::Error;
use super::clean::PAGE;
use crate::provider::fim::fill;
use crate::provider::registry;
use crate::provider::retry::is_loading;
use crate::provider::{Account, Defaults, Provider};
use crate::stream::ErrorKind;
use crate::transport::FailureKind;

/// Of an answer that is an error. `words` are the provider's, cleaned.
pub(super) fn of_answer(provider: &dyn Provider, account: &Account, error: &Error, words: &str) -> String {
    let status = error.status.unwrap_or_default();
    let key = registry::profile(provider.name()).map_or("an API key", |profile| profile.key);
    let sentence = match error.kind {
        _ if status == 400 && asks_for_https(words) => {
            "Begin `base-url` with https: the server at {base} does not speak http."
        }
        _ if words.starts_with(PAGE) && !matches!(status, 0 | 200..300 | 404 | 405) => {
            "Something in between (a proxy, firewall or bot check) answered in place of {title}: check `base-url` and \
             `proxy`."
        }
        ErrorKind::Auth if account.api_key.is_empty() => {
            "{title} needs {key}: set `api-key-env` (or `api-key`)."
        }
        ErrorKind::Auth if account.has_key_command => {
            "{title} does not accept the key that your key command prints: try it in a terminal."
        }
        ErrorKind::Auth => "{title} does not accept {the key}: check `api-key-env` (or `api-key`).",
        ErrorKind::Quota => "Buy credit at {title}, or set a `fallback`: no credit or quota is left.",
        ErrorKind::Model if account.model_or(provider.defaults().model).is_empty() => {
            "Set `model`: {title} does not know which one is meant."
        }
        ErrorKind::Model => "{title} does not know the model `{model}`: check `model` and `base-url`.",
        ErrorKind::TooLong => {
            "The prompt is too long for {title}: lower `context-tokens` or choose another `model`."
        }
        ErrorKind::Filtered => "{title} refused this prompt or answer by its content filter.",
        ErrorKind::NoFim => {
            "{title} cannot fill in the middle with this model: set `fim` to a template or to `chat`."
        }
        ErrorKind::RateLimited => "{title} asks to wait{wait}: too many requests.",
        ErrorKind::Transient if is_loading(error.status, words) => {
            "{title} is still loading the model: wait, then try again."
        }
        ErrorKind::Transient => "{title} failed or is overloaded; trying again may help.",
        ErrorKind::Truncated => "{title} ended the answer before it was complete.",
        ErrorKind::Timeout => "{title} sent nothing for too long: see `timeout.idle-ms`.",
        ErrorKind::Malformed => {
            "{title} answered something else than its format: check `base-url` and `provider`."
        }
        ErrorKind::Network => "{title} could not be reached: check `base-url`.",
        ErrorKind::Limit => "The answer of {title} is over a limit of this plugin.",
        ErrorKind::Request => match status {
            300..400 => {
                "{title} is elsewhere, and the key does not follow it there by itself: check `base-url`."
            }
            404 | 405 => "Nothing answers at {base} (HTTP {status}): check `base-url` and `provider`.",
            _ if !account.extra_body.is_empty() => "{title} refused the request: check `extra-body`.",
            _ => "{title} refused the request: another `model` may take it.",
        },
    };
    let wait = error.retry_after_ms.map_or_else(String::new, |ms| format!(" for {} s", ms.div_ceil(1000)));
    let the_key = key.replacen("an ", "the ", 1);
    let more =
        [("{key}", key), ("{the key}", &the_key), ("{wait}", &wait), ("{status}", &status.to_string())];
    let sentence = filled(sentence, provider, account, &more);
    let status = error.status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
    match (words.trim_end_matches('.'), error.status) {
        _ if error.kind == ErrorKind::Request && matches!(error.status, Some(404 | 405)) => sentence,
        ("", None) => sentence,
        ("", Some(status)) => format!("{sentence} It answered HTTP {status} without a word."),
        (words, _) => format!("{sentence} It said{status}: {words}."),
    }
}

/// Whether these are the words of a server that was spoken to in plain HTTP where it speaks HTTPS: as Go's `net/http`,
/// nginx, Apache and Tomcat have them.
fn asks_for_https(words: &str) -> bool {
    ["to an HTTPS server", "to HTTPS port", "to an SSL-enabled", "port requires TLS"]
        .iter()
        .any(|it| words.contains(it))
}

/// The sentence with texts in their places: what is known of every request, and `more`.
fn filled(sentence: &str, provider: &dyn Provider, account: &Account, more: &[(&str, &str)]) -> String {
    let Defaults { base_url, model, .. } = provider.defaults();
    let mut places = vec![
        ("{title}", provider.title()),
        ("{model}", account.model_or(model)),
        ("{base}", shown(account.base_url_or(base_url))),
    ];
    places.extend_from_slice(more);
    let mut out = String::new();
    fill(sentence, &places, &mut out);
    out
}

pub(super) fn kind_of(failure: FailureKind) -> ErrorKind {
    match failure {
        FailureKind::Resolve | FailureKind::Connect | FailureKind::Tls | FailureKind::Proxy => {
            ErrorKind::Network
        }
        FailureKind::Cut => ErrorKind::Truncated,
        FailureKind::Timeout => ErrorKind::Timeout,
        FailureKind::Request | FailureKind::Unavailable => ErrorKind::Request,
    }
}

/// The URL as it may be shown: a key may have been pasted along behind it.
fn shown(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// Of a request that got no whole answer. `words` are the transport's, cleaned.
pub(super) fn of_failure(
    provider: &dyn Provider,
    account: &Account,
    kind: FailureKind,
    words: &str,
) -> String {
    let sentence = match kind {
        FailureKind::Resolve => "The host of `{base}` has no address: check `base-url` and the network.",
        FailureKind::Connect => {
            "{title} is not reachable at `{base}`: is it running, and is `base-url` right?"
        }
        // As OpenSSL, GnuTLS and LibreSSL say it.
        FailureKind::Tls
            if ["wrong version", "record layer", "packet length"].iter().any(|it| words.contains(it)) =>
        {
            "The server at `{base}` does not speak https: check `base-url`, which may have to begin with http."
        }
        FailureKind::Tls => {
            "No secure connection to {title} at `{base}`: check `base-url`, and name in `ca-file` who signs its \
             certificate."
        }
        FailureKind::Proxy => {
            "The proxy did not let the request through to {title}: check `proxy`, or HTTPS_PROXY in the environment."
        }
        FailureKind::Cut => "The connection to {title} broke before the answer was complete.",
        FailureKind::Timeout => {
            "{title} did not answer in time: see `timeout.first-byte-ms` and `timeout.idle-ms`."
        }
        FailureKind::Request => "The request to {title} could not be sent: check `base-url`.",
        // The transport knows what is missing here, and what helps.
        FailureKind::Unavailable => return [words.trim_end_matches('.'), "."].concat(),
    };
    let sentence = filled(sentence, provider, account, &[]);
    match words.trim_end_matches('.') {
        "" => sentence,
        words => format!("{sentence} ({words})"),
    }
}

/// Up to six of the listed models, those most like the one asked for first; `None` when no other is listed.
pub(super) fn nearest(asked: &str, listed: &[String]) -> Option<String> {
    let others = listed.iter().filter(|name| *name != asked);
    let asked = asked.to_ascii_lowercase();
    let mut names: Vec<(usize, &String)> =
        others.map(|name| (unlike(&asked, &name.to_ascii_lowercase()), name)).collect();
    let mut shown: Vec<String> = Vec::new();
    while let Some((at, _)) =
        names.iter().enumerate().min_by_key(|(_, name)| **name).filter(|_| shown.len() < 6)
    {
        let (_, name) = names.swap_remove(at);
        shown.push(format!("`{name}`"));
    }
    match (shown.is_empty(), names.len()) {
        (true, _) => None,
        (false, 0) => Some(shown.join(", ")),
        (false, more) => Some(format!("{} and {more} more", shown.join(", "))),
    }
}

/// How many three-letter pieces of either name the other does not have.
fn unlike(a: &str, b: &str) -> usize {
    let missing = |of: &str, from: &str| {
        let of: Vec<char> = of.chars().collect();
        of.windows(3).filter(|piece| !from.contains(&piece.iter().collect::<String>())).count()
    };
    // What the asked name lacks weighs more: names on a server may be long.
    2 * missing(a, b) + missing(b, a)
}
