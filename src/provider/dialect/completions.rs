//! The request of text completions, which is where fill-in-the-middle lives: by the server's own `suffix` field, or
//! by a template in the prompt. Servers with chat as well are asked by chat where neither fits. Answers are decoded
//! as chat completions are.

use crate::provider::fim::{self, Template, Way};
use crate::provider::profile::{Completions, Profile};
use crate::provider::reasoning::Spelling;
use crate::provider::request::{Draft, texts};
use crate::provider::{Account, Error, Prompt, Seam};
use crate::stream::ErrorKind;

/// The request that asks for `prompt`.
///
/// # Errors
/// When a setting is missing or wrong.
pub(in crate::provider) fn request<'a>(
    profile: &'a Profile,
    quirks: &Completions,
    account: &'a Account,
    prompt: &Prompt,
) -> Result<Draft<'a>, Box<Error>> {
    let model = profile.model(account);
    if profile.defaults.needs_key && model.is_empty() && account.base_url.trim().is_empty() {
        let message = "Set `model`, and `base-url` to a server that has it: OpenAI itself has no model left for text \
                       completions.";
        return Err(Error::refusal(profile, ErrorKind::Model, message));
    }
    let to = |path| Draft::to(profile, account, path);
    let way = quirks.ways.choose(profile, account)?;
    let raw = way.raw(prompt, quirks.stops);
    let is_raw = raw.is_some();
    let draft = match (way, raw) {
        (_, Some((text, stops))) => to(quirks.path)?.complete(prompt, quirks, text, &stops),
        (Way::Chat, None) => {
            let draft = to("/chat/completions")?.chat(account, prompt, Seam::Instruction);
            draft.limits(profile, account, prompt, "max_tokens")
        }
        (Way::Suffix | Way::Template(_) | Way::Custom(_), None) => {
            let family = quirks.family.map_or_else(|| fim::of_model(model), fim::named);
            let (prefix, stops) = by_suffix(prompt, family);
            to(quirks.path)?.complete(prompt, quirks, prefix, &stops).set("suffix", prompt.suffix.as_str())
        }
    };
    let draft = draft.stream_options(quirks.stream_options);
    // Stop strings are only found in text, and the special tokens that they are would be left out of it
    // (vllm-project/vllm#2123).
    let draft = if is_raw && profile.thinking.spelling == Spelling::TemplateSwitch {
        draft.set("skip_special_tokens", false)
    } else {
        draft
    };
    Ok(draft)
}

/// The text before the cursor, and stop strings. Snippets go before it if the model's family tells files apart by plain
/// text; special tokens are the server's business.
fn by_suffix(prompt: &Prompt, family: Option<&Template>) -> (String, Vec<String>) {
    let prefix = match family {
        Some(family) => family.prefix(prompt),
        None => fim::render("{prefix}", prompt, ""),
    };
    let mut stops = Vec::new();
    for stop in family.map_or(&[][..], |family| family.stops) {
        if stop.starts_with('\n') {
            stops.push((*stop).to_owned());
        }
    }
    stops.extend_from_slice(&prompt.stop);
    (prefix, stops)
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

/// How such a server continues an answer: by prefix in FIM, by instruction in chat.
pub(in crate::provider) fn seam(profile: &Profile, quirks: &Completions, account: &Account) -> Seam {
    if quirks.ways.is_chat(profile, account) { Seam::Instruction } else { Seam::Prefix }
}
