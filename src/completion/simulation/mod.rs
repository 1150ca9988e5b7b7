//! The whole plugin in made-up time, beside a model of the editor.

#[cfg(test)]
mod another;
pub mod desk;
pub mod dice;
pub mod hours;
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
