//! What may be written to a terminal besides plain text.

use std::io::{self, IsTerminal};

/// Below this the demo would be torn: columns and rows.
const SMALLEST: (u16, u16) = (80, 24);

/// Whether escape sequences may be written there: it is a terminal that knows them, and they are wanted (no-color.org).
pub fn takes_escapes(stream: &impl IsTerminal) -> bool {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    stream.is_terminal() && are_wanted(set("NO_COLOR").as_deref(), set("TERM").as_deref())
}

/// Windows sets no TERM, and its terminals know them.
fn are_wanted(no_color: Option<&str>, term: Option<&str>) -> bool {
    no_color.is_none() && term.map_or(cfg!(windows), |term| term != "dumb")
}

/// Whether standard output can be drawn over and is large enough for the demo.
pub fn can_draw() -> bool {
    takes_escapes(&io::stdout()) && fits(size())
}

/// What has no size is taken for large enough.
fn fits(size: Option<(u16, u16)>) -> bool {
    size.is_none_or(|(columns, rows)| columns >= SMALLEST.0 && rows >= SMALLEST.1)
}

/// Columns and rows of the terminal.
#[cfg(unix)]
fn size() -> Option<(u16, u16)> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one `winsize`, which outlives the call.
    let done = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (done == 0 && size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

#[cfg(not(unix))]
fn size() -> Option<(u16, u16)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terminals_get_lines() {
        for (size, expected) in [
            (Some((80, 24)), true),
            (Some((79, 24)), false),
            (Some((80, 23)), false),
            (Some((40, 12)), false),
            (None, true),
        ] {
            assert_eq!(fits(size), expected, "{size:?}");
        }
    }

    #[test]
    fn escapes_are_for_those_who_want_and_know_them() {
        for (no_color, term, expected) in [
            (None, Some("xterm-256color"), true),
            (Some("1"), Some("xterm-256color"), false),
            (None, Some("dumb"), false),
            (None, None, cfg!(windows)),
        ] {
            assert_eq!(are_wanted(no_color, term), expected, "{no_color:?} {term:?}");
        }
    }
}
