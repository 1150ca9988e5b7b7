use crate::json::{Raw, Scanner, object};
use crate::stream::Usage;

/// The counts of these numbers: tokens of the prompt, of the answer, of the prompt's part that was cached, of thoughts.
pub(super) fn counts(input: Raw<'_>, output: Raw<'_>, cached: Raw<'_>, reasoning: Raw<'_>) -> Usage {
    Usage {
        input: input.number(),
        output: output.number(),
        cached: cached.number(),
        reasoning: reasoning.number(),
    }
}

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

    struct Details<'a> {
        cached = "cached_tokens": Raw<'a>,
        reasoning = "reasoning_tokens": Raw<'a>,
    }
}

/// The token counts of a `usage` object of chat completions, completions or responses; DeepSeek's
/// `prompt_cache_hit_tokens` included.
pub(super) fn usage(json: &mut Scanner<'_>) -> Usage {
    let counts: Counts = json.read();
    let number = |names: [Raw<'_>; 2]| names.into_iter().find_map(Raw::number);
    let mut usage = Usage {
        input: number([counts.prompt_tokens, counts.input_tokens]),
        output: number([counts.completion_tokens, counts.output_tokens]),
        cached: None,
        reasoning: None,
    };
    let details =
        [counts.prompt_details, counts.input_details, counts.completion_details, counts.output_details];
    for (place, raw) in details.into_iter().enumerate() {
        if !raw.is_given() {
            continue;
        }
        let Details { cached, reasoning } = raw.read();
        if place < 2 {
            usage.cached = usage.cached.or_else(|| cached.number());
        } else {
            usage.reasoning = usage.reasoning.or_else(|| reasoning.number());
        }
    }
    usage.cached = usage.cached.or_else(|| counts.cache_hit.number());
    usage
}
