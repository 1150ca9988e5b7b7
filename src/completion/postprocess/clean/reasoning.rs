//! A reasoning model's thoughts, where its server lets them into the text.

/// Those of Qwen, DeepSeek and their kin, Magistral's, Kimi's, Seed's, and what prompts make others use.
const TAGS: [(&str, &str); 7] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<seed:think>", "</seed:think>"),
];

/// The text after `<think>…</think>` at its beginning; nothing while the thought goes on.
pub(super) fn skip(raw: &str, ended: bool) -> &str {
    let start = raw.trim_start();
    for (open, close) in TAGS {
        if let Some(thought) = start.strip_prefix(open) {
            return thought
                .split_once(close)
                .map_or("", |(_, answer)| answer.trim_start_matches(['\n', '\r']));
        }
        // Some servers swallow the opening tag, which is part of the template.
        if let Some(answer) = start.strip_prefix(close) {
            return answer.trim_start_matches(['\n', '\r']);
        }
        if !ended && !start.is_empty() && open.starts_with(start) {
            return "";
        }
    }
    raw
}
