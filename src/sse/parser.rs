use super::scan::line_end;
use super::text::{Carry, utf8};
use super::undrawn::Undrawn;
use super::{DEFAULT_LIMIT, Error};

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// One event of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The event's type; `message` when the stream does not say. Empty for a block that is no event
    /// at all, which only [`Policy::raw_blocks`] hands on.
    pub event: &'a str,
    /// The values of the `data` lines, joined by `\n`.
    pub data: &'a str,
    /// The last event id the stream gave, in this block or an earlier one; empty when none.
    pub id: &'a str,
    /// The last reconnection time the stream gave, in milliseconds.
    pub retry: Option<u64>,
}

/// Where a parser is more lenient than WHATWG HTML §9.2.6. By default it nowhere is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Bytes that the lines of one event may have, comments apart; over it the event becomes an
    /// [`Error::TooLong`]. At least 64.
    pub limit: usize,
    /// Hand on the last event when the stream ends without the blank line after it, as openai-node
    /// does since its PR 2726: servers forget the line, and a lost last event may be the finish reason.
    pub dispatch_at_eof: bool,
    /// Take a field `error` for an event of that type with that data. Older llama.cpp, and with it
    /// llama-box and GPUStack, write `error: {…}` when a running generation fails.
    pub error_field: bool,
    /// Hand on blocks that begin with `{`, `[` or `<` where a field should stand, as frames without
    /// a type: Gemini breaks a stream off with a bare JSON object, gateways answer with JSON or HTML
    /// under the wrong content type. Such a block ends at a blank line or with the stream.
    pub raw_blocks: bool,
    /// Drop events whose data is empty or begins with `:`, sent to keep the connection alive
    /// (`data:`, and `data: : keepalive` from Vertex and xAI).
    pub drop_keep_alives: bool,
}

impl Policy {
    /// What the standard says.
    pub const STRICT: Self = Self {
        limit: DEFAULT_LIMIT,
        dispatch_at_eof: false,
        error_field: false,
        raw_blocks: false,
        drop_keep_alives: false,
    };

    /// Every leniency there is: what a client of many servers wants.
    pub const LENIENT: Self = Self {
        limit: DEFAULT_LIMIT,
        dispatch_at_eof: true,
        error_field: true,
        raw_blocks: true,
        drop_keep_alives: true,
    };
}

impl Default for Policy {
    fn default() -> Self {
        Self::STRICT
    }
}

/// A parser of `text/event-stream`.
///
/// It holds what crosses chunk edges and what outlives an event, and copies nothing else.
///
/// ```
/// let mut parser = sse::Parser::new();
/// let mut frames = parser.feed(b"id: 7\ndata: hello\n\ndata: cut o");
/// let frame = frames.next().expect("one event is whole")?;
/// assert_eq!((frame.event, frame.data, frame.id), ("message", "hello", "7"));
/// assert!(frames.next().is_none());
/// # Ok::<(), sse::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Parser {
    policy: Policy,
    state: State,
    /// The first bytes of a line that the chunk's end has cut, in [`State::Line`].
    line: Carry,
    block: Block,
    id: String,
    next_id: NextId,
    retry: Option<u64>,
    undrawn: Undrawn,
}

/// Where in the stream the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning, behind this many bytes of a byte order mark.
    Start { bom: u8 },
    /// At the beginning of a line.
    LineStart,
    /// Behind a `\r` that ended a line; a `\n` that follows belongs to it.
    CarriageReturn,
    /// In a line whose bytes so far are in [`Parser::line`].
    Line,
    /// In a line whose value goes to the block's data.
    Data,
    /// In a line of which nothing is needed.
    Skipped,
}

impl Default for State {
    fn default() -> Self {
        Self::Start { bom: 0 }
    }
}

/// What is known of the running block, as far as it no longer is in the caller's chunk.
#[derive(Debug, Default)]
struct Block {
    kind: Kind,
    data: Carry,
    /// Whether there was a line of data, which may have been empty.
    has_data: bool,
    event: Carry,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing of it is kept.
    #[default]
    Empty,
    Fields,
    /// It is not made of fields: [`Policy::raw_blocks`].
    Raw,
    /// It is over the limit: dropped up to the blank line.
    Dropped,
    /// It has ended. Borrowed by the last frame; cleared on the next call.
    Ended {
        raw: bool,
    },
}

#[derive(Debug, Default)]
struct NextId {
    value: String,
    given: bool,
}

