use super::super::consent::Consent;
use super::super::events::{Buffer, Lane, RequestId};
use super::*;
use crate::http::{HttpRequest, Url};
use crate::provider::{Decoder, Defaults, Ends, Error, Frame, Framing, Prompt, Seam, Wire};
use crate::stream::{FinishReason, Sink, StreamToken};
use crate::transport::{Failure, FailureKind};

/// A provider whose body is one JSON object per line: `{"t":"text"}`, then `{"end":true}`.
struct Plain;

impl Provider for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }
    fn title(&self) -> &'static str {
        "Plain"
    }
    fn defaults(&self) -> Defaults {
        Defaults { base_url: "http://localhost", model: "m", key_env: &[], needs_key: false, paid: false }
    }
    fn request(&self, _: &Account, prompt: &Prompt) -> Result<HttpRequest, Error> {
        let body = Some(format!("{}|{}", prompt.prefix, prompt.suffix).into_bytes());
        Ok(HttpRequest {
            url: Url::parse("http://localhost").unwrap(),
            headers: vec![],
            secret_headers: vec![],
            body,
        })
    }
    fn decoder(&self) -> Decoder {
        Decoder::new(Framing::Ndjson, Box::new(PlainWire))
    }
    fn seam(&self, _: &Account) -> Seam {
        Seam::Prefix
    }
}

struct PlainWire;

impl Wire for PlainWire {
    fn frame(&mut self, frame: &mut Frame<'_>, ends: &mut Ends, sink: &mut dyn Sink) {
        let value: serde_json::Value = serde_json::from_str(frame.data).unwrap();
        if let Some(text) = value["t"].as_str() {
            sink.token(StreamToken::Text(text.into()));
        } else {
            ends.finished(0, FinishReason::Stop);
            ends.marker();
        }
    }
}

fn options() -> Options {
    Options {
        provider: Some(&Plain),
        account: Account::default(),
        gates: Gates::default(),
        debounce_ms: None,
        max_tokens: 256,
        budget: Budget { tokens: 1024, snippets: false, gates: Gates::default() },
        extent: Extent::Auto,
        repository: String::new(),
        cache_entries: 16,
        speculative: false,
        limits: Limits { event_bytes: 1 << 20, response_bytes: 1 << 20 },
        seed: 1,
        consent: Consent::default(),
    }
}

struct Document {
    text: String,
}

impl Buffers for Document {
    fn get(&self, uri: &str) -> Option<Buffer<'_>> {
        (uri == "file:///a.rs").then_some(Buffer {
            uri: "file:///a.rs",
            path: "a.rs",
            language: "rust",
            text: &self.text,
        })
    }
    fn all(&self) -> Vec<Buffer<'_>> {
        self.get("file:///a.rs").into_iter().collect()
    }
}

#[test]
fn a_stream_that_breaks_is_asked_on_in_the_same_step() {
    let mut engine = Engine::new(options());
    let document = Document { text: "let x".to_owned() };
    let mut out = Vec::new();
    let mut handle = |now, input: Input<'_>| {
        out.clear();
        engine.handle(now, input, &document, &mut out);
        out.clone()
    };
    let uri = "file:///a.rs";
    handle(0, Input::Requested { id: RequestId(1), uri, offset: 5, invoked: true, fresh: true });
    handle(1, Input::Head { status: 200, headers: &[] });
    handle(2, Input::Body(b"{\"t\":\" = fo\"}\n"));
    let cut = Failure { kind: FailureKind::Cut, detail: String::new() };
    let effects = handle(3, Input::Failed(&cut));
    assert!(
        matches!(&effects[..2], [Effect::Cancel(Lane::Main), Effect::Start { lane: Lane::Main, .. }]),
        "{effects:?}"
    );
}
