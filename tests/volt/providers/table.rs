//! What each provider's server is asked for, and how it answers.

use ai_completion::provider::{self, Seam};
use serde_json::Value;
use volt_host::server::shape::{self, Shape};
use volt_host::server::{Request, Script, error};

use crate::stage::KEY;

/// One provider with a server of its own.
pub struct Case {
    /// Its name in the settings.
    pub name: &'static str,
    /// The format of its answers.
    pub shape: Shape,
    /// How an answer that broke off is continued.
    pub seam: Seam,
    /// What a user has to set besides `provider`.
    pub settings: &'static [(&'static str, &'static str)],
    /// The header with the key, and what stands before the key in it.
    pub key: (&'static str, &'static str),
    /// What is asked for, by path and query.
    pub path: &'static str,
    /// Fields of the request, by JSON pointer, as JSON.
    pub fields: &'static [(&'static str, &'static str)],
    /// Fields that hold the text before the cursor.
    pub before: &'static [&'static str],
    /// Fields that hold the received text of an answer that is to be continued.
    pub resumed: &'static [&'static str],
    /// A refusal in its own words.
    pub refusal: fn() -> Script,
    /// What the pop-up has to say of it.
    pub told: &'static [&'static str],
    /// Its list of models; empty where it is not asked for one after that refusal.
    pub models: &'static str,
}

const BEARER: (&str, &str) = ("authorization", "Bearer ");
const OPENAI_MODELS: &str = r#"{"object":"list","data":[{"id":"model-it-has","object":"model"}]}"#;
const CHAT: &[&str] = &["/messages/1/content"];
const CHAT_RESUMED: &[&str] = &["/messages/2/content"];
const PROMPT: &[&str] = &["/prompt"];
const CONTENTS: &[&str] = &["/contents/0/parts/0/text"];

