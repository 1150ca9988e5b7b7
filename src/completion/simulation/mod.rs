//! The whole plugin in made-up time, beside the headless editor.

mod another;
mod desk;
mod interleavings;
mod lines;
mod pauses;
mod providers;
mod session;
