//! Checks of texts. Each check's error is the end of a sentence that begins with "must be".

use crate::completion::trigger::Glob;
use crate::http::{Url, is_dot_segment};
use crate::lapce;

/// Allows any text on one line.
pub fn printable(text: &str) -> Result<(), String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("a text on one line".to_owned());
    }
    Ok(())
}

/// Allows names of models. With some providers the name becomes a part of the URL's path, so it must not contain `..`.
pub fn model_name(text: &str) -> Result<(), String> {
    printable(text)?;
    if text.split(['/', '\\']).any(is_dot_segment) {
        return Err("the name of a model, without `..`".to_owned());
    }
    Ok(())
}

/// Allows globs without `!`.
pub fn plain_glob(text: &str) -> Result<(), String> {
    if Glob::parse(text)?.is_negated() { Err("a glob without `!`".to_owned()) } else { Ok(()) }
}

/// Allows Lapce's ids of languages.
pub fn language(text: &str) -> Result<(), String> {
    let ids: Vec<_> = lapce::language_ids().collect();
    if ids.contains(&text) {
        return Ok(());
    }
    Err(match super::names::nearest(text, &ids) {
        Some(id) => format!("an id of Lapce's: did you mean `{id}`?"),
        None => {
            "an id that Lapce gives a language, such as `rust`; for other languages set `files`".to_owned()
        }
    })
}

/// Allows names of environment variables.
pub fn variable_name(text: &str) -> Result<(), String> {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if first && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    Err("the name of an environment variable, such as MY_KEY, and not the key itself".to_owned())
}

/// Allows absolute paths: the agent runs in its own folder, and nothing expands `~`.
pub fn full_path(text: &str) -> Result<(), String> {
    printable(text)?;
    let has_drive = text.get(1..3).is_some_and(|colon| colon == ":\\" || colon == ":/");
    if text.starts_with(['/', '\\']) || has_drive {
        return Ok(());
    }
    Err("a full path, such as /etc/ssl/company.pem, without `~`".to_owned())
}

/// Allows base URLs of servers.
pub fn server_url(text: &str) -> Result<(), String> {
    Url::parse(text).map(drop).map_err(|wrong| format!("a URL like https://host/path: this one {wrong}"))
}

const PROXY_SCHEMES: &[&str] = &["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// Parses the URL of a proxy. The result does not contain its scheme, user and password.
pub fn proxy_url(text: &str) -> Result<Url, String> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let authority = rest.rsplit('@').next().unwrap_or_default();
    let url = Url::parse(&["http://", authority].concat()).ok();
    url.filter(|_| {
        PROXY_SCHEMES.contains(&scheme) && rest.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\')
    })
    .ok_or_else(|| format!("a URL that starts with {}://", PROXY_SCHEMES.join(":// or ")))
}