/// What of the running block is still in the caller's chunk.
#[derive(Debug, Default, Clone, Copy)]
struct Lent<'c> {
    data: Option<&'c str>,
    event: Option<&'c str>,
}

impl Parser {
    /// A parser that does what the standard says.
    pub fn new() -> Self {
        Self::default()
    }

    /// A parser with these leniencies.
    pub fn with_policy(policy: Policy) -> Self {
        Self { policy: Policy { limit: policy.limit.max(64), ..policy }, ..Self::default() }
    }

    /// Takes the next bytes of the stream.
    ///
    /// Frames that are not drawn before [`Frames`] is dropped come out first at the next call; their bytes
    /// are copied then.
    pub fn feed<'p>(&'p mut self, chunk: &'p [u8]) -> Frames<'p> {
        let pos = match self.state {
            State::Start { bom } => self.skip_bom(usize::from(bom), chunk),
            _ => 0,
        };
        Frames { parser: self, chunk, pos }
    }

    /// The stream is over. Hands on frames that were not drawn, then what the policy says about the end; with
    /// `None` the parser is ready for the stream of a new connection: event id and reconnection time stay.
    ///
    /// # Errors
    /// [`Error::TooLong`] when the last line brings its event over the limit.
    pub fn finish(&mut self) -> Option<Result<Frame<'_>, Error>> {
        if !self.undrawn.is_empty() {
            match self.next_undrawn() {
                Ok(true) => return Some(Ok(self.frame(Lent::default()))),
                Ok(false) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        self.clear_ended();
        let mut outcome = Ok(false);
        if self.policy.dispatch_at_eof || self.policy.raw_blocks {
            outcome = self.end_partial().map(|()| false);
            if outcome.is_ok() && (self.policy.dispatch_at_eof || self.block.kind == Kind::Raw) {
                outcome = Ok(self.dispatch(&Lent::default()));
            }
        }
        self.state = State::default();
        self.line.clear();
        self.next_id.given = false;
        self.block.end();
        match outcome {
            Ok(true) => Some(Ok(self.frame(Lent::default()))),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// The last event id the stream gave, to be sent as `Last-Event-ID` when connecting anew.
    pub fn last_event_id(&self) -> &str {
        &self.id
    }

    /// The last reconnection time the stream gave, in milliseconds.
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }

    /// Capacity held for what crosses chunk edges.
    #[cfg(test)]
    pub(super) fn retained(&self) -> usize {
        self.line.capacity() + self.block.data.capacity() + self.block.event.capacity()
    }

    /// Skips a byte order mark, which may come in pieces. Returns where the chunk's text begins.
    fn skip_bom(&mut self, seen: usize, chunk: &[u8]) -> usize {
        let rest = BOM.get(seen..).unwrap_or_default();
        let same = rest.iter().zip(chunk).take_while(|(expected, byte)| expected == byte).count();
        if same == rest.len() {
            self.state = State::LineStart;
        } else if same == chunk.len() {
            // At most two bytes of three.
            self.state = State::Start { bom: (seen + same) as u8 };
        } else {
            self.state = State::LineStart;
            // It was none. Two bytes are under every limit.
            let _ = self.carry(BOM.get(..seen + same).unwrap_or_default(), false);
        }
        same
    }

    /// Reads on in the bytes that were left undrawn, of which nothing is lent; whether a frame is ready, in the
    /// block.
    #[cold]
    fn next_undrawn(&mut self) -> Result<bool, Error> {
        let (bytes, mut pos) = self.undrawn.take();
        let found = self.advance_undrawn(&bytes, &mut pos);
        self.undrawn.put_back(bytes, pos);
        found
    }

    fn advance_undrawn(&mut self, bytes: &[u8], pos: &mut usize) -> Result<bool, Error> {
        self.clear_ended();
        while let Some(rest @ [first, ..]) = bytes.get(*pos..) {
            if self.state == State::LineStart && matches!(first, b'\n' | b'\r') {
                *pos += end_of_line(self, rest);
                if self.dispatch(&Lent::default()) {
                    return Ok(true);
                }
                self.clear_ended();
            } else {
                resume(self, bytes, pos)?;
            }
        }
        Ok(false)
    }

    #[inline]
    fn clear_ended(&mut self) {
        if matches!(self.block.kind, Kind::Ended { .. }) {
            self.block.clear();
        }
    }

    /// Whether a blank line here would change nothing.
    #[inline]
    fn is_between_events(&self) -> bool {
        self.block.kind == Kind::Empty && !self.next_id.given
    }

    /// Adds a piece to the cut line.
    fn carry(&mut self, mut piece: &[u8], ascii: bool) -> Result<(), Error> {
        if piece.is_empty() {
            return Ok(());
        }
        if self.block.kind == Kind::Dropped {
            self.state = State::Skipped;
        }
        if matches!(self.state, State::LineStart | State::Line) {
            // Six bytes tell what is to become of the line: `data:` and whether a space follows.
            let missing = 6usize.saturating_sub(self.line.len()).min(piece.len());
            let (head, tail) = piece.split_at(missing);
            self.line.push(head, ascii);
            piece = tail;
            self.state = State::Line;
            let line = self.line.bytes();
            if self.block.kind == Kind::Raw || self.opens_raw_block(line, &Lent::default()) {
                self.block.kind = Kind::Raw;
                self.begin_data(0, ascii);
            } else if line.first() == Some(&b':') {
                self.state = State::Skipped;
                self.line.clear();
            } else if line.starts_with(b"data:") && line.len() == 6 {
                self.begin_data(if line.ends_with(b" ") { 6 } else { 5 }, ascii);
            }
        }
        match self.state {
            State::Line => self.line.push(piece, ascii),
            State::Data => self.block.data.push(piece, ascii),
            State::Start { .. } | State::LineStart | State::CarriageReturn | State::Skipped => {}
        }
        // Until the sixth byte the line may be one of data, of which only the value counts.
        self.check_limit(if self.line.len() < 6 { 0 } else { self.line.len() })
    }

    /// Moves the value of the cut line to the data.
    fn begin_data(&mut self, value_at: usize, ascii: bool) {
        self.block.begin_line();
        self.block.data.push(self.line.bytes().get(value_at..).unwrap_or_default(), ascii);
        self.line.clear();
        self.state = State::Data;
    }

    /// The cut line is whole.
    fn end_partial(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.state, State::LineStart) != State::Line {
            return Ok(());
        }
        let mut line = std::mem::take(&mut self.line);
        let result = self.line(line.bytes(), false, None);
        line.clear();
        self.line = line;
        result
    }

    fn opens_raw_block(&self, line: &[u8], lent: &Lent<'_>) -> bool {
        self.policy.raw_blocks
            && matches!(line.first(), Some(b'{' | b'[' | b'<'))
            && !self.block.has_data
            && self.block.event.is_empty()
            && lent.data.is_none()
            && lent.event.is_none_or(str::is_empty)
    }

    /// Takes a line that is not empty. Its value is borrowed when there is where to lend it.
    fn line<'c>(
        &mut self,
        line: &'c [u8],
        ascii: bool,
        mut lent: Option<&mut Lent<'c>>,
    ) -> Result<(), Error> {
        if self.block.kind == Kind::Dropped {
            return Ok(());
        }
        if self.block.kind == Kind::Raw
            || self.opens_raw_block(line, &lent.as_deref().copied().unwrap_or_default())
        {
            self.block.kind = Kind::Raw;
            return self.data(line, ascii, lent);
        }
        let (name, value) = field(line);
        match name {
            b"data" => return self.data(value, ascii, lent),
            b"" => return Ok(()),
            _ => self.check_limit(line.len() + lent.as_deref().map_or(0, Lent::len))?,
        }
        match name {
            b"event" => self.event(value, ascii, lent),
            b"error" if self.policy.error_field => {
                self.event(b"error", true, lent.as_deref_mut());
                self.data(value, ascii, lent)?;
            }
            b"id" if !value.contains(&0) => {
                self.next_id.value.clear();
                self.next_id.value.push_str(&String::from_utf8_lossy(value));
                self.next_id.given = true;
            }
            b"retry" => self.retry = digits(value).or(self.retry),
            _ => {}
        }
        Ok(())
    }