/// What most have in common: chat in OpenAI's format.
const OPENAI: Case = Case {
    name: "openai",
    shape: shape::openai_chat,
    seam: Seam::Instruction,
    settings: &[],
    key: BEARER,
    path: "/v1/chat/completions",
    fields: &[
        ("/model", r#""gpt-6-luna""#),
        ("/max_completion_tokens", "256"),
        ("/reasoning_effort", r#""none""#),
        ("/stream_options/include_usage", "true"),
        ("/stream", "true"),
    ],
    before: CHAT,
    resumed: CHAT_RESUMED,
    refusal: || error::openai(401),
    told: &["OpenAI does not accept the API key", "`api-key-env`", "HTTP", "401"],
    models: "",
};

/// All of them, in the order of their names.
pub static CASES: &[Case] = &[
    OPENAI,
    Case {
        name: "openai-responses",
        shape: shape::openai_responses,
        path: "/v1/responses",
        fields: &[("/model", r#""gpt-6-luna""#), ("/max_output_tokens", "256"), ("/store", "false")],
        before: &["/input/0/content"],
        resumed: &["/input/1/content"],
        refusal: || error::openai(404),
        told: &[
            "OpenAI does not know the model `gpt-6-luna`",
            "`model`",
            "Set `model`: there is `model-it-has`.",
        ],
        models: OPENAI_MODELS,
        ..OPENAI
    },
    Case {
        name: "openai-completions",
        shape: shape::openai_completions,
        seam: Seam::Prefix,
        settings: &[("model", "instruct")],
        path: "/v1/completions",
        fields: &[
            ("/model", r#""instruct""#),
            ("/max_tokens", "256"),
            ("/suffix", r#""\n\nfn main() {}\n""#),
        ],
        before: PROMPT,
        resumed: PROMPT,
        refusal: || {
            refusal(
                400,
                r#"{"error":{"message":"This model's maximum context length is 4097 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
            )
        },
        told: &["too long", "`context-tokens`", "4097"],
        ..OPENAI
    },
    Case {
        name: "anthropic",
        shape: shape::anthropic,
        seam: Seam::TrimmedPrefill,
        key: ("x-api-key", ""),
        path: "/v1/messages",
        fields: &[("/model", r#""claude-haiku-4-5""#), ("/max_tokens", "256"), ("/stream", "true")],
        before: &["/messages/0/content"],
        resumed: &["/messages/1/content"],
        refusal: || {
            refusal(
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."},"request_id":"req_01"}"#,
            )
        },
        told: &["Buy credit", "https://console.anthropic.com/settings/billing"],
        ..OPENAI
    },
    Case {
        name: "gemini",
        shape: shape::gemini,
        key: ("x-goog-api-key", ""),
        path: "/v1beta/models/gemini-3.5-flash-lite:streamGenerateContent?alt=sse",
        fields: &[("/generationConfig/thinkingConfig/thinkingLevel", r#""minimal""#)],
        before: CONTENTS,
        resumed: &["/contents/1/parts/0/text"],
        refusal: || {
            refusal(
                400,
                r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}"#,
            )
        },
        told: &["Gemini does not accept the API key", "`api-key-env`", "https://aistudio.google.com/apikey"],
        ..OPENAI
    },
    Case {
        name: "vertex-gemini",
        shape: shape::gemini,
        settings: &[("vertex.project", "demo"), ("vertex.location", "europe-west4")],
        path: "/v1/projects/demo/locations/europe-west4/publishers/google/models/gemini-3.5-flash-lite:streamGenerateContent?alt=sse",
        fields: &[("/generationConfig/thinkingConfig/thinkingLevel", r#""minimal""#)],
        before: CONTENTS,
        resumed: &["/contents/1/parts/0/text"],
        refusal: || {
            refusal(
                401,
                r#"[{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}]"#,
            )
        },
        told: &["Vertex AI does not accept", "`gcloud auth print-access-token`"],
        ..OPENAI
    },
    Case {
        name: "vertex-anthropic",
        shape: shape::anthropic,
        seam: Seam::TrimmedPrefill,
        settings: &[("vertex.project", "demo")],
        path: "/v1/projects/demo/locations/global/publishers/anthropic/models/claude-haiku-4-5%4020251001:streamRawPredict",
        fields: &[
            ("/anthropic_version", r#""vertex-2023-10-16""#),
            ("/model", "null"),
            ("/max_tokens", "256"),
        ],
        before: &["/messages/0/content"],
        resumed: &["/messages/1/content"],
        refusal: || {
            refusal(
                404,
                r#"{"error":{"code":404,"message":"Publisher Model `claude-haiku-4-5@20251001` was not found.","status":"NOT_FOUND"}}"#,
            )
        },
        told: &["Vertex AI does not know the model `claude-haiku-4-5@20251001`", "`model`"],
        ..OPENAI
    },
    Case {
        name: "mistral",
        shape: shape::mistral,
        seam: Seam::EchoedPrefill,
        fields: &[("/model", r#""codestral-latest""#), ("/max_tokens", "256"), ("/stream_options", "null")],
        refusal: || refusal(401, r#"{"message":"Unauthorized","request_id":"0f1e"}"#),
        told: &["Mistral does not accept the API key", "`codestral`"],
        ..OPENAI
    },
    Case {
        name: "codestral",
        shape: shape::mistral_fim,
        seam: Seam::Prefix,
        path: "/v1/fim/completions",
        fields: &[("/model", r#""codestral-latest""#), ("/suffix", r#""\n\nfn main() {}\n""#)],
        before: PROMPT,
        resumed: PROMPT,
        refusal: || refusal(401, r#"{"message":"Unauthorized","request_id":"0f1e"}"#),
        told: &["Codestral does not accept the API key", "https://api.mistral.ai/v1"],
        ..OPENAI
    },
    Case {
        name: "deepseek",
        shape: shape::deepseek,
        path: "/chat/completions",
        fields: &[
            ("/model", r#""deepseek-flash""#),
            ("/max_tokens", "256"),
            ("/thinking/type", r#""disabled""#),
        ],
        refusal: || {
            refusal(
                402,
                r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}"#,
            )
        },
        told: &["Buy credit", "https://platform.deepseek.com/top_up"],
        ..OPENAI
    },
    Case {
        name: "deepseek-fim",
        shape: shape::deepseek_fim,
        seam: Seam::Prefix,
        path: "/beta/completions",
        fields: &[("/model", r#""deepseek-flash""#), ("/suffix", r#""\n\nfn main() {}\n""#)],
        before: PROMPT,
        resumed: PROMPT,
        refusal: || {
            refusal(
                401,
                r#"{"error":{"message":"Authentication Fails, Your api key: ****4e68 is invalid","type":"authentication_error","param":null,"code":"invalid_request_error"}}"#,
            )
        },
        told: &["DeepSeek does not accept the API key", "https://platform.deepseek.com/api_keys"],
        ..OPENAI
    },
    Case {
        name: "openrouter",
        shape: shape::openrouter,
        path: "/api/v1/chat/completions",
        fields: &[("/model", r#""openai/gpt-6-luna""#), ("/max_tokens", "256")],
        refusal: || {
            refusal(402, r#"{"error":{"message":"Insufficient credits","code":402},"user_id":"user_1"}"#)
        },
        told: &["Buy credit", "https://openrouter.ai/settings/credits"],
        ..OPENAI
    },
    Case {
        name: "azure",
        shape: shape::azure,
        settings: &[("model", "my-gpt")],
        key: ("api-key", ""),
        path: "/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21",
        fields: &[("/max_tokens", "256")],
        refusal: || {
            refusal(
                404,
                r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#,
            )
        },
        told: &["`my-gpt`", "`model` must be the name of a deployment"],
        ..OPENAI
    },
    Case {
        name: "bedrock",
        shape: shape::bedrock_converse,
        seam: Seam::TrimmedPrefill,
        path: "/model/global.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse-stream",
        fields: &[("/inferenceConfig/maxTokens", "256")],
        before: &["/messages/0/content/0/text"],
        resumed: &["/messages/1/content/0/text"],
        refusal: || {
            let body = r#"{"message":"The security token included in the request is invalid."}"#;
            refusal(403, body).header("x-amzn-errortype", "UnrecognizedClientException")
        },
        told: &["Bedrock does not accept the API key", "`AWS_BEARER_TOKEN_BEDROCK`"],
        ..OPENAI
    },
    Case {
        name: "ollama",
        shape: shape::ollama_generate,
        seam: Seam::Prefix,
        path: "/api/generate",
        fields: &[
            ("/model", r#""qwen2.5-coder:1.5b-base""#),
            ("/suffix", r#""\n\nfn main() {}\n""#),
            ("/options/num_predict", "256"),
        ],
        before: PROMPT,
        resumed: PROMPT,
        refusal: || error::ollama(404),
        told: &[
            "`qwen2.5-coder:1.5b-base`",
            "`ollama pull qwen2.5-coder:1.5b-base`",
            "Set `model`: there is `codellama:7b-code`.",
        ],
        models: r#"{"models":[{"name":"codellama:7b-code","model":"codellama:7b-code"}]}"#,
        ..OPENAI
    },
    Case {
        name: "llama-cpp",
        shape: shape::llamacpp_infill,
        seam: Seam::Prefix,
        path: "/infill",
        fields: &[("/n_predict", "256"), ("/input_suffix", r#""\n\nfn main() {}\n""#)],
        before: &["/input_prefix", "/prompt"],
        resumed: &["/input_prefix", "/prompt"],
        refusal: || {
            refusal(
                400,
                r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error","n_prompt_tokens":4097,"n_ctx":4096}}"#,
            )
        },
        told: &["too long for llama.cpp", "`context-tokens`"],
        ..OPENAI
    },
    Case {
        name: "vllm",
        shape: shape::vllm_completions,
        seam: Seam::Prefix,
        settings: &[("model", "Qwen/Qwen2.5-Coder-7B")],
        path: "/v1/completions",
        fields: &[
            ("/model", r#""Qwen/Qwen2.5-Coder-7B""#),
            ("/suffix", "null"),
            ("/skip_special_tokens", "false"),
        ],
        before: PROMPT,
        resumed: PROMPT,
        refusal: || {
            refusal(
                404,
                r#"{"error":{"message":"The model `Qwen/Qwen2.5-Coder-7B` does not exist.","type":"NotFoundError","param":"model","code":404}}"#,
            )
        },
        told: &["`Qwen/Qwen2.5-Coder-7B`", "`model`", "Set `model`: there is `model-it-has`."],
        models: OPENAI_MODELS,
        ..OPENAI
    },
    Case {
        name: "lm-studio",
        shape: shape::openai_completions,
        seam: Seam::Prefix,
        settings: &[("model", "qwen2.5-coder-7b")],
        path: "/v1/completions",
        fields: &[("/model", r#""qwen2.5-coder-7b""#), ("/suffix", "null")],
        before: PROMPT,
        resumed: PROMPT,
        refusal: || {
            refusal(
                404,
                r#"{"error":{"message":"Invalid model identifier.","type":"invalid_request_error","param":"model","code":"model_not_found"}}"#,
            )
        },
        told: &["`qwen2.5-coder-7b`", "`lms load qwen2.5-coder-7b`", "Set `model`: there is `model-it-has`."],
        models: OPENAI_MODELS,
        ..OPENAI
    },
    Case {
        name: "groq",
        shape: shape::groq,
        path: "/openai/v1/chat/completions",
        fields: &[
            ("/model", r#""openai/gpt-oss-20b""#),
            ("/max_completion_tokens", "2304"),
            ("/reasoning_effort", r#""low""#),
        ],
        refusal: || {
            refusal(
                401,
                r#"{"error":{"message":"Invalid API Key","type":"invalid_request_error","code":"invalid_api_key"}}"#,
            )
        },
        told: &["Groq does not accept the API key", "https://console.groq.com/keys"],
        ..OPENAI
    },
    Case {
        name: "xai",
        shape: shape::xai,
        fields: &[
            ("/model", r#""grok-4.3""#),
            ("/max_completion_tokens", "256"),
            ("/reasoning_effort", r#""none""#),
        ],
        refusal: || {
            refusal(
                400,
                r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: sk***68. You can obtain an API key from https://console.x.ai."}"#,
            )
        },
        told: &["xAI does not accept the API key", "https://console.x.ai"],
        ..OPENAI
    },
    Case {
        name: "mercury",
        shape: shape::mercury_fim,
        seam: Seam::Prefix,
        path: "/v1/fim/completions",
        fields: &[("/model", r#""mercury-edit-2""#), ("/suffix", r#""\n\nfn main() {}\n""#)],
        before: PROMPT,
        resumed: PROMPT,
        refusal: || {
            refusal(
                401,
                r#"{"error":{"message":"Incorrect API key provided","type":"authentication_error","code":"invalid_api_key"}}"#,
            )
        },
        told: &["Inception does not accept the API key", "https://platform.inceptionlabs.ai"],
        ..OPENAI
    },
    Case {
        name: "openai-compatible",
        settings: &[("model", "my-model")],
        fields: &[("/model", r#""my-model""#), ("/max_tokens", "256"), ("/stream_options", "null")],
        refusal: || Script::html(404),
        told: &["Nothing answers at http://127.0.0.1", "`base-url`", "`provider`", "404"],
        models: "",
        ..OPENAI
    },
];

fn refusal(status: u16, body: &str) -> Script {
    Script::whole(status, "application/json", body)
}

impl Case {
    /// The environment variable that holds the key when the user says nothing else.
    pub fn key_env(&self) -> &'static str {
        provider::find(self.name).unwrap().defaults().key_env[0]
    }

    /// The text before the cursor that a request tells.
    pub fn before(&self, request: &Request) -> String {
        texts(&request.json(), self.before)
    }

    /// The text that a request wants to be continued, with what stands before it.
    pub fn resumed(&self, request: &Request) -> String {
        texts(&request.json(), self.resumed)
    }

    /// Fails unless the request is as this provider wants it, with the key in its place and nowhere else.
    pub fn check(&self, request: &Request) {
        let name = self.name;
        let (header, scheme) = self.key;
        assert_eq!(request.header(header), Some(format!("{scheme}{KEY}").as_str()), "{name}");
        let others = request.headers.iter().filter(|(name, _)| name != header);
        let elsewhere = others.map(|(_, value)| value.as_str()).chain([request.path.as_str()]);
        assert!(elsewhere.into_iter().all(|text| !text.contains(KEY)), "{name}: {request:?}");
        let body = String::from_utf8_lossy(&request.body);
        assert!(!body.contains(KEY), "{name}: {body}");
        if request.method == "GET" {
            return;
        }
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", self.path), "{name}");
        let json = request.json();
        for (pointer, value) in self.fields {
            let value: Value = serde_json::from_str(value).unwrap();
            assert_eq!(json.pointer(pointer).unwrap_or(&Value::Null), &value, "{name}, {pointer}: {body}");
        }
        assert!(self.before(request).contains("fn total"), "{name}: {body}");
    }
}

fn texts(json: &Value, pointers: &[&str]) -> String {
    pointers.iter().filter_map(|pointer| json.pointer(pointer)?.as_str()).collect()
}
