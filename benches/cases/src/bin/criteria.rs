//! Prints one JSON row per criterion: what was measured, what it may be, and how it was measured. Runs natively and
//! as a WASI program.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use serde_json::json;
use stream_cases::criteria::{self, Criterion};

/// Counts calls, and bytes that are in use.
struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: hands every call on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Relaxed);
        IN_USE.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        CALLS.fetch_add(1, Relaxed);
        IN_USE.fetch_add(size, Relaxed);
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn main() {
    let target = if cfg!(target_os = "wasi") { "wasm" } else { "native" };
    let rows = criteria::all(&|| CALLS.load(Relaxed), &|| IN_USE.load(Relaxed));
    for Criterion { name, figure, limit, unit, holds, how } in rows {
        println!(
            "{}",
            json!({
                "criterion": name, "target": target, "figure": figure, "limit": limit, "unit": unit, "holds": holds,
                "how": how,
            })
        );
    }
}
