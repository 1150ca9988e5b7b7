//! The volt: Lapce calls `handle_rpc` once for every message; `main` is never called.

#[cfg(target_os = "wasi")]
mod volt {
    use std::cell::RefCell;
    use std::fs;
    use std::time::{Duration, Instant, SystemTime};

    use ai_completion::lapce::host::{self, Lapce};
    use ai_completion::lapce::plugin::{Plugin, Surroundings};
    use ai_completion::transport::{Home, LapceHost, Network, Options};

    /// In the volt's folder.
    const LEDGER: &str = "/servers";

    struct Sandbox {
        start: Instant,
    }

    impl Surroundings for Sandbox {
        type Transport = Network<LapceHost>;

        fn transport(&self, options: &Options) -> Self::Transport {
            Network::new(LapceHost { execute: host::execute }, Home::from_env(), options.clone())
        }

        fn now(&self) -> Duration {
            self.start.elapsed()
        }

        fn unix_time(&self) -> u64 {
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
        }

        fn variable(&self, name: &str) -> Option<String> {
            std::env::var(name).ok()
        }

        fn kept(&self) -> Option<String> {
            fs::read_to_string(LEDGER).ok()
        }

        fn keep(&self, text: &str) {
            // Where nothing can be written, nothing is remembered.
            let _ = fs::write(LEDGER, text);
        }
    }

    struct State {
        plugin: Plugin<Lapce, Sandbox>,
        line: Vec<u8>,
    }

    thread_local! {
        /// Taken out while a message is handled: should that end in a trap, which the host survives,
        /// the next message finds a new plugin instead of one in an unknown state.
        static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
    }

    #[unsafe(no_mangle)]
    extern "C" fn handle_rpc() {
        let mut state = STATE.take().unwrap_or_else(|| State {
            plugin: Plugin::new(Lapce, Sandbox { start: Instant::now() }),
            line: Vec::new(),
        });
        // Usually one; more when an earlier call ended before it had read its own.
        while host::read_line(&mut state.line) {
            state.plugin.handle(&state.line);
        }
        STATE.set(Some(state));
    }
}

fn main() {}
