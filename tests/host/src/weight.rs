//! What a volt costs before it does anything: its size by part, and the time until it answers.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustc_demangle::demangle;
use wasmtime::{Engine, Module};

use crate::{Lapce, Setup};

/// The smallest module that is a volt: a memory, and a `handle_rpc` that returns at once.
const EMPTY: &[u8] = b"\0asm\x01\0\0\0\
    \x01\x04\x01\x60\0\0\
    \x03\x02\x01\0\
    \x05\x03\x01\0\x01\
    \x07\x17\x02\x06memory\x02\0\x0ahandle_rpc\0\0\
    \x0a\x04\x01\x02\0\x0b";

/// How long the engine that Lapce uses takes to compile the wasm, and an empty volt; each the best of `rounds`.
///
/// # Errors
/// What is wrong with the wasm.
pub fn compile_times(wasm: &Path, rounds: usize) -> Result<(Duration, Duration)> {
    let bytes = std::fs::read(wasm).with_context(|| wasm.display().to_string())?;
    let time = |bytes: &[u8]| -> Result<Duration> {
        let mut best = Duration::MAX;
        for _ in 0..rounds.max(1) {
            let engine = Engine::default();
            let start = Instant::now();
            Module::from_binary(&engine, bytes)?;
            best = best.min(start.elapsed());
        }
        Ok(best)
    };
    Ok((time(&bytes)?, time(EMPTY)?))
}

/// How long it takes from the start of the volt, already compiled, to its answer to `initialize`.
///
/// # Errors
/// Why it does not start, or that there is no answer within ten seconds.
pub fn time_to_initialize(setup: Setup) -> Result<Duration> {
    let start = Instant::now();
    let lapce = Lapce::start(setup)?;
    let limit = Duration::from_secs(10);
    while start.elapsed() < limit {
        let evidence = lapce.evidence();
        let told = evidence.told.iter().find(|told| told.method == "initialize");
        if let Some(told) = told.filter(|told| told.id.is_some_and(|id| evidence.answers.contains_key(&id)))
            && let Some(handled) = told.handled
        {
            return Ok(handled.saturating_duration_since(told.queued));
        }
        std::thread::yield_now();
    }
    bail!("no answer to `initialize` within {limit:?}")
}

/// Bytes of the code by crate, this crate's own by room, largest first; then data and the rest. Needs the names of
/// the functions, which `strip = false` leaves in the wasm.
///
/// # Errors
/// That it is no wasm.
pub fn parts(wasm: &[u8]) -> Result<Vec<(String, usize)>> {
    let mut sections = sections(wasm).context("it is no wasm")?;
    let names = sections.iter().find_map(|section| names(section));
    let imports = sections.iter().find(|section| section.id == 2).and_then(imported_functions).unwrap_or(0);
    let names = names.unwrap_or_default();
    let mut parts: BTreeMap<String, usize> = BTreeMap::new();
    sections.retain(|section| section.id != 0);
    for section in sections {
        match section.id {
            10 => {
                let bodies = bodies(section.bytes).context("its code is cut off")?;
                for (number, size) in (imports..).zip(bodies) {
                    let part = names.get(&number).map_or("without a name".to_owned(), |name| part_of(name));
                    *parts.entry(part).or_default() += size;
                }
            }
            11 => *parts.entry("data".to_owned()).or_default() += section.bytes.len(),
            _ => *parts.entry("tables, types, exports".to_owned()).or_default() += section.bytes.len(),
        }
    }
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    Ok(parts)
}

struct Section<'w> {
    id: u8,
    bytes: &'w [u8],
}

fn sections(wasm: &[u8]) -> Option<Vec<Section<'_>>> {
    let mut rest = wasm.strip_prefix(b"\0asm\x01\0\0\0")?;
    let mut sections = Vec::new();
    while let Some((id, behind)) = rest.split_first() {
        rest = behind;
        let size = number(&mut rest)?;
        let (bytes, behind) = rest.split_at_checked(size)?;
        rest = behind;
        sections.push(Section { id: *id, bytes });
    }
    Some(sections)
}

/// A number in LEB128.
fn number(bytes: &mut &[u8]) -> Option<usize> {
    let (mut value, mut shift) = (0usize, 0u32);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= usize::from(byte & 0x7F).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
}

fn text<'w>(bytes: &mut &'w [u8]) -> Option<&'w [u8]> {
    let size = number(bytes)?;
    let (text, rest) = bytes.split_at_checked(size)?;
    *bytes = rest;
    Some(text)
}

/// The functions' names, if the section is the one that has them.
fn names(section: &Section<'_>) -> Option<BTreeMap<usize, String>> {
    let mut rest = section.bytes;
    if section.id != 0 || text(&mut rest)? != b"name" {
        return None;
    }
    while let Some((id, behind)) = rest.split_first() {
        rest = behind;
        let mut names = text(&mut rest)?;
        if *id == 1 {
            let count = number(&mut names)?;
            return (0..count)
                .map(|_| {
                    let function = number(&mut names)?;
                    Some((function, String::from_utf8_lossy(text(&mut names)?).into_owned()))
                })
                .collect();
        }
    }
    None
}

fn imported_functions(section: &Section<'_>) -> Option<usize> {
    let mut rest = section.bytes;
    let (count, mut functions) = (number(&mut rest)?, 0);
    for _ in 0..count {
        text(&mut rest)?;
        text(&mut rest)?;
        let (kind, behind) = rest.split_first()?;
        rest = behind;
        match kind {
            0 => {
                number(&mut rest)?;
                functions += 1;
            }
            // A table, a memory or a global: volts import none.
            _ => return None,
        }
    }
    Some(functions)
}

fn bodies(mut bytes: &[u8]) -> Option<Vec<usize>> {
    let count = number(&mut bytes)?;
    (0..count).map(|_| Some(text(&mut bytes)?.len())).collect()
}

/// The crate that a function is of; of the plugin's own crate, the room as well.
fn part_of(name: &str) -> String {
    let name = format!("{:#}", demangle(name));
    let path =
        name.trim_start_matches(['<', '&', '[', '(']).trim_start_matches("dyn ").trim_start_matches("mut ");
    let end = path.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(path.len());
    let path = path.get(..end).unwrap_or_default();
    let mut words = path.split("::").filter(|word| !word.is_empty());
    match (words.next(), words.next()) {
        (Some("ai_completion"), Some(room)) => format!("ai_completion::{room}"),
        (Some(first), Some(_)) => first.to_owned(),
        _ => "C and the runtime".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_belong_to_their_crates() {
        for (name, expected) in [
            (
                "_ZN13ai_completion8provider6openai6OpenAi7request17h0123456789abcdefE",
                "ai_completion::provider",
            ),
            ("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core"),
            ("memcpy", "C and the runtime"),
        ] {
            assert_eq!(part_of(name), expected);
        }
    }

    #[test]
    fn an_empty_volt_has_next_to_nothing() {
        let parts = parts(EMPTY).unwrap();
        assert!(parts.iter().map(|(_, size)| size).sum::<usize>() < 60, "{parts:?}");
        assert!(super::parts(b"<html>").is_err());
    }
}
