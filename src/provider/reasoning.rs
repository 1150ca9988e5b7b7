use super::Prompt;
use super::request::Draft;

/// How OpenAI's models that think before they answer are asked to think as little as they can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reasoning {
    /// The least `reasoning_effort` the model takes; `None` when it takes none but its default.
    pub(super) effort: Option<&'static str>,
}

/// Whether `model` is one of OpenAI's that think, by its name, with or without a vendor before it
/// (`openai/gpt-5`). Such a model takes `max_completion_tokens` only, and neither temperature nor stop.
///
/// What each takes is from the API's own "Unsupported value" answers (anomalyco/opencode#4451, #26268):
/// `minimal` is gpt-5's alone, `none` came with 5.1 and stayed, Codex always thinks, Pro takes only `high`.
pub(super) fn reasoning(model: &str) -> Option<Reasoning> {
    let model = model.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let is = |name: &str| {
        model.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', ':']))
    };
    let effort = if let Some(version) = model.strip_prefix("gpt-5") {
        match version {
            // A plain model; later ones of that name think as they like.
            first if first.starts_with("-chat") => return None,
            other if other.contains("-chat") || other.contains("-pro") => None,
            codex if codex.contains("-codex") => Some("low"),
            point if point.starts_with('.') => Some("none"),
            _ => Some("minimal"),
        }
    } else if is_later_gpt(&model) {
        if model.contains("-chat") || model.contains("-pro") { None } else { Some("none") }
    } else if is("o1-mini") || is("o1-preview") {
        None
    } else if ["o1", "o3", "o4", "gpt-oss"].into_iter().any(is) {
        Some("low")
    } else {
        return None;
    };
    Some(Reasoning { effort })
}

/// Whether it is `gpt-6` or whatever follows.
fn is_later_gpt(model: &str) -> bool {
    let version = model.strip_prefix("gpt-").and_then(|rest| rest.split(['-', '.', ':']).next());
    version.and_then(|version| version.parse::<u32>().ok()).is_some_and(|version| version > 5)
}

impl Reasoning {
    /// Tokens on top of the answer's, because the model's thoughts count as well: with too few of them
    /// the answer ends before it has begun.
    pub(super) fn allowance(self) -> u32 {
        match self.effort {
            Some("none") => 0,
            Some("minimal") => 512,
            _ => 2048,
        }
    }
}

impl Draft<'_> {
    /// The limits and dials of a chat in OpenAI's format, as its model takes them. `cap` is the field for the
    /// number of tokens at models that do not think.
    pub(super) fn openai_dials(self, model: &str, prompt: &Prompt, cap: &str) -> Self {
        match reasoning(model) {
            Some(reasoning) => {
                // gpt-oss is anybody's to serve, under the server's own name for the limit.
                let cap = if model.contains("gpt-oss") { cap } else { "max_completion_tokens" };
                self.set(cap, prompt.max_tokens.saturating_add(reasoning.allowance()))
                    .set_some("reasoning_effort", reasoning.effort)
            }
            None => self.set(cap, prompt.max_tokens).temperature(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_that_think_are_known_by_name() {
        for (model, expected) in [
            ("gpt-4.1-mini", None),
            ("gpt-4o", None),
            ("gpt-5-chat-latest", None),
            ("gpt-5.1-chat-latest", Some(None)),
            ("gpt-5", Some(Some("minimal"))),
            ("gpt-5-nano-2025-08-07", Some(Some("minimal"))),
            ("openai/gpt-5-mini", Some(Some("minimal"))),
            ("gpt-5.1", Some(Some("none"))),
            ("gpt-5.5-mini", Some(Some("none"))),
            ("gpt-5.1-codex-mini", Some(Some("low"))),
            ("gpt-5-pro", Some(None)),
            ("o1-mini", Some(None)),
            ("o1", Some(Some("low"))),
            ("o3-mini-2025-01-31", Some(Some("low"))),
            ("o4-mini", Some(Some("low"))),
            ("openai/gpt-oss-20b", Some(Some("low"))),
            ("gpt-oss:20b", Some(Some("low"))),
            ("gpt-6-luna", Some(Some("none"))),
            ("openai/gpt-6.1-sol-pro", Some(None)),
            ("gpt-10", Some(Some("none"))),
            ("olmo-2", None),
            ("o1x", None),
            ("", None),
        ] {
            assert_eq!(reasoning(model).map(|reasoning| reasoning.effort), expected, "{model}");
        }
    }
}
