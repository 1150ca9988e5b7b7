//! The sandbox's access to the machine: programs, the volt's folder, pipes, Lapce's HTTP client.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// The result of a program.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// Whether its exit code was 0.
    pub success: bool,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
}

/// A whole answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The volt's folder, as the machine sees it and as the sandbox sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Home {
    /// Its path on the machine.
    pub path: String,
    /// Its path in the sandbox.
    pub root: PathBuf,
    /// Whether the machine runs Windows, without `sh` and named pipes.
    pub windows: bool,
}

impl Home {
    /// From Lapce's `VOLT_URI` (a file URL) and `VOLT_OS`; `None` when the URL is not a local path.
    pub fn new(volt_uri: &str, volt_os: &str) -> Option<Self> {
        let windows = volt_os == "windows";
        let path = percent_decoded(volt_uri.strip_prefix("file://")?)?;
        let path = if windows { path.strip_prefix('/')?.replace('/', "\\") } else { path };
        let path = path.trim_end_matches(['/', '\\']);
        let absolute = if windows { path.get(1..3) == Some(":\\") } else { path.starts_with('/') };
        absolute.then(|| Self { path: path.to_owned(), root: PathBuf::from("/"), windows })
    }

    /// Whether files can be made in it, according to the shell that `execute` runs. Call it before writing: on a disk that is
    /// mounted read-only the attempt traps, because Lapce's WASI (wasi-common 14) cannot represent that error (EROFS).
    pub fn is_writable(&self, execute: impl FnOnce(&str, &[&str]) -> Result<Output, String>) -> bool {
        // On Windows a console window would flash up.
        self.windows || execute("sh", &["-c", "[ -w \"$0\" ]", &self.path]).map_or(true, |test| test.success)
    }
}

/// The text of a file; `None` when it cannot be read. The standard library's function sizes its buffer by the
/// file, which is more code in the wasm.
pub fn text_of(path: &Path) -> Option<String> {
    String::from_utf8(read_all(path, usize::MAX)?).ok()
}

/// The content of a file, up to `limit` bytes.
#[inline(never)]
pub(super) fn read_all(path: &Path, limit: usize) -> Option<Vec<u8>> {
    let mut file = File::open(path).ok()?;
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    while bytes.len() < limit {
        let room = part.len().min(limit - bytes.len());
        match file.read(part.get_mut(..room)?) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(part.get(..count)?),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    Some(bytes)
}

/// Decodes the `%XX` of a URL; `None` when the result is not UTF-8 or contains NUL.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok().filter(|path| !path.contains('\0'))
}

#[cfg(target_os = "wasi")]
mod lapce {
    use std::fs::File;
    use std::io;
    use std::os::fd::FromRawFd;
    use std::path::Path;
    use std::sync::LazyLock;
    use std::time::Instant;

    use super::{Home, Output, Reply};
    use crate::http::HttpRequest;
    use crate::transport::agent_host::{Access, AgentHost};
    use crate::transport::head::fields;
    use crate::transport::host_http::TOO_LONG;

    /// The only folder the sandbox has: the first descriptor behind stdin, stdout and stderr.
    const FOLDER: wasi::Fd = 3;

    /// Lapce, as the volt sees it.
    #[derive(Debug, Clone, Copy)]
    pub struct LapceHost {
        /// See [`AgentHost::execute`].
        pub execute: fn(&str, &[&str]) -> Result<Output, String>,
        /// See [`AgentHost::start_language_server`].
        pub start_language_server: fn(&str, &[&str]) -> Result<u64, String>,
        /// See [`AgentHost::send_lsp_request`].
        pub send_lsp_request: fn(u64, &str, &str) -> Result<(), String>,
    }

    impl AgentHost for LapceHost {
        fn now_ms(&self) -> u64 {
            static START: LazyLock<Instant> = LazyLock::new(Instant::now);
            u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
        }

        fn random(&self) -> u64 {
            let mut bytes = [0; 8];
            // SAFETY: pointer and length are those of a live array.
            let _ = unsafe { wasi::random_get(bytes.as_mut_ptr(), bytes.len()) };
            u64::from_ne_bytes(bytes)
        }

