//! What the benchmarks measure and against whom. The same cases run natively (`cargo bench`) and
//! inside the engine that Lapce uses (`cargo volt bench`).

pub mod inputs;
pub mod measure;
pub mod parsers;
