//! A recorded session of a person at an editor.

use std::collections::HashMap;
use std::ops::Range;

use anyhow::{Result, bail};
use serde::Deserialize;

/// A caret that is told this long after a change is where the change left it, in milliseconds.
const TOLD_WITH_CHANGE_MS: u64 = 50;
/// What is written at a place within this time is what was to come there, in milliseconds.
const TO_COME_MS: u64 = 120_000;
/// The model writes no more lines than this.
const LINES: usize = 3;

/// An event as one line of the JSON lines file has it. Offsets are bytes of the text before the event.
#[derive(Debug, Clone, Deserialize)]
pub struct Line {
    t_ms: u64,
    doc: usize,
    kind: Kind,
    #[serde(default)]
    offset: usize,
    #[serde(default)]
    anchor: Option<usize>,
    #[serde(default)]
    removed: usize,
    #[serde(default)]
    text: String,
    /// What made a change: `char`, `enter`, `backspace`, `delete`, or another command.
    #[serde(default)]
    by: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    language: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Open,
    Focus,
    Select,
    Insert,
    Delete,
    Replace,
}

/// A document as it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its number in the events.
    pub doc: usize,
    pub path: String,
    pub language: String,
    pub text: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A document was loaded, not yet brought to the front.
    Open(Opened),
    Focus,
    /// The caret moved, or a selection was made.
    Select {
        anchor: usize,
        head: usize,
    },
    Edit(Edit),
}

/// A replacement, and where it left the caret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub range: Range<usize>,
    pub text: String,
    pub caret: usize,
    pub by: By,
}

/// What made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A typed character.
    Char,
    /// Enter, Backspace or Delete, which ask for a completion as well.
    OtherKey,
    /// Anything else: paste, undo, an accepted suggestion, a formatter.
    Command,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub at_ms: u64,
    pub doc: usize,
    pub act: Act,
}

/// Makes events of the lines: changes as small as they are, and the caret of each.
pub fn events(lines: &[Line]) -> Result<Vec<Event>> {
    let mut texts: HashMap<usize, String> = HashMap::new();
    let mut events: Vec<Event> = Vec::with_capacity(lines.len());
    for (n, line) in lines.iter().enumerate() {
        let act = match line.kind {
            Kind::Open => {
                texts.insert(line.doc, line.text.clone());
                let Line { doc, path, language, text, .. } = line.clone();
                Act::Open(Opened { doc, path, language, text })
            }
            Kind::Focus => Act::Focus,
            Kind::Select => Act::Select { anchor: line.anchor.unwrap_or(line.offset), head: line.offset },
            Kind::Insert | Kind::Delete | Kind::Replace => {
                let Some(text) = texts.get_mut(&line.doc) else {
                    bail!("event {}: document {} was not opened", n + 1, line.doc);
                };
                let range = line.offset..line.offset + line.removed;
                if text.get(range.clone()).is_none() {
                    bail!("event {}: {range:?} is no part of document {}", n + 1, line.doc);
                }
                let told = lines.get(n + 1).filter(|next| {
                    let soon = next.t_ms.saturating_sub(line.t_ms) <= TOLD_WITH_CHANGE_MS;
                    next.kind == Kind::Select && next.doc == line.doc && next.anchor.is_none() && soon
                });
                let caret = told.map_or(line.offset + line.text.len(), |next| next.offset);
                let (range, fresh) = smallest(text, range, &line.text);
                let edit = Edit { range: range.clone(), text: fresh.to_owned(), caret, by: by(&line.by) };
                text.replace_range(range, fresh);
                Act::Edit(edit)
            }
        };
        // A document may be recorded as opened long before it is first used.
        let at_ms = events.last().map_or(0, |last| last.at_ms).max(line.t_ms);
        events.push(Event { at_ms, doc: line.doc, act });
    }
    Ok(events)
}

fn by(name: &str) -> By {
    match name {
        "char" => By::Char,
        "enter" | "backspace" | "delete" => By::OtherKey,
        _ => By::Command,
    }
}

/// The same change without what it leaves as it was.
fn smallest<'t>(before: &str, range: Range<usize>, text: &'t str) -> (Range<usize>, &'t str) {
    let old = before.get(range.clone()).unwrap_or_default();
    let same = |(a, b): &(char, char)| a == b;
    let head: usize = old.chars().zip(text.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (old, text) = (old.get(head..).unwrap_or_default(), text.get(head..).unwrap_or_default());
    let tail = old.chars().rev().zip(text.chars().rev()).take_while(same);
    let tail: usize = tail.map(|(c, _)| c.len_utf8()).sum();
    let kept = text.get(..text.len() - tail).unwrap_or_default();
    (range.start + head..range.end - tail, kept)
}

/// What the person wrote at `caret` of the document `doc`, whose text is `text`, in the events `to_come`: up to three
/// lines, as they were when the person went elsewhere. `None` where something else was done next.
pub fn to_come(to_come: &[Event], doc: usize, text: &str, caret: usize) -> Option<String> {
    let until_ms = to_come.first()?.at_ms + TO_COME_MS;
    let mut text = text.to_owned();
    let (mut start, mut end) = (caret, caret);
    let edits = to_come.iter().take_while(|event| event.at_ms < until_ms).filter(|event| event.doc == doc);
    for edit in edits.filter_map(|event| if let Act::Edit(edit) = &event.act { Some(edit) } else { None }) {
        let Edit { range, text: inserted, .. } = edit;
        let is_within = start <= range.start && range.end <= end;
        // What is typed over right of the place is still written here.
        let replaces_rest = range.start == end && !inserted.is_empty();
        if !(is_within || replaces_rest) || text.get(range.clone()).is_none() {
            if is_elsewhere(range, start, end) && start == end {
                // Nothing is written here yet: an import far above is none of it.
                let grown = inserted.len() as isize - range.len() as isize;
                text.replace_range(range.clone(), inserted);
                if range.end <= start {
                    start = start.saturating_add_signed(grown);
                    end = start;
                }
                continue;
            }
            break;
        }
        text.replace_range(range.clone(), inserted);
        end = if is_within { end + inserted.len() - range.len() } else { end + inserted.len() };
        if text.get(start..end)?.matches('\n').count() > LINES {
            break;
        }
    }
    start = start.min(end);
    let written: String = text.get(start..end)?.split_inclusive('\n').take(LINES).collect();
    (!written.trim().is_empty()).then_some(written)
}

/// Whether a change is on other lines than the place, going by its distance.
fn is_elsewhere(range: &Range<usize>, start: usize, end: usize) -> bool {
    const FAR: usize = 200;
    range.end + FAR < start || range.start > end + FAR
}