        fn execute(&mut self, program: &str, args: &[&str]) -> Result<Output, String> {
            (self.execute)(program, args)
        }

        fn start_language_server(&mut self, program: &str, args: &[&str]) -> Result<u64, String> {
            (self.start_language_server)(program, args)
        }

        fn send_lsp_request(&mut self, server: u64, method: &str, params: &str) -> Result<(), String> {
            (self.send_lsp_request)(server, method, params)
        }

        fn open_pipe(&mut self, path: &Path, access: Access) -> io::Result<File> {
            let path =
                path.to_str().map(|path| path.trim_start_matches('/')).ok_or(io::ErrorKind::InvalidInput)?;
            let mut rights = wasi::RIGHTS_FD_READ | wasi::RIGHTS_FD_FDSTAT_SET_FLAGS;
            if access == Access::ReadWrite {
                rights |= wasi::RIGHTS_FD_WRITE;
            }
            // SAFETY: a plain call; the path is a live string.
            let opened =
                unsafe { wasi::path_open(FOLDER, 0, path, 0, rights, rights, wasi::FDFLAGS_NONBLOCK) };
            let fd = opened.map_err(|errno| io::Error::from_raw_os_error(i32::from(errno.raw())))?;
            let fd = i32::try_from(fd).map_err(io::Error::other)?;
            // SAFETY: it was just opened, and nothing else owns it.
            Ok(unsafe { File::from_raw_fd(fd) })
        }

        fn http(&mut self, request: &HttpRequest, limit: usize) -> Result<Reply, u32> {
            send(request, limit)
        }
    }

    impl Home {
        /// From the environment Lapce gives a volt.
        pub fn from_env() -> Option<Self> {
            let os = std::env::var("VOLT_OS").unwrap_or_default();
            Self::new(&std::env::var("VOLT_URI").ok()?, &os)
        }
    }

    /// Sends a request with Lapce's own HTTP client.
    fn send(request: &HttpRequest, limit: usize) -> Result<Reply, u32> {
        let mut headers = String::new();
        let plain = request.headers.iter().map(|(name, value)| (name, value.as_str()));
        let secret = request.secret_headers.iter().map(|(name, value)| (name, value.expose()));
        for (name, value) in plain.chain(secret) {
            headers.push_str(name);
            headers.push(':');
            headers.push_str(value);
            headers.push('\n');
        }
        let method = if request.body.is_some() { "POST" } else { "GET" };
        let answer = http::send(
            request.url.by_address().as_str(),
            method,
            &headers,
            request.body.as_deref().unwrap_or_default(),
        )?;
        let headers = fields(answer.headers()?.lines());
        Ok(Reply { status: answer.status, headers, body: answer.body(limit)? })
    }

    /// Lapce's HTTP client. The functions are those of `wasi_experimental_http`; each returns 0 or an error number.
    mod http {
        #[link(wasm_import_module = "wasi_experimental_http")]
        unsafe extern "C" {
            #[link_name = "req"]
            fn request(
                url: *const u8,
                url_len: usize,
                method: *const u8,
                method_len: usize,
                headers: *const u8,
                headers_len: usize,
                body: *const u8,
                body_len: usize,
                status: *mut u16,
                handle: *mut i32,
            ) -> u32;
            fn close(handle: i32) -> u32;
            fn headers_get_all(handle: i32, buffer: *mut u8, len: usize, written: *mut usize) -> u32;
            fn body_read(handle: i32, buffer: *mut u8, len: usize, written: *mut usize) -> u32;
        }

        /// An answer that Lapce keeps until this is dropped.
        pub struct Answer {
            pub status: u16,
            handle: i32,
        }

        pub fn send(url: &str, method: &str, headers: &str, body: &[u8]) -> Result<Answer, u32> {
            let mut answer = Answer { status: 0, handle: 0 };
            // SAFETY: pointers and lengths are those of live slices, the results those of live variables.
            let error = unsafe {
                request(
                    url.as_ptr(),
                    url.len(),
                    method.as_ptr(),
                    method.len(),
                    headers.as_ptr(),
                    headers.len(),
                    body.as_ptr(),
                    body.len(),
                    &raw mut answer.status,
                    &raw mut answer.handle,
                )
            };
            if error == 0 {
                Ok(answer)
            } else {
                // There is no handle to close.
                std::mem::forget(answer);
                Err(error)
            }
        }

