use crate::sse::json::{Raw, Scanner, object};
use crate::stream::Usage;

object! {
    /// Token counts under all names that OpenAI's dialects have for them.
    struct Counts<'a> {
        prompt_tokens = "prompt_tokens": Raw<'a>,
        input_tokens = "input_tokens": Raw<'a>,
        completion_tokens = "completion_tokens": Raw<'a>,
        output_tokens = "output_tokens": Raw<'a>,
        // Read when they are there, as they seldom are in each chunk.
        prompt_details = "prompt_tokens_details": Raw<'a>,
        input_details = "input_tokens_details": Raw<'a>,
        completion_details = "completion_tokens_details": Raw<'a>,
        output_details = "output_tokens_details": Raw<'a>,
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
pub(super) fn usage(json: &mut Scanner<'_>) -> Usage {
    let counts: Counts = json.read();
    let (prompt, input) = (details(counts.prompt_details), details(counts.input_details));
    let (completion, output) = (details(counts.completion_details), details(counts.output_details));
    let first = |candidates: [Raw<'_>; 3]| candidates.into_iter().find_map(Raw::number);
    Usage {
        input: first([counts.prompt_tokens, counts.input_tokens, Raw::default()]),
        output: first([counts.completion_tokens, counts.output_tokens, Raw::default()]),
        cached: first([prompt.cached, input.cached, counts.cache_hit]),
        reasoning: first([completion.reasoning, output.reasoning, Raw::default()]),
    }
}

fn details(raw: Raw<'_>) -> Details<'_> {
    if raw.is_given() { raw.read() } else { Details::default() }
}
