//! An answer that begins by saying what stands left of the cursor again.

use std::borrow::Cow;

use super::Place;

/// Shorter beginnings of a line are no echo when they come again (`}`, `x`).
const LEAST: usize = 3;
/// So many lines above the cursor may be echoed.
const LINES: usize = 8;

/// Takes away the echo of the cursor's line, or of it and lines above. While the text may yet turn out to
/// be an echo, nothing shows.
pub(super) fn strip<'r>(place: &Place<'_>, text: Cow<'r, str>, ended: bool) -> Cow<'r, str> {
    let mut start = place.before.len() - place.line_before().len();
    for n in 0..LINES {
        if n > 0 {
            let above = place.before.get(..start.saturating_sub(1)).unwrap_or_default();
            start = above.rfind('\n').map_or(0, |at| at + 1);
        }
        let echo = place.before.get(start..).unwrap_or_default();
        let bare = echo.trim_start();
        if bare.trim_end().len() >= LEAST {
            let from = text.trim_start();
            if let Some(rest) = from.strip_prefix(bare) {
                return Cow::Owned(rest.to_owned());
            }
            // The blank before the cursor may not be said again.
            if let Some(rest) = from.strip_prefix(bare.trim_end())
                && bare != bare.trim_end()
                && rest.starts_with(|c: char| !c.is_alphanumeric())
            {
                return Cow::Owned(rest.trim_start_matches([' ', '\t']).to_owned());
            }
            if !ended && !from.is_empty() && bare.starts_with(from) {
                return Cow::Borrowed("");
            }
        }
        if start == 0 {
            break;
        }
    }
    text
}
