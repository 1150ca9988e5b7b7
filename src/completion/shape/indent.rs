//! The document's way to indent and to end lines.

use super::Place;
use super::extent::columns;

/// Lines above and below the cursor that show the document's way.
const SAMPLE: usize = 200;

/// Makes the answer's indentation and line ends the document's.
pub(super) fn fit(place: &Place<'_>, text: String) -> String {
    let mut fitted = skip_given(place, &text).to_owned();
    match style(place) {
        Some(Style::Tabs) => {
            fitted = reindent(&fitted, place, |columns| "\t".repeat(columns / 4) + &" ".repeat(columns % 4))
        }
        Some(Style::Spaces(width)) if fitted.contains('\t') => fitted = expand(&fitted, width),
        _ => {}
    }
    if place.before.contains("\r\n") || place.after.contains("\r\n") {
        fitted = fitted.replace('\n', "\r\n");
    }
    fitted
}

/// The first line may bring the indentation that stands left of the cursor already.
fn skip_given<'t>(place: &Place<'_>, text: &'t str) -> &'t str {
    let given = place.line_before();
    if given.is_empty() || !given.trim().is_empty() {
        return text;
    }
    let first = text.lines().next().unwrap_or_default();
    let blank = first.len() - first.trim_start().len();
    if blank == 0 || first.trim().is_empty() {
        return text;
    }
    // Whole indentation again, or less of it: the cursor's place is what counts.
    if columns(first) <= columns(given) { text.get(blank..).unwrap_or(text) } else { skip(text, given) }
}

fn skip<'t>(text: &'t str, given: &str) -> &'t str {
    text.strip_prefix(given).unwrap_or(text)
}

enum Style {
    Tabs,
    Spaces(usize),
}

/// How the document indents, if it does.
fn style(place: &Place<'_>) -> Option<Style> {
    let lines = place.lines_above().take(SAMPLE).chain(place.lines_below().take(SAMPLE));
    let (mut tabs, mut spaces, mut width) = (0, 0, usize::MAX);
    for line in lines.chain([place.line_before()]) {
        if line.starts_with('\t') {
            tabs += 1;
        } else if line.starts_with("  ") && !line.trim_start().starts_with('*') {
            spaces += 1;
            width = width.min(columns(line).max(2));
        }
    }
    match (tabs, spaces) {
        (0, 0) => None,
        (tabs, spaces) if tabs > spaces => Some(Style::Tabs),
        _ => Some(Style::Spaces(width.min(8))),
    }
}

/// Rewrites the white space before each line but the first, which goes on from the cursor.
fn reindent(text: &str, place: &Place<'_>, write: impl Fn(usize) -> String) -> String {
    let unit = unit(text);
    let mut out = String::with_capacity(text.len());
    for (n, line) in text.split_inclusive('\n').enumerate() {
        let code = line.trim_start_matches([' ', '\t']);
        let blank = line.get(..line.len() - code.len()).unwrap_or_default();
        if (n == 0 && !place.line_before().is_empty()) || !blank.contains(' ') || unit == 0 {
            out.push_str(line);
        } else {
            let levels = columns(blank) / unit;
            out.push_str(&write(levels * 4 + columns(blank) % unit));
            out.push_str(code);
        }
    }
    out
}

/// The number of blanks the answer itself indents by.
fn unit(text: &str) -> usize {
    let smallest = text.lines().skip(1).map(columns).filter(|columns| *columns > 0).min().unwrap_or(4);
    if smallest % 4 == 0 { 4 } else { smallest.clamp(2, 8) }
}

/// Tabs at the beginning of lines become blanks.
fn expand(text: &str, width: usize) -> String {
    text.split_inclusive('\n')
        .map(|line| {
            let code = line.trim_start_matches('\t');
            " ".repeat((line.len() - code.len()) * width) + code
        })
        .collect()
}
