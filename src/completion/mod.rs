//! What to ask and what to show: a state machine over editor events, bytes of answers and time.
//!
//! [`Engine`] takes [`Input`]s and gives [`Effect`]s; it never waits, reads a clock or sends
//! anything itself. The files are the stages of the way: [`events`] (what goes in and out), [`engine`] (when),
//! [`fences`] (are keys queued), [`pace`] (how long to wait for a pause in typing), [`gates`] (whether),
//! [`context`] (what to ask), [`edits`] (what the user is working on), [`session`] (one request and its answer),
//! [`suggestion`] (where the answer belongs in a document that goes on changing), [`shape`] (how much of it to
//! show), [`slots`] (through which request to show it), [`taken`] and [`cache`] (what need not be asked).

pub mod cache;
pub mod consent;
pub mod context;
pub mod edits;
pub mod engine;
pub mod events;
pub mod fences;
pub mod gates;
pub mod globs;
pub mod pace;
pub mod seam;
pub mod session;
pub mod shape;
pub mod slots;
pub mod suggestion;
pub mod taken;

pub use engine::{Engine, Options};
pub use events::{Answer, Buffer, Buffers, Edit, Effect, Input, Lane, RequestId, Status, Why};
pub use gates::Trigger;
