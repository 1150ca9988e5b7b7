//! The volt: Lapce calls `handle_rpc` once for every message; `main` is never called.

#[cfg(target_os = "wasi")]
mod volt {
    use std::cell::RefCell;
    use std::fs::{self, OpenOptions};
    use std::io::Write;
    use std::path::Path;
    use std::time::{Duration, Instant, SystemTime};

    use ai_completion::config::{CONTENT_FILTER, GREETED, LEARNED, STATISTICS, TRUSTED_SERVERS};
    use ai_completion::lapce::driver::{Driver, Environment};
    use ai_completion::lapce::host::{self, Lapce};
    use ai_completion::provider::key::{COMMAND, COMMAND_FILE};
    use ai_completion::transport::{Client, Home, LapceHost, Options, text_of};

    struct Sandbox {
        start: Instant,
    }

    impl Environment for Sandbox {
        type Transport = Client<LapceHost>;

        fn transport(&self, options: &Options) -> Self::Transport {
            let host = LapceHost {
                execute: host::execute,
                start_language_server: host::start_language_server,
                send_lsp_request: host::send_lsp_request,
            };
            Client::new(host, Home::from_env(), options.clone())
        }

        fn now(&self) -> Duration {
            self.start.elapsed()
        }

        fn unix_time(&self) -> u64 {
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
        }

        fn variable(&self, name: &str) -> Option<String> {
            let set = std::env::var(name).ok();
            set.or_else(|| (name == COMMAND).then(|| text_of(Path::new(&lasting(COMMAND_FILE)))).flatten())
        }

        fn trusted_servers(&self) -> String {
            kept(TRUSTED_SERVERS)
        }

        fn trust(&self, line: &str) -> bool {
            if !is_writable() {
                return false;
            }
            let file = OpenOptions::new().create(true).append(true).open(lasting(TRUSTED_SERVERS));
            // In one write: another window may be adding a line too.
            file.is_ok_and(|mut file| file.write_all(format!("{line}\n").as_bytes()).is_ok())
        }

        fn learned(&self) -> String {
            kept(LEARNED)
        }

        fn keep_learned(&self, text: &str) {
            // If that fails, the next session learns it again.
            keep(LEARNED, text);
        }

        fn statistics(&self) -> String {
            kept(STATISTICS)
        }

        fn keep_statistics(&self, text: &str) {
            // If that fails, the counts are lost.
            keep(STATISTICS, text);
        }

        fn greet(&self) -> bool {
            let path = lasting(GREETED);
            fs::metadata(&path).is_err()
                && is_writable()
                && OpenOptions::new().write(true).create_new(true).open(path).is_ok()
        }

        fn kept_filter(&self) -> String {
            kept(CONTENT_FILTER)
        }

        fn keep_filter(&self, text: &str) {
            // If that fails, an open folder's settings can remove patterns.
            keep(CONTENT_FILTER, text);
        }
    }

    /// The sandbox's root is the volt's folder.
    fn lasting(file: &str) -> String {
        ["/", file].concat()
    }

    /// The text of a file in the volt's folder; empty when there is none.
    #[inline(never)]
    fn kept(file: &str) -> String {
        text_of(Path::new(&lasting(file))).unwrap_or_default()
    }

    /// Writes a file of the volt's folder. Callers must not depend on it.
    #[inline(never)]
    fn keep(file: &str, text: &str) {
        if is_writable() {
            let _ = fs::write(lasting(file), text);
        }
    }

    fn is_writable() -> bool {
        Home::from_env().is_none_or(|home| home.is_writable(host::execute))
    }

    struct State {
        driver: Driver<Lapce, Sandbox>,
        line: Vec<u8>,
    }

    thread_local! {
        /// Taken out while a message is handled: if that traps, which the host survives, the next message gets a new
        /// driver, not one in an unknown state.
        static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
        /// The message that set the plugin up. Lapce sends it once.
        static INITIALIZE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }

    #[unsafe(no_mangle)]
    extern "C" fn handle_rpc() {
        let mut state = STATE.take().unwrap_or_else(|| {
            let mut driver = Driver::new(Lapce, Sandbox { start: Instant::now() });
            INITIALIZE.with_borrow(|line| driver.resume(line));
            State { driver, line: Vec::new() }
        });
        // Usually one message; more if an earlier call trapped before it had read its own.
        while host::read_line(&mut state.line) {
            if state.driver.is_new() {
                INITIALIZE.with_borrow_mut(|line| line.clone_from(&state.line));
            }
            state.driver.handle(&state.line);
        }
        STATE.set(Some(state));
    }
}

fn main() {}