    fn data<'c>(&mut self, value: &'c [u8], ascii: bool, lent: Option<&mut Lent<'c>>) -> Result<(), Error> {
        let mut lent_len = 0;
        if let Some(lent) = lent {
            if !self.block.has_data && lent.data.is_none() {
                lent.data = utf8(value, ascii);
                if lent.data.is_some() {
                    return self.check_limit(lent.len());
                }
            }
            self.keep_data(lent);
            lent_len = lent.len();
        }
        self.block.begin_line();
        self.block.data.push(value, ascii);
        self.check_limit(lent_len)
    }

    fn event<'c>(&mut self, value: &'c [u8], ascii: bool, lent: Option<&mut Lent<'c>>) {
        self.block.event.clear();
        if let Some(lent) = lent {
            lent.event = utf8(value, ascii);
            if lent.event.is_some() {
                return;
            }
        }
        self.block.event.push(value, ascii);
        self.block.open();
    }

    /// Copies the lent data before it goes out of reach.
    fn keep_data(&mut self, lent: &mut Lent<'_>) {
        if let Some(data) = lent.data.take() {
            self.block.begin_line();
            self.block.data.push(data.as_bytes(), data.is_ascii());
        }
    }

    /// Copies what is lent before the chunk goes out of reach.
    fn keep(&mut self, lent: &mut Lent<'_>) {
        self.keep_data(lent);
        if let Some(event) = lent.event.take() {
            self.block.event.clear();
            self.block.event.push(event.as_bytes(), event.is_ascii());
            self.block.open();
        }
    }

    /// Drops the block if it has, with `more` bytes that are not kept yet, more than the limit.
    fn check_limit(&mut self, more: usize) -> Result<(), Error> {
        let size = self.block.data.len() + self.block.event.len() + more;
        if size <= self.policy.limit {
            return Ok(());
        }
        self.block.clear();
        self.block.kind = Kind::Dropped;
        self.next_id.given = false;
        self.line.clear();
        if matches!(self.state, State::Line | State::Data) {
            self.state = State::Skipped;
        }
        Err(Error::TooLong { limit: self.policy.limit })
    }

    /// A blank line: ends the block, and says whether there is an event to hand on.
    #[inline]
    fn dispatch(&mut self, lent: &Lent<'_>) -> bool {
        let kind = self.block.kind;
        self.block.end();
        if kind == Kind::Dropped {
            self.next_id.given = false;
            return false;
        }
        if std::mem::take(&mut self.next_id.given) {
            std::mem::swap(&mut self.id, &mut self.next_id.value);
        }
        let data = match lent.data {
            Some(data) => data.as_bytes(),
            None if self.block.has_data => self.block.data.bytes(),
            None => return false,
        };
        !(self.policy.drop_keep_alives && matches!(data.first(), None | Some(b':')))
    }

    #[inline]
    fn frame<'a>(&'a mut self, lent: Lent<'a>) -> Frame<'a> {
        let event = match lent.event {
            _ if self.block.kind == (Kind::Ended { raw: true }) => "",
            Some("") => "message",
            Some(event) => event,
            None if self.block.event.is_empty() => "message",
            None => self.block.event.text(),
        };
        let data = match lent.data {
            Some(data) => data,
            None => self.block.data.text(),
        };
        Frame { event, data, id: &self.id, retry: self.retry }
    }
}

