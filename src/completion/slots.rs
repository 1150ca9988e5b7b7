//! Requests of the editor that were not answered yet: each is one push to the screen.
//!
//! Lapce applies the answer of an old request as gladly as that of the newest, so every key typed
//! before a pause is worth one drawing of the growing text. Each request is answered once, ever.

use super::events::RequestId;

/// More old requests than this are of no use for one answer; the oldest is let go.
const MOST: usize = 8;

/// Unanswered requests, oldest first.
#[derive(Debug, Default)]
pub struct Slots {
    open: Vec<RequestId>,
}

impl Slots {
    /// Takes the newest request. Returns one that must be answered now, with nothing, to make room.
    #[must_use]
    pub fn push(&mut self, id: RequestId) -> Option<RequestId> {
        self.open.push(id);
        (self.open.len() > MOST).then(|| self.open.remove(0))
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Spends the oldest request, if another remains after it.
    pub fn spend_old(&mut self) -> Option<RequestId> {
        (self.open.len() > 1).then(|| self.open.remove(0))
    }

    /// Spends the oldest request, be it the only one.
    pub fn spend_oldest(&mut self) -> Option<RequestId> {
        (!self.open.is_empty()).then(|| self.open.remove(0))
    }

    /// Spends the newest request.
    pub fn spend_newest(&mut self) -> Option<RequestId> {
        self.open.pop()
    }
}
