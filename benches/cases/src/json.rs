//! The text of one chat completion chunk: ours against JSON libraries.
//!
//! Ours is the whole decoder, fed one event at a time, so its figures hold the SSE framing as well;
//! the others are given the JSON alone and look for one string in it.

use std::borrow::Cow;

use ai_completion::provider::{Decoder, find};
use ai_completion::stream::{Decode, StreamToken};
use jiter::Jiter;
use serde::Deserialize;
use sonic_rs::{JsonValueTrait, pointer};

use crate::inputs::{self, Input};
use crate::{Case, Seen, Subject, Unit};

const SUBJECTS: &[Subject] = &[
    ("ours with SSE", |chunks| ours(openai(), chunks)),
    ("ours with SSE, without the memo", |chunks| ours(openai().without_memo(), chunks)),
    ("sonic-rs get", sonic_get),
    ("sonic-rs typed", sonic_typed),
    ("jiter", jiter),
    ("serde_json typed", serde_json_typed),
    #[cfg(not(target_os = "wasi"))]
    ("simd-json typed", simd_json_typed),
];

/// Chunks whose contents are plain, have escapes, or are long; each with an id of its own; and, for the cost of
/// decoding in full, with counts that are read from each, and with the fields in another order each time.
pub fn cases() -> Vec<Case> {
    let case = |name, body| {
        let input = Input::cut_at_events(body);
        Case { name, input, unit: Unit::PerChunk, subjects: SUBJECTS.to_vec() }
    };
    let words = ["let", " value", " of", "parse", " self"];
    let lines = ["\\n    ", "\\\"a\\\"", ";\\n\\t", "\\\\d\\u00e9", " {\\n"];
    vec![
        case("json/plain-280B", inputs::chunks(500, |n| words[n % 5].to_owned())),
        case("json/escaped-290B", inputs::chunks(500, |n| words[n % 4].to_owned() + lines[n % 5])),
        case("json/long-4.2KiB", inputs::chunks(100, |n| words[n % 5].repeat(4300 / words[n % 5].len()))),
        case("json/fresh-ids", without_end(inputs::openai_with_fresh_ids(500))),
        case("json/usage", without_end(inputs::openai_with_usage(500))),
        case("json/no-envelope", without_end(inputs::openai_without_envelope(500))),
    ]
}

/// Without the last two events, which have no content.
fn without_end(body: String) -> String {
    let end = body.rmatch_indices("\n\n").nth(2).map_or(0, |(at, end)| at + end.len());
    body[..end].to_owned()
}

pub(crate) fn openai() -> Decoder {
    find("openai").map(|provider| provider.decoder()).expect("there is a provider of that name")
}

/// The same as the plugin has it, without the memo.
pub(crate) fn as_in_the_volt() -> Decoder {
    openai().without_memo()
}

fn ours(mut decoder: Decoder, chunks: &[&[u8]]) -> Seen {
    let mut seen = Seen::default();
    for chunk in chunks {
        decoder.feed(chunk, &mut |token: StreamToken<'_>| {
            if let StreamToken::Text(text) = token {
                seen.add(&text);
            }
        });
    }
    seen
}

fn json<'c>(chunk: &&'c [u8]) -> &'c [u8] {
    &chunk["data: ".len()..chunk.len() - 2]
}

fn sonic_get(chunks: &[&[u8]]) -> Seen {
    let mut seen = Seen::default();
    let path = pointer!["choices", 0, "delta", "content"];
    for chunk in chunks.iter().map(json) {
        let content = sonic_rs::get_from_slice(chunk, path.as_slice());
        // The lazy value owns what it unescapes, as its users must.
        if let Some(text) = content.ok().as_ref().and_then(|content| content.as_str()) {
            seen.add(text);
        }
    }
    seen
}

/// The least that has to be typed to get at the content.
#[derive(Deserialize)]
pub(crate) struct Chunk<'c> {
    #[serde(borrow)]
    choices: Vec<Choice<'c>>,
}

#[derive(Deserialize)]
struct Choice<'c> {
    #[serde(borrow)]
    delta: Delta<'c>,
}

#[derive(Deserialize)]
struct Delta<'c> {
    #[serde(borrow)]
    content: Option<Cow<'c, str>>,
}

impl Chunk<'_> {
    pub(crate) fn content(&self) -> Option<&str> {
        self.choices.first()?.delta.content.as_deref()
    }
}

fn sonic_typed(chunks: &[&[u8]]) -> Seen {
    let mut seen = Seen::default();
    for chunk in chunks.iter().map(json) {
        if let Some(text) = sonic_rs::from_slice::<Chunk<'_>>(chunk).ok().as_ref().and_then(Chunk::content) {
            seen.add(text);
        }
    }
    seen
}

fn jiter(chunks: &[&[u8]]) -> Seen {
    let mut seen = Seen::default();
    for chunk in chunks.iter().map(json) {
        let mut jiter = Jiter::new(chunk);
        let found = descend(&mut jiter, "choices")
            .and_then(|()| jiter.next_array().ok().flatten())
            .and_then(|_| descend(&mut jiter, "delta"))
            .and_then(|()| descend(&mut jiter, "content"));
        if found.is_some()
            && let Ok(text) = jiter.next_str()
        {
            seen.add(text);
        }
    }
    seen
}

/// To the value of that key in the object here.
fn descend(jiter: &mut Jiter<'_>, key: &str) -> Option<()> {
    let mut found = jiter.next_object().ok()?.map(|name| name == key)?;
    while !found {
        jiter.next_skip().ok()?;
        found = jiter.next_key().ok()?.map(|name| name == key)?;
    }
    Some(())
}

/// It unescapes in place: each chunk is copied for it, into the same buffer.
#[cfg(not(target_os = "wasi"))]
fn simd_json_typed(chunks: &[&[u8]]) -> Seen {
    let mut seen = Seen::default();
    let (mut copy, mut buffers) = (Vec::new(), simd_json::Buffers::default());
    for chunk in chunks.iter().map(json) {
        copy.clear();
        copy.extend_from_slice(chunk);
        let chunk = simd_json::serde::from_slice_with_buffers::<Chunk<'_>>(&mut copy, &mut buffers);
        if let Some(text) = chunk.ok().as_ref().and_then(Chunk::content) {
            seen.add(text);
        }
    }
    seen
}

fn serde_json_typed(chunks: &[&[u8]]) -> Seen {
    let mut seen = Seen::default();
    for chunk in chunks.iter().map(json) {
        if let Some(text) = serde_json::from_slice::<Chunk<'_>>(chunk).ok().as_ref().and_then(Chunk::content)
        {
            seen.add(text);
        }
    }
    seen
}
