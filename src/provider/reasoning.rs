//! How much a model may think before it answers: the setting `reasoning`, and what each documented model accepts.
//!
//! Nothing is sent to a model without a row, because a field that one model wants is an error for the next.

use serde_json::Value;

use super::request::{Draft, object};

/// The setting `reasoning`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reasoning {
    /// The least that the vendor documents for the model; nothing for unknown models.
    #[default]
    Auto,
    /// None.
    Off,
    /// As little as possible.
    Minimal,
    /// A little.
    Low,
    /// More.
    Medium,
    /// Much.
    High,
}

impl Reasoning {
    /// The values of the setting by name.
    pub const NAMES: &[(&str, Self)] = &[
        ("auto", Self::Auto),
        ("off", Self::Off),
        ("minimal", Self::Minimal),
        ("low", Self::Low),
        ("medium", Self::Medium),
        ("high", Self::High),
    ];

    /// What the vendor's word asks for. A number is a budget in tokens.
    fn of_word(word: &str) -> Self {
        match word {
            "none" | "disabled" | "between_tools" | "false" | "-" => Self::Off,
            "minimal" => Self::Minimal,
            "medium" => Self::Medium,
            "high" | "max" => Self::High,
            other => match other.parse() {
                Ok(0) => Self::Off,
                Ok(..1024) => Self::Minimal,
                Ok(2048..4096) => Self::Medium,
                Ok(4096u32..) => Self::High,
                Ok(_) | Err(_) => Self::Low,
            },
        }
    }

    /// The word of OpenAI's `reasoning_effort`, which most vendors share: that of the setting, but for `off`.
    fn effort(self) -> Option<&'static str> {
        match self {
            Self::Auto => None,
            Self::Off => Some("none"),
            level => Self::NAMES.iter().find(|(_, other)| *other == level).map(|(name, _)| *name),
        }
    }

    /// Tokens to add to the limit of the answer, because thoughts count against it.
    fn room(self) -> u32 {
        match self {
            Self::Auto | Self::Off => 0,
            Self::Minimal => 512,
            Self::Low => 2048,
            Self::Medium => 4096,
            Self::High => 8192,
        }
    }
}

/// What documented models accept.
#[derive(Debug)]
pub(super) struct Model {
    /// Names without vendor, date or size, in lower case, with spaces between.
    names: &'static str,
    /// What the model accepts in the vendor's words, from the least thinking to the most. `-`: it does not
    /// think unless asked to. Empty: it always thinks, and takes no such field.
    levels: &'static str,
    /// Whether it refuses sampling parameters and, in OpenAI's dialect, `max_tokens`.
    fixed: bool,
    /// Whether the conversation may end with the beginning of the assistant's answer.
    prefill: bool,
}

const fn open(names: &'static str, levels: &'static str) -> Model {
    Model { names, levels, fixed: false, prefill: false }
}

const fn fixed(names: &'static str, levels: &'static str) -> Model {
    Model { fixed: true, ..open(names, levels) }
}

const fn prefilled(names: &'static str, levels: &'static str) -> Model {
    Model { prefill: true, ..open(names, levels) }
}

/// openai/gpt-oss model card; Groq, Cerebras and Ollama document the same three levels (read 2026-11).
const GPT_OSS: Model = open("gpt-oss gpt-oss-20b gpt-oss-120b", "low medium high");

pub(super) const OPENAI: &[Model] = &[
    // developers.openai.com/api/docs/guides/reasoning, 2025-08; these shut down on 2026-12-11.
    fixed("gpt-5 gpt-5-mini gpt-5-nano", "minimal low medium high"),
    // "defaults to (and only supports) high", Azure's ReasoningEffort reference, 2026.
    fixed("gpt-5-pro", "high"),
    // "Supported values are: 'none', 'low', 'medium', and 'high'", openai-agents-python#2089 (5.1);
    // docs.rs/openai-tools 3.0.0 (5.2); docs.rs/meerkat-core 0.6.25, from developers.openai.com/api/docs/models (5.4, 5.5); opencode#36141 (5.6).
    fixed(
        "gpt-5.1 gpt-5.2 gpt-5.4 gpt-5.5 gpt-5.6 gpt-5.6-luna gpt-5.6-terra gpt-5.6-sol",
        "none low medium high",
    ),
    // developers.openai.com/api/docs/models/gpt-5.3-codex, 2026: Codex always thinks.
    fixed("gpt-5.1-codex gpt-5.1-codex-max gpt-5.2-codex gpt-5.3-codex", "low medium high"),
    // developers.openai.com/api/docs/models/gpt-6-luna by docs.oxen.ai and runware.ai, 2026-10.
    fixed("gpt-6-luna", "none low medium high"),
    // learn.microsoft.com, Azure OpenAI reasoning models, 2026.
    fixed("o1 o3 o3-mini o4-mini", "low medium high"),
    GPT_OSS,
];

