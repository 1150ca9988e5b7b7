//! What holds for every provider alike, and what each row makes of the same prompt.

use expect_test::expect;

use super::super::testing::{DIALECTS, decoded, prompt, resumed, sent, with_model};
use super::super::{Account, Error, FimSetting, Framing, Reasoning, Seam};
use super::*;
use crate::http::Secret;
use crate::stream::ErrorKind;

const KEY: &str = "sk-0123456789-secret";

/// An account with whatever any provider may want.
fn account() -> Account {
    let option = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Account {
        base_url: "https://host.example/v1".to_owned(),
        model: "m-1".to_owned(),
        api_key: Secret::new(KEY),
        secrets: vec![("aws-secret-access-key".to_owned(), Secret::new("aws-9876543210-secret"))],
        options: vec![
            option("aws.region", "eu-west-1"),
            option("aws.access-key-id", "AKIA0"),
            option("vertex.project", "p"),
            option("vertex.location", "l"),
            option("cloudflare.account-id", "a1"),
        ],
        unix_time: 1_700_000_000,
        ..Account::default()
    }
}

/// [`account`] at the provider's own address, with a key only.
fn own(name: &str) -> Account {
    let base_url = match name {
        "azure" => "https://r.openai.azure.com",
        "openai-compatible" | "openai-completions" => "https://host.example",
        _ => "",
    };
    let model = if profile(name).unwrap().defaults.model.is_empty() { "m-1" } else { "" };
    let api_key = Secret::new("KEY");
    let (base_url, model) = (base_url.to_owned(), model.to_owned());
    Account { base_url, model, api_key, secrets: Vec::new(), ..account() }
}

#[test]
fn a_provider_is_found_by_its_name() {
    assert!(names().all(|name| find(name).is_some_and(|provider| provider.name() == name)));
    assert_eq!(names().collect::<std::collections::BTreeSet<_>>().len(), PROFILES.len());
    assert!(find("no-such").is_none() && find("").is_none());
}

