//! OpenAI's legacy text completions: FIM by `suffix`, or by a template where the model's name tells
//! of one.

use super::fim::{self, FEW_STOPS, Way};
use super::request::Draft;
use super::{Account, Decoder, Defaults, Error, HttpRequest, Prompt, Provider, Seam, completions};

/// `openai-completions`
pub(super) struct OpenAiCompletions;

impl Provider for OpenAiCompletions {
    fn name(&self) -> &'static str {
        "openai-completions"
    }

    fn title(&self) -> &'static str {
        "OpenAI's completions"
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            base_url: "https://api.openai.com/v1",
            // The only one of OpenAI's own that takes a suffix.
            model: "gpt-3.5-turbo-instruct",
            key_env: &["OPENAI_API_KEY"],
            needs_key: true,
            paid: true,
        }
    }

    fn request(&self, account: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        let family = fim::of_model(account.model_or(self.defaults().model));
        let draft = Draft::to(self, account, "/completions")?.bearer()?;
        match fim::way(self, account, family.map_or(Way::Suffix, Way::Template))? {
            Way::Suffix => draft.by_suffix(prompt, family, FEW_STOPS),
            Way::Template(template) => draft.by_template(prompt, template),
            Way::Custom(template) => draft.by_custom(prompt, &template),
            Way::Chat => {
                let why = "it has no chat, choose the provider `openai` or `openai-compatible`";
                return Err(completions::no_such_way(self, why));
            }
        }
        .temperature()
        .post()
    }

    fn decoder(&self) -> Decoder {
        completions::decoder()
    }

    fn seam(&self, _: &Account) -> Seam {
        Seam::Prefix
    }

    fn models_request(&self, account: &Account) -> Option<HttpRequest> {
        Draft::to(self, account, "/models").and_then(Draft::bearer).and_then(Draft::get).ok()
    }

    fn advice(&self, error: &Error) -> Option<String> {
        super::openai_account::advice(error)
    }
}
