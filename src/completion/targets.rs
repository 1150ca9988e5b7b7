//! Whom to ask: the provider of the settings, optionally another one for alt+\, and optionally a fallback while that is
//! unavailable.

use super::trigger::Consent;
use crate::http::{Secret, Url};
use crate::provider::{Account, Error, Provider, retry};

/// What a target is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Asked where the others are not.
    Main,
    /// Asked on alt+\.
    Invoked,
    /// Asked while another is unavailable.
    Fallback,
}

/// All roles.
pub const ROLES: [Role; 3] = [Role::Main, Role::Invoked, Role::Fallback];

/// A provider, how to ask it, and its state.
pub struct Target {
    /// Whom to ask.
    pub provider: &'static dyn Provider,
    /// How to ask.
    pub account: Account,
    /// The command that prints the key, if that is where it comes from.
    pub key_command: Option<String>,
    /// Whether to request ahead while a suggestion is on the screen.
    pub speculative: bool,
    /// Whether the user has agreed to it.
    pub consent: Consent,
    /// Until when the server asked not to be asked, in milliseconds.
    limited_until_ms: u64,
    /// Until when the fallback is asked in its place, if there is one, in milliseconds.
    away_until_ms: u64,
    /// How often in a row it was unavailable.
    absences: u32,
    /// Consecutive refusals that only the user can change.
    refusals: u32,
    /// Until when no automatic requests are sent because of them, in milliseconds.
    refused_until_ms: u64,
    /// The key was refused, and its command was run again since.
    is_renewed: bool,
    /// Whether the server runs on this machine.
    is_local: bool,
    /// When it last began to answer, in milliseconds.
    heard_ms: Option<u64>,
}

/// Without a request for longer than this a server may have unloaded its model (Ollama's `keep_alive` is five minutes), in
/// milliseconds.
const COLD_MS: u64 = 240_000;
/// After two refusals in a row because of the key, the credit or the model, no automatic request is sent for this time, in
/// milliseconds.
const REFUSED_MS: u64 = 10_000;

impl Target {
    /// One that has not been asked yet.
    pub fn new(provider: &'static dyn Provider, account: Account, speculative: bool) -> Self {
        let mut target = Self {
            provider,
            account,
            key_command: None,
            speculative,
            consent: Consent::default(),
            limited_until_ms: 0,
            away_until_ms: 0,
            absences: 0,
            refusals: 0,
            refused_until_ms: 0,
            is_renewed: false,
            is_local: false,
            heard_ms: None,
        };
        target.is_local = target.url().is_some_and(|url| url.is_loopback());
        target
    }

    /// The base URL of its server.
    pub fn url(&self) -> Option<Url> {
        Url::parse(self.account.base_url_or(self.provider.defaults().base_url)).ok()
    }

    /// The model that is requested.
    pub fn model(&self) -> &str {
        self.account.model_or(self.provider.defaults().model)
    }

    /// Whether its key has yet to be printed by the command.
    pub fn needs_key(&self) -> bool {
        self.key_command.is_some() && self.account.api_key.is_empty()
    }

    /// Whether a request may go to it: the user has agreed, and the key is known.
    pub fn may_be_asked(&self) -> bool {
        self.consent.is_given() && !self.needs_key()
    }

    /// The key was refused: forgets it, so that its command runs again, but only once. Returns whether it does.
    pub fn renew_key(&mut self) -> bool {
        if self.key_command.is_none() || std::mem::replace(&mut self.is_renewed, true) {
            return false;
        }
        self.account.api_key = Secret::default();
        true
    }

    /// The command printed no key. It is not run again for each pause in typing.
    pub fn has_no_key(&mut self, now: u64) {
        self.is_renewed = false;
        self.refused_until_ms = now + REFUSED_MS;
    }

    /// Whether the server may have to load the model before it answers.
    pub fn is_cold(&self, now: u64) -> bool {
        self.is_local && self.heard_ms.is_none_or(|heard| now.saturating_sub(heard) > COLD_MS)
    }

    /// It has begun to answer.
    pub fn heard(&mut self, now: u64) {
        self.heard_ms = Some(now);
    }

    /// How long it must not be asked yet, in milliseconds.
    pub fn wait_ms(&self, now: u64, invoked: bool) -> u64 {
        let refused = if invoked { 0 } else { self.refused_until_ms };
        self.limited_until_ms.max(refused).saturating_sub(now)
    }

    /// It has answered.
    pub fn answered(&mut self) {
        (self.refusals, self.absences, self.is_renewed) = (0, 0, false);
    }

    /// It has failed for good.
    pub fn failed(&mut self, now: u64, error: &Error) {
        self.is_renewed = false;
        if let Some(pause) = retry::pause_ms(error) {
            self.limited_until_ms = now.saturating_add(pause);
        }
        if retry::is_refusal(error) {
            self.refusals += 1;
            // A single refusal may be temporary, for example if a gateway has several keys.
            self.refused_until_ms = if self.refusals > 1 { now + REFUSED_MS } else { 0 };
        }
    }

    /// This error shows that it is unavailable, if so. Returns whether it was available before.
    fn leave(&mut self, now: u64, error: &Error) -> bool {
        let Some(absence) = retry::absence_ms(error, self.absences) else { return false };
        self.away_until_ms = now.saturating_add(absence);
        self.absences += 1;
        self.absences == 1
    }
}

/// All that can be asked.
#[derive(Default)]
pub struct Targets([Option<Target>; ROLES.len()]);

impl Targets {
    /// Gives a role to a target.
    pub fn set(&mut self, role: Role, target: Target) {
        if let Some(place) = self.0.get_mut(role as usize) {
            *place = Some(target);
        }
    }

