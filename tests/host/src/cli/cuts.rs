//! `volt cuts`: answers that run over the missing text, and what is shown of them.

mod answer;
mod hole;
mod verdict;

use std::fmt::Write as _;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use lexopt::{Arg, ValueExt};
use serde::Serialize;

use self::answer::Way;
use self::hole::Hole;
use self::verdict::Verdict;
use super::recording::{json_lines, parse_json_lines};
use super::{Failure, print_json, unexpected};

const HELP: &str = "\
Show how exactly answers are cut that run over the text that is missing

Usage: cargo volt cuts [--cases FILE] [--json] [--show N]

      --cases FILE  Holes in programs, one JSON object per line: {\"id\", \"language\" (Lapce's id), \"prefix\", \"suffix\",
                    \"truth\", \"kind\"}; gzipped if the name ends with .gz. By default ../shared/quality/infilling.jsonl.gz
                    where it is, else a few of the project's own
      --json        Print one JSON object and nothing else
      --show N      Draw the first N disagreements of each way; by default 1

Each hole is given to the post-processing as an answer in nine ways, byte by byte:
  1 exact       the missing text           2 suffix    it and all that follows the cursor
  3 diverge     it, three lines that follow, other code
  4 fence       it in a Markdown fence, with words around
  5a, 5b        it behind the code, or the indentation, of the cursor's line
  6a function   it, what closes the blocks, another function
  6b loop       it, its last line fifteen times
  6c mid-line   it within brackets of the cursor's line, another function

Shown is: exact, the missing text but for blanks at line ends; policy, its first lines, because only so much is wanted
(no error); too long; too short; nothing; or changed. `%` is the part of exact ones without policy. Spans cut at random
are counted apart: they may begin within a word or indentation. `taken back`: a shown text was not the beginning of a
later one; there must be none.
";

const OWN: &str = include_str!("cuts/holes.jsonl");

/// The file that is taken by default, where it exists.
const SHARED: &str = "../shared/quality/infilling.jsonl.gz";

/// What became of the answers of one way in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Row {
    way: &'static str,
    /// `all` for the sum.
    language: String,
    /// Where a cursor may stand, rather than cut at random.
    natural: bool,
    exact: usize,
    policy: usize,
    too_long: usize,
    too_short: usize,
    nothing: usize,
    changed: usize,
    taken_back: usize,
}

/// An answer of which not the missing text was shown.
#[derive(Debug, Clone)]
struct Disagreement {
    way: Way,
    drawn: String,
}

/// Runs the command.
pub fn run(mut args: lexopt::Parser, out: &mut dyn Write) -> Result<(), Failure> {
    let mut cases: Option<PathBuf> = None;
    let (mut json, mut show) = (false, 1usize);
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Long("cases") => cases = Some(args.value()?.into()),
            Arg::Long("json") => json = true,
            Arg::Long("show") => show = args.value()?.parse()?,
            Arg::Short('h') | Arg::Long("help") => return Ok(out.write_all(HELP.as_bytes())?),
            other => return Err(unexpected(other, HELP, "cuts")),
        }
    }
    let shared = Path::new(SHARED);
    let holes = match cases {
        Some(path) => json_lines(&path),
        None if shared.exists() => json_lines(shared),
        None => parse_json_lines(OWN.as_bytes(), Path::new("the project's own")),
    }
    .map_err(|error| Failure::Usage(format!("{error:#}")))?;
    let (rows, disagreements) = measure(&holes);
    if json {
        return print_json(&rows, out);
    }
    print(&holes, &rows, &disagreements, show, out)
}

/// Gives all answers of all holes to the post-processing.
fn measure(holes: &[Hole]) -> (Vec<Row>, Vec<Disagreement>) {
    const MOST_THREADS: usize = 2;
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST_THREADS);
    let share = holes.len().div_ceil(threads).max(1);
    let parts: Vec<_> = thread::scope(|scope| {
        let started: Vec<_> = holes.chunks(share).map(|part| scope.spawn(|| measure_part(part))).collect();
        started.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let (mut rows, mut disagreements) = (Vec::new(), Vec::new());
    for (part, drawn) in parts {
        for row in part {
            add(&mut rows, &row);
        }
        disagreements.extend(drawn);
    }
    let order = |row: &Row| (!row.natural, row.way, row.language != "all");
    rows.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| a.language.cmp(&b.language)));
    (rows, disagreements)
}

