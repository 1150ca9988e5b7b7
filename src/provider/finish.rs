use super::Ends;
use crate::json::Raw;
use crate::stream::FinishReason;

/// Choice `index` ended for the reason of that name, if it says one.
pub(super) fn finished(index: u32, name: Raw<'_>, ends: &mut Ends) {
    if let Some(reason) = finish_reason_in(name) {
        ends.finished(index, reason);
    }
}

/// As [`finish_reason`], of a name in a frame.
pub(super) fn finish_reason_in(name: Raw<'_>) -> Option<FinishReason> {
    finish_reason(&name.cow()?)
}

/// The stop reason of any format, normalised. `None` for a name that says nothing: DashScope and what it serves write
/// `"null"` while they go on.
pub(super) fn finish_reason(name: &str) -> Option<FinishReason> {
    use FinishReason::*;
    Some(match name {
        "" | "null" => return None,
        "stop" | "end_turn" | "stop_sequence" | "STOP" | "eos" | "eos_token" | "word" | "completed" => Stop,
        "length" | "max_tokens" | "MAX_TOKENS" | "limit" | "model_length" | "max_output_tokens" => Length,
        "model_context_window_exceeded" => Length,
        "tool_calls" | "function_call" | "tool_use" => ToolCalls,
        "refusal" => Refusal,
        "content_filter" => Filter,
        // Google's (`Candidate.FinishReason`).
        "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "LANGUAGE"
        | "MODEL_ARMOR" => Filter,
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "TOO_MANY_TOOL_CALLS" => MalformedToolCall,
        "MALFORMED_RESPONSE" => Error,
        // Bedrock's.
        "guardrail_intervened" | "content_filtered" => Filter,
        "malformed_tool_use" | "malformed_model_output" => MalformedToolCall,
        // Z.ai's (docs.z.ai, chat completion), the last DeepSeek's.
        "sensitive" => Filter,
        "error" | "failed" | "network_error" | "insufficient_system_resource" => Error,
        _ => Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_were_withheld_or_failed_do_not_count_as_stopped() {
        use FinishReason::*;
        for (names, expected) in [
            (&["stop", "STOP", "end_turn", "eos"][..], Some(Stop)),
            (&["length", "MAX_TOKENS", "model_context_window_exceeded"], Some(Length)),
            (&["content_filter", "SAFETY", "MODEL_ARMOR", "LANGUAGE", "sensitive"], Some(Filter)),
            (&["error", "network_error", "insufficient_system_resource", "MALFORMED_RESPONSE"], Some(Error)),
            (&["MALFORMED_FUNCTION_CALL", "malformed_tool_use"], Some(MalformedToolCall)),
            (&["OTHER", "pause_turn", "of tomorrow"], Some(Other)),
            (&["", "null"], None),
        ] {
            for name in names {
                assert_eq!(finish_reason(name), expected, "{name}");
            }
        }
    }
}
