//! The list of providers. A vendor that speaks a known dialect is one row here; a test holds the table in
//! docs/providers.md against it.

use super::dialect::{
    Chat, Completions, ConverseApi, Dialect, GenerateContentApi, LlamaCppApi, MessagesApi, OllamaApi,
    ResponsesApi, Resume,
};
use super::fim::{Auto, FEW_STOPS, Ways};
use super::profile::{Address, Profile};
use super::reasoning::{self, Spelling, Thinking};
use super::{Defaults, Provider};
use crate::stream::ErrorKind;

/// The provider of that name in the settings.
pub fn find(name: &str) -> Option<&'static dyn Provider> {
    profile(name).map(|profile| profile as &dyn Provider)
}

/// The names of all providers, in the order shown to users.
pub fn names() -> impl Iterator<Item = &'static str> + Clone {
    PROFILES.iter().map(|profile| profile.name)
}

/// The row of that name.
pub(super) fn profile(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}

const USAGE: &[(&str, bool)] = &[("include_usage", true)];

const CHAT: Chat = Chat { limit: "max_tokens", stream_options: &[], resume: Resume::Instruction };

/// A paid server of chat completions whose models do not think. A row says how it differs.
const fn vendor(name: &'static str, title: &'static str) -> Profile {
    Profile {
        name,
        title,
        defaults: Defaults { base_url: "", model: "", key_env: &[], needs_key: true, paid: true },
        dialect: &CHAT,
        address: Address::Base,
        thinking: Thinking { spelling: Spelling::Effort, models: &[] },
        headers: &[],
        key_header: "",
        models_path: "/models",
        key: "an API key",
        hints: &[],
    }
}

/// What a row says of itself, by the fields of [`Profile`] and [`Defaults`].
impl Profile {
    /// The base URL, the environment variables of the key, and the model.
    const fn at(self, base_url: &'static str, key_env: &'static [&'static str], model: &'static str) -> Self {
        let defaults = Defaults { base_url, key_env, model, ..self.defaults };
        Self { defaults, ..self }
    }

    /// A key is sent where there is one.
    const fn keyless(self) -> Self {
        Self { defaults: Defaults { needs_key: false, ..self.defaults }, ..self }
    }

    /// On the user's own machine, where nothing is paid for.
    const fn local(self) -> Self {
        Self { defaults: Defaults { needs_key: false, paid: false, ..self.defaults }, ..self }
    }

    const fn dialect(self, dialect: &'static dyn Dialect) -> Self {
        Self { dialect, ..self }
    }

    const fn address(self, address: Address) -> Self {
        Self { address, ..self }
    }

    const fn thinking(self, spelling: Spelling, models: &'static [&'static [reasoning::Model]]) -> Self {
        Self { thinking: Thinking { spelling, models }, ..self }
    }

    const fn headers(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    const fn key_header(self, key_header: &'static str) -> Self {
        Self { key_header, ..self }
    }

    const fn models_path(self, models_path: &'static str) -> Self {
        Self { models_path, ..self }
    }

    const fn key(self, key: &'static str) -> Self {
        Self { key, ..self }
    }

    const fn hints(self, hints: &'static [(ErrorKind, &'static str)]) -> Self {
        Self { hints, ..self }
    }
}

const FIM: Completions = Completions {
    path: "/fim/completions",
    ways: Ways { auto: Auto::Suffix, suffix: true, templates: false, chat: false },
    family: Some(""),
    stops: FEW_STOPS,
    most_tokens: u32::MAX,
    stream_options: &[],
};

/// A server with both `/completions` and `/chat/completions` whose models may be of any family.
const OPEN_MODELS: Completions = Completions {
    path: "/completions",
    ways: Ways { auto: Auto::TemplateOrChat, ..Ways::ALL },
    stream_options: USAGE,
    ..FIM
};

const fn openai(name: &'static str, title: &'static str, model: &'static str) -> Profile {
    vendor(name, title)
        .at("https://api.openai.com/v1", &["OPENAI_API_KEY"], model)
        .thinking(Spelling::Effort, &[reasoning::OPENAI])
        .hints(&[
            (ErrorKind::Auth, "https://platform.openai.com/api-keys"),
            (ErrorKind::Quota, "https://platform.openai.com/settings/organization/billing"),
        ])
}

/// The keys are Google's documented environment variables for access tokens.
const fn vertex(name: &'static str, model: &'static str) -> Profile {
    const KEYS: &[&str] = &["CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"];
    vendor(name, "Vertex AI")
        .at("https://aiplatform.googleapis.com", KEYS, model)
        .models_path("")
        .key("an access token")
        .hints(&[(
            ErrorKind::Auth,
            "`gcloud auth print-access-token` prints a token; it is good for an hour.",
        )])
}

