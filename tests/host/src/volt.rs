//! One running volt: its wasm instance on a thread of its own, fed one message at a time, as in Lapce.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, anyhow};
use lsp_types::Url;
use wasi_common::pipe::{ReadPipe, WritePipe};
use wasi_common::{Table, WasiClocks, WasiCtx};
use wasmtime::{Engine, Linker, Module, Store, TypedFunc};
use wasmtime_wasi::clocks::MonotonicClock;
use wasmtime_wasi::{Dir, ambient_authority, dir, random_ctx, sched_ctx};

use crate::http;
use crate::process::Environment;
use crate::psp::{self, Plugin, Then};
use crate::wall_clock::{Lead, WallClock};
use crate::window::{Job, Window};

/// A volt's thread.
pub(crate) struct Volt {
    queue: Sender<Job>,
    ended: Receiver<()>,
    memory: Arc<AtomicUsize>,
    plugin: Arc<Plugin>,
}

/// Why the volt's thread ends in the middle of a message.
#[derive(Debug)]
struct Ended;

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the volt's thread has ended")
    }
}

impl std::error::Error for Ended {}

/// A compiled volt. Lapce compiles anew at every start; here one process compiles the same file once.
pub(crate) fn compile(wasm: &Path) -> anyhow::Result<Module> {
    type Compiled = HashMap<(PathBuf, SystemTime), Module>;
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    static MODULES: OnceLock<Mutex<Compiled>> = OnceLock::new();

    let changed = wasm.metadata().and_then(|data| data.modified());
    let key = (wasm.to_owned(), changed.with_context(|| wasm.display().to_string())?);
    let mut modules = MODULES.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = modules.get(&key) {
        return Ok(module.clone());
    }
    let module = Module::from_file(ENGINE.get_or_init(Engine::default), wasm)?;
    modules.insert(key, module.clone());
    Ok(module)
}

impl Volt {
    /// Instantiates a volt in its folder, with this lead of its wall clock, and starts its thread.
    pub fn start(module: &Module, folder: &Path, lead: Lead, plugin: Plugin) -> anyhow::Result<Volt> {
        let plugin = Arc::new(plugin);
        let window = plugin.window.clone();
        let [stdin, stdout, stderr] = std::array::from_fn(|_| Pipe::default());
        let wasi = wasi(folder, &plugin.environment, lead, [&stdin, &stdout, &stderr])?;
        let mut store = Store::new(module.engine(), wasi);
        let mut linker = Linker::new(module.engine());
        wasmtime_wasi::add_to_linker(&mut linker, |wasi| wasi)?;
        http::add_to_linker(&mut linker)?;

        let (speaker, reply) = (plugin.clone(), stdin.clone());
        linker.func_wrap("lapce", "host_handle_rpc", move || -> anyhow::Result<()> {
            // Lapce, too, drops what is not UTF-8.
            let Ok(message) = stdout.drain() else { return Ok(()) };
            match psp::hear(&speaker, &message) {
                Then::Continue => {}
                Then::Answer(line) => reply.push_line(&line),
                Then::End => return Err(Ended.into()),
            }
            Ok(())
        })?;
        let heard = window.clone();
        linker.func_wrap("lapce", "host_handle_stderr", move || {
            if let Ok(message) = stderr.drain() {
                heard.with(|state| state.editor.log("stderr", message));
            }
        })?;

        // Lapce does this, too, and starts no volt that cannot be linked so: one with exports of other kinds.
        linker.module(&mut store, "", module)?;
        let instance = linker.instantiate(&mut store, module)?;
        let handle_rpc = instance.get_typed_func::<(), ()>(&mut store, "handle_rpc")?;
        let memory = Arc::new(AtomicUsize::new(0));
        let (queue, jobs) = channel();
        let (end, ended) = channel();
        let mut guest = Guest { store, instance, handle_rpc, stdin, window, memory: memory.clone() };
        thread::Builder::new().name("volt".to_owned()).spawn(move || {
            guest.serve(&jobs);
            // What the guest has open is closed before its end is told.
            drop(guest);
            let _ = end.send(());
        })?;
        Ok(Volt { queue, ended, memory, plugin })
    }

    /// Where its messages go.
    pub fn queue(&self) -> Sender<Job> {
        self.queue.clone()
    }

    /// Stops listening to it, as Lapce does with a volt that is reloaded: its answers still count, its notifications
    /// do not, a request leaves it waiting for ever, and its language servers are killed.
    pub fn disconnect(&self) {
        self.plugin.disconnect();
    }

    /// Kills its language servers.
    pub fn kill_servers(&self) {
        self.plugin.kill_servers();
    }

