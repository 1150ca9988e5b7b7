//! Bytes that come again, but for a few places.
//!
//! A [`Template`] is one JSON text cut open at its holes. Whether another text is the same outside of
//! them is found out by comparing, without reading JSON; where the members of its objects come in another order,
//! member by member.

use std::ops::Range;

use byte_lanes::same;

use crate::Unread;
use crate::grammar::{Extent, inside, value};
use crate::members::Members;
use crate::scanner::Passed;

/// One JSON text, cut open.
///
/// ```
/// use json::template::Template;
/// use json::{Raw, Unread, object};
///
/// object! {
///     struct Event<'a> {
///         text = "text": Raw<'a>,
///     }
/// }
///
/// let first = r#"{"id":7,"text":"one"}"#;
/// let (mut event, mut unread) = (Event::default(), Unread::default());
/// json::read(first, Some(&mut unread), &mut event)?;
/// assert_eq!(event.text.json(), "\"one\"");
/// let mut template = Template::default();
/// template.learn("", first, 16..19, &[], &unread);
///
/// let mut text = |event| template.fill("", event).map(|filling| filling.text);
/// assert_eq!(text(r#"{"id":7,"text":"two"}"#), Some("two"));
/// assert_eq!(text(r#"{"text":"three","id":7}"#), Some("three"));
/// assert_eq!(text(r#"{"id":8,"text":"four"}"#), None);
/// # Ok::<(), json::NotJson>(())
/// ```
#[derive(Debug, Default)]
pub struct Template {
    /// The name of the event that the text came in.
    event: Vec<u8>,
    /// The text.
    learned: Vec<u8>,
    pieces: Vec<Piece>,
    members: Members,
    /// How many texts in a row had their members in another order.
    disorder: u8,
    /// What stood in the holes for numbers. Here, so that they need not be moved.
    numbers: [u64; MOST_NUMBERS],
    /// Its values that nobody asks for, and which of them are holes.
    unread: Vec<(Passed, bool)>,
    /// Those of the text before. Kept for its room.
    unread_before: Vec<(Passed, bool)>,
    /// Where it is cut. Kept for its room.
    cuts: Vec<(Range<usize>, Hole)>,
}

/// So many bytes that do not change, and what comes after them.
#[derive(Debug, Clone, Copy)]
struct Piece {
    fixed: usize,
    hole: Hole,
    /// How many bytes the learned text has in the hole.
    width: usize,
}

/// Most numbers that are looked for beside the text.
pub const MOST_NUMBERS: usize = 8;

/// After so many texts in a row in another order the learned order is not tried any more.
const DISORDER: u8 = 4;

/// What may stand in a place that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hole {
    /// The inside of the string that is looked for.
    Text,
    /// Digits of a whole number that is looked for besides: the one of that place in the list.
    Number { place: usize },
    /// A value that nobody asks for, in so many brackets.
    Value { depth: u32 },
    /// Spaces between two tokens of the JSON.
    Spaces,
    /// The end of the text.
    End,
}

impl Template {
    /// Learns the data of an event of that name, in place of what it has learned before: `data` is JSON,
    /// `text` is where the string that is looked for has its inside, `numbers`, at most [`MOST_NUMBERS`], where whole
    /// numbers without a sign stand that are looked for besides, in their order. None of them is in what nobody asks
    /// for, which `unread` tells.
    ///
    /// All of the latter could be holes. But comparing is faster than reading, so holes are those of its
    /// values that have been seen to change.
    pub fn learn(
        &mut self,
        event: &str,
        data: &str,
        text: Range<usize>,
        numbers: &[Range<usize>],
        unread: &Unread,
    ) {
        debug_assert!(!unread.has(text.start) && numbers.iter().all(|number| !unread.has(number.start)));
        std::mem::swap(&mut self.unread, &mut self.unread_before);
        let (learned, before) = (&self.learned, &self.unread_before);
        let has_changed = |value: &Passed| {
            let key = key_of(data.as_bytes(), value);
            let known =
                before.iter().find(|(known, _)| known.depth == value.depth && key_of(learned, known) == key);
            known.is_some_and(|(known, changes)| {
                *changes || learned.get(known.range()) != data.as_bytes().get(value.range())
            })
        };
        self.unread.clear();
        self.unread.extend(unread.values().iter().map(|value| (*value, has_changed(value))));
        self.event.clear();
        self.event.extend_from_slice(event.as_bytes());
        self.learned.clear();
        self.learned.extend_from_slice(data.as_bytes());

        self.cuts.clear();
        let changing = self.unread.iter().filter(|(_, changes)| *changes);
        self.cuts.extend(changing.map(|(value, _)| (value.range(), Hole::Value { depth: value.depth })));
        let numbers = numbers.iter().take(MOST_NUMBERS).enumerate();
        let numbers = numbers.map(|(place, number)| (number.clone(), Hole::Number { place }));
        for wanted in numbers.chain([(text, Hole::Text)]) {
            let at = self.cuts.partition_point(|(place, _)| place.start < wanted.0.start);
            self.cuts.insert(at, wanted);
        }
        if let Some(body) = data.strip_suffix(" }") {
            self.cuts.push((body.trim_end_matches(' ').len()..data.len() - 1, Hole::Spaces));
        }
        self.cuts.push((data.len()..data.len(), Hole::End));

        self.pieces.clear();
        let mut uncut = 0;
        for (place, hole) in &self.cuts {
            debug_assert!(uncut <= place.start);
            let fixed = place.start.saturating_sub(uncut);
            self.pieces.push(Piece { fixed, hole: *hole, width: place.len() });
            uncut = place.end;
        }
        self.members.learn(data, &self.cuts);
        self.disorder = 0;
        self.numbers = [0; MOST_NUMBERS];
    }

