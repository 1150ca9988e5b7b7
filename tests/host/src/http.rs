//! `wasi_experimental_http`: the HTTP client Lapce offers its guests. It answers when the whole body is there.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::{AsContext, AsContextMut, Caller, Extern, Linker, Memory};

/// The longest a request may take, body included (the default of Lapce's client).
const LIMIT: Duration = Duration::from_secs(30);
/// Open responses per volt.
const SESSIONS: usize = 100;

/// The error numbers of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Error {
    InvalidHandle = 1,
    MemoryNotFound = 2,
    MemoryAccess = 3,
    BufferTooSmall = 4,
    HeaderNotFound = 5,
    Utf8 = 6,
    InvalidEncoding = 9,
    InvalidUrl = 10,
    Request = 11,
    TooManySessions = 13,
}

type Result<T> = std::result::Result<T, Error>;

struct Response {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    read: usize,
}

#[derive(Default)]
struct Sessions {
    open: HashMap<u32, Response>,
    next: u32,
}

type Shared = Arc<Mutex<Sessions>>;

/// Adds the five imports.
pub(crate) fn add_to_linker<T: 'static>(linker: &mut Linker<T>) -> anyhow::Result<()> {
    let module = "wasi_experimental_http";
    let sessions = Shared::default();
    let agent = ureq::AgentBuilder::new().timeout(LIMIT).redirects(10).build();

    let shared = sessions.clone();
    linker.func_wrap(module, "close", move |handle: u32| -> u32 {
        lock(&shared).open.remove(&handle);
        0
    })?;

    let shared = sessions.clone();
    linker.func_wrap(
        module,
        "body_read",
        move |mut caller: Caller<'_, T>, handle: u32, at: u32, len: u32, written: u32| {
            code(body_read(&shared, &mut caller, handle, (at, len), written))
        },
    )?;

    let shared = sessions.clone();
    linker.func_wrap(
        module,
        "header_get",
        move |mut caller: Caller<'_, T>,
              handle: u32,
              name: u32,
              name_len: u32,
              at: u32,
              len: u32,
              written: u32| {
            code(header_get(&shared, &mut caller, handle, (name, name_len), (at, len), written))
        },
    )?;

    let shared = sessions.clone();
    linker.func_wrap(
        module,
        "headers_get_all",
        move |mut caller: Caller<'_, T>, handle: u32, at: u32, len: u32, written: u32| {
            code(headers_get_all(&shared, &mut caller, handle, (at, len), written))
        },
    )?;

    linker.func_wrap(
        module,
        "req",
        move |mut caller: Caller<'_, T>,
              url: u32,
              url_len: u32,
              method: u32,
              method_len: u32,
              headers: u32,
              headers_len: u32,
              body: u32,
              body_len: u32,
              status: u32,
              handle: u32| {
            let parts = [(url, url_len), (method, method_len), (headers, headers_len), (body, body_len)];
            code(req(&sessions, &agent, &mut caller, parts, (status, handle)))
        },
    )?;
    Ok(())
}

fn code(result: Result<()>) -> u32 {
    result.err().map_or(0, |error| error as u32)
}

fn lock(shared: &Shared) -> std::sync::MutexGuard<'_, Sessions> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn req<T>(
    shared: &Shared,
    agent: &ureq::Agent,
    caller: &mut Caller<'_, T>,
    [url, method, headers, body]: [(u32, u32); 4],
    (status_at, handle_at): (u32, u32),
) -> Result<()> {
    let memory = memory(caller)?;
    if lock(shared).open.len() >= SESSIONS {
        return Err(Error::TooManySessions);
    }
    let url = text(caller, memory, url)?;
    let method = text(caller, memory, method)?;
    let body = bytes(caller, memory, body)?;
    let mut request = agent.request(&method, &url);
    request.request_url().map_err(|_| Error::InvalidUrl)?;
    for line in text(caller, memory, headers)?.lines() {
        let (name, value) = line.split_once(':').ok_or(Error::InvalidEncoding)?;
        request = request.set(name, value);
    }
    let response = match request.send_bytes(&body) {
        Ok(response) | Err(ureq::Error::Status(_, response)) => response,
        Err(ureq::Error::Transport(_)) => return Err(Error::Request),
    };
    let status = response.status();
    let mut headers = Vec::new();
    for name in response.headers_names() {
        headers.extend(response.all(&name).into_iter().map(|value| (name.clone(), value.to_owned())));
    }
    let mut body = Vec::new();
    response.into_reader().read_to_end(&mut body).map_err(|_| Error::Request)?;

    let handle = {
        let mut sessions = lock(shared);
        while sessions.open.contains_key(&sessions.next) {
            sessions.next = sessions.next.wrapping_add(1);
        }
        let handle = sessions.next;
        sessions.open.insert(handle, Response { headers, body, read: 0 });
        handle
    };
    write(caller, memory, status_at, &status.to_le_bytes())?;
    write(caller, memory, handle_at, &handle.to_le_bytes())
}