/// platform.claude.com: model overviews and migration guides of 4.6, 4.7, 5 and 5.5 (read 2026-11).
pub(super) const ANTHROPIC: &[Model] = &[
    prefilled("claude-3-5-haiku claude-3-5-sonnet claude-3-haiku claude-3-opus", "-"),
    prefilled(
        "claude-3-7-sonnet claude-sonnet-4 claude-opus-4 claude-opus-4-1 claude-sonnet-4-5 claude-opus-4-5 claude-haiku-4-5",
        "- 1024 2048 4096",
    ),
    open("claude-sonnet-4-6 claude-opus-4-6", "- low medium high"),
    fixed("claude-opus-4-7 claude-opus-4-8", "- low medium high"),
    fixed("claude-sonnet-5 claude-opus-5 claude-haiku-5-5", "disabled low medium high"),
    fixed("claude-sonnet-5-5", "between_tools low medium high"),
    fixed("claude-opus-5-5 claude-fable-5 claude-fable-5-1", "low medium high"),
];

/// ai.google.dev/gemini-api/docs/thinking and docs.cloud.google.com model guides (read 2026-11). Numbers are
/// budgets in tokens, which 2.5 takes in place of levels; Pro thinks at least 128.
pub(super) const GEMINI: &[Model] = &[
    open("gemini-2.5-flash gemini-2.5-flash-lite", "0 512 1024 2048 8192"),
    open("gemini-2.5-pro", "128 1024 2048 8192"),
    fixed("gemini-3-pro", "low high"),
    fixed("gemini-3.1-pro gemini-3.7-flash", "low medium high"),
    fixed(
        "gemini-3-flash gemini-3.1-flash-lite gemini-3.5-flash gemini-3.5-flash-lite",
        "minimal low medium high",
    ),
];

/// docs.x.ai/developers/model-capabilities/text/reasoning: 4.3 since 2026-04, 4.5 since 2026-07. Grok 4 and
/// 4.20 refuse the field (docs.cloud.google.com, "Reasoning for Grok models").
pub(super) const XAI: &[Model] = &[
    open("grok-4.3", "none low medium high"),
    open("grok-4.5", "low medium high"),
    open("grok-4 grok-4.20-reasoning", ""),
];

/// api-docs.deepseek.com/guides/thinking_mode (read 2026-11): on by default; `medium` counts as `high`.
pub(super) const DEEPSEEK: &[Model] =
    &[open("deepseek-flash deepseek-v4-flash deepseek-v4-pro", "disabled low high")];

/// docs.z.ai/guides/capabilities/thinking-mode (read 2026-11); 5.3 always thinks (Z.ai's guide of 2026-08).
pub(super) const ZAI: &[Model] = &[
    open("glm-4.5 glm-4.5-air glm-4.6 glm-4.7 glm-5 glm-5.1", "disabled enabled"),
    open("glm-5.3", "low high max"),
];

/// platform.kimi.ai/docs by promptfoo.dev and agentscope.io (read 2026-11). Sampling is fixed by the platform. 3.1 Pro has
/// the parameters of 3 (dev.to/aihubmix on Moonshot's model parameter reference, 2026-10).
pub(super) const MOONSHOT: &[Model] = &[
    fixed("kimi-k2.5 kimi-k2.6", "disabled enabled"),
    fixed("kimi-k2.7-code kimi-k2.7-code-highspeed", ""),
    fixed("kimi-k3 kimi-k3.1-pro", "low high"),
];

/// help.aliyun.com/en/model-studio/deep-thinking (read 2026-11): hybrid models. Qwen-Coder does not think.
pub(super) const DASHSCOPE: &[Model] = &[open("qwen3.8-max qwen-plus qwen-flash", "false true")];

/// console.groq.com/docs/reasoning (read 2026-11).
pub(super) const GROQ: &[Model] = &[GPT_OSS, open("qwen3-32b", "none default")];

