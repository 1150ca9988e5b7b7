//! Ctrl-C and its like: what was started is cleaned up before the process ends.

use std::sync::atomic::{AtomicI32, Ordering};

use super::Failure;

/// The signal that came, 0 before.
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// From here on a first signal to end is only noted, for [`check`]; a second one ends the process at once.
#[cfg(unix)]
pub fn catch() {
    extern "C" fn note(signal: libc::c_int) {
        SIGNAL.store(signal, Ordering::Relaxed);
        // SAFETY: `signal` is safe to call in a signal handler, and so is what it sets.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let note: extern "C" fn(libc::c_int) = note;
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        // SAFETY: the handler only stores to an atomic and calls what may be called in a handler.
        unsafe { libc::signal(signal, note as libc::sighandler_t) };
    }
}

/// Elsewhere the process just ends.
#[cfg(not(unix))]
pub fn catch() {}

/// Fails when a signal has come since [`catch`].
pub fn check() -> Result<(), Failure> {
    match SIGNAL.load(Ordering::Relaxed) {
        0 => Ok(()),
        signal => Err(Failure::Interrupted(signal)),
    }
}
