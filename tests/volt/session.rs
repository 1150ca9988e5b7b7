//! A stretch of real editing in real time. How often the ghost is there, and how often the model is asked, is tested in
//! made-up time, where it does not depend on the machine; what a key costs is measured by `cargo volt session`.

use std::time::Duration;

use volt_host::typist::{self, Typist};

use crate::stage::{Stage, Turn, setup};

/// How long the user writes.
const LENGTH: Duration = Duration::from_secs(20);
/// How long the model thinks.
const LATENCY: Duration = Duration::from_millis(300);

#[test]
fn a_stretch_of_editing_is_helped_and_never_disturbed() {
    let server = typist::server(LATENCY).unwrap();
    let setup = setup("ollama", &server.url()).setting("fim", "suffix").setting("speculative", "off");
    let mut stage = Stage::new(Turn::alone(), server, setup);
    stage.open("src/rooms.py", "python", "|");
    let mut typist = Typist::new(&typist::plan(), 0x5EED);
    let server = &stage.server;
    typist.write(&mut stage.lapce, LENGTH, || false, || server.exchanges().len());
    stage.settle();

    let measures = typist.measures();
    let told = format!("{measures:?}, {} requests", stage.requests());
    println!("{told}");
    assert!(measures.pauses > 0 && measures.fitting_keys > 0 && measures.accepted > 0, "{told}");
    assert!(measures.fitting_keys_without_request * 2 >= measures.fitting_keys, "{told}");
    stage.finish();
}
