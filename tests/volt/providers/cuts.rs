//! Each provider's stream, cut after every event: what was received stays, and what is asked for next joins it.

use ai_completion::completion::ResponseEvent;
use ai_completion::completion::generation::{Generation, Limits, Verdict};
use ai_completion::completion::suggestion::{Answer, Ending};
use ai_completion::http::Secret;
use ai_completion::provider::{self, Account, Prompt, Seam};
use ai_completion::stream::ContentFilter;
use ai_completion::transport::{Failure, FailureKind, RequestNumber};
use volt_host::server::Request;
use volt_host::server::shape::Body;

use super::table::{CASES, Case};
use super::{PIECES, given};

/// How a connection ends before the answer does.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// As if all were said.
    Clean,
    /// In the middle of what was announced.
    Broken,
}

/// A generation and what has come of it.
struct Reader {
    generation: Generation,
    answer: Answer,
    random: u64,
}

impl Reader {
    fn new(case: &Case) -> Self {
        let (options, others): (Vec<_>, Vec<_>) =
            case.settings.iter().partition(|(key, _)| key.contains('.'));
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let account = Account {
            base_url: "http://localhost".to_owned(),
            model: others.iter().map(|(_, model)| *model).collect(),
            api_key: Secret::new("sk-0123456789"),
            options: options.iter().map(owned).collect(),
            ..Account::default()
        };
        let provider = provider::find(case.name).unwrap();
        assert_eq!(provider.seam(&account), case.seam, "{}", case.name);
        let prompt = Prompt { prefix: "fn total".to_owned(), max_tokens: 64, ..Prompt::default() };
        let limits = Limits { event_bytes: 1 << 20, response_bytes: 1 << 20 };
        let generation = Generation::new(provider, account, prompt, false, limits, ContentFilter::new());
        Self { generation, answer: Answer::default(), random: 1 }
    }

    /// Sends the next request and returns it as a server sees it.
    fn ask(&mut self) -> Request {
        let request = self.generation.request(RequestNumber(1), 0, &self.answer.text).unwrap();
        self.receive(&ResponseEvent::Head { status: 200, headers: &[] });
        Request { body: request.body.unwrap(), ..Request::default() }
    }

    fn receive(&mut self, event: &ResponseEvent<'_>) -> Verdict {
        self.generation.receive(0, event, &mut self.answer, &mut self.random)
    }

    /// Reads an answer, or the beginning of one that is cut.
    fn read(&mut self, body: &[u8], cut: Option<Cut>) -> Verdict {
        for chunk in body.chunks(7) {
            match self.receive(&ResponseEvent::Body(chunk)) {
                Verdict::Going => {}
                verdict => return verdict,
            }
        }
        match cut {
            None | Some(Cut::Clean) => self.receive(&ResponseEvent::End),
            Some(Cut::Broken) => {
                let failure = Failure { kind: FailureKind::Cut, detail: String::new() };
                self.receive(&ResponseEvent::Failed(&failure))
            }
        }
    }
}

/// Where events end in a body, and before the first.
fn boundaries(body: &Body) -> Vec<usize> {
    let bytes = body.bytes();
    let mut ends = vec![0];
    if body.content_type == "application/vnd.amazon.eventstream" {
        while let Some(length) = bytes.get(ends[ends.len() - 1]..).and_then(|rest| rest.first_chunk()) {
            ends.push(ends[ends.len() - 1] + u32::from_be_bytes(*length) as usize);
        }
        return ends;
    }
    let lines = body.content_type == "application/x-ndjson";
    let is_end = |end: &usize| {
        let before = &bytes[..*end];
        if lines {
            before.ends_with(b"\n")
        } else {
            before.ends_with(b"\n\n") || before.ends_with(b"\r\n\r\n")
        }
    };
    ends.extend((1..=bytes.len()).filter(is_end));
    ends
}

/// What a server may say once more of `received` before it goes on.
fn repeats(seam: Seam, received: &str) -> Vec<&str> {
    let from = |start: usize| &received[start..];
    match seam {
        Seam::Prefix | Seam::Prefill => vec![""],
        Seam::TrimmedPrefill => vec!["", from(received.trim_end().len())],
        Seam::EchoedPrefill => vec!["", received],
        Seam::Instruction => ["", received, from(received.len().saturating_sub(4))]
            .into_iter()
            .filter(|text| text.is_empty() || text.len() >= 4)
            .collect(),
    }
}

fn body(case: &Case, text: &str) -> Body {
    let pieces: Vec<String> = text.chars().map(String::from).collect();
    (case.shape)(&pieces.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn whatever_is_cut_off_is_asked_for_at_once_and_joins_without_gap_or_repeat() {
    let whole = PIECES.concat();
    for case in CASES {
        let answer = (case.shape)(&PIECES);
        let boundaries = boundaries(&answer);
        assert_eq!(boundaries.last(), Some(&answer.bytes().len()), "{}", case.name);
        for (cut_at, cut) in boundaries.iter().flat_map(|at| [(*at, Cut::Clean), (*at, Cut::Broken)]) {
            let mut sent = answer.opening.len();
            let complete = answer.pieces.iter().take_while(|piece| {
                sent += piece.len();
                sent <= cut_at
            });
            let received = PIECES[..complete.count()].concat();
            for again in repeats(case.seam, &received) {
                let context = format!("{}, {cut:?} after {received:?}, {again:?} again", case.name);
                let mut reader = Reader::new(case);
                reader.ask();
                let verdict = reader.read(&answer.bytes()[..cut_at], Some(cut));
                assert_eq!(reader.answer.text, received, "{context}");
                match verdict {
                    Verdict::Ended(Ending::Whole) if received == whole => continue,
                    // Nothing to go on from: the same once more, after a pause.
                    Verdict::Again { delay_ms: 1.., .. } if received.is_empty() => {}
                    Verdict::Again { delay_ms: 0, .. } if !received.is_empty() => {}
                    verdict => panic!("{context}: {verdict:?}"),
                }
                let request = reader.ask();
                assert!(
                    case.resumed(&request).contains(given(case.seam, &received)),
                    "{context}: {request:?}"
                );
                let rest = body(case, &format!("{again}{}", &whole[received.len()..]));
                let verdict = reader.read(&rest.bytes(), None);
                assert_eq!(
                    (reader.answer.text.as_str(), verdict),
                    (whole.as_str(), Verdict::Ended(Ending::Whole)),
                    "{context}"
                );
            }
        }
    }
}

#[test]
fn a_stream_that_breaks_again_and_again_keeps_what_it_gave() {
    for case in CASES {
        let mut reader = Reader::new(case);
        for (count, piece) in PIECES[..3].iter().enumerate() {
            reader.ask();
            let answer = (case.shape)(&[piece]);
            let verdict = reader.read(&[answer.opening, answer.pieces.concat()].concat(), Some(Cut::Broken));
            assert_eq!(reader.answer.text, PIECES[..=count].concat(), "{}", case.name);
            match verdict {
                Verdict::Again { delay_ms: 0, .. } if count < 2 => {}
                Verdict::Failed(error) if count == 2 => assert!(!error.message.is_empty(), "{}", case.name),
                verdict => panic!("{}, cut {count}: {verdict:?}", case.name),
            }
        }
    }
}
