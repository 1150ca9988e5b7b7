use crate::stream::ErrorKind;

/// Words of codes, types and messages, with `|` between, that tell the class of an error whatever the status is, in the
/// order in which they count. Facts: the providers' error tables and recorded bodies.
const WORDS: &[(ErrorKind, &str)] = &[
    (
        // OpenAI: billing_hard_limit; Moonshot: exceeded_current_quota; xAI, with 403 or 429: used all available
        // credits; DashScope: arrearage.
        ErrorKind::Quota,
        "insufficient_quota|billing_error|insufficient balance|insufficient credits|credit balance is too low|\
         payment required|billing_hard_limit|exceeded_current_quota|used all available credits|arrearage",
    ),
    (
        ErrorKind::NoFim,
        "suffix is not currently supported|suffix is not supported|does not support suffix|unsupported param: suffix|\
         does not support insert|infill is not supported",
    ),
    (
        // Ollama: prompt too long, exceeded max context length; Perplexity: too_many_prompt_tokens; Moonshot, Z.ai and
        // DashScope: exceeded model token limit, exceeds max length, range of input length.
        ErrorKind::TooLong,
        "context_length_exceeded|exceed_context_size|prompt is too long|maximum context length|request_too_large|\
         prompt too long|exceeded max context length|too_many_prompt_tokens|input is too long|\
         exceeds the available context size|exceeds the maximum number of tokens|number of input tokens exceeds|\
         exceeded model token limit|exceeds max length|range of input length|context window",
    ),
    (
        ErrorKind::Auth,
        "api_key_invalid|invalid_api_key|incorrect api key|invalid api key|api key not valid|api key not found|\
         authentication_error",
    ),
    (
        // xAI: violates usage guidelines, usage policies; DashScope, Z.ai: inappropriate content, sensitive content.
        ErrorKind::Filtered,
        "content_filter|responsibleaipolicyviolation|flagged|moderation|violates usage guidelines|usage policies|\
         inappropriate content|sensitive content",
    ),
    (
        // OpenRouter: not a valid model; DeepSeek: supported api model names; Bedrock, of a model that is only to be had
        // by an inference profile, or is not enabled for the account: the last two.
        ErrorKind::Model,
        "model_not_found|deploymentnotfound|not a valid model|supported api model names|not found, try pulling it first|\
         invalid_model|model_decommissioned|model not found|does not exist or you do not have access|\
         model identifier is invalid|inference profile|don't have access to the model",
    ),
    (
        ErrorKind::RateLimited,
        "rate_limit|ratelimit|rate limit|resource_exhausted|throttling|too many requests",
    ),
    (
        // Bedrock, "retry your request": modelstreamerror.
        ErrorKind::Transient,
        "overloaded|unavailable|server_error|api_error|internal|timeout|server busy|cancelled|modelstreamerror",
    ),
];

