//! The list of providers. A vendor that speaks a known dialect is one row here; a test holds the table in
//! docs/providers.md against it.

use super::dialect::{
    Chat, Completions, ConverseApi, GenerateContentApi, LlamaCppApi, MessagesApi, OllamaApi, ResponsesApi,
    Resume,
};
use super::fim::{Auto, FEW_STOPS, Ways};
use super::profile::{Address, Profile, Topic};
use super::reasoning::{self, Spelling, Thinking};
use super::{Defaults, Provider};

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

const fn effort(models: &'static [&'static [reasoning::Model]]) -> Thinking {
    Thinking { spelling: Spelling::Effort, models }
}

const NO_THINKING: Thinking = effort(&[]);

const CHAT: Chat = Chat { limit: "max_tokens", stream_options: &[], resume: Resume::Instruction };

/// A paid server of chat completions, from which the rows differ.
const VENDOR: Profile = Profile {
    name: "",
    title: "",
    defaults: Defaults { base_url: "", model: "", key_env: &[], needs_key: true, paid: true },
    dialect: &CHAT,
    address: Address::Base,
    thinking: NO_THINKING,
    headers: &[],
    key_header: "",
    models_path: "/models",
    help: &[],
};

const fn paid(base_url: &'static str, key_env: &'static [&'static str], model: &'static str) -> Defaults {
    Defaults { base_url, model, key_env, needs_key: true, paid: true }
}

const fn local(base_url: &'static str, key_env: &'static [&'static str], model: &'static str) -> Defaults {
    Defaults { base_url, model, key_env, needs_key: false, paid: false }
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

const OPENAI: Profile = Profile {
    title: "OpenAI",
    defaults: paid("https://api.openai.com/v1", &["OPENAI_API_KEY"], "gpt-6-luna"),
    thinking: effort(&[reasoning::OPENAI]),
    help: &[
        (Topic::Keys, "https://platform.openai.com/api-keys"),
        (Topic::Credit, "https://platform.openai.com/settings/organization/billing"),
    ],
    ..VENDOR
};

/// Google's documented environment variables for access tokens.
const VERTEX: Profile = Profile {
    title: "Vertex AI",
    defaults: paid(
        "https://aiplatform.googleapis.com",
        &["CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"],
        "",
    ),
    models_path: "",
    help: &[
        (Topic::Key, "an access token"),
        (Topic::Keys, "`gcloud auth print-access-token` prints a token; it is good for an hour."),
    ],
    ..VENDOR
};

const DEEPSEEK: Profile = Profile {
    title: "DeepSeek",
    help: &[
        (Topic::Keys, "https://platform.deepseek.com/api_keys"),
        (Topic::Credit, "https://platform.deepseek.com/top_up"),
        (Topic::Fim, "DeepSeek's FIM is the provider `deepseek-fim`."),
    ],
    ..VENDOR
};

/// Every provider, in the order shown to users.
pub(super) static PROFILES: &[Profile] = &[
    Profile {
        name: "openai",
        dialect: &Chat {
            limit: "max_completion_tokens",
            stream_options: &[("include_usage", true), ("include_obfuscation", false)],
            ..CHAT
        },
        ..OPENAI
    },
    Profile {
        name: "openai-responses",
        dialect: &ResponsesApi,
        thinking: Thinking { spelling: Spelling::ReasoningEffort, ..OPENAI.thinking },
        ..OPENAI
    },
    Profile {
        name: "openai-completions",
        title: "OpenAI (completions)",
        // OpenAI's own models went in September 2026; other servers still have the format.
        defaults: Defaults { model: "", ..OPENAI.defaults },
        dialect: &Completions {
            path: "/completions",
            ways: Ways { auto: Auto::TemplateOrSuffix, suffix: true, templates: true, chat: false },
            family: None,
            ..FIM
        },
        thinking: NO_THINKING,
        ..OPENAI
    },
    Profile {
        name: "anthropic",
        title: "Anthropic",
        defaults: paid("https://api.anthropic.com/v1", &["ANTHROPIC_API_KEY"], "claude-haiku-4-5"),
        dialect: &MessagesApi,
        address: Address::Versioned("/v1"),
        thinking: Thinking { spelling: Spelling::Claude, models: &[reasoning::ANTHROPIC] },
        headers: &[("anthropic-version", "2023-06-01")],
        key_header: "x-api-key",
        models_path: "/models?limit=1000",
        help: &[
            (Topic::Keys, "https://console.anthropic.com/settings/keys"),
            (Topic::Credit, "https://console.anthropic.com/settings/billing"),
        ],
    },
    Profile {
        name: "gemini",
        title: "Gemini",
        defaults: paid(
            "https://generativelanguage.googleapis.com/v1beta",
            &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
            "gemini-3.5-flash-lite",
        ),
        dialect: &GenerateContentApi,
        thinking: Thinking { spelling: Spelling::Own, models: &[reasoning::GEMINI] },
        // In the URL, where the documentation puts it as well, the key would show up in logs.
        key_header: "x-goog-api-key",
        models_path: "/models?pageSize=1000",
        help: &[(Topic::Keys, "https://aistudio.google.com/apikey")],
        ..VENDOR
    },
    Profile {
        name: "vertex-gemini",
        defaults: Defaults { model: "gemini-3.5-flash-lite", ..VERTEX.defaults },
        dialect: &GenerateContentApi,
        address: Address::Vertex("google"),
        thinking: Thinking { spelling: Spelling::Own, models: &[reasoning::GEMINI] },
        ..VERTEX
    },
    Profile {
        name: "vertex-anthropic",
        defaults: Defaults { model: "claude-haiku-4-5@20251001", ..VERTEX.defaults },
        dialect: &MessagesApi,
        address: Address::Vertex("anthropic"),
        thinking: Thinking { spelling: Spelling::Claude, models: &[reasoning::ANTHROPIC] },
        ..VERTEX
    },
    Profile {
        name: "mistral",
        title: "Mistral",
        defaults: paid("https://api.mistral.ai/v1", &["MISTRAL_API_KEY"], "codestral-latest"),
        // Usage comes unasked with the last chunk. A prefill comes back before what follows
        // (SillyTavern/SillyTavern#2557).
        dialect: &Chat { resume: Resume::EchoedPrefix, ..CHAT },
        thinking: effort(&[reasoning::MISTRAL]),
        headers: &[("accept", "text/event-stream")],
        help: &[
            (
                Topic::Keys,
                "Keys are made at https://console.mistral.ai; one for Codestral needs the provider `codestral`.",
            ),
            (Topic::Fim, "Mistral's FIM is the provider `codestral`."),
        ],
        ..VENDOR
    },
    Profile {
        name: "codestral",
        title: "Codestral",
        defaults: paid("https://codestral.mistral.ai/v1", &["CODESTRAL_API_KEY"], "codestral-latest"),
        // The API names no limit for stop strings.
        dialect: &Completions { family: Some("codestral"), stops: 8, ..FIM },
        headers: &[("accept", "text/event-stream")],
        help: &[(
            Topic::Keys,
            "Codestral's keys are made at https://console.mistral.ai/codestral; with a general key of Mistral's set \
             `base-url` to https://api.mistral.ai/v1.",
        )],
        ..VENDOR
    },
    Profile {
        name: "deepseek",
        defaults: paid("https://api.deepseek.com", &["DEEPSEEK_API_KEY"], "deepseek-flash"),
        // "Chat Prefix Completion" is in beta.
        dialect: &Chat { resume: Resume::BetaPrefix, ..CHAT },
        thinking: Thinking { spelling: Spelling::ThinkingType, models: &[reasoning::DEEPSEEK] },
        ..DEEPSEEK
    },
    Profile {
        name: "deepseek-fim",
        defaults: paid("https://api.deepseek.com/beta", &["DEEPSEEK_API_KEY"], "deepseek-flash"),
        // Limits as in api-docs.deepseek.com/api/create-completion.
        dialect: &Completions {
            path: "/completions",
            family: Some("deepseek"),
            stops: 16,
            most_tokens: 4096,
            stream_options: USAGE,
            ..FIM
        },
        models_path: "",
        ..DEEPSEEK
    },
    Profile {
        name: "openrouter",
        title: "OpenRouter",
        defaults: paid("https://openrouter.ai/api/v1", &["OPENROUTER_API_KEY"], "openai/gpt-6-luna"),
        dialect: &Chat { stream_options: USAGE, ..CHAT },
        // One field for all vendors (openrouter.ai/docs/use-cases/reasoning-tokens).
        thinking: Thinking {
            spelling: Spelling::OpenRouter,
            models: &[
                reasoning::OPENAI,
                reasoning::ANTHROPIC,
                reasoning::GEMINI,
                reasoning::XAI,
                reasoning::DEEPSEEK,
                reasoning::ZAI,
                reasoning::MOONSHOT,
                reasoning::DASHSCOPE,
            ],
        },
        headers: &[("x-openrouter-title", "Lapce AI completion")],
        help: &[
            (Topic::Keys, "https://openrouter.ai/settings/keys"),
            (Topic::Credit, "https://openrouter.ai/settings/credits"),
        ],
        ..VENDOR
    },
    Profile {
        name: "azure",
        title: "Azure OpenAI",
        defaults: paid("", &["AZURE_OPENAI_API_KEY"], ""),
        dialect: &Chat { stream_options: USAGE, ..CHAT },
        address: Address::Azure,
        thinking: effort(&[reasoning::OPENAI]),
        key_header: "api-key",
        models_path: "",
        help: &[
            (Topic::Keys, "The key is under “Keys and Endpoint” of the resource."),
            (Topic::Models, "`model` must be the name of a deployment of this resource."),
            (Topic::Address, "At Azure it is `https://RESOURCE.openai.azure.com`."),
        ],
        ..VENDOR
    },
    Profile {
        name: "bedrock",
        title: "Bedrock",
        defaults: paid(
            "https://bedrock-runtime.us-east-1.amazonaws.com",
            &["AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID"],
            "global.anthropic.claude-haiku-4-5-20251001-v1:0",
        ),
        dialect: &ConverseApi,
        address: Address::Bedrock,
        thinking: Thinking { spelling: Spelling::Claude, models: &[reasoning::ANTHROPIC] },
        help: &[
            (
                Topic::Keys,
                "Set `AWS_BEARER_TOKEN_BEDROCK`, or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.",
            ),
            (
                Topic::Models,
                "Many models need the id of an inference profile, as `us.anthropic.…` or `global.anthropic.…`.",
            ),
        ],
        ..VENDOR
    },
    Profile {
        name: "ollama",
        title: "Ollama",
        defaults: local("http://localhost:11434", &["OLLAMA_API_KEY"], "qwen2.5-coder:1.5b-base"),
        dialect: &OllamaApi,
        // Guides for other clients give the address of another of its APIs.
        address: Address::Root(&["/api/generate", "/api/chat", "/api", "/v1"]),
        thinking: Thinking { spelling: Spelling::Own, models: &[reasoning::OPEN_WEIGHTS] },
        models_path: "/api/tags",
        help: &[
            (Topic::Start, "It is started by `ollama serve`."),
            (Topic::Models, "A model is fetched by `ollama pull {model}`."),
        ],
        ..VENDOR
    },
    Profile {
        name: "llama-cpp",
        title: "llama.cpp",
        // A server has one model, unless it is started as a router.
        defaults: local("http://127.0.0.1:8080", &["LLAMA_API_KEY"], ""),
        dialect: &LlamaCppApi,
        address: Address::Root(&["/infill", "/completion", "/v1"]),
        thinking: Thinking { spelling: Spelling::TemplateSwitch, models: &[reasoning::TEMPLATES] },
        models_path: "/v1/models",
        help: &[(
            Topic::Start,
            "It is started, with a small model, by `llama-server --fim-qwen-1.5b-default --port 8080`.",
        )],
        ..VENDOR
    },
    Profile {
        name: "vllm",
        title: "vLLM",
        defaults: local("http://localhost:8000/v1", &["VLLM_API_KEY"], ""),
        // "suffix is not currently supported" (entrypoints/openai/completion/serving.py).
        dialect: &Completions { ways: Ways { suffix: false, ..OPEN_MODELS.ways }, ..OPEN_MODELS },
        thinking: Thinking { spelling: Spelling::TemplateSwitch, models: &[reasoning::TEMPLATES] },
        help: &[(Topic::Start, "It is started by `vllm serve MODEL`.")],
        ..VENDOR
    },
    Profile {
        name: "lm-studio",
        title: "LM Studio",
        defaults: local("http://localhost:1234/v1", &["LM_API_TOKEN"], ""),
        dialect: &OPEN_MODELS,
        thinking: effort(&[reasoning::OPEN_WEIGHTS]),
        help: &[
            (Topic::Start, "Its server is started by `lms server start`."),
            (Topic::Models, "A model is loaded by `lms load {model}`."),
        ],
        ..VENDOR
    },
    Profile {
        name: "groq",
        title: "Groq",
        defaults: paid("https://api.groq.com/openai/v1", &["GROQ_API_KEY"], "openai/gpt-oss-20b"),
        dialect: &Chat { limit: "max_completion_tokens", ..CHAT },
        thinking: effort(&[reasoning::GROQ]),
        help: &[(Topic::Keys, "https://console.groq.com/keys")],
        ..VENDOR
    },
    Profile {
        name: "xai",
        title: "xAI",
        defaults: paid("https://api.x.ai/v1", &["XAI_API_KEY"], "grok-4.3"),
        dialect: &Chat { limit: "max_completion_tokens", ..CHAT },
        thinking: effort(&[reasoning::XAI]),
        help: &[(Topic::Keys, "https://console.x.ai")],
        ..VENDOR
    },
    Profile {
        name: "mercury",
        title: "Inception",
        defaults: paid("https://api.inceptionlabs.ai/v1", &["INCEPTION_API_KEY"], "mercury-edit-2"),
        dialect: &FIM,
        help: &[(Topic::Keys, "https://platform.inceptionlabs.ai")],
        ..VENDOR
    },
    // docs.together.ai/docs/openai-api-compatibility and …/inference/chat/reasoning (read 2026-11).
    Profile {
        name: "together",
        title: "Together AI",
        defaults: paid("https://api.together.xyz/v1", &["TOGETHER_API_KEY"], "Qwen/Qwen3.5-9B"),
        thinking: Thinking { spelling: Spelling::ReasoningEnabled, models: &[reasoning::TOGETHER] },
        help: &[(Topic::Keys, "https://api.together.ai/settings/api-keys")],
        ..VENDOR
    },
    // docs.fireworks.ai/guides/reasoning; ai-sdk.dev/providers/ai-sdk-providers/fireworks (read 2026-11).
    Profile {
        name: "fireworks",
        title: "Fireworks AI",
        defaults: paid(
            "https://api.fireworks.ai/inference/v1",
            &["FIREWORKS_API_KEY"],
            "accounts/fireworks/models/gpt-oss-20b",
        ),
        thinking: effort(&[reasoning::FIREWORKS]),
        help: &[(Topic::Keys, "https://fireworks.ai/account/api-keys")],
        ..VENDOR
    },
    // inference-docs.cerebras.ai: the model that its deprecations page recommends in place of others (read 2026-11).
    Profile {
        name: "cerebras",
        title: "Cerebras",
        defaults: paid("https://api.cerebras.ai/v1", &["CEREBRAS_API_KEY"], "gpt-oss-120b"),
        dialect: &Chat { limit: "max_completion_tokens", ..CHAT },
        thinking: effort(&[reasoning::CEREBRAS]),
        help: &[(Topic::Keys, "https://cloud.cerebras.ai")],
        ..VENDOR
    },
    // huggingface.co/docs/inference-providers (read 2026-11): a router without FIM.
    Profile {
        name: "huggingface",
        title: "Hugging Face",
        defaults: paid("https://router.huggingface.co/v1", &["HF_TOKEN"], "openai/gpt-oss-120b"),
        thinking: effort(&[reasoning::OPEN_WEIGHTS]),
        help: &[(Topic::Keys, "https://huggingface.co/settings/tokens")],
        ..VENDOR
    },
    // docs.github.com/en/rest/models/inference (read 2026-11): names are PUBLISHER/MODEL; the list of them is elsewhere.
    Profile {
        name: "github-models",
        title: "GitHub Models",
        defaults: paid("https://models.github.ai/inference", &["GITHUB_TOKEN"], "openai/gpt-4.1"),
        models_path: "",
        help: &[
            (Topic::Key, "a token with `models: read`"),
            (Topic::Keys, "https://github.com/settings/tokens"),
        ],
        ..VENDOR
    },
    // build.nvidia.com (read 2026-11). Its catalogue changes too often for a default model.
    Profile {
        name: "nvidia",
        title: "NVIDIA",
        defaults: paid("https://integrate.api.nvidia.com/v1", &["NVIDIA_API_KEY"], ""),
        thinking: effort(&[reasoning::OPEN_WEIGHTS]),
        help: &[(Topic::Keys, "https://build.nvidia.com/settings")],
        ..VENDOR
    },
    // deepinfra.com/docs/advanced/openai_api (read 2026-11).
    Profile {
        name: "deepinfra",
        title: "DeepInfra",
        defaults: paid(
            "https://api.deepinfra.com/v1/openai",
            &["DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"],
            "Qwen/Qwen3-Coder-480B-A35B-Instruct-Turbo",
        ),
        thinking: effort(&[reasoning::OPEN_WEIGHTS]),
        help: &[(Topic::Keys, "https://deepinfra.com/dash/api_keys")],
        ..VENDOR
    },
    // docs.sambanova.ai/docs/en/features/openai-compatibility (read 2026-11).
    Profile {
        name: "sambanova",
        title: "SambaNova",
        defaults: paid("https://api.sambanova.ai/v1", &["SAMBANOVA_API_KEY"], "Meta-Llama-3.3-70B-Instruct"),
        thinking: effort(&[reasoning::OPEN_WEIGHTS]),
        help: &[(Topic::Keys, "https://cloud.sambanova.ai/apis")],
        ..VENDOR
    },
    // docs.perplexity.ai/docs/sonar/openai-compatibility (read 2026-11): no list of models.
    Profile {
        name: "perplexity",
        title: "Perplexity",
        defaults: paid("https://api.perplexity.ai", &["PERPLEXITY_API_KEY", "PPLX_API_KEY"], "sonar"),
        models_path: "",
        help: &[(Topic::Keys, "https://www.perplexity.ai/account/api")],
        ..VENDOR
    },
    // platform.kimi.ai/docs by promptfoo.dev/docs/providers/moonshot (read 2026-11): this model is to go at the end of
    // December 2026; its successor cannot answer without long thoughts (dev.to/aihubmix, 2026-10).
    Profile {
        name: "moonshot",
        title: "Moonshot",
        defaults: paid("https://api.moonshot.ai/v1", &["MOONSHOT_API_KEY"], "kimi-k2.6"),
        dialect: &Chat { limit: "max_completion_tokens", ..CHAT },
        thinking: Thinking { spelling: Spelling::ThinkingType, models: &[reasoning::MOONSHOT] },
        help: &[(Topic::Keys, "https://platform.kimi.ai")],
        ..VENDOR
    },
    // docs.z.ai; ai-sdk.dev/providers/ai-sdk-providers/zai (read 2026-11).
    Profile {
        name: "zai",
        title: "Z.ai",
        defaults: paid("https://api.z.ai/api/paas/v4", &["ZAI_API_KEY"], "glm-4.7"),
        thinking: Thinking { spelling: Spelling::ThinkingType, models: &[reasoning::ZAI] },
        help: &[(Topic::Keys, "https://z.ai/manage-apikey/apikey-list")],
        ..VENDOR
    },
    // alibabacloud.com/help/model-studio, "OpenAI compatible - Chat": the address of Singapore. Since October 2026
    // it documents one for each workspace, which is a `base-url`.
    Profile {
        name: "dashscope",
        title: "DashScope",
        defaults: paid(
            "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            &["DASHSCOPE_API_KEY"],
            "qwen3-coder-plus",
        ),
        thinking: Thinking { spelling: Spelling::EnableThinking, models: &[reasoning::DASHSCOPE] },
        help: &[(Topic::Keys, "https://modelstudio.console.alibabacloud.com")],
        ..VENDOR
    },
    // docs.cohere.com/docs/compatibility-api (read 2026-11): no list of models there.
    Profile {
        name: "cohere",
        title: "Cohere",
        defaults: paid(
            "https://api.cohere.ai/compatibility/v1",
            &["CO_API_KEY", "COHERE_API_KEY"],
            "command-a-03-2025",
        ),
        models_path: "",
        help: &[(Topic::Keys, "https://dashboard.cohere.com/api-keys")],
        ..VENDOR
    },
    // developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility (read 2026-11): no list of models
    // there.
    Profile {
        name: "cloudflare",
        title: "Cloudflare",
        defaults: paid(
            "https://api.cloudflare.com",
            &["CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY"],
            "@cf/qwen/qwen2.5-coder-32b-instruct",
        ),
        address: Address::Cloudflare,
        models_path: "",
        help: &[(Topic::Keys, "https://dash.cloudflare.com/profile/api-tokens")],
        ..VENDOR
    },
    Profile {
        name: "openai-compatible",
        title: "the server",
        defaults: Defaults { needs_key: false, paid: true, ..local("", &["OPENAI_COMPATIBLE_API_KEY"], "") },
        // Nothing but what all of them take: no `stream_options`.
        dialect: &Completions {
            ways: Ways { auto: Auto::Chat, ..Ways::ALL },
            stream_options: &[],
            ..OPEN_MODELS
        },
        thinking: effort(&[reasoning::OPENAI]),
        help: &[
            (Topic::Fim, "`fim` may be `chat` here."),
            (Topic::Address, "For example `https://gateway.example/v1`."),
        ],
        ..VENDOR
    },
];

#[cfg(test)]
mod tests;