    /// The target with this role.
    pub fn get(&self, role: Role) -> Option<&Target> {
        self.0.get(role as usize)?.as_ref()
    }

    /// The same, mutable.
    pub fn get_mut(&mut self, role: Role) -> Option<&mut Target> {
        self.0.get_mut(role as usize)?.as_mut()
    }

    /// All of them, mutable.
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut Target> {
        self.0.iter_mut().flatten()
    }

    /// Whom to ask now; `invoked`: the user asks with alt+\.
    pub fn choose(&self, now: u64, invoked: bool) -> Option<(Role, &Target)> {
        let main = self.get(Role::Main)?;
        let first = match self.get(Role::Invoked) {
            Some(target) if invoked => (Role::Invoked, target),
            _ => (Role::Main, main),
        };
        let fallback = self.fallback(invoked).filter(|_| first.1.away_until_ms > now);
        Some(fallback.map_or(first, |target| (Role::Fallback, target)))
    }

    /// The fallback, if it may be asked: the user can agree to a new one only with alt+\.
    fn fallback(&self, invoked: bool) -> Option<&Target> {
        self.get(Role::Fallback).filter(|target| invoked || target.consent.is_given())
    }

    /// Whether there is a fallback that may be asked in place of `role`.
    pub fn has_stand_in(&self, role: Role, invoked: bool) -> bool {
        role != Role::Fallback && self.fallback(invoked).is_some()
    }

    /// Whether the fallback should be asked in place of `role`, which has failed with this error; and if so, whether `role` was
    /// available before.
    pub fn stand_in(&mut self, role: Role, invoked: bool, now: u64, error: &Error) -> Option<bool> {
        if !self.has_stand_in(role, invoked) || retry::absence_ms(error, 0).is_none() {
            return None;
        }
        self.get_mut(role).map(|target| target.leave(now, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::find;
    use crate::stream::ErrorKind;

    fn target(name: &str) -> Target {
        Target::new(find(name).unwrap(), Account::default(), false)
    }

    fn error(kind: ErrorKind, retry_after_ms: Option<u64>) -> Error {
        Error { retry_after_ms, ..Error::of_settings(find("openai").unwrap(), kind, "") }
    }

    fn asked(targets: &Targets, now: u64, invoked: bool) -> Option<Role> {
        targets.choose(now, invoked).map(|(role, _)| role)
    }

    #[test]
    fn the_invoked_one_is_for_the_user_and_the_fallback_for_nobody_before_it_is_needed() {
        let mut targets = Targets::default();
        targets.set(Role::Fallback, target("ollama"));
        assert_eq!(asked(&targets, 0, true), None, "nobody stands in for nobody");
        targets.set(Role::Main, target("openai"));
        assert_eq!(
            (asked(&targets, 0, false), asked(&targets, 0, true)),
            (Some(Role::Main), Some(Role::Main))
        );
        targets.set(Role::Invoked, target("anthropic"));
        assert_eq!(
            (asked(&targets, 0, false), asked(&targets, 0, true)),
            (Some(Role::Main), Some(Role::Invoked))
        );
    }

    #[test]
    fn the_fallback_is_asked_until_the_absence_is_over() {
        use ErrorKind::*;
        for (kind, after, back_ms) in [
            (RateLimited, Some(20_000), 20_000),
            (RateLimited, None, 10_000),
            (Quota, None, 600_000),
            (Transient, None, 30_000),
            (Transient, Some(45_000), 45_000),
            (Network, None, 30_000),
            (Timeout, None, 30_000),
        ] {
            let mut targets = Targets::default();
            targets.set(Role::Main, target("openai"));
            assert_eq!(
                targets.stand_in(Role::Main, false, 1000, &error(kind, after)),
                None,
                "nobody is there to"
            );
            targets.set(Role::Fallback, target("ollama"));
            assert_eq!(targets.stand_in(Role::Main, false, 1000, &error(kind, after)), Some(true));
            assert_eq!(asked(&targets, 999 + back_ms, true), Some(Role::Fallback), "{kind:?} {after:?}");
            assert_eq!(asked(&targets, 1000 + back_ms, true), Some(Role::Main), "{kind:?} {after:?}");
        }
        for kind in [Auth, Model, Request, TooLong, Filtered, NoFim, Malformed, Limit] {
            let mut targets = Targets::default();
            targets.set(Role::Main, target("openai"));
            targets.set(Role::Fallback, target("ollama"));
            assert_eq!(targets.stand_in(Role::Main, false, 0, &error(kind, None)), None, "{kind:?}");
        }
    }

    #[test]
    fn an_absence_is_news_once_and_grows_until_an_answer_came() {
        let mut targets = Targets::default();
        targets.set(Role::Main, target("openai"));
        targets.set(Role::Fallback, target("ollama"));
        let down = error(ErrorKind::Network, None);
        let mut now = 0;
        for (news, absence) in [(true, 30_000), (false, 60_000), (false, 120_000)] {
            assert_eq!(targets.stand_in(Role::Main, false, now, &down), Some(news));
            assert_eq!(asked(&targets, now + absence - 1, false), Some(Role::Fallback));
            now += absence;
            assert_eq!(asked(&targets, now, false), Some(Role::Main));
        }
        targets.get_mut(Role::Main).unwrap().answered();
        assert_eq!(targets.stand_in(Role::Main, false, now, &down), Some(true));
        assert_eq!(
            targets.stand_in(Role::Fallback, false, now, &down),
            None,
            "nobody stands in for the fallback"
        );
    }
}
