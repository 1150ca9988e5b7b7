//! Frames of AWS's event stream with right checksums around any headers and payload, and then any bytes: no panic,
//! the same tokens at any chunking. First byte: the size of the chunks. Then, per frame: the lengths of its headers
//! and of its payload; what is left stands behind the frames.

#![no_main]

use ai_completion::provider::find;
use ai_completion::stream::{Decode, StreamToken};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((size, mut rest)) = input.split_first() else { return };
    let mut body = Vec::new();
    while let [headers, payload, behind @ ..] = rest
        && let Some((headers, behind)) = behind.split_at_checked(usize::from(*headers))
        && let Some((payload, behind)) = behind.split_at_checked(usize::from(*payload))
    {
        body.extend(frame(headers, payload));
        rest = behind;
    }
    body.extend_from_slice(rest);
    assert_eq!(tokens(&body, usize::from(*size).max(1)), tokens(&body, usize::MAX));
});

fn tokens(body: &[u8], size: usize) -> Vec<StreamToken<'static>> {
    let mut tokens = Vec::new();
    let mut sink = |token: StreamToken<'_>| tokens.push(token.into_owned());
    let mut decoder = find("bedrock").expect("there is one of that name").decoder();
    for chunk in body.chunks(size) {
        decoder.feed(chunk, &mut sink);
    }
    decoder.finish(&mut sink);
    tokens
}

fn frame(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = (16 + headers.len() + payload.len()) as u32;
    let mut frame = [length.to_be_bytes(), (headers.len() as u32).to_be_bytes()].concat();
    frame.extend(crc32(&frame).to_be_bytes());
    frame.extend_from_slice(headers);
    frame.extend_from_slice(payload);
    frame.extend(crc32(&frame).to_be_bytes());
    frame
}

/// The checksum of gzip and of Ethernet.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 })
    })
}