impl Block {
    #[inline(never)]
    fn clear(&mut self) {
        self.kind = Kind::Empty;
        self.data.clear();
        self.has_data = false;
        self.event.clear();
    }

    /// Something of it is kept.
    fn open(&mut self) {
        if self.kind == Kind::Empty {
            self.kind = Kind::Fields;
        }
    }

    /// A blank line.
    #[inline]
    fn end(&mut self) {
        self.kind = match self.kind {
            kind @ (Kind::Empty | Kind::Ended { .. }) => kind,
            kind => Kind::Ended { raw: kind == Kind::Raw },
        };
    }

    /// Joins what comes to the line before it.
    fn begin_line(&mut self) {
        self.open();
        if std::mem::replace(&mut self.has_data, true) {
            self.data.push(b"\n", true);
        }
    }
}

impl Lent<'_> {
    #[inline]
    fn is_empty(&self) -> bool {
        self.data.is_none() && self.event.is_none()
    }

    #[inline]
    fn len(&self) -> usize {
        self.data.map_or(0, str::len) + self.event.map_or(0, str::len)
    }
}

/// The frames of one chunk, lent one after the other.
///
/// Dropping it early loses nothing: see [`Parser::feed`].
#[derive(Debug)]
pub struct Frames<'p> {
    parser: &'p mut Parser,
    chunk: &'p [u8],
    pos: usize,
}