fn measure_part(holes: &[Hole]) -> (Vec<Row>, Vec<Disagreement>) {
    let (mut rows, mut disagreements) = (Vec::new(), Vec::new());
    for hole in holes {
        for way in Way::ALL {
            let Some(answer) = way.answer(hole) else { continue };
            let stream = verdict::stream(hole, &answer);
            let verdict = Verdict::of(&stream.shown, &hole.truth);
            for language in ["all", &hole.language] {
                add(&mut rows, &Row::of(way, language, hole.is_natural(), verdict, stream.taken_back));
            }
            let agrees = matches!(verdict, Verdict::Exact | Verdict::Policy);
            if stream.taken_back || !agrees && hole.is_natural() {
                disagreements.push(Disagreement { way, drawn: draw(way, hole, &answer, &stream, verdict) });
            }
        }
    }
    (rows, disagreements)
}

impl Row {
    fn of(way: Way, language: &str, natural: bool, verdict: Verdict, taken_back: bool) -> Self {
        let is = |other| usize::from(verdict == other);
        Self {
            way: way.name(),
            language: language.to_owned(),
            natural,
            exact: is(Verdict::Exact),
            policy: is(Verdict::Policy),
            too_long: is(Verdict::TooLong),
            too_short: is(Verdict::TooShort),
            nothing: is(Verdict::Nothing),
            changed: is(Verdict::Changed),
            taken_back: usize::from(taken_back),
        }
    }

    fn errors(&self) -> usize {
        self.too_long + self.too_short + self.nothing + self.changed
    }

    /// The part of exact ones among those that are not a matter of policy, in hundredths of a percent.
    fn share(&self) -> usize {
        self.exact * 10_000 / (self.exact + self.errors()).max(1)
    }
}

/// Adds a row to the one of the same kind.
fn add(rows: &mut Vec<Row>, row: &Row) {
    let same = |other: &&mut Row| {
        (other.way, &other.language, other.natural) == (row.way, &row.language, row.natural)
    };
    match rows.iter_mut().find(same) {
        Some(sum) => {
            sum.exact += row.exact;
            sum.policy += row.policy;
            sum.too_long += row.too_long;
            sum.too_short += row.too_short;
            sum.nothing += row.nothing;
            sum.changed += row.changed;
            sum.taken_back += row.taken_back;
        }
        None => rows.push(row.clone()),
    }
}

fn print(
    holes: &[Hole],
    rows: &[Row],
    disagreements: &[Disagreement],
    show: usize,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let natural = holes.iter().filter(|hole| hole.is_natural()).count();
    for (title, wanted, count) in [
        ("holes where a cursor may stand", true, natural),
        ("spans cut at random", false, holes.len() - natural),
    ] {
        if count == 0 {
            continue;
        }
        writeln!(out, "{count} {title}")?;
        writeln!(
            out,
            "{:<26}{:<12}{:>7}{:>8}{:>8}{:>10}{:>10}{:>9}{:>9}{:>12}",
            "", "", "%", "exact", "policy", "too long", "too short", "nothing", "changed", "taken back"
        )?;
        for row in rows.iter().filter(|row| row.natural == wanted) {
            let way = if row.language == "all" { row.way } else { "" };
            let share = row.share();
            writeln!(
                out,
                "{way:<26}{:<12}{:>4}.{:02}{:>8}{:>8}{:>10}{:>10}{:>9}{:>9}{:>12}",
                row.language,
                share / 100,
                share % 100,
                row.exact,
                row.policy,
                row.too_long,
                row.too_short,
                row.nothing,
                row.changed,
                row.taken_back,
            )?;
        }
        writeln!(out)?;
    }
    for way in Way::ALL {
        for disagreement in disagreements.iter().filter(|other| other.way == way).take(show) {
            writeln!(out, "{}", disagreement.drawn)?;
        }
    }
    Ok(())
}

