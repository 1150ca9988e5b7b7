//! A model that runs on this machine, found without any setting: who is asked ([`Search`]) and which of the installed
//! models is chosen ([`choice`]). Nothing here does IO: the driver sends the requests and passes on what comes back.
//!
//! Only loopback addresses are asked, without a key, and only for the list of models: no text of the user's.

mod choice;
mod search;

pub use search::{Action, Found, Outcome, Search};
