//! The wire formats, one file each: how a prompt is put into a request, and how frames become tokens.

pub(super) mod chat_completions;
pub(super) mod completions;
pub(super) mod converse;
pub(super) mod generate_content;
pub(super) mod llama_cpp;
pub(super) mod messages;
pub(super) mod ollama;
pub(super) mod responses;