/// The class of an error, by its status (`None` within a stream that does not say) and by what it says
/// of itself, in lower case.
pub(super) fn classify(status: Option<u16>, signals: &[String]) -> ErrorKind {
    let is_said = |word: &str| signals.iter().any(|signal| signal.contains(word));
    let said = |kind: ErrorKind| WORDS.iter().any(|(of, words)| *of == kind && words.split('|').any(is_said));
    let decisive =
        WORDS.iter().filter(|(kind, _)| !matches!(kind, ErrorKind::RateLimited | ErrorKind::Transient));
    let decisive = decisive.map(|(kind, _)| *kind).find(|kind| said(*kind));
    // A rate limit speaks of tokens and models too, and waiting helps all the same.
    if let Some(kind) = decisive.filter(|_| status != Some(429)) {
        return kind;
    }
    // A 404 that does not speak of a model comes from somewhere else: nothing answers at this path.
    let of_model = || signals.iter().any(|signal| signal.contains("model") || signal.contains("deployment"));
    match status {
        Some(429) if said(ErrorKind::Quota) => ErrorKind::Quota,
        Some(401 | 403) => ErrorKind::Auth,
        Some(402) => ErrorKind::Quota,
        Some(404) if of_model() => ErrorKind::Model,
        Some(413) => ErrorKind::TooLong,
        Some(429) => ErrorKind::RateLimited,
        Some(501) => ErrorKind::NoFim,
        Some(408 | 409 | 499 | 500..) => ErrorKind::Transient,
        _ if said(ErrorKind::RateLimited) => ErrorKind::RateLimited,
        Some(_) => ErrorKind::Request,
        None if said(ErrorKind::Transient) || signals.len() < 2 => ErrorKind::Transient,
        None => ErrorKind::Request,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_classified_by_word_then_by_status() {
        use ErrorKind::*;
        for (status, signal, kind) in [
            (Some(401), "", Auth),
            (Some(403), "", Auth),
            (Some(400), "api_key_invalid", Auth),
            (Some(400), "incorrect api key provided: xai-1", Auth),
            (Some(402), "", Quota),
            (Some(429), "insufficient_quota", Quota),
            (Some(400), "your credit balance is too low to access the api", Quota),
            (Some(403), "your team t-1 has either used all available credits or reached its limit", Quota),
            (Some(429), "your team t-1 has either used all available credits or reached its limit", Quota),
            (Some(429), "exceeded_current_quota_error", Quota),
            (Some(400), "billing_hard_limit_reached", Quota),
            (Some(400), "arrearage", Quota),
            (Some(404), "", Request),
            (Some(404), "file not found", Request),
            (Some(404), "not_found_error: model: claude-9", Model),
            (Some(400), "gpt-99 is not a valid model id", Model),
            (Some(400), "the supported api model names are a or b", Model),
            (Some(400), "prompt too long; exceeded max context length by 7 tokens", TooLong),
            (Some(400), "too_many_prompt_tokens", TooLong),
            (Some(403), "content violates usage guidelines", Filtered),
            (Some(400), "model_not_found", Model),
            (Some(404), "model \"x\" not found, try pulling it first", Model),
            (Some(400), "context_length_exceeded", TooLong),
            (Some(500), "exceed_context_size_error", TooLong),
            (Some(413), "", TooLong),
            (Some(400), "input tokens exceeded: number of input tokens exceeds maximum length", TooLong),
            (Some(400), "retry your request with the id or arn of an inference profile", Model),
            (Some(403), "you don't have access to the model with the specified model id", Model),
            (Some(400), "prompt is too long: 200001 tokens > 200000 maximum", TooLong),
            (Some(400), "your request exceeded model token limit: 8192", TooLong),
            (Some(400), "prompt exceeds max length", TooLong),
            (Some(400), "range of input length should be [1, 30720]", TooLong),
            (Some(400), "content_filter", Filtered),
            (Some(400), "input or output data may contain inappropriate content.", Filtered),
            (Some(400), "potentially unsafe or sensitive content in input or generation", Filtered),
            (Some(403), "flagged", Filtered),
            (Some(400), "suffix is not currently supported", NoFim),
            (Some(400), "registry.ollama.ai/library/x does not support insert", NoFim),
            (Some(501), "infill is not supported by this model", NoFim),
            (Some(429), "", RateLimited),
            (Some(429), "rate limit: the model's context window of tokens per minute", RateLimited),
            (Some(408), "", Transient),
            (Some(409), "", Transient),
            (Some(500), "", Transient),
            (Some(503), "resource_exhausted", Transient),
            (Some(529), "overloaded_error", Transient),
            (Some(400), "", Request),
            (Some(422), "", Request),
            (None, "overloaded_error", Transient),
            (None, "rate_limit_exceeded", RateLimited),
            (None, "modelstreamerrorexception", Transient),
        ] {
            assert_eq!(classify(status, &[signal.to_owned()]), kind, "{status:?} {signal}");
        }
        assert_eq!(classify(None, &["invalid_prompt".to_owned(), "words".to_owned()]), Request);
    }
}
