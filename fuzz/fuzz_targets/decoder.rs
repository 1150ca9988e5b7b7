//! Every provider's decoder on any body: no panic, the same tokens at any chunking, one end.
//! First byte: the provider. Second: the size of the chunks.

#![no_main]

use ai_completion::provider::{find, names};
use ai_completion::stream::{Decode, StreamToken};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [provider, size, body @ ..] = input else { return };
    let providers: Vec<_> = names().collect();
    let provider = providers[usize::from(*provider) % providers.len()];
    let whole = tokens(provider, body, usize::MAX);
    assert_eq!(tokens(provider, body, usize::from(*size).max(1)), whole);

    let ends = |token: &StreamToken<'_>| matches!(token, StreamToken::Done(_) | StreamToken::Error(_));
    let first = whole.iter().position(ends).expect("a stream has an end");
    assert!(whole[first..].iter().all(ends), "nothing comes after the end");
    let errors = whole.iter().filter(|token| matches!(token, StreamToken::Error(_))).count();
    assert!(errors == 0 || whole.len() == first + 1, "an error is the only end");
});

fn tokens(provider: &str, body: &[u8], size: usize) -> Vec<StreamToken<'static>> {
    let mut tokens = Vec::new();
    let mut sink = |token: StreamToken<'_>| tokens.push(token.into_owned());
    let mut decoder = find(provider).expect("a name from the list").decoder();
    for chunk in body.chunks(size) {
        decoder.feed(chunk, &mut sink);
    }
    decoder.finish(&mut sink);
    tokens
}
