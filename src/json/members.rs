//! A text learned member by member, so that another one may have them in another order.
//!
//! What an object says does not depend on the order of its members, unless a key is there twice. So a text that has,
//! in each object on the way to the holes, each of the learned members once and no other says what the learned one
//! says, but for the holes.

use std::ops::Range;

use byte_lanes::{Lanes, same};

use crate::grammar::{Extent, Text, blank, inside, value};
use crate::template::{Hole, MOST_NUMBERS, whole_number};

/// Bytes of a member that are compared at once.
const HEAD: usize = 32;
/// Most objects: a power of two.
const MOST_OBJECTS: usize = 8;
/// Slots for the members of all objects: one bit each, six bits of a hash.
const SLOTS: usize = 64;

/// The members of the objects on the way to the holes.
#[derive(Debug, Default)]
pub(crate) struct Members {
    /// The members of all objects, by their hash.
    slots: Vec<Member>,
    /// The step over each of them; empty where the text cannot be matched member by member.
    steps: Vec<Step>,
    hash: Hash,
    /// The outermost object first.
    objects: Vec<Object>,
}

/// A learned member. One cache line.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Member {
    /// The first of the bytes that do not change, from the quote before its key on.
    head: [u8; HEAD],
    /// A bit for each byte of `head` that is none of them.
    ignored: u32,
    /// Where they begin in the learned text.
    start: u32,
    /// What follows.
    hole: Option<Hole>,
}

/// How to get from a member to the next one.
///
/// The steps are a chain: where a member begins is known only after the one before it has been looked up. So what the chain
/// loads is kept small and apart from what checks a member, which the processor does beside the chain.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// How many bytes of the member do not change.
    fixed: u32,
    /// The number of the object that it is in; [`NOWHERE`] where there is no member.
    object: u8,
    /// The number of the object that the next key is in: another one if the member's value is an object with a hole.
    next_in: u8,
    /// The byte before the quote of the next key: a comma, or the last byte of the opening of that other object.
    before_next: u8,
}

const NOWHERE: u8 = u8::MAX;
const NO_STEP: Step = Step { fixed: 0, object: NOWHERE, next_in: 0, before_next: 0 };
const NO_MEMBER: Member = Member { head: [0; HEAD], ignored: 0, start: 0, hole: None };

/// A perfect hash of the members of all objects.
#[derive(Debug, Default, Clone, Copy)]
struct Hash {
    /// Its lowest bits are zeros, as many as the highest bits of a word that do not count.
    multiplier: u64,
}

/// A learned object.
#[derive(Debug, Clone)]
struct Object {
    /// One bit for the slot of each of its members.
    members: u64,
    /// The number of the object that it is in; none for the outermost one.
    outer: Option<u8>,
    /// It is the only element of an array.
    in_array: bool,
}

impl Members {
    /// Learns `data`, which is JSON, with these holes in their order. Afterwards it fits no other text if `data` has
    /// something that depends on the order.
    pub(crate) fn learn(&mut self, data: &str, holes: &[(Range<usize>, Hole)]) {
        self.steps.clear();
        self.objects.clear();
        let mut learning = Learning {
            json: Text::new(data.as_bytes()),
            holes,
            members: Vec::new(),
            objects: &mut self.objects,
        };
        let start = data.len() - data.trim_ascii_start().len();
        if learning.object(start, None, false).is_some() {
            let members = learning.members;
            self.place(&members);
        }
    }

    /// Finds a hash by which no two members have the same slot, and puts them there. There is none if two members of one
    /// object begin with the same bytes: as many are compared as do not change in any member, at most eight.
    fn place(&mut self, members: &[(Member, Step)]) -> Option<()> {
        let shortest = members.iter().map(|(_, step)| step.fixed).min()?;
        // The bytes of a word that may change. A word is behind the quote.
        let ignored = match shortest {
            0..2 => return None,
            2..9 => 9 - shortest,
            9.. => 0,
        };
        let mut multiplier = 0x9E37_79B9_7F4A_7C15_u64;
        let mut tries = 0..256;
        let hash = loop {
            let hash = Hash { multiplier: multiplier << (8 * ignored) };
            let mut taken = 0u64;
            let is_perfect = members.iter().all(|(member, step)| {
                let Some(slot) = hash.slot(&member.head, step.object) else { return false };
                let is_free = taken >> slot & 1 == 0;
                taken |= 1 << slot;
                is_free
            });
            if is_perfect {
                break hash;
            }
            tries.next()?;
            multiplier = multiplier.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(2);
        };
        self.hash = hash;
        self.steps.resize(SLOTS, NO_STEP);
        self.slots.resize(SLOTS, NO_MEMBER);
        for (member, step) in members {
            let slot = hash.slot(&member.head, step.object)?;
            (*self.slots.get_mut(slot)?, *self.steps.get_mut(slot)?) = (*member, *step);
            self.objects.get_mut(usize::from(step.object))?.members |= 1 << slot;
        }
        Some(())
    }

