//! Whether the demo can be drawn where its output goes.

use std::io::{self, IsTerminal};

/// Below this the picture would be torn: columns and rows.
const SMALLEST: (u16, u16) = (80, 24);

/// Whether standard output is a terminal that can be drawn over, is large enough, and is wanted to be: see no-color.org.
pub fn can_draw() -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    io::stdout().is_terminal()
        && fits(size())
        && set("NO_COLOR").is_none()
        && set("TERM").is_none_or(|term| term != "dumb")
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
        for (size, expected) in
            [(Some((80, 24)), true), (Some((40, 24)), false), (Some((80, 12)), false), (None, true)]
        {
            assert_eq!(fits(size), expected, "{size:?}");
        }
    }
}