/// (With a handle that is not open, Lapce itself would panic here.)
fn body_read<T>(
    shared: &Shared,
    caller: &mut Caller<'_, T>,
    handle: u32,
    (at, len): (u32, u32),
    written: u32,
) -> Result<()> {
    let memory = memory(caller)?;
    let mut sessions = lock(shared);
    let response = sessions.open.get_mut(&handle).ok_or(Error::InvalidHandle)?;
    let rest = response.body.get(response.read..).unwrap_or_default();
    let part = rest.get(..len as usize).unwrap_or(rest);
    write(caller, memory, at, part)?;
    write(caller, memory, written, &(part.len() as u32).to_le_bytes())?;
    response.read += part.len();
    Ok(())
}

fn header_get<T>(
    shared: &Shared,
    caller: &mut Caller<'_, T>,
    handle: u32,
    name: (u32, u32),
    buffer: (u32, u32),
    written: u32,
) -> Result<()> {
    let memory = memory(caller)?;
    let sessions = lock(shared);
    let response = sessions.open.get(&handle).ok_or(Error::InvalidHandle)?;
    let name = text(caller, memory, name)?.to_ascii_lowercase();
    let (_, value) =
        response.headers.iter().find(|(header, _)| *header == name).ok_or(Error::HeaderNotFound)?;
    fill(caller, memory, buffer, written, value)
}

fn headers_get_all<T>(
    shared: &Shared,
    caller: &mut Caller<'_, T>,
    handle: u32,
    buffer: (u32, u32),
    written: u32,
) -> Result<()> {
    let memory = memory(caller)?;
    let sessions = lock(shared);
    let response = sessions.open.get(&handle).ok_or(Error::InvalidHandle)?;
    let all: String = response.headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    fill(caller, memory, buffer, written, &all)
}

fn fill<T>(
    caller: &mut Caller<'_, T>,
    memory: Memory,
    (at, len): (u32, u32),
    written: u32,
    value: &str,
) -> Result<()> {
    if value.len() > len as usize {
        return Err(Error::BufferTooSmall);
    }
    write(caller, memory, at, value.as_bytes())?;
    write(caller, memory, written, &(value.len() as u32).to_le_bytes())
}

fn memory<T>(caller: &mut Caller<'_, T>) -> Result<Memory> {
    caller.get_export("memory").and_then(Extern::into_memory).ok_or(Error::MemoryNotFound)
}

fn bytes<T>(caller: &Caller<'_, T>, memory: Memory, (at, len): (u32, u32)) -> Result<Vec<u8>> {
    let data = memory.data(caller.as_context());
    let end = (at as usize).checked_add(len as usize).ok_or(Error::BufferTooSmall)?;
    data.get(at as usize..end).map(<[u8]>::to_vec).ok_or(Error::BufferTooSmall)
}

fn text<T>(caller: &Caller<'_, T>, memory: Memory, range: (u32, u32)) -> Result<String> {
    String::from_utf8(bytes(caller, memory, range)?).map_err(|_| Error::Utf8)
}

fn write<T>(caller: &mut Caller<'_, T>, memory: Memory, at: u32, data: &[u8]) -> Result<()> {
    memory.write(caller.as_context_mut(), at as usize, data).map_err(|_| Error::MemoryAccess)
}
