//! Which messages a volt gets: by what it registered in its answer to `initialize`, and by its `[activation]`.

use std::path::Path;

use globset::{Glob, GlobMatcher};
use lsp_types::{
    CodeActionProviderCapability, DocumentFilter, DocumentSelector, ServerCapabilities,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions, TextDocumentSyncSaveOptions,
};

/// What Lapce asks for anew after every change of a document, in this order (`on_update` in its `doc.rs`;
/// `get_folding_range` there asks nothing).
pub(super) const ASKED_ON_CHANGE: [&str; 4] = [
    "textDocument/inlayHint",
    "textDocument/semanticTokens/full",
    "textDocument/codeLens",
    "textDocument/documentSymbol",
];

/// What it asks for anew at every `experimental/serverStatus` that is `ok` (its `window_tab.rs`).
pub(super) const ASKED_AGAIN: [&str; 4] = [
    "textDocument/codeLens",
    "textDocument/documentSymbol",
    "textDocument/semanticTokens/full",
    "textDocument/inlayHint",
];

/// Whether the volt registered for a request or for `didOpen`.
pub(super) fn registered(capabilities: &ServerCapabilities, method: &str) -> bool {
    match method {
        "textDocument/didOpen" => match &capabilities.text_document_sync {
            Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
                open_close, change, ..
            })) => open_close.or(change.map(|kind| kind != TextDocumentSyncKind::NONE)).unwrap_or(false),
            _ => sync_kind(capabilities) != TextDocumentSyncKind::NONE,
        },
        "textDocument/codeAction" => match &capabilities.code_action_provider {
            Some(CodeActionProviderCapability::Simple(registered)) => *registered,
            Some(CodeActionProviderCapability::Options(_)) => true,
            None => false,
        },
        "textDocument/inlayHint" => capabilities.inlay_hint_provider.is_some(),
        "textDocument/semanticTokens/full" => capabilities.semantic_tokens_provider.is_some(),
        "textDocument/codeLens" => capabilities.code_lens_provider.is_some(),
        "textDocument/documentSymbol" => capabilities.document_symbol_provider.is_some(),
        "textDocument/inlineCompletion" => capabilities.inline_completion_provider.is_some(),
        _ => false,
    }
}

/// How changes are told: incremental, as full text, or not at all.
pub(super) fn sync_kind(capabilities: &ServerCapabilities) -> TextDocumentSyncKind {
    match &capabilities.text_document_sync {
        Some(TextDocumentSyncCapability::Kind(kind)) => *kind,
        Some(TextDocumentSyncCapability::Options(options)) => {
            options.change.unwrap_or(TextDocumentSyncKind::NONE)
        }
        None => TextDocumentSyncKind::NONE,
    }
}

/// Whether `didSave` is wanted, and whether with the text.
pub(super) fn save(capabilities: &ServerCapabilities) -> Option<bool> {
    let Some(TextDocumentSyncCapability::Options(options)) = &capabilities.text_document_sync else {
        return None;
    };
    match options.save.as_ref()? {
        TextDocumentSyncSaveOptions::Supported(wanted) => wanted.then_some(true),
        TextDocumentSyncSaveOptions::SaveOptions(save) => Some(save.include_text.unwrap_or(false)),
    }
}

/// The documents a plugin is told about: those that match any of its filters.
#[derive(Debug, Clone, Default)]
pub struct Selector(Vec<Filter>);

/// What is absent matches every document.
#[derive(Debug, Clone, Default)]
struct Filter {
    language: Option<String>,
    glob: Option<GlobMatcher>,
}

impl Selector {
    /// A volt's, as Lapce makes it of `[activation]`: languages and globs are alternatives.
    pub fn new(languages: &[String], globs: &[String]) -> Selector {
        let languages =
            languages.iter().map(|language| Filter { language: Some(language.clone()), glob: None });
        let globs = globs.iter().map(|pattern| Filter { language: None, glob: glob(pattern) });
        Selector(languages.chain(globs).collect())
    }

    /// A language server's `documentSelector`. Schemes are not looked at.
    pub fn of_server(selector: &DocumentSelector) -> Selector {
        let filter = |filter: &DocumentFilter| Filter {
            language: filter.language.clone(),
            glob: filter.pattern.as_deref().and_then(glob),
        };
        Selector(selector.iter().map(filter).collect())
    }

    /// Every document.
    pub fn all() -> Selector {
        Selector(vec![Filter::default()])
    }

    /// Whether a document of this language at this path is told of.
    pub fn matches(&self, language: &str, path: &Path) -> bool {
        self.0.iter().any(|filter| {
            filter.language.as_ref().is_none_or(|wanted| wanted == language)
                && filter.glob.as_ref().is_none_or(|glob| glob.is_match(path))
        })
    }
}

/// Lapce takes a glob that does not parse for no glob, which lets every document through.
fn glob(pattern: &str) -> Option<GlobMatcher> {
    Glob::new(pattern).ok().map(|glob| glob.compile_matcher())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_and_globs_are_alternatives() {
        let strings = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let cases: [(&[&str], &[&str], bool); 5] = [
            (&["rust"], &[], true),
            (&["go"], &[], false),
            (&["go"], &["**/*"], true),
            (&[], &["**/*.toml"], false),
            (&[], &["a{"], true),
        ];
        for (languages, globs, matches) in cases {
            let selector = Selector::new(&strings(languages), &strings(globs));
            assert_eq!(selector.matches("rust", Path::new("/p/main.rs")), matches, "{languages:?} {globs:?}");
        }
    }
}
