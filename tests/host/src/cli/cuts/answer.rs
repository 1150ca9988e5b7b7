//! The ways in which a model's answer runs over the text that is missing.

use super::hole::Hole;

/// What the model writes instead of just the missing text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The missing text and nothing else.
    Exact,
    /// Then all that follows the cursor.
    Suffix,
    /// Then the first lines that follow the cursor, then other code.
    Diverge,
    /// In a Markdown fence, with words around it.
    Fence,
    /// Behind the code left of the cursor on its line.
    EchoCode,
    /// Behind the white space left of the cursor on its line.
    EchoIndentation,
    /// Then what closes the open blocks, then another function.
    Function,
    /// Then its last line again and again.
    Loop,
    /// Then another function at once, in the middle of the cursor's line, where a bracket is open.
    MidLine,
}

impl Way {
    pub const ALL: [Way; 9] = [
        Way::Exact,
        Way::Suffix,
        Way::Diverge,
        Way::Fence,
        Way::EchoCode,
        Way::EchoIndentation,
        Way::Function,
        Way::Loop,
        Way::MidLine,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Way::Exact => "1 exact",
            Way::Suffix => "2 suffix",
            Way::Diverge => "3 diverge",
            Way::Fence => "4 fence",
            Way::EchoCode => "5a echo of code",
            Way::EchoIndentation => "5b echo of indentation",
            Way::Function => "6a function",
            Way::Loop => "6b loop",
            Way::MidLine => "6c function in mid-line",
        }
    }

    /// The answer, where this way is possible for the hole.
    pub fn answer(self, hole: &Hole) -> Option<String> {
        let truth = &hole.truth;
        let line_end = if hole.prefix.contains("\r\n") { "\r\n" } else { "\n" };
        let answer = match self {
            Way::Exact => truth.clone(),
            Way::Suffix => {
                if hole.suffix.trim().is_empty() {
                    return None;
                }
                format!("{truth}{}", hole.suffix)
            }
            Way::Diverge => {
                let head = first_lines(&hole.suffix, 3)?;
                format!("{truth}{head}\n{}", other_function(&hole.language))
            }
            Way::Fence => {
                let (before, after) = WORDS.get(seed(hole) % WORDS.len())?;
                format!("{before}```{}\n{truth}\n```{after}", hole.language)
            }
            Way::EchoCode => {
                let code = hole.line_before().trim_start();
                if code.is_empty() {
                    return None;
                }
                format!("{code}{truth}")
            }
            Way::EchoIndentation => {
                let line = hole.line_before();
                if line.is_empty() || !line.trim().is_empty() {
                    return None;
                }
                format!("{line}{truth}")
            }
            Way::Function => {
                let rest = hole.line_after();
                let closers = closers(hole);
                format!("{truth}{rest}\n{closers}\n{}", other_function(&hole.language))
            }
            Way::Loop => {
                let last = truth.trim_end().rsplit('\n').next().unwrap_or_default();
                if last.trim().is_empty() {
                    return None;
                }
                // The first line of an answer stands behind the indentation of the cursor's line.
                let indentation =
                    if truth.trim_end().contains('\n') { "" } else { indentation(hole.line_before()) };
                format!("{}{}", truth.trim_end(), format!("\n{indentation}{last}").repeat(15))
            }
            Way::MidLine => {
                let rest = hole.line_after().trim_start();
                if !rest.starts_with([')', ']', '}']) || hole.line_before().trim().is_empty() {
                    return None;
                }
                format!("{truth}\n\n{}", other_function(&hole.language))
            }
        };
        let ends =
            if line_end == "\n" { answer } else { answer.replace("\r\n", "\n").replace('\n', line_end) };
        Some(ends)
    }
}

/// What chat models say before and behind a block of code.
const WORDS: &[(&str, &str)] = &[
    ("", ""),
    ("", "\n"),
    ("Here is the missing code:\n\n", "\n\nThis completes the function.\n"),
    ("Sure! Here's the completed code:\n", "\n"),
    ("To complete the code, fill in this part:\n\n", "\n\nExplanation:\n- It does what the name says.\n"),
];

fn seed(hole: &Hole) -> usize {
    hole.id.bytes().fold(7, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()) & 0xffff)
}

fn indentation(line: &str) -> &str {
    line.get(..line.len() - line.trim_start().len()).unwrap_or_default()
}

/// The text up to its `count`th line that is not blank.
fn first_lines(text: &str, count: usize) -> Option<&str> {
    let mut end = 0;
    let mut lines = 0;
    for line in text.split_inclusive('\n') {
        end += line.len();
        lines += usize::from(!line.trim().is_empty());
        if lines == count {
            break;
        }
    }
    (lines > 0).then(|| text.get(..end).map(str::trim_end)).flatten()
}

fn other_function(language: &str) -> &'static str {
    match language {
        "python" => {
            "\ndef render_report(rows, width=80):\n    for row in rows:\n        print(row.ljust(width))\n"
        }
        "java" | "csharp" => {
            "static int renderReport(int[] rows, int width) {\n    int sum = width;\n    return sum + rows[0];\n}\n"
        }
        _ => {
            "int render_report(const char *rows, int width) {\n    int sum = width;\n    return sum + rows[0];\n}\n"
        }
    }
}

/// The lines that close the braces which are open behind the missing text.
fn closers(hole: &Hole) -> String {
    if hole.language == "python" {
        return String::new();
    }
    let text = format!("{}{}{}", hole.prefix, hole.truth, hole.line_after());
    let mut open: Vec<&str> = Vec::new();
    for line in text.lines() {
        let mut quote = None;
        let mut bytes = line.bytes().peekable();
        while let Some(byte) = bytes.next() {
            match (quote, byte) {
                (Some(_), b'\\') => drop(bytes.next()),
                (Some(mark), _) if mark == byte => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'/') if bytes.peek() == Some(&b'/') => break,
                (None, b'{') => open.push(indentation(line)),
                (None, b'}') => drop(open.pop()),
                (None, _) => {}
            }
        }
    }
    open.iter().rev().map(|blanks| format!("{blanks}}}\n")).collect()
}