        impl Answer {
            /// All headers, `name:value` a line.
            pub fn headers(&self) -> Result<String, u32> {
                let mut buffer = vec![0; 64 * 1024];
                let mut written = 0;
                // SAFETY: the buffer is as long as said and lives across the call.
                let error = unsafe {
                    headers_get_all(self.handle, buffer.as_mut_ptr(), buffer.len(), &raw mut written)
                };
                if error != 0 {
                    return Err(error);
                }
                buffer.truncate(written);
                Ok(String::from_utf8_lossy(&buffer).into_owned())
            }

            /// The whole body, of at most `limit` bytes.
            pub fn body(&self, limit: usize) -> Result<Vec<u8>, u32> {
                let mut body = Vec::new();
                let mut buffer = [0; 16 * 1024];
                loop {
                    let mut written = 0;
                    // SAFETY: the buffer is as long as said and lives across the call.
                    let error = unsafe {
                        body_read(self.handle, buffer.as_mut_ptr(), buffer.len(), &raw mut written)
                    };
                    match buffer.get(..written) {
                        _ if error != 0 => return Err(error),
                        None | Some([]) => return Ok(body),
                        Some(bytes) if body.len() + bytes.len() > limit => return Err(super::TOO_LONG),
                        Some(bytes) => body.extend_from_slice(bytes),
                    }
                }
            }
        }

        impl Drop for Answer {
            fn drop(&mut self) {
                // SAFETY: the handle came from `request` and is closed once.
                unsafe { close(self.handle) };
            }
        }
    }
}

#[cfg(target_os = "wasi")]
pub use lapce::LapceHost;

#[cfg(test)]
mod tests {
    use super::super::testing::Scratch;
    use super::*;

    #[test]
    fn a_file_is_read_up_to_a_limit() {
        for length in [0, 1, 4095, 4096, 4097, 10_000] {
            let content: Vec<_> = (0..=u8::MAX).cycle().take(length).collect();
            let file = Scratch::new(&content);
            for limit in [0, 1, 4096, 5000, 9999, 10_000, 10_001, usize::MAX] {
                let expected = content.get(..limit).unwrap_or(&content);
                assert!(read_all(file.path(), limit).as_deref() == Some(expected), "{limit} of {length}");
            }
        }
    }

    #[test]
    fn what_is_no_text_is_not_read_as_one() {
        for (content, expected) in [("é\n".as_bytes(), Some("é\n")), (b"", Some("")), (b"\xff", None)] {
            assert_eq!(text_of(Scratch::new(content).path()).as_deref(), expected);
        }
        for path in [std::env::temp_dir(), std::env::temp_dir().join("no such file")] {
            assert_eq!(text_of(&path), None, "{path:?}");
        }
    }

    #[test]
    fn the_folder_is_read_from_its_url() {
        for (uri, os, path) in [
            ("file:///home/u/plugins/x", "linux", Some("/home/u/plugins/x")),
            ("file:///home/u/a%20b/%C3%A4%27%25/", "macos", Some("/home/u/a b/ä'%")),
            ("file:///C:/Users/u/a%20b", "windows", Some("C:\\Users\\u\\a b")),
            ("file:///C:/Users/", "windows", Some("C:\\Users")),
            ("file:///Users/u", "windows", None),
            ("file://C:/Users/u", "windows", None),
            ("file:///a%2Fb%7e", "linux", Some("/a/b~")),
            ("file://host/share", "linux", None),
            ("https://example.com/", "linux", None),
            ("file:///a%2", "linux", None),
            ("file:///a%zz", "linux", None),
            ("file:///a%ff", "linux", None),
            ("file:///a%00", "linux", None),
            ("file://server/share/x", "windows", None),
            ("", "linux", None),
        ] {
            assert_eq!(Home::new(uri, os).map(|home| home.path).as_deref(), path, "{uri}");
        }
    }
}
