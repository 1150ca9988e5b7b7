use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use ::futures::executor::block_on_stream;
use http::{Response, StatusCode};
use http_body::Frame;

use super::super::{Done, FinishReason, Sink, StreamPipelineBuilder};
use super::*;

/// One letter is one token; `.` is the end.
#[derive(Default)]
struct Letters {
    ended: bool,
}

impl Decode for Letters {
    fn feed(&mut self, chunk: &[u8], sink: &mut impl Sink) {
        for letter in chunk.chunks(1) {
            match letter {
                b"." => self.ended = true,
                letter => sink.token(StreamToken::Text(String::from_utf8_lossy(letter))),
            }
        }
    }

    fn finish(&mut self, sink: &mut impl Sink) {
        sink.token(if self.ended {
            StreamToken::Done(Done { reason: FinishReason::Stop, index: 0 })
        } else {
            StreamToken::Error(StreamError {
                kind: ErrorKind::Truncated,
                code: None,
                message: "truncated".into(),
                retry_after_ms: None,
            })
        });
    }
}

/// A body of one frame per letter; `!` resets the connection.
struct Script(std::vec::IntoIter<u8>);

impl Body for Script {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(self.0.next().map(|letter| match letter {
            b'!' => Err("reset"),
            letter => Ok(Frame::data(Bytes::from(vec![letter]))),
        }))
    }
}

type Handler = HttpStreamHandler<fn() -> StreamingPipeline<Letters>>;

/// What a server answers to one request: status, `Retry-After`, body.
type Answered = (u16, Option<&'static str>, &'static str);

fn response((status, retry_after, body): Answered) -> Response<Script> {
    let mut response = Response::new(Script(body.as_bytes().to_vec().into_iter()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    if let Some(after) = retry_after {
        response.headers_mut().insert(http::header::RETRY_AFTER, after.parse().unwrap());
    }
    response
}

/// The answer's text with `.` for the end and `!message` for an error, and what each request waited and
/// had received.
fn run(handler: fn(Handler) -> Handler, responses: &[Answered]) -> (String, Vec<(u64, String)>) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let mut left = VecDeque::from(responses.to_vec());
    let log = Arc::clone(&sent);
    let send = move |attempt: Attempt| {
        log.lock().unwrap().push((attempt.wait_ms, attempt.received));
        let response = left.pop_front().map(response).ok_or("refused");
        async move { response }
    };
    let pipeline: fn() -> StreamingPipeline<Letters> =
        || StreamPipelineBuilder::new(Letters::default()).build();
    let mut seen = String::new();
    for token in block_on_stream(handler(HttpStreamHandler::new(pipeline)).stream(send)) {
        match token {
            Ok(StreamToken::Done(_)) => seen.push('.'),
            Ok(token) => seen.push_str(token.text().unwrap()),
            Err(error) => seen.extend(["!", &error.message]),
        }
    }
    let sent = std::mem::take(&mut *sent.lock().unwrap());
    (seen, sent)
}

fn waits(sent: &[(u64, String)]) -> Vec<(u64, &str)> {
    sent.iter().map(|(wait_ms, received)| (*wait_ms, received.as_str())).collect()
}

#[test]
fn a_whole_answer_needs_one_request() {
    let (seen, sent) = run(|handler| handler.retries(2), &[(200, None, "ab.")]);
    assert_eq!((seen.as_str(), waits(&sent)), ("ab.", vec![(0, "")]));
}

#[test]
fn a_busy_server_is_asked_again_after_what_it_says_or_a_growing_wait() {
    let handler = |handler: HttpStreamHandler<_>| handler.retries(4).backoff(100, 3_000);
    let busy = [
        (503, None, "busy"),
        (429, None, ""),
        (429, Some("2"), ""),
        (503, Some("60"), ""),
        (200, None, "a."),
    ];
    let (seen, sent) = run(handler, &busy);
    assert_eq!(seen, "a.");
    assert_eq!(waits(&sent), [(0, ""), (100, ""), (200, ""), (2_000, ""), (3_000, "")]);
}

#[test]
fn what_another_request_cannot_help_is_the_end() {
    for (responses, expected) in [
        (&[(401, None, " bad key ")][..], "!the server answered with status 401: bad key"),
        (&[(404, None, "")], "!the server answered with status 404"),
        (&[(503, None, "a"), (503, None, "b")], "!the server answered with status 503: b"),
        (&[], "!refused"),
    ] {
        let (seen, _) = run(|handler| handler.retries(1), responses);
        assert_eq!(seen, expected);
    }
}

#[test]
fn a_broken_answer_is_resumed_where_it_ended() {
    let handler = |handler: HttpStreamHandler<_>| handler.resumes(2, Joint::Continues);
    let (seen, sent) = run(handler, &[(200, None, "ab!"), (200, None, "c"), (200, None, "d.")]);
    assert_eq!((seen.as_str(), waits(&sent)), ("abcd.", vec![(0, ""), (0, "ab"), (0, "abc")]));
    let (seen, _) =
        run(|handler| handler.resumes(1, Joint::Continues), &[(200, None, "a!"), (200, None, "b!")]);
    assert_eq!(seen, "ab!reset");
}

#[test]
fn a_repeated_answer_gives_only_what_is_new() {
    let handler = |handler: HttpStreamHandler<_>| handler.resumes(2, Joint::Repeats);
    for (responses, expected) in [
        (&[(200, None, "abc!"), (200, None, "abcd.")][..], "abcd."),
        // It breaks again before it has come as far.
        (&[(200, None, "abc!"), (200, None, "ab!"), (200, None, "abcd.")], "abcd."),
        (&[(200, None, "abc!"), (200, None, "abx.")], "abc!reset"),
    ] {
        assert_eq!(run(handler, responses).0, expected, "{responses:?}");
    }
}

#[test]
fn the_stream_can_be_spawned() {
    fn is_spawnable<T: Send + 'static>(_: &T) {}
    let send = |_: Attempt| async { Ok::<_, Infallible>(response((200, None, "."))) };
    let pipeline = || StreamPipelineBuilder::new(Letters::default()).build();
    is_spawnable(&HttpStreamHandler::new(pipeline).stream(send));
}
