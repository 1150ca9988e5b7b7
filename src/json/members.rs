//! A text learned member by member, so that another one may have them in another order.
//!
//! What an object says does not depend on the order of its members, unless a key is there twice. So a text that has,
//! in each object on the way to the holes, each of the learned members once and no other says what the learned one
//! says, but for the holes.

use std::ops::Range;

use byte_lanes::{Lanes, same};

use crate::grammar::{Extent, Text, inside, value};
use crate::template::{Filling, Hole, MOST_NUMBERS, whole_number};

/// Bytes of a member that are compared at once.
const HEAD: usize = 32;
/// Most members of one object: one bit each.
const MOST: usize = 32;
/// Most objects around a hole.
const DEEPEST: usize = 8;
const SLOTS: usize = 32;
const NONE: u8 = u8::MAX;

/// The members of the objects on the way to the holes.
#[derive(Debug, Default)]
pub(crate) struct Members {
    list: Vec<Member>,
    /// The outermost object first; none where the text is not of this kind.
    objects: Vec<Object>,
}

/// A member of a learned object.
#[derive(Debug, Clone, Copy)]
struct Member {
    /// Its bit in its object.
    bit: u32,
    /// How many bytes do not change, from the quote before its key on, and where they begin in the learned text.
    fixed: usize,
    start: usize,
    /// The first of them, so that they need not be looked up.
    head: [u8; HEAD],
    /// A bit for each byte of `head` that is none of them.
    ignored: u32,
    rest: Rest,
}

/// What follows the fixed part of a member.
#[derive(Debug, Clone, Copy)]
enum Rest {
    /// Nothing.
    Nothing,
    /// The inside of the string that is looked for, and its quote.
    Text,
    /// The digits of the number of that place in the list.
    Number(usize),
    /// A value that nobody asks for, in so many brackets.
    Value(u32),
    /// The first key of the object of that number.
    Enter(usize),
}

/// A learned object.
#[derive(Debug, Clone)]
struct Object {
    /// By the hash of a key, the number of its member in the list.
    slots: [u8; SLOTS],
    multiplier: u64,
    /// The bits of all its members.
    all: u32,
    /// It is the only element of an array.
    in_array: bool,
}

impl Members {
    /// Learns `data`, which is JSON, with these holes in their order. Afterwards it fits no other text if `data` has
    /// something that depends on the order.
    pub(crate) fn learn(&mut self, data: &str, holes: &[(Range<usize>, Hole)]) {
        self.list.clear();
        self.objects.clear();
        let start = data.len() - data.trim_ascii_start().len();
        if self.object(&mut Text::new(data.as_bytes()), start, false, holes).is_none() {
            self.objects.clear();
        }
    }

