//! How much of a model's raw text is shown, as what.

/// Where the text goes.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The document up to the anchor.
    pub before: &'a str,
    /// The document from the cursor on.
    pub after: &'a str,
    /// Lapce's language id.
    pub language: &'a str,
    /// How much the user wants.
    pub extent: Extent,
}

/// How much of an answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extent {
    /// By the place of the cursor.
    #[default]
    Auto,
    /// One line.
    Line,
    /// A block.
    Block,
}

/// What is shown of a raw text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shaped {
    /// The text to show. Only grows while the raw text grows.
    pub text: String,
    /// Nothing the model still writes would be shown: stop it.
    pub complete: bool,
    /// Why nothing is shown, when `text` is empty and the answer was not.
    pub hidden: Option<Hidden>,
}

/// Why an answer was not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// White space only.
    Blank,
}

/// Shapes the raw text received so far; `ended` says that no more will come.
pub fn shape(place: &Place<'_>, raw: &str, ended: bool) -> Shaped {
    let _ = place;
    let text = match (ended, raw.rfind('\n')) {
        (true, _) => raw.trim_end(),
        (false, Some(end)) => raw.get(..end).unwrap_or_default().trim_end(),
        (false, None) => "",
    };
    let hidden = (ended && text.is_empty() && !raw.is_empty()).then_some(Hidden::Blank);
    Shaped { text: text.to_owned(), complete: false, hidden }
}
