//! The sentences a user reads: what happened and which setting to change.

use super::Error;
use super::clean::PAGE;
use crate::provider::profile::Profile;
use crate::provider::registry;
use crate::provider::{Account, Provider};
use crate::stream::ErrorKind;
use crate::transport::FailureKind;

/// Of an answer that is an error. `words` are the provider's, cleaned.
pub(super) fn of_answer(provider: &dyn Provider, account: &Account, error: &Error, words: &str) -> String {
    let title = provider.title();
    let model = account.model_or(provider.defaults().model);
    let wait = error.retry_after_ms.map_or_else(String::new, |ms| format!(" for {} s", ms.div_ceil(1000)));
    let key = registry::profile(provider.name()).map_or("an API key", Profile::key);
    let is_page = words.starts_with(PAGE);
    let sentence = match error.kind {
        _ if is_page && error.status.is_some_and(|status| !matches!(status, 200..300 | 404 | 405)) => {
            format!(
                "Something in between (a proxy, firewall or bot check) answered in place of {title}: check `base-url` and \
             `proxy`."
            )
        }
        ErrorKind::Auth if account.api_key.is_empty() => {
            format!("{title} needs {key}: set `api-key-env` (or `api-key`).")
        }
        ErrorKind::Auth if account.has_key_command => {
            format!("{title} does not accept the key that your key command prints: try it in a terminal.")
        }
        ErrorKind::Auth => format!(
            "{title} does not accept {}: check `api-key-env` (or `api-key`).",
            key.replacen("an ", "the ", 1)
        ),
        ErrorKind::Quota => format!("No credit or quota is left at {title}."),
        ErrorKind::Model if model.is_empty() => {
            format!("Set `model`: {title} does not know which one is meant.")
        }
        ErrorKind::Model => {
            format!("{title} does not know the model `{model}`: check `model` and `base-url`.")
        }
        ErrorKind::TooLong => {
            format!("The prompt is too long for {title}: lower `context-tokens` or choose another `model`.")
        }
        ErrorKind::Filtered => format!("{title} refused this prompt or answer by its content filter."),
        ErrorKind::NoFim => {
            format!(
                "{title} cannot fill in the middle with this model: set `fim` to a template or to `chat`."
            )
        }
        ErrorKind::RateLimited => format!("{title} asks to wait{wait}: too many requests."),
        ErrorKind::Transient => format!("{title} failed or is overloaded; trying again may help."),
        ErrorKind::Truncated => format!("{title} ended the answer before it was complete."),
        ErrorKind::Timeout => format!("{title} sent nothing for too long: see `timeout.idle-ms`."),
        ErrorKind::Malformed => {
            format!("{title} answered something else than its format: check `base-url` and `provider`.")
        }
        ErrorKind::Network => format!("{title} could not be reached: check `base-url`."),
        ErrorKind::Limit => format!("The answer of {title} is over a limit of this plugin."),
        ErrorKind::Request if error.status.is_some_and(|status| (300..400).contains(&status)) => {
            format!("{title} is elsewhere, and the key does not follow it there by itself: check `base-url`.")
        }
        ErrorKind::Request if matches!(error.status, Some(404 | 405)) => {
            let status = error.status.unwrap_or_default();
            return format!(
                "Nothing answers at {} (HTTP {status}): check `base-url` and `provider`.",
                shown(account.base_url_or(provider.defaults().base_url))
            );
        }
        ErrorKind::Request => format!("{title} refused the request."),
    };
    let status = error.status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
    match (words.trim_end_matches('.'), error.status) {
        ("", None) => sentence,
        ("", Some(status)) => format!("{sentence} It answered HTTP {status} without a word."),
        (words, _) => format!("{sentence} It said{status}: {words}."),
    }
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
    let title = provider.title();
    let base = shown(account.base_url_or(provider.defaults().base_url));
    let sentence = match kind {
        FailureKind::Resolve => {
            format!("The host of `{base}` has no address: check `base-url` and the network.")
        }
        FailureKind::Connect => {
            format!("{title} is not reachable at `{base}`: is it running, and is `base-url` right?")
        }
        // As OpenSSL, GnuTLS and LibreSSL say it.
        FailureKind::Tls
            if ["wrong version", "record layer", "packet length"].iter().any(|it| words.contains(it)) =>
        {
            format!(
                "The server at `{base}` does not speak https: check `base-url`, which may have to begin with http."
            )
        }
        FailureKind::Tls => {
            format!(
                "No secure connection to {title} at `{base}`: check `base-url`, and name in `ca-file` who signs its \
                 certificate."
            )
        }
        FailureKind::Proxy => format!(
            "The proxy did not let the request through to {title}: check `proxy`, or HTTPS_PROXY in the environment."
        ),
        FailureKind::Cut => format!("The connection to {title} broke before the answer was complete."),
        FailureKind::Timeout => {
            format!("{title} did not answer in time: see `timeout.first-byte-ms` and `timeout.idle-ms`.")
        }
        FailureKind::Request => format!("The request to {title} could not be sent: check `base-url`."),
        FailureKind::Unavailable => {
            "No way to send a request: install curl, or set `transport = \"http\"`.".to_owned()
        }
    };
    match words.trim_end_matches('.') {
        "" => sentence,
        words => format!("{sentence} ({words})"),
    }
}

/// Up to six of the listed models, those most like the one asked for first; `None` when none is listed.
pub(super) fn nearest(asked: &str, listed: &[String]) -> Option<String> {
    let asked = asked.to_ascii_lowercase();
    let mut names: Vec<(usize, &String)> =
        listed.iter().map(|name| (unlike(&asked, &name.to_ascii_lowercase()), name)).collect();
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