/// inference-docs.cerebras.ai/capabilities/reasoning (read 2026-11).
pub(super) const CEREBRAS: &[Model] =
    &[GPT_OSS, open("zai-glm-4.7", "none"), open("qwen-3.8-27b", "none low medium high")];

/// docs.mistral.ai/capabilities/reasoning (read 2026-11): adjustable, and models that always think.
pub(super) const MISTRAL: &[Model] = &[
    open("mistral-small-latest mistral-medium-3-5", "none high"),
    open("magistral-small magistral-medium", ""),
];

/// docs.fireworks.ai/guides/reasoning (read 2026-11).
pub(super) const FIREWORKS: &[Model] = &[GPT_OSS, open("deepseek-v4-pro", "none low medium high")];

/// docs.together.ai/docs/inference/chat/reasoning (read 2026-11): hybrid models, and effort for gpt-oss.
pub(super) const TOGETHER: &[Model] = &[
    GPT_OSS,
    open(
        "deepseek-v4-pro glm-5 glm-5.1 kimi-k2.5 kimi-k2.6 qwen3.6-plus qwen3.5-397b-a17b qwen3.5-9b",
        "false true",
    ),
    open("minimax-m2.7", ""),
];

/// docs.vllm.ai/en/stable/features/reasoning_outputs (read 2026-11): a switch of the chat template.
/// DeepSeek-V3.1 does not think unless asked to. Instruct and Coder models of these names have no such switch.
pub(super) const TEMPLATES: &[Model] = &[
    GPT_OSS,
    open("qwen3 qwen3.5 qwen3.6 glm-4.5 glm-4.5-air glm-4.6 glm-4.7", "false true"),
    open("deepseek-v3.1", "- true"),
];

/// For servers of open models: docs.ollama.com/capabilities/thinking and the vendors' pages of gpt-oss (read
/// 2026-11). At Ollama all other models take a switch.
pub(super) const OPEN_WEIGHTS: &[Model] = &[GPT_OSS];

/// How a vendor's API spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// `reasoning_effort`.
    Effort,
    /// `reasoning.effort` of the Responses API.
    ReasoningEffort,
    /// `reasoning.effort`, in OpenRouter's words for all vendors.
    OpenRouter,
    /// `thinking.type`, and `reasoning_effort` for more than on and off.
    ThinkingType,
    /// `enable_thinking`.
    EnableThinking,
    /// `reasoning.enabled`, and `reasoning_effort` for more than on and off.
    ReasoningEnabled,
    /// `chat_template_kwargs.enable_thinking`, and `reasoning_effort` for more than on and off.
    TemplateSwitch,
    /// `thinking` and `output_config` of the Messages API.
    Claude,
    /// As the dialect says: Gemini's `thinkingConfig`, Ollama's `think`.
    Own,
}

/// What a provider knows about thinking.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thinking {
    pub(super) spelling: Spelling,
    pub(super) models: &'static [&'static [Model]],
}

/// What one request asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// The vendor's word; `None`: nothing is sent.
    pub(super) word: Option<&'static str>,
    /// Tokens to add to the limit of the answer.
    pub(super) room: u32,
    /// Whether the model has a row.
    pub(super) known: bool,
    /// Whether it refuses sampling parameters and, in OpenAI's dialect, `max_tokens`.
    pub(super) fixed: bool,
    /// Whether the conversation may end with the beginning of the assistant's answer.
    pub(super) prefill: bool,
    /// Whether the model does not think unless asked to.
    opt_in: bool,
}

impl Thinking {
    /// What to ask of `model`.
    pub(super) fn plan(&self, model: &str, setting: Reasoning) -> Plan {
        let Some(row) = self.row(model) else {
            // The user's word counts for unknown models too; a server that refuses it says so.
            return Plan { word: setting.effort(), room: setting.room(), ..Plan::default() };
        };
        let words = || row.levels.split(' ').filter(|word| !word.is_empty());
        let fits = |word: &&str| setting != Reasoning::Auto && Reasoning::of_word(word) <= setting;
        let word = words().rfind(fits).or_else(|| words().next());
        let room = match word {
            None => Reasoning::Low.room(),
            Some(word) => word.parse().unwrap_or(Reasoning::of_word(word).room()),
        };
        let (known, opt_in) = (true, row.levels.starts_with('-'));
        let word = word.filter(|word| *word != "-");
        Plan { word, room, known, fixed: row.fixed, prefill: row.prefill, opt_in }
    }

