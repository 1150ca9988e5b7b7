//! What a Claude model accepts, by its name. Each generation answers some fields of the one before it
//! with a 400 (Anthropic's migration guides): prefill went with 4.6, sampling parameters with 4.7, and from
//! 5 on models think unless told otherwise, which each is told in its own way.

use serde_json::{Map, Value, json};

/// A model of Anthropic's, under the name that Anthropic, Vertex or Bedrock gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claude<'a> {
    model: &'a str,
    /// Major and minor version; newer than all known where the name has none.
    version: (u32, u32),
}

/// Tokens of thinking that count towards `max_tokens` where a model cannot be kept from thinking.
const THINKING_ROOM: u32 = 1024;

impl<'a> Claude<'a> {
    /// The model of that name: `claude-haiku-4-5`, `claude-3-5-sonnet@20240620`,
    /// `us.anthropic.claude-opus-4-6-v1`.
    pub(super) fn named(model: &'a str) -> Self {
        // Before 3 the version was part of a word: `claude-2.1`, `claude-v2`, `claude-instant-v1`.
        if ["claude-2", "claude-v", "claude-instant"].iter().any(|old| model.contains(old)) {
            return Self { model, version: (2, 0) };
        }
        let name = model.rsplit_once("claude").map_or("", |(_, name)| name);
        let mut pieces = name.split(['-', '@', ':', '.']).skip_while(|piece| !is_version(piece));
        let major = pieces.next().and_then(|piece| piece.parse().ok()).unwrap_or(u32::MAX);
        let minor = pieces.next().filter(|piece| is_version(piece)).and_then(|piece| piece.parse().ok());
        Self { model, version: (major, minor.unwrap_or(0)) }
    }

    /// Whether the conversation may end with the beginning of the assistant's answer.
    pub(super) fn takes_prefill(self) -> bool {
        self.version <= (4, 5)
    }

    /// Whether `temperature` may be sent.
    pub(super) fn takes_temperature(self) -> bool {
        self.version <= (4, 6)
    }

    /// The fields that keep the model from thinking before it answers, or make it think little.
    pub(super) fn quiet(self) -> Map<String, Value> {
        let thinking = |kind| json!({ "thinking": { "type": kind } });
        let fields = match self.version {
            (..4, _) | (4, ..=5) => return Map::new(),
            (4, _) => thinking("disabled"),
            (5, 0) if self.is("sonnet") => thinking("disabled"),
            (5, 5) if self.is("sonnet") => thinking("between_tools"),
            (5, 5) if self.is("haiku") => thinking("disabled"),
            _ => json!({ "output_config": { "effort": "low" } }),
        };
        match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    /// The `max_tokens` that leaves `wanted` for the answer.
    pub(super) fn max_tokens(self, wanted: u32) -> u32 {
        if self.quiet().contains_key("output_config") { wanted.saturating_add(THINKING_ROOM) } else { wanted }
    }

    fn is(self, family: &str) -> bool {
        self.model.contains(family)
    }
}

/// Whether a piece of a model name is a version's part rather than a date or a word.
fn is_version(piece: &str) -> bool {
    (1..=2).contains(&piece.len()) && piece.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_asked_only_what_its_generation_accepts() {
        let none = "{}";
        let disabled = r#"{"thinking":{"type":"disabled"}}"#;
        let low = r#"{"output_config":{"effort":"low"}}"#;
        for (model, prefill, temperature, quiet, tokens) in [
            ("claude-instant-1.2", true, true, none, 10),
            ("anthropic.claude-v2:1", true, true, none, 10),
            ("claude-2.1", true, true, none, 10),
            (
                "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                true,
                true,
                none,
                10,
            ),
            ("claude-3-opus-20240229", true, true, none, 10),
            ("claude-3-5-sonnet-v2@20241022", true, true, none, 10),
            ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", true, true, none, 10),
            ("claude-sonnet-4-20250514", true, true, none, 10),
            ("claude-haiku-4-5", true, true, none, 10),
            ("claude-haiku-4-5@20251001", true, true, none, 10),
            ("anthropic.claude-opus-4-6-v1", false, true, disabled, 10),
            ("claude-sonnet-4.6", false, true, disabled, 10),
            ("claude-opus-4-7", false, false, disabled, 10),
            ("claude-sonnet-5", false, false, disabled, 10),
            ("claude-sonnet-5-5", false, false, r#"{"thinking":{"type":"between_tools"}}"#, 10),
            ("claude-haiku-5-5", false, false, disabled, 10),
            ("claude-opus-5", false, false, low, 1034),
            ("claude-fable-5-1", false, false, low, 1034),
            ("claude-mythos-preview", false, false, low, 1034),
            ("claude-sonnet-6", false, false, low, 1034),
        ] {
            let claude = Claude::named(model);
            let asked = (claude.takes_prefill(), claude.takes_temperature(), claude.max_tokens(10));
            assert_eq!(asked, (prefill, temperature, tokens), "{model}");
            assert_eq!(Value::Object(claude.quiet()).to_string(), quiet, "{model}");
        }
    }
}
