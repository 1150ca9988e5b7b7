//! A volt's README as Lapce's plugin page draws it.
//!
//! Lapce has a Markdown renderer of its own (`lapce-app/src/markdown.rs`, 0.4.6) that leaves much out. What it would
//! lose or spoil is a fault of the README here.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// What the page shows of a README.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The text, without its styles.
    pub text: String,
    /// What the reader does not get, each with its fix.
    pub faults: Vec<String>,
}

impl Page {
    /// Draws a README.
    pub fn draw(markdown: &str) -> Self {
        // The options of `parse_markdown`.
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_HEADING_ATTRIBUTES;
        let mut page = Self::default();
        let mut line_is_due = false;
        // The links that are open: their destination, and where their text begins.
        let mut links: Vec<(String, usize)> = Vec::new();
        let mut images = 0_usize;
        for event in Parser::new_ext(markdown, options) {
            if std::mem::take(&mut line_is_due) {
                page.text.push('\n');
            }
            match event {
                Event::Start(tag) => {
                    match &tag {
                        Tag::Link { dest_url, .. } => links.push((dest_url.to_string(), page.text.len())),
                        Tag::Image { .. } => images += 1,
                        _ => {}
                    }
                    page.faults.extend(fault_of(&tag));
                }
                Event::End(end) => {
                    match end {
                        TagEnd::Link => page.end_link(links.pop()),
                        TagEnd::Image => images = images.saturating_sub(1),
                        _ => {}
                    }
                    line_is_due = !matches!(
                        end,
                        TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link
                    );
                }
                Event::Text(_) if images > 0 => {}
                Event::Text(text) | Event::Code(text) => page.text.push_str(&text),
                Event::Html(text) => {
                    page.faults.push(format!("HTML is shown as it stands: {}", text.trim()));
                    page.text.push_str(&text);
                }
                Event::HardBreak => page.text.push('\n'),
                Event::SoftBreak => page.text.push(' '),
                Event::InlineHtml(text) => page.faults.push(format!("inline HTML is left out: {text}")),
                Event::Rule => page.faults.push("a rule (---) is not drawn: use a heading".to_owned()),
                Event::FootnoteReference(name) => {
                    page.faults.push(format!("the footnote mark [^{name}] is left out: say it in the text"));
                }
                Event::TaskListMarker(_) => {
                    page.faults.push("the box of a task is not drawn: say it in words".to_owned());
                }
                Event::InlineMath(_) | Event::DisplayMath(_) => {}
            }
        }
        page
    }

    /// Links are coloured and cannot be clicked, so the reader needs to see where they lead.
    fn end_link(&mut self, link: Option<(String, usize)>) {
        let Some((destination, start)) = link else { return };
        let shown = self.text.get(start..).unwrap_or_default();
        if !shown.contains(&destination) {
            let fix = "links cannot be clicked: write the address out, as in <https://example.com>";
            self.faults.push(format!("the link \"{shown}\" hides its address {destination}; {fix}"));
        } else if !destination.contains("://") {
            self.faults.push(format!("the link {destination} leads nowhere outside the repository"));
        }
    }
}

fn fault_of(tag: &Tag<'_>) -> Option<String> {
    match tag {
        Tag::Image { dest_url, .. } => Some(format!("the image {dest_url} is not drawn")),
        Tag::Table(_) => Some("each cell of a table becomes a line of its own: use sentences".to_owned()),
        Tag::List(Some(_)) => Some("the numbers of a list are left out: use First, Then, …".to_owned()),
        Tag::Strikethrough => Some("struck text looks like any other".to_owned()),
        Tag::FootnoteDefinition(name) => Some(format!("the footnote {name} is drawn without its mark")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_drawn_line_by_line() {
        for (markdown, text) in [
            ("# A\n\nb\nc `d` *e*", "A\nb c d e"),
            ("- a\n- b\n", "a\nb\n"),
            ("```toml\nx = 1\n```\n\nafter", "x = 1\n\nafter"),
            ("see <https://a.example/b>.", "see https://a.example/b."),
            ("a  \nb", "a\nb"),
        ] {
            assert_eq!(
                Page::draw(markdown),
                Page { text: text.to_owned(), faults: Vec::new() },
                "{markdown}"
            );
        }
    }

    #[test]
    fn what_the_page_spoils_is_named() {
        for (markdown, part) in [
            ("![demo](demo.svg)", "demo.svg is not drawn"),
            ("| a | b |\n|---|---|\n| c | d |\n", "cell of a table"),
            ("[the manual](docs/manual.md)", "hides its address docs/manual.md"),
            ("[docs/a.md](docs/a.md)", "leads nowhere"),
            ("1. one\n2. two\n", "numbers of a list"),
            ("<p>x</p>\n", "HTML is shown"),
            ("a <b>x</b>", "<b>"),
            ("a\n\n---\n", "a rule"),
            ("- [ ] open\n", "box of a task"),
            ("a[^1]\n\n[^1]: b\n", "[^1]"),
            ("~~a~~", "struck"),
        ] {
            let faults = Page::draw(markdown).faults;
            assert!(faults.iter().any(|fault| fault.contains(part)), "{markdown}: {faults:?}");
        }
    }
}
