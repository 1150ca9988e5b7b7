//! Joining an answer that broke off with the answer to the request that continued it.

/// How a format continues an answer that broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seam {
    /// The received text is appended to the prefix; the answer goes on right after it.
    Prefix,
    /// The received text is given as the start of the assistant's answer.
    Prefill,
    /// The same without the white space at its end, which Anthropic refuses: the answer may begin with
    /// that white space once more.
    TrimmedPrefill,
    /// The same, but the answer begins with the whole of the received text once more.
    EchoedPrefill,
    /// A chat model is told to continue; it may repeat the end of what it wrote.
    Instruction,
}

/// A model told to continue may repeat the end of what it wrote. In bytes; shorter overlaps are code that happens to
/// repeat (closing brackets).
const TOLD: usize = 4;
/// A model given its own text as prefix does not repeat it. In bytes; an overlap this long is no coincidence.
const GIVEN: usize = 24;

/// How the new text joins the old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joint {
    /// More of the new text is needed to tell.
    Open,
    /// This many bytes at the start of the new text repeat the end of the old.
    Repeats(usize),
}

/// Finds how much of `fresh` repeats the end of `received`, which was continued by `seam`. `ended`: no
/// more of `fresh` will come.
pub fn joint(received: &str, fresh: &str, seam: Seam, ended: bool) -> Joint {
    if seam == Seam::EchoedPrefill {
        if fresh.starts_with(received) {
            return Joint::Repeats(received.len());
        }
        if !ended && received.starts_with(fresh) {
            return Joint::Open;
        }
    }
    let least = match seam {
        Seam::Instruction | Seam::EchoedPrefill => TOLD,
        Seam::Prefix | Seam::Prefill | Seam::TrimmedPrefill => GIVEN,
    };
    for (start, _) in received.char_indices() {
        let tail = received.get(start..).unwrap_or_default();
        if tail.len() < least {
            break;
        }
        if fresh.starts_with(tail) {
            return Joint::Repeats(tail.len());
        }
        if !ended && tail.starts_with(fresh) {
            return Joint::Open;
        }
    }
    let unseen = unseen_space(received, seam);
    let again = fresh.chars().zip(unseen.chars()).take_while(|(new, old)| new == old);
    let again = again.map(|(new, _)| new.len_utf8()).sum();
    if !ended && again == fresh.len() && again < unseen.len() { Joint::Open } else { Joint::Repeats(again) }
}

/// The white space at the end of `received` that the model was not given.
fn unseen_space(received: &str, seam: Seam) -> &str {
    let shown = received.trim_end().len();
    match seam {
        Seam::TrimmedPrefill => received.get(shown..).unwrap_or_default(),
        // Told to go on with nothing but white space, a model begins anew.
        Seam::Instruction if shown == 0 => received,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Joint::{Open, Repeats};
    use Seam::{EchoedPrefill, Instruction, Prefill, Prefix, TrimmedPrefill};

    #[test]
    fn overlaps_are_found_and_coincidences_kept() {
        for (received, fresh, seam, ended, joint_is) in [
            ("let x = foo(", "bar);", Instruction, false, Repeats(0)),
            ("let x = foo(", "let x = foo(bar);", Instruction, false, Repeats(12)),
            ("let x = foo(", "= foo(bar);", Instruction, false, Repeats(6)),
            ("let x = foo(", "let x", Instruction, false, Open),
            ("let x = foo(", "let x", Instruction, true, Repeats(0)),
            ("let x = foo(", "", Instruction, false, Open),
            ("a }\n", "}\n", Instruction, false, Repeats(0)),
            ("\n  ", "\n  x", Instruction, false, Repeats(3)),
            ("a\n    }\n", "    }\n}", Prefix, false, Repeats(0)),
            ("a\n\n", "\n}", Prefill, false, Repeats(0)),
            (
                "let total = items.iter().sum();\n",
                "let total = items.iter().sum();\nx",
                Prefix,
                false,
                Repeats(32),
            ),
            ("", "x", Instruction, true, Repeats(0)),
            ("größe", "größe = 1", Instruction, false, Repeats(7)),
        ] {
            assert_eq!(joint(received, fresh, seam, ended), joint_is, "{received:?} + {fresh:?}");
        }
    }

    #[test]
    fn white_space_that_was_not_given_may_come_again() {
        for (received, fresh, ended, joint_is) in [
            ("f(\n    ", "\n    x", false, Repeats(5)),
            ("f(\n    ", "x", false, Repeats(0)),
            ("f(\n    ", "\n  x", false, Repeats(3)),
            ("f(\n    ", "\n  ", false, Open),
            ("f(\n    ", "\n  ", true, Repeats(3)),
            ("f(\n    ", "", false, Open),
            (" \n", " \nx", false, Repeats(2)),
            ("f(", " x", false, Repeats(0)),
        ] {
            assert_eq!(joint(received, fresh, TrimmedPrefill, ended), joint_is, "{received:?} + {fresh:?}");
        }
    }

    #[test]
    fn an_echo_is_the_whole_of_what_was_received() {
        for (received, fresh, ended, joint_is) in [
            ("a", "a", false, Repeats(1)),
            ("}", "}\n}", false, Repeats(1)),
            ("ab", "a", false, Open),
            ("ab", "a", true, Repeats(0)),
            ("ab", "b", false, Repeats(0)),
            ("let x", " x = 1", false, Repeats(0)),
        ] {
            assert_eq!(joint(received, fresh, EchoedPrefill, ended), joint_is, "{received:?} + {fresh:?}");
        }
    }
}
