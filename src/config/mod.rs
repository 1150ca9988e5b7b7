//! What the user has decided: settings, keys, and which servers may be asked.

mod content_filter;
mod credentials;
mod reader;
mod secret_files;
mod settings;
mod trusted_servers;

pub use content_filter::{FILE as CONTENT_FILTER, FilterSettings};
pub use credentials::{Credentials, KeySource};
pub use reader::Problem;
pub use secret_files::is_in_secret_folder;
pub use settings::{EngineSettings, Settings, Speculative};
pub use trusted_servers::{Destination, FILE as TRUSTED_SERVERS};
