//! What the tests look at in a document.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// The parts of a document.
#[derive(Debug, Default)]
pub struct Parts {
    /// Where links and images lead.
    pub links: Vec<String>,
    /// The anchors of its headings, as GitHub makes them.
    pub anchors: Vec<String>,
    /// Code blocks: their language, and their text.
    pub blocks: Vec<(String, String)>,
    /// Code in running text.
    pub code: Vec<String>,
}

impl Parts {
    pub fn of(text: &str) -> Self {
        let mut parts = Self::default();
        let mut heading: Option<String> = None;
        let mut block = false;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    parts.links.push(dest_url.to_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let anchor = anchor(&heading.take().unwrap_or_default(), &parts.anchors);
                    parts.anchors.push(anchor);
                }
                Event::Start(Tag::CodeBlock(kind)) => {
                    block = true;
                    let language = match kind {
                        CodeBlockKind::Fenced(language) => language.to_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    parts.blocks.push((language, String::new()));
                }
                Event::End(TagEnd::CodeBlock) => block = false,
                Event::Text(text) if block => {
                    if let Some((_, content)) = parts.blocks.last_mut() {
                        content.push_str(&text);
                    }
                }
                Event::Text(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                    parts.code.push(text.to_string());
                }
                _ => {}
            }
        }
        parts
    }
}

/// Lower case, spaces made hyphens, everything left out that is neither letter, digit, hyphen nor underscore; a second
/// one of the same name gets `-1`.
fn anchor(heading: &str, earlier: &[String]) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    let base: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase();
    match earlier.iter().filter(|other| **other == base).count() {
        0 => base,
        count => format!("{base}-{count}"),
    }
}

#[test]
fn anchors_are_made_as_github_makes_them() {
    for (heading, expected) in [
        ("My keyboard has no `\\` key", "my-keyboard-has-no--key"),
        ("`openai`: OpenAI", "openai-openai"),
        ("What & why?", "what--why"),
    ] {
        assert_eq!(Parts::of(&format!("# {heading}\n")).anchors, [expected]);
    }
    assert_eq!(Parts::of("# A\n# A\n").anchors, ["a", "a-1"]);
}
