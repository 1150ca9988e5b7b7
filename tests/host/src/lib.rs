//! A headless Lapce: it runs a volt as Lapce does and shows what its user would see.

pub mod editor;
