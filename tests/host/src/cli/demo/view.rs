//! How the demo is shown: drawn on a terminal's other screen, told in lines elsewhere, not at all for `--json`.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use volt_host::editor::{Position, Screen};

use super::svg::Recording;

/// How long a key is shown before what it does.
const KEY_SHOWN: Duration = Duration::from_millis(600);

/// To the terminal's alternate screen, without the cursor: the demo draws its own. As in xterm's ctlseqs, DECSET 1049 and 25.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
/// Back to what was there before.
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// Where the demo is shown.
pub enum View<'a> {
    /// The alternate screen of a terminal.
    Terminal(Alternate<'a>),
    /// Anything else that is read by people.
    Lines { out: &'a mut dyn Write, start: Instant, last: String },
    /// Nowhere.
    Hidden,
    /// In a picture, later.
    Picture(&'a mut Recording),
}

impl<'a> View<'a> {
    /// Draws over what it drew before.
    pub fn terminal(out: &'a mut dyn Write) -> io::Result<Self> {
        Ok(Self::Terminal(Alternate::enter(out)?))
    }

    /// Writes a line for each change.
    pub fn lines(out: &'a mut dyn Write) -> Self {
        Self::Lines { out, start: Instant::now(), last: String::new() }
    }

    /// Shows a picture.
    pub fn show(&mut self, screen: &Screen) -> io::Result<()> {
        match self {
            Self::Terminal(alternate) => alternate.draw(&draw(screen)),
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
            Self::Terminal(Alternate { out, .. }) => {
                writeln!(out, "\x1b[7m {key} \x1b[m")?;
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

    /// Shows the last picture, and the text that stays.
    pub fn finish(&mut self, screen: &Screen) -> io::Result<()> {
        match self {
            Self::Terminal(alternate) => {
                alternate.draw(&draw(screen))?;
                std::thread::sleep(KEY_SHOWN);
                alternate.leave()?;
                writeln!(alternate.out, "{}", screen.text)
            }
            Self::Lines { out, .. } => writeln!(out, "\n{}", screen.text),
            Self::Hidden => Ok(()),
            Self::Picture(recording) => {
                recording.taken = Some(screen.clone());
                Ok(())
            }
        }
    }
}

/// The alternate screen of a terminal. However the demo ends, the user gets back the screen of before.
pub struct Alternate<'a> {
    out: &'a mut dyn Write,
    /// Left only once: to leave it puts the cursor where it was before.
    is_entered: bool,
}

impl<'a> Alternate<'a> {
    fn enter(out: &'a mut dyn Write) -> io::Result<Self> {
        out.write_all(ENTER.as_bytes())?;
        Ok(Self { out, is_entered: true })
    }

    /// Draws from the top, and clears what is left of the picture of before.
    fn draw(&mut self, drawn: &str) -> io::Result<()> {
        let lines = drawn.replace('\n', "\x1b[K\n");
        write!(self.out, "\x1b[H{lines}\x1b[J")?;
        self.out.flush()
    }

    fn leave(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_entered) {
            self.out.write_all(LEAVE.as_bytes())?;
            self.out.flush()?;
        }
        Ok(())
    }
}

impl Drop for Alternate<'_> {
    fn drop(&mut self) {
        // Nothing helps where nothing can be written.
        let _ = self.leave();
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
    fn a_terminal_shows_it_on_its_other_screen_and_then_what_was_there_before() {
        let mut out = Vec::new();
        let mut view = View::terminal(&mut out).unwrap();
        view.show(&screen(None)).unwrap();
        drop(view);
        let text = String::from_utf8(out).unwrap();
        let drawn = text.strip_prefix(ENTER).and_then(|text| text.strip_suffix(LEAVE)).unwrap();
        assert!(drawn.starts_with("\x1b[H𝕏 ") && drawn.ends_with("writing\x1b[K\n\x1b[J"), "{drawn:?}");
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
        drop(view);
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> =
            text.lines().filter_map(|line| line.split_once(" ms  ")).map(|(_, what)| what).collect();
        assert_eq!(lines, ["typed: fn f() {", "ghost of 2 lines, the last: c"]);
    }
}
