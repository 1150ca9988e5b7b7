use crate::sse::json::{Raw, object};
use crate::stream::Usage;

object! {
    /// Token counts under all names that OpenAI's dialects have for them.
    struct Counts<'a> {
        prompt_tokens = "prompt_tokens": Raw<'a>,
        input_tokens = "input_tokens": Raw<'a>,
        completion_tokens = "completion_tokens": Raw<'a>,
        output_tokens = "output_tokens": Raw<'a>,
        prompt_details = "prompt_tokens_details": Details<'a>,
        input_details = "input_tokens_details": Details<'a>,
        completion_details = "completion_tokens_details": Details<'a>,
        output_details = "output_tokens_details": Details<'a>,
        cache_hit = "prompt_cache_hit_tokens": Raw<'a>,
    }
}

object! {
    struct Details<'a> {
        cached = "cached_tokens": Raw<'a>,
        reasoning = "reasoning_tokens": Raw<'a>,
    }
}

/// The token counts of a `usage` object of chat completions, completions or responses; DeepSeek's
/// `prompt_cache_hit_tokens` included.
pub(super) fn usage(raw: Raw<'_>) -> Usage {
    let counts: Counts = raw.read();
    let first = |candidates: [Raw<'_>; 3]| candidates.into_iter().find_map(Raw::number);
    Usage {
        input: first([counts.prompt_tokens, counts.input_tokens, Raw::default()]),
        output: first([counts.completion_tokens, counts.output_tokens, Raw::default()]),
        cached: first([counts.prompt_details.cached, counts.input_details.cached, counts.cache_hit]),
        reasoning: first([
            counts.completion_details.reasoning,
            counts.output_details.reasoning,
            Raw::default(),
        ]),
    }
}