    /// The place of the text in `data`, if `data` has the same members. The numbers go into `numbers`.
    #[inline(never)]
    pub(crate) fn fill(
        &self,
        learned: &[u8],
        data: &str,
        numbers: &mut [u64; MOST_NUMBERS],
    ) -> Option<(usize, Extent)> {
        let slots: &[Member; SLOTS] = self.slots.first_chunk()?;
        let steps: &[Step; SLOTS] = self.steps.first_chunk()?;
        let mut text = None;
        // A bit for the slot of each member that is still to come.
        let mut to_come = self.objects.iter().fold(0, |all, object| all | object.members);
        // The number of the object here.
        let mut object = 0;
        let [b'{', here @ ..] = behind_blank(data.as_bytes()) else { return None };
        let mut here = behind_blank(here);
        loop {
            let slot = match here.first_chunk() {
                Some(head) => {
                    let slot = self.hash.slot(head, object)?;
                    let (member, fixed) = (&slots[slot], steps[slot].fixed as usize);
                    Some(slot).filter(|_| member.begins(fixed, head, here, learned))?
                }
                None => self.near_end(here, object, learned)?,
            };
            let step = steps[slot];
            if to_come >> slot & 1 == 0 || step.object != object {
                return None;
            }
            to_come &= !(1 << slot);
            object = step.next_in;
            here = here.get(step.fixed as usize..)?;
            if let Some(hole) = slots[slot].hole {
                let len = match hole {
                    Hole::Text => {
                        let extent = inside(here)?;
                        text = Some((data.len() - here.len(), extent));
                        extent.len + 1
                    }
                    Hole::Value { depth } => value(here, depth)?,
                    Hole::Number { place } => {
                        let (number, len) = whole_number(here)?;
                        *numbers.get_mut(place)? = number;
                        len
                    }
                    Hole::Spaces | Hole::End => return None,
                };
                here = here.get(len..)?;
            }
            // Nearly always another member follows at once. In an object that was entered it must.
            match here {
                [before, next @ ..] if *before == step.before_next && next.first() == Some(&b'"') => {
                    here = next;
                    continue;
                }
                _ if step.before_next != b',' => return None,
                _ => {}
            }
            loop {
                let around = self.objects.get(usize::from(object))?;
                match behind_blank(here) {
                    [b',', next @ ..] => {
                        here = behind_blank(next);
                        break;
                    }
                    [b'}', next @ ..] if to_come & around.members == 0 => here = next,
                    _ => return None,
                }
                if around.in_array {
                    let [b']', next @ ..] = behind_blank(here) else { return None };
                    here = next;
                }
                match around.outer {
                    Some(outer) => object = outer,
                    None if behind_blank(here).is_empty() => return text,
                    None => return None,
                }
            }
        }
    }

    /// The slot of the member that `here` begins with, which is shorter than a head.
    #[inline(never)]
    fn near_end(&self, here: &[u8], object: u8, learned: &[u8]) -> Option<usize> {
        let slot = self.hash.slot(here, object).or_else(|| self.hash.slot(&pad::<9>(here), object))?;
        let (start, fixed) = (self.slots.get(slot)?.start as usize, self.steps.get(slot)?.fixed as usize);
        let is_same = same(learned.get(start..start + fixed)?, here.get(..fixed)?);
        is_same.then_some(slot)
    }
}

/// The bytes behind the white space that they begin with.
#[inline(always)]
fn behind_blank(bytes: &[u8]) -> &[u8] {
    match bytes {
        [..=b' ', ..] => bytes.get(blank(bytes)..).unwrap_or_default(),
        _ => bytes,
    }
}

/// A text that is being learned.
struct Learning<'l> {
    json: Text<'l>,
    holes: &'l [(Range<usize>, Hole)],
    members: Vec<(Member, Step)>,
    objects: &'l mut Vec<Object>,
}

