//! Requests of the editor that were not answered yet: each is one update of the screen.
//!
//! Lapce applies the answer to an old request like that to the newest, so every key typed before a pause allows
//! one update of the growing text. Each request is answered at most once.

use crate::completion::io::RequestId;

/// Most requests that are kept open; beyond that, the oldest is answered. Unused ones stay open, because each key
/// brings one, but a key that contradicts a ghost needs two: to clear it and to draw the next.
pub const MOST: usize = 8;

/// Unanswered requests, oldest first. All are of one document.
#[derive(Debug, Default)]
pub struct OpenRequests {
    open: Vec<RequestId>,
    /// The newest request was neither answered nor used yet. Older ones are kept to show something later.
    is_due: bool,
}

impl OpenRequests {
    /// Adds the newest request. Returns one that must be answered with nothing now, to make room.
    #[must_use]
    pub fn push(&mut self, id: RequestId) -> Option<RequestId> {
        self.open.push(id);
        self.is_due = true;
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

    /// Takes the oldest request, if another remains after it.
    pub fn take_spare(&mut self) -> Option<RequestId> {
        (self.open.len() > 1).then(|| self.open.remove(0))
    }

    /// Takes the oldest request, even if it is the only one.
    pub fn take_oldest(&mut self) -> Option<RequestId> {
        (!self.open.is_empty()).then(|| self.open.remove(0))
    }

    /// Takes the newest request.
    pub fn take_newest(&mut self) -> Option<RequestId> {
        self.is_due = false;
        self.open.pop()
    }

    /// Takes the newest request, unless one was taken as the newest since it came.
    pub fn take_due(&mut self) -> Option<RequestId> {
        std::mem::take(&mut self.is_due).then(|| self.open.pop()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn id(number: u64) -> Option<RequestId> {
        Some(RequestId(number))
    }

    /// Requests 1 to `count`.
    fn open(count: u64) -> OpenRequests {
        let mut requests = OpenRequests::default();
        for number in 1..=count {
            assert_eq!(requests.push(RequestId(number)), None);
        }
        requests
    }

    #[test]
    fn a_request_beyond_the_most_makes_the_oldest_go() {
        let mut requests = open(MOST as u64);
        assert_eq!(requests.push(RequestId(9)), id(1));
        assert_eq!(requests.push(RequestId(10)), id(2));
        assert_eq!(requests.len(), MOST);
    }

    #[test]
    fn each_request_is_taken_once_by_its_age() {
        type Take = fn(&mut OpenRequests) -> Option<RequestId>;
        const OLDEST: Take = OpenRequests::take_oldest;
        const NEWEST: Take = OpenRequests::take_newest;
        const SPARE: Take = OpenRequests::take_spare;
        const DUE: Take = OpenRequests::take_due;
        for (count, takes) in [
            (0, &[(OLDEST, None), (NEWEST, None), (SPARE, None), (DUE, None)][..]),
            (2, &[(OLDEST, id(1)), (OLDEST, id(2)), (OLDEST, None)]),
            (2, &[(NEWEST, id(2)), (NEWEST, id(1)), (NEWEST, None)]),
            // The last one is not spare.
            (3, &[(SPARE, id(1)), (SPARE, id(2)), (SPARE, None), (OLDEST, id(3))]),
            // Something is said to the newest once, however it is taken.
            (2, &[(DUE, id(2)), (DUE, None), (OLDEST, id(1))]),
            (2, &[(NEWEST, id(2)), (DUE, None)]),
            (2, &[(OLDEST, id(1)), (DUE, id(2))]),
        ] {
            let mut requests = open(count);
            assert_eq!(requests.is_empty(), count == 0);
            for (at, (take, expected)) in takes.iter().enumerate() {
                assert_eq!(take(&mut requests), *expected, "take {at} of {count}");
            }
        }
    }
}
