//! Any JSON in place of the settings: no panic, and the same settings and problems each time.

#![no_main]

use ai_completion::config::Settings;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let Ok(options) = serde_json::from_slice::<Value>(input) else { return };
    let (settings, problems) = Settings::read(&options);
    let (again, problems_again) = Settings::read(&options);
    assert_eq!(format!("{settings:?} {problems:?}"), format!("{again:?} {problems_again:?}"));
});
