//! What the benchmarks measure and against whom. The same cases run natively (`cargo bench`) and
//! inside the engine that Lapce uses (`cargo volt bench`).

pub mod criteria;
pub mod figures;
pub mod inputs;
pub mod json;
pub mod measure;
pub mod parsers;
pub mod whole;

use inputs::Input;

/// What a subject has seen of a stream, so that nobody can skip anything.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// How many events, or tokens with text.
    pub count: usize,
    /// How many bytes of data, or of text.
    pub bytes: usize,
    /// The last bytes of each, added up.
    pub last_bytes: usize,
}

impl Seen {
    fn add(&mut self, text: &str) {
        self.count += 1;
        self.bytes += text.len();
        self.last_bytes += usize::from(text.as_bytes().last().copied().unwrap_or_default());
    }
}

/// Who reads the chunks of one stream, and how.
pub type Subject = (&'static str, fn(&[&[u8]]) -> Seen);

/// Ours are the subjects whose name says so.
pub fn is_ours(subject: &str) -> bool {
    subject.starts_with("ours")
}

/// Subjects that read nothing, but show what the machine can do.
pub fn is_floor(subject: &str) -> bool {
    subject.starts_with("floor")
}

/// One stream and those who are to read it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name, `group/input/cut`.
    pub name: &'static str,
    /// The stream.
    pub input: Input,
    /// What a figure is of.
    pub unit: Unit,
    /// Ours first.
    pub subjects: Vec<Subject>,
}

/// What a figure is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Megabytes of stream per second.
    Throughput,
    /// Nanoseconds per chunk.
    PerChunk,
}

/// All cases.
pub fn cases() -> Vec<Case> {
    [parsers::cases(), json::cases(), whole::cases()].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_subjects_see_the_same() {
        for Case { name, input, subjects, .. } in cases() {
            if name == "parse/line-1MiB/16K" {
                // The same bytes as the next one; eventsource-stream takes half a minute for it unoptimised.
                continue;
            }
            let chunks = input.chunks();
            let seen = subjects[0].1(&chunks);
            assert!(seen.count > 0 && is_ours(subjects[0].0));
            for (subject, read) in subjects.into_iter().filter(|(subject, _)| !is_floor(subject)) {
                assert_eq!(read(&chunks), seen, "{subject} on {name}");
            }
        }
    }
}
