//! How much of a model's raw text is shown, as what.
//!
//! One file per rule, each with its table of drawn cases. First the text as a whole is cleaned
//! ([`think`], [`tokens`], [`fence`], [`control`], [`echo`]), then its lines are taken one by one: each is
//! given the document's indentation ([`indent`]), until a rule says that the answer is complete
//! ([`extent`], [`item`], [`bracket`], [`overlap`], [`repeat`], [`prose`]). What the rules know of the
//! language is in [`language`], what they know of the place in [`site`].
//!
//! *Invariant:* what was shown only grows. Every rule decides about a line from that line, those before
//! it, and the document; a line that is not whole yet is not shown. So the shape of a longer text begins
//! with the shape of a shorter one (`tests` holds it for every case at every length).

mod bracket;
mod control;
mod echo;
mod extent;
mod fence;
mod indent;
mod item;
mod language;
mod lex;
mod overlap;
mod past;
mod prose;
mod repeat;
mod site;
mod think;
mod tokens;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use extent::Extent;
pub use past::{is_finished, past};
use site::Site;

/// Where the text goes.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The document up to the anchor.
    pub before: &'a str,
    /// The document from the cursor on.
    pub after: &'a str,
    /// Lapce's language id.
    pub language: &'a str,
    /// How much the user wants.
    pub extent: Extent,
}

/// What is shown of a raw text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shaped {
    /// The text to show. Only grows while the raw text grows.
    pub text: String,
    /// Nothing the model still writes would be shown: stop it.
    pub complete: bool,
    /// Why nothing is shown, when `text` is empty and the answer was not.
    pub hidden: Option<Hidden>,
}

/// Why an answer was not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// White space only.
    Blank,
    /// Words about code instead of code.
    Prose,
    /// It says what stands above or left of the cursor again.
    RepeatsAbove,
    /// It says the same over and over.
    RepeatsItself,
    /// It says what stands below or right of the cursor already.
    RepeatsBelow,
    /// Its first line would end the block the cursor is in.
    EndsBlock,
}

/// A rule's word on the text as a whole.
struct Cleaned<'r> {
    text: Cow<'r, str>,
    /// What follows is no part of the answer.
    over: bool,
    /// Nothing is left, and this is why.
    hidden: Option<Hidden>,
}

/// A line of the answer, as the rules see it.
struct Line<'l> {
    /// The line without its end, with the document's indentation.
    text: &'l str,
    /// It goes on from the cursor.
    first: bool,
    /// A blank line stands before it.
    apart: bool,
    /// It begins within a string or a comment of more than one line.
    inside: bool,
    /// Columns of its indentation; the cursor line's for the first one.
    columns: usize,
    /// Brackets that the answer has opened above and not closed.
    depth: usize,
}

/// A rule's word on the next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The line is shown, on to the next.
    Keep,
    /// The line is shown up to this byte, and the answer is complete.
    At(usize),
    /// The same, and the document goes on right there: blanks before that place are part of the answer.
    Into(usize),
    /// The answer was complete before this line.
    Before(Hidden),
}

/// Shapes the raw text received so far; `ended` says that no more will come.
pub fn shape(place: &Place<'_>, raw: &str, ended: bool) -> Shaped {
    let site = Site::new(place);
    let cleaned = clean(&site, raw, ended);
    let ended = ended || cleaned.over;
    let (mut shaped, _) = take_lines(&site, place.extent, &cleaned.text, ended);
    shaped.complete |= cleaned.over;
    if shaped.text.is_empty() {
        let nothing_left = (ended || shaped.complete) && !raw.is_empty();
        shaped.hidden = cleaned.hidden.or(shaped.hidden).filter(|_| nothing_left);
        return shaped;
    }
    if site.has_crlf() {
        shaped.text = shaped.text.replace('\n', "\r\n");
    }
    shaped
}

/// Whether what the model wrote since the last shaping may change its outcome. Most of its pieces only lengthen
/// a line that is not whole yet, and the whole text need not be gone through for each.
pub fn may_change(fresh: &str) -> bool {
    /// A line this much longer may have become a loop, in bytes.
    const LONG: usize = 128;
    // A line ends, or what may be a leaked token.
    fresh.len() >= LONG || fresh.contains(['\n', '>', ']', '}'])
}

/// Takes away what is no code: the rules about the text as a whole, in order.
fn clean<'r>(site: &Site<'_>, raw: &'r str, ended: bool) -> Cleaned<'r> {
    let thought = think::skip(raw, ended);
    let (text, leaked) = tokens::cut(site, thought, ended);
    let fenced = fence::unwrap(site, text, ended || leaked);
    let over = leaked || fenced.over;
    let text = control::strip(fenced.text);
    let echoed = echo::strip(site, text, ended || over);
    Cleaned { text: echoed.text, over, hidden: fenced.hidden.or(echoed.hidden) }
}

