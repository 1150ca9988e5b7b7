use crate::json::Raw;
use crate::stream::FinishReason;

/// As [`finish_reason`], of a name in a frame.
pub(super) fn finish_reason_in(name: Raw<'_>) -> Option<FinishReason> {
    finish_reason(&name.cow()?)
}

/// The stop reason of any format, normalised. `None` for a name that says nothing: DashScope and what it
/// serves write `"null"` while they go on.
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
        | "guardrail_intervened"
        | "content_filtered" => FinishReason::Filter,
        "error" | "insufficient_system_resource" | "failed" => FinishReason::Error,
        _ => FinishReason::Other,
    })
}
