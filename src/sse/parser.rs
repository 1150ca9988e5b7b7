use super::scan::line_end;
use super::text::{Carry, utf8};
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

/// A parser of `text/event-stream`. It holds what crosses chunk edges and what outlives an event.
#[derive(Debug, Default)]
pub struct Parser {
    policy: Policy,
    /// How many bytes of a byte order mark the stream has begun with; 3 when the question is settled.
    bom: usize,
    partial: Partial,
    /// The cut line, unless its value goes right into `block`.
    line: Carry,
    block: Block,
    /// The block was lent out and is to be forgotten.
    spent: bool,
    id: String,
    next_id: NextId,
    retry: Option<u64>,
}

/// What the chunk's end has cut in two.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Partial {
    #[default]
    Nothing,
    /// A `\r\n`, perhaps: the line has ended, and a `\n` that follows belongs to it.
    CrLf,
    /// A line in [`Parser::line`].
    Line,
    /// A line whose value goes to the block's data.
    Data,
    /// A line of which nothing is needed.
    Skipped,
}

/// What is known of the running block, as far as it no longer is in the caller's chunk.
#[derive(Debug, Default)]
struct Block {
    /// Whether anything below is not as at a block's start.
    used: bool,
    data: Carry,
    has_data: bool,
    event: Carry,
    /// The block is not made of fields.
    raw: bool,
    /// The block is over the limit: drop it up to the blank line.
    dropped: bool,
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

    /// Takes the next bytes of the stream. The frames must be drawn until there is none; those not
    /// drawn are lost.
    pub fn feed<'p>(&'p mut self, chunk: &'p [u8]) -> Frames<'p> {
        let pos = if self.bom < BOM.len() { self.skip_bom(chunk) } else { 0 };
        Frames { parser: self, chunk, pos }
    }

    /// The stream is over. Hands on what the policy says about its end, and makes the parser ready for
    /// the stream of a new connection: event id and reconnection time stay.
    ///
    /// # Errors
    /// [`Error::TooLong`] when the last line brings its event over the limit.
    pub fn finish(&mut self) -> Option<Result<Frame<'_>, Error>> {
        self.forget_spent();
        let mut outcome = Ok(false);
        if self.policy.dispatch_at_eof || self.policy.raw_blocks {
            outcome = self.end_partial().map(|()| false);
            if outcome.is_ok() && (self.policy.dispatch_at_eof || self.block.raw) {
                outcome = Ok(self.dispatch(&Lent::default()));
            }
        }
        self.bom = 0;
        self.partial = Partial::Nothing;
        self.line.clear();
        self.next_id.given = false;
        self.spent = true;
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
    fn skip_bom(&mut self, chunk: &[u8]) -> usize {
        for (pos, byte) in chunk.iter().enumerate() {
            if self.bom == BOM.len() {
                return pos;
            }
            if Some(byte) != BOM.get(self.bom) {
                let seen = std::mem::replace(&mut self.bom, BOM.len());
                // Two bytes are under every limit.
                let _ = self.carry(BOM.get(..seen).unwrap_or_default(), false);
                return pos;
            }
            self.bom += 1;
        }
        chunk.len()
    }

    #[inline]
    fn forget_spent(&mut self) {
        if self.spent {
            self.spent = false;
            self.block.clear();
        }
    }

    /// Whether a blank line here would change nothing.
    #[inline]
    fn is_between_events(&self) -> bool {
        !self.block.used && !self.next_id.given
    }

    /// Adds a piece to the cut line.
    fn carry(&mut self, mut piece: &[u8], ascii: bool) -> Result<(), Error> {
        if piece.is_empty() {
            return Ok(());
        }
        if self.block.dropped {
            self.partial = Partial::Skipped;
        }
        if matches!(self.partial, Partial::Nothing | Partial::Line) {
            // Six bytes tell what is to become of the line: `data:` and whether a space follows.
            let missing = 6usize.saturating_sub(self.line.len()).min(piece.len());
            let (head, tail) = piece.split_at(missing);
            self.line.push(head, ascii);
            piece = tail;
            self.partial = Partial::Line;
            let line = self.line.bytes();
            if self.block.raw || self.opens_raw_block(line, &Lent::default()) {
                self.block.raw = true;
                self.block.used = true;
                self.begin_data(0, ascii);
            } else if line.first() == Some(&b':') {
                self.partial = Partial::Skipped;
                self.line.clear();
            } else if line.starts_with(b"data:") && line.len() == 6 {
                self.begin_data(if line.ends_with(b" ") { 6 } else { 5 }, ascii);
            }
        }
        match self.partial {
            Partial::Line => self.line.push(piece, ascii),
            Partial::Data => self.block.data.push(piece, ascii),
            Partial::Nothing | Partial::CrLf | Partial::Skipped => {}
        }
        // Until the sixth byte the line may be one of data, of which only the value counts.
        self.check_limit(if self.line.len() < 6 { 0 } else { self.line.len() })
    }

    /// Moves the value of the cut line to the data.
    fn begin_data(&mut self, value_at: usize, ascii: bool) {
        self.block.begin_line();
        self.block.data.push(self.line.bytes().get(value_at..).unwrap_or_default(), ascii);
        self.line.clear();
        self.partial = Partial::Data;
    }

    /// The cut line is whole.
    fn end_partial(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.partial) != Partial::Line {
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
        if self.block.dropped {
            return Ok(());
        }
        if self.block.raw || self.opens_raw_block(line, &lent.as_deref().copied().unwrap_or_default()) {
            self.block.raw = true;
            self.block.used = true;
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
        self.block.used = true;
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
            self.block.used = true;
        }
    }

