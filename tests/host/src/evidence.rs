//! What happened, with times: for tests that count.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::editor::{Cause, Paint};

/// A message from Lapce to the volt.
#[derive(Debug, Clone)]
pub struct Told {
    /// Present in a request.
    pub id: Option<u64>,
    /// The method.
    pub method: &'static str,
    /// The whole JSON line.
    pub line: String,
    /// When it was put in the volt's queue.
    pub queued: Instant,
    /// When the volt's thread took it.
    pub taken: Option<Instant>,
    /// When `handle_rpc` returned.
    pub handled: Option<Instant>,
    /// What the volt's thread worked for it, waiting not counted. Known once it is handled, on Unix.
    pub worked: Option<Duration>,
}

impl Told {
    /// How long it lay in the queue; until now when it still lies there.
    pub fn wait(&self) -> Duration {
        self.taken.unwrap_or_else(Instant::now) - self.queued
    }

    /// How long the volt took for it, when it is done.
    pub fn handling(&self) -> Option<Duration> {
        Some(self.handled? - self.taken?)
    }
}

/// A message from the volt to Lapce.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The whole JSON line, as written.
    pub line: String,
    /// When it came.
    pub at: Instant,
}

/// A change of drawn ghost text.
#[derive(Debug, Clone)]
pub struct Painted {
    /// What changed.
    pub paint: Paint,
    /// When.
    pub at: Instant,
}

/// A process run by `host/executeProcess`.
#[derive(Debug, Clone)]
pub struct Executed {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// When it was started.
    pub at: Instant,
    /// How long it took until it was over.
    pub took: Duration,
}

/// A language server the volt has started.
#[derive(Debug, Clone)]
pub struct LanguageServer {
    /// Its number, as the volt is told.
    pub id: u64,
    /// Its process.
    pub process: u32,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// When it was started.
    pub at: Instant,
    /// When it had answered `initialize`.
    pub initialized: Option<Instant>,
    /// Messages written to it, in order.
    pub written: Vec<String>,
    /// Messages it has written, in order, also those Lapce cannot read.
    pub heard: Vec<String>,
    /// When its standard output had ended, or Lapce could not read on.
    pub stopped: Option<Instant>,
}

impl LanguageServer {
    pub(crate) fn new(id: u64, process: u32, argv: Vec<String>) -> LanguageServer {
        let (written, heard) = (Vec::new(), Vec::new());
        LanguageServer {
            id,
            process,
            argv,
            at: Instant::now(),
            initialized: None,
            written,
            heard,
            stopped: None,
        }
    }
}

/// An `experimental/serverStatus` that has made the editor ask the volt again.
#[derive(Debug, Clone)]
pub struct WakeUp {
    /// When it came.
    pub at: Instant,
    /// The number of the language server that sent it; `None`: the volt did.
    pub server: Option<u64>,
    /// The requests that followed, by their index in [`Evidence::told`]: one of a kind for each open document.
    pub told: Vec<usize>,
}

/// A Tab that took, or should have taken, a ghost.
#[derive(Debug, Clone)]
pub struct Tab {
    /// When it was pressed.
    pub at: Instant,
    /// The file in front.
    pub path: PathBuf,
    /// The ghost that was drawn.
    pub shown: String,
    /// Whether that was what it took, in its place.
    pub as_shown: bool,
}

/// A key that the ghost at the caret went on with.
#[derive(Debug, Clone)]
pub struct TypedAlong {
    /// When it was pressed.
    pub at: Instant,
    /// From when on Tab would have taken what was drawn again. `None`: not before the user's next act.
    pub settled: Option<Instant>,
}

/// What of many durations is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quantiles {
    /// Half of them are not longer.
    pub median: Duration,
    /// One in a hundred is longer.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

impl Quantiles {
    /// Of these; zero when there are none.
    pub fn of(mut durations: Vec<Duration>) -> Quantiles {
        durations.sort();
        let at =
            |percent: usize| durations.get(durations.len() * percent / 100).or(durations.last()).copied();
        Quantiles {
            median: at(50).unwrap_or_default(),
            p99: at(99).unwrap_or_default(),
            max: at(100).unwrap_or_default(),
        }
    }
}

