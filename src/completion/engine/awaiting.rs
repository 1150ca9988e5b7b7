//! What a target needs before it can be asked: its key, which a command prints, or its model, which the server is
//! loading. Typing stops neither.

use super::super::io::{Buffers, Output, ResponseEvent, Status, Why};
use super::super::targets::Role;
use super::{Engine, Phase};
use crate::http::Secret;
use crate::provider::{Error, key};
use crate::stream::ErrorKind;
use crate::transport::RequestNumber;

/// See the module.
pub(super) enum Awaited {
    /// The command that prints the key of the target with this role, and its output so far.
    Key { number: RequestNumber, role: Role, output: Vec<u8> },
    /// The server loads the model for this request, and would stop loading without it. Its answer is not used.
    Load { number: RequestNumber, role: Role },
}

impl Awaited {
    pub fn number(&self) -> RequestNumber {
        match self {
            Self::Key { number, .. } | Self::Load { number, .. } => *number,
        }
    }

    fn role(&self) -> Role {
        match self {
            Self::Key { role, .. } | Self::Load { role, .. } => *role,
        }
    }

    /// The request to read, and at most how many bytes.
    pub fn reading(&self) -> (RequestNumber, usize) {
        (self.number(), key::LONGEST_OUTPUT)
    }
}

impl Engine {
    /// Whether the target cannot be asked yet. Runs the command for its key if that is what is missing.
    pub(super) fn awaits(&mut self, now: u64, out: &mut Vec<Output>) -> bool {
        let Some((role, target)) = self.options.targets.choose(now, self.is_invoked()) else { return false };
        if !self.awaits_for(role) {
            if !target.needs_key() {
                return false;
            }
            let command = target.key_command.clone().unwrap_or_default();
            let number = self.next_number();
            out.push(Output::Run { number, command });
            self.wait_for(Awaited::Key { number, role, output: Vec::new() }, out);
        }
        self.asked = role;
        let status = match self.awaited {
            Some(Awaited::Load { .. }) => Status::Loading,
            _ => Status::Key,
        };
        self.say(status, out);
        true
    }

    /// Whether the target with this role cannot be asked yet. The others can.
    pub(super) fn awaits_for(&self, role: Role) -> bool {
        self.awaited.as_ref().is_some_and(|awaited| awaited.role() == role)
    }

    /// Waits for this, and no longer for what another target needed.
    pub(super) fn wait_for(&mut self, awaited: Awaited, out: &mut Vec<Output>) {
        if let Some(before) = self.awaited.replace(awaited) {
            out.push(Output::Stop(before.number()));
        }
    }

    pub(super) fn receive_awaited(
        &mut self,
        now: u64,
        event: &ResponseEvent<'_>,
        buffers: &dyn Buffers,
        out: &mut Vec<Output>,
    ) {
        let key = match (&mut self.awaited, event) {
            (Some(Awaited::Key { output, .. }), ResponseEvent::Body(bytes)) => {
                let room = key::LONGEST_OUTPUT.saturating_sub(output.len());
                output.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                return;
            }
            (Some(Awaited::Key { .. }), ResponseEvent::Head { .. }) => return,
            (Some(Awaited::Key { role, output, .. }), ResponseEvent::End) => {
                Some((*role, key::of_command(Ok(output))))
            }
            (Some(Awaited::Key { role, .. }), ResponseEvent::Failed(failure)) => {
                Some((*role, key::of_command(Err(&failure.detail))))
            }
            _ => None,
        };
        let Some(awaited) = self.awaited.take() else { return };
        out.push(Output::Stop(awaited.number()));
        let failed = match key {
            Some((role, key)) => self.take_key(now, role, key, out),
            None => {
                if let (Awaited::Load { role, .. }, ResponseEvent::Head { .. }) = (awaited, event)
                    && let Some(target) = self.target_mut(role)
                {
                    target.heard(now);
                }
                None
            }
        };
        if let Some(error) = &failed {
            out.push(Output::Notice(error.clone()));
        }
        // Otherwise another target has been asked meanwhile.
        if let Phase::Idle = self.phase {
            self.wakeups.disarm();
            self.say(Status::Quiet, out);
            match failed {
                Some(error) => self.answer_nothing(Why::Failed(error), out),
                None => self.ask_once_more(now, buffers, out),
            }
        }
    }

    /// Takes the result of the command for a key. Returns the error, if it failed.
    fn take_key(
        &mut self,
        now: u64,
        role: Role,
        key: Result<Secret, String>,
        out: &mut Vec<Output>,
    ) -> Option<Box<Error>> {
        let target = self.target_mut(role)?;
        match key {
            Ok(key) => {
                target.account.api_key = key.clone();
                out.push(Output::Secret(key));
                None
            }
            Err(words) => {
                let error = Error::of_settings(target.provider, ErrorKind::Auth, &words);
                target.has_no_key(now);
                Some(Box::new(error))
            }
        }
    }

    /// Runs the command for the key again if its last key was refused. Returns whether it does.
    pub(super) fn renew_key(
        &mut self,
        now: u64,
        error: &Error,
        buffers: &dyn Buffers,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(role) = self.failed_role() else { return false };
        let is_refused = error.kind == ErrorKind::Auth;
        if !is_refused || !self.target_mut(role).is_some_and(super::Target::renew_key) {
            return false;
        }
        self.drop_failed(out);
        self.ask_once_more(now, buffers, out);
        true
    }
}