    /// Learns the object there, and says where it ends.
    fn object(
        &mut self,
        json: &mut Text<'_>,
        start: usize,
        in_array: bool,
        holes: &[(Range<usize>, Hole)],
    ) -> Option<usize> {
        let number = self.objects.len();
        if number == DEEPEST || json.byte(start)? != b'{' {
            return None;
        }
        self.objects.push(Object { slots: [NONE; SLOTS], multiplier: 0, all: 0, in_array });
        let mut own: Vec<(u64, u8)> = Vec::new();
        let mut at = json.blank(start + 1);
        loop {
            let key = at;
            if json.byte(key)? != b'"' || own.len() == MOST || self.list.len() >= usize::from(NONE) {
                return None;
            }
            let Extent { len, escaped } = json.inside(key + 1)?;
            if escaped {
                // It may be another key in other words.
                return None;
            }
            let colon = json.blank(key + len + 2);
            let from = json.blank(colon + 1);
            let bit = 1 << own.len();
            own.push((hashed(json.ahead(key))?, u8::try_from(self.list.len()).ok()?));
            let slot = self.list.len();
            let (head, ignored) = ([0; HEAD], u32::MAX);
            self.list.push(Member { bit, fixed: 0, start: key, head, ignored, rest: Rest::Nothing });
            self.objects.get_mut(number)?.all |= bit;
            let hole = holes.iter().find(|(hole, _)| hole.start >= from);
            let (fixed, rest, end);
            match hole {
                Some((hole, Hole::Text)) if hole.start == from + 1 => {
                    (fixed, rest, end) = (hole.start, Rest::Text, hole.end + 1);
                }
                Some((hole, Hole::Number { place })) if hole.start == from => {
                    (fixed, rest, end) = (from, Rest::Number(*place), hole.end);
                }
                Some((hole, Hole::Value { depth })) if hole.start == from => {
                    (fixed, rest, end) = (from, Rest::Value(*depth), hole.end);
                }
                _ => {
                    let whole = json.value(from, 0)?;
                    let is_inside = |hole: &&(Range<usize>, Hole)| hole.0.start < whole;
                    if hole.filter(is_inside).is_none() {
                        (fixed, rest, end) = (whole, Rest::Nothing, whole);
                    } else {
                        let is_array = json.byte(from)? == b'[';
                        let inner = if is_array { json.blank(from + 1) } else { from };
                        let entered = self.objects.len();
                        let after = self.object(json, inner, is_array, holes)?;
                        let after = if is_array { json.blank(after) + 1 } else { after };
                        // Another element, or something in the way.
                        if after != whole {
                            return None;
                        }
                        (fixed, rest, end) = (json.blank(inner + 1), Rest::Enter(entered), whole);
                    }
                }
            }
            let member = self.list.get_mut(slot)?;
            (member.fixed, member.rest) = (fixed - key, rest);
            for (at, byte) in member.head.iter_mut().enumerate().take(member.fixed) {
                *byte = json.byte(key + at)?;
                member.ignored &= !(1 << at);
            }
            at = json.blank(end);
            match json.byte(at)? {
                b',' => at = json.blank(at + 1),
                b'}' => break,
                _ => return None,
            }
        }
        let object = self.objects.get_mut(number)?;
        (object.multiplier, object.slots) = place(&own)?;
        Some(at + 1)
    }

    /// What stands in the holes of `data`, if it has the same members.
    #[inline(never)]
    pub(crate) fn fill<'d>(&self, learned: &[u8], data: &'d str) -> Option<Filling<'d>> {
        let mut object = self.objects.first()?;
        let bytes = data.as_bytes();
        let json = Text::new(bytes);
        let mut text = None;
        let mut numbers = [0; MOST_NUMBERS];
        // The objects around, and what was seen of them.
        let mut around = [(object, 0u32); DEEPEST];
        let (mut depth, mut seen) = (0, 0u32);
        let mut at = json.blank(0);
        if json.byte(at)? != b'{' {
            return None;
        }
        at = json.blank(at + 1);
        loop {
            let here = bytes.get(at..)?;
            let member = self.list.get(object.slot(hashed(here)?))?;
            if seen & member.bit != 0 || !member.begins(here, learned) {
                return None;
            }
            seen |= member.bit;
            at += member.fixed;
            match member.rest {
                Rest::Nothing => {}
                Rest::Text => {
                    let extent = inside(bytes.get(at..)?)?;
                    text = Some((at, extent));
                    at += extent.len + 1;
                }
                Rest::Number(place) => {
                    let (number, len) = whole_number(bytes.get(at..)?)?;
                    *numbers.get_mut(place)? = number;
                    at += len;
                }
                Rest::Value(depth) => at += value(bytes.get(at..)?, depth)?,
                Rest::Enter(number) => {
                    *around.get_mut(depth)? = (object, seen);
                    (depth, object, seen) = (depth + 1, self.objects.get(number)?, 0);
                    continue;
                }
            }
            // Nearly always another member follows at once.
            if let Some([b',', b'"', ..]) = bytes.get(at..) {
                at += 1;
                continue;
            }
            loop {
                at = json.blank(at);
                match json.byte(at)? {
                    b',' => {
                        at = json.blank(at + 1);
                        break;
                    }
                    b'}' if seen == object.all => at += 1,
                    _ => return None,
                }
                if object.in_array {
                    at = json.blank(at);
                    if json.byte(at)? != b']' {
                        return None;
                    }
                    at += 1;
                }
                let Some(outer) = depth.checked_sub(1) else {
                    let (start, Extent { len, escaped }) = text?;
                    let text = data.get(start..start + len)?;
                    let is_whole = json.blank(at) == data.len();
                    return (is_whole && !text.is_empty()).then_some(Filling { text, escaped, numbers });
                };
                depth = outer;
                (object, seen) = *around.get(depth)?;
            }
        }
    }
}

