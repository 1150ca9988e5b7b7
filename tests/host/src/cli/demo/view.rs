//! How the demo is shown: redrawn in a terminal, told in lines elsewhere, not at all for `--json`.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use volt_host::editor::{Position, Screen};

use super::svg::Recording;

/// How long a key is shown before what it does.
const KEY_SHOWN: Duration = Duration::from_millis(600);

/// Where the demo is shown.
pub enum View<'a> {
    /// A terminal that can be drawn over.
    Terminal { out: &'a mut dyn Write, lines: usize },
    /// Anything else that is read by people.
    Lines { out: &'a mut dyn Write, start: Instant, last: String },
    /// Nowhere.
    Hidden,
    /// In a picture, later.
    Picture(&'a mut Recording),
}

impl<'a> View<'a> {
    /// Draws over what it drew before.
    pub fn terminal(out: &'a mut dyn Write) -> Self {
        Self::Terminal { out, lines: 0 }
    }

    /// Writes a line for each change.
    pub fn lines(out: &'a mut dyn Write) -> Self {
        Self::Lines { out, start: Instant::now(), last: String::new() }
    }

    /// Shows a picture.
    pub fn show(&mut self, screen: &Screen) -> io::Result<()> {
        match self {
            Self::Terminal { out, lines } => {
                let drawn = draw(screen);
                if *lines > 0 {
                    write!(out, "\x1b[{lines}A\r\x1b[J")?;
                }
                *lines = drawn.matches('\n').count();
                out.write_all(drawn.as_bytes())?;
                out.flush()
            }
            Self::Lines { out, start, last } => {
                let Some(now) = describe(screen).filter(|now| now != last) else { return Ok(()) };
                writeln!(out, "{:>6} ms  {now}", start.elapsed().as_millis())?;
                *last = now;
                Ok(())
            }
            Self::Hidden => Ok(()),
            Self::Picture(recording) => {
                recording.ghosts.extend(screen.ghost.is_some().then(|| screen.clone()));
                Ok(())
            }
        }
    }

    /// Takes note of what a key has done.
    pub fn typed(&mut self, screen: &Screen) {
        if let Self::Picture(recording) = self {
            recording.typed.push(screen.clone());
            // Those are drawn that grow after the last key.
            recording.ghosts.clear();
        }
    }

    /// Says which key is pressed.
    pub fn key(&mut self, key: &str) -> io::Result<()> {
        match self {
            Self::Terminal { out, lines } => {
                writeln!(out, "\x1b[7m {key} \x1b[m")?;
                *lines += 1;
                out.flush()?;
                std::thread::sleep(KEY_SHOWN);
                Ok(())
            }
            Self::Lines { out, start, .. } => {
                writeln!(out, "{:>6} ms  pressed: {key}", start.elapsed().as_millis())
            }
            Self::Hidden | Self::Picture(_) => Ok(()),
        }
    }

    /// Shows the last picture.
    pub fn finish(&mut self, screen: &Screen) -> io::Result<()> {
        match self {
            Self::Terminal { .. } => self.show(screen),
            Self::Lines { out, .. } => writeln!(out, "\n{}", screen.text),
            Self::Hidden => Ok(()),
            Self::Picture(recording) => {
                recording.taken = Some(screen.clone());
                Ok(())
            }
        }
    }
}

/// The file with the ghost dimmed and the cursor reversed, the status bar below.
fn draw(screen: &Screen) -> String {
    let mut drawn = String::new();
    for (number, line) in (0u32..).zip(screen.text.split('\n')) {
        let ghost = screen.ghost.as_ref().filter(|ghost| ghost.at.line == number);
        let cursor = Some(screen.cursor).filter(|cursor| cursor.line == number);
        let at = ghost.map(|ghost| ghost.at).or(cursor).map_or(line.len(), |at| column(line, at));
        let (before, after) = line.split_at(at);
        drawn += before;
        if cursor.is_some() {
            drawn += "\x1b[7m \x1b[m";
        }
        if let Some(ghost) = ghost {
            for (n, line) in ghost.text.split('\n').enumerate() {
                drawn += if n == 0 { "" } else { "\n" };
                // Writing to a String cannot fail.
                let _ = write!(drawn, "\x1b[2m{line}\x1b[m");
            }
        }
        drawn += after;
        drawn += "\n";
    }
    let name = screen.path.file_name().unwrap_or_default().display();
    let _ = writeln!(drawn, "\x1b[7m {name} \x1b[m {}", screen.status.join(" · "));
    drawn
}

/// The same in one line: how much ghost there is, or the line that Enter has just ended.
fn describe(screen: &Screen) -> Option<String> {
    if let Some(ghost) = &screen.ghost {
        let last = ghost.text.lines().last().unwrap_or_default().trim();
        return Some(format!("ghost of {} lines, the last: {last}", ghost.text.lines().count()));
    }
    let mut lines = screen.text.lines().skip((screen.cursor.line as usize).checked_sub(1)?);
    let (ended, new) = (lines.next()?, lines.next()?);
    new.trim().is_empty().then(|| format!("typed: {ended}"))
}

/// The byte offset in `line` of a position, whose column counts UTF-16 units.
pub(super) fn column(line: &str, at: Position) -> usize {
    let mut units = 0;
    for (offset, c) in line.char_indices() {
        if units >= at.character as usize {
            return offset;
        }
        units += c.len_utf16();
    }
    line.len()
}

#[cfg(test)]
mod tests {
    use volt_host::editor::Ghost;

    use super::*;

    fn screen(ghost: Option<&str>) -> Screen {
        let at = Position { line: 0, character: 3 };
        Screen {
            path: "a.rs".into(),
            text: "𝕏 (\n}".to_owned(),
            cursor: at,
            ghost: ghost.map(|text| Ghost { at, text: text.to_owned() }),
            status: vec!["AI: writing".to_owned()],
            popups: Vec::new(),
        }
    }

    #[test]
    fn the_ghost_is_drawn_dim_at_the_cursor() {
        for (ghost, expected) in [
            (None, "𝕏 \x1b[7m \x1b[m(\n}\n\x1b[7m a.rs \x1b[m AI: writing\n"),
            (
                Some("b\n c"),
                "𝕏 \x1b[7m \x1b[m\x1b[2mb\x1b[m\n\x1b[2m c\x1b[m(\n}\n\x1b[7m a.rs \x1b[m AI: writing\n",
            ),
        ] {
            assert_eq!(draw(&screen(ghost)), expected);
        }
    }

    #[test]
    fn a_terminal_is_drawn_over() {
        let mut out = Vec::new();
        let mut view = View::terminal(&mut out);
        view.show(&screen(None)).unwrap();
        view.show(&screen(Some("b"))).unwrap();
        assert_eq!(String::from_utf8(out).unwrap().matches("\x1b[3A\r\x1b[J").count(), 1);
    }

    #[test]
    fn elsewhere_each_line_and_each_growth_is_one_line() {
        let mut out = Vec::new();
        let mut view = View::lines(&mut out);
        let typed = Screen {
            text: "fn f() {\n    \n}".to_owned(),
            cursor: Position { line: 1, character: 4 },
            ..screen(None)
        };
        for screen in [screen(None), typed, screen(Some("b\n c")), screen(Some("b\n c"))] {
            view.show(&screen).unwrap();
        }
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> =
            text.lines().filter_map(|line| line.split_once(" ms  ")).map(|(_, what)| what).collect();
        assert_eq!(lines, ["typed: fn f() {", "ghost of 2 lines, the last: c"]);
    }
}