/// Draws the place, the answer, what was shown and what is missing.
fn draw(way: Way, hole: &Hole, answer: &str, stream: &verdict::Stream, verdict: Verdict) -> String {
    const AROUND: usize = 160;
    const LONGEST: usize = 400;
    let before: String =
        hole.prefix.chars().skip(hole.prefix.chars().count().saturating_sub(AROUND)).collect();
    let mut drawn = String::new();
    let taken_back = if stream.taken_back { ", taken back" } else { "" };
    let _ = writeln!(
        drawn,
        "{}, {}: {} in {}, {}{taken_back}",
        way.name(),
        hole.id,
        verdict.name(),
        hole.language,
        hole.kind
    );
    let _ = writeln!(drawn, "  at     {}‸{}", visible(&before), visible(&head(&hole.suffix, AROUND)));
    let _ = writeln!(drawn, "  answer {}", visible(&head(answer, LONGEST)));
    let _ = writeln!(drawn, "  shown  {}", visible(&head(&stream.shown, LONGEST)));
    let _ = write!(drawn, "  wanted {}", visible(&head(&hole.truth, LONGEST)));
    drawn
}

fn head(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// The text in one line: `⏎` for a line end, `⇥` for a tab.
fn visible(text: &str) -> String {
    text.replace("\r\n", "⏎").replace('\n', "⏎").replace('\t', "⇥")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Vec<Hole> {
        parse_json_lines(OWN.as_bytes(), Path::new("own")).unwrap()
    }

    #[test]
    fn the_projects_own_holes_are_cut_exactly_in_every_way() {
        let (rows, disagreements) = measure(&own());
        let drawn: Vec<_> =
            disagreements.iter().map(|other| format!("{:?} {}", other.way, other.drawn)).collect();
        assert!(drawn.is_empty(), "{}", drawn.join("\n"));
        assert!(rows.iter().all(|row| row.errors() == 0 && row.taken_back == 0));
        for way in Way::ALL {
            assert!(rows.iter().any(|row| row.way == way.name() && row.exact > 0), "{way:?}");
        }
    }

    #[test]
    fn an_answer_in_lines_of_cr_lf_is_cut_where_one_in_lines_of_lf_is() {
        let crlf = |text: &str| text.replace('\n', "\r\n");
        for hole in own().into_iter().filter(|hole| !hole.prefix.contains('\r')) {
            let mut other = hole.clone();
            (other.prefix, other.suffix, other.truth) =
                (crlf(&hole.prefix), crlf(&hole.suffix), crlf(&hole.truth));
            for way in Way::ALL {
                let (Some(answer), Some(same)) = (way.answer(&hole), way.answer(&other)) else { continue };
                let (shown, again) =
                    (verdict::stream(&hole, &answer).shown, verdict::stream(&other, &same).shown);
                assert_eq!(again.replace("\r\n", "\n"), shown, "{} {way:?}", hole.id);
            }
        }
    }

    /// A sample of the large file, where it is.
    #[test]
    fn nothing_shown_of_the_shared_holes_is_taken_back() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(SHARED);
        if !file.exists() {
            return;
        }
        let holes: Vec<Hole> = json_lines(&file).unwrap().into_iter().step_by(10).collect();
        let (rows, disagreements) = measure(&holes);
        let drawn: Vec<_> = disagreements.iter().map(|other| other.drawn.as_str()).collect();
        assert!(rows.iter().all(|row| row.taken_back == 0), "{}", drawn.join("\n"));
    }

    #[test]
    fn a_verdict_tells_what_was_shown_from_what_is_missing() {
        for (shown, truth, verdict) in [
            ("a();\n  b();", "a();\n  b();", Verdict::Exact),
            ("a();", "a();  \n\n", Verdict::Exact),
            ("a();\r\n  b();", "a();\n  b();", Verdict::Exact),
            ("a();", "a();\n  b();", Verdict::Policy),
            ("a();\n  b();", "a();", Verdict::TooLong),
            ("a(", "a();", Verdict::TooShort),
            ("", "a();", Verdict::Nothing),
            ("a();\nb();", "a();\n  b();", Verdict::Changed),
        ] {
            assert_eq!(Verdict::of(shown, truth), verdict, "{shown:?} {truth:?}");
        }
    }

    #[test]
    fn a_file_that_is_no_list_of_holes_is_named_with_its_line() {
        let error =
            parse_json_lines::<Hole>("{\"id\": 1}\n".as_bytes(), Path::new("some.jsonl")).unwrap_err();
        assert!(format!("{error:#}").contains("some.jsonl, line 1"), "{error:#}");
    }
}