/// Everything that happened in one Lapce so far.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Messages to the volt, in order.
    pub told: Vec<Told>,
    /// Messages of the volt, in order, also those Lapce cannot read.
    pub heard: Vec<Heard>,
    /// How often each request id was answered by the volt, with a result or an error.
    pub answers: BTreeMap<u64, usize>,
    /// What was drawn.
    pub paints: Vec<Painted>,
    /// When the user did something.
    pub acts: Vec<Instant>,
    /// When an `experimental/serverStatus` came.
    pub server_statuses: Vec<Instant>,
    /// Processes the volt had run.
    pub executed: Vec<Executed>,
    /// Traps of the volt; it lives on after one.
    pub traps: Vec<String>,
    /// Messages of the volt or its language servers that Lapce cannot read, or would itself panic on, or that leave
    /// the volt waiting for ever.
    pub faults: Vec<String>,
    /// Language servers started, in order.
    pub language_servers: Vec<LanguageServer>,
    /// Wake-ups, in order.
    pub wakeups: Vec<WakeUp>,
    /// Tabs pressed while there was a ghost to take, drawn or not.
    pub tabs: Vec<Tab>,
    /// Keys that went along with a ghost.
    pub typed_along: Vec<TypedAlong>,
    /// The last of them is not settled yet.
    pub(crate) along_is_open: bool,
}

/// How often the requests of one method were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    /// Requests sent.
    pub requests: usize,
    /// Answers to the request that got fewest; 1 when none was sent.
    pub min: usize,
    /// Answers to the request that got most; 1 when none was sent.
    pub max: usize,
}

impl Evidence {
    /// The requests of a method that were sent, in order: their ids and how often each was answered.
    pub fn answers_to<'a>(&'a self, method: &'a str) -> impl Iterator<Item = (u64, usize)> + 'a {
        let ids = self.told.iter().filter(move |told| told.method == method).filter_map(|told| told.id);
        ids.map(|id| (id, self.answers.get(&id).copied().unwrap_or(0)))
    }

    /// The fewest and the most answers among the `textDocument/inlineCompletion` requests.
    pub fn inline_answers(&self) -> Answers {
        let counts: Vec<usize> =
            self.answers_to("textDocument/inlineCompletion").map(|(_, count)| count).collect();
        Answers {
            requests: counts.len(),
            min: counts.iter().copied().min().unwrap_or(1),
            max: counts.iter().copied().max().unwrap_or(1),
        }
    }

    /// What each key cost that asked for a completion, all its messages together: the sum of what `cost` says of
    /// each.
    pub fn cost_of_keys(&self, cost: fn(&Told) -> Option<Duration>) -> Vec<Duration> {
        let ends = self.acts.iter().skip(1).copied().map(Some).chain([None]);
        let of_key = |(start, end): (&Instant, Option<Instant>)| {
            let since = |told: &&Told| told.queued >= *start && end.is_none_or(|end| told.queued < end);
            let told: Vec<&Told> = self.told.iter().filter(since).collect();
            let asks = told.iter().any(|told| told.method == "textDocument/inlineCompletion");
            asks.then(|| told.into_iter().filter(|told| told.method != "initialize").filter_map(cost).sum())
        };
        self.acts.iter().zip(ends).filter_map(of_key).collect()
    }

    /// Ghosts that the volt had drawn where the caret was not.
    pub fn stale_paints(&self) -> Vec<&Painted> {
        self.paints.iter().filter(|painted| painted.paint.is_stale()).collect()
    }

    /// Ghosts that the volt had drawn elsewhere than at the caret of their file, although all that the user had done by
    /// then was told to it.
    pub fn misplaced_paints(&self) -> Vec<&Painted> {
        self.paints.iter().filter(|it| it.paint.is_misplaced() && !self.is_crossed(it)).collect()
    }

