//! The volt: Lapce calls `handle_rpc` once for every message; `main` is never called.

#[cfg(target_os = "wasi")]
mod volt {
    use std::cell::RefCell;
    use std::fs::{self, OpenOptions};
    use std::io::Write;
    use std::time::{Duration, Instant, SystemTime};

    use ai_completion::config::TRUSTED_SERVERS;
    use ai_completion::lapce::host::{self, Lapce};
    use ai_completion::lapce::plugin::{Plugin, Surroundings};
    use ai_completion::transport::{Home, LapceHost, Network, Options};

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

        fn trusted_servers(&self) -> String {
            fs::read_to_string(in_the_volts_folder()).unwrap_or_default()
        }

        fn trust(&self, line: &str) -> bool {
            let file = OpenOptions::new().create(true).append(true).open(in_the_volts_folder());
            // In one write: another window may be adding a line of its own.
            file.is_ok_and(|mut file| file.write_all(format!("{line}\n").as_bytes()).is_ok())
        }
    }

    /// The sandbox's root is the volt's folder.
    fn in_the_volts_folder() -> String {
        format!("/{TRUSTED_SERVERS}")
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