impl Frames<'_> {
    /// The next frame, valid until the one after it is asked for. `None`: feed the next chunk.
    ///
    /// Not an `Iterator`, whose items could not borrow from it.
    #[expect(clippy::should_implement_trait)]
    #[inline(always)]
    pub fn next(&mut self) -> Option<Result<Frame<'_>, Error>> {
        if !self.parser.undrawn.is_empty() {
            match self.parser.next_undrawn() {
                Ok(true) => return Some(Ok(self.parser.frame(Lent::default()))),
                Ok(false) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        match advance(self.parser, self.chunk, &mut self.pos) {
            Ok(Some(lent)) => Some(Ok(self.parser.frame(lent))),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

impl Drop for Frames<'_> {
    #[inline]
    fn drop(&mut self) {
        match self.chunk.get(self.pos..) {
            None | Some([]) => {}
            Some(rest) => self.parser.undrawn.add(rest),
        }
    }
}

/// Reads on to the next event and says what of it is in the chunk; `None` when the chunk is used up.
// Inlined into the loop over the frames, which is in few places, for the reason given at `line_end`.
#[inline(always)]
fn advance<'c>(parser: &mut Parser, chunk: &'c [u8], pos: &mut usize) -> Result<Option<Lent<'c>>, Error> {
    parser.clear_ended();
    if parser.state != State::LineStart {
        resume(parser, chunk, pos)?;
    }
    let mut lent = Lent::default();
    while let Some(rest @ [first, ..]) = chunk.get(*pos..) {
        if matches!(first, b'\n' | b'\r') {
            *pos += end_of_line(parser, rest);
            if parser.dispatch(&lent) {
                return Ok(Some(lent));
            }
            parser.clear_ended();
            lent = Lent::default();
            continue;
        }
        if *first == b':' && lent.is_empty() && parser.is_between_events() {
            skip_comments(parser, chunk, pos);
            continue;
        }
        let line = line_end(rest);
        let (text, end) = rest.split_at(line.len);
        if !line.ended {
            *pos = chunk.len();
            parser.keep(&mut lent);
            parser.carry(text, line.ascii)?;
            return Ok(None);
        }
        *pos += line.len + end_of_line(parser, end);
        if parser.block.kind != Kind::Empty {
            parser.line(text, line.ascii, Some(&mut lent))?;
            continue;
        }
        // What streams are made of, when its block is in one piece so far.
        match text {
            [b'd', b'a', b't', b'a', b':', value @ ..] if lent.data.is_none() => {
                let value = without_space(value);
                lent.data = utf8(value, line.ascii);
                if lent.data.is_none() || lent.len() > parser.policy.limit {
                    lent.data = None;
                    parser.data(value, line.ascii, Some(&mut lent))?;
                }
            }
            _ => parser.line(text, line.ascii, Some(&mut lent))?,
        }
    }
    parser.keep(&mut lent);
    Ok(None)
}

/// Skips comments between events, each most often with a blank line that ends nothing.
#[inline]
fn skip_comments(parser: &mut Parser, chunk: &[u8], pos: &mut usize) {
    while let Some(rest @ [b':', ..]) = chunk.get(*pos..) {
        let line = line_end(rest);
        let end = rest.get(line.len..).unwrap_or_default();
        *pos += line.len;
        *pos += match end {
            [b'\n', b'\n', ..] => 2,
            [] => {
                parser.state = State::Skipped;
                0
            }
            _ => end_of_line(parser, end),
        };
    }
}

/// How many bytes the line's end has that `bytes` begin with.
#[inline]
fn end_of_line(parser: &mut Parser, bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\r'] => {
            parser.state = State::CarriageReturn;
            1
        }
        _ => 1,
    }
}

/// Reads to the end of what the last chunk's end has cut.
#[inline(never)]
fn resume(parser: &mut Parser, chunk: &[u8], pos: &mut usize) -> Result<(), Error> {
    let Some(rest @ [first, ..]) = chunk.get(*pos..) else { return Ok(()) };
    if parser.state == State::CarriageReturn {
        parser.state = State::LineStart;
        *pos += usize::from(*first == b'\n');
        return Ok(());
    }
    let line = line_end(rest);
    let (text, end) = rest.split_at(line.len);
    let carried = parser.carry(text, line.ascii);
    if !line.ended {
        *pos = chunk.len();
        return carried;
    }
    let ended = parser.end_partial();
    *pos += line.len + end_of_line(parser, end);
    carried.and(ended)
}

fn without_space(value: &[u8]) -> &[u8] {
    value.strip_prefix(b" ").unwrap_or(value)
}

/// Name and value of a line; the name of a comment is empty. No known name is longer than `event` and
/// `retry`, so the colon is not looked for beyond them.
fn field(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().take(6).position(|byte| *byte == b':').and_then(|colon| line.split_at_checked(colon)) {
        Some((name, [_, value @ ..])) => (name, without_space(value)),
        _ => (line, b""),
    }
}

/// A number made of ASCII digits only, as the standard asks of `retry`. One that does not fit is none.
fn digits(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}
