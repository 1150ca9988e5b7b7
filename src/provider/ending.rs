//! How an answer ended, and what to make of it: shown as whole, shown but for its last line, or told as a failure.

use super::{Account, Error, Provider};
use crate::stream::{Done, ErrorKind, FinishReason, StreamToken, Usage};

/// What an answer said about itself besides its text. Give it every token of the answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    usage: Usage,
    reason: Option<FinishReason>,
    /// The model's words when it refused.
    refusal: String,
    has_thought: bool,
    has_call: bool,
}

/// Bytes of a refusal that are kept to be shown.
const MOST_REFUSAL: usize = 400;

impl Progress {
    /// Takes note of a token of the first choice.
    pub fn token(&mut self, token: &StreamToken<'_>) {
        match token {
            StreamToken::Usage(usage) => self.usage = *usage,
            StreamToken::Reasoning(_) => self.has_thought = true,
            StreamToken::ToolCall(_) | StreamToken::FunctionCall(_) => self.has_call = true,
            StreamToken::Refusal(words) if self.refusal.len() < MOST_REFUSAL => self.refusal.push_str(words),
            StreamToken::Done(Done { reason, index: 0 }) => self.reason = Some(*reason),
            _ => {}
        }
    }

    /// Whether the model has thought aloud.
    pub fn has_thought(&self) -> bool {
        self.has_thought
    }
}

/// What to make of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// All of it has come: show it and remember it. Without text the model had nothing to add.
    Whole,
    /// The token limit cut it: its last line is unfinished. Show the lines before, and do not remember it as whole.
    Cut,
    /// It failed. Nothing of it is to be remembered; whether to ask again is decided as for any other error, by
    /// [`retry`](super::retry).
    Failed(Box<Error>),
}

/// What to make of an answer after its last token. `has_text`: whether it had any text that can be shown, thinking in tags
/// left out. `max_tokens` is what was asked for in [`Prompt::max_tokens`](super::Prompt::max_tokens).
pub fn ending(
    provider: &dyn Provider,
    account: &Account,
    progress: &Progress,
    has_text: bool,
    max_tokens: u32,
) -> Ending {
    let failed = |kind, message: &str| Ending::Failed(Box::new(Error::of_ending(provider, kind, message)));
    let title = provider.title();
    let refusal = progress.refusal.trim();
    match progress.reason.unwrap_or(FinishReason::Other) {
        FinishReason::Filter => {
            failed(ErrorKind::Filtered, &format!("The content filter of {title} withheld the answer."))
        }
        FinishReason::Refusal if !has_text => failed(ErrorKind::Filtered, &refused(account, refusal)),
        FinishReason::Error => failed(
            ErrorKind::Transient,
            &format!("{title} failed while it wrote the answer; trying again may help."),
        ),
        FinishReason::MalformedToolCall => failed(
            ErrorKind::Transient,
            "The model wrote a tool call that cannot be read in place of code; trying again, or another `model`, may help.",
        ),
        FinishReason::Length if has_text => Ending::Cut,
        FinishReason::Length => failed(ErrorKind::Limit, &used_up(progress, max_tokens)),
        _ if !has_text && !refusal.is_empty() => failed(ErrorKind::Filtered, &refused(account, refusal)),
        FinishReason::ToolCalls if !has_text && progress.has_call => failed(
            ErrorKind::Request,
            "The model called a tool in place of writing code: choose another `model`.",
        ),
        _ => Ending::Whole,
    }
}

fn refused(account: &Account, words: &str) -> String {
    let words = super::error::clean_words(words, &account.secrets());
    match words.trim_end_matches('.') {
        "" => "The model refused to answer.".to_owned(),
        words => format!("The model refused to answer: {words}."),
    }
}

/// An answer without text that met its limit was spent on thoughts, unless the provider says otherwise.
fn used_up(progress: &Progress, max_tokens: u32) -> String {
    let Usage { output, reasoning, .. } = progress.usage;
    let tokens = reasoning.filter(|tokens| *tokens > 0).or(output).unwrap_or(max_tokens.into());
    format!(
        "The model used its {tokens} tokens for thinking: raise `max-tokens`, set `reasoning`, or choose another `model`."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Secret;
    use crate::provider::find;
    use FinishReason::*;

    #[test]
    fn each_ending_is_told_as_what_it_is() {
        let thought = StreamToken::Reasoning("hm".into());
        let usage = |output, reasoning| {
            StreamToken::Usage(Usage { output: Some(output), reasoning, ..Usage::default() })
        };
        let refusal = StreamToken::Refusal("I can't help with hush-key.".into());
        let call = StreamToken::ToolCall(Default::default());
        for (reason, tokens, has_text, expected) in [
            (Stop, &[][..], true, "whole"),
            (Stop, &[], false, "whole"),
            (Other, std::slice::from_ref(&thought), true, "whole"),
            (Length, &[], true, "cut"),
            (
                Length,
                std::slice::from_ref(&thought),
                false,
                "limit: The model used its 256 tokens for thinking: raise `max-tokens`, set `reasoning`, or choose another `model`.",
            ),
            (Length, &[usage(300, Some(290))], false, "limit: The model used its 290 tokens for thinking"),
            (Length, &[usage(300, None)], false, "limit: The model used its 300 tokens for thinking"),
            (Filter, &[], false, "filtered: The content filter of OpenAI withheld the answer."),
            (Filter, &[], true, "filtered: The content filter of OpenAI withheld the answer."),
            (Refusal, &[], false, "filtered: The model refused to answer."),
            (
                Stop,
                std::slice::from_ref(&refusal),
                false,
                "filtered: The model refused to answer: I can't help with ***.",
            ),
            (Stop, std::slice::from_ref(&refusal), true, "whole"),
            (Error, &[], false, "transient: OpenAI failed while it wrote the answer"),
            (Error, &[], true, "transient: OpenAI failed"),
            (MalformedToolCall, &[], false, "transient: The model wrote a tool call that cannot be read"),
            (ToolCalls, std::slice::from_ref(&call), false, "request: The model called a tool"),
            (ToolCalls, std::slice::from_ref(&call), true, "whole"),
        ] {
            let mut progress = Progress::default();
            tokens.iter().for_each(|token| progress.token(token));
            progress.token(&StreamToken::Done(Done { reason, index: 0 }));
            let account = Account { api_key: Secret::new("hush-key"), ..Account::default() };
            let got = match ending(find("openai").unwrap(), &account, &progress, has_text, 256) {
                Ending::Whole => "whole".to_owned(),
                Ending::Cut => "cut".to_owned(),
                Ending::Failed(error) => format!("{}: {}", error.kind.as_str(), error.message),
            };
            assert!(got.starts_with(expected), "{reason:?} {has_text}: {got}");
        }
    }
}
