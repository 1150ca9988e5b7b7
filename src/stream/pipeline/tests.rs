use super::super::{
    ContentFilter, Done, ErrorKind, FinishReason, Pattern, Snapshot, StreamPipelineBuilder, TokenAccumulator,
    TransformResult,
};
use super::*;

/// One byte is one token: a letter is text, `.` ends the first choice, `!` breaks the stream. Like
/// a real decoder it says at the end whether the end was seen.
#[derive(Default)]
struct Letters {
    ended: bool,
}

impl Decode for Letters {
    fn feed(&mut self, chunk: &[u8], sink: &mut impl Sink) {
        for piece in chunk.chunks(1) {
            sink.token(match piece {
                b"." => {
                    self.ended = true;
                    done()
                }
                b"!" => error("broken"),
                text => StreamToken::Text(String::from_utf8_lossy(text)),
            });
        }
    }

    fn finish(&mut self, sink: &mut impl Sink) {
        if !self.ended {
            sink.token(error("truncated"));
        }
    }
}

fn done() -> StreamToken<'static> {
    StreamToken::Done(Done { reason: FinishReason::Stop, index: 0 })
}

fn error(message: &'static str) -> StreamToken<'static> {
    StreamToken::Error(broken(message))
}

fn broken(message: &'static str) -> StreamError<'static> {
    StreamError { kind: ErrorKind::Truncated, code: None, message: message.into(), retry_after_ms: None }
}

/// Drops `d`, replaces `r`, changes `c` in place, doubles `2`, fails at `f`, else passes.
struct ByLetter;

impl StreamTransformer for ByLetter {
    fn transform<'a>(
        &'a mut self,
        token: &mut StreamToken<'a>,
        before: &mut dyn Sink,
    ) -> TransformResult<'a> {
        match token.text() {
            Some("d") => TransformResult::Skip,
            Some("r") => TransformResult::Replace(StreamToken::Text("R".into())),
            Some("c") => {
                *token = StreamToken::Text("C".into());
                TransformResult::Pass
            }
            Some("2") => {
                before.token(token.clone());
                TransformResult::Pass
            }
            Some("f") => TransformResult::Error(broken("failed")),
            _ => TransformResult::Pass,
        }
    }
}

/// The stream as the sink saw it: text between bars, `.` for the end, `!message` for an error.
fn seen(stages: Vec<Box<dyn StreamTransformer>>, drive: impl Fn(&mut Driven<'_>)) -> String {
    let mut pipeline =
        StreamingPipeline::new(Letters::default(), stages, NoMetrics, BackpressureController::default());
    let mut seen = String::new();
    let mut sink = |token: StreamToken<'_>| match token {
        StreamToken::Text(text) => seen.extend(["|", &text]),
        StreamToken::Done(_) => seen.push('.'),
        StreamToken::Error(error) => seen.extend(["!", &error.message]),
        other => panic!("{other:?}"),
    };
    drive(&mut Driven { pipeline: &mut pipeline, sink: &mut sink });
    seen
}

struct Driven<'x> {
    pipeline: &'x mut StreamingPipeline<Letters>,
    sink: &'x mut dyn FnMut(StreamToken<'_>),
}

impl Driven<'_> {
    fn push(&mut self, chunk: &str) -> &mut Self {
        self.pipeline.push(chunk.as_bytes(), &mut self.sink);
        self
    }

    fn finish(&mut self) {
        self.pipeline.finish(&mut self.sink);
    }

    fn fail(&mut self) {
        self.pipeline.fail(broken("reset"), &mut self.sink);
    }
}

fn gather() -> Box<dyn StreamTransformer> {
    Box::new(TokenAccumulator::new(4, 4))
}

#[test]
fn a_stage_decides_what_becomes_of_a_token() {
    let by_letter = || -> Vec<Box<dyn StreamTransformer>> { vec![Box::new(ByLetter)] };
    for (chunk, expected) in
        [("ab.", "|a|b."), ("adb.", "|a|b."), ("arb.", "|a|R|b."), ("acb.", "|a|C|b."), ("a2b.", "|a|2|2|b.")]
    {
        assert_eq!(seen(by_letter(), |it| it.push(chunk).finish()), expected);
    }
}

#[test]
fn stages_run_in_order() {
    assert_eq!(seen(vec![gather(), Box::new(ByLetter)], |it| it.push("r222.").finish()), "|r222.");
    assert_eq!(seen(vec![Box::new(ByLetter), gather()], |it| it.push("r222.").finish()), "|R222|222.");
}

#[test]
fn held_text_comes_before_the_end() {
    let held = || vec![gather(), gather()];
    assert_eq!(seen(held(), |it| it.push("ab.").finish()), "|ab.");
    assert_eq!(seen(held(), |it| it.push("ab").push("!").finish()), "|ab!broken");
    assert_eq!(seen(held(), |it| it.push("ab").finish()), "|ab!truncated");
}

#[test]
fn a_decoder_that_says_no_end_is_flushed_all_the_same() {
    struct Endless;
    impl Decode for Endless {
        fn feed(&mut self, _chunk: &[u8], sink: &mut impl Sink) {
            sink.token(StreamToken::Text("ab".into()));
        }
        fn finish(&mut self, _sink: &mut impl Sink) {}
    }
    let mut seen = Vec::new();
    let mut sink = |token: StreamToken<'_>| seen.push(token.into_owned());
    let mut pipeline = StreamPipelineBuilder::new(Endless)
        .transform(TokenAccumulator::new(4, 4))
        .transform(TokenAccumulator::new(8, 8))
        .build();
    pipeline.push(b"", &mut sink);
    pipeline.finish(&mut sink);
    assert_eq!(seen, [StreamToken::Text("ab".into())]);
}