    /// Tabs that took something else than what was drawn, although the volt had handled everything the user did before and
    /// had been asked for a completion in the file since it came to the front. Before, Lapce keeps what is bound to Tab,
    /// and no answer of the volt can change that.
    pub fn wrong_tabs(&self) -> Vec<&Tab> {
        let could_not_know = |tab: &Tab| {
            let of_user = |told: &&Told| told.method != "textDocument/codeLens" && told.queued <= tab.at;
            let before = self.told.iter().filter(of_user);
            let is_behind = before.clone().any(|told| told.handled.is_none_or(|handled| handled > tab.at));
            let path = tab.path.to_string_lossy();
            let mut since_in_front = before.rev().take_while(|told| told.line.contains(&*path));
            is_behind || !since_in_front.any(|told| told.method == "textDocument/inlineCompletion")
        };
        self.tabs.iter().filter(|tab| !tab.as_shown && !could_not_know(tab)).collect()
    }

    /// Whether the user did something while the answer was on its way: the volt took the message of it only after it had
    /// sent the answer.
    fn is_crossed(&self, painted: &Painted) -> bool {
        let Cause::Answer(id) = painted.paint.cause else { return false };
        let begin = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\"");
        let Some(sent) = self.heard.iter().find(|heard| heard.line.starts_with(&begin)) else { return false };
        let of_user = |told: &&Told| told.method != "textDocument/codeLens" && told.queued <= painted.at;
        self.told.iter().filter(of_user).any(|told| told.taken.is_none_or(|taken| taken > sent.at))
    }

    /// Ghosts drawn (not wiped), in order.
    pub fn ghosts(&self) -> impl Iterator<Item = (Instant, &str)> {
        self.paints
            .iter()
            .filter_map(|painted| Some((painted.at, painted.paint.ghost.as_ref()?.text.as_str())))
    }

    /// The longest that a message waited in the queue before the volt took it.
    pub fn longest_wait(&self) -> Duration {
        self.told.iter().map(Told::wait).max().unwrap_or_default()
    }

    /// The longest that the volt was busy with one message.
    pub fn longest_handling(&self) -> Duration {
        self.told.iter().filter_map(Told::handling).max().unwrap_or_default()
    }

    /// How many server statuses of the volt itself came before the first act of the user, between each two, and after
    /// the last.
    pub fn server_statuses_between_acts(&self) -> Vec<usize> {
        self.between_acts(self.server_statuses.iter().copied())
    }

    /// How many wake-ups came before the first act of the user, between each two, and after the last.
    pub fn wakeups_between_acts(&self) -> Vec<usize> {
        self.between_acts(self.wakeups.iter().map(|wakeup| wakeup.at))
    }

    fn between_acts(&self, moments: impl Iterator<Item = Instant>) -> Vec<usize> {
        let mut counts = vec![0; self.acts.len() + 1];
        for moment in moments {
            let after = self.acts.partition_point(|act| *act <= moment);
            if let Some(count) = counts.get_mut(after) {
                *count += 1;
            }
        }
        counts
    }

    /// How often the user paused for at least so long, the time after the last act included.
    pub fn pauses(&self, length: Duration) -> usize {
        let ends = self.acts.iter().skip(1).copied().chain([Instant::now()]);
        self.acts
            .iter()
            .zip(ends)
            .filter(|(start, end)| end.saturating_duration_since(**start) >= length)
            .count()
    }

    /// How many wake-ups came after that moment.
    pub fn wakeups_since(&self, moment: Instant) -> usize {
        self.wakeups.iter().filter(|wakeup| wakeup.at > moment).count()
    }

    /// The most wake-ups that were under way at one time: from the server status to the volt's taking the first
    /// request that followed from it. If a language server was replaced, its last wake-up does not count: it reports
    /// that the server died.
    pub fn most_wakeups_outstanding(&self) -> usize {
        let is_last_word = |wakeup: &&WakeUp| {
            let later =
                self.wakeups.iter().any(|later| later.server == wakeup.server && later.at > wakeup.at);
            let is_replaced = self.language_servers.iter().any(|server| server.at > wakeup.at);
            wakeup.server.is_some() && !later && is_replaced
        };
        let taken = |wakeup: &WakeUp| {
            let first = wakeup.told.first().and_then(|index| self.told.get(*index));
            // What nothing followed from does not reach the volt.
            first.map_or(Some(wakeup.at), |told| told.taken)
        };
        let under_way = |moment: Instant| {
            let begun = self.wakeups.iter().filter(|wakeup| wakeup.at <= moment && !is_last_word(wakeup));
            begun.filter(|wakeup| taken(wakeup).is_none_or(|taken| taken > moment)).count()
        };
        self.wakeups.iter().map(|wakeup| under_way(wakeup.at)).max().unwrap_or(0)
    }

    /// How long the volt had each of these messages.
    pub fn guest_time(&self, which: impl Fn(&Told) -> bool) -> Quantiles {
        Quantiles::of(self.told.iter().filter(|told| which(told)).filter_map(Told::handling).collect())
    }

    /// How long it took from this key to when Tab would have taken what was drawn again: to the user's next act, or to
    /// now, when that came first.
    pub fn settling(&self, along: &TypedAlong) -> Duration {
        let next = || self.acts.iter().find(|act| **act > along.at).copied();
        along.settled.or_else(next).unwrap_or_else(Instant::now).saturating_duration_since(along.at)
    }

    /// Does something to a language server of that number.
    pub(crate) fn language_server(&mut self, id: u64, change: impl FnOnce(&mut LanguageServer)) {
        if let Some(server) = self.language_servers.iter_mut().find(|server| server.id == id) {
            change(server);
        }
    }

    /// Whether a text occurs anywhere it should not if it is secret: in arguments of processes, in messages of
    /// the volt, in traps, and in what is exchanged with language servers, which Lapce writes to its log.
    pub fn mentions(&self, secret: &str) -> bool {
        let arguments = self.executed.iter().flat_map(|executed| &executed.argv);
        let heard = self.heard.iter().map(|heard| &heard.line);
        let servers = self.language_servers.iter();
        let exchanged =
            servers.flat_map(|server| server.argv.iter().chain(&server.written).chain(&server.heard));
        arguments.chain(heard).chain(&self.traps).chain(exchanged).any(|text| text.contains(secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_sorted_durations() {
        let ms = Duration::from_millis;
        for (durations, median, p99, max) in
            [(vec![], 0, 0, 0), (vec![7], 7, 7, 7), ((1..=200).rev().collect(), 101, 199, 200)]
        {
            let quantiles = Quantiles::of(durations.into_iter().map(ms).collect());
            assert_eq!(quantiles, Quantiles { median: ms(median), p99: ms(p99), max: ms(max) });
        }
    }

    #[test]
    fn a_wakeup_is_under_way_until_the_volt_takes_the_first_request_that_follows() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let told = |queued, taken: Option<u64>| Told {
            id: Some(0),
            method: "textDocument/codeLens",
            line: String::new(),
            queued: at(queued),
            taken: taken.map(at),
            handled: None,
            worked: None,
        };
        for (first_taken, most) in [(Some(5), 1), (Some(15), 2), (None, 2)] {
            let evidence = Evidence {
                told: vec![told(0, first_taken), told(0, None), told(10, Some(11))],
                wakeups: vec![
                    WakeUp { at: at(0), server: None, told: vec![0, 1] },
                    WakeUp { at: at(10), server: None, told: vec![2] },
                    WakeUp { at: at(20), server: None, told: vec![] },
                ],
                ..Evidence::default()
            };
            // The last one reaches nobody.
            let expected = if first_taken.is_none() { 2 } else { most };
            assert_eq!(evidence.most_wakeups_outstanding(), expected, "{first_taken:?}");
        }
    }

    #[test]
    fn a_report_that_a_language_server_died_is_no_second_wake_up() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let wakeup = |ms, server| WakeUp { at: at(ms), server: Some(server), told: vec![0] };
        let told = Told {
            id: Some(0),
            method: "textDocument/codeLens",
            line: String::new(),
            queued: at(0),
            taken: None,
            handled: None,
            worked: None,
        };
        for (second_server, most) in [(20, 1), (5, 2)] {
            let mut evidence = Evidence {
                told: vec![told.clone()],
                wakeups: vec![wakeup(10, 1), wakeup(12, 1)],
                ..Evidence::default()
            };
            let server = |id, ms| LanguageServer { at: at(ms), ..LanguageServer::new(id, 1, Vec::new()) };
            evidence.language_servers = vec![server(1, 0), server(2, second_server)];
            assert_eq!(evidence.most_wakeups_outstanding(), most, "the second came at {second_server}");
        }
    }

    #[test]
    fn a_ghost_beside_the_caret_counts_unless_the_volt_could_not_know() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        // The answer is sent at 10 ms and drawn at 12 ms.
        for (method, queued, taken, misplaced) in [
            ("textDocument/didChange", 5, Some(6), 1),
            ("textDocument/didChange", 11, Some(13), 0),
            ("textDocument/didChange", 9, None, 0),
            ("textDocument/didChange", 14, Some(15), 1),
            ("textDocument/codeLens", 11, Some(13), 1),
        ] {
            let told = Told {
                id: None,
                method,
                line: String::new(),
                queued: at(queued),
                taken: taken.map(at),
                handled: None,
                worked: None,
            };
            let ghost = crate::editor::Ghost { at: lsp_types::Position::new(1, 4), text: "x".to_owned() };
            let paint = Paint {
                path: "a.rs".into(),
                ghost: Some(ghost),
                cause: Cause::Answer(3),
                at_cursor: false,
                in_front: true,
            };
            let evidence = Evidence {
                told: vec![told],
                heard: vec![Heard { line: r#"{"jsonrpc":"2.0","id":3,"result":[]}"#.to_owned(), at: at(10) }],
                paints: vec![Painted { paint, at: at(12) }],
                ..Evidence::default()
            };
            assert_eq!(evidence.misplaced_paints().len(), misplaced, "{method} {queued} {taken:?}");
        }
    }

    #[test]
    fn a_tab_counts_as_wrong_once_the_volt_has_handled_what_came_before() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let asks = "textDocument/inlineCompletion";
        for (as_shown, handled, path, method, wrong) in [
            (false, Some(9), "/a.rs", asks, 1),
            (false, Some(11), "/a.rs", asks, 0),
            (false, None, "/a.rs", asks, 0),
            (true, Some(9), "/a.rs", asks, 0),
            (false, Some(9), "/b.rs", asks, 0),
            // Nothing was asked for there that an answer could be given to.
            (false, Some(9), "/a.rs", "textDocument/codeAction", 0),
        ] {
            let told = Told {
                id: None,
                method,
                line: r#"{"uri":"file:///a.rs"}"#.to_owned(),
                queued: at(5),
                taken: Some(at(6)),
                handled: handled.map(at),
                worked: None,
            };
            let tab = Tab { at: at(10), path: path.into(), shown: "x".to_owned(), as_shown };
            let evidence = Evidence { told: vec![told], tabs: vec![tab], ..Evidence::default() };
            assert_eq!(evidence.wrong_tabs().len(), wrong, "{as_shown} {handled:?} {path} {method}");
        }
    }

    #[test]
    fn wakeups_are_counted_by_the_acts_they_follow() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let wakeups = [5, 15, 16, 30].map(|ms| WakeUp { at: at(ms), server: None, told: vec![] }).to_vec();
        let evidence = Evidence { acts: vec![at(10), at(20)], wakeups, ..Evidence::default() };
        assert_eq!(evidence.wakeups_between_acts(), [1, 2, 1]);
        assert_eq!(evidence.wakeups_since(at(15)), 2);
    }
}
