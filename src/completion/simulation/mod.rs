//! The whole plugin in made-up time, beside a model of the editor.

#[cfg(test)]
mod another;
pub mod desk;
#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod lines;
#[cfg(test)]
mod pauses;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod session;
