//! What the user has decided: settings, keys, and which servers may be asked.

mod content_filter;
mod credentials;
mod reader;
mod secret_files;
mod settings;
mod trusted_servers;

pub use content_filter::{FILE as CONTENT_FILTER, FilterSettings};
pub use credentials::{Credentials, KeySource};
pub use reader::{Problem, nearest};
pub use secret_files::is_in_secret_folder;
pub use settings::{Detail, EngineSettings, LogLevel, Settings, Speculative, Telling};
pub use trusted_servers::{Destination, FILE as TRUSTED_SERVERS};

/// The files in the plugin's folder that remain when the plugin ends, besides the packaged ones. Each is safe to delete.
pub const LASTING_FILES: &[&str] = &[TRUSTED_SERVERS, LEARNED, GREETED, STATISTICS, CONTENT_FILTER];

/// What was learned from refusals.
pub const LEARNED: &str = "learned";
/// Exists once the user has been greeted.
pub const GREETED: &str = "greeted";
/// Counts of suggestions.
pub const STATISTICS: &str = "statistics";