impl Object {
    /// The number of the only member that a key with this hash can be of.
    #[inline(always)]
    fn slot(&self, key: u64) -> usize {
        usize::from(self.slots[slot(key, self.multiplier)])
    }
}

impl Member {
    /// Whether `here` begins with what does not change of it.
    #[inline(always)]
    fn begins(&self, here: &[u8], learned: &[u8]) -> bool {
        let Some(head) = here.first_chunk::<HEAD>() else {
            let fixed = learned.get(self.start..).and_then(|learned| learned.get(..self.fixed));
            return fixed.zip(here.get(..self.fixed)).is_some_and(|(a, b)| same(a, b));
        };
        // Which of the 32 bytes count is no branch, which would be mispredicted.
        let ([a, b], [c, d]) = (halves(head), halves(&self.head));
        let equal = a.xor(c).equal(0).high_bits() | b.xor(d).equal(0).high_bits() << 16;
        equal | self.ignored == u32::MAX && (self.fixed <= HEAD || self.goes_on(here, learned))
    }

    /// The same for what is longer.
    fn goes_on(&self, here: &[u8], learned: &[u8]) -> bool {
        let learned = learned.get(self.start + HEAD..self.start + self.fixed);
        learned.zip(here.get(HEAD..self.fixed)).is_some_and(|(a, b)| same(a, b))
    }
}

#[inline(always)]
fn halves(bytes: &[u8; HEAD]) -> [Lanes; 2] {
    let halves = bytes.as_chunks::<16>().0;
    [Lanes::load(&halves[0]), Lanes::load(&halves[1])]
}

#[inline(always)]
fn slot(key: u64, multiplier: u64) -> usize {
    (key.wrapping_mul(multiplier) >> 59) as usize % SLOTS
}

/// What stands for the key that `here` begins with: its first eight bytes, its closing quote included, without what
/// follows.
#[inline(always)]
fn hashed(here: &[u8]) -> Option<u64> {
    const ONES: u64 = u64::MAX / 0xFF;
    let chunk = match here.first_chunk::<9>() {
        Some(chunk) => *chunk,
        None => padded(here),
    };
    let [b'"', rest @ ..] = &chunk else { return None };
    let bytes = u64::from_le_bytes(*rest);
    // The lowest of the high bits is that of the first quote; without one all bytes count.
    let quotes = bytes ^ (ONES * b'"' as u64);
    let marks = quotes.wrapping_sub(ONES) & !quotes & (ONES << 7);
    Some(bytes & (marks ^ marks.wrapping_sub(1)))
}

/// The bytes, fewer than there should be, with zeros behind them.
#[cold]
fn padded(bytes: &[u8]) -> [u8; 9] {
    let mut padded = [0; 9];
    padded.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    padded
}

/// A hash by which no two of the keys have the same slot, and the slots. `None` where two keys are the same, or look so.
fn place(keys: &[(u64, u8)]) -> Option<(u64, [u8; SLOTS])> {
    let mut multiplier = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..256 {
        let mut slots = [NONE; SLOTS];
        let is_perfect = keys
            .iter()
            .all(|(key, number)| std::mem::replace(&mut slots[slot(*key, multiplier)], *number) == NONE);
        if is_perfect {
            return Some((multiplier, slots));
        }
        multiplier = multiplier.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(2);
    }
    None
}
