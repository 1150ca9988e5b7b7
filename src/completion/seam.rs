//! Joining an answer that broke off with the answer to the request that continued it.

/// A model told to continue may repeat this much of what it wrote; shorter overlaps are code that
/// happens to repeat (closing brackets).
const TOLD: usize = 4;
/// A model given its own text as prefix does not repeat it; this much is no coincidence.
const GIVEN: usize = 24;

/// How the new text joins the old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joint {
    /// More of the new text is needed to tell.
    Open,
    /// So many bytes of the new text repeat the end of the old.
    Repeats(usize),
}

/// Finds how much of `fresh` repeats the end of `received`. `told`: the model was told in words to
/// continue, so that repeats are likely. `ended`: no more of `fresh` will come.
pub fn joint(received: &str, fresh: &str, told: bool, ended: bool) -> Joint {
    let least = if told { TOLD } else { GIVEN };
    let mut repeats = 0;
    for (start, _) in received.char_indices() {
        let tail = received.get(start..).unwrap_or_default();
        if tail.len() < least {
            break;
        }
        if fresh.starts_with(tail) {
            repeats = tail.len();
            break;
        }
        if !ended && tail.starts_with(fresh) {
            return Joint::Open;
        }
    }
    Joint::Repeats(repeats)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_are_found_and_coincidences_kept() {
        use Joint::*;
        for (received, fresh, told, ended, joint_is) in [
            ("let x = foo(", "bar);", true, false, Repeats(0)),
            ("let x = foo(", "let x = foo(bar);", true, false, Repeats(12)),
            ("let x = foo(", "= foo(bar);", true, false, Repeats(6)),
            ("let x = foo(", "let x", true, false, Open),
            ("let x = foo(", "let x", true, true, Repeats(0)),
            ("let x = foo(", "", true, false, Open),
            ("a }\n", "}\n", true, false, Repeats(0)),
            ("a\n    }\n", "    }\n}", false, false, Repeats(0)),
            (
                "let total = items.iter().sum();\n",
                "let total = items.iter().sum();\nx",
                false,
                false,
                Repeats(32),
            ),
            ("", "x", true, false, Repeats(0)),
            ("größe", "größe = 1", true, false, Repeats(7)),
        ] {
            assert_eq!(joint(received, fresh, told, ended), joint_is, "{received:?} + {fresh:?}");
        }
    }
}
