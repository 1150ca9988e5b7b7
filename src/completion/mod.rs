//! What to ask and what to show: a state machine over editor events, bytes of answers and time.
//!
//! [`Engine`] takes [`Input`]s and gives [`Output`]s ([`io`]); it never waits, reads a clock or sends anything itself.
//! The modules are the stages: [`trigger`] (whether and when to ask), [`targets`] (whom to ask), [`prompt`] (what to ask),
//! [`generation`] (one request and its answer), [`suggestion`] (where the answer belongs while the document changes),
//! [`postprocess`] (how much of it to show), [`ghost`] (how it gets to the screen), [`reuse`] (suggestions that need no
//! request). `text` has the functions on texts that they share.

pub mod engine;
pub mod generation;
pub mod ghost;
pub mod io;
pub mod postprocess;
pub mod prompt;
pub mod reuse;
pub mod suggestion;
pub mod targets;
mod text;
pub mod trigger;

#[cfg(any(test, feature = "simulation"))]
pub mod simulation;

pub use engine::{Engine, Options};
pub use io::{
    Answer, Buffer, Buffers, Edit, Figures, Input, Moment, Output, RequestId, ResponseEvent, Status, Wake,
    Why,
};
pub use targets::{ROLES, Role, Target, Targets};
pub use trigger::Trigger;