#[test]
fn a_stage_is_told_of_each_end_once() {
    use std::sync::{Arc, Mutex};

    /// Notes what it is told.
    #[derive(Clone, Default)]
    struct Told(Arc<Mutex<Vec<Option<u32>>>>);
    impl StreamTransformer for Told {
        fn transform<'a>(&'a mut self, _: &mut StreamToken<'a>, _: &mut dyn Sink) -> TransformResult<'a> {
            TransformResult::Pass
        }
        fn flush(&mut self, choice: Option<u32>, _: &mut dyn Sink) {
            self.0.lock().unwrap().push(choice);
        }
    }
    for (chunk, expected) in [("a.", &[Some(0), None][..]), ("a!", &[None]), ("a", &[None])] {
        let told = Told::default();
        seen(vec![Box::new(told.clone())], |it| it.push(chunk).finish());
        assert_eq!(*told.0.lock().unwrap(), expected, "{chunk}");
    }
}

#[test]
fn after_an_error_nothing_comes() {
    assert_eq!(seen(vec![], |it| it.push("a!b").push("c.").finish()), "|a!broken");
    assert_eq!(seen(vec![], |it| it.push("a!").fail()), "|a!broken");
}

#[test]
fn a_failing_stage_ends_the_stream_behind_what_it_let_through() {
    let stages = || vec![gather(), Box::new(ByLetter) as _, gather()];
    assert_eq!(seen(stages(), |it| it.push("abcdxf.").finish()), "|abcd|xf.");
    let stages = || vec![Box::new(ByLetter) as _, gather()];
    assert_eq!(seen(stages(), |it| it.push("abfab.").push("a").finish()), "|ab!failed");
}

#[test]
fn a_broken_connection_is_told_unless_the_end_was_seen() {
    assert_eq!(seen(vec![gather()], |it| it.push("ab").fail()), "|ab!reset");
    assert_eq!(seen(vec![gather()], |it| it.push("ab.").fail()), "|ab.");
}

#[test]
fn nothing_comes_after_finish() {
    assert_eq!(seen(vec![], |it| it.push("a.").finish()), "|a.");
    let twice = |it: &mut Driven<'_>| {
        it.push("a").finish();
        it.finish();
        it.push("b").fail();
        assert!(it.pipeline.is_over());
    };
    assert_eq!(seen(vec![], twice), "|a!truncated");
}

#[test]
fn what_is_gathered_per_chunk_comes_when_the_chunk_ends() {
    let mut pipeline = StreamPipelineBuilder::new(Letters::default())
        .transform(TokenAccumulator::per_chunk(64))
        .transform(ContentFilter::new().delete(Pattern::text("cd").expect("it is no empty text")))
        .build();
    let mut given = Vec::new();
    for chunk in [&b"abc"[..], b"de", b"f"] {
        let mut piece = String::new();
        pipeline.push(chunk, &mut |token: StreamToken<'_>| piece += token.text().unwrap_or_default());
        given.push(piece);
    }
    assert_eq!(given, ["ab", "e", "f"]);
}

#[test]
fn metrics_see_both_ends() {
    let mut pipeline = StreamPipelineBuilder::new(Letters::default())
        .transform(TokenAccumulator::new(2, 8))
        .metrics()
        .build();
    let mut sink = |_: StreamToken<'_>| {};
    pipeline.at(100).push(b"", &mut sink);
    pipeline.at(150).push(b"abcd", &mut sink);
    pipeline.at(250).push(b"ef.", &mut sink);
    pipeline.finish(&mut sink);
    assert_eq!(
        pipeline.metrics().snapshot(),
        Snapshot {
            chunks: 3,
            bytes: 7,
            decoded: 7,
            delivered: 4,
            pieces: 6,
            errors: 0,
            first_token_ms: Some(50),
            pieces_per_second: Some(50.0),
            ..Snapshot::default()
        },
    );
}

#[test]
fn a_chunk_of_server_sent_events_is_parsed_in_one_call() {
    let events = crate::sse::parse_sse_chunk(
        b"data: {\"text\":\"Hello\"}\n\ndata: {\"text\":\" world\"}\n\ndata: [DONE]\n\n",
    );
    let data: Vec<_> = events.iter().map(|event| event.data.as_str()).collect();
    assert_eq!(data, ["{\"text\":\"Hello\"}", "{\"text\":\" world\"}", "[DONE]"]);
}

#[test]
fn permits_are_acquired_until_they_run_out_and_again_after_a_release() {
    use super::super::{BackpressureController, BackpressureLimits};

    let limits = BackpressureLimits { min_permits: 2, max_permits: 2, ..BackpressureLimits::default() };
    let mut control = BackpressureController::new(limits);
    assert!(control.acquire(0).unwrap().is_some());
    control.delivered(100, 2, 0);
    assert_eq!(control.acquire(1), Ok(None));
    control.release(1, 2);
    assert!(control.acquire(3).unwrap().is_some());
}
