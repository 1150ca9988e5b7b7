//! The demo as an animated picture.
//!
//! What is drawn comes from a run: every key's screen, the ghost, the file after Tab. When it is drawn comes from the
//! script (a key each 83 ms, the model's first byte after 300 ms, …), and the ghost grows by a line at a time, as it
//! does where nothing else keeps the machine busy. So each run of one wasm gives the same picture.

use std::fmt::Write;
use std::time::Duration;

use volt_host::editor::{Position, Screen};

use super::{KEY, LATENCY, WRITING};

/// What a run has shown.
#[derive(Debug, Default)]
pub struct Recording {
    /// After each key.
    pub typed: Vec<Screen>,
    /// With each ghost after the last key.
    pub ghosts: Vec<Screen>,
    /// After Tab.
    pub taken: Option<Screen>,
}

/// One picture of the animation.
struct Frame {
    lines: Vec<Line>,
    cursor: Position,
    status: &'static str,
    /// The key that is shown as pressed.
    key: &'static str,
    time: Duration,
}

/// A line: text, then ghost, then text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Line {
    before: String,
    ghost: String,
    after: String,
}

/// Before the first key, with the whole ghost, and at the end.
const REST: [Duration; 3] =
    [Duration::from_millis(600), Duration::from_millis(1200), Duration::from_millis(2500)];
/// How long Tab is shown as pressed.
const PRESSED: Duration = Duration::from_millis(500);
/// Pixels: a character, a line, and around the text.
const CHARACTER: f64 = 8.4;
const LINE: usize = 20;
const MARGIN: usize = 16;

impl Recording {
    /// The picture, in SVG.
    ///
    /// # Errors
    /// When the run did not show a ghost that grew and was taken.
    pub fn draw(&self) -> Result<String, String> {
        let frames = self.frames()?;
        let rows = frames.iter().map(|frame| frame.lines.len()).max().unwrap_or_default();
        let columns = frames.iter().flat_map(|frame| &frame.lines).map(Line::width).max().unwrap_or_default();
        Ok(svg(&frames, rows, columns.max(70)))
    }

    fn frames(&self) -> Result<Vec<Frame>, String> {
        let last = self.ghosts.last().ok_or("the run has shown no ghost")?;
        let whole = last.ghost_text();
        if let Some(other) = self.ghosts.iter().find(|screen| !whole.starts_with(screen.ghost_text())) {
            return Err(format!("the ghost has not grown: {:?}, then {whole:?}", other.ghost_text()));
        }
        let taken = self.taken.as_ref().filter(|screen| screen.text.contains(whole));
        let taken = taken.ok_or("Tab has not taken the ghost")?;

        let mut frames: Vec<Frame> =
            self.typed.iter().map(|screen| Frame::new(screen, "", "", "", KEY)).collect();
        if let Some(first) = frames.first_mut() {
            first.time = REST[0];
        }
        if let Some(asked) = frames.last_mut() {
            asked.time = LATENCY;
            asked.status = "waiting for the model";
        }
        let count = whole.lines().count();
        let step = WRITING / u32::try_from(count.max(1)).unwrap_or(u32::MAX);
        for shown in 1..=count {
            let ghost = whole.lines().take(shown).collect::<Vec<_>>().join("\n");
            let status = if shown < count { "the model is writing" } else { "the model has ended" };
            let time = if shown < count { step } else { REST[1] };
            frames.push(Frame::new(last, &ghost, status, "", time));
        }
        frames.push(Frame::new(last, whole, "", "Tab", PRESSED));
        frames.push(Frame::new(taken, "", "", "", REST[2]));
        Ok(frames)
    }
}

impl Frame {
    fn new(screen: &Screen, ghost: &str, status: &'static str, key: &'static str, time: Duration) -> Self {
        let cursor = screen.cursor;
        let mut lines = Vec::new();
        for (number, text) in (0_u32..).zip(screen.text.trim_end_matches('\n').split('\n')) {
            if number != cursor.line {
                lines.push(Line { before: text.to_owned(), ..Line::default() });
                continue;
            }
            let (before, after) = text.split_at(super::view::column(text, cursor));
            let mut rows = ghost.split('\n').map(|ghost| Line { ghost: ghost.to_owned(), ..Line::default() });
            let mut first = rows.next().unwrap_or_default();
            before.clone_into(&mut first.before);
            lines.push(first);
            lines.extend(rows);
            if let Some(last) = lines.last_mut() {
                after.clone_into(&mut last.after);
            }
        }
        Self { lines, cursor, status, key, time }
    }
}

