//! The request of chat completions.

use serde_json::{Value, json};

use crate::provider::hole::conversation;
use crate::provider::request::Draft;
use crate::provider::{Error, Prompt, Seam};

impl Draft<'_> {
    /// Asks for `prompt` in a streamed chat: model, conversation and temperature-free basics. Stop
    /// strings are not sent, because an answer may begin with a code fence that they would cut.
    ///
    /// # Errors
    /// When the user wants FIM.
    pub(in crate::provider) fn chat(self, prompt: &Prompt, seam: Seam) -> Result<Self, Error> {
        let draft = self.chat_only()?.model();
        Ok(draft.set("messages", messages(prompt, seam)).set("stream", true))
    }
}

/// The conversation as an array of messages. An assistant's turn that is to be continued is marked
/// by `prefix`, as Mistral and DeepSeek want it; prefill is for them only.
fn messages(prompt: &Prompt, seam: Seam) -> Value {
    let conversation = conversation(prompt, seam);
    let mut messages = vec![
        json!({"role": "system", "content": conversation.system}),
        json!({"role": "user", "content": conversation.user}),
    ];
    match (conversation.assistant, conversation.go_on) {
        (None, _) => {}
        (Some(received), None) => {
            messages.push(json!({"role": "assistant", "content": received, "prefix": true}));
        }
        (Some(received), Some(go_on)) => {
            messages.push(json!({"role": "assistant", "content": received}));
            messages.push(json!({"role": "user", "content": go_on}));
        }
    }
    Value::Array(messages)
}
