//! What is read from frames: values as they stand there, and arrays.

use std::borrow::Cow;
use std::ops::Deref;

use super::{Read, Scanner, unescape};

/// A JSON value as it stands in the frame; the default is one that is not there.
///
/// ```
/// use json::Raw;
///
/// let list: Raw<'_> = json::from_str(r#"["one", 2, null]"#)?;
/// let mut numbers = Vec::new();
/// list.each(|element: Raw<'_>| numbers.push(element.number()));
/// assert_eq!(numbers, [None, Some(2), None]);
/// # Ok::<(), json::NotJson>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Raw<'a>(Option<&'a str>);

impl<'a> Raw<'a> {
    /// The value that `json` is, of which it is known that it is one.
    #[inline]
    pub(crate) fn of(json: &'a str) -> Self {
        Self(Some(json))
    }

    /// Its JSON text; empty when it is not there.
    pub fn json(self) -> &'a str {
        self.0.unwrap_or_default()
    }

    /// Whether it is there and says something: not `null`, `false`, `""`, `{}` or `[]`. Servers write
    /// all of these for "no error".
    pub fn is_given(self) -> bool {
        match self.json().as_bytes() {
            b"" => false,
            // Longer than any of them.
            [_, _, _, _, _, _, ..] => true,
            json => !matches!(json, b"null" | b"false" | b"\"\"" | b"{}" | b"[]"),
        }
    }

    /// The whole number it is.
    pub fn number(self) -> Option<u64> {
        let digits = self.json().as_bytes();
        if digits.is_empty() {
            return None;
        }
        digits.iter().try_fold(0u64, |number, byte| {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            number.checked_mul(10)?.checked_add(u64::from(digit))
        })
    }

    /// The string it is, borrowed from the frame, or from `scratch` when it has escapes.
    pub fn str<'s>(self, scratch: &'s mut String) -> Option<&'s str>
    where
        'a: 's,
    {
        let inner = self.json().strip_prefix('"')?.strip_suffix('"')?;
        if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
            return Some(inner);
        }
        scratch.clear();
        unescape(inner, scratch);
        Some(scratch)
    }

    /// As [`str`](Self::str), as a piece of an answer; `None` when it is empty.
    pub fn piece<'s>(self, scratch: &'s mut String) -> Option<Cow<'s, str>>
    where
        'a: 's,
    {
        self.str(scratch).filter(|text| !text.is_empty()).map(Cow::Borrowed)
    }

    /// The string it is; allocates when it has escapes.
    pub fn cow(self) -> Option<Cow<'a, str>> {
        let inner = self.json().strip_prefix('"')?.strip_suffix('"')?;
        if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
            return Some(Cow::Borrowed(inner));
        }
        let mut text = String::with_capacity(inner.len());
        unescape(inner, &mut text);
        Some(Cow::Owned(text))
    }

    /// Reads it as `T`; the default when it is not one.
    pub fn read<T: Read<'a>>(self) -> T {
        let mut value = T::default();
        value.read(&mut Scanner::new(self.json()));
        value
    }

    /// Reads each element of the array it is as `T`, and hands it to `element` before the next one is
    /// read; however many they are, nothing is allocated. Whatever is no array has none.
    pub fn each<T: Read<'a>>(self, mut element: impl FnMut(T)) {
        Scanner::new(self.json()).array(&mut |json| {
            let mut value = T::default();
            value.read(json);
            element(value);
        });
    }
}

impl<'a> Read<'a> for Raw<'a> {
    const RAW: bool = true;

    fn clear(&mut self) {
        self.0 = None;
    }

    fn read(&mut self, json: &mut Scanner<'a>) {
        self.0 = json.value();
    }

    #[inline(always)]
    fn set(&mut self, raw: Self) {
        *self = raw;
    }
}

/// A value that may be an object.
#[derive(Debug, Default)]
pub struct Object<T> {
    value: T,
    is_there: bool,
}

impl<T> Object<T> {
    /// The object; `None` when it is not there or something else is.
    pub fn get(&self) -> Option<&T> {
        self.is_there.then_some(&self.value)
    }
}

impl<'a, T: Read<'a>> Read<'a> for Object<T> {
    fn clear(&mut self) {
        self.value.clear();
        self.is_there = false;
    }

    fn read(&mut self, json: &mut Scanner<'a>) {
        self.is_there = json.is_at_object();
        self.value.read(json);
    }
}

/// The elements of an array that nearly always has none or one. That one is kept; what is behind it is
/// read again when it is asked for, so that nothing allocates however many there are. Whatever is no array
/// counts as an empty one.
#[derive(Debug)]
pub struct Few<'a, T> {
    first: T,
    is_empty: bool,
    /// The JSON text from the second element on.
    rest: &'a str,
}

/// An element of [`Few`].
#[derive(Debug)]
pub enum Element<'f, T> {
    /// The first.
    Kept(&'f T),
    /// Any other.
    Read(T),
}

impl<T> Deref for Element<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Kept(element) => element,
            Self::Read(element) => element,
        }
    }
}

impl<'a, T: Read<'a>> Few<'a, T> {
    /// The elements, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Element<'_, T>> {
        let first = (!self.is_empty).then_some(&self.first);
        Elements { first, rest: Scanner::new(self.rest) }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }
}

/// The elements of [`Few`], one after the other.
struct Elements<'f, 'a, T> {
    first: Option<&'f T>,
    rest: Scanner<'a>,
}

impl<'f, 'a, T: Read<'a>> Iterator for Elements<'f, 'a, T> {
    type Item = Element<'f, T>;

    fn next(&mut self) -> Option<Element<'f, T>> {
        if let Some(first) = self.first.take() {
            return Some(Element::Kept(first));
        }
        self.rest.next_element().then(|| {
            let mut element = T::default();
            element.read(&mut self.rest);
            Element::Read(element)
        })
    }
}

impl<T: Default> Default for Few<'_, T> {
    // Inlined, so that it is made in its place.
    #[inline(always)]
    fn default() -> Self {
        Self { first: T::default(), is_empty: true, rest: "" }
    }
}

impl<'a, T: Read<'a>> Read<'a> for Few<'a, T> {
    fn clear(&mut self) {
        self.first.clear();
        self.is_empty = true;
        self.rest = "";
    }

    fn read(&mut self, json: &mut Scanner<'a>) {
        json.array(&mut |json| {
            if std::mem::take(&mut self.is_empty) {
                return self.first.read(json);
            }
            if self.rest.is_empty() {
                self.rest = json.ahead();
            }
            // For what it passes over.
            T::default().read(json);
        });
    }
}