    /// What stands in the holes that are looked for, if the event has the same name, and `data` is the same
    /// outside of all holes, but for the order of the members of objects, and has in each what may stand there.
    pub fn fill<'d>(&mut self, event: &str, data: &'d str) -> Option<Filling<'d, '_>> {
        if !same(&self.event, event.as_bytes()) {
            return None;
        }
        let mut inside = None;
        if self.disorder < DISORDER {
            inside = self.fill_in_order(data);
        }
        if inside.is_some() {
            self.disorder = 0;
        } else {
            inside = Some(self.members.fill(&self.learned, data, &mut self.numbers)?);
            self.disorder = self.disorder.saturating_add(1);
        }
        let (start, Extent { len, escaped }) = inside?;
        let text = data.get(start..start + len).filter(|text| !text.is_empty())?;
        Some(Filling { text, escaped, numbers: &self.numbers })
    }

    /// Where the text is, and how long, if the members come in the learned order.
    // A caller may be built for size, this is not.
    #[inline(never)]
    fn fill_in_order(&mut self, data: &str) -> Option<(usize, Extent)> {
        let (mut learned, mut rest) = (self.learned.as_slice(), data.as_bytes());
        let mut text = None;
        for piece in &self.pieces {
            let (fixed, there);
            (fixed, learned) = learned.split_at_checked(piece.fixed)?;
            (there, rest) = rest.split_at_checked(piece.fixed)?;
            if !same(fixed, there) {
                return None;
            }
            let start = data.len() - rest.len();
            let len = match piece.hole {
                Hole::Text => {
                    let inside = inside(rest)?;
                    text = Some((start, inside));
                    inside.len
                }
                Hole::Number { place } => {
                    let (number, len) = whole_number(rest)?;
                    *self.numbers.get_mut(place)? = number;
                    len
                }
                Hole::Value { depth } => value(rest, depth)?,
                Hole::Spaces => rest.iter().take_while(|byte| **byte == b' ').count(),
                Hole::End => 0,
            };
            learned = learned.get(piece.width..)?;
            rest = rest.get(len..)?;
        }
        text.filter(|_| rest.is_empty())
    }
}

/// What stands in the holes of a [`Template`] that are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'d, 't> {
    /// What stands between the quotes of the string, as it stands there.
    pub text: &'d str,
    /// Whether it has escapes.
    pub escaped: bool,
    /// The numbers, in the order in which they were learned; 0 where there are fewer.
    pub numbers: &'t [u64; MOST_NUMBERS],
}

/// The whole number without a sign that `json` begins with, and how many digits it has.
#[inline(always)]
pub(crate) fn whole_number(json: &[u8]) -> Option<(u64, usize)> {
    let (mut number, mut len) = (0u64, 0);
    while let Some(digit @ b'0'..=b'9') = json.get(len) {
        number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        len += 1;
    }
    let is_number = len == 1 || len > 1 && json.first() != Some(&b'0');
    is_number.then_some((number, len))
}

