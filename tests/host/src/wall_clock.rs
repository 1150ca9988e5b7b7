//! The wall clock that a volt sees, which may leap. Its monotonic clock is the machine's and never does.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cap_std::time::{Duration, SystemTime};
use wasi_common::WasiSystemClock;
use wasmtime_wasi::ambient_authority;
use wasmtime_wasi::clocks::SystemClock;

/// How far it is ahead of the machine's, in seconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lead(Arc<AtomicI64>);

impl Lead {
    /// Sets the clock forth by these seconds, or back.
    pub fn leap(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

/// The machine's clock with a lead.
pub(crate) struct WallClock {
    machine: SystemClock,
    lead: Lead,
}

impl WallClock {
    pub fn new(lead: Lead) -> WallClock {
        WallClock { machine: SystemClock::new(ambient_authority()), lead }
    }
}

impl WasiSystemClock for WallClock {
    fn resolution(&self) -> Duration {
        self.machine.resolution()
    }

    fn now(&self, precision: Duration) -> SystemTime {
        let (now, lead) = (self.machine.now(precision), self.lead.0.load(Ordering::Relaxed));
        let ahead = Duration::from_secs(lead.unsigned_abs());
        let leapt = if lead < 0 { now.checked_sub(ahead) } else { now.checked_add(ahead) };
        leapt.unwrap_or(now)
    }
}
