//! How a chat model, which knows no fill-in-the-middle, is asked to insert text at the cursor.

use std::borrow::Cow;

use serde_json::Value;

use super::error::head;
use super::request::object;
use super::{Account, Prompt, Seam};

/// The turns of the conversation, for each format to put into its own shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conversation {
    /// What holds for every request. Always the same text, so that providers can cache it.
    pub(super) system: Cow<'static, str>,
    /// The code around the cursor.
    pub(super) user: String,
    /// The answer so far, when one broke off.
    pub(super) assistant: Option<String>,
    /// The request to go on; `None` where the assistant's turn itself is continued.
    pub(super) go_on: Option<&'static str>,
}

pub(super) const SYSTEM: &str = "You are the completion engine of a code editor. You are shown the text after the cursor \
and the text before the cursor. Reply with exactly the text to insert at the cursor, so that before, insertion \
and after make good code together. Keep to the style and indentation around. Begin right at the cursor, in \
the middle of a line or word if it stands there. Stop when the statement or block at hand is complete. Never \
repeat what is already before or after the cursor. No explanation, no Markdown, no code fence. If nothing \
is missing, reply with nothing.";

pub(super) const GO_ON: &str = "Your reply broke off. Go on right after its last character: repeat nothing of it, and write \
nothing but what is still missing.";

/// Follows insertions that were shown and are not wanted.
const ANOTHER: &str = "The user does not want the insertions above. Reply with a different one.";

/// The conversation that asks for `prompt`. What changes least comes first, because providers cache
/// prompts from their beginning: other files, the text after the cursor, and last the text before it.
pub(super) fn conversation(prompt: &Prompt, account: &Account, seam: Seam) -> Conversation {
    let mut user = String::new();
    for snippet in &prompt.snippets {
        push_tagged(&mut user, &format!("<file path=\"{}\">", snippet.path), &snippet.text, "</file>");
    }
    let language =
        if prompt.language.is_empty() { "" } else { &format!(" language=\"{}\"", prompt.language) };
    let open = format!("<current_file path=\"{}\"{language}>\n<after_cursor>", prompt.path);
    push_tagged(&mut user, &open, &prompt.suffix, "</after_cursor>");
    if !prompt.edits.is_empty() {
        push_tagged(&mut user, "<recent_edits>", &prompt.edits, "</recent_edits>");
    }
    user.push_str("<before_cursor>\n");
    user.push_str(&prompt.prefix);
    let resumed = !prompt.received.is_empty();
    if resumed && seam == Seam::Prefix {
        user.push_str(&prompt.received);
    }
    user.push_str("</before_cursor>\n</current_file>");
    for unwanted in &prompt.unwanted {
        user.push('\n');
        push_tagged(&mut user, "<unwanted>", unwanted, "</unwanted>");
    }
    if !prompt.unwanted.is_empty() {
        user.push_str(ANOTHER);
    }
    Conversation {
        system: system(&account.instructions),
        user,
        assistant: (resumed && seam != Seam::Prefix).then(|| prompt.received.clone()),
        go_on: (resumed && seam == Seam::Instruction).then_some(GO_ON),
    }
}

/// Characters of the user's instructions that are sent at most.
pub const MOST_INSTRUCTIONS: usize = 4000;

fn system(instructions: &str) -> Cow<'static, str> {
    let instructions = instructions.trim();
    if instructions.is_empty() {
        return SYSTEM.into();
    }
    let instructions = head(instructions, MOST_INSTRUCTIONS);
    format!("{SYSTEM}\n\nThe user's instructions for all code you insert:\n{instructions}").into()
}

impl Conversation {
    /// The turns after the system prompt. `turn` makes each from its role, `user` or `assistant`, and its text. No turn is
    /// only white space, and the last does not end with white space: Anthropic and Bedrock refuse both. So the model may
    /// write that white space again.
    pub(super) fn turns(&self, turn: &dyn Fn(&str, &str) -> Value) -> Vec<Value> {
        let mut turns = vec![turn("user", &self.user)];
        if let Some(received) = self.assistant.as_deref().filter(|text| !text.trim().is_empty()) {
            let received = if self.go_on.is_some() { received } else { received.trim_end() };
            turns.push(turn("assistant", received));
            turns.extend(self.go_on.map(|go_on| turn("user", go_on)));
        }
        turns
    }

    /// For models that know no system prompt: it begins the user's turn.
    pub(super) fn without_system(mut self) -> Self {
        self.user = format!("{}\n\n{}", self.system, self.user);
        self
    }
}

/// A turn of a conversation, as most formats have it.
pub(super) fn turn(role: &str, content: impl Into<Value>) -> Value {
    object(&mut [("role", role.into()), ("content", content.into())])
}