impl Line {
    fn width(&self) -> usize {
        [&self.before, &self.ghost, &self.after].iter().map(|text| text.chars().count()).sum()
    }
}

const STYLE: &str = "\
.p{fill:#fff;stroke:#d0d7de}.t{fill:#1f2328}.g{fill:#8c959f}.c{fill:#0969da}.b{fill:#f6f8fa}.s{fill:#59636e}\
.k{fill:#0969da}.w{fill:#fff}\
@media(prefers-color-scheme:dark){.p{fill:#0d1117;stroke:#3d444d}.t{fill:#e6edf3}.g{fill:#7d8590}.c{fill:#4aa8ff}\
.b{fill:#151b23}.s{fill:#9198a1}.k{fill:#1f6feb}}\
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}";

fn svg(frames: &[Frame], rows: usize, columns: usize) -> String {
    let total: Duration = frames.iter().map(|frame| frame.time).sum();
    let seconds = total.as_secs_f64();
    let width = (columns as f64 * CHARACTER).ceil() as usize + 2 * MARGIN;
    let text_height = rows * LINE + 2 * MARGIN;
    let height = text_height + 28;
    let last_ghost = frames.len().saturating_sub(3);

    let mut styles = STYLE.to_owned();
    let mut body = String::new();
    let mut begin = Duration::ZERO;
    for (number, frame) in frames.iter().enumerate() {
        let end = begin + frame.time;
        let [from, to] = [begin, end].map(|time| time.as_secs_f64() / seconds * 100.0);
        // Each keyframe holds until the next. Writing to a String cannot fail.
        let _ = match (number == 0, end == total) {
            (true, _) => write!(styles, "@keyframes f{number}{{0%{{opacity:1}}{to:.2}%{{opacity:0}}}}"),
            (false, true) => write!(styles, "@keyframes f{number}{{0%{{opacity:0}}{from:.2}%{{opacity:1}}}}"),
            (false, false) => write!(
                styles,
                "@keyframes f{number}{{0%{{opacity:0}}{from:.2}%{{opacity:1}}{to:.2}%{{opacity:0}}}}"
            ),
        };
        let _ = write!(styles, "#f{number}{{animation:f{number} {seconds:.2}s step-end infinite}}");
        let _ = writeln!(body, "<g id=\"f{number}\" class=\"f\">");
        draw_frame(frame, text_height, width, &mut body);
        body += "</g>\n";
        begin = end;
    }
    // Who wants no motion sees the whole ghost.
    let _ = write!(
        styles,
        "@media(prefers-reduced-motion:reduce){{.f{{animation:none!important;opacity:0}}#f{last_ghost}{{opacity:1}}}}"
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">
<title>Ghost text grows in the editor while the model writes; Tab takes it</title>
<style>{styles}</style>
<rect class=\"p\" x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"8\"/>
<rect class=\"b\" x=\"1\" y=\"{text_height}\" width=\"{}\" height=\"26\" rx=\"7\"/>
<text class=\"s\" x=\"{MARGIN}\" y=\"{}\">settings.rs</text>
{body}</svg>
",
        width - 1,
        height - 1,
        width - 2,
        text_height + 18,
    )
}