#[test]
fn every_row_asks_as_its_documentation_says() {
    let all: String =
        names().map(|name| format!("# {name}\n{}", sent(name, &own(name), &prompt()))).collect();
    expect![[r##"
        # openai
        POST https://api.openai.com/v1/chat/completions
        {"max_completion_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"gpt-6-luna","reasoning_effort":"none","stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true}}
        # openai-responses
        POST https://api.openai.com/v1/responses
        {"input":[{"content":(code),"role":"user"}],"instructions":(system),"max_output_tokens":64,"model":"gpt-6-luna","reasoning":{"effort":"none"},"store":false,"stream":true,"stream_options":{"include_obfuscation":false}}
        # openai-completions
        POST https://host.example/v1/completions
        {"max_tokens":64,"model":"m-1","prompt":"fn add(a: i32) {\n    ","stop":["\n\n"],"stream":true,"suffix":"\n}\n","temperature":0.1}
        # anthropic
        POST https://api.anthropic.com/v1/messages
        anthropic-version: 2023-06-01
        x-api-key: KEY (secret)
        {"max_tokens":64,"messages":[{"content":(code),"role":"user"}],"model":"claude-haiku-4-5","stream":true,"system":(system),"temperature":0.1}
        # gemini
        POST https://generativelanguage.googleapis.com/v1beta/models/gemini-3.5-flash-lite:streamGenerateContent?alt=sse
        x-goog-api-key: KEY (secret)
        {"contents":[{"parts":[{"text":(code)}],"role":"user"}],"generationConfig":{"maxOutputTokens":576,"thinkingConfig":{"thinkingLevel":"minimal"}},"systemInstruction":{"parts":[{"text":(system)}]}}
        # vertex-gemini
        POST https://l-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/gemini-3.5-flash-lite:streamGenerateContent?alt=sse
        {"contents":[{"parts":[{"text":(code)}],"role":"user"}],"generationConfig":{"maxOutputTokens":576,"thinkingConfig":{"thinkingLevel":"minimal"}},"systemInstruction":{"parts":[{"text":(system)}]}}
        # vertex-anthropic
        POST https://l-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/anthropic/models/claude-haiku-4-5%4020251001:streamRawPredict
        {"anthropic_version":"vertex-2023-10-16","max_tokens":64,"messages":[{"content":(code),"role":"user"}],"stream":true,"system":(system),"temperature":0.1}
        # mistral
        POST https://api.mistral.ai/v1/chat/completions
        accept: text/event-stream
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"codestral-latest","stream":true,"temperature":0.1}
        # codestral
        POST https://codestral.mistral.ai/v1/fim/completions
        accept: text/event-stream
        {"max_tokens":64,"model":"codestral-latest","prompt":"+++++ src/lib.rs\nmod math;\n+++++ src/math.rs\nfn add(a: i32) {\n    ","stop":["\n+++++ ","\n\n"],"stream":true,"suffix":"\n}\n","temperature":0.1}
        # deepseek
        POST https://api.deepseek.com/chat/completions
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"deepseek-flash","stream":true,"temperature":0.1,"thinking":{"type":"disabled"}}
        # deepseek-fim
        POST https://api.deepseek.com/beta/completions
        {"max_tokens":64,"model":"deepseek-flash","prompt":"#src/lib.rs\nmod math;\n#src/math.rs\nfn add(a: i32) {\n    ","stop":["\n\n"],"stream":true,"stream_options":{"include_usage":true},"suffix":"\n}\n","temperature":0.1}
        # openrouter
        POST https://openrouter.ai/api/v1/chat/completions
        x-openrouter-title: Lapce AI completion
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"openai/gpt-6-luna","reasoning":{"effort":"none"},"stream":true,"stream_options":{"include_usage":true}}
        # azure
        POST https://r.openai.azure.com/openai/deployments/m-1/chat/completions?api-version=2024-10-21
        api-key: KEY (secret)
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"m-1","stream":true,"stream_options":{"include_usage":true},"temperature":0.1}
        # bedrock
        POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/global.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse-stream
        {"inferenceConfig":{"maxTokens":64,"temperature":0.1},"messages":[{"content":[{"text":(code)}],"role":"user"}],"system":[{"text":(system)}]}
        # ollama
        POST http://localhost:11434/api/generate
        {"keep_alive":"30m","model":"qwen2.5-coder:1.5b-base","options":{"num_ctx":8192,"num_predict":64,"stop":["<|endoftext|>","<|file_sep|>","<|fim_pad|>","<|im_end|>","\n\n"],"temperature":0.1},"prompt":"<|repo_name|>demo\n<|file_sep|>src/lib.rs\nmod math;\n<|file_sep|>src/math.rs\n<|fim_prefix|>fn add(a: i32) {\n    <|fim_suffix|>\n}\n<|fim_middle|>","raw":true,"stream":true,"think":false}
        # llama-cpp
        POST http://127.0.0.1:8080/infill
        {"cache_prompt":true,"input_extra":[{"filename":"src/lib.rs","text":"mod math;\n"}],"input_prefix":"fn add(a: i32) {\n","input_suffix":"\n}\n","model":"m-1","n_predict":64,"prompt":"    ","response_fields":["index","content","stop","stop_type","stopped_limit","tokens_evaluated","tokens_predicted","timings/cache_n"],"stop":["\n\n"],"stream":true,"temperature":0.1}
        # vllm
        POST http://localhost:8000/v1/chat/completions
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"m-1","stream":true,"stream_options":{"include_usage":true},"temperature":0.1}
        # lm-studio
        POST http://localhost:1234/v1/chat/completions
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"m-1","stream":true,"stream_options":{"include_usage":true},"temperature":0.1}
        # groq
        POST https://api.groq.com/openai/v1/chat/completions
        {"max_completion_tokens":2112,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"openai/gpt-oss-20b","reasoning_effort":"low","stream":true,"temperature":0.1}
        # xai
        POST https://api.x.ai/v1/chat/completions
        {"max_completion_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"grok-4.3","reasoning_effort":"none","stream":true,"temperature":0.1}
        # mercury
        POST https://api.inceptionlabs.ai/v1/fim/completions
        {"max_tokens":64,"model":"mercury-edit-2","prompt":"fn add(a: i32) {\n    ","stop":["\n\n"],"stream":true,"suffix":"\n}\n","temperature":0.1}
        # together
        POST https://api.together.xyz/v1/chat/completions
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"Qwen/Qwen3.5-9B","reasoning":{"enabled":false},"stream":true,"temperature":0.1}
        # fireworks
        POST https://api.fireworks.ai/inference/v1/chat/completions
        {"max_tokens":2112,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"accounts/fireworks/models/gpt-oss-20b","reasoning_effort":"low","stream":true,"temperature":0.1}
        # cerebras
        POST https://api.cerebras.ai/v1/chat/completions
        {"max_completion_tokens":2112,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"gpt-oss-120b","reasoning_effort":"low","stream":true,"temperature":0.1}
        # huggingface
        POST https://router.huggingface.co/v1/chat/completions
        {"max_tokens":2112,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"openai/gpt-oss-120b","reasoning_effort":"low","stream":true,"temperature":0.1}
        # github-models
        POST https://models.github.ai/inference/chat/completions
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"openai/gpt-4.1","stream":true,"temperature":0.1}
        # nvidia
        POST https://integrate.api.nvidia.com/v1/chat/completions
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"m-1","stream":true,"temperature":0.1}
        # deepinfra
        POST https://api.deepinfra.com/v1/openai/chat/completions
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"Qwen/Qwen3-Coder-480B-A35B-Instruct-Turbo","stream":true,"temperature":0.1}
        # sambanova
        POST https://api.sambanova.ai/v1/chat/completions
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"Meta-Llama-3.3-70B-Instruct","stream":true,"temperature":0.1}
        # perplexity
        POST https://api.perplexity.ai/chat/completions
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"sonar","stream":true,"temperature":0.1}
        # moonshot
        POST https://api.moonshot.ai/v1/chat/completions
        {"max_completion_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"kimi-k2.6","stream":true,"thinking":{"type":"disabled"}}
        # zai
        POST https://api.z.ai/api/paas/v4/chat/completions
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"glm-4.7","stream":true,"temperature":0.1,"thinking":{"type":"disabled"}}
        # dashscope
        POST https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"qwen3-coder-plus","stream":true,"temperature":0.1}
        # cohere
        POST https://api.cohere.ai/compatibility/v1/chat/completions
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"command-a-03-2025","stream":true,"temperature":0.1}
        # cloudflare
        POST https://api.cloudflare.com/client/v4/accounts/a1/ai/v1/chat/completions
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"@cf/qwen/qwen2.5-coder-32b-instruct","stream":true,"temperature":0.1}
        # openai-compatible
        POST https://host.example/v1/chat/completions
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"}],"model":"m-1","stream":true,"temperature":0.1}
    "##]].assert_eq(&all);
}