/// The key of a value, as it stands there.
fn key_of<'a>(json: &'a [u8], value: &Passed) -> Option<&'a [u8]> {
    let before = json.get(..value.start)?.trim_ascii_end().strip_suffix(b":")?;
    let before = before.trim_ascii_end().strip_suffix(b"\"")?;
    // One with a quote in it may be taken for another: then its value is read although it does not change.
    before.rsplit(|byte| *byte == b'"').next()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Raw, object, read};

    object! {
        struct Frame<'a> {
            choices = "choices": crate::Few<'a, Choice<'a>>,
            usage = "usage": Raw<'a>,
            kind = "type": Raw<'a>,
        }
    }

    object! {
        struct Choice<'a> {
            delta = "delta": Delta<'a>,
            index = "index": Raw<'a>,
        }
    }

    object! {
        struct Delta<'a> {
            content = "content": Raw<'a>,
        }
    }

    /// A template that has learned these texts, one after the other.
    fn learned(texts: &[&str]) -> Template {
        let mut template = Template::default();
        for text in texts {
            let (mut unread, mut frame) = (Unread::default(), Frame::default());
            read(text, Some(&mut unread), &mut frame).unwrap();
            let place = |part: &str| {
                let start = part.as_ptr().addr() - text.as_ptr().addr();
                start..start + part.len()
            };
            let content = frame.choices.iter().next().unwrap().delta.content.json();
            let digits = frame.usage.json().trim_matches(['{', '"', 'n', ':', '}']);
            let numbers = (!digits.is_empty()).then(|| place(digits));
            let text_place = place(&content[1..content.len() - 1]);
            template.learn("", text, text_place, numbers.as_slice(), &unread);
        }
        template
    }

    /// The text it finds, and the first number.
    fn filled<'t>(template: &mut Template, text: &'t str) -> Option<(&'t str, u64)> {
        template.fill("", text).map(|filling| (filling.text, filling.numbers[0]))
    }

    const FIRST: &str = r#"{"id":"a-1","model":"m","choices":[{"index":0,"delta":{"content":"one"}}],"usage":{"n":1},"type":"x"}"#;
    const SECOND: &str = r#"{"id":"b-22","model":"m","choices":[{"index":0,"delta":{"content":"two"}}],"usage":{"n":2},"type":"x"}"#;

    #[test]
    fn members_may_come_in_another_order_with_other_holes() {
        let mut template = learned(&[FIRST, SECOND]);
        for (text, expected) in [
            (FIRST, Some(("one", 1))),
            (
                r#"{"usage":{"n":345},"choices":[{"delta":{"content":"thr\"ee"},"index":0}],"type":"x","model":"m","id":""}"#,
                Some(("thr\\\"ee", 345)),
            ),
            (
                r#" {"type":"x" , "model":"m","id":[1,{"a":"}"}],"usage":{"n":3},
                "choices":[{"index":0,"delta":{"content":"x"} } ] } "#,
                Some(("x", 3)),
            ),
            // A constant that is another.
            (
                r#"{"type":"y","id":"a-1","model":"m","choices":[{"index":0,"delta":{"content":"one"}}],"usage":{"n":1}}"#,
                None,
            ),
            (
                r#"{"type":"x","id":"a-1","model":"m","choices":[{"index":1,"delta":{"content":"one"}}],"usage":{"n":1}}"#,
                None,
            ),
            (
                r#"{"type":"x","id":"a-1","model":"m","choices":[{"index":00,"delta":{"content":"one"}}],"usage":{"n":1}}"#,
                None,
            ),
            // One is missing, there twice, or new.
            (
                r#"{"type":"x","id":"a-1","choices":[{"index":0,"delta":{"content":"one"}}],"usage":{"n":1}}"#,
                None,
            ),
            (
                r#"{"type":"x","type":"x","id":"a-1","model":"m","choices":[{"index":0,"delta":{"content":"one"}}],"usage":{"n":1}}"#,
                None,
            ),
            (
                r#"{"type":"x","new":1,"id":"a-1","model":"m","choices":[{"index":0,"delta":{"content":"one"}}],"usage":{"n":1}}"#,
                None,
            ),
            // Another element.
            (
                r#"{"type":"x","id":"a","model":"m","choices":[{"index":0,"delta":{"content":"one"}},{}],"usage":{"n":1}}"#,
                None,
            ),
            // Nothing in the holes that are looked for.
            (
                r#"{"type":"x","id":"a-1","model":"m","choices":[{"index":0,"delta":{"content":""}}],"usage":{"n":1}}"#,
                None,
            ),
            (
                r#"{"type":"x","id":"a-1","model":"m","choices":[{"index":0,"delta":{"content":"one"}}],"usage":{}}"#,
                None,
            ),
            // Another number than was learned: signed, with a fraction, too large, none.
            (
                r#"{"type":"x","id":"a-1","model":"m","choices":[{"index":0,"delta":{"content":"one"}}],"usage":{"n":-1}}"#,
                None,
            ),
            (
                r#"{"type":"x","id":"a-1","model":"m","choices":[{"index":0,"delta":{"content":"one"}}],"usage":{"n":1.5}}"#,
                None,
            ),
            (
                r#"{"type":"x","id":"a-1","model":"m","choices":[{"index":0,"delta":{"content":"one"}}],"usage":{"n":18446744073709551616}}"#,
                None,
            ),
            (
                r#"{"type":"x","id":"a-1","model":"m","choices":[{"index":0,"delta":{"content":"one"}}],"usage":{"n":null}}"#,
                None,
            ),
            // No JSON.
            (
                r#"{"type":"x","id":"a-1","model":"m","choices":[{"index":0,"delta":{"content":"one"}}],"usage":{"n":01}}"#,
                None,
            ),
            (
                r#"{"type":"x","id":tru,"model":"m","choices":[{"index":0,"delta":{"content":"one"}}],"usage":{"n":1}}"#,
                None,
            ),
            (
                r#"{"type":"x","id":"a-1","model":"m","choices":[{"index":0,"delta":{"content":"one"}}],"usage":{"n":1}}}"#,
                None,
            ),
            (
                r#"{"type":"x","id":"a-1","model":"m","choices":[{"index":0,"delta":{"content":"one"}}],"usage":{"n":1},}"#,
                None,
            ),
            (
                r#"{"type":"x","id":"a-1","model":"m","choices":[{"index":0,"delta":{"content":"one"}},"usage":{"n":1}}"#,
                None,
            ),
            (r#"{"type":"x","id":"a-1"#, None),
            ("", None),
        ] {
            assert_eq!(filled(&mut template, text), expected, "{text}");
        }
    }

    #[test]
    fn a_value_that_has_never_changed_is_no_hole_in_whatever_order_it_was_seen() {
        let swapped = r#"{"model":"m","id":"c","type":"x","usage":{"n":2},"choices":[{"index":0,"delta":{"content":"two"}}]}"#;
        let mut template = learned(&[FIRST, swapped]);
        let other = swapped.replace(r#""model":"m""#, r#""model":"o""#);
        assert_eq!(filled(&mut template, &other), None);
        assert!(filled(&mut template, &swapped.replace(r#""c""#, r#""d""#)).is_some());
    }

    #[test]
    fn long_members_and_keys_that_begin_alike_are_told_apart() {
        let long = "m".repeat(100);
        let text = |model: &str, a: &str, b: &str| {
            format!(
                r#"{{"model":"{model}","system_a":"{a}","system_fingerprint":"{b}","choices":[{{"delta":{{"content":"t"}}}}]}}"#
            )
        };
        let learned_text = text(&long, "1", "2");
        let mut template = learned(&[&learned_text]);
        assert!(filled(&mut template, &learned_text).is_some());
        let other = format!("{}n", &long[1..]);
        for changed in [text(&other, "1", "2"), text(&long, "2", "1"), text(&long[1..], "1", "2")] {
            assert_eq!(filled(&mut template, &changed), None, "{changed}");
        }
        // These two cannot be told apart by their first bytes: only the learned order fits.
        let alike = r#"{"reasoning_a":1,"reasoning_b":2,"choices":[{"delta":{"content":"t"}}]}"#;
        let mut template = learned(&[alike]);
        assert!(filled(&mut template, &alike.replace("\"t\"", "\"u\"")).is_some());
    }

    #[test]
    fn members_are_told_apart_by_their_object_and_by_few_bytes() {
        let text =
            r#"{"type":"x","a":1,"choices":[{"type":"y","index":0,"delta":{"type":"z","content":"t"}}]}"#;
        let mut template = learned(&[text]);
        for (other, expected) in [
            (
                r#"{"choices":[{"delta":{"content":"u","type":"z"},"type":"y","index":0}],"a":1,"type":"x"}"#,
                true,
            ),
            // Each key is there as often as it should be, but in another object.
            (
                r#"{"choices":[{"delta":{"content":"u","type":"y"},"type":"z","index":0}],"a":1,"type":"x"}"#,
                false,
            ),
            (
                r#"{"choices":[{"delta":{"content":"u","type":"z"},"type":"y","index":0,"a":1}],"type":"x"}"#,
                false,
            ),
            (
                r#"{"choices":[{"delta":{"content":"u","type":"z"},"index":0}],"type":"y","a":1,"type":"x"}"#,
                false,
            ),
            // Something else where an object opens.
            (
                r#"{"choices":[,"delta":{"content":"u","type":"z"},"type":"y","index":0}],"a":1,"type":"x"}"#,
                false,
            ),
            (
                r#"{"choices":[{,"delta":{"content":"u","type":"z"},"type":"y","index":0}],"a":1,"type":"x"}"#,
                false,
            ),
            (r#"{"choices":[{}],"delta":{"content":"u","type":"z"},"a":1,"type":"x"}"#, false),
            (r#"{"choices":[{"delta":{"content":"u","type":"z"}}],"a":1,"type":"x"}"#, false),
        ] {
            assert_eq!(filled(&mut template, other).is_some(), expected, "{other}");
        }
    }

    #[test]
    fn texts_of_more_members_than_can_be_kept_are_filled_in_their_order_only() {
        for (count, expected) in [(15, true), (70, false)] {
            let members: Vec<_> = (0..count).map(|n| format!(r#""{n}k":0"#)).collect();
            let content = r#""choices":[{"delta":{"content":"t"}}]"#;
            let text = format!("{{{content},{}}}", members.join(","));
            let swapped = format!("{{{},{content}}}", members.join(","));
            let mut template = learned(&[&text]);
            assert!(filled(&mut template, &text).is_some());
            assert_eq!(filled(&mut template, &swapped).is_some(), expected, "{count}");
        }
    }

    /// A member of an object: its text, its key, and whether it says what the learned one says, but for the hole.
    type Written = (&'static str, usize, bool);

    const OUTER: [Written; 9] = [
        (r#""id":"","#, 0, true),
        (r#""id":"an id that is longer than one vector, and than two of them","#, 0, true),
        (r#""id" :"a","#, 0, false),
        (r#""model":"m","#, 1, true),
        (r#""model":"n","#, 1, false),
        (r#""type":"x","#, 2, true),
        (r#""usage":{"n":12},"#, 3, true),
        (r#""usage":{"n":1.5},"#, 3, false),
        (r#""system":1,"#, 4, false),
    ];
    const INNER: [Written; 6] = [
        (r#""index":0,"#, 0, true),
        (r#""index":1,"#, 0, false),
        (r#""delta":{"content":"a\n"},"#, 1, true),
        (r#""delta":{"content":""},"#, 1, false),
        (r#""delta":{"content":"a","content":"b"},"#, 1, false),
        (r#""model":"m","#, 2, false),
    ];

    /// The members in that order, and whether each key is there once with what it should say.
    fn written(members: &[Written], keys: usize) -> (String, bool) {
        let text = members.iter().map(|(text, ..)| *text).collect::<String>();
        let once = (0..keys).all(|key| members.iter().filter(|member| member.1 == key).count() == 1);
        (text, once && members.iter().all(|member| member.2))
    }

    /// All of them that say what they should, or any.
    fn members(of: &'static [Written], keys: usize) -> impl Strategy<Value = Vec<Written>> {
        let fitting = (0..keys).map(|key| of.iter().copied().find(|member| member.1 == key && member.2));
        let fitting: Vec<_> = fitting.flatten().collect();
        prop_oneof![
            3 => Just(fitting).prop_shuffle(),
            1 => prop::collection::vec(prop::sample::select(of), 0..=keys + 1),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn a_text_fits_in_any_order_if_each_member_is_there_once(
            outer in members(&OUTER, 4),
            inner in members(&INNER, 2),
            place in any::<prop::sample::Index>(),
        ) {
            let (inner_text, inner_fits) = written(&inner, 2);
            let choices = format!(r#""choices":[{{{}}}],"#, inner_text.trim_end_matches(','));
            let (before, behind) = outer.split_at(place.index(outer.len() + 1));
            let (before, behind) = (written(before, 0).0, written(behind, 0).0);
            let text = format!("{{{}}}", (before + &choices + &behind).trim_end_matches(','));
            let mut template = learned(&[FIRST, SECOND]);
            let expected = inner_fits && written(&outer, 4).1;
            prop_assert_eq!(filled(&mut template, &text).is_some(), expected, "{}", text);
        }
    }
}