fn draw_frame(frame: &Frame, bar: usize, width: usize, into: &mut String) {
    for (row, line) in frame.lines.iter().enumerate() {
        let y = MARGIN + row * LINE + 14;
        let mut column = 0;
        for (class, text) in [("t", &line.before), ("g", &line.ghost), ("t", &line.after)] {
            draw_text(class, text, column, y, into);
            column += text.chars().count();
        }
    }
    let x = MARGIN as f64 + f64::from(frame.cursor.character) * CHARACTER;
    let y = MARGIN + frame.cursor.line as usize * LINE;
    // Writing to a String cannot fail.
    let _ = writeln!(into, "<rect class=\"c\" x=\"{x:.1}\" y=\"{y}\" width=\"2\" height=\"18\"/>");
    let y = bar + 18;
    if !frame.status.is_empty() {
        let _ = writeln!(into, "<text class=\"s\" x=\"{}\" y=\"{y}\">{}</text>", MARGIN + 120, frame.status);
    }
    if !frame.key.is_empty() {
        let x = width - MARGIN - 44;
        let _ = writeln!(
            into,
            "<rect class=\"k\" x=\"{x}\" y=\"{}\" width=\"44\" height=\"20\" rx=\"4\"/>",
            bar + 3
        );
        let _ = writeln!(into, "<text class=\"w\" x=\"{}\" y=\"{y}\">{}</text>", x + 9, frame.key);
    }
}

/// Text at a column. Its length is given, so that it fits whatever font there is.
fn draw_text(class: &str, text: &str, column: usize, y: usize, into: &mut String) {
    let shown = text.trim();
    if shown.is_empty() {
        return;
    }
    let indent = text.chars().take_while(|c| c.is_whitespace()).count();
    let x = MARGIN as f64 + (column + indent) as f64 * CHARACTER;
    let length = shown.chars().count() as f64 * CHARACTER;
    let shown = shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // Writing to a String cannot fail.
    let _ = writeln!(
        into,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y}\" textLength=\"{length:.1}\">{shown}</text>"
    );
}

#[cfg(test)]
mod tests {
    use volt_host::editor::Ghost;

    use super::*;

    fn screen(text: &str, line: u32, character: u32, ghost: &str) -> Screen {
        let cursor = Position { line, character };
        let ghost = (!ghost.is_empty()).then(|| Ghost { at: cursor, text: ghost.to_owned() });
        Screen { path: "a.rs".into(), text: text.to_owned(), cursor, ghost, status: vec![], popups: vec![] }
    }

    fn recording() -> Recording {
        Recording {
            typed: vec![screen("f", 0, 1, ""), screen("f(\n}", 0, 2, "")],
            ghosts: vec![screen("f(\n}", 0, 2, "a"), screen("f(\n}", 0, 2, "a<b\n  c")],
            taken: Some(screen("f(a<b\n  c\n}", 1, 3, "")),
        }
    }

    #[test]
    fn the_ghost_grows_by_a_line_wherever_the_run_was_looked_at() {
        let whole = recording();
        let mut fewer = recording();
        fewer.ghosts.remove(0);
        assert_eq!(whole.draw(), fewer.draw());
        let frames = whole.frames().unwrap();
        let shown: Vec<String> = frames
            .iter()
            .map(|frame| {
                frame
                    .lines
                    .iter()
                    .map(|line| format!("{}[{}]{}|", line.before, line.ghost, line.after))
                    .collect()
            })
            .collect();
        assert_eq!(
            shown,
            [
                "f[]|",
                "f([]|}[]|",
                "f([a<b]|}[]|",
                "f([a<b]|[  c]|}[]|",
                "f([a<b]|[  c]|}[]|",
                "f(a<b[]|  c[]|}[]|"
            ]
        );
        let svg = whole.draw().unwrap();
        assert!(svg.contains(">a&lt;b</text>") && svg.contains("prefers-color-scheme:dark"), "{svg}");
        // Its own namespace is the only address in it.
        assert_eq!(svg.matches("http").count(), 1);
    }

    #[test]
    fn a_run_in_which_nothing_grew_or_was_taken_is_not_drawn() {
        for (change, part) in [
            (&(|run: &mut Recording| run.ghosts.clear()) as &dyn Fn(&mut Recording), "no ghost"),
            (&|run| run.ghosts[0] = screen("f(\n}", 0, 2, "other"), "not grown"),
            (&|run| run.taken = Some(screen("f(", 0, 2, "")), "not taken"),
        ] {
            let mut run = recording();
            change(&mut run);
            let error = run.draw().unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
