//! Back-pressure between two tasks: one reads and decodes, the other takes the tokens.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::{BackpressureController, BackpressureLimits, BackpressureTimeout};

/// A [`BackpressureController`] that tasks share. Waiting for a permit is a future of any executor.
///
/// The reader awaits [`acquire`](Self::acquire) before each read and says by
/// [`delivered`](Self::delivered) how many tokens it gave; the consumer says by
/// [`release`](Self::release) how many it has taken, which wakes the reader.
///
/// ```
/// use std::future::pending;
///
/// use ai_completion::stream::{BackpressureLimits, SharedBackpressure};
/// use futures::executor::block_on;
///
/// let started = std::time::Instant::now();
/// let clock = move || started.elapsed().as_millis() as u64;
/// let limits = BackpressureLimits { min_permits: 1, max_permits: 1, ..BackpressureLimits::default() };
/// let reader = SharedBackpressure::new(limits, clock);
///
/// let size = block_on(reader.acquire(pending()))?; // nothing waits: at once
/// reader.delivered(size, 1); // one token of that many bytes, the only permit
///
/// let consumer = reader.clone();
/// let thread = std::thread::spawn(move || consumer.release(1));
/// block_on(reader.acquire(pending()))?; // waits until the consumer has taken it
/// thread.join().expect("it does not panic");
///
/// // A time-out is any future, such as a timer of the executor.
/// reader.delivered(size, 1);
/// let timeout = block_on(reader.acquire(async {})).expect_err("nobody takes the token");
/// assert_eq!(timeout.waiting, 1);
/// # Ok::<(), ai_completion::stream::BackpressureTimeout>(())
/// ```
#[derive(Clone)]
pub struct SharedBackpressure {
    clock: Arc<dyn Fn() -> u64 + Send + Sync>,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    control: BackpressureController,
    waiting: Vec<Waker>,
}

impl SharedBackpressure {
    /// A controller of these limits. `clock` gives milliseconds from any origin; it is what the permits
    /// adapt by.
    pub fn new(limits: BackpressureLimits, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        let shared = Shared { control: BackpressureController::new(limits), waiting: Vec::new() };
        Self { clock: Arc::new(clock), shared: Arc::new(Mutex::new(shared)) }
    }

    /// Waits until something may be read, and says how many bytes; see
    /// [`BackpressureController::acquire`]. Dropping the future changes nothing.
    ///
    /// # Errors
    /// [`BackpressureTimeout`] when `timeout` is over before the consumer has taken enough, or when it has
    /// taken nothing for the `timeout_ms` of the limits.
    pub fn acquire<T: Future<Output = ()>>(&self, timeout: T) -> Acquire<'_, T> {
        Acquire { backpressure: self, started_ms: None, timeout }
    }

    /// A read of `bytes` gave the consumer `tokens` more.
    pub fn delivered(&self, bytes: usize, tokens: usize) {
        let now_ms = (self.clock)();
        self.lock().control.delivered(bytes, tokens, now_ms);
    }

    /// The consumer has taken `tokens` of those that wait.
    pub fn release(&self, tokens: usize) {
        let now_ms = (self.clock)();
        let woken = {
            let mut shared = self.lock();
            shared.control.release(tokens, now_ms);
            std::mem::take(&mut shared.waiting)
        };
        // Without the lock: a waker may poll at once.
        woken.into_iter().for_each(Waker::wake);
    }

    /// How many tokens may wait now.
    pub fn permits(&self) -> u32 {
        self.lock().control.permits()
    }

    /// How many tokens wait for the consumer.
    pub fn waiting(&self) -> u64 {
        self.lock().control.waiting()
    }

    /// A panic elsewhere leaves the numbers as they are: none of them is half written.
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SharedBackpressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedBackpressure").field("shared", &self.shared).finish_non_exhaustive()
    }
}

