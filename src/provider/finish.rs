use crate::json::Raw;
use crate::stream::FinishReason;

/// As [`finish_reason`], of a name in a frame.
pub(super) fn finish_reason_in(name: Raw<'_>) -> Option<FinishReason> {
    finish_reason(&name.cow()?)
}

/// The stop reason of any format, normalised. `sensitive` and `network_error` are Z.ai's (docs.z.ai, chat completion),
/// names in capitals Google's (`Candidate.FinishReason`), other names of filters Bedrock's. `None` for a name that says
/// nothing: DashScope and what it serves write `"null"` while they go on.
pub(super) fn finish_reason(name: &str) -> Option<FinishReason> {
    Some(match name {
        "" | "null" => return None,
        "stop" | "end_turn" | "stop_sequence" | "STOP" | "eos" | "eos_token" | "word" | "completed" => {
            FinishReason::Stop
        }
        "length"
        | "max_tokens"
        | "MAX_TOKENS"
        | "limit"
        | "model_length"
        | "max_output_tokens"
        | "model_context_window_exceeded" => FinishReason::Length,
        "tool_calls" | "function_call" | "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::Refusal,
        "MALFORMED_FUNCTION_CALL"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "malformed_tool_use"
        | "malformed_model_output" => FinishReason::MalformedToolCall,
        "content_filter"
        | "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "LANGUAGE"
        | "MODEL_ARMOR"
        | "guardrail_intervened"
        | "content_filtered"
        | "sensitive" => FinishReason::Filter,
        "error" | "insufficient_system_resource" | "failed" | "network_error" | "MALFORMED_RESPONSE" => {
            FinishReason::Error
        }
        _ => FinishReason::Other,
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
