//! The request of the legacy text completions, which is where FIM lives: by the server's own `suffix`
//! field, or by a template in the prompt. The answers are decoded as chat completions are.

pub(super) use super::chat_completions::decoder;
use super::fim::{self, FEW_STOPS, Template, Way};
use super::request::Draft;
use super::{Account, Error, Prompt, Provider, Seam};
use crate::stream::ErrorKind;

impl Draft<'_> {
    /// Asks for `prompt` by the `suffix` field. Snippets go before the prefix if the model's family
    /// tells files apart by plain text. At most `limit` stop strings are sent.
    pub(super) fn by_suffix(self, prompt: &Prompt, family: Option<&Template>, limit: usize) -> Self {
        let prefix = match family {
            Some(family) => family.prefix(prompt),
            None => fim::render("{prefix}", prompt, ""),
        };
        // Of the family's stops those that are plain text; special tokens are the server's business.
        let own = family.map_or(&[][..], |family| family.stops).iter().filter(|stop| stop.starts_with('\n'));
        let stops =
            own.map(|stop| (*stop).to_owned()).chain(prompt.stop.iter().cloned()).take(limit).collect();
        self.complete(prompt, prefix, stops).set("suffix", prompt.suffix.as_str())
    }

    /// Asks for `prompt` by a template.
    pub(super) fn by_template(self, prompt: &Prompt, template: &Template) -> Self {
        self.complete(prompt, template.render(prompt), template.stops(prompt, FEW_STOPS))
    }

    /// Asks for `prompt` by the user's own template.
    pub(super) fn by_custom(self, prompt: &Prompt, template: &str) -> Self {
        let stops = prompt.stop.iter().take(FEW_STOPS).cloned().collect();
        self.complete(prompt, fim::render(template, prompt, ""), stops)
    }

    fn complete(self, prompt: &Prompt, text: String, stops: Vec<String>) -> Self {
        self.model()
            .set("prompt", text)
            .set_some("stop", (!stops.is_empty()).then_some(stops))
            .set("max_tokens", prompt.max_tokens)
            .set("stream", true)
    }
}

/// A request to a server with both `/completions` and `/chat/completions` whose models may be of any
/// family, asked in the way that `auto` or the user says.
///
/// # Errors
/// When a setting is missing or wrong.
pub(super) fn draft<'a>(
    provider: &'a dyn Provider,
    account: &'a Account,
    prompt: &Prompt,
    auto: Way,
) -> Result<Draft<'a>, Error> {
    let to = |path: &str| Draft::to(provider, account, path)?.bearer();
    let draft = match fim::way(provider, account, auto)? {
        Way::Suffix => to("/completions")?.by_suffix(prompt, None, FEW_STOPS),
        Way::Template(template) => to("/completions")?.by_template(prompt, template),
        Way::Custom(template) => to("/completions")?.by_custom(prompt, &template),
        Way::Chat => {
            let model = account.model_or(provider.defaults().model);
            let draft = to("/chat/completions")?.chat(prompt, provider.seam(account))?;
            return Ok(draft.openai_dials(model, prompt, "max_tokens"));
        }
    };
    Ok(draft.temperature())
}

/// Refuses a way of asking that the server has not.
pub(super) fn no_such_way(provider: &dyn Provider, why: &str) -> Error {
    Error::of_settings(
        provider,
        ErrorKind::NoFim,
        &format!("`fim` does not fit {}: {why}.", provider.title()),
    )
}

/// A template when the model is of a known family, else chat.
pub(super) fn template_or_chat(provider: &dyn Provider, account: &Account) -> Way {
    fim::of_model(account.model_or(provider.defaults().model)).map_or(Way::Chat, Way::Template)
}

/// How such a server goes on: by prefix in FIM, by instruction in chat.
pub(super) fn seam(provider: &dyn Provider, account: &Account, auto: Way) -> Seam {
    match fim::way(provider, account, auto) {
        Ok(Way::Chat) | Err(_) => Seam::Instruction,
        Ok(_) => Seam::Prefix,
    }
}