    fn row(&self, model: &str) -> Option<&'static Model> {
        let model = model.to_ascii_lowercase();
        // Behind a path (`openai/gpt-oss-20b`), or a region and vendor (`us.anthropic.claude-…`).
        let model = model.rsplit('/').next().unwrap_or_default();
        let model = ["anthropic.", "openai."]
            .iter()
            .find_map(|vendor| model.split_once(vendor))
            .map_or(model, |(_, name)| name);
        let find = |table: &&'static [Model]| {
            table.iter().find(|row| row.names.split(' ').any(|name| is_version_of(model, name)))
        };
        self.models.iter().find_map(find)
    }
}

/// Whether `model` is the documented model `name`, or a dated, sized or quantized version of it.
fn is_version_of(model: &str, name: &str) -> bool {
    let mut rest = model.chars();
    // Vendors disagree about `4.5` and `4-5`.
    let separator = |c: char| matches!(c, '.' | '-' | '_');
    let same = |a: char, b: char| a == b || separator(a) && separator(b);
    if !name.chars().all(|c| rest.next().is_some_and(|other| same(c, other))) {
        return false;
    }
    let rest = rest.as_str();
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_size = |text: &str| text.trim_matches(|c: char| c.is_ascii_digit() || c == '.') == "b";
    let mut pieces = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').enumerate();
    let starts = pieces.next().is_some_and(|(_, before)| before.is_empty());
    starts
        && pieces.all(|(at, piece)| {
            is_number(piece) && (at > 1 || piece.len() >= 4)
                || is_size(piece.trim_start_matches('a'))
                || piece.strip_prefix('v').is_some_and(is_number)
                || piece.ends_with(|c: char| c.is_ascii_digit()) && is_quantization(piece)
                || ["latest", "preview", "awq", "gptq", "gguf", "k", "m", "s"].contains(&piece)
        })
}

fn is_quantization(piece: &str) -> bool {
    ["q", "iq", "fp", "bf", "f", "int", "mxfp"].iter().any(|kind| {
        piece.strip_prefix(kind).is_some_and(|bits| bits.starts_with(|c: char| c.is_ascii_digit()))
    })
}

impl Draft<'_> {
    /// The fields that ask for `plan`.
    pub(super) fn think(self, spelling: Spelling, plan: Plan) -> Self {
        let Some(word) = plan.word else { return self };
        let level = Reasoning::of_word(word);
        let on = level != Reasoning::Off;
        let switch = matches!(word, "none" | "disabled" | "enabled" | "true" | "false");
        let (object_name, field, value): (&str, &str, Value) = match spelling {
            Spelling::Own => return self,
            Spelling::Claude => return self.set_all(&mut plan.claude()),
            Spelling::ReasoningEffort => ("reasoning", "effort", word.into()),
            Spelling::OpenRouter => ("reasoning", "effort", level.effort().into()),
            Spelling::EnableThinking => ("", "enable_thinking", on.into()),
            Spelling::ThinkingType if switch => {
                ("thinking", "type", if on { "enabled" } else { "disabled" }.into())
            }
            Spelling::ReasoningEnabled if switch => ("reasoning", "enabled", on.into()),
            Spelling::TemplateSwitch if switch => ("chat_template_kwargs", "enable_thinking", on.into()),
            Spelling::Effort
            | Spelling::ThinkingType
            | Spelling::ReasoningEnabled
            | Spelling::TemplateSwitch => ("", "reasoning_effort", word.into()),
        };
        match object_name {
            "" => self.set(field, value),
            name => self.set(name, object(&mut [(field, value)])),
        }
    }
}

