//! How much of a model's raw text is shown, as what.
//!
//! One file per rule, each with its table of drawn cases. First the text as a whole is cleaned
//! ([`think`], [`tokens`], [`fence`], [`control`], [`echo`]), then its lines are taken one by one until a
//! rule says that the answer is complete ([`extent`], [`bracket`], [`overlap`], [`repeat`]); last the
//! indentation is made the document's ([`indent`]).
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
mod overlap;
mod repeat;
mod think;
mod tokens;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use extent::Extent;

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

impl<'a> Place<'a> {
    /// What stands left of the anchor on its line.
    fn line_before(&self) -> &'a str {
        self.before.rsplit('\n').next().unwrap_or_default()
    }

    /// What stands right of the cursor on its line.
    fn line_after(&self) -> &'a str {
        self.after.split('\n').next().unwrap_or_default().trim_end_matches('\r')
    }

    /// The lines below the cursor's.
    fn lines_below(&self) -> impl Iterator<Item = &'a str> {
        self.after.split('\n').skip(1).map(|line| line.trim_end_matches('\r'))
    }

    /// The lines above the cursor's, nearest first.
    fn lines_above(&self) -> impl Iterator<Item = &'a str> {
        self.before.rsplit('\n').skip(1).map(|line| line.trim_end_matches('\r'))
    }
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

/// A rule's word on the next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The line is shown, on to the next.
    Keep,
    /// The line is shown up to this byte, and the answer is complete.
    At(usize),
    /// The answer was complete before this line.
    Before(Hidden),
}

/// Shapes the raw text received so far; `ended` says that no more will come.
pub fn shape(place: &Place<'_>, raw: &str, ended: bool) -> Shaped {
    let cleaned = clean(place, raw, ended);
    let ended = ended || cleaned.over;
    let mut shaped = take_lines(place, &cleaned.text, ended);
    shaped.complete |= cleaned.over;
    if shaped.text.is_empty() {
        let nothing_left = (ended || shaped.complete) && !raw.is_empty();
        shaped.hidden = cleaned.hidden.or(shaped.hidden).filter(|_| nothing_left);
        return shaped;
    }
    shaped.text = indent::fit(place, shaped.text);
    shaped
}

/// Takes away what is no code: the rules about the text as a whole, in order.
fn clean<'r>(place: &Place<'_>, raw: &'r str, ended: bool) -> Cleaned<'r> {
    let thought = think::skip(raw, ended);
    let (text, leaked) = tokens::cut(thought);
    let fenced = fence::unwrap(text, ended || leaked, place.language);
    let text = control::strip(fenced.text);
    let text = echo::strip(place, text, ended || leaked || fenced.over);
    Cleaned { text, over: leaked || fenced.over, hidden: fenced.hidden }
}

/// Takes whole lines (the last one too, once nothing follows) until a rule says stop.
fn take_lines(place: &Place<'_>, text: &str, ended: bool) -> Shaped {
    let mut shaped = Shaped::default();
    let mut lines = extent::Lines::new(place);
    let mut brackets = bracket::Brackets::new(place);
    let mut repeats = repeat::Repeats::new(place);
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        let whole = line.ends_with('\n');
        if !whole && !ended {
            break;
        }
        let code = line.trim_end_matches(['\n', '\r']);
        let first = end == 0;
        let cut = [
            lines.next(code, first),
            overlap::line(place, code, first),
            repeats.next(code),
            brackets.next(code),
        ]
        .into_iter()
        .reduce(Cut::sooner)
        .unwrap_or(Cut::Keep);
        match cut {
            Cut::Keep => end += line.len(),
            Cut::At(at) => {
                end += at.min(code.len());
                shaped.complete = true;
            }
            Cut::Before(why) => {
                shaped.complete = true;
                shaped.hidden = Some(why);
            }
        }
        if shaped.complete {
            break;
        }
    }
    let taken = text.get(..end).unwrap_or_default();
    // Blank lines and blanks at the end are for the user to type, or for the lines that follow to bring.
    let taken = taken.trim_end();
    shaped.text.push_str(taken);
    if taken.is_empty() && shaped.hidden.is_none() {
        shaped.hidden = Some(Hidden::Blank);
    }
    shaped
}

impl Cut {
    /// The stricter of two words on the same line.
    fn sooner(self, other: Self) -> Self {
        match (self, other) {
            (Cut::Before(why), _) | (_, Cut::Before(why)) => Cut::Before(why),
            (Cut::At(a), Cut::At(b)) => Cut::At(a.min(b)),
            (Cut::At(at), Cut::Keep) | (Cut::Keep, Cut::At(at)) => Cut::At(at),
            (Cut::Keep, Cut::Keep) => Cut::Keep,
        }
    }
}