impl Learning<'_> {
    /// Learns the object there, and says where it ends.
    fn object(&mut self, start: usize, outer: Option<u8>, in_array: bool) -> Option<usize> {
        if self.objects.len() == MOST_OBJECTS || self.json.byte(start)? != b'{' {
            return None;
        }
        let object = u8::try_from(self.objects.len()).ok()?;
        self.objects.push(Object { members: 0, outer, in_array });
        let mut at = self.json.blank(start + 1);
        loop {
            if self.members.len() == SLOTS {
                return None;
            }
            at = self.member(at, object)?;
            at = self.json.blank(at);
            match self.json.byte(at)? {
                b',' => at = self.json.blank(at + 1),
                b'}' => return Some(at + 1),
                _ => return None,
            }
        }
    }

    /// Learns the member there, and says where it ends.
    fn member(&mut self, key: usize, object: u8) -> Option<usize> {
        let json = &mut self.json;
        if json.byte(key)? != b'"' {
            return None;
        }
        let Extent { len, escaped } = json.inside(key + 1)?;
        if escaped {
            // It may be another key in other words.
            return None;
        }
        let colon = json.blank(key + len + 2);
        let from = json.blank(colon + 1);
        let (mut before_next, mut next_in) = (b',', object);
        let (fixed, hole, end);
        match self.holes.iter().find(|(hole, _)| hole.start >= from) {
            Some((place, kind @ Hole::Text)) if place.start == from + 1 => {
                (fixed, hole, end) = (place.start, Some(*kind), place.end + 1);
            }
            Some((place, kind @ (Hole::Number { .. } | Hole::Value { .. }))) if place.start == from => {
                (fixed, hole, end) = (from, Some(*kind), place.end);
            }
            next => {
                (hole, end) = (None, json.value(from, 0)?);
                if next.is_some_and(|(place, _)| place.start < end) {
                    let is_array = json.byte(from)? == b'[';
                    let inner = if is_array { json.blank(from + 1) } else { from };
                    fixed = json.blank(inner + 1) - 1;
                    before_next = json.byte(fixed)?;
                    next_in = u8::try_from(self.objects.len()).ok()?;
                    let after = self.object(inner, Some(object), is_array)?;
                    let after = if is_array { self.json.blank(after) + 1 } else { after };
                    // Another element, or something in the way.
                    if after != end {
                        return None;
                    }
                } else {
                    fixed = end;
                }
            }
        }
        let fixed = fixed - key;
        let fixed32 = u32::try_from(fixed).ok()?;
        let member = Member {
            head: pad(self.json.ahead(key).get(..fixed.min(HEAD))?),
            ignored: u32::MAX.checked_shl(fixed32).unwrap_or_default(),
            start: u32::try_from(key).ok()?,
            hole,
        };
        self.members.push((member, Step { fixed: fixed32, object, next_in, before_next }));
        Some(end)
    }
}

impl Member {
    /// Whether `here`, whose first bytes are `head`, begins with the `fixed` bytes that do not change.
    #[inline(always)]
    fn begins(&self, fixed: usize, head: &[u8; HEAD], here: &[u8], learned: &[u8]) -> bool {
        // Which of the bytes count is no branch, which would be mispredicted.
        let ([a, b], [c, d]) = (halves(head), halves(&self.head));
        let equal = a.xor(c).equal(0).high_bits() | b.xor(d).equal(0).high_bits() << 16;
        equal | self.ignored == u32::MAX && (fixed <= HEAD || self.goes_on(fixed, here, learned))
    }

    /// The same for what is longer.
    #[inline(never)]
    fn goes_on(&self, fixed: usize, here: &[u8], learned: &[u8]) -> bool {
        let start = self.start as usize;
        let learned = learned.get(start + HEAD..start + fixed);
        learned.zip(here.get(HEAD..fixed)).is_some_and(|(a, b)| same(a, b))
    }
}

#[inline(always)]
fn halves(bytes: &[u8; HEAD]) -> [Lanes; 2] {
    let halves = bytes.as_chunks::<16>().0;
    [Lanes::load(&halves[0]), Lanes::load(&halves[1])]
}

impl Hash {
    /// The slot that the member at `here` has if it is one of that object, by the eight bytes behind its first quote. `None`
    /// if there are fewer.
    // It is a part of the chain of steps, so it takes few operations: load, multiply, shift, xor.
    #[inline(always)]
    fn slot(self, here: &[u8], object: u8) -> Option<usize> {
        let [_, word @ ..] = *here.first_chunk::<9>()?;
        let hash = u64::from_le_bytes(word).wrapping_mul(self.multiplier) >> 58;
        // The same key in another object has another slot.
        Some(hash as usize ^ (usize::from(object) % MOST_OBJECTS))
    }
}

/// The bytes, with zeros behind them, which no JSON text has.
fn pad<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut padded = [0; N];
    padded.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    padded
}
