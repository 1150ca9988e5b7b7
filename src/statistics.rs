//! How often suggestions are shown, taken and kept, how fast they come and what they cost, by provider: counts, no text.
//!
//! They are kept in a file of the plugin's folder and go nowhere else. Each window adds what it has counted to what the file says.

use std::fmt::Write;

use crate::completion::Figures;

/// A suggestion that is still in the document after this time counts as kept, in milliseconds.
const KEPT_MS: u64 = 30_000;
/// The file is written at most this often, in milliseconds. A shell is asked before whether it can be.
const SAVE_MS: u64 = 30_000;
/// At most this many suggestions are watched at a time.
const WATCHED: usize = 16;

/// The first line of the file.
const HEAD: &str = "# provider shown taken kept answers first_ms input output";

/// The counts of one provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Its name in the settings.
    pub provider: String,
    /// Suggestions drawn.
    pub shown: u64,
    /// Suggestions taken with Tab.
    pub taken: u64,
    /// Those that still stood in the document 30 seconds later.
    pub kept: u64,
    /// Answers with text.
    pub answers: u64,
    /// Milliseconds from the request to the first text, all answers together.
    pub first_ms: u64,
    /// Tokens of prompts, as far as the provider says.
    pub input: u64,
    /// Tokens of answers.
    pub output: u64,
}

impl Row {
    fn counts(&mut self) -> [&mut u64; 7] {
        let Self { shown, taken, kept, answers, first_ms, input, output, .. } = self;
        [shown, taken, kept, answers, first_ms, input, output]
    }

    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        let provider = words.next().filter(|name| !name.starts_with('#'))?.to_owned();
        let mut row = Self { provider, ..Self::default() };
        for count in row.counts() {
            *count = words.next()?.parse().ok()?;
        }
        Some(row)
    }
}

/// The rows of the file; what cannot be read is left out.
pub fn rows(file: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in file.lines() {
        rows.extend(Row::read(line));
    }
    rows
}

/// What was counted since the file was written.
#[derive(Debug, Default)]
pub struct Statistics {
    new: Row,
    watched: Vec<Watched>,
    saved_ms: Option<u64>,
}

#[derive(Debug)]
struct Watched {
    uri: String,
    text: String,
    until_ms: u64,
}

impl Statistics {
    /// Counts for this provider from now on.
    pub fn of(provider: &str) -> Self {
        Self { new: Row { provider: provider.to_owned(), ..Row::default() }, ..Self::default() }
    }

    /// A suggestion is drawn.
    pub fn shown(&mut self) {
        self.new.shown += 1;
    }

    /// One was accepted: this text is in that document.
    pub fn taken(&mut self, now_ms: u64, uri: String, text: String) {
        self.new.taken += 1;
        if self.watched.len() < WATCHED && !text.trim().is_empty() {
            self.watched.push(Watched { uri, text, until_ms: now_ms + KEPT_MS });
        }
    }

    /// An answer has ended.
    pub fn finished(&mut self, figures: &Figures) {
        self.new.answers += 1;
        self.new.first_ms += figures.first_ms;
        self.new.input += figures.input.unwrap_or(0);
        self.new.output += figures.output;
    }

    /// Checks whether what was accepted half a minute ago is still in its document; `text` returns the text of a document.
    pub fn look<'t>(&mut self, now_ms: u64, text: impl Fn(&str) -> Option<&'t str>) {
        let kept = &mut self.new.kept;
        self.watched.retain(|watched| {
            let is_due = now_ms >= watched.until_ms;
            if is_due && text(&watched.uri).is_some_and(|text| text.contains(watched.text.trim())) {
                *kept += 1;
            }
            !is_due
        });
    }

    /// Whether it is time to write the file.
    pub fn is_due(&mut self, now_ms: u64) -> bool {
        let is_new = self.new.counts().into_iter().any(|count| *count > 0);
        is_new && self.saved_ms.is_none_or(|saved_ms| now_ms >= saved_ms + SAVE_MS)
    }

    /// The file with what was counted, which is then begun anew.
    pub fn save(&mut self, now_ms: u64, file: &str) -> String {
        self.saved_ms = Some(now_ms);
        let mut new = std::mem::take(&mut self.new);
        self.new.provider.clone_from(&new.provider);
        let mut rows = rows(file);
        match rows.iter_mut().find(|row| row.provider == new.provider) {
            Some(row) => {
                for (count, new) in row.counts().into_iter().zip(new.counts()) {
                    *count = count.saturating_add(*new);
                }
            }
            None => rows.push(new),
        }
        let mut text = HEAD.to_owned();
        for row in &mut rows {
            let _ = write!(text, "\n{}", row.provider);
            for count in row.counts() {
                let _ = write!(text, " {count}");
            }
        }
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_added_to_those_in_the_file() {
        let mut counted = Statistics::of("ollama");
        assert!(!counted.is_due(0), "nothing was counted");
        counted.shown();
        counted.finished(&Figures { first_ms: 200, total_ms: 900, input: Some(80), output: 9 });
        counted.finished(&Figures { first_ms: 300, total_ms: 900, input: None, output: 1 });
        assert!(counted.is_due(0));
        let file = counted.save(0, "# old\nopenai 1 1 1 1 5 6 7\nbroken 1\n");
        assert!(!counted.is_due(90_000));
        counted.shown();
        assert!(!counted.is_due(29_999) && counted.is_due(30_000));
        let file = counted.save(90_000, &file);
        assert_eq!(file, format!("{HEAD}\nopenai 1 1 1 1 5 6 7\nollama 2 0 0 2 500 80 10\n"));
        assert_eq!(rows(&file).len(), 2);
    }

    #[test]
    fn kept_is_what_still_stands_after_half_a_minute() {
        let mut counted = Statistics::of("p");
        for text in [" = 1;", " = 2;"] {
            counted.taken(1_000, "a".to_owned(), text.to_owned());
        }
        counted.taken(2_000, "gone".to_owned(), "x".to_owned());
        counted.look(30_999, |_| panic!("looked too early"));
        counted.look(40_000, |uri| (uri == "a").then_some("let a = 1;"));
        assert_eq!((counted.new.taken, counted.new.kept), (3, 1));
        counted.look(90_000, |_| panic!("looked twice"));
    }
}