pin_project! {
    /// The wait for a permit. See [`SharedBackpressure::acquire`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Acquire<'b, T> {
        backpressure: &'b SharedBackpressure,
        started_ms: Option<u64>,
        #[pin]
        timeout: T,
    }
}

impl<T: Future<Output = ()>> Future for Acquire<'_, T> {
    type Output = Result<usize, BackpressureTimeout>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let now_ms = (this.backpressure.clock)();
        let started_ms = *this.started_ms.get_or_insert(now_ms);
        let mut shared = this.backpressure.lock();
        match shared.control.acquire(now_ms) {
            Ok(Some(size)) => return Poll::Ready(Ok(size)),
            Ok(None) => {}
            Err(timeout) => return Poll::Ready(Err(timeout)),
        }
        if !shared.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            shared.waiting.push(cx.waker().clone());
        }
        let waiting = shared.control.waiting();
        drop(shared);
        this.timeout
            .poll(cx)
            .map(|()| Err(BackpressureTimeout { waited_ms: now_ms.saturating_sub(started_ms), waiting }))
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
    use std::task::Wake;

    use super::*;

    const ONE: BackpressureLimits = BackpressureLimits {
        first_permits: 1,
        min_permits: 1,
        max_permits: 1,
        target_ms: 100,
        timeout_ms: 1_000,
    };

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    fn at_zero() -> SharedBackpressure {
        SharedBackpressure::new(ONE, || 0)
    }

    fn poll<T: Future<Output = ()>>(
        acquire: &mut Pin<Box<Acquire<'_, T>>>,
        waker: &Waker,
    ) -> Poll<Result<usize, BackpressureTimeout>> {
        acquire.as_mut().poll(&mut Context::from_waker(waker))
    }

    #[test]
    fn a_released_token_wakes_the_reader_once() {
        let backpressure = at_zero();
        backpressure.delivered(100, 2);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut acquire = Box::pin(backpressure.acquire(pending()));
        for _ in 0..3 {
            assert!(poll(&mut acquire, &waker).is_pending());
        }
        backpressure.release(1);
        assert_eq!(woken.0.load(Relaxed), 1);
        assert!(poll(&mut acquire, &waker).is_pending(), "one token still has the only permit");
        backpressure.release(1);
        assert_eq!(woken.0.load(Relaxed), 2);
        assert_eq!(poll(&mut acquire, &waker), Poll::Ready(Ok(1 << 10)));
    }

    #[test]
    fn the_wait_ends_by_the_callers_time_out_or_by_the_limit() {
        let clock = Arc::new(AtomicU64::new(0));
        let now = Arc::clone(&clock);
        let backpressure = SharedBackpressure::new(ONE, move || now.load(Relaxed));
        backpressure.delivered(100, 1);
        let timeout = |waited_ms| Poll::Ready(Err(BackpressureTimeout { waited_ms, waiting: 1 }));
        let waker = Waker::noop();
        assert_eq!(poll(&mut Box::pin(backpressure.acquire(ready(()))), waker), timeout(0));
        let mut acquire = Box::pin(backpressure.acquire(pending()));
        assert!(poll(&mut acquire, waker).is_pending());
        clock.store(1_000, Relaxed);
        assert_eq!(poll(&mut acquire, waker), timeout(1_000));
    }

    #[test]
    fn a_free_permit_comes_before_the_time_out_and_a_dropped_wait_changes_nothing() {
        let backpressure = at_zero();
        assert!(poll(&mut Box::pin(backpressure.acquire(ready(()))), Waker::noop()).is_ready());
        backpressure.delivered(100, 1);
        assert!(poll(&mut Box::pin(backpressure.acquire(pending())), Waker::noop()).is_pending());
        assert_eq!((backpressure.waiting(), backpressure.permits()), (1, 1));
        backpressure.release(1);
        assert!(poll(&mut Box::pin(backpressure.acquire(pending())), Waker::noop()).is_ready());
    }
}
