use std::fmt;

use crate::stream::ErrorKind;

/// Why a completion failed, told so that the user knows what to change.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    /// What class of failure it is.
    pub kind: ErrorKind,
    /// The provider's name in the settings.
    pub provider: &'static str,
    /// The HTTP status, when there was one.
    pub status: Option<u16>,
    /// The provider's own code or type.
    pub code: Option<String>,
    /// The id the provider gave the request, for its support.
    pub request_id: Option<String>,
    /// How long to wait before the next try, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// One sentence or two: what happened and what to change. Never contains the key, control
    /// characters, or more than 400 characters.
    pub message: String,
}

/// What is known of a response that was not a success.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: &'a [(String, String)],
    /// The body, or as much as was read of it.
    pub body: &'a [u8],
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
