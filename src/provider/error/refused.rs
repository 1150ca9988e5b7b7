//! Which field of a request an error body refuses.

use serde_json::Value;

use crate::json_tree::{self, at};

use super::body::{ErrorBody, text};

/// Words that refuse a field, rather than its value, with `|` between.
const REFUSALS: &str = "unsupported|not supported|not currently supported|does not support|doesn't support|\
    only supports|unrecognized|unrecognised|not recognized|unknown|unexpected|extra inputs|\
    extra_forbidden|extraneous|not permitted|not allowed|not available|not accept|not implemented|\
    not enabled|not compatible|incompatible|no such|deprecated|only the default|does not exist|\
    cannot find field|is not a valid parameter|invalid parameter|invalid field";

/// The one of `paths`, the dotted paths of the fields that were sent, that `body` refuses.
pub(in crate::provider) fn refused_field(body: &[u8], paths: &[String]) -> Option<String> {
    let ErrorBody { message, signals, .. } = ErrorBody::of_body(body);
    if !REFUSALS.split('|').any(|words| signals.iter().any(|signal| signal.contains(words))) {
        return None;
    }
    let body = std::str::from_utf8(body).unwrap_or_default();
    let named = named(&json_tree::parse(body).unwrap_or_default());
    let sent = |name: &str| {
        let is = |path: &&String| path.as_str() == name || plain(path) == plain(name);
        let ends = |path: &&String| path.rsplit('.').next().is_some_and(|last| plain(last) == plain(name));
        paths.iter().find(is).or_else(|| paths.iter().find(ends)).cloned()
    };
    if let Some(name) = named {
        return sent(&name);
    }
    // The first field that the words name, the longer name first: `stream_options.include_usage` before `stream_options`.
    let message = joined(&message);
    let mentioned = paths.iter().filter_map(|path| Some((mention(&message, path)?, path)));
    let first = mentioned.min_by_key(|((at, len), _)| (*at, std::cmp::Reverse(*len)));
    first.map(|(_, path)| path.clone())
}

/// The field that the body names by itself: OpenAI's `param`, or `loc` of FastAPI and pydantic.
fn named(body: &Value) -> Option<String> {
    if let Some(name) = text(body, "error.param").or_else(|| text(body, "param")) {
        return Some(name.to_owned());
    }
    let mut places = Vec::new();
    for place in at(body, "detail.0.loc")?.as_array()? {
        places.extend(place.as_str().filter(|place| *place != "body"));
    }
    (!places.is_empty()).then(|| places.join("."))
}

/// Where `text`, which is [joined], names the field at `path` as a word of its own, and by how many bytes: by the whole
/// path, or by its last name.
fn mention(text: &str, path: &str) -> Option<(usize, usize)> {
    let last = path.rsplit('.').next().unwrap_or(path);
    // One letter alone, or a word of everyday speech (`stop`), counts as well: the text refuses something.
    [path, last].into_iter().find_map(|name| {
        let name = joined(name);
        let is_inside = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        let whole = |at: &usize| {
            let before = at.checked_sub(1).and_then(|at| text.as_bytes().get(at)).copied();
            !is_inside(before) && !is_inside(text.as_bytes().get(at + name.len()).copied())
        };
        let at = text.match_indices(&name).map(|(at, _)| at).find(whole)?;
        Some((at, name.len()))
    })
}

/// The text in lower case and without underscores: xAI refuses `reasoning_effort` as `reasoningEffort`.
fn joined(text: &str) -> String {
    text.to_ascii_lowercase().replace('_', "")
}

/// A name without its separators, in lower case: Google calls the same field `thinkingLevel` and `thinking_level`.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