/// Takes whole lines (the last one too, once nothing follows) until a rule says stop. Gives the bytes of `text` up
/// to the place where the block ended, too, if that is why it stopped.
fn take_lines(site: &Site<'_>, extent: Extent, text: &str, ended: bool) -> (Shaped, Option<usize>) {
    let mut indent = indent::Indent::new(site);
    let mut lines = extent::Lines::new(site, extent);
    let mut items = item::Items::new(site);
    let mut brackets = bracket::Brackets::new(site);
    let mut repeats = repeat::Repeats::new();
    let mut out = String::with_capacity(text.len());
    let (mut first, mut apart) = (true, false);
    let mut loops = false;
    let mut cut = Cut::Keep;
    let shown = lines.skip_blank(site, text);
    let mut used = text.len() - shown.len();
    for line in shown.split_inclusive('\n') {
        let looped = repeat::within(line);
        if !line.ends_with('\n') && !ended {
            // A loop within a line never comes to the line's end.
            if looped.is_some() {
                cut = Cut::Before(Hidden::RepeatsItself);
            }
            break;
        }
        loops = looped.is_some();
        let whole = line.len();
        let code = match looped {
            Some(at) => line.get(..at).unwrap_or_default(),
            None => line.trim_end_matches(['\n', '\r']),
        };
        let inside = brackets.is_inside();
        let fitted = match inside && !brackets.moves() {
            true => Cow::Borrowed(code),
            false => indent.fit(code, first, inside, brackets.depth()),
        };
        let columns = if first { indent.first_column() } else { site.columns(&fitted) };
        let floor = indent.floor();
        let line = Line { text: &fitted, first, apart, inside, columns, depth: brackets.depth() };
        cut = [
            looped.map_or(Cut::Keep, |at| match at {
                0 => Cut::Before(Hidden::RepeatsItself),
                _ => Cut::At(line.text.len()),
            }),
            overlap::line(site, &line),
            prose::line(site, &line),
            repeats.next(&line, out.len()),
            brackets.next(site, &line),
            overlap::end(site, &line, brackets.depth()),
            lines.next(site, &line, floor),
            items.next(site, &line, brackets.depth(), floor),
        ]
        .into_iter()
        .reduce(Cut::sooner)
        .unwrap_or(Cut::Keep);
        if let Cut::Before(_) = cut {
            break;
        }
        used += whole;
        let end = match cut {
            Cut::At(at) | Cut::Into(at) => at.min(fitted.len()),
            _ => fitted.len(),
        };
        out.push_str(fitted.get(..end).unwrap_or_default());
        if cut != Cut::Keep {
            break;
        }
        out.push('\n');
        indent.seen(&fitted, first, inside);
        apart = fitted.trim().is_empty();
        first = false;
    }
    let waits = cut == Cut::Keep && !ended;
    loops |= repeats.loop_at().is_some();
    if let Some(at) = repeats.loop_at().or_else(|| repeats.held_at().filter(|_| waits)) {
        out.truncate(at);
    }
    if !matches!(cut, Cut::Into(_)) {
        // Blanks at the end are for the user to type, or for the lines that follow to bring.
        out.truncate(out.trim_end().len());
    }
    let blank = out.trim().is_empty();
    if blank {
        out.clear();
    }
    let hidden = match cut {
        Cut::Before(why) => why,
        _ => Hidden::Blank,
    };
    let block_ended = !loops && matches!(cut, Cut::At(_) | Cut::Into(_) | Cut::Before(Hidden::EndsBlock));
    let shaped = Shaped { text: out, complete: cut != Cut::Keep, hidden: blank.then_some(hidden) };
    (shaped, block_ended.then_some(used))
}

impl Cut {
    /// The stricter of two words on the same line.
    fn sooner(self, other: Self) -> Self {
        match (self, other) {
            (Cut::Before(why), _) | (_, Cut::Before(why)) => Cut::Before(why),
            (Cut::Keep, cut) | (cut, Cut::Keep) => cut,
            (Cut::At(a) | Cut::Into(a), Cut::At(b) | Cut::Into(b)) if a < b => self,
            (Cut::At(a), Cut::Into(b)) if a == b => other,
            (Cut::At(a) | Cut::Into(a), Cut::At(b) | Cut::Into(b)) if a == b => self,
            _ => other,
        }
    }
}
