//! Decodes answers of servers that send token ids: llama.cpp (`"return_tokens": true`) and vLLM
//! (`"return_token_ids": true`). The ids are those of `cl100k_base`.
//!
//! `cargo run -p stream-examples --bin token_ids`

use std::error::Error;
use std::time::Instant;

use ai_completion::stream::{StreamPipelineBuilder, StreamToken, TokenDecoder, TokenIdDecoder};

/// "Hello 🦀!", the crab in three tokens of which none is a character.
const LLAMA_CPP: &str = concat!(
    "data: {\"index\":0,\"content\":\"Hello\",\"tokens\":[9906],\"stop\":false}\n\n",
    "data: {\"index\":0,\"content\":\"\",\"tokens\":[11410],\"stop\":false}\n\n",
    "data: {\"index\":0,\"content\":\"\",\"tokens\":[99,222],\"stop\":false}\n\n",
    "data: {\"index\":0,\"content\":\"!\",\"tokens\":[0],\"stop\":false}\n\n",
    "data: {\"index\":0,\"content\":\"\",\"tokens\":[],\"stop\":true,\"stop_type\":\"eos\"}\n\n",
);
const VLLM: &str = concat!(
    "data: {\"choices\":[{\"index\":0,\"text\":\"Hello\",\"token_ids\":[9906],\"finish_reason\":null}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"text\":\"\",\"token_ids\":[11410,99,222],\"finish_reason\":null}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"text\":\"!\",\"token_ids\":[0],\"finish_reason\":\"stop\"}]}\n\n",
    "data: [DONE]\n\n",
);

fn main() -> Result<(), Box<dyn Error>> {
    for (server, body) in [("llama.cpp", LLAMA_CPP), ("vLLM", VLLM)] {
        let mut vocabulary = TokenDecoder::new("cl100k_base")?;
        let started = Instant::now();
        vocabulary.at(0);
        let mut pipeline = StreamPipelineBuilder::new(TokenIdDecoder::new(vocabulary)).build();
        let mut answer = String::new();
        let mut sink = |token: StreamToken<'_>| answer.push_str(token.text().unwrap_or_default());
        for chunk in body.as_bytes().chunks(7) {
            pipeline.push(chunk, &mut sink);
        }
        pipeline.finish(&mut sink);
        let count = pipeline.decoder().choice(0).map_or(0, TokenDecoder::count);
        println!("{server}: {answer} ({count} tokens in {:?})", started.elapsed());
        assert_eq!(answer, "Hello 🦀!");
    }
    Ok(())
}
