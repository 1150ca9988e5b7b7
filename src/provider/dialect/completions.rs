//! The request of text completions, which is where fill-in-the-middle lives: by the server's own `suffix` field, or
//! by a template in the prompt. Servers with chat as well are asked by chat where neither fits. Answers are decoded
//! as chat completions are.

use super::Dialect;
use crate::provider::fim::{self, Template, Way, Ways};
use crate::provider::profile::Target;
use crate::provider::reasoning::Spelling;
use crate::provider::request::{Draft, Result, texts};
use crate::provider::{Prompt, Seam};
use crate::stream::ErrorKind;

/// Quirks of text completions, which is where fill-in-the-middle lives.
#[derive(Clone, Copy)]
pub(in crate::provider) struct Completions {
    /// The path below the base URL.
    pub(in crate::provider) path: &'static str,
    /// The ways it can be asked.
    pub(in crate::provider) ways: Ways,
    /// The family of all its models, by the template's name; `None`: as the model's name says.
    pub(in crate::provider) family: Option<&'static str>,
    /// Stop strings that it takes at most.
    pub(in crate::provider) stops: usize,
    /// Tokens of answer that it gives at most.
    pub(in crate::provider) most_tokens: u32,
    /// What `stream_options` says; empty: it is left out.
    pub(in crate::provider) stream_options: &'static [(&'static str, bool)],
}

impl Dialect for Completions {
    fn request<'a>(&self, target: Target<'a>, prompt: &Prompt) -> Result<Draft<'a>> {
        let Target { profile, account } = target;
        let model = target.model();
        if profile.defaults.needs_key && model.is_empty() && account.base_url.trim().is_empty() {
            let message = "Set `model`, and `base-url` to a server that has it: OpenAI itself has no model left for text \
                           completions.";
            return Err(target.refusal(ErrorKind::Model, message));
        }
        let to = |path| Draft::to(target, path);
        let way = self.ways.choose(target)?;
        let draft = match way {
            Way::Template(template) => {
                let stops = template.stops(prompt, self.stops);
                to(self.path)?.complete(prompt, self, template.render(prompt), &stops)
            }
            Way::Chat => to("/chat/completions")?
                .chat(prompt, Seam::Instruction)
                .limits(prompt.max_tokens, "max_tokens"),
            Way::Suffix => {
                let family = self.family.map_or_else(|| fim::of_model(model), fim::named);
                let (prefix, stops) = by_suffix(prompt, family.unwrap_or(&fim::PLAIN));
                to(self.path)?.complete(prompt, self, prefix, &stops).set("suffix", prompt.suffix.as_str())
            }
        };
        // vLLM finds stop strings in text only, and leaves special tokens out of it unless told not to
        // (vllm-project/vllm#2123).
        let keeps = matches!(way, Way::Template(_)) && profile.thinking.spelling == Spelling::TemplateSwitch;
        Ok(draft.stream_options(self.stream_options).set("skip_special_tokens", keeps.then_some(false)))
    }

    fn seam(&self, target: Target<'_>) -> Seam {
        self.ways.seam(target)
    }
}

/// The text before the cursor, and stop strings. Snippets go before it if the model's family tells files apart by plain
/// text; special tokens are the server's business.
fn by_suffix(prompt: &Prompt, family: &Template<'_>) -> (String, Vec<String>) {
    let mut stops = Vec::new();
    for stop in family.stops {
        if stop.starts_with('\n') {
            stops.push((*stop).to_owned());
        }
    }
    stops.extend_from_slice(&prompt.stop);
    (family.prefix(prompt), stops)
}

impl Draft<'_> {
    fn complete(self, prompt: &Prompt, quirks: &Completions, text: String, stops: &[String]) -> Self {
        self.model()
            .set("prompt", text)
            .set("stop", texts(stops.get(..quirks.stops).unwrap_or(stops)))
            .set("max_tokens", prompt.max_tokens.min(quirks.most_tokens))
            .set("stream", true)
            .temperature()
    }
}