    /// Bytes of its linear memory after the last message. Linear memory never shrinks, so this is the peak, too.
    pub fn memory(&self) -> usize {
        self.memory.load(Ordering::Relaxed)
    }

    /// Ends it after the messages it has; `false` when it is still busy after `limit`.
    pub fn shut_down(&self, limit: Duration) -> bool {
        self.queue.send(Job::Shutdown).is_err() || self.ended.recv_timeout(limit).is_ok()
    }
}

struct Guest {
    store: Store<WasiCtx>,
    instance: wasmtime::Instance,
    handle_rpc: TypedFunc<(), ()>,
    stdin: Pipe,
    window: Arc<Window>,
    memory: Arc<AtomicUsize>,
}

impl Guest {
    fn serve(&mut self, jobs: &Receiver<Job>) {
        while let Ok(Job::Message { line, index }) = jobs.recv() {
            let taken = Instant::now();
            self.window.with(|state| {
                if let Some(told) = state.evidence.told.get_mut(index) {
                    told.taken = Some(taken);
                }
            });
            self.stdin.push_line(&line);
            let before = worked();
            let trap = self.handle_rpc.call(&mut self.store, ()).err();
            let worked = worked().zip(before).map(|(now, before)| now.saturating_sub(before));
            let handled = Instant::now();
            if trap.as_ref().is_some_and(|trap| trap.is::<Ended>()) {
                return;
            }
            if let Some(memory) = self.instance.get_memory(&mut self.store, "memory") {
                self.memory.store(memory.data_size(&self.store), Ordering::Relaxed);
            }
            self.window.with(|state| {
                if let Some(told) = state.evidence.told.get_mut(index) {
                    told.handled = Some(handled);
                    told.worked = worked;
                }
                state.evidence.traps.extend(trap.map(|trap| format!("{trap:#}")));
            });
        }
    }
}

/// Processor time this thread has had so far.
#[cfg(unix)]
fn worked() -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes to what it is given, which lives across it.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?);
    (failed == 0).then(|| Duration::new(seconds, nanoseconds))
}

#[cfg(not(unix))]
fn worked() -> Option<Duration> {
    None
}

fn wasi(
    folder: &Path,
    environment: &Environment,
    lead: Lead,
    [stdin, stdout, stderr]: [&Pipe; 3],
) -> anyhow::Result<WasiCtx> {
    let uri = Url::from_directory_path(folder).map_err(|()| anyhow!("{} has no URL", folder.display()))?;
    let clocks = WasiClocks::new()
        .with_system(WallClock::new(lead))
        .with_monotonic(MonotonicClock::new(ambient_authority()));
    let mut wasi = WasiCtx::new(random_ctx(), clocks, sched_ctx(), Table::new());
    for (name, value) in environment.variables() {
        wasi.push_env(name, value)?;
    }
    wasi.push_env("VOLT_OS", std::env::consts::OS)?;
    wasi.push_env("VOLT_ARCH", std::env::consts::ARCH)?;
    wasi.push_env("VOLT_LIBC", libc())?;
    wasi.push_env("VOLT_URI", uri.as_str())?;
    wasi.set_stdin(Box::new(ReadPipe::from_shared(stdin.0.clone())));
    wasi.set_stdout(Box::new(WritePipe::from_shared(stdout.0.clone())));
    wasi.set_stderr(Box::new(WritePipe::from_shared(stderr.0.clone())));
    let folder = Dir::open_ambient_dir(folder, ambient_authority())?;
    wasi.push_preopened_dir(Box::new(dir::Dir::from_cap_std(folder)), "/")?;
    Ok(wasi)
}

/// Lapce asks `ldd` on Linux; elsewhere the variable is empty.
fn libc() -> &'static str {
    static LIBC: OnceLock<&str> = OnceLock::new();
    LIBC.get_or_init(|| {
        if !cfg!(target_os = "linux") {
            return "";
        }
        let output = std::process::Command::new("ldd").arg("--version").output();
        let musl = output.is_ok_and(|output| {
            let text = String::from_utf8_lossy(&output.stdout).to_lowercase();
            text.lines().next().is_some_and(|line| line.contains("musl"))
        });
        if musl { "musl" } else { "glibc" }
    })
}

/// A stream in memory: what is not read stays for the next read, and an empty one reads as its end.
#[derive(Clone, Default)]
struct Pipe(Arc<RwLock<Bytes>>);

#[derive(Default)]
struct Bytes(VecDeque<u8>);

impl Pipe {
    fn push_line(&self, line: &str) {
        let mut bytes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        bytes.0.extend(line.as_bytes());
        bytes.0.push_back(b'\n');
    }

    fn drain(&self) -> Result<String, std::string::FromUtf8Error> {
        let mut bytes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(bytes.0.drain(..).collect())
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Bytes {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
