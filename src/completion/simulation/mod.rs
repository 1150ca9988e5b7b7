//! The whole plugin in made-up time, beside the headless editor.

mod desk;
mod interleavings;
mod pauses;
mod session;
