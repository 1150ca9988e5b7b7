//! A reasoning model's thoughts, where its server lets them into the text.

/// The text after `<think>…</think>` at its beginning; nothing while the thought goes on.
///
/// Some servers swallow the opening tag (it is part of the template), so a closing tag alone counts too.
pub(super) fn skip(raw: &str, ended: bool) -> &str {
    let start = raw.trim_start();
    if let Some((thought, answer)) = raw.split_once("</think>")
        && (start.starts_with("<think>") || !thought.contains('`') && !thought.contains(['{', ';']))
    {
        return answer.trim_start_matches(['\n', '\r']);
    }
    let may_think =
        start.starts_with("<think>") || (!ended && !start.is_empty() && "<think>".starts_with(start));
    if may_think { "" } else { raw }
}