impl Plan {
    /// The fields of the Messages API that ask for this plan, `null` when they are to be left out. Bedrock has them
    /// elsewhere.
    pub(super) fn claude(self) -> [(&'static str, Value); 2] {
        let mut fields = [("thinking", Value::Null), ("output_config", Value::Null)];
        let Some(word) = self.word else { return fields };
        let budget = word.parse::<u32>().ok();
        let (kind, effort) = match word {
            "none" => ("disabled", false),
            "disabled" | "between_tools" => (word, false),
            _ if budget.is_some() => ("enabled", false),
            _ if self.opt_in => ("adaptive", true),
            _ => ("", true),
        };
        if !kind.is_empty() {
            fields[0].1 = object(&mut [("type", kind.into()), ("budget_tokens", budget.into())]);
        }
        if effort {
            fields[1].1 = object(&mut [("effort", word.into())]);
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Reasoning::{Auto, High, Low, Medium, Minimal, Off};

    const ALL: Thinking = Thinking {
        spelling: Spelling::Effort,
        models: &[OPENAI, ANTHROPIC, GEMINI, XAI, DEEPSEEK, ZAI, MOONSHOT, MISTRAL, TEMPLATES],
    };

    #[test]
    fn a_version_of_a_documented_model_is_known_and_another_model_is_not() {
        for (name, versions, others) in [
            (
                "gpt-5",
                &["gpt-5", "gpt-5-2025-08-07"][..],
                &["gpt-5.1", "gpt-5-mini", "gpt-5-chat-latest", "gpt-50"][..],
            ),
            (
                "claude-sonnet-4",
                &["claude-sonnet-4-20250514", "claude-sonnet-4@20250514", "claude-sonnet-4-20250514-v1:0"],
                &["claude-sonnet-4-5", "claude-sonnet-4.6", "claude-sonnet-4-5-20250929"],
            ),
            (
                "claude-haiku-4-5",
                &["claude-haiku-4.5", "claude-haiku-4-5-20251001-v1:0"],
                &["claude-haiku-4"],
            ),
            (
                "qwen3",
                &["qwen3:8b", "qwen3:1.7b", "qwen3-30b-a3b-fp8", "qwen3-8b-q4_k_m"],
                &["qwen3-coder:30b", "qwen3-235b-a22b-instruct-2507", "qwen3.6", "qwen30"],
            ),
            ("gpt-oss", &["gpt-oss:20b", "gpt-oss-20b-mxfp4"], &["gpt-oss-safeguard:20b"]),
            ("gemini-3-flash", &["gemini-3-flash-preview"], &["gemini-3-flash-lite"]),
        ] {
            assert!(versions.iter().all(|model| is_version_of(model, name)), "{name}: {versions:?}");
            assert!(!others.iter().any(|model| is_version_of(model, name)), "{name}: {others:?}");
        }
    }

    #[test]
    fn the_setting_becomes_the_nearest_that_the_model_accepts() {
        for (model, setting, word, room) in [
            ("openai/gpt-6-luna", Auto, Some("none"), 0),
            ("gpt-6-luna", Minimal, Some("none"), 0),
            ("gpt-6-luna", Medium, Some("medium"), 4096),
            ("gpt-5-nano", Auto, Some("minimal"), 512),
            ("gpt-5-nano", Off, Some("minimal"), 512),
            ("gpt-5-pro", Low, Some("high"), 8192),
            ("o4-mini", Auto, Some("low"), 2048),
            ("us.anthropic.claude-haiku-4-5-20251001-v1:0", Auto, None, 0),
            ("claude-haiku-4-5", Low, Some("1024"), 1024),
            ("claude-opus-5-5", Off, Some("low"), 2048),
            ("gemini-2.5-flash", Auto, Some("0"), 0),
            ("gemini-2.5-pro", Auto, Some("128"), 128),
            ("glm-4.6", High, Some("enabled"), 2048),
            ("magistral-small-2509", Auto, None, 2048),
            // Not documented here: nothing is sent, unless the user says so.
            ("gpt-7", Auto, None, 0),
            ("gpt-7", Low, Some("low"), 2048),
            ("gpt-7", Off, Some("none"), 0),
            ("", Auto, None, 0),
        ] {
            let plan = ALL.plan(model, setting);
            assert_eq!((plan.word, plan.room), (word, room), "{model} {setting:?}");
        }
    }

    #[test]
    fn every_row_is_found_by_its_names_and_its_levels_ascend() {
        for table in ALL.models {
            for row in *table {
                for name in row.names.split(' ') {
                    let plan = ALL.plan(name, Auto);
                    assert!(plan.known && (plan.fixed, plan.prefill) == (row.fixed, row.prefill), "{name}");
                    let namesakes =
                        table.iter().filter(|row| row.names.split(' ').any(|other| other == name)).count();
                    assert_eq!(namesakes, 1, "{name}");
                }
                let levels: Vec<_> = row.levels.split(' ').map(Reasoning::of_word).collect();
                assert!(levels.is_sorted(), "{row:?}");
            }
        }
    }
}
