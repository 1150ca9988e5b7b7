//! One recipe per provider in docs/providers.md, written from the registry and tried against it.

use std::fmt::Write;

use ai_completion::config::Settings;
use ai_completion::provider::{self, Error, Prompt, Provider};
use ai_completion::stream::ErrorKind;

use super::hold;
use super::settings::table;

const BEGIN: &str = "<!-- recipes: written by the test `recipes` of volt-host -->\n";
const END: &str = "<!-- end of recipes -->\n";

/// Settings without which a provider cannot be asked.
const NEEDED: &[(&str, &[&str])] = &[
    ("openai-completions", &["base-url = \"https://SERVER/v1\"", "model = \"MODEL\""]),
    ("azure", &["base-url = \"https://RESOURCE.openai.azure.com\"", "model = \"DEPLOYMENT\""]),
    ("vertex-gemini", &["vertex.project = \"PROJECT\""]),
    ("vertex-anthropic", &["vertex.project = \"PROJECT\""]),
    ("bedrock", &["aws.region = \"us-east-1\""]),
    ("vllm", &["model = \"MODEL\""]),
    ("lm-studio", &["model = \"MODEL\""]),
    ("nvidia", &["model = \"MODEL\""]),
    ("cloudflare", &["cloudflare.account-id = \"ACCOUNT\""]),
    ("openai-compatible", &["base-url = \"https://SERVER/v1\"", "model = \"MODEL\""]),
];

/// What a reader should know besides.
const NOTES: &[(&str, &str)] = &[
    (
        "openai-completions",
        "For servers that offer `/v1/completions`; OpenAI itself has no model for it any more.",
    ),
    (
        "bedrock",
        "Without `aws.region` and the variable `AWS_REGION` the region is us-east-1. With `AWS_ACCESS_KEY_ID` instead, \
      set `AWS_SECRET_ACCESS_KEY` as well, and `AWS_SESSION_TOKEN` if there is one.",
    ),
    (
        "vertex-gemini",
        "Without `vertex.location` the location is `global`. The variable `GOOGLE_CLOUD_PROJECT` stands in for `vertex.project`.",
    ),
    ("vertex-anthropic", "As `vertex-gemini`; the model must be enabled in the project's Model Garden."),
    (
        "ollama",
        "Base models (names that end in `-base`) complete best. [Which one fits your memory](local-models.md#ollama).",
    ),
    (
        "llama-cpp",
        "The server has the model that it was started with. [Which one fits your memory](local-models.md#llamacpp).",
    ),
    ("lm-studio", "`MODEL` is the identifier that LM Studio shows. [More](local-models.md#lm-studio)."),
    ("vllm", "`MODEL` is the name that the server was started with. [More](local-models.md#vllm)."),
    ("azure", "`DEPLOYMENT` is the name of the deployment, not of the model."),
    (
        "openai-compatible",
        "For gateways, LiteLLM, llama-swap, text-generation-inference and the like. A model trained to fill in the middle is asked \
      so with `fim = \"suffix\"`, or with the name of a template, as `fim = \"qwen\"`.",
    ),
];

fn of<'a, T: ?Sized>(list: &'a [(&str, &'a T)], provider: &dyn Provider) -> Option<&'a T> {
    list.iter().find(|(name, _)| *name == provider.name()).map(|(_, value)| *value)
}

fn advice(provider: &dyn Provider, kind: ErrorKind, status: Option<u16>) -> Option<String> {
    let error = Error {
        kind,
        provider: provider.name(),
        status,
        code: None,
        request_id: None,
        retry_after_ms: None,
        message: String::new(),
    };
    provider.advice(&error, provider.defaults().model)
}

fn snippet(provider: &dyn Provider) -> String {
    let mut text = format!("[ai-completion]\nprovider = \"{}\"\n", provider.name());
    for line in of(NEEDED, provider).into_iter().flatten() {
        text += line;
        text += "\n";
    }
    text
}

fn recipe(provider: &dyn Provider) -> String {
    let defaults = provider.defaults();
    let title = match provider.name() {
        "openai-compatible" => "any OpenAI-compatible server",
        "openai-responses" => "OpenAI, Responses API",
        "vertex-gemini" => "Vertex AI, Google's models",
        "vertex-anthropic" => "Vertex AI, Anthropic's models",
        "deepseek-fim" => "DeepSeek, fill-in-the-middle",
        _ => provider.title(),
    };
    let mut text = format!("\n### `{}`: {title}\n\n```toml\n{}```\n\n", provider.name(), snippet(provider));
    let variables: Vec<String> = defaults.key_env.iter().map(|name| format!("`{name}`")).collect();
    let variables = variables.join(" or ");
    // Writing to a String cannot fail.
    let _ = match defaults.needs_key {
        true => writeln!(text, "- Key: in the variable {variables}."),
        false => writeln!(text, "- Key: none, or in the variable {variables} if your server wants one."),
    };
    if !defaults.model.is_empty() {
        let _ = writeln!(text, "- Model: `{}`, unless `model` names another.", defaults.model);
    }
    let asked = [(ErrorKind::Auth, None), (ErrorKind::Network, None), (ErrorKind::Model, Some(404))];
    for advice in asked.into_iter().filter_map(|(kind, status)| advice(provider, kind, status)) {
        let _ = writeln!(
            text,
            "- {}",
            advice.replace("https://api.mistral.ai/v1.", "`https://api.mistral.ai/v1`.")
        );
    }
    if let Some(note) = of(NOTES, provider) {
        let _ = writeln!(text, "- {note}");
    }
    text
}

#[test]
fn every_provider_has_its_recipe() {
    let providers = provider::names().map(|name| provider::find(name).unwrap());
    let recipes: String = providers.map(recipe).collect();
    hold("docs/providers.md", BEGIN, END, &[&recipes[1..], "\n"].concat());
}

/// With the recipe and its first variable the provider can be asked, and without any of its settings it cannot.
#[test]
fn recipes_are_enough_and_nothing_in_them_is_idle() {
    for provider in provider::names().map(|name| provider::find(name).unwrap()) {
        let key = provider.defaults().key_env.first().copied().unwrap_or_default();
        let env = |name: &str| (name == key).then(|| "a-key".to_owned());
        let can_be_asked = |text: &str| {
            let (settings, problems) = Settings::read(&table(text).unwrap());
            assert!(problems.is_empty(), "{text}");
            let account = settings.credentials(provider, &env, 0);
            account
                .is_ok_and(|credentials| provider.request(&credentials.account, &Prompt::default()).is_ok())
        };
        let whole = snippet(provider);
        assert!(can_be_asked(&whole), "{whole}");
        // These have a default, or only the server knows that it needs a name.
        let may_be_left_out = match provider.name() {
            "openai-completions" => &["base-url", "model"][..],
            _ => &["aws.region", "model"],
        };
        for line in of(NEEDED, provider).into_iter().flatten() {
            let name = line.split(' ').next().unwrap_or_default();
            let without = whole.replace(&format!("{line}\n"), "");
            assert!(
                may_be_left_out.contains(&name) || !can_be_asked(&without),
                "{} without {name}",
                provider.name()
            );
        }
    }
}