const fn deepseek(name: &'static str, base_url: &'static str) -> Profile {
    vendor(name, "DeepSeek").at(base_url, &["DEEPSEEK_API_KEY"], "deepseek-flash").hints(&[
        (ErrorKind::Auth, "https://platform.deepseek.com/api_keys"),
        (ErrorKind::Quota, "https://platform.deepseek.com/top_up"),
        (ErrorKind::NoFim, "DeepSeek's FIM is the provider `deepseek-fim`."),
    ])
}

/// Every provider, in the order shown to users.
pub(super) static PROFILES: &[Profile] = &[
    openai("openai", "OpenAI", "gpt-6-luna").dialect(&Chat {
        limit: "max_completion_tokens",
        stream_options: &[("include_usage", true), ("include_obfuscation", false)],
        ..CHAT
    }),
    openai("openai-responses", "OpenAI", "gpt-6-luna")
        .dialect(&ResponsesApi)
        .thinking(Spelling::ReasoningEffort, &[reasoning::OPENAI]),
    // OpenAI's own models went in September 2026; other servers still have the format.
    openai("openai-completions", "OpenAI (completions)", "")
        .dialect(&Completions {
            path: "/completions",
            ways: Ways { auto: Auto::TemplateOrSuffix, suffix: true, templates: true, chat: false },
            family: None,
            ..FIM
        })
        .thinking(Spelling::Effort, &[]),
    vendor("anthropic", "Anthropic")
        .at("https://api.anthropic.com/v1", &["ANTHROPIC_API_KEY"], "claude-haiku-4-5")
        .dialect(&MessagesApi)
        .address(Address::Versioned("/v1"))
        .thinking(Spelling::Claude, &[reasoning::ANTHROPIC])
        .headers(&[("anthropic-version", "2023-06-01")])
        .key_header("x-api-key")
        .models_path("/models?limit=1000")
        .hints(&[
            (ErrorKind::Auth, "https://console.anthropic.com/settings/keys"),
            (ErrorKind::Quota, "https://console.anthropic.com/settings/billing"),
        ]),
    vendor("gemini", "Gemini")
        .at(
            "https://generativelanguage.googleapis.com/v1beta",
            &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
            "gemini-3.5-flash-lite",
        )
        .dialect(&GenerateContentApi)
        .thinking(Spelling::Own, &[reasoning::GEMINI])
        // In the URL, where the documentation puts it as well, the key would show up in logs.
        .key_header("x-goog-api-key")
        .models_path("/models?pageSize=1000")
        .hints(&[(ErrorKind::Auth, "https://aistudio.google.com/apikey")]),
    vertex("vertex-gemini", "gemini-3.5-flash-lite")
        .dialect(&GenerateContentApi)
        .address(Address::Vertex("google"))
        .thinking(Spelling::Own, &[reasoning::GEMINI]),
    vertex("vertex-anthropic", "claude-haiku-4-5@20251001")
        .dialect(&MessagesApi)
        .address(Address::Vertex("anthropic"))
        .thinking(Spelling::Claude, &[reasoning::ANTHROPIC]),
    vendor("mistral", "Mistral")
        .at("https://api.mistral.ai/v1", &["MISTRAL_API_KEY"], "codestral-latest")
        // Usage comes unasked with the last chunk. A prefill comes back before what follows
        // (SillyTavern/SillyTavern#2557).
        .dialect(&Chat { resume: Resume::EchoedPrefix, ..CHAT })
        .thinking(Spelling::Effort, &[reasoning::MISTRAL])
        .headers(&[("accept", "text/event-stream")])
        .hints(&[
            (
                ErrorKind::Auth,
                "Keys are made at https://console.mistral.ai; one for Codestral needs the provider \
                 `codestral`.",
            ),
            (ErrorKind::NoFim, "Mistral's FIM is the provider `codestral`."),
        ]),
    vendor("codestral", "Codestral")
        .at("https://codestral.mistral.ai/v1", &["CODESTRAL_API_KEY"], "codestral-latest")
        // The API names no limit for stop strings.
        .dialect(&Completions { family: Some("codestral"), stops: 8, ..FIM })
        .headers(&[("accept", "text/event-stream")])
        .hints(&[(
            ErrorKind::Auth,
            "Codestral's keys are made at https://console.mistral.ai/codestral; with a general key of \
             Mistral's set `base-url` to https://api.mistral.ai/v1.",
        )]),
    deepseek("deepseek", "https://api.deepseek.com")
        // "Chat Prefix Completion" is in beta.
        .dialect(&Chat { resume: Resume::BetaPrefix, ..CHAT })
        .thinking(Spelling::ThinkingType, &[reasoning::DEEPSEEK]),
    deepseek("deepseek-fim", "https://api.deepseek.com/beta")
        // Limits as in api-docs.deepseek.com/api/create-completion.
        .dialect(&Completions {
            path: "/completions",
            family: Some("deepseek"),
            stops: 16,
            most_tokens: 4096,
            stream_options: USAGE,
            ..FIM
        })
        .models_path(""),
    vendor("openrouter", "OpenRouter")
        .at("https://openrouter.ai/api/v1", &["OPENROUTER_API_KEY"], "openai/gpt-6-luna")
        .dialect(&Chat { stream_options: USAGE, ..CHAT })
        // One field for all vendors (openrouter.ai/docs/use-cases/reasoning-tokens).
        .thinking(
            Spelling::OpenRouter,
            &[
                reasoning::OPENAI,
                reasoning::ANTHROPIC,
                reasoning::GEMINI,
                reasoning::XAI,
                reasoning::DEEPSEEK,
                reasoning::ZAI,
                reasoning::MOONSHOT,
                reasoning::DASHSCOPE,
            ],
        )
        .headers(&[("x-openrouter-title", "Lapce AI completion")])
        .hints(&[
            (ErrorKind::Auth, "https://openrouter.ai/settings/keys"),
            (ErrorKind::Quota, "https://openrouter.ai/settings/credits"),
        ]),
    vendor("azure", "Azure OpenAI")
        .at("", &["AZURE_OPENAI_API_KEY"], "")
        .dialect(&Chat { stream_options: USAGE, ..CHAT })
        .address(Address::Azure)
        .thinking(Spelling::Effort, &[reasoning::OPENAI])
        .key_header("api-key")
        .models_path("")
        .hints(&[
            (ErrorKind::Auth, "The key is under “Keys and Endpoint” of the resource."),
            (ErrorKind::Model, "`model` must be the name of a deployment of this resource."),
            (ErrorKind::Request, "At Azure it is `https://RESOURCE.openai.azure.com`."),
        ]),
    vendor("bedrock", "Bedrock")
        .at(
            "https://bedrock-runtime.us-east-1.amazonaws.com",
            &["AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID"],
            "global.anthropic.claude-haiku-4-5-20251001-v1:0",
        )
        .dialect(&ConverseApi)
        .address(Address::Bedrock)
        .thinking(Spelling::Claude, &[reasoning::ANTHROPIC])
        .hints(&[
            (
                ErrorKind::Auth,
                "Set `AWS_BEARER_TOKEN_BEDROCK`, or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.",
            ),
            (
                ErrorKind::Model,
                "Many models need the id of an inference profile, as `us.anthropic.…` or \
                 `global.anthropic.…`.",
            ),
        ]),
    vendor("ollama", "Ollama")
        .at("http://localhost:11434", &["OLLAMA_API_KEY"], "qwen2.5-coder:1.5b-base")
        .local()
        .dialect(&OllamaApi)
        // Guides for other clients give the address of another of its APIs.
        .address(Address::Root(&["/api/generate", "/api/chat", "/api", "/v1"]))
        .thinking(Spelling::Own, &[reasoning::OPEN_WEIGHTS])
        .models_path("/api/tags")
        .hints(&[
            (ErrorKind::Network, "It is started by `ollama serve`."),
            (ErrorKind::Model, "A model is fetched by `ollama pull {model}`."),
        ]),
    vendor("llama-cpp", "llama.cpp")
        // A server has one model, unless it is started as a router.
        .at("http://127.0.0.1:8080", &["LLAMA_API_KEY"], "")
        .local()
        .dialect(&LlamaCppApi)
        .address(Address::Root(&["/infill", "/completion", "/v1"]))
        .thinking(Spelling::TemplateSwitch, &[reasoning::TEMPLATES])
        .models_path("/v1/models")
        .hints(&[(
            ErrorKind::Network,
            "It is started, with a small model, by `llama-server --fim-qwen-1.5b-default --port 8080`.",
        )]),
    vendor("vllm", "vLLM")
        .at("http://localhost:8000/v1", &["VLLM_API_KEY"], "")
        .local()
        // "suffix is not currently supported" (entrypoints/openai/completion/serving.py).
        .dialect(&Completions { ways: Ways { suffix: false, ..OPEN_MODELS.ways }, ..OPEN_MODELS })
        .thinking(Spelling::TemplateSwitch, &[reasoning::TEMPLATES])
        .hints(&[(ErrorKind::Network, "It is started by `vllm serve MODEL`.")]),
    vendor("lm-studio", "LM Studio")
        .at("http://localhost:1234/v1", &["LM_API_TOKEN"], "")
        .local()
        .dialect(&OPEN_MODELS)
        .thinking(Spelling::Effort, &[reasoning::OPEN_WEIGHTS])
        .hints(&[
            (ErrorKind::Network, "Its server is started by `lms server start`."),
            (ErrorKind::Model, "A model is loaded by `lms load {model}`."),
        ]),
    vendor("groq", "Groq")
        .at("https://api.groq.com/openai/v1", &["GROQ_API_KEY"], "openai/gpt-oss-20b")
        .dialect(&Chat { limit: "max_completion_tokens", ..CHAT })
        .thinking(Spelling::Effort, &[reasoning::GROQ])
        .hints(&[(ErrorKind::Auth, "https://console.groq.com/keys")]),
    vendor("xai", "xAI")
        .at("https://api.x.ai/v1", &["XAI_API_KEY"], "grok-4.3")
        .dialect(&Chat { limit: "max_completion_tokens", ..CHAT })
        .thinking(Spelling::Effort, &[reasoning::XAI])
        .hints(&[(ErrorKind::Auth, "https://console.x.ai")]),
    vendor("mercury", "Inception")
        .at("https://api.inceptionlabs.ai/v1", &["INCEPTION_API_KEY"], "mercury-edit-2")
        .dialect(&FIM)
        .hints(&[(ErrorKind::Auth, "https://platform.inceptionlabs.ai")]),
    // docs.together.ai/docs/openai-api-compatibility and …/inference/chat/reasoning (read 2026-11).
    vendor("together", "Together AI")
        .at("https://api.together.xyz/v1", &["TOGETHER_API_KEY"], "Qwen/Qwen3.5-9B")
        .thinking(Spelling::ReasoningEnabled, &[reasoning::TOGETHER])
        .hints(&[(ErrorKind::Auth, "https://api.together.ai/settings/api-keys")]),
    // docs.fireworks.ai/guides/reasoning; ai-sdk.dev/providers/ai-sdk-providers/fireworks (read 2026-11).
    vendor("fireworks", "Fireworks AI")
        .at(
            "https://api.fireworks.ai/inference/v1",
            &["FIREWORKS_API_KEY"],
            "accounts/fireworks/models/gpt-oss-20b",
        )
        .thinking(Spelling::Effort, &[reasoning::FIREWORKS])
        .hints(&[(ErrorKind::Auth, "https://fireworks.ai/account/api-keys")]),
    // inference-docs.cerebras.ai: the model that its deprecations page recommends in place of others (read 2026-11).
    vendor("cerebras", "Cerebras")
        .at("https://api.cerebras.ai/v1", &["CEREBRAS_API_KEY"], "gpt-oss-120b")
        .dialect(&Chat { limit: "max_completion_tokens", ..CHAT })
        .thinking(Spelling::Effort, &[reasoning::CEREBRAS])
        .hints(&[(ErrorKind::Auth, "https://cloud.cerebras.ai")]),
    // huggingface.co/docs/inference-providers (read 2026-11): a router without FIM.
    vendor("huggingface", "Hugging Face")
        .at("https://router.huggingface.co/v1", &["HF_TOKEN"], "openai/gpt-oss-120b")
        .thinking(Spelling::Effort, &[reasoning::OPEN_WEIGHTS])
        .hints(&[(ErrorKind::Auth, "https://huggingface.co/settings/tokens")]),
    // docs.github.com/en/rest/models/inference (read 2026-11): names are PUBLISHER/MODEL; the list of them is elsewhere.
    vendor("github-models", "GitHub Models")
        .at("https://models.github.ai/inference", &["GITHUB_TOKEN"], "openai/gpt-4.1")
        .models_path("")
        .key("a token with `models: read`")
        .hints(&[(ErrorKind::Auth, "https://github.com/settings/tokens")]),
    // build.nvidia.com (read 2026-11). Its catalogue changes too often for a default model.
    vendor("nvidia", "NVIDIA")
        .at("https://integrate.api.nvidia.com/v1", &["NVIDIA_API_KEY"], "")
        .thinking(Spelling::Effort, &[reasoning::OPEN_WEIGHTS])
        .hints(&[(ErrorKind::Auth, "https://build.nvidia.com/settings")]),
    // deepinfra.com/docs/advanced/openai_api (read 2026-11).
    vendor("deepinfra", "DeepInfra")
        .at(
            "https://api.deepinfra.com/v1/openai",
            &["DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"],
            "Qwen/Qwen3-Coder-480B-A35B-Instruct-Turbo",
        )
        .thinking(Spelling::Effort, &[reasoning::OPEN_WEIGHTS])
        .hints(&[(ErrorKind::Auth, "https://deepinfra.com/dash/api_keys")]),
    // docs.sambanova.ai/docs/en/features/openai-compatibility (read 2026-11).
    vendor("sambanova", "SambaNova")
        .at("https://api.sambanova.ai/v1", &["SAMBANOVA_API_KEY"], "Meta-Llama-3.3-70B-Instruct")
        .thinking(Spelling::Effort, &[reasoning::OPEN_WEIGHTS])
        .hints(&[(ErrorKind::Auth, "https://cloud.sambanova.ai/apis")]),
    // docs.perplexity.ai/docs/sonar/openai-compatibility (read 2026-11): no list of models.
    vendor("perplexity", "Perplexity")
        .at("https://api.perplexity.ai", &["PERPLEXITY_API_KEY", "PPLX_API_KEY"], "sonar")
        .models_path("")
        .hints(&[(ErrorKind::Auth, "https://www.perplexity.ai/account/api")]),
    // platform.kimi.ai/docs by promptfoo.dev/docs/providers/moonshot (read 2026-11): this model is to go at the end of
    // December 2026; its successor cannot answer without long thoughts (dev.to/aihubmix, 2026-10).
    vendor("moonshot", "Moonshot")
        .at("https://api.moonshot.ai/v1", &["MOONSHOT_API_KEY"], "kimi-k2.6")
        .dialect(&Chat { limit: "max_completion_tokens", ..CHAT })
        .thinking(Spelling::ThinkingType, &[reasoning::MOONSHOT])
        .hints(&[(ErrorKind::Auth, "https://platform.kimi.ai")]),
    // docs.z.ai; ai-sdk.dev/providers/ai-sdk-providers/zai (read 2026-11).
    vendor("zai", "Z.ai")
        .at("https://api.z.ai/api/paas/v4", &["ZAI_API_KEY"], "glm-4.7")
        .thinking(Spelling::ThinkingType, &[reasoning::ZAI])
        .hints(&[(ErrorKind::Auth, "https://z.ai/manage-apikey/apikey-list")]),
    // alibabacloud.com/help/model-studio, "OpenAI compatible - Chat": the address of Singapore. Since October 2026
    // it documents one for each workspace, which is a `base-url`.
    vendor("dashscope", "DashScope")
        .at(
            "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            &["DASHSCOPE_API_KEY"],
            "qwen3-coder-plus",
        )
        .thinking(Spelling::EnableThinking, &[reasoning::DASHSCOPE])
        .hints(&[(ErrorKind::Auth, "https://modelstudio.console.alibabacloud.com")]),
    // docs.cohere.com/docs/compatibility-api (read 2026-11): no list of models there.
    vendor("cohere", "Cohere")
        .at("https://api.cohere.ai/compatibility/v1", &["CO_API_KEY", "COHERE_API_KEY"], "command-a-03-2025")
        .models_path("")
        .hints(&[(ErrorKind::Auth, "https://dashboard.cohere.com/api-keys")]),
    // developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility (read 2026-11): no list of models
    // there.
    vendor("cloudflare", "Cloudflare")
        .at(
            "https://api.cloudflare.com",
            &["CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY"],
            "@cf/qwen/qwen2.5-coder-32b-instruct",
        )
        .address(Address::Cloudflare)
        .models_path("")
        .hints(&[(ErrorKind::Auth, "https://dash.cloudflare.com/profile/api-tokens")]),
    vendor("openai-compatible", "the server")
        .at("", &["OPENAI_COMPATIBLE_API_KEY"], "")
        .keyless()
        // Nothing but what all of them take: no `stream_options`.
        .dialect(&Completions {
            ways: Ways { auto: Auto::Chat, ..Ways::ALL },
            stream_options: &[],
            ..OPEN_MODELS
        })
        .thinking(Spelling::Effort, &[reasoning::OPENAI])
        .hints(&[
            (ErrorKind::NoFim, "`fim` may be `chat` here."),
            (ErrorKind::Request, "For example `https://gateway.example/v1`."),
        ]),
];

#[cfg(test)]
mod tests;