    /// Drops the block if it has, with `more` bytes that are not kept yet, more than the limit.
    fn check_limit(&mut self, more: usize) -> Result<(), Error> {
        let size = self.block.data.len() + self.block.event.len() + more;
        if size <= self.policy.limit {
            return Ok(());
        }
        self.block.clear();
        self.block.dropped = true;
        self.block.used = true;
        self.next_id.given = false;
        self.line.clear();
        if matches!(self.partial, Partial::Line | Partial::Data) {
            self.partial = Partial::Skipped;
        }
        Err(Error::TooLong { limit: self.policy.limit })
    }

    /// A blank line: ends the block, and says whether there is an event to hand on.
    #[inline]
    fn dispatch(&mut self, lent: &Lent<'_>) -> bool {
        self.spent = self.block.used;
        if self.block.dropped {
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
            _ if self.block.raw => "",
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
        self.used = false;
        self.data.clear();
        self.has_data = false;
        self.event.clear();
        self.raw = false;
        self.dropped = false;
    }

    /// Joins what comes to the line before it.
    fn begin_line(&mut self) {
        self.used = true;
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
#[must_use = "frames that are not drawn are lost"]
#[derive(Debug)]
pub struct Frames<'p> {
    parser: &'p mut Parser,
    chunk: &'p [u8],
    pos: usize,
}

impl<'p> Frames<'p> {
    /// The next frame, valid until the one after it is asked for. `None`: feed the next chunk.
    ///
    /// Not an `Iterator`, whose items could not borrow from it.
    #[expect(clippy::should_implement_trait)]
    #[inline(always)]
    pub fn next(&mut self) -> Option<Result<Frame<'_>, Error>> {
        match self.advance() {
            Ok(Some(lent)) => Some(Ok(self.parser.frame(lent))),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// Reads on to the next event and says what of it is in the chunk; `None` when the chunk is used up.
    // Inlined into the loop over the frames, which is in few places, for the reason given at `line_end`.
    #[inline(always)]
    fn advance(&mut self) -> Result<Option<Lent<'p>>, Error> {
        self.parser.forget_spent();
        if self.parser.partial != Partial::Nothing {
            self.resume()?;
        }
        let mut lent = Lent::default();
        while let Some(rest @ [first, ..]) = self.chunk.get(self.pos..) {
            if matches!(first, b'\n' | b'\r') {
                self.pos += self.end_of_line(rest);
                if self.parser.dispatch(&lent) {
                    return Ok(Some(lent));
                }
                self.parser.forget_spent();
                lent = Lent::default();
                continue;
            }
            if *first == b':' && lent.is_empty() && self.parser.is_between_events() {
                self.skip_comments();
                continue;
            }
            let line = line_end(rest);
            let (text, end) = rest.split_at(line.len);
            if !line.ended {
                self.pos = self.chunk.len();
                self.parser.keep(&mut lent);
                self.parser.carry(text, line.ascii)?;
                return Ok(None);
            }
            self.pos += line.len + self.end_of_line(end);
            if self.parser.block.used {
                self.parser.line(text, line.ascii, Some(&mut lent))?;
                continue;
            }
            // What streams are made of, when its block is in one piece so far.
            match text {
                [b'd', b'a', b't', b'a', b':', value @ ..] if lent.data.is_none() => {
                    let value = without_space(value);
                    lent.data = utf8(value, line.ascii);
                    if lent.data.is_none() || lent.len() > self.parser.policy.limit {
                        lent.data = None;
                        self.parser.data(value, line.ascii, Some(&mut lent))?;
                    }
                }
                _ => self.parser.line(text, line.ascii, Some(&mut lent))?,
            }
        }
        self.parser.keep(&mut lent);
        Ok(None)
    }

    /// Skips comments between events, each most often with a blank line that ends nothing.
    #[inline]
    fn skip_comments(&mut self) {
        while let Some(rest @ [b':', ..]) = self.chunk.get(self.pos..) {
            let line = line_end(rest);
            let end = rest.get(line.len..).unwrap_or_default();
            self.pos += line.len;
            self.pos += match end {
                [b'\n', b'\n', ..] => 2,
                [] => {
                    self.parser.partial = Partial::Skipped;
                    0
                }
                _ => self.end_of_line(end),
            };
        }
    }

    /// How many bytes the line's end has that `bytes` begin with.
    #[inline]
    fn end_of_line(&mut self, bytes: &[u8]) -> usize {
        match bytes {
            [b'\r', b'\n', ..] => 2,
            [b'\r'] => {
                self.parser.partial = Partial::CrLf;
                1
            }
            _ => 1,
        }
    }

    /// Reads to the end of what the last chunk's end has cut.
    #[inline(never)]
    fn resume(&mut self) -> Result<(), Error> {
        let Some(rest @ [first, ..]) = self.chunk.get(self.pos..) else { return Ok(()) };
        if self.parser.partial == Partial::CrLf {
            self.parser.partial = Partial::Nothing;
            self.pos += usize::from(*first == b'\n');
            return Ok(());
        }
        let line = line_end(rest);
        let (text, end) = rest.split_at(line.len);
        let carried = self.parser.carry(text, line.ascii);
        if !line.ended {
            self.pos = self.chunk.len();
            return carried;
        }
        let ended = self.parser.end_partial();
        self.pos += line.len + self.end_of_line(end);
        carried.and(ended)
    }
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