/// At most `most` stop strings that may be sent along: none of white space only, which would cut an answer right
/// after the code fence some models open in spite of all, and which Anthropic refuses.
pub(super) fn stops(prompt: &Prompt, most: usize) -> Vec<String> {
    let mut stops = prompt.stop.clone();
    stops.retain(|stop| !stop.trim().is_empty());
    stops.truncate(most);
    stops
}

fn push_tagged(out: &mut String, open: &str, text: &str, close: &str) {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    for part in [open, "\n", text, end, close, "\n"] {
        out.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Snippet;

    fn prompt(received: &str) -> Prompt {
        Prompt {
            prefix: "fn main() {\n    ".to_owned(),
            suffix: "\n}\n".to_owned(),
            path: "src/main.rs".to_owned(),
            language: "rust".to_owned(),
            snippets: vec![Snippet { path: "src/lib.rs".to_owned(), text: "pub fn a() {}".to_owned() }],
            received: received.to_owned(),
            ..Prompt::default()
        }
    }

    const USER: &str = "<file path=\"src/lib.rs\">\npub fn a() {}\n</file>\n\
        <current_file path=\"src/main.rs\" language=\"rust\">\n<after_cursor>\n\n}\n</after_cursor>\n\
        <before_cursor>\nfn main() {\n    </before_cursor>\n</current_file>";

    #[test]
    fn the_code_stands_around_the_cursor() {
        let conversation = conversation(&prompt(""), &Account::default(), Seam::Instruction);
        assert_eq!(conversation.user, USER);
        assert_eq!((conversation.assistant, conversation.go_on), (None, None));
    }

    #[test]
    fn an_answer_that_broke_off_is_continued_as_the_seam_says() {
        let received = || Some("a();".to_owned());
        for (seam, user, assistant, go_on) in [
            (Seam::Instruction, USER.to_owned(), received(), Some(GO_ON)),
            (Seam::Prefill, USER.to_owned(), received(), None),
            (Seam::Prefix, USER.replace("    </before", "    a();</before"), None, None),
        ] {
            let conversation = conversation(&prompt("a();"), &Account::default(), seam);
            assert_eq!(
                (conversation.user, conversation.assistant, conversation.go_on),
                (user, assistant, go_on)
            );
        }
    }

    #[test]
    fn edits_stand_between_what_stays_and_what_is_typed() {
        let edits = "src/a.rs\n-a\n+b\n".to_owned();
        let user = conversation(&Prompt { edits, ..prompt("") }, &Account::default(), Seam::Instruction).user;
        let told = "<recent_edits>\nsrc/a.rs\n-a\n+b\n</recent_edits>\n<before_cursor>";
        assert_eq!(user, USER.replace("<before_cursor>", told));
    }

    #[test]
    fn insertions_that_are_not_wanted_are_told_behind_the_code() {
        let unwanted = vec!["a();".to_owned(), "b();\n".to_owned()];
        let prompt = Prompt { unwanted, ..prompt("") };
        let user = conversation(&prompt, &Account::default(), Seam::Instruction).user;
        let told = "\n<unwanted>\na();\n</unwanted>\n\n<unwanted>\nb();\n</unwanted>\n";
        assert_eq!(user, format!("{USER}{told}{ANOTHER}"));
    }

    #[test]
    fn turns_are_such_that_anthropic_takes_them() {
        for (received, seam, expected) in [
            ("", Seam::TrimmedPrefill, &[][..]),
            (" \n", Seam::TrimmedPrefill, &[]),
            (" \n", Seam::Instruction, &[]),
            ("a();\n  ", Seam::TrimmedPrefill, &["assistant a();"]),
            ("a();\n  ", Seam::Instruction, &["assistant a();\n  ", GO_ON_TURN]),
        ] {
            let conversation = conversation(&prompt(received), &Account::default(), seam);
            let turns = conversation.turns(&|role, text| {
                let text = text.replace(GO_ON, "(go on)");
                Value::from(format!("{role} {text}"))
            });
            assert_eq!(turns[0], format!("user {USER}"));
            assert_eq!(turns[1..], *expected, "{received:?} {seam:?}");
        }
    }

    #[test]
    fn standing_instructions_follow_the_task() {
        let system = |text: &str| system(text).into_owned();
        assert_eq!(system(" \n"), SYSTEM);
        assert!(system("Use type annotations.\n").ends_with(":\nUse type annotations."));
        assert_eq!(system(&"é".repeat(9000)).matches('é').count(), MOST_INSTRUCTIONS);
    }

    const GO_ON_TURN: &str = "user (go on)";

    #[test]
    fn stops_of_white_space_are_left_out() {
        let stop = ["\n\n", "\nfn ", " ", "```"].map(str::to_owned).to_vec();
        assert_eq!(stops(&Prompt { stop, ..Prompt::default() }, 9), ["\nfn ", "```"]);
    }
}
