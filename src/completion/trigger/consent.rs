//! Agreeing to a new destination: alt+\ twice in a row.

/// Whether requests may be sent. Until the user has agreed, none may.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consent(State);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum State {
    /// The user has agreed, or need not.
    #[default]
    Given,
    /// The user has not been asked just now. The text is the question.
    Missing(String),
    /// The question was shown in answer to the last alt+\.
    Asked(String),
}

/// The decision about a completion request that every other rule allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It may be sent.
    Allowed,
    /// It may be sent, because the user has just agreed: remember that.
    Agreed,
    /// It may not: show this question.
    Question(String),
}

impl Consent {
    /// Nothing may be sent before the user has agreed to `question`.
    pub fn needed(question: String) -> Self {
        Self(State::Missing(question))
    }

    /// Whether the user has agreed, or need not.
    pub fn is_given(&self) -> bool {
        self.0 == State::Given
    }

    /// Decides about a completion request that every other rule allows; `invoked` by alt+\ and not by a key.
    pub fn request(&mut self, invoked: bool) -> Asked {
        match std::mem::take(&mut self.0) {
            State::Given => Asked::Allowed,
            State::Asked(_) if invoked => Asked::Agreed,
            State::Asked(question) | State::Missing(question) => {
                let asked = question.clone();
                self.0 = if invoked { State::Asked(question) } else { State::Missing(question) };
                Asked::Question(asked)
            }
        }
    }

    /// Something else happened: an edit, a request refused by another rule, another document. The next alt+\ then counts
    /// as the first.
    pub fn interrupted(&mut self) {
        if let State::Asked(question) = &mut self.0 {
            self.0 = State::Missing(std::mem::take(question));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_presses_in_a_row_are_consent() {
        // `!`: alt+\, `.`: a key's request, `-`: anything else.
        for (acts, agreed) in [
            ("!!", true),
            (".!!", true),
            ("!.!!", true),
            ("!-!!", true),
            ("", false),
            ("!", false),
            ("..", false),
            ("!.!", false),
            ("!-!", false),
            ("!.-!.!-", false),
        ] {
            let mut consent = Consent::needed("question".to_owned());
            let mut last = None;
            for act in acts.chars() {
                match act {
                    '-' => consent.interrupted(),
                    act => last = Some(consent.request(act == '!')),
                }
            }
            assert_eq!(last == Some(Asked::Agreed), agreed, "{acts}");
            assert_eq!(consent == Consent::default(), agreed, "{acts}");
            let question = Some(Asked::Question("question".to_owned()));
            assert!(agreed || acts.is_empty() || last == question, "{acts}");
        }
        assert_eq!(Consent::default().request(false), Asked::Allowed);
    }
}