#[test]
fn an_answer_that_broke_off_is_continued_in_each_format() {
    let names = "openai openai-responses openai-completions anthropic gemini mistral codestral deepseek bedrock ollama llama-cpp";
    let elsewhere = Account { base_url: "https://gateway.example".to_owned(), ..own("deepseek") };
    let newer = Account { model: "us.anthropic.claude-sonnet-5".to_owned(), ..own("bedrock") };
    let accounts = names.split(' ').map(|name| (name, own(name)));
    let mut all = String::new();
    for (name, account) in accounts.chain([("deepseek", elsewhere), ("bedrock", newer)]) {
        let sent = sent(name, &account, &resumed());
        let (url, body) = sent.split_once('\n').unwrap();
        let body = body.lines().last().unwrap_or_default();
        all += &format!("# {name} {}\n{body}\n", url.trim_start_matches("POST "));
    }
    expect![[r##"
        # openai https://api.openai.com/v1/chat/completions
        {"max_completion_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"},{"content":"a +","role":"assistant"},{"content":(go on),"role":"user"}],"model":"gpt-6-luna","reasoning_effort":"none","stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true}}
        # openai-responses https://api.openai.com/v1/responses
        {"input":[{"content":(code),"role":"user"},{"content":"a +","role":"assistant"},{"content":(go on),"role":"user"}],"instructions":(system),"max_output_tokens":64,"model":"gpt-6-luna","reasoning":{"effort":"none"},"store":false,"stream":true,"stream_options":{"include_obfuscation":false}}
        # openai-completions https://host.example/v1/completions
        {"max_tokens":64,"model":"m-1","prompt":"fn add(a: i32) {\n    a +","stop":["\n\n"],"stream":true,"suffix":"\n}\n","temperature":0.1}
        # anthropic https://api.anthropic.com/v1/messages
        {"max_tokens":64,"messages":[{"content":(code),"role":"user"},{"content":"a +","role":"assistant"}],"model":"claude-haiku-4-5","stream":true,"system":(system),"temperature":0.1}
        # gemini https://generativelanguage.googleapis.com/v1beta/models/gemini-3.5-flash-lite:streamGenerateContent?alt=sse
        {"contents":[{"parts":[{"text":(code)}],"role":"user"},{"parts":[{"text":"a +"}],"role":"model"},{"parts":[{"text":(go on)}],"role":"user"}],"generationConfig":{"maxOutputTokens":576,"thinkingConfig":{"thinkingLevel":"minimal"}},"systemInstruction":{"parts":[{"text":(system)}]}}
        # mistral https://api.mistral.ai/v1/chat/completions
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"},{"content":"a +","prefix":true,"role":"assistant"}],"model":"codestral-latest","stream":true,"temperature":0.1}
        # codestral https://codestral.mistral.ai/v1/fim/completions
        {"max_tokens":64,"model":"codestral-latest","prompt":"+++++ src/lib.rs\nmod math;\n+++++ src/math.rs\nfn add(a: i32) {\n    a +","stop":["\n+++++ ","\n\n"],"stream":true,"suffix":"\n}\n","temperature":0.1}
        # deepseek https://api.deepseek.com/beta/chat/completions
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"},{"content":"a +","prefix":true,"role":"assistant"}],"model":"deepseek-flash","stream":true,"temperature":0.1,"thinking":{"type":"disabled"}}
        # bedrock https://bedrock-runtime.eu-west-1.amazonaws.com/model/global.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse-stream
        {"inferenceConfig":{"maxTokens":64,"temperature":0.1},"messages":[{"content":[{"text":(code)}],"role":"user"},{"content":[{"text":"a +"}],"role":"assistant"}],"system":[{"text":(system)}]}
        # ollama http://localhost:11434/api/generate
        {"keep_alive":"30m","model":"qwen2.5-coder:1.5b-base","options":{"num_ctx":8192,"num_predict":64,"stop":["<|endoftext|>","<|file_sep|>","<|fim_pad|>","<|im_end|>","\n\n"],"temperature":0.1},"prompt":"<|repo_name|>demo\n<|file_sep|>src/lib.rs\nmod math;\n<|file_sep|>src/math.rs\n<|fim_prefix|>fn add(a: i32) {\n    a +<|fim_suffix|>\n}\n<|fim_middle|>","raw":true,"stream":true,"think":false}
        # llama-cpp http://127.0.0.1:8080/infill
        {"cache_prompt":true,"input_extra":[{"filename":"src/lib.rs","text":"mod math;\n"}],"input_prefix":"fn add(a: i32) {\n","input_suffix":"\n}\n","model":"m-1","n_predict":64,"prompt":"    a +","response_fields":["index","content","stop","stop_type","stopped_limit","tokens_evaluated","tokens_predicted","timings/cache_n"],"stop":["\n\n"],"stream":true,"temperature":0.1}
        # deepseek https://gateway.example/chat/completions
        {"max_tokens":64,"messages":[{"content":(system),"role":"system"},{"content":(code),"role":"user"},{"content":"a +","role":"assistant"},{"content":(go on),"role":"user"}],"model":"deepseek-flash","stream":true,"temperature":0.1,"thinking":{"type":"disabled"}}
        # bedrock https://bedrock-runtime.eu-west-1.amazonaws.com/model/us.anthropic.claude-sonnet-5/converse-stream
        {"additionalModelRequestFields":{"thinking":{"type":"disabled"}},"inferenceConfig":{"maxTokens":64},"messages":[{"content":[{"text":(code)}],"role":"user"},{"content":[{"text":"a +"}],"role":"assistant"},{"content":[{"text":(go on)}],"role":"user"}],"system":[{"text":(system)}]}
    "##]].assert_eq(&all);
}

#[test]
fn thinking_is_asked_for_as_each_vendor_spells_it() {
    let mut all = String::new();
    for (name, model, reasoning) in [
        ("openai", "gpt-5-nano", Reasoning::Auto),
        ("openai", "gpt-6-luna", Reasoning::High),
        ("openai", "gpt-4.1-mini", Reasoning::Auto),
        ("openai", "gpt-99", Reasoning::Auto),
        ("openai-responses", "o4-mini", Reasoning::Auto),
        ("azure", "gpt-5-mini", Reasoning::Auto),
        ("openrouter", "anthropic/claude-sonnet-5", Reasoning::Auto),
        ("openrouter", "z-ai/glm-4.6", Reasoning::Low),
        ("openrouter", "google/gemini-2.5-pro", Reasoning::Off),
        ("anthropic", "claude-haiku-4-5", Reasoning::Low),
        ("anthropic", "claude-sonnet-4-6", Reasoning::Medium),
        ("anthropic", "claude-sonnet-5-5", Reasoning::Auto),
        ("anthropic", "claude-opus-5-5", Reasoning::Off),
        ("anthropic", "claude-novel-7", Reasoning::Auto),
        ("bedrock", "us.anthropic.claude-sonnet-5", Reasoning::Auto),
        ("gemini", "gemini-2.5-flash", Reasoning::Auto),
        ("gemini", "gemini-3.1-pro-preview", Reasoning::High),
        ("deepseek", "deepseek-flash", Reasoning::Low),
        ("zai", "glm-4.6", Reasoning::High),
        ("moonshot", "kimi-k3", Reasoning::Auto),
        ("dashscope", "qwen3.8-max", Reasoning::Auto),
        ("groq", "qwen/qwen3-32b", Reasoning::Auto),
        ("together", "moonshotai/Kimi-K2.6", Reasoning::Auto),
        ("together", "openai/gpt-oss-120b", Reasoning::Auto),
        ("xai", "grok-4", Reasoning::Auto),
        ("vllm", "Qwen/Qwen3-8B", Reasoning::Auto),
        ("vllm", "mistralai/Ministral-8B-Instruct-2410", Reasoning::Auto),
        ("openai-compatible", "openai/gpt-oss-20b", Reasoning::Auto),
    ] {
        let account = Account { model: model.to_owned(), reasoning, ..own(name) };
        let sent = sent(name, &account, &prompt());
        let body = sent.lines().last().unwrap().replace("(system)", "0").replace("(code)", "0");
        let mut body: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&body).unwrap();
        let others = "messages system systemInstruction contents input instructions model stream stream_options store stop";
        body.retain(|name, _| others.split(' ').all(|other| other != name) && name != "stop_sequences");
        all.push_str(&format!("{name} {model} {reasoning:?}: {}\n", serde_json::Value::Object(body)));
    }
    expect![[r#"
        openai gpt-5-nano Auto: {"max_completion_tokens":576,"reasoning_effort":"minimal"}
        openai gpt-6-luna High: {"max_completion_tokens":8256,"reasoning_effort":"high"}
        openai gpt-4.1-mini Auto: {"max_completion_tokens":64,"temperature":0.1}
        openai gpt-99 Auto: {"max_completion_tokens":64,"temperature":0.1}
        openai-responses o4-mini Auto: {"max_output_tokens":2112,"reasoning":{"effort":"low"}}
        azure gpt-5-mini Auto: {"max_completion_tokens":576,"reasoning_effort":"minimal"}
        openrouter anthropic/claude-sonnet-5 Auto: {"max_tokens":64,"reasoning":{"effort":"none"}}
        openrouter z-ai/glm-4.6 Low: {"max_tokens":2112,"reasoning":{"effort":"low"},"temperature":0.1}
        openrouter google/gemini-2.5-pro Off: {"max_tokens":192,"reasoning":{"effort":"minimal"},"temperature":0.1}
        anthropic claude-haiku-4-5 Low: {"max_tokens":1088,"thinking":{"budget_tokens":1024,"type":"enabled"}}
        anthropic claude-sonnet-4-6 Medium: {"max_tokens":4160,"output_config":{"effort":"medium"},"thinking":{"type":"adaptive"}}
        anthropic claude-sonnet-5-5 Auto: {"max_tokens":64,"thinking":{"type":"between_tools"}}
        anthropic claude-opus-5-5 Off: {"max_tokens":2112,"output_config":{"effort":"low"}}
        anthropic claude-novel-7 Auto: {"max_tokens":64}
        bedrock us.anthropic.claude-sonnet-5 Auto: {"additionalModelRequestFields":{"thinking":{"type":"disabled"}},"inferenceConfig":{"maxTokens":64}}
        gemini gemini-2.5-flash Auto: {"generationConfig":{"maxOutputTokens":64,"temperature":0.1,"thinkingConfig":{"thinkingBudget":0}}}
        gemini gemini-3.1-pro-preview High: {"generationConfig":{"maxOutputTokens":8256,"thinkingConfig":{"thinkingLevel":"high"}}}
        deepseek deepseek-flash Low: {"max_tokens":2112,"reasoning_effort":"low","temperature":0.1}
        zai glm-4.6 High: {"max_tokens":2112,"temperature":0.1,"thinking":{"type":"enabled"}}
        moonshot kimi-k3 Auto: {"max_completion_tokens":2112,"reasoning_effort":"low"}
        dashscope qwen3.8-max Auto: {"enable_thinking":false,"max_tokens":64,"temperature":0.1}
        groq qwen/qwen3-32b Auto: {"max_completion_tokens":64,"reasoning_effort":"none","temperature":0.1}
        together moonshotai/Kimi-K2.6 Auto: {"max_tokens":64,"reasoning":{"enabled":false},"temperature":0.1}
        together openai/gpt-oss-120b Auto: {"max_tokens":2112,"reasoning_effort":"low","temperature":0.1}
        xai grok-4 Auto: {"max_completion_tokens":2112,"temperature":0.1}
        vllm Qwen/Qwen3-8B Auto: {"chat_template_kwargs":{"enable_thinking":false},"max_tokens":64,"temperature":0.1}
        vllm mistralai/Ministral-8B-Instruct-2410 Auto: {"max_tokens":64,"temperature":0.1}
        openai-compatible openai/gpt-oss-20b Auto: {"max_tokens":2112,"reasoning_effort":"low","temperature":0.1}
    "#]].assert_eq(&all);
}

#[test]
fn fill_in_the_middle_is_asked_for_in_the_way_of_model_and_setting() {
    let mut all = String::new();
    for (name, model, fim) in [
        ("openai-completions", "Qwen/Qwen2.5-Coder-7B", ""),
        ("openai-completions", "instruct", "<P>{prefix}<S>{suffix}<M>"),
        ("openai-completions", "instruct", "chat"),
        ("openai-completions", "instruct", "qwenn"),
        ("openai-completions", "", ""),
        ("openai-compatible", "m", "suffix"),
        ("openai-compatible", "m", "starcoder"),
        ("vllm", "bigcode/starcoder2-3b", ""),
        ("vllm", "m", "suffix"),
        ("lm-studio", "deepseek-coder-6.7b-base", ""),
        ("codestral", "", "chat"),
        ("mercury", "", "qwen"),
        ("openai", "", "suffix"),
    ] {
        let fim = match fim {
            "" => FimSetting::Auto,
            "suffix" => FimSetting::Suffix,
            "chat" => FimSetting::Chat,
            template => FimSetting::Template(template.to_owned()),
        };
        let base_url = if model.is_empty() { "" } else { "https://host.example/v1" }.to_owned();
        let account = Account { fim, base_url, ..with_model(model) };
        all.push_str(&format!("# {name} {model}\n{}", sent(name, &account, &prompt())));
    }
    expect![[r##"
        # openai-completions Qwen/Qwen2.5-Coder-7B
        POST https://host.example/v1/completions
        {"max_tokens":64,"model":"Qwen/Qwen2.5-Coder-7B","prompt":"<|repo_name|>demo\n<|file_sep|>src/lib.rs\nmod math;\n<|file_sep|>src/math.rs\n<|fim_prefix|>fn add(a: i32) {\n    <|fim_suffix|>\n}\n<|fim_middle|>","stop":["<|endoftext|>","<|file_sep|>","<|fim_pad|>","<|im_end|>"],"stream":true,"temperature":0.1}
        # openai-completions instruct
        POST https://host.example/v1/completions
        {"max_tokens":64,"model":"instruct","prompt":"<P>fn add(a: i32) {\n    <S>\n}\n<M>","stop":["\n\n"],"stream":true,"temperature":0.1}
        # openai-completions instruct
        error no_fim: `fim` does not fit OpenAI (completions): it has no chat, choose the provider `openai` or `openai-compatible`.
        # openai-completions instruct
        error request: `fim` names no template `qwenn`: there are mercury, qwen, granite, seed-coder, starcoder, codestral, codegemma, codellama, deepseek, codegeex, glm, mellum.
        # openai-completions 
        error model: Set `model`, and `base-url` to a server that has it: OpenAI itself has no model left for text completions.
        # openai-compatible m
        POST https://host.example/v1/completions
        {"max_tokens":64,"model":"m","prompt":"fn add(a: i32) {\n    ","stop":["\n\n"],"stream":true,"suffix":"\n}\n","temperature":0.1}
        # openai-compatible m
        POST https://host.example/v1/completions
        {"max_tokens":64,"model":"m","prompt":"<repo_name>demo<file_sep>src/lib.rs\nmod math;\n<file_sep><fim_prefix>fn add(a: i32) {\n    <fim_suffix>\n}\n<fim_middle>","stop":["<|endoftext|>","<file_sep>","<fim_prefix>","<repo_name>"],"stream":true,"temperature":0.1}
        # vllm bigcode/starcoder2-3b
        POST https://host.example/v1/completions
        {"max_tokens":64,"model":"bigcode/starcoder2-3b","prompt":"<repo_name>demo<file_sep>src/lib.rs\nmod math;\n<file_sep><fim_prefix>fn add(a: i32) {\n    <fim_suffix>\n}\n<fim_middle>","skip_special_tokens":false,"stop":["<|endoftext|>","<file_sep>","<fim_prefix>","<repo_name>"],"stream":true,"stream_options":{"include_usage":true},"temperature":0.1}
        # vllm m
        error no_fim: `fim` does not fit vLLM: it knows no `suffix`, leave it at `auto` or name a template.
        # lm-studio deepseek-coder-6.7b-base
        POST https://host.example/v1/completions
        {"max_tokens":64,"model":"deepseek-coder-6.7b-base","prompt":"#src/lib.rs\nmod math;\n#src/math.rs\n<｜fim▁begin｜>fn add(a: i32) {\n    <｜fim▁hole｜>\n}\n<｜fim▁end｜>","stop":["<｜end▁of▁sentence｜>","<|EOT|>","<｜fim▁begin｜>","<｜fim▁hole｜>"],"stream":true,"stream_options":{"include_usage":true},"temperature":0.1}
        # codestral 
        error no_fim: `fim` does not fit Codestral: it fills in the middle by itself, leave it at `auto`.
        # mercury 
        error no_fim: `fim` does not fit Inception: it fills in the middle by itself, leave it at `auto`.
        # openai 
        error no_fim: `fim` does not fit OpenAI: it only has chat, leave it at `auto`.
    "##]].assert_eq(&all);
}

#[test]
fn every_request_has_the_code_and_shows_no_key() {
    for provider in PROFILES {
        let name = provider.name();
        for prompt in [prompt(), resumed()] {
            let request = provider.request(&account(), &prompt).unwrap();
            let body = String::from_utf8(request.body.clone().unwrap()).unwrap();
            let seen = format!("{request:?} {body} {}", request.url);
            assert!(!seen.contains("secret\"") && !seen.contains(KEY), "{name}: {seen}");
            assert!(request.headers.iter().all(|(name, _)| *name == name.to_lowercase()), "{name}: {seen}");
            assert!(body.contains("fn add(a: i32) {\\n"), "{name}: {body}");
            assert!(body.contains("\\n}\\n"), "{name}: {body}");
            assert!(body.contains(&prompt.received), "{name}: {body}");
            let goes_on = format!("    {}", prompt.received);
            assert_eq!(
                body.contains(&goes_on),
                provider.seam(&account()) == Seam::Prefix || prompt.received.is_empty(),
                "{name}: {body}"
            );
            assert!(request.url.as_str().starts_with("https://"), "{name}: {}", request.url);
        }
    }
}

#[test]
fn what_stands_before_a_provider_is_understood_in_its_place() {
    let chunk =
        r#"{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"a"}}]}"#;
    let stream = format!("data: {chunk}\n\ndata: [DONE]\n\n");
    let page =
        "error malformed - the stream has a part that is not of its format: a web page titled “Log in”";
    let cases = [
        (
            "a gateway's answer",
            r#"{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}]}"#,
            &["text a", "done#0 stop"][..],
        ),
        ("a gateway's stream", &stream, &["text a", "done#0 stop"]),
        (
            "a gateway's error",
            r#"{"error":{"message":"m","type":"server_error"}}"#,
            &["error transient server_error m"],
        ),
        ("a framework's error", r#"{"detail":"m"}"#, &["error transient - m"]),
        ("a proxy's error", "{\n  \"message\": \"m\"\n}\n", &["error transient - m"]),
        ("a page", "<!DOCTYPE html>\n<html><head><title>Log in</title></head></html>", &[page]),
        ("nothing", "", &["error truncated - the answer ended before its end marker"]),
    ];
    for provider in DIALECTS.iter().filter_map(|name| find(name)) {
        let is_sse = provider.decoder().framing() == Framing::Sse;
        for (what, body, expected) in cases.iter().filter(|(_, body, _)| is_sse || *body != stream) {
            let got = decoded(|| provider.decoder(), body.as_bytes());
            assert_eq!(got, *expected, "{what} at {}", provider.name());
        }
    }
}

#[test]
fn the_users_fields_headers_and_instructions_reach_every_provider() {
    let account = Account {
        extra_headers: vec![("X-Team".to_owned(), "a".to_owned())],
        extra_body: serde_json::from_str(r#"{"extra":{"b":1}}"#).unwrap(),
        instructions: "Use British spelling.".to_owned(),
        ..account()
    };
    for provider in PROFILES {
        let request = provider.request(&account, &prompt()).unwrap();
        assert!(request.headers.contains(&("x-team".to_owned(), "a".to_owned())), "{}", provider.name());
        let body = request.body.unwrap();
        let text = String::from_utf8_lossy(&body);
        let is_chat = provider.seam(&account) != Seam::Prefix;
        assert_eq!(text.contains("Use British spelling."), is_chat, "{}", provider.name());
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["extra"]["b"], 1, "{}", provider.name());
    }
}

#[test]
fn who_needs_a_key_says_where_it_belongs() {
    for provider in PROFILES.iter().filter(|provider| provider.defaults().needs_key) {
        let account = Account { api_key: Secret::default(), secrets: Vec::new(), ..account() };
        let error = provider.request(&account, &prompt()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Auth, "{}: {error}", provider.name());
        for variable in provider.defaults().key_env {
            assert!(error.message.contains(variable), "{}: {error}", provider.name());
        }
    }
}

#[test]
fn the_seam_follows_the_way_to_ask() {
    for name in ["ollama", "llama-cpp", "openai-compatible", "vllm"] {
        let seam = |fim| find(name).unwrap().seam(&Account { fim, ..account() });
        assert_eq!(seam(FimSetting::Chat), Seam::Instruction, "{name}");
        assert_eq!(seam(FimSetting::Template("qwen".to_owned())), Seam::Prefix, "{name}");
    }
}

/// How providers are asked, where the table of docs/providers.md says more than the row.
const ABOUT: &[(&str, &str)] = &[
    ("openai-responses", "chat, by the Responses API"),
    (
        "openai-completions",
        "FIM by `suffix`, or by template for models it knows, at servers with `/v1/completions`; set `base-url`",
    ),
    ("vertex-gemini", "chat; set `vertex.project`; `gcloud auth print-access-token` prints a token"),
    ("vertex-anthropic", "chat; the same"),
    ("codestral", "FIM; with a general key of Mistral's set `base-url = \"https://api.mistral.ai/v1\"`"),
    ("deepseek-fim", "FIM, in beta"),
    ("azure", "chat; `model` is the deployment, and `base-url = \"https://RESOURCE.openai.azure.com\"`"),
    ("bedrock", "chat; the latter with `AWS_SECRET_ACCESS_KEY`; set `aws.region`"),
    ("ollama", "FIM; started by `ollama serve`, models fetched by `ollama pull MODEL`"),
    ("llama-cpp", "FIM; started by `llama-server --fim-qwen-1.5b-default --port 8080`"),
    ("vllm", "FIM by template for models it knows, else chat; started by `vllm serve MODEL`"),
    ("lm-studio", "FIM by template for models it knows, else chat; started by `lms server start`"),
    ("dashscope", "chat; `base-url` for other regions and workspaces"),
    ("cloudflare", "chat; set `cloudflare.account-id`"),
    ("openai-compatible", "chat, or as `fim` says; set `base-url`"),
];

/// The table of providers in docs/providers.md, between its marks. `UPDATE_EXPECT=1` writes it anew.
#[test]
fn the_readme_lists_every_provider() {
    let rows: String = PROFILES
        .iter()
        .map(|provider| {
            let Defaults { model, key_env, needs_key, .. } = provider.defaults;
            let key = format!("`{}`", key_env.join("` or `"));
            let key = if needs_key { key } else { format!("{key}, if it wants one") };
            let model = if model.is_empty() { "yours".to_owned() } else { format!("`{model}`") };
            let is_fim = provider.seam(&Account::default()) == Seam::Prefix;
            let about = ABOUT.iter().find(|(name, _)| *name == provider.name).map(|(_, about)| *about);
            let about = about.unwrap_or(if is_fim { "FIM" } else { "chat" });
            assert_eq!(about.starts_with("FIM"), is_fim || matches!(provider.name, "vllm" | "lm-studio"));
            format!("| `{}` | {key} | {model} | {about} |\n", provider.name)
        })
        .collect();
    let head =
        "| `provider` | Key in the environment | Model by default | How it is asked |\n|---|---|---|---|\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/providers.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- providers: from src/provider/registry.rs -->\n", "<!-- end of providers -->\n");
    let (before, rest) = readme.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let expected = [before, begin, head, &rows, end, after].concat();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, &expected).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), expected, "UPDATE_EXPECT=1 writes it anew");

    for provider in PROFILES {
        let unreachable = Error::of_settings(provider, ErrorKind::Network, "");
        let start = unreachable.message.split('`').nth(1).unwrap_or_default();
        let row = rows.lines().find(|row| row.starts_with(&format!("| `{}` |", provider.name)));
        assert!(row.is_some_and(|row| row.contains(start)), "{start} is not in {row:?}");
    }
}
