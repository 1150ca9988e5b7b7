//! What to ask and what to show: a state machine over editor events, bytes of answers and time.
//!
//! [`Engine`] takes [`Input`]s and gives [`Effect`]s; it never waits, reads a clock or sends
//! anything itself. The files are the stages of the way: [`engine`] (when), [`gates`] (whether),
//! [`context`] (what to ask), [`session`] (one request and its answer), [`suggestion`] (where the
//! answer belongs in a document that goes on changing), [`shape`] (how much of it to show),
//! [`cache`] (what was answered before), [`slots`] (through which request to show it),
//! [`pace`] (how long to wait for a pause in typing).

pub mod cache;
pub mod context;
pub mod engine;
pub mod gates;
pub mod pace;
pub mod seam;
pub mod session;
pub mod shape;
pub mod slots;
pub mod suggestion;

pub use engine::{
    Answer, Buffer, Buffers, Edit, Effect, Engine, Input, Lane, Options, RequestId, Status, Trigger, Why,
};
